"""Strikes counted by day, rule, clause, policy version, action and state.

Charts, rule pages and counts of the queue are read from here, since counting a million
strikes takes longer than anybody waits. Whatever adds or changes strikes keeps this in
step in the same transaction, **as the last thing in it**: everybody writes the same few rows,
and holds their locks until the commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework.config import DAY
from jupyter_tos_guard.central.storage.tables import Tally


class Bucket(NamedTuple):
    """What is counted together."""

    day: int
    rule: str
    clause: str
    policy_version: str
    action: str
    state: str


class Countable(Protocol):
    """What has what a bucket asks for: a row of the strike table, or a part of it."""

    @property
    def time(self) -> float: ...
    @property
    def rule(self) -> str: ...
    @property
    def clause(self) -> str: ...
    @property
    def policy_version(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def state(self) -> str: ...


def bucket_of(strike: Countable) -> Bucket:
    """Return where a strike is counted."""
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
    dialect: Any = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    for start in range(0, len(rows), 100):
        insert = dialect.insert(Tally).values(rows[start : start + 100])
        session.execute(
            insert.on_conflict_do_update(
                index_elements=list(Bucket._fields), set_={"count": Tally.count + insert.excluded["count"]}
            )
        )
    if any(change < 0 for change in changes.values()):
        session.execute(delete(Tally).where(Tally.count <= 0))
