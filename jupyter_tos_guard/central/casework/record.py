"""Everything that is stored about one person: what that person may see and take along."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework.config import CaseworkConfig
from jupyter_tos_guard.central.casework.people import find
from jupyter_tos_guard.central.casework.standing import standing_of
from jupyter_tos_guard.central.storage.tables import (
    Acceptance,
    Appeal,
    Audit,
    Base,
    Client,
    Exemption,
    Message,
    Restriction,
    Stream,
    Strike,
)

#: Rows of each kind; the newest. Nobody has more but by forging.
MAX_ROWS = 10_000


def record_of(session: Session, user: str, now: float, config: CaseworkConfig) -> dict[str, Any]:
    """Return what is stored about a person, as JSON takes it; ``{"user", "known": False}`` if nothing is.

    Reviewers' names are left out, as they are on the person's own page.
    """
    person = find(session, user)
    if person is None:
        return {"v": 1, "user": user, "known": False, "made": now}
    own = (Strike, Client, Appeal, Restriction, Message, Acceptance)
    found: dict[str, Any] = {
        "v": 1,
        "user": user,
        "known": True,
        "made": now,
        "first_seen": person.first_seen,
        "groups": person.groups,
        "standing": standing_of(session, person, now)._asdict(),
        "kept_days": config.retention_days,
    }
    for table in own:
        rows = session.scalars(
            select(table).where(table.person_id == person.id).order_by(table.id.desc()).limit(MAX_ROWS)
        )
        found[table.__tablename__ + "s"] = [_plain(row) for row in rows]
    streams = session.scalars(
        select(Stream).join(Client, Client.id == Stream.client_id).where(Client.person_id == person.id)
    )
    found["streams"] = [_plain(row) for row in streams.fetchmany(MAX_ROWS)]
    subject = f"user:{user}"
    exemptions = session.scalars(select(Exemption).where(Exemption.subject == subject))
    found["exemptions"] = [_plain(row) for row in exemptions]
    log = session.scalars(
        select(Audit).where(Audit.target == subject).order_by(Audit.id.desc()).limit(MAX_ROWS)
    )
    found["audit"] = [{"time": row.time, "action": row.action} for row in log]
    return found


#: Who reviewed is between the reviewers; who asks is told on what grounds.
_LEFT_OUT = {"person_id", "reviewed_by", "answered_by", "upheld_by", "made_by", "ended_by", "lifted_by"}


def _plain(row: Base) -> dict[str, Any]:
    names = (column.key for column in row.__table__.columns)
    return {name: getattr(row, name) for name in names if name not in _LEFT_OUT}
