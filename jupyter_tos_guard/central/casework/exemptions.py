"""Vetted uses: for whom which rules or clauses do not hold, and until when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import audit
from jupyter_tos_guard.central.casework.config import CaseworkConfig
from jupyter_tos_guard.central.casework.errors import (
    ConflictError,
    InvalidError,
    NotAllowedError,
    NotFoundError,
)
from jupyter_tos_guard.central.casework.messages import send
from jupyter_tos_guard.central.casework.people import MAX_NAME, find
from jupyter_tos_guard.central.casework.standing import day_text
from jupyter_tos_guard.central.casework.texts import written
from jupyter_tos_guard.central.storage.tables import Exemption

#: No vetted use lasts longer without being looked at again.
MAX_YEARS: Final = 5
_USUAL: Final = CaseworkConfig()
_SUBJECT: Final = re.compile(r"(?:user|group):\S(?:.*\S)?", re.DOTALL)
_TARGET: Final = re.compile(r"\*|(?:rule|clause):[\w.-]{1,100}")


def exempt(
    session: Session,
    subject: str,
    target: str,
    until: float,
    reason: str,
    actor: str,
    now: float,
    config: CaseworkConfig = _USUAL,
) -> Exemption:
    """Let rules not hold for somebody until a day. Strikes from before stay as they are.

    Parameters
    ----------
    session : Session
    subject : str
        ``user:NAME`` or ``group:NAME``.
    target : str
        ``rule:ID``, ``clause:ID`` or ``*``.
    until : float
    reason : str
    actor : str
    now : float
    config : CaseworkConfig, optional

    Raises
    ------
    InvalidError
    NotAllowedError
        The actor means to exempt themselves.
    """
    subject, target = subject.strip(), target.strip()
    if not _SUBJECT.fullmatch(subject) or len(subject) > MAX_NAME:
        raise InvalidError("nobody is named whom to exempt", "Write user:NAME or group:NAME.")
    if config.appeal_by_other and subject == f"user:{actor}":
        raise NotAllowedError("the exemption would be your own", "Another reviewer has to make it.")
    if not _TARGET.fullmatch(target):
        raise InvalidError("nothing is named to exempt from", "Write rule:ID, clause:ID or *.")
    if not now < until <= now + MAX_YEARS * 366 * 86_400:
        raise InvalidError("the end is not in the future", f"Choose a day within {MAX_YEARS} years.")
    reason = written(reason, "a reason")
    made = Exemption(
        subject=subject, target=target, until=until, reason=reason, made_by=actor, made_at=now, ended_by=""
    )
    session.add(made)
    session.flush()
    detail = {"id": made.id, "target": target, "until": until, "reason": reason}
    audit.record(session, actor, "exempt", subject, detail, now)
    _tell(session, subject, f"You are exempt from {_told(target)} until {day_text(until)}: {reason}", now)
    return made


def end(session: Session, exemption_id: int, actor: str, now: float) -> Exemption:
    """End an exemption before its time.

    Raises
    ------
    NotFoundError, ConflictError
    """
    found = session.get(Exemption, exemption_id)
    if found is None:
        raise NotFoundError("there is no such exemption")
    if found.ended_at is not None or found.until <= now:
        raise ConflictError("the exemption has ended already")
    found.ended_by, found.ended_at = actor, now
    audit.record(
        session, actor, "end-exemption", found.subject, {"id": found.id, "target": found.target}, now
    )
    _tell(session, found.subject, f"Your exemption from {_told(found.target)} was ended by an admin.", now)
    return found


def active(session: Session, user: str, groups: Iterable[str], now: float) -> Sequence[Exemption]:
    """Return the exemptions of one person, their groups' included."""
    return active_many(session, {user: groups}, now)[user]


def active_many(
    session: Session, users: Mapping[str, Iterable[str]], now: float
) -> dict[str, list[Exemption]]:
    """Return the exemptions of many people, by name; see :func:`active`."""
    subjects = {
        user: {f"user:{user}", *(f"group:{group}" for group in groups)} for user, groups in users.items()
    }
    rows: list[Exemption] = []
    wanted = sorted(set().union(*subjects.values()))
    for start in range(0, len(wanted), 500):
        rows += session.scalars(_ACTIVE, {"subjects": wanted[start : start + 500], "now": now})
    rows.sort(key=lambda each: (each.until, each.id))
    return {user: [each for each in rows if each.subject in own] for user, own in subjects.items()}


# Put together once, since each report of strikes asks it.
_ACTIVE: Final = select(Exemption).where(
    Exemption.subject.in_(bindparam("subjects", expanding=True)),
    Exemption.until > bindparam("now"),
    Exemption.ended_at.is_(None),
)


def listed(
    session: Session, now: float, *, ended: bool = False, before: int | None = None, limit: int = 100
) -> Sequence[Exemption]:
    """Return exemptions, newest first; those that have ended only when asked for."""
    query = select(Exemption).order_by(Exemption.id.desc()).limit(limit)
    if not ended:
        query = query.where(Exemption.until > now, Exemption.ended_at.is_(None))
    if before is not None:
        query = query.where(Exemption.id < before)
    return session.scalars(query).all()


def _told(target: str) -> str:
    if target == "*":
        return "all rules"
    kind, _, name = target.partition(":")
    return f"the {kind} {name}"


def _tell(session: Session, subject: str, text: str, now: float) -> None:
    kind, _, name = subject.partition(":")
    person = find(session, name) if kind == "user" else None
    if person is not None:
        send(session, person.id, "exemption", text, now)
