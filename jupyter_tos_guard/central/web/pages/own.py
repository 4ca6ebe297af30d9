"""The pages of a user: what is about them, in their words. Whose they are comes from the caller alone."""

from __future__ import annotations

import json
from typing import Any, ClassVar
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import (
    account,
    appeals,
    exemptions,
    messages,
    people,
    record,
    rulebook,
    standing,
    terms,
)
from jupyter_tos_guard.central.casework.config import MAX_TEXT, MEANINGS
from jupyter_tos_guard.central.web.callers import USER
from jupyter_tos_guard.central.web.pages.base import PageHandler, number_of
from jupyter_tos_guard.central.web.pages.rendering import marked_code
from jupyter_tos_guard.strikes.standing import Level

_SHOWN = 50


class OwnPage(PageHandler):
    """Standing, messages, strikes, terms, what is stored."""

    access: ClassVar[str] = USER
    part: ClassVar[str] = "me"
    metrics_name = "me"

    async def get(self) -> None:
        """Show it."""
        self.show("me.html", **await self.reading(self._read))

    def _read(self, session: Session) -> dict[str, Any]:
        name, config, now = self.caller.name, self.context.casework, self.now
        book = rulebook.current(session)
        person = people.find(session, name)
        groups = set(self.caller.groups) | set(person.groups if person else ())
        found = account.account_of(session, name, groups, now, config)
        strikes: Any = []
        clauses: list[str] = []
        if person is not None:
            strikes = people.history(session, person, _SHOWN)[0]
            clauses = standing.broken_clauses(session, person, book.ladder, now)
        level = Level(found["standing"]["level"])
        return {
            "account": found,
            "book": book,
            "ladder": book.ladder,
            "person": person,
            "strikes": strikes,
            "appeals": appeals.of_strikes(session, [each.id for each in strikes]),
            "clauses": [book.clause_label(clause) for clause in clauses],
            "messages": messages.newest(session, person.id, 20) if person else [],
            "exemptions": exemptions.active(session, name, groups, now),
            "terms": terms.state_of(session, name, config),
            "meanings": [MEANINGS[effect] for effect in config.effects_of(level)],
            "next_meanings": [
                MEANINGS[effect]
                for effect in config.effects_of(Level(found["standing"]["next_level"] or "good"))
            ],
            "shown_most": _SHOWN,
            "counts": lambda strike: counts(strike, book, now),
        }


class OwnStrike(PageHandler):
    """One strike of one's own, and the appeal against it."""

    access: ClassVar[str] = USER
    part: ClassVar[str] = "me"
    metrics_name = "me/strike"

    async def get(self, strike: str) -> None:
        """Show it."""
        self.show("own_strike.html", **await self.reading(lambda session: self._read(session, strike)))

    async def post(self, strike: str) -> None:
        """Appeal, or withdraw an appeal."""
        act, number = self.field("act"), number_of(strike)
        name, config = self.caller.name, self.context.casework
        if act == "withdraw":
            appeal = number_of(self.field("appeal"))
            await self.in_transaction(lambda session: appeals.withdraw(session, name, appeal, self.now))
            self.say_and_go("The appeal was withdrawn.", f"me/strikes/{number}")
            return
        text = self.field("text")
        await self.in_transaction(
            lambda session: appeals.appeal(session, name, number, text, self.now, config)
        )
        self.say_and_go(
            f"Your appeal is in. It should be answered within {config.appeal_days:g} days; "
            "the answer will be here and on your page.",
            f"me/strikes/{number}",
        )

    def _read(self, session: Session, number: str) -> dict[str, Any]:
        strike = appeals.own_strike(session, self.caller.name, number_of(number))
        book = rulebook.version(session, strike.policy_version) or rulebook.current(session)
        mine = [each for each in appeals.of_person(session, self.caller.name) if each.strike_id == strike.id]
        return {
            "strike": strike,
            "book": book,
            "clause": book.clauses.get(strike.clause),
            "rule": book.rules.get(strike.rule, {}),
            "appeals": mine,
            "open": next((each for each in mine if each.state == "open"), None),
            "denied": sum(each.state == "denied" for each in mine),
            "most_answered": appeals.MAX_ANSWERED,
            "code": code_of(strike),
            "counts": counts(strike, rulebook.current(session), self.now),
            "ends": strike.time + book.ladder.expire_days * 86_400,
            "most": MAX_TEXT,
            "contact": account.contact_of(session, self.context.casework),
        }


class OwnTerms(PageHandler):
    """The terms, what changed in them, and their acceptance."""

    access: ClassVar[str] = USER
    part: ClassVar[str] = "terms"
    metrics_name = "me/terms"

    async def get(self) -> None:
        """Show them."""
        name, config = self.caller.name, self.context.casework
        state = await self.reading(lambda session: terms.state_of(session, name, config))
        self.show("terms.html", terms=state, next=self._next())

    async def post(self) -> None:
        """Accept them."""
        name, config, version = self.caller.name, self.context.casework, self.field("version")
        await self.in_transaction(lambda session: terms.accept(session, name, version, self.now, config))
        after = self._next()
        where = f"me/terms?{urlencode({'next': after})}" if after else "me/terms"
        self.say_and_go(f"You accepted version {version} of the terms.", where)

    def _next(self) -> str:
        """Where a user came from to accept: the Hub's own pages only."""
        hub = self.context.auth.hub
        wanted = self.parameter("next")
        fine = (
            hub is not None
            and wanted.startswith(hub.hub_prefix)
            and "\\" not in wanted
            and not wanted.startswith("//")
            and wanted.isprintable()
        )
        return wanted if fine else ""


class OwnData(PageHandler):
    """Everything that is stored about the caller, as a file."""

    access: ClassVar[str] = USER
    metrics_name = "me/data"

    async def get(self) -> None:
        """Send it."""
        name, config, now = self.caller.name, self.context.casework, self.now
        data = await self.reading(lambda session: record.record_of(session, name, now, config))
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.set_header("Content-Disposition", 'attachment; filename="tos-guard-about-me.json"')
        self.finish(json.dumps(data, indent=1, ensure_ascii=True, allow_nan=False))


class OwnMessages(PageHandler):
    """Marks messages as read."""

    access: ClassVar[str] = USER
    metrics_name = "me/messages"

    async def post(self) -> None:
        """Mark one, or all."""
        name, now = self.caller.name, self.now
        numbers = [number_of(value) for value in self.get_body_arguments("message")[:100]]

        def mark(session: Session) -> None:
            for number in numbers:
                messages.mark_read(session, name, number, now)

        await self.in_transaction(mark)
        self.say_and_go("Marked as read.", "me")


def counts(strike: Any, book: rulebook.Rulebook, now: float) -> bool:
    """Return whether a strike counts towards the standing by itself, liftings aside."""
    return bool(
        strike.action in ("block", "acknowledge")
        and strike.state != "overturned"
        and now - strike.time < book.ladder.expire_days * 86_400
    )


def code_of(strike: Any) -> Any:
    """Return a strike's evidence with the fragment marked: in the whole cell by place, else all of it."""
    if not strike.evidence:
        return None
    lines = strike.evidence.count("\n") + 1
    place, end = (strike.line, strike.column), (strike.end_line, strike.end_column)
    if strike.end_line and strike.end_line <= lines:
        return marked_code(strike.evidence, place, end)
    return marked_code(strike.evidence)
