"""What a client and the Hub are told about one person: standing, effects, exemptions, terms, messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import exemptions, messages, restrictions, rulebook, standing, terms
from jupyter_tos_guard.central.casework.config import CaseworkConfig, Effect
from jupyter_tos_guard.central.casework.people import find, find_many
from jupyter_tos_guard.central.storage.tables import Restriction
from jupyter_tos_guard.inspection.readable import readable
from jupyter_tos_guard.strikes.standing import Level, Standing

VERSION = 1


class _Position(NamedTuple):
    standing: Standing
    effects: tuple[Effect, ...]
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
    return accounts_of(session, {user: groups}, now, config)[user]


def accounts_of(
    session: Session,
    users: Mapping[str, Iterable[str]],
    now: float,
    config: CaseworkConfig,
    *,
    known: standing.Known | None = None,
) -> dict[str, dict[str, Any]]:
    """Return the accounts of many people at once, in as few queries as one needs; see :func:`account_of`.

    Parameters
    ----------
    session : Session
    users : mapping of str to iterable of str
        Groups of each, as the Hub says.
    now : float
    config : CaseworkConfig
    known : Known, optional
        For a caller that has read it already, of all of them.
    """
    book = known.book if known else rulebook.current(session)
    those = known.people.values() if known else find_many(session, users)
    people = {person.name: person for person in those}
    ids = [person.id for person in people.values()]
    cases = known.cases if known else standing.cases_of(session, ids, book.ladder, now) if ids else {}
    groups = {
        user: {*given, *(people[user].groups if user in people else ())} for user, given in users.items()
    }
    exempt = exemptions.active_many(session, groups, now)
    document = book.document.get("terms") or {}
    version = str(document.get("version") or "")
    accepted = terms.accepted_by(session, ids, version)
    unread = messages.unread_many(session, ids)
    contact = config.contact or str(document.get("contact") or "")
    standings = {each: cases[each].standing(book.ladder, now) for each in ids}
    low = [
        each
        for each, found in standings.items()
        if found.level not in (Level.GOOD, Level.WARNED)
        or Effect.BLOCK_CLAUSE in config.effects_of(found.level)
    ]
    broken = standing.broken_clauses_many(session, low, book.ladder, now)
    manual = restrictions.in_force_many(session, low, now)
    nobody = standing.Case((), ()).standing(book.ladder, now)
    made = {}
    for user in users:
        person = people.get(user)
        found = standings[person.id] if person else nobody
        effects = config.effects_of(found.level) if person else ()
        clauses = broken.get(person.id, []) if person else []
        blocked = clauses if Effect.BLOCK_CLAUSE in effects else []
        reason = _reason(found, book, clauses, manual.get(person.id, [])) if person else ""
        last = accepted.get(person.id) if person else None
        made[user] = {
            "v": VERSION,
            "user": user,
            "standing": _standing(found),
            "effects": {
                "paused": Effect.PAUSE in effects,
                "blocked_clauses": blocked,
                "until": found.until if effects else None,
                "reason": reason,
            },
            "exemptions": [
                {"subject": each.subject, "target": each.target, "until": each.until, "reason": each.reason}
                for each in exempt[user]
            ],
            "terms": {
                "version": version,
                "accepted": last,
                "required": config.require_terms and bool(version) and last != version,
            },
            "messages": unread.get(person.id, []) if person else [],
            "contact": contact,
        }
    return made


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
    book = rulebook.current(session)
    person = find(session, user)
    if person is None:
        return _Position(standing.Case((), ()).standing(book.ladder, now), (), "")
    found = standing.standing_of(session, person, now)
    low = found.level not in (Level.GOOD, Level.WARNED)
    clauses = standing.broken_clauses(session, person, book.ladder, now) if low else []
    manual = restrictions.in_force(session, person.id, now) if low else []
    return _Position(found, config.effects_of(found.level), _reason(found, book, clauses, manual))


def _reason(
    found: Standing, book: rulebook.Rulebook, clauses: Sequence[str], manual: Sequence[Restriction]
) -> str:
    if found.level in (Level.GOOD, Level.WARNED):
        return ""
    written = [each.reason for each in manual if each.level == found.level]
    if written:
        return f"An admin wrote: {written[0]}"
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
