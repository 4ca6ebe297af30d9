"""The queue of strikes and the page of one: filter, group, uphold, overturn."""

from __future__ import annotations

import calendar
import time
from typing import Any, ClassVar
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import appeals, people, queue, review, rulebook, standing
from jupyter_tos_guard.central.casework.errors import InvalidError
from jupyter_tos_guard.central.casework.queue import Filter
from jupyter_tos_guard.central.storage.tables import State
from jupyter_tos_guard.central.web.callers import READ, REVIEW
from jupyter_tos_guard.central.web.pages.base import PageHandler, number_of
from jupyter_tos_guard.central.web.pages.own import code_of, counts
from jupyter_tos_guard.strikes.strike import Action

_FIELDS = ("state", "rule", "clause", "user", "cell", "action", "policy_version")
#: Strikes that are chosen one by one on a page.
_MAX_CHOSEN = 500


class Queue(PageHandler):
    """The queue."""

    access: ClassVar[str] = READ
    write_access: ClassVar[str] = REVIEW
    part: ClassVar[str] = "queue"
    metrics_name = "queue"

    async def get(self) -> None:
        """Show a page of it, or its groups."""
        chosen = self._filter(self.parameter)
        by, after = self.parameter("by"), self.parameter("after")

        def read(session: Session) -> dict[str, Any]:
            book = rulebook.current(session)
            values: dict[str, Any] = {
                "book": book,
                "count": queue.count(session, chosen),
                "choices": queue.choices(session, self.now),
                "groups": None,
                "page": None,
            }
            if by:
                values["groups"] = queue.groups(session, chosen, by)
            else:
                values["page"] = found = queue.page(session, chosen, after)
                values["appeals"] = appeals.of_strikes(session, [each.id for each in found.strikes])
            return values

        values = await self.reading(read)
        self.show(
            "queue.html",
            chosen=chosen,
            by=by,
            after=after,
            fields=self._kept(self.parameter),
            states=[each.value for each in State],
            actions=[each.value for each in Action],
            grouped_most=queue.GROUPED,
            **values,
        )

    async def post(self) -> None:
        """Uphold or overturn what was chosen, or everything that matches."""
        act = self.field("act")
        if act not in ("uphold", "overturn"):
            raise InvalidError("no action was chosen", "Choose uphold or overturn.")
        kept = self._kept(self.field)
        chosen = self._filter(self.field)
        everything = self.field("all") == "yes"
        ids = [number_of(each) for each in self.get_body_arguments("strike")[: _MAX_CHOSEN + 1]]
        if not everything and not ids:
            self.say_and_go("Nothing was chosen: tick strikes first.", self._back(kept))
            return
        if len(ids) > _MAX_CHOSEN:
            raise InvalidError(f"more than {_MAX_CHOSEN} strikes were chosen", "Act on a filter instead.")
        if everything and not self.confirmed():
            newest = await self.reading(queue.newest_id)
            chosen = chosen.only(newest_id=newest)
            kept["newest_id"] = str(newest)
        if everything:
            ids, people_count = await self.reading(lambda session: queue.matching(session, chosen))
        else:
            people_count = 0
        if not self.confirmed() and (everything or act == "overturn"):
            number = f"{len(ids)} strike{'' if len(ids) == 1 else 's'}"
            whose = f" of {people_count} {'person' if people_count == 1 else 'people'}" if everything else ""
            self.ask(
                f"{act.capitalize()} {number}{whose}?",
                _effects(act, number),
                f"{act.capitalize()} {number}",
                back=self._back(kept),
                asks_reason="The people read it." if act == "overturn" else "",
                keep=None if not everything else {**kept, "act": act, "all": "yes"},
            )
            return
        outcome = await self.in_transaction(lambda session: self._act(session, act, ids))
        kept.pop("newest_id", None)
        self.say_and_go(said(act, outcome), self.field("back") or self._back(kept))

    def _act(self, session: Session, act: str, ids: list[int]) -> review.Outcome:
        name, config = self.caller.name, self.context.casework
        if act == "uphold":
            return review.uphold(session, ids, name, self.now, config, self.field("reason"))
        return review.overturn(session, ids, name, self.field("reason"), self.now, config)

    def _filter(self, get: Any) -> Filter:
        values = {name: get(name).strip() for name in _FIELDS}
        newest = get("newest_id")
        return Filter(
            **values,
            since=_day(get("since")),
            until=_day(get("until"), end=True),
            newest_id=number_of(newest) if newest else None,
        )

    def _kept(self, get: Any) -> dict[str, str]:
        names = (*_FIELDS, "since", "until", "by", "newest_id")
        return {name: get(name).strip() for name in names if get(name).strip()}

    def _back(self, kept: dict[str, str]) -> str:
        return "queue?" + urlencode({name: value for name, value in kept.items() if name != "newest_id"})


