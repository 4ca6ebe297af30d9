"""Strikes, audit log and acceptances as CSV or JSON lines, streamed: no list is ever whole in memory."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from tornado.iostream import StreamClosedError

from jupyter_tos_guard.central.casework import audit
from jupyter_tos_guard.central.storage.tables import Acceptance, Audit, Person, Strike
from jupyter_tos_guard.central.web import views
from jupyter_tos_guard.central.web.callers import ADMIN
from jupyter_tos_guard.central.web.routes import Query, Route, RouteHandler

_ROWS: Final = 1000
#: What a spreadsheet takes for a formula when a cell begins with it.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_CONTENT: Final = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}

Rows = Callable[[Session, int], Sequence[dict[str, Any]]]


class Since(Query):
    """Rows with a higher number than this only."""

    after: Annotated[int, Field(ge=0, lt=2**63)] = 0


def strikes(session: Session, after: int) -> Sequence[dict[str, Any]]:
    """Return strikes in the order in which they came."""
    rows = session.execute(
        select(Strike, Person.name)
        .join(Person, Person.id == Strike.person_id)
        .where(Strike.id > after)
        .order_by(Strike.id)
        .limit(_ROWS)
    )
    return [{"user": name, **views.plain(strike, {"person_id"})} for strike, name in rows]


def audit_log(session: Session, after: int) -> Sequence[dict[str, Any]]:
    """Return the audit log in its order."""
    query = select(Audit).where(Audit.id > after).order_by(Audit.id).limit(_ROWS)
    return [views.plain(row) for row in session.scalars(query)]


def acceptances(session: Session, after: int) -> Sequence[dict[str, Any]]:
    """Return who accepted which version of the terms, and when."""
    rows = session.execute(
        select(Acceptance, Person.name)
        .join(Person, Person.id == Acceptance.person_id)
        .where(Acceptance.id > after)
        .order_by(Acceptance.id)
        .limit(_ROWS)
    )
    return [{"user": name, **views.plain(row, {"person_id"})} for row, name in rows]


_TABLES: Final[dict[str, Rows]] = {"strikes": strikes, "audit": audit_log, "acceptances": acceptances}
#: Columns also when there is no row.
_COLUMNS: Final = {
    "strikes": ["user", *(c.key for c in Strike.__table__.columns if c.key != "person_id")],
    "audit": [c.key for c in Audit.__table__.columns],
    "acceptances": ["user", *(c.key for c in Acceptance.__table__.columns if c.key != "person_id")],
}


class Export(RouteHandler):
    """Streams one table."""

    async def answer(self, path: dict[str, str]) -> None:
        """Send all rows, some at a time."""
        assert self.route is not None
        query = self._query(self.route)
        name, kind = self.route.path.rpartition("/")[2].split(".")
        table, after = _TABLES[name], query.model_dump()["after"]
        caller, now = self.caller.name, self.now
        await self.in_transaction(
            lambda session: audit.record(session, caller, "export", name, {"as": kind, "after": after}, now)
        )
        self.set_header("Content-Type", _CONTENT[kind])
        self.set_header("Content-Disposition", f'attachment; filename="tos-guard-{name}.{kind}"')
        if kind == "csv":
            self.write(as_csv([_COLUMNS[name]]))
        if self.request.method == "HEAD":
            return
        try:
            while True:
                rows = await self.reading(lambda session, after=after: table(session, after))  # type: ignore[misc]  # bound at once
                if not rows:
                    break
                after = rows[-1]["id"]
                self.write(
                    as_csv([[row[column] for column in _COLUMNS[name]] for row in rows])
                    if kind == "csv"
                    else "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
                )
                await self.flush()  # waits while the reader is slow
        except StreamClosedError:
            return


def as_csv(rows: Sequence[Sequence[Any]]) -> str:
    """Return rows as CSV in which no text begins as a formula does."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_MINIMAL).writerows([_plain(value) for value in row] for row in rows)
    return text.getvalue()


def _plain(value: Any) -> Any:
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        value = value.replace("\0", "")
        if value.startswith(_FORMULA):
            return f"'{value}"
    return value


def _streamed(*_: Any) -> None:
    raise NotImplementedError("answered by its own handler")


ROUTES = [
    Route(
        "GET",
        f"api/v1/export/{name}.{kind}",
        ADMIN,
        f"All {name} as {'comma-separated values' if kind == 'csv' else 'JSON lines'}",
        _streamed,
        Since,
        content=_CONTENT[kind].partition(";")[0],
        answer={"type": "string"},
    )
    for name in _TABLES
    for kind in _CONTENT
]
