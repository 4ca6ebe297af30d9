"""Pages about the hub as a whole: overview, clients, audit log."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import appeals, audit, charts, queue, rulebook
from jupyter_tos_guard.central.casework.queue import Filter
from jupyter_tos_guard.central.storage.tables import Client, Person, State, Stream
from jupyter_tos_guard.central.web.callers import ADMIN, READ
from jupyter_tos_guard.central.web.pages.base import PageHandler, number_of
from jupyter_tos_guard.central.web.pages.drawing import kinds_of, share_bar, stacked_bars
from jupyter_tos_guard.strikes.standing import Level

_DAYS = 30
_PAGE = 100
#: States in which a kernel runs cells that nobody decides about.
_UNGUARDED = ("unguarded", "failing", "tampered", "missing")


class Overview(PageHandler):
    """What waits, and how things go."""

    access: ClassVar[str] = READ
    part: ClassVar[str] = "overview"
    metrics_name = "overview"

    async def get(self) -> None:
        """Show it."""
        now = self.now

        def read(session: Session) -> dict[str, Any]:
            levels = select(Person.level, func.count().label("number")).where(
                Person.level != Level.GOOD.value
            )
            troubled = select(func.count()).select_from(Client).where(Client.silent_since > 0)
            gaps = select(func.count()).select_from(Stream).where(Stream.gap_since > 0)
            return {
                "book": rulebook.current(session),
                "open": queue.count(session, Filter(state=State.OPEN.value)),
                "appeals": appeals.waiting(session, now),
                "levels": {row.level: row.number for row in session.execute(levels.group_by(Person.level))},
                "silent": session.scalar(troubled) or 0,
                "gaps": session.scalar(gaps) or 0,
                "by_day": charts.by_day(session, now, _DAYS),
                "rules": charts.by_rule(session, now, _DAYS),
            }

        values = await self.reading(read)
        book = values["book"]
        kinds = kinds_of(values["by_day"])
        labels = {kind: "Other clauses" if kind == "other" else book.clause_label(kind) for kind in kinds}
        reviewed = [each for each in values["rules"] if each.reviewed]
        self.show(
            "overview.html",
            chart=stacked_bars(values["by_day"], labels, f"Strikes by day and clause, the last {_DAYS} days"),
            kinds=kinds,
            labels=labels,
            days=_DAYS,
            by_rate=sorted(reviewed, key=lambda each: (-(each.overturn_rate or 0), -each.reviewed))[:8],
            bar=lambda each: share_bar(
                each.overturn_rate, f"{100 * (each.overturn_rate or 0):.0f} % of {each.reviewed} overturned"
            ),
            **values,
        )


class Clients(PageHandler):
    """Who reports, who went silent, whose record has gaps, which kernels are not guarded."""

    access: ClassVar[str] = READ
    part: ClassVar[str] = "clients"
    metrics_name = "clients"

    async def get(self) -> None:
        """Show them."""
        which, before = self.parameter("which", "trouble"), self.parameter("before")

        def read(session: Session) -> dict[str, Any]:
            gaps = select(Stream.client_id).where(Stream.gap_since > 0)
            query = (
                select(Client, Person.name)
                .join(Person, Person.id == Client.person_id)
                .order_by(Client.id.desc())
                .limit(_PAGE)
            )
            if which == "trouble":
                query = query.where(or_(Client.silent_since > 0, Client.id.in_(gaps)))
            if before:
                query = query.where(Client.id < number_of(before))
            rows = session.execute(query).all()
            ids = [client.id for client, _ in rows]
            missing: dict[int, int] = {}
            for stream in session.scalars(
                select(Stream).where(Stream.client_id.in_(ids), Stream.gap_since > 0).limit(1000)
            ):
                lost = max(0, stream.announced - stream.received - len(stream.beyond))
                missing[stream.client_id] = missing.get(stream.client_id, 0) + lost
            return {
                "clients": rows,
                "missing": missing,
                "more": ids[-1] if len(rows) == _PAGE else None,
                "current": rulebook.current_version(session),
            }

        self.show("clients.html", which=which, unguarded=_unguarded, **await self.reading(read))


class AuditLog(PageHandler):
    """Who did what."""

    access: ClassVar[str] = ADMIN
    part: ClassVar[str] = "audit"
    metrics_name = "audit"

    async def get(self) -> None:
        """Show it, newest first."""
        wanted = {name: self.parameter(name).strip() for name in ("actor", "action", "target")}
        before = self.parameter("before")
        earlier = number_of(before) if before else None
        found = await self.reading(
            lambda session: audit.entries(session, before=earlier, limit=_PAGE, **wanted)
        )
        self.show(
            "audit.html", entries=found, more=found[-1].id if len(found) == _PAGE else None, wanted=wanted
        )


def _unguarded(client: Client) -> list[str]:
    """Names of kernels that say that nobody guards them."""
    return [
        str(guard.get("name") or guard.get("kernel") or "?")
        for guard in client.guards[:50]
        if isinstance(guard, dict) and guard.get("state") in _UNGUARDED
    ]
