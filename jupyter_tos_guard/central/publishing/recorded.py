"""The database's strikes as they came in: what a replay reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.storage.tables import Person
from jupyter_tos_guard.central.storage.tables import Strike as Row
from jupyter_tos_guard.strikes.strike import Action, Strike

#: Rows in memory at a time.
_BATCH: Final = 2000
#: Fields of a strike that are columns of the same name.
_SAME: Final = tuple(
    name for name in Strike._fields if name not in ("id", "user", "action", "provenance", "facts")
)


def recorded(session: Session, since: float, most: int | None = None) -> Iterator[Strike]:
    """Yield strikes in the order of time.

    Parameters
    ----------
    session : Session
    since : float
        Seconds since the epoch.
    most : int, optional
        Only the latest so many; without it they are streamed.
    """
    columns = [getattr(Row, name) for name in _SAME]
    query = (
        select(Person.name, Row.act, Row.action, Row.provenance, Row.facts, *columns)
        .join(Person, Person.id == Row.person_id)
        .where(Row.time >= since)
    )
    if most is None:
        ordered = query.order_by(Row.time, Row.id).execution_options(yield_per=_BATCH)
        rows = iter(session.execute(ordered))
    else:
        latest = query.order_by(Row.time.desc(), Row.id.desc()).limit(most)
        rows = reversed(session.execute(latest).all())
    for user, act, action, provenance, facts, *same in rows:
        yield Strike(
            id=act,
            user=user,
            action=Action(action),
            provenance=tuple(provenance),
            facts=tuple((str(kind), str(value)) for kind, value in facts),
            **dict(zip(_SAME, same, strict=True)),
        )
