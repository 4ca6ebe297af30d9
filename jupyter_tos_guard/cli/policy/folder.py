"""What the verbs over a folder of rules share. Not a verb."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jupyter_tos_guard.cli.verb import Exit, Refusal, Verb
from jupyter_tos_guard.policy.rules import Policy, Problem, load_policy


class FolderVerb(Verb):
    """A verb whose argument is a folder with ``policy.yml`` and rules."""

    def folder(self, what: str = "folder with policy.yml and rules") -> Path:
        """Return the folder that the argument names."""
        return policy_folder(self.one_argument(what))

    def report(self, problems: Iterable[Problem], fine: str) -> Exit:
        """Print problems, or that there are none; errors are flagged, warnings are not."""
        problems = list(problems)
        errors = sum(problem.severity == "error" for problem in problems)
        if self.as_json:
            self.print_json([_plain(problem) for problem in problems])
        else:
            for problem in problems:
                print(problem)
            print(f"{errors} errors, {len(problems) - errors} warnings" if problems else fine)
        return Exit.FLAGGED if errors else Exit.OK


def policy_folder(name: str) -> Path:
    """Return a folder of rules, or refuse."""
    folder = Path(name).expanduser()
    if not (folder / "policy.yml").is_file():
        raise Refusal(f"{folder} is no policy: it has no file policy.yml.", Exit.UNREADABLE)
    return folder


def read_folder(folder: Path) -> Policy:
    """Read a folder of rules; what cannot be read is told and left out."""
    policy, problems = load_policy(folder)
    for problem in problems:
        print(problem, file=sys.stderr)
    if policy is None:
        raise Refusal(f"{folder / 'policy.yml'} cannot be used, see above.", Exit.POLICY)
    return policy


def _plain(problem: Problem) -> dict[str, Any]:
    return problem._asdict()
