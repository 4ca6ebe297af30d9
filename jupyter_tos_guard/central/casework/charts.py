"""Numbers for charts, from the tally. Drawing is with the pages."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework.tally import day_of
from jupyter_tos_guard.central.storage.tables import State, Tally


class RuleNumbers(NamedTuple):
    """What a rule did.

    ``overturned`` of ``reviewed``: a rule that reviewers often take back is a bad rule.
    """

    rule: str
    clause: str
    hits: int
    blocked: int
    open: int
    upheld: int
    overturned: int
    newest: int

    @property
    def reviewed(self) -> int:
        """Strikes that somebody has looked at."""
        return self.upheld + self.overturned

    @property
    def overturn_rate(self) -> float | None:
        """Share of the reviewed that was overturned; None when none was reviewed."""
        return self.overturned / self.reviewed if self.reviewed else None


def by_day(session: Session, now: float, days: int, *, rule: str = "") -> dict[int, dict[str, int]]:
    """Return strikes per clause for each of the last days, days without any included, oldest first."""
    today = day_of(now)
    query = (
        select(Tally.day, Tally.clause, func.sum(Tally.count))
        .where(Tally.day > today - days, Tally.day <= today)
        .group_by(Tally.day, Tally.clause)
    )
    if rule:
        query = query.where(Tally.rule == rule)
    found: dict[int, dict[str, int]] = {day: {} for day in range(today - days + 1, today + 1)}
    for day, clause, number in session.execute(query):
        found[day][clause] = int(number)
    return found


def by_rule(session: Session, now: float, days: int, *, policy_version: str = "") -> list[RuleNumbers]:
    """Return what each rule did in the last days, most hits first."""
    query = (
        select(
            Tally.rule,
            func.max(Tally.clause).label("clause"),
            Tally.action,
            Tally.state,
            func.sum(Tally.count).label("number"),
            func.max(Tally.day).label("newest"),
        )
        .where(Tally.day > day_of(now) - days)
        .group_by(Tally.rule, Tally.action, Tally.state)
    )
    if policy_version:
        query = query.where(Tally.policy_version == policy_version)
    found: dict[str, RuleNumbers] = {}
    for row in session.execute(query):
        number = int(row.number)
        was = found.get(row.rule) or RuleNumbers(row.rule, row.clause, 0, 0, 0, 0, 0, 0)
        found[row.rule] = was._replace(
            hits=was.hits + number,
            blocked=was.blocked + (number if row.action == "block" else 0),
            open=was.open + (number if row.state == State.OPEN.value else 0),
            upheld=was.upheld + (number if row.state == State.UPHELD.value else 0),
            overturned=was.overturned + (number if row.state == State.OVERTURNED.value else 0),
            newest=max(was.newest, row.newest),
        )
    return sorted(found.values(), key=lambda each: (-each.hits, each.rule))