class StrikePage(PageHandler):
    """One strike: what, by which rule, by whom, and what each action leads to."""

    access: ClassVar[str] = READ
    write_access: ClassVar[str] = REVIEW
    part: ClassVar[str] = "queue"
    metrics_name = "strike"

    async def get(self, strike: str) -> None:
        """Show it."""
        self.show("strike.html", **await self.reading(lambda session: self._read(session, number_of(strike))))

    async def post(self, strike: str) -> None:
        """Uphold or overturn it."""
        act, number, reason = self.field("act"), number_of(strike), self.field("reason")
        name, config = self.caller.name, self.context.casework
        if act == "uphold":
            outcome = await self.in_transaction(
                lambda session: review.uphold(session, [number], name, self.now, config, reason)
            )
        elif act == "overturn":
            outcome = await self.in_transaction(
                lambda session: review.overturn(session, [number], name, reason, self.now, config)
            )
        else:
            raise InvalidError("no action was chosen", "Choose uphold or overturn.")
        self.say_and_go(said(act, outcome), f"strikes/{number}")

    def _read(self, session: Session, number: int) -> dict[str, Any]:
        strike = review.strike_of(session, number)
        current = rulebook.current(session)
        book = rulebook.version(session, strike.policy_version) or current
        name = people.names(session, [strike.person_id])[strike.person_id]
        person = people.get(session, name)
        now_stands, would = standing.what_if(session, person, {"overturn": strike.id, "again": 0}, self.now)
        found = appeals.of_strikes(session, [strike.id]).get(strike.id)
        same_cell = queue.count(session, Filter(cell=strike.cell_digest))
        history = [each for each in people.history(session, person, 21)[0] if each.id != strike.id][:20]
        return {
            "strike": strike,
            "name": name,
            "person": person,
            "book": book,
            "rule": book.rules.get(strike.rule),
            "clause": book.clauses.get(strike.clause),
            "appeal": found,
            "code": code_of(strike),
            "now_stands": now_stands,
            "would": would,
            "same_cell": same_cell,
            "history": history,
            "counts": counts(strike, current, self.now),
            "following": _next_open(session, strike.id, strike.time),
        }


def said(act: str, outcome: review.Outcome) -> str:
    """Return what a review did, in words."""
    verb = {"uphold": "upheld", "overturn": "overturned", "reverse": "reversed"}[act]
    text = f"{outcome.changed} strike{'' if outcome.changed == 1 else 's'} {verb}."
    if outcome.people:
        text += f" {outcome.people} {'person was' if outcome.people == 1 else 'people were'} told."
    if outcome.appeals:
        text += f" {outcome.appeals} open appeal{' was' if outcome.appeals == 1 else 's were'} granted by it."
    if outcome.skipped:
        text += f" {outcome.skipped} had that state already, or are your own."
    return text


def _effects(act: str, number: str) -> list[str]:
    if act == "uphold":
        return [
            f"{number} will be marked as upheld by you. They count as they did.",
            "Those that were overturned count again, and their people are told.",
            "You can undo it by overturning them.",
        ]
    return [
        f"{number} will not count. Standings are computed anew: restrictions that rested on them end.",
        "Their people are told, with your reason. Open appeals against them are granted.",
        "You can undo it by upholding them.",
    ]


def _next_open(session: Session, number: int, when: float) -> int | None:
    cursor = f"{when!r}~{number}"
    found = queue.page(session, Filter(state=State.OPEN.value), cursor, 1).strikes
    return found[0].id if found else None


def _day(text: str, *, end: bool = False) -> float | None:
    """Return when a day begins, or ends, UTC."""
    if not text.strip():
        return None
    try:
        begin = calendar.timegm(time.strptime(text.strip()[:10], "%Y-%m-%d"))
    except ValueError:
        raise InvalidError(f"{text[:20]!r} is no day", "Write it like 2026-11-30.") from None
    return float(begin + (86_400 if end else 0))
