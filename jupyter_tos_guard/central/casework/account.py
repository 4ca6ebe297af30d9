"""What a client and the Hub are told about one person: standing, effects, exemptions, terms, messages."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import exemptions, messages, restrictions, rulebook, standing, terms
from jupyter_tos_guard.central.casework.config import CaseworkConfig, Effect
from jupyter_tos_guard.central.casework.people import find
from jupyter_tos_guard.central.storage.tables import Person
from jupyter_tos_guard.inspection.readable import readable
from jupyter_tos_guard.strikes.standing import Level, Standing

VERSION = 1


class _Position(NamedTuple):
    person: Person | None
    standing: Standing
    effects: tuple[Effect, ...]
    blocked_clauses: list[str]
    reason: str


def account_of(
    session: Session, user: str, groups: Iterable[str], now: float, config: CaseworkConfig
) -> dict[str, Any]:
    """Return the account, as ``GET api/v1/account`` gives it.

    Parameters
    ----------
    session : Session
    user : str
        Nothing is stored about somebody of whom nothing is known.
    groups : iterable of str
        As the Hub says; those that are stored count too.
    now : float
    config : CaseworkConfig
    """
    found = _position(session, user, now, config)
    known = set(groups) | set(found.person.groups if found.person else ())
    state = terms.state_of(session, user, config)
    return {
        "v": VERSION,
        "user": user,
        "standing": _standing(found.standing),
        "effects": {
            "paused": Effect.PAUSE in found.effects,
            "blocked_clauses": found.blocked_clauses,
            "until": found.standing.until if found.effects else None,
            "reason": found.reason,
        },
        "exemptions": [
            {"subject": each.subject, "target": each.target, "until": each.until, "reason": each.reason}
            for each in exemptions.active(session, user, known, now)
        ],
        "terms": {"version": state.version, "accepted": state.accepted, "required": state.required},
        "messages": messages.unread(session, found.person.id) if found.person else [],
        "contact": contact_of(session, config),
    }


def admission_of(
    session: Session, user: str, groups: Iterable[str], now: float, config: CaseworkConfig, url: str = ""
) -> dict[str, Any]:
    """Return whether a server may start for somebody, as ``GET api/v1/admission/USER`` gives it.

    Parameters
    ----------
    session : Session
    user : str
    groups : iterable of str
    now : float
    config : CaseworkConfig
    url : str, optional
        The person's own page as a browser sees it, for links.
    """
    del groups  # standing is a person's own; the Hub sends them for what may come
    found = _position(session, user, now, config)
    state = terms.state_of(session, user, config)
    allowed = Effect.REFUSE_SPAWN not in found.effects
    message = html = ""
    if not allowed:
        until = found.standing.until
        end = f"until {standing.day_text(until)}" if until is not None else "until an admin ends it"
        message = f"Your use of this hub is {found.standing.level} {end}. {found.reason}"
        how = (
            f"Read why, and appeal, at {url}" if url else "You can appeal on the page about the terms of use"
        )
        contact = contact_of(session, config)
        asks = f", or ask {contact}" if contact else ""
        html = f"<p>{escape(readable(message, 1000))}</p><p>"
        if url:
            html += f'Read why, and appeal, on <a href="{escape(url)}">your page about the terms of use</a>'
        else:
            html += escape(how)
        html += f"{escape(readable(asks))}.</p>"
        message = f"{message} {how}{asks}."
    return {
        "allowed": allowed,
        "level": found.standing.level.value,
        "until": found.standing.until,
        "reason": found.reason,
        "message": message,
        "message_html": html,
        "cpu_only": Effect.CPU_ONLY in found.effects,
        "terms": {"version": state.version, "required": state.required, "url": url},
    }


def contact_of(session: Session, config: CaseworkConfig) -> str:
    """Return whom to ask."""
    return config.contact or str(terms.current(session).get("contact") or "")


def _position(session: Session, user: str, now: float, config: CaseworkConfig) -> _Position:
    person = find(session, user)
    if person is None:
        ladder = standing.ladder_of(session)
        return _Position(None, standing.Case((), ()).standing(ladder, now), (), [], "")
    book = rulebook.current(session)
    found = standing.standing_of(session, person, now)
    effects = config.effects_of(found.level)
    blocked: list[str] = []
    if Effect.BLOCK_CLAUSE in effects:
        blocked = standing.broken_clauses(session, person, book.ladder, now)
    return _Position(person, found, effects, blocked, _reason(session, person, found, book, blocked, now))


def _reason(
    session: Session,
    person: Person,
    found: Standing,
    book: rulebook.Rulebook,
    blocked: list[str],
    now: float,
) -> str:
    if found.level in (Level.GOOD, Level.WARNED):
        return ""
    manual = [each for each in restrictions.in_force(session, person.id, now) if each.level == found.level]
    if manual:
        return f"An admin wrote: {manual[0].reason}"
    clauses = blocked or standing.broken_clauses(session, person, book.ladder, now)
    named = "; ".join(book.clause_label(clause) for clause in clauses[:5])
    count = f"{found.live} strike{'' if found.live == 1 else 's'} count{'s' if found.live == 1 else ''}"
    return f"{count} against you" + (f", about: {named}." if named else ".")


def _standing(found: Standing) -> dict[str, Any]:
    return {
        "level": found.level.value,
        "live": found.live,
        "until": found.until,
        "next_level": found.next_level.value if found.next_level else None,
        "strikes_left": found.strikes_left,
    }
