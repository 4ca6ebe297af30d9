"""Strikes counted by day, rule, clause, policy version, action and state.

Charts, rule pages and counts of the queue are read from here, since counting a million
strikes takes longer than anybody waits. Whatever adds or changes strikes keeps this in
step in the same transaction, **as the last thing in it**: everybody writes the same few rows,
and holds their locks until the commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Integer, cast, delete, func, insert, select, text
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework.config import DAY
from jupyter_tos_guard.central.storage.bulk import insert_rows
from jupyter_tos_guard.central.storage.tables import Strike, Tally


class Bucket(NamedTuple):
    """What is counted together."""

    day: int
    rule: str
    clause: str
    policy_version: str
    action: str
    state: str


def bucket_of(strike: Any) -> Bucket:
    """Return where a strike is counted: a row of its table, or what has the same fields."""
    return Bucket(
        day_of(strike.time), strike.rule, strike.clause, strike.policy_version, strike.action, strike.state
    )


def day_of(time: float) -> int:
    """Return the day that a time is in, since the epoch, UTC."""
    return int(time // DAY)


def count(session: Session, changes: Mapping[Bucket, int]) -> None:
    """Add to the counts, or take away with negative numbers.

    Parameters
    ----------
    session : Session
    changes : mapping of Bucket to int
        ``Counter(bucket_of(strike) for strike in new)``.
    """
    # Always in one order, so that two that do this at once never wait for each other in a circle.
    rows = [{**bucket._asdict(), "count": change} for bucket, change in sorted(changes.items()) if change]
    session.flush()  # what waits to be written comes before the locks of the tally, not at the commit
    insert_rows(session, Tally, rows, unique=Bucket._fields, add=["count"])
    if any(change < 0 for change in changes.values()):
        session.execute(delete(Tally).where(Tally.count <= 0))


def rebuild(session: Session) -> None:
    """Count everything anew: after a purge, or when something else wrote to the tables."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE tally IN EXCLUSIVE MODE"))
    session.execute(delete(Tally))
    day = cast(func.floor(Strike.time / DAY), Integer)
    rest = (Strike.rule, Strike.clause, Strike.policy_version, Strike.action, Strike.state)
    session.execute(
        insert(Tally).from_select(
            [*Bucket._fields, "count"], select(day, *rest, func.count()).group_by(day, *rest)
        )
    )
