"""Pages about people: who stands where, one person, restrict, lift, exempt; and appeals."""

from __future__ import annotations

import calendar
import time
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import (
    appeals,
    exemptions,
    people,
    restrictions,
    review,
    rulebook,
    standing,
    terms,
)
from jupyter_tos_guard.central.casework.config import MEANINGS
from jupyter_tos_guard.central.casework.errors import InvalidError
from jupyter_tos_guard.central.casework.review import strike_of
from jupyter_tos_guard.central.storage.tables import Appeal, AppealState
from jupyter_tos_guard.central.web.base import Problem
from jupyter_tos_guard.central.web.callers import READ, REVIEW
from jupyter_tos_guard.central.web.pages.base import PageHandler, number_of
from jupyter_tos_guard.central.web.pages.own import code_of, counts
from jupyter_tos_guard.central.web.pages.rendering import path
from jupyter_tos_guard.strikes.standing import Level

_PAGE = 50


class People(PageHandler):
    """Who stands where."""

    access: ClassVar[str] = READ
    part: ClassVar[str] = "people"
    metrics_name = "people"

    async def get(self) -> None:
        """Show a page of people."""
        level = self.parameter("level", "not-good")
        search, after = self.parameter("search").strip(), self.parameter("after")
        wanted = "" if level == "all" else level
        found = await self.reading(
            lambda session: people.listed(session, level=wanted, search=search, after=after, limit=_PAGE + 1)
        )
        self.show(
            "people.html",
            people=found[:_PAGE],
            after=found[_PAGE - 1].name if len(found) > _PAGE else "",
            level=level,
            search=search,
            levels=[each.value for each in Level],
        )


class PersonPage(PageHandler):
    """One person."""

    access: ClassVar[str] = READ
    write_access: ClassVar[str] = REVIEW
    part: ClassVar[str] = "people"
    metrics_name = "person"

    async def get(self, name: str) -> None:
        """Show what is recorded."""
        self.show("person.html", **await self.reading(lambda session: self._read(session, name)))

    async def post(self, name: str) -> None:
        """Restrict, lift, or exempt."""
        act, reason, until = self.field("act"), self.field("reason"), end_of(self.field("until"))
        me, config, now = self.caller.name, self.context.casework, self.now
        if act == "restrict":
            level = self.field("level")
            if not self.confirmed() and level in ("restricted", "suspended"):
                when = standing.day_text(until) if until else "until somebody lifts it"
                meanings = "; ".join(MEANINGS[e] for e in config.effects_of(Level(level))) or "nothing else"
                self.ask(
                    f"Set the standing of {name} to {level}?",
                    [
                        f"It lasts {'until ' + when if until else when}.",
                        f"What it brings about: {meanings}.",
                        "The person is told, with your reason. You can lift it at any time.",
                    ],
                    f"Set to {level}",
                    back=f"people/{path(name)}",
                    asks_reason="The person reads it.",
                )
                return
            found = await self.in_transaction(
                lambda session: restrictions.restrict(session, name, level, until, reason, me, now, config)
            )
            text = f"The standing of {name} is {found.level} now; the person was told."
        elif act == "lift":
            if not self.confirmed():
                self.ask(
                    f"Lift what restricts {name}?",
                    [
                        "What admins set ends now.",
                        "Strikes up to now stay on the record; they stop counting towards the standing.",
                        "The person is told, with your reason.",
                    ],
                    "Lift",
                    back=f"people/{path(name)}",
                    asks_reason="The person reads it.",
                )
                return
            found = await self.in_transaction(
                lambda session: restrictions.lift(session, name, reason, me, now, config)
            )
            text = f"Lifted: the standing of {name} is {found.level} now; the person was told."
        elif act == "exempt":
            target = self.field("target")
            await self.in_transaction(
                lambda session: exemptions.exempt(
                    session, f"user:{name}", target, until or 0.0, reason, me, now, config
                )
            )
            text = f"{name} is exempt now. Kernels learn of it within a poll interval."
        else:
            raise InvalidError("no action was chosen", "Choose restrict, lift or exempt.")
        self.say_and_go(text, f"people/{path(name)}")

    def _read(self, session: Session, name: str) -> dict[str, Any]:
        person = people.get(session, name)
        book = rulebook.current(session)
        strikes, set_before = people.history(session, person, 100)
        log: list[tuple[float, str, Any]] = [(each.time, "strike", each) for each in strikes]
        log += [(each.since, "restriction", each) for each in set_before]
        log += [(each.lifted_at, "lifted", each) for each in set_before if each.lifted_at]
        mine = appeals.of_person(session, name)
        log += [(each.time, "appeal", each) for each in mine]
        log += [(each.answered_at, "answer", each) for each in mine if each.answered_at]
        found = standing.standing_of(session, person, self.now)
        return {
            "name": name,
            "person": person,
            "book": book,
            "standing": found,
            "meanings": [MEANINGS[effect] for effect in self.context.casework.effects_of(found.level)],
            "timeline": sorted(log, key=lambda entry: -entry[0])[:150],
            "exemptions": exemptions.active(session, name, person.groups, self.now),
            "terms": terms.state_of(session, name, self.context.casework),
            "counts": lambda strike: counts(strike, book, self.now),
            "in_force": restrictions.in_force(session, person.id, self.now),
        }


