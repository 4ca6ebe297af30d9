"""Acceptance of the terms, and what changed in them since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import rulebook
from jupyter_tos_guard.central.casework.config import CaseworkConfig
from jupyter_tos_guard.central.casework.errors import ConflictError, NotFoundError
from jupyter_tos_guard.central.casework.people import ensure, find
from jupyter_tos_guard.central.storage.tables import Acceptance, Terms


class TermsState(NamedTuple):
    """The terms as they are for one person.

    Attributes
    ----------
    version : str
        In force; empty when none were published.
    accepted : str or None
        The version that the person accepted last.
    accepted_at : float or None
    required : bool
        Whether the person has to accept before a server starts.
    document : mapping
        See :meth:`jupyter_tos_guard.policy.model.Terms.to_json`.
    changes : list of mapping
        ``{"clause", "was", "is"}``, since the accepted version; texts are empty when the clause
        was not there, or is not any more.
    """

    version: str
    accepted: str | None
    accepted_at: float | None
    required: bool
    document: dict[str, Any]
    changes: list[dict[str, str]]


def current(session: Session) -> dict[str, Any]:
    """Return the document of the terms in force; empty when none were published."""
    return dict(rulebook.current(session).document.get("terms") or {})


def state_of(session: Session, user: str, config: CaseworkConfig) -> TermsState:
    """Return the terms as they are for one person."""
    document = current(session)
    version = str(document.get("version") or "")
    person = find(session, user)
    last = None
    if person is not None:
        last = session.scalars(
            select(Acceptance)
            .where(Acceptance.person_id == person.id)
            .order_by((Acceptance.version == version).desc(), Acceptance.time.desc(), Acceptance.id.desc())
            .limit(1)
        ).one_or_none()
    accepted = last.version if last else None
    changes: list[dict[str, str]] = []
    if accepted is not None and accepted != version:
        before = session.get(Terms, accepted)
        changes = changes_between(before.document, document) if before else []
    required = config.require_terms and bool(version) and accepted != version
    return TermsState(version, accepted, last.time if last else None, required, document, changes)


def accepted_by(session: Session, person_ids: Sequence[int], version: str) -> dict[int, str]:
    """Return which version each of these people accepted last; ``version``, the one in force, if they did."""
    rows = session.execute(_ACCEPTED, {"ids": person_ids, "version": version})
    return {row.person_id: row.version for row in rows}


# Put together once, since each report of strikes asks it.
_ACCEPTED: Final = (
    select(Acceptance.person_id, Acceptance.version)
    .where(Acceptance.person_id.in_(bindparam("ids", expanding=True)))
    .order_by(Acceptance.version == bindparam("version"), Acceptance.time, Acceptance.id)
)


def accept(session: Session, user: str, version: str, now: float, config: CaseworkConfig) -> None:
    """Note that somebody accepted the terms in force.

    Raises
    ------
    NotFoundError
        None are published.
    ConflictError
        They have another version by now.
    """
    state = state_of(session, user, config)
    if not state.version:
        raise NotFoundError("no terms are published")
    if version != state.version:
        raise ConflictError(
            f"the terms in force are version {state.version}, not {version[:40]!r}",
            "Read the new version and accept that.",
        )
    if state.accepted == version:
        return
    person = ensure(session, user, now)
    session.add(Acceptance(person_id=person.id, version=version, time=now))
    session.flush()


def changes_between(was: dict[str, Any], now: dict[str, Any]) -> list[dict[str, str]]:
    """Return clauses that differ, as ``{"clause", "was", "is"}``, in the order of the new terms."""
    before = {str(each["id"]): _shown(each) for each in was.get("clauses") or ()}
    after = {str(each["id"]): _shown(each) for each in now.get("clauses") or ()}
    return [
        {"clause": clause, "was": before.get(clause, ""), "is": after.get(clause, "")}
        for clause in {**after, **before}
        if before.get(clause) != after.get(clause)
    ]


def _shown(clause: dict[str, Any]) -> str:
    text = " ".join(str(clause.get("text", "")).split())
    return f"{clause.get('number', '')}. {clause.get('title', '')}: {text}"
