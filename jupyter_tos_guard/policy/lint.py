"""What is well formed in a policy folder but unwise, with the mend for each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from jupyter_tos_guard.policy.rules import Policy, Problem, load_policy


def lint_policy(folder: Path) -> list[Problem]:
    """Read a policy folder and tell everything that is wrong in it."""
    policy, problems = load_policy(folder)
    return sorted([*problems, *(lint(policy) if policy else ())])


def lint(policy: Policy) -> list[Problem]:
    """Tell what is unwise in a policy that was read."""
    return []


def main(arguments: Sequence[str]) -> int:
    """Print the problems of a folder; 1 when there are errors."""
    if len(arguments) != 1:
        print("usage: python -m jupyter_tos_guard.policy.lint FOLDER", file=sys.stderr)
        return 2
    problems = lint_policy(Path(arguments[0]))
    for problem in problems:
        print(problem)
    return int(any(problem.severity == "error" for problem in problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