class Exemptions(PageHandler):
    """Vetted uses."""

    access: ClassVar[str] = READ
    write_access: ClassVar[str] = REVIEW
    part: ClassVar[str] = "exemptions"
    metrics_name = "exemptions"

    async def get(self) -> None:
        """Show them."""
        ended = self.parameter("ended") == "yes"
        now = self.now

        def read(session: Session) -> dict[str, Any]:
            return {
                "exemptions": exemptions.listed(session, now, ended=ended),
                "book": rulebook.current(session),
            }

        subject, target = self.parameter("subject"), self.parameter("target")
        self.show("exemptions.html", ended=ended, subject=subject, target=target, **await self.reading(read))

    async def post(self) -> None:
        """Make one, or end one."""
        me, now, config = self.caller.name, self.now, self.context.casework
        if self.field("act") == "end":
            number = number_of(self.field("exemption"))
            if not self.confirmed():
                self.ask(
                    "End this exemption now?",
                    ["The rules hold again for the user or group within a poll interval; a user is told."],
                    "End the exemption",
                    back="exemptions",
                )
                return
            await self.in_transaction(lambda session: exemptions.end(session, number, me, now))
            self.say_and_go("The exemption was ended.", "exemptions")
            return
        subject = f"{self.field('kind')}:{self.field('name').strip()}"
        target, until, reason = self.field("target"), end_of(self.field("until")), self.field("reason")
        await self.in_transaction(
            lambda session: exemptions.exempt(session, subject, target, until or 0.0, reason, me, now, config)
        )
        self.say_and_go("The exemption was made. Kernels learn of it within a poll interval.", "exemptions")


class Appeals(PageHandler):
    """Appeals: those that wait by when they are due."""

    access: ClassVar[str] = READ
    part: ClassVar[str] = "appeals"
    metrics_name = "appeals"

    async def get(self) -> None:
        """Show them."""
        state = self.parameter("state", AppealState.OPEN.value)
        before = self.parameter("before")
        wanted = "" if state == "all" else state
        earlier = number_of(before) if before else None

        def read(session: Session) -> dict[str, Any]:
            found = appeals.listed(session, state=wanted, before=earlier, limit=_PAGE)
            strikes = {each.strike_id: strike_of(session, each.strike_id) for each in found}
            return {
                "appeals": found,
                "strikes": strikes,
                "names": people.names(session, [each.person_id for each in found]),
                "book": rulebook.current(session),
            }

        self.show(
            "appeals.html",
            state=state,
            states=[each.value for each in AppealState],
            **await self.reading(read),
        )


class AppealPage(PageHandler):
    """One appeal, and its answer."""

    access: ClassVar[str] = READ
    write_access: ClassVar[str] = REVIEW
    part: ClassVar[str] = "appeals"
    metrics_name = "appeal"

    async def get(self, appeal: str) -> None:
        """Show it."""
        self.show("appeal.html", **await self.reading(lambda session: self._read(session, number_of(appeal))))

    async def post(self, appeal: str) -> None:
        """Answer it."""
        number, act, text = number_of(appeal), self.field("act"), self.field("text")
        if act not in ("grant", "deny"):
            raise InvalidError("no answer was chosen", "Choose grant or deny.")
        me, config, now = self.caller.name, self.context.casework, self.now
        await self.in_transaction(
            lambda session: appeals.answer(session, number, me, act == "grant", text, now, config)
        )
        done = (
            "granted: the strike does not count any more" if act == "grant" else "denied: the strike counts"
        )
        self.say_and_go(f"The appeal was {done}. The person was told.", "appeals")

    def _read(self, session: Session, number: int) -> dict[str, Any]:
        found = session.get(Appeal, number)
        if found is None:
            raise Problem(404, "not-found", "there is no such appeal")
        strike = review.strike_of(session, found.strike_id)
        book = rulebook.version(session, strike.policy_version) or rulebook.current(session)
        name = people.names(session, [found.person_id])[found.person_id]
        person = people.get(session, name)
        now_stands, would = standing.what_if(session, person, {"overturn": strike.id}, self.now)
        return {
            "appeal": found,
            "strike": strike,
            "name": name,
            "book": book,
            "rule": book.rules.get(strike.rule),
            "code": code_of(strike),
            "why_not": appeals.why_not(session, found, self.caller.name, self.context.casework),
            "now_stands": now_stands,
            "would": would,
        }


def end_of(text: str) -> float | None:
    """Return when a day ends, UTC; None when none is named."""
    if not text.strip():
        return None
    try:
        return float(calendar.timegm(time.strptime(text.strip()[:10], "%Y-%m-%d")) + 86_400)
    except ValueError:
        raise InvalidError(f"{text[:20]!r} is no day", "Write it like 2026-11-30.") from None
