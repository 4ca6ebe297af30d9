"""What a user is told: on the own page, in the notice, in the lab."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Select, bindparam, func, insert, select
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework.errors import NotFoundError
from jupyter_tos_guard.central.casework.people import find
from jupyter_tos_guard.central.storage.tables import Message

#: Most unread messages that an account carries.
MAX_UNREAD = 20


def send(session: Session, person_id: int, kind: str, text: str, now: float) -> None:
    """Tell one person something.

    ``kind`` is ``standing``, ``standing-ended``, ``review``, ``appeal``, ``exemption`` or ``terms``.
    """
    session.add(Message(person_id=person_id, time=now, kind=kind, text=text))


def send_many(session: Session, texts: Iterable[tuple[int, str]], kind: str, now: float) -> None:
    """Tell many people something, each their own text."""
    rows = [{"person_id": person, "time": now, "kind": kind, "text": text} for person, text in texts]
    if rows:
        session.execute(insert(Message), rows)


def unread(session: Session, person_id: int) -> list[dict[str, Any]]:
    """Return what a person has not read, newest first, as an account carries it."""
    return unread_many(session, [person_id]).get(person_id, [])


def unread_many(session: Session, person_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Return what each of these people has not read; see :func:`unread`."""
    found: dict[int, list[dict[str, Any]]] = {}
    for row in session.execute(_UNREAD, {"ids": person_ids}):
        found.setdefault(row.person_id, []).append(
            {"id": row.id, "time": row.time, "kind": row.kind, "text": row.text}
        )
    return found


def _unread() -> Select[Any]:
    number = func.row_number().over(
        partition_by=Message.person_id, order_by=(Message.time.desc(), Message.id.desc())
    )
    columns = (Message.person_id, Message.id, Message.time, Message.kind, Message.text)
    waiting = (
        select(*columns, number.label("number"))
        .where(Message.person_id.in_(bindparam("ids", expanding=True)), Message.read_at.is_(None))
        .subquery()
    )
    return (
        select(waiting).where(waiting.c.number <= MAX_UNREAD).order_by(waiting.c.person_id, waiting.c.number)
    )


_UNREAD: Final = _unread()  # put together once, since each report of strikes asks it


def newest(session: Session, person_id: int, limit: int = 50) -> Sequence[Message]:
    """Return messages, read or not, newest first."""
    return session.scalars(
        select(Message)
        .where(Message.person_id == person_id)
        .order_by(Message.time.desc(), Message.id.desc())
        .limit(limit)
    ).all()


def mark_read(session: Session, user: str, message_id: int, now: float) -> None:
    """Note that a user has read a message.

    Raises
    ------
    NotFoundError
        When there is none, or it is somebody else's.
    """
    person = find(session, user)
    message = session.get(Message, message_id)
    if person is None or message is None or message.person_id != person.id:
        raise NotFoundError("there is no such message")
    if message.read_at is None:
        message.read_at = now
