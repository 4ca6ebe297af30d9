"""The first two stages of publishing: lint and examples, then replay. Not a verb."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from jupyter_tos_guard.central.publishing.recorded import recorded
from jupyter_tos_guard.central.publishing.replay import Replay, replay_sessions, replay_strikes
from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.cli.policy.folder import policy_folder
from jupyter_tos_guard.cli.policy.test import failing_examples
from jupyter_tos_guard.cli.sessions import parse_session
from jupyter_tos_guard.cli.verb import Exit, Refusal
from jupyter_tos_guard.guard import Cell
from jupyter_tos_guard.inspection.readable import readable
from jupyter_tos_guard.policy.bundle import Bundle
from jupyter_tos_guard.policy.lint import lint
from jupyter_tos_guard.policy.rules import Policy, load_policy
from jupyter_tos_guard.strikes import spool

_DAY = 86_400.0
#: Rules that are shown; the rest is counted.
_SHOWN = 20


def checked_policy(folder: Path) -> Policy:
    """Return the policy in a folder after linting it and trying its examples, or refuse.

    Warnings are printed and let through.
    """
    policy, problems = load_policy(policy_folder(str(folder)))
    if policy is not None:
        problems = sorted([*problems, *lint(policy)])
        if not any(problem.severity == "error" for problem in problems):
            problems = sorted([*problems, *failing_examples(policy)])
    for problem in problems:
        print(problem, file=sys.stderr)
    errors = sum(problem.severity == "error" for problem in problems)
    if errors or policy is None:
        raise Refusal(
            f"the policy in {folder} has {errors} errors, see above, so nothing was published. "
            f"See: jupyter tos-guard policy test {folder}",
            Exit.POLICY,
        )
    return policy


def replayed(source: str, database: Database | None, days: int, old: Bundle, new: Bundle) -> Replay | None:
    """Replay what was recorded, by preference from the named source, else from the database.

    Returns
    -------
    Replay or None
        None when there is nothing to replay.
    """
    if source:
        path = Path(source).expanduser()
        if path.is_dir():
            return replay_strikes(sorted(spool.read(path), key=lambda strike: strike.time), old, new)
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                return replay_sessions(_sessions(file, path), old, new)
        except OSError as error:
            raise Refusal(f"{path} cannot be read: {error.strerror}.", Exit.UNREADABLE) from None
    if database is None:
        return None
    with database.reading() as session:
        return replay_strikes(recorded(session, time.time() - days * _DAY), old, new)


def replay_lines(replay: Replay) -> list[str]:
    """Return the outcome of a replay in sentences."""
    lines = [
        f"Replay of {replay.cells} cells: {replay.cells_stricter} would have been treated more strictly, "
        f"{replay.cells_milder} more mildly."
    ]
    if replay.unknown:
        lines.append(f"  Of {replay.unknown} cells nothing can be said: too little of them is recorded.")
    changing = [effect for effect in replay.effects if effect.changes]
    for effect in changing[:_SHOWN]:
        parts = [
            f"{count} {word}"
            for count, word in (
                (effect.newly, "newly hit"),
                (effect.no_longer, "no longer hit"),
                (effect.stricter, "stricter"),
                (effect.milder, "milder"),
                (effect.same, "as before"),
            )
            if count
        ]
        verdict = (
            effect.now if effect.was == effect.now else f"{effect.was or 'new'} → {effect.now or 'gone'}"
        )
        lines.append(f"  {readable(effect.title)} ({effect.clause}, {verdict}): {', '.join(parts)}")
        lines += [f"      {sample}" for sample in effect.samples]
    if len(changing) > _SHOWN:
        lines.append(f"  and {len(changing) - _SHOWN} more rules; --json prints all.")
    return lines


def _sessions(lines: Iterable[str], path: Path) -> Iterator[Sequence[Cell]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield parse_session(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise Refusal(f"{path}:{number}: {error}", Exit.UNREADABLE) from None
