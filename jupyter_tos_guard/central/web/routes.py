"""One table of routes: what it says is checked, and is what the OpenAPI description says.

A :class:`Route` names a method, a path, what a caller needs, what the query and the body may be,
and a plain function that answers inside one database transaction. :class:`RouteHandler` does the
rest, so that no route can forget a part of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, ValidationError
from tornado.web import HTTPError, stream_request_body

from jupyter_tos_guard.central.intake.protocol import problem_of
from jupyter_tos_guard.central.storage.database import Unavailable
from jupyter_tos_guard.central.web.base import BaseHandler, Problem
from jupyter_tos_guard.central.web.callers import PUBLIC, Caller
from jupyter_tos_guard.central.web.context import Context

Json = Any
#: Largest body of a route that is not a report, in bytes.
MAX_BODY: Final = 256 << 10
_PARAMETER: Final = re.compile(r"\{(\w+)\}")


class Query(BaseModel):
    """What may stand behind the question mark. Values come as text."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_max_length=500)


class Body(BaseModel):
    """A JSON body."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True)
class Call:
    """One request, checked.

    Attributes
    ----------
    context : Context
    caller : Caller
    now : float
    path : mapping of str to str
        Parts of the path by name, not escaped.
    query, body : model
        As the route says; typed loosely since each route knows its own.
    """

    context: Context
    caller: Caller
    now: float
    path: dict[str, str]
    query: Any
    body: Any

    def number(self, name: str = "id") -> int:
        """Return a part of the path that is a row's number."""
        text = self.path[name]
        if not (text.isascii() and text.isdecimal() and len(text) < 18):
            raise Problem(404, "not-found", f"there is nothing of the number {text[:40]!r}")
        return int(text)


@dataclass(frozen=True)
class Route:
    """One method of one path.

    Attributes
    ----------
    method, path : str
        Parts of the path that vary in braces: ``api/v1/strikes/{id}``.
    access : str
        What a caller needs.
    summary : str
    call : callable
        ``call(Call, Session)`` returns what is sent as JSON. It runs in a thread, and again when the
        transaction met another.
    query : type of Query, optional
    body : type of BaseModel, optional
    answer : dict, optional
        JSON schema of what is sent.
    writes : bool
        Whether it stores anything.
    own_transaction : bool
        ``call(Call)`` without a session, for what has to do with files as well.
    content : str
        Type of what is sent.
    """

    method: str
    path: str
    access: str
    summary: str
    call: Callable[..., Json]
    query: type[Query] = Query
    body: type[BaseModel] | None = None
    answer: dict[str, Any] | None = None
    writes: bool = False
    own_transaction: bool = False
    content: str = "application/json"

    @property
    def pattern(self) -> str:
        """The path as a regular expression."""
        parts = _PARAMETER.split(self.path)
        return "".join(
            rf"(?P<{part}>[^/]{{1,400}})" if number % 2 else re.escape(part)
            for number, part in enumerate(parts)
        )

    @property
    def parameters(self) -> list[str]:
        """Names of the parts of the path that vary."""
        return _PARAMETER.findall(self.path)


