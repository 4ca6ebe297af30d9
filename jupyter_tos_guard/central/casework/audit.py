"""The audit log: who did what to whom, when. Only ever added to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.storage.tables import Audit

#: Who acts when nobody does: the ladder, the clock.
SYSTEM = "(the service)"


def record(
    session: Session, actor: str, action: str, target: str, detail: Mapping[str, Any], now: float
) -> None:
    """Add one entry.

    Parameters
    ----------
    session : Session
    actor : str
        Name of the admin, or :data:`SYSTEM`.
    action : str
        One word or two, ``overturn``, ``end-exemption``.
    target : str
        ``user:NAME``, ``strike:ID``, ``rule:ID``, ``policy:VERSION``, ….
    detail : mapping
        What JSON takes.
    now : float
    """
    session.add(
        Audit(time=now, actor=actor[:500], action=action[:60], target=target[:500], detail=dict(detail))
    )


def entries(
    session: Session,
    *,
    actor: str = "",
    action: str = "",
    target: str = "",
    before: int | None = None,
    limit: int = 100,
) -> Sequence[Audit]:
    """Return entries, newest first; empty filters take all."""
    query = select(Audit).order_by(Audit.id.desc()).limit(limit)
    if actor:
        query = query.where(Audit.actor == actor)
    if action:
        query = query.where(Audit.action == action)
    if target:
        query = query.where(Audit.target == target)
    if before is not None:
        query = query.where(Audit.id < before)
    return session.scalars(query).all()
