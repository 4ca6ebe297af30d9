"""REST for the front end, below ``/jupyter-tos-guard/``.

Authenticated and authorised as Jupyter Server's own API, with a resource of its own:
``jupyter_tos_guard``, actions ``read`` and ``write``. What is about the person comes from the
central server, asked in the user's name; without one, from the local record. What is
answered is in ``docs/server.md``.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from jupyter_tos_guard.server.checking import RUN, asked

if TYPE_CHECKING:
    from jupyter_tos_guard.server.app import TosGuardExtension

RESOURCE = "jupyter_tos_guard"
BASE = "/jupyter-tos-guard"
_MAX_BODY = 6 << 20
#: Seconds for which an appeal waits for its strike to reach the central server.
_PATIENCE = 20.0
_NO_CENTRAL = "This hub has no central server: its operators must be asked in person."


class GuardHandler(APIHandler):
    """What all have in common."""

    auth_resource = RESOURCE

    def initialize(self, extension: TosGuardExtension) -> None:
        """Take the extension."""
        self.extension = extension

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the central server in the user's name; its errors become this server's."""
        sync = self.extension.sync
        if sync is None:
            raise web.HTTPError(404, _NO_CENTRAL)
        params = {
            name: self.get_query_argument(name)
            for name in ("before", "limit")
            if method == "GET" and self.get_query_argument(name, None)
        }
        answer = await sync.request(method, path, body, params or None)
        if answer.status >= 400:
            error = answer.body.get("error") if isinstance(answer.body, dict) else None
            message = str(error.get("message", "")) if isinstance(error, dict) else ""
            hint = str(error.get("hint", "")) if isinstance(error, dict) else ""
            said = f"{message} {hint}".strip() or "The central server could not do that."
            # 401 and 403 would tell the front end that its own login has ended.
            raise web.HTTPError(502 if answer.status in (401, 403) else answer.status, said)
        return answer.body

    async def look_at_account(self) -> None:
        """Know at once what the user has just changed: the next report may be minutes away."""
        if self.extension.sync is not None:
            await self.extension.sync.look_at_account()

    def read_body(self) -> Any:
        """Return the request's JSON body."""
        if len(self.request.body) > _MAX_BODY:
            raise web.HTTPError(413, "The request is too large.")
        try:
            body = json.loads(self.request.body or b"{}")
        except (ValueError, RecursionError) as error:
            raise web.HTTPError(400, "The request's body is not JSON.") from error
        if not isinstance(body, dict):
            raise web.HTTPError(400, "The request's body must be a JSON object.")
        return body


class StatusHandler(GuardHandler):
    """``status``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer whether this server is guarded, by which policy, and where the user stands."""
        self.finish(await self.extension.status())


class StrikesHandler(GuardHandler):
    """``strikes``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer the user's own strikes, newest first."""
        if self.extension.sync is not None:
            self.finish(await self.ask("GET", "strikes"))
        else:
            self.finish({"strikes": await self.extension.own_strikes(), "next": None})


class TermsHandler(GuardHandler):
    """``terms``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer the terms of use."""
        if self.extension.sync is not None:
            self.finish(await self.ask("GET", "terms"))
        else:
            self.finish(await self.extension.terms())


class AcceptanceHandler(GuardHandler):
    """``terms/acceptance``."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Accept a version of the terms."""
        body = self.read_body()
        if not isinstance(body.get("version"), str):
            raise web.HTTPError(400, 'The body must be {"version": "…"}.')
        answer = await self.ask("POST", "terms/acceptance", {"version": body["version"]})
        await self.look_at_account()
        self.finish(answer or {})