@stream_request_body
class RouteHandler(BaseHandler):
    """Answers what the table says. The body is read after it is known who sends it, and bounded."""

    is_page: ClassVar[bool] = False
    #: Largest body that is read.
    max_body: ClassVar[int] = MAX_BODY
    route: Route | None = None

    def initialize(self, **parts: Any) -> None:
        """Take the ``routes`` of this path by method."""
        super().initialize()
        self.routes: dict[str, Route] = parts["routes"]
        self.metrics_name = next(iter(self.routes.values())).path
        self._chunks: list[bytes] = []
        self._size = 0
        self._refused: Exception | None = None

    def needed(self) -> str:
        """See :class:`BaseHandler`."""
        return self.route.access if self.route else PUBLIC

    async def prepare(self) -> None:
        """Find the route, then who calls, before a byte of the body is kept."""
        length = self.request.headers.get("Content-Length", "0")
        announced = int(length) if length.isdecimal() else self.max_body + 1
        try:
            await self._refuse_or_let_in(announced)
        except (HTTPError, Unavailable) as error:
            if announced > self.max_body:
                raise
            # An answer before the end of the body would reach most clients as a broken connection.
            self._refused = error

    async def _refuse_or_let_in(self, announced: int) -> None:
        method = "GET" if self.request.method == "HEAD" else self.request.method or ""
        self.route = self.routes.get(method)
        if self.route is None:
            taken = ", ".join(sorted(self.routes))
            raise Problem(405, "no-such-method", f"this path takes {taken} only", headers={"Allow": taken})
        await super().prepare()
        if announced > self.max_body and "Transfer-Encoding" not in self.request.headers:
            raise self._too_large()

    def data_received(self, chunk: bytes) -> None:
        """Keep a part of the body; of one that is too large nothing, and it is refused at its end."""
        self._size += len(chunk)
        if self._size > self.max_body or self._refused:
            self._chunks.clear()
        else:
            self._chunks.append(chunk)

    def taken_body(self) -> bytes:
        """Return the whole body."""
        if self._size > self.max_body:
            raise self._too_large()
        return b"".join(self._chunks)

    async def get(self, **path: str) -> None:
        """Answer."""
        await self.checked(path)

    async def head(self, **path: str) -> None:
        """Answer without a body."""
        await self.checked(path)

    async def post(self, **path: str) -> None:
        """Answer."""
        await self.checked(path)

    # Not routes; so that they are refused as such.
    put = delete = patch = options = post

    async def checked(self, path: dict[str, str]) -> None:
        """Answer, or refuse what was to be refused when the headers came."""
        if self._refused is not None:
            raise self._refused
        await self.answer(path)

    async def answer(self, path: dict[str, str]) -> None:
        """Check query and body, call the route's function, send what it returns."""
        route = self.route
        assert route is not None
        call = Call(self.context, self.caller, self.now, path, self._query(route), self._body(route))
        if route.own_transaction:
            data = await self.in_thread(route.call, call)
        elif route.writes:
            data = await self.in_transaction(lambda session: route.call(call, session))
        else:
            data = await self.reading(lambda session: route.call(call, session))
        self.write_json(data)

    def _query(self, route: Route) -> Query:
        arguments = self.request.query_arguments
        given: dict[str, str] = {}
        for name, values in arguments.items():
            if len(values) > 1:
                raise Problem(422, "invalid", f"{name[:60]} is given {len(values)} times")
            try:
                given[name] = values[0].decode("utf-8")
            except UnicodeDecodeError:
                raise Problem(422, "invalid", f"{name[:60]} is not UTF-8") from None
            if "\0" in given[name]:
                raise Problem(422, "invalid", f"{name[:60]} holds a NUL")
        try:
            return route.query.model_validate(given)
        except ValidationError as error:
            raise Problem(422, "invalid", f"in the query, {problem_of(error)}") from None

    def _body(self, route: Route) -> BaseModel | None:
        if route.body is None:
            if self._size and route.method != "GET":
                raise Problem(422, "invalid", "this path takes no body")
            return None
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Problem(415, "not-json", "the body has to be JSON", "Send Content-Type: application/json.")
        try:
            data = json.loads(self.taken_body())
        except (ValueError, RecursionError):
            raise Problem(400, "not-json", "the body is not JSON") from None
        refuse_unstorable(data)
        try:
            return route.body.model_validate(data)
        except ValidationError as error:
            raise Problem(422, "invalid", f"in the body, {problem_of(error)}") from None

    def _too_large(self) -> Problem:
        return Problem(413, "too-large", f"the body is larger than {self.max_body} bytes")


def refuse_unstorable(data: Any) -> None:
    """Refuse text that a database cannot hold: NUL and halves of surrogate pairs."""
    waiting = [data]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            if "\0" in each or (not each.isascii() and any("\ud800" <= c <= "\udfff" for c in each)):
                raise Problem(422, "invalid", "a text in the body holds a NUL or half a surrogate pair")
        elif isinstance(each, dict):
            waiting += [*each.keys(), *each.values()]
        elif isinstance(each, list):
            waiting += each


def grouped(routes: Iterable[Route]) -> dict[str, dict[str, Route]]:
    """Return routes by path and method."""
    found: dict[str, dict[str, Route]] = {}
    for route in routes:
        methods = found.setdefault(route.path, {})
        if route.method in methods:
            raise ValueError(f"{route.method} {route.path} is in the table twice")
        methods[route.method] = route
    return found
