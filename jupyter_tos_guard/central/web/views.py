"""Rows of the database as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jupyter_tos_guard.central.casework.config import DAY
from jupyter_tos_guard.central.casework.rulebook import Rulebook
from jupyter_tos_guard.central.storage.tables import Appeal, Base, State, Strike
from jupyter_tos_guard.strikes.strike import Action


def own_strike(strike: Strike, appeal: Appeal | None, book: Rulebook, now: float) -> dict[str, Any]:
    """Return a strike as its user sees it: without who reviewed it."""
    clause = book.clauses.get(strike.clause)
    return {
        "id": strike.id,
        "act": strike.act,
        "time": strike.time,
        "rule": strike.rule,
        "title": book.title_of(strike.rule),
        "clause": {
            "id": strike.clause,
            "number": clause.number if clause else "",
            "title": clause.title if clause else strike.clause,
        },
        "policy_version": strike.policy_version,
        "action": strike.action,
        "verdict": strike.verdict,
        "server": strike.server,
        "kernel": strike.kernel,
        "notebook": strike.notebook,
        "line": strike.line,
        "column": strike.column,
        "end_line": strike.end_line,
        "end_column": strike.end_column,
        "evidence": strike.evidence,
        "decoded": strike.decoded,
        "provenance": strike.provenance,
        "state": strike.state,
        "reason": strike.reason,
        "appeal": appeal
        and {"id": appeal.id, "state": appeal.state, "due": appeal.due, "answer": appeal.answer},
        "counts": (
            Action(strike.action).counts
            and strike.state != State.OVERTURNED.value
            and now - strike.time < book.ladder.expire_days * DAY
        ),
    }


def own_appeal(appeal: Appeal) -> dict[str, Any]:
    """Return an appeal as its user sees it: without who answered."""
    names = ("id", "strike_id", "text", "time", "due", "state", "answer", "answered_at")
    return {name: getattr(appeal, name) for name in names}


def plain(row: Base, leave_out: Iterable[str] = ()) -> dict[str, Any]:
    """Return a row as it is."""
    left_out = set(leave_out)
    names = (column.key for column in row.__table__.columns)
    return {name: getattr(row, name) for name in names if name not in left_out}


def cursor(strike: Strike) -> str:
    """Return where the page after this strike begins."""
    return f"{strike.time!r}~{strike.id}"