class AppealsHandler(GuardHandler):
    """``appeals``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer the user's own appeals."""
        if self.extension.sync is None:
            self.finish({"appeals": []})
        else:
            self.finish(await self.ask("GET", "appeals"))

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Appeal against a strike."""
        body = self.read_body()
        strike, text = body.get("strike"), body.get("text")
        if not isinstance(strike, (str, int)) or isinstance(strike, bool) or not isinstance(text, str):
            raise web.HTTPError(400, 'The body must be {"strike": "…", "text": "…"}.')
        self.set_status(201)
        self.finish(await self._appeal({"strike": strike, "text": text}) or {})

    async def _appeal(self, body: dict[str, Any]) -> Any:
        """Send an appeal, after its strike: that may have been recorded a moment ago only."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                return await self.ask("POST", "appeals", body)
            except web.HTTPError as error:
                sync = self.extension.sync
                if error.status_code != 404 or sync is None or time.monotonic() > until:
                    raise
                if not any(each["act"] == body["strike"] for each in await self.extension.own_strikes()):
                    raise
                sync.wake()
            await asyncio.sleep(1.0)


class WithdrawHandler(GuardHandler):
    """``appeals/{id}/withdraw``."""

    @web.authenticated
    @authorized
    async def post(self, appeal: str) -> None:
        """Withdraw an appeal."""
        self.finish(await self.ask("POST", f"appeals/{appeal}/withdraw") or {})


class MessagesHandler(GuardHandler):
    """``messages``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer what the hub has to tell the user."""
        sync = self.extension.sync
        account = sync.account if sync is not None else None
        messages = account.get("messages", []) if account is not None else []
        self.finish({"messages": messages})


class ReadHandler(GuardHandler):
    """``messages/{id}/read``."""

    @web.authenticated
    @authorized
    async def post(self, message: str) -> None:
        """Take note that a message was read."""
        answer = await self.ask("POST", f"messages/{message}/read")
        await self.look_at_account()
        self.finish(answer or {})


class CheckHandler(GuardHandler):
    """``check``."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Answer what would be shown instead of running cells; nothing is recorded."""
        cells_too, notebooks_too = self.extension.may_check()
        if not cells_too:
            raise web.HTTPError(403, "The operators of this hub have switched off asking about cells.")
        try:
            body = self.read_body()
            cells, language = asked(body)
        except ValueError as error:
            raise web.HTTPError(400, str(error)) from error
        if len(cells) > 1 and body.get("occasion") != RUN and not notebooks_too:
            raise web.HTTPError(403, "The operators of this hub have switched off asking about notebooks.")
        wait = self.extension.allowance.wait()
        if wait:
            self.set_header("Retry-After", str(wait))
            raise web.HTTPError(429, f"That was asked too often; ask again in {wait} seconds.")
        self.finish({"results": await self.extension.check(cells, language)})


class Allowance:
    """How often this server may be asked within a minute.

    Not for each user: a server has one, and who comes with its token has another name each time.

    Parameters
    ----------
    each_minute : int
    """

    def __init__(self, each_minute: int) -> None:
        self._most = each_minute
        self._times: deque[float] = deque()

    def wait(self) -> int:
        """Return 0 and count the question, or the seconds to wait."""
        now, times = time.monotonic(), self._times
        while times and now - times[0] >= 60:
            times.popleft()
        if len(times) >= self._most:
            return int(60 - (now - times[0])) + 1
        times.append(now)
        return 0


def routes(extension: TosGuardExtension) -> list[tuple[str, type[GuardHandler], dict[str, Any]]]:
    """Return what Jupyter Server is to serve."""
    paths = {
        "status": StatusHandler,
        "strikes": StrikesHandler,
        "terms": TermsHandler,
        "terms/acceptance": AcceptanceHandler,
        "appeals": AppealsHandler,
        r"appeals/([\w-]{1,64})/withdraw": WithdrawHandler,
        "messages": MessagesHandler,
        r"messages/([\w-]{1,64})/read": ReadHandler,
        "check": CheckHandler,
    }
    return [
        (f"{re.escape(BASE)}/{path}/?", handler, {"extension": extension}) for path, handler in paths.items()
    ]
