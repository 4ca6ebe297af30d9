"""What users and the Hub ask: the own account, strikes, appeals, terms; admission to a server.

Whose record it is comes from the caller, so no path and no body has a user's name in it, but for
admission, which is the Hub's question.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import account, appeals, messages, people, record, rulebook, terms
from jupyter_tos_guard.central.casework.config import MAX_TEXT
from jupyter_tos_guard.central.casework.errors import InvalidError
from jupyter_tos_guard.central.storage.tables import Strike
from jupyter_tos_guard.central.web import views
from jupyter_tos_guard.central.web.callers import READ, USER
from jupyter_tos_guard.central.web.routes import Body, Call, Json, Query, Route

Limit = Annotated[int, Field(ge=1, le=500)]
Cursor = Annotated[str, StringConstraints(pattern=r"^$|^\d{1,15}(\.\d{1,20})?(e[+-]?\d{1,3})?~\d{1,18}$")]
LongText = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT)]


class Listed(Query):
    """A page of a list."""

    before: Cursor = ""
    limit: Limit = 50


class Groups(Query):
    """The user's groups, as the Hub knows them."""

    groups: Annotated[str, StringConstraints(max_length=8000)] = ""


class AppealIn(Body):
    """An appeal."""

    strike: Annotated[int, Field(ge=1, lt=2**63)] | Annotated[str, StringConstraints(max_length=64)] = Field(
        description="Row id or act of one's own strike."
    )
    text: LongText


class AcceptanceIn(Body):
    """That the terms are accepted."""

    version: Annotated[str, StringConstraints(min_length=1, max_length=100)]


def get_account(call: Call, session: Session) -> Json:
    """Return the caller's account."""
    caller = call.caller
    return account.account_of(session, caller.name, caller.groups, call.now, call.context.casework)


def read_message(call: Call, session: Session) -> Json:
    """Note that a message was read."""
    messages.mark_read(session, call.caller.name, call.number(), call.now)
    return {}


def list_strikes(call: Call, session: Session) -> Json:
    """Return the caller's strikes, newest first."""
    person = people.find(session, call.caller.name)
    if person is None:
        return {"strikes": [], "next": None}
    query = select(Strike).where(Strike.person_id == person.id)
    if call.query.before:
        time, row = parse_cursor(call.query.before)
        query = query.where(or_(Strike.time < time, and_(Strike.time == time, Strike.id < row)))
    limit = call.query.limit
    found = session.scalars(query.order_by(Strike.time.desc(), Strike.id.desc()).limit(limit + 1)).all()
    more, found = len(found) > limit, found[:limit]
    answered = appeals.of_strikes(session, [strike.id for strike in found])
    book = rulebook.current(session)
    return {
        "strikes": [views.own_strike(each, answered.get(each.id), book, call.now) for each in found],
        "next": views.cursor(found[-1]) if more else None,
    }


def get_strike(call: Call, session: Session) -> Json:
    """Return one strike of the caller's."""
    strike = appeals.own_strike(session, call.caller.name, call.path["id"])
    appeal = appeals.of_strikes(session, [strike.id]).get(strike.id)
    return views.own_strike(strike, appeal, rulebook.current(session), call.now)


def list_appeals(call: Call, session: Session) -> Json:
    """Return the caller's appeals."""
    return {"appeals": [views.own_appeal(each) for each in appeals.of_person(session, call.caller.name)]}


def make_appeal(call: Call, session: Session) -> Json:
    """Appeal."""
    made = appeals.appeal(
        session, call.caller.name, call.body.strike, call.body.text, call.now, call.context.casework
    )
    return views.own_appeal(made)


def withdraw_appeal(call: Call, session: Session) -> Json:
    """Withdraw an appeal."""
    return views.own_appeal(appeals.withdraw(session, call.caller.name, call.number(), call.now))


def get_terms(call: Call, session: Session) -> Json:
    """Return the terms in force, and what changed since the caller accepted them."""
    state = terms.state_of(session, call.caller.name, call.context.casework)
    document = state.document
    return {
        "version": state.version,
        "title": document.get("title", ""),
        "clauses": document.get("clauses", []),
        "url": document.get("url", ""),
        "contact": account.contact_of(session, call.context.casework),
        "accepted": state.accepted,
        "required": state.required,
        "changes": state.changes,
    }


def accept_terms(call: Call, session: Session) -> Json:
    """Note that the caller accepts the terms."""
    terms.accept(session, call.caller.name, call.body.version, call.now, call.context.casework)
    return {"version": call.body.version, "accepted": call.body.version}


def get_data(call: Call, session: Session) -> Json:
    """Return everything that is stored about the caller."""
    return record.record_of(session, call.caller.name, call.now, call.context.casework)


def get_admission(call: Call, session: Session) -> Json:
    """Return whether a server may start for a user."""
    groups = [group for group in call.query.groups.split(",") if group]
    context = call.context
    url = context.public_url or context.prefix
    return account.admission_of(session, call.path["user"], groups, call.now, context.casework, url)


def parse_cursor(text: str) -> tuple[float, int]:
    """Return time and row of a cursor."""
    time, _, row = text.partition("~")
    try:
        return float(time), int(row)
    except ValueError:
        raise InvalidError(
            "the page's cursor is damaged", "Take it from `next` of the page before."
        ) from None


def _object(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


_STRIKES = _object("strikes", "next", strikes={"type": "array"}, next={"type": ["string", "null"]})
_ACCOUNT = _object(
    "v",
    "user",
    "standing",
    "effects",
    "exemptions",
    "terms",
    "messages",
    v={"const": 1},
    user={"type": "string"},
)

ROUTES = [
    Route("GET", "api/v1/account", USER, "The caller's standing, effects, exemptions, terms, messages",
          get_account, answer=_ACCOUNT),
    Route("POST", "api/v1/messages/{id}/read", USER, "Note that a message was read", read_message,
          writes=True),
    Route("GET", "api/v1/strikes", USER, "The caller's strikes, newest first", list_strikes, Listed,
          answer=_STRIKES),
    Route("GET", "api/v1/strikes/{id}", USER, "One strike of the caller's, by row id or act", get_strike),
    Route("GET", "api/v1/appeals", USER, "The caller's appeals", list_appeals,
          answer=_object("appeals", appeals={"type": "array"})),
    Route("POST", "api/v1/appeals", USER, "Appeal against a strike", make_appeal, body=AppealIn, writes=True),
    Route("POST", "api/v1/appeals/{id}/withdraw", USER, "Withdraw an appeal", withdraw_appeal, writes=True),
    Route("GET", "api/v1/terms", USER, "The terms, and what changed since they were accepted", get_terms),
    Route("POST", "api/v1/terms/acceptance", USER, "Accept the terms", accept_terms, body=AcceptanceIn,
          writes=True),
    Route("GET", "api/v1/data", USER, "Everything that is stored about the caller", get_data),
    Route("GET", "api/v1/admission/{user}", READ, "Whether a server may start for a user", get_admission,
          Groups, answer=_object("allowed", "message", allowed={"type": "boolean"})),
]  # fmt: skip
