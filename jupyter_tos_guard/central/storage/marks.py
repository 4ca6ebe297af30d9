"""How far periodic work has got: kept in the database, so that one of several replicas does it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.storage.tables import Mark


def advance(session: Session, name: str, now: float, at_least: float = 0.0) -> float | None:
    """Move a mark to ``now``, and return where it was.

    Parameters
    ----------
    session : Session
        Other replicas wait for the end of its transaction.
    name : str
    now : float
    at_least : float, optional
        Leave the mark when it is younger than this, in seconds.

    Returns
    -------
    float or None
        None when there is nothing to do: it is young, or was made just now.
    """
    dialect: Any = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    made = session.execute(
        dialect.insert(Mark).values(name=name, value=now).on_conflict_do_nothing().returning(Mark.name)
    ).first()
    if made:
        return None
    before = session.scalar(select(Mark.value).where(Mark.name == name).with_for_update())
    if before is None or before > now - at_least:
        return None
    session.execute(update(Mark).where(Mark.name == name).values(value=now))
    return before
