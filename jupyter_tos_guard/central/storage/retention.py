"""What is deleted, and when: strikes after their time, what is left of clients, one person on request.

The audit log is never deleted from: the database refuses it.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from sqlalchemy import Select, delete, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from jupyter_tos_guard.central.casework import tally
from jupyter_tos_guard.central.casework.config import DAY
from jupyter_tos_guard.central.storage.tables import (
    Acceptance,
    Appeal,
    Client,
    Message,
    Person,
    Restriction,
    Strike,
)

#: After how many days without a report a client is forgotten.
CLIENT_DAYS: Final = 90.0
#: Rows deleted in one transaction.
AT_ONCE: Final = 2000


class Purged(NamedTuple):
    """What was deleted."""

    strikes: int = 0
    clients: int = 0
    messages: int = 0
    people: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self)


def purge(session: Session, now: float, retention_days: float) -> Purged:
    """Delete some of what is past its time; to be called again while :attr:`Purged.total` is not 0.

    Strikes with an open appeal stay until it is answered.

    Parameters
    ----------
    session : Session
    now : float
    retention_days : float
        For strikes and messages, whole days; 0: they stay.
    """
    old_client = now - max(CLIENT_DAYS, retention_days and 1.0) * DAY
    clients = _delete(session, Client.id, select(Client.id).where(Client.last_report < old_client))
    if not retention_days:
        return Purged(clients=clients)
    before = tally.day_of(now - retention_days * DAY) * DAY
    waiting = exists().where(Appeal.strike_id == Strike.id, Appeal.state == "open")
    rows = session.execute(
        select(Strike.id, *_COUNTED).where(Strike.time < before, ~waiting).order_by(Strike.id).limit(AT_ONCE)
    ).all()
    if rows:
        session.execute(delete(Strike).where(Strike.id.in_([row.id for row in rows])))
    messages = _delete(session, Message.id, select(Message.id).where(Message.time < before))
    people = 0
    if not rows:
        people = _delete(session, Person.id, _forgotten(now - CLIENT_DAYS * DAY))
    session.flush()
    changes = Counter(tally.bucket_of(row) for row in rows)
    tally.count(session, {bucket: -number for bucket, number in changes.items()})
    return Purged(len(rows), clients, messages, people)


def forget(session: Session, person: Person) -> Purged:
    """Delete everything about one person, but for what the audit log says of what admins did."""
    rows = session.execute(select(*_COUNTED).where(Strike.person_id == person.id)).all()
    clients = session.scalar(select(func.count()).select_from(Client).where(Client.person_id == person.id))
    session.execute(delete(Strike).where(Strike.person_id == person.id))
    session.execute(delete(Person).where(Person.id == person.id))
    session.flush()
    changes = Counter(tally.bucket_of(row) for row in rows)
    tally.count(session, {bucket: -number for bucket, number in changes.items()})
    return Purged(strikes=len(rows), clients=clients or 0, people=1)


_COUNTED = (
    Strike.time,
    Strike.rule,
    Strike.clause,
    Strike.policy_version,
    Strike.action,
    Strike.state,
)


def _forgotten(before: float) -> Select[int]:
    """People of whom nothing is left: no strike, no acceptance, no restriction, no client."""
    return select(Person.id).where(
        Person.first_seen < before,
        Person.level == "good",
        *(
            ~exists().where(table.person_id == Person.id)
            for table in (Strike, Acceptance, Restriction, Client)
        ),
    )


def _delete(session: Session, column: InstrumentedAttribute[int], query: Select[int]) -> int:
    ids = session.scalars(query.order_by(column).limit(AT_ONCE)).all()
    if ids:
        session.execute(delete(column.class_).where(column.in_(ids)))
    return len(ids)
