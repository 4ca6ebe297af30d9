"""A Hub at the network's edge: who has which token, and the two ends of OAuth. Not a test.

The real Hub is in tests/hub; this one says what a Hub would not say when it is well.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any
from urllib.parse import urlencode

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

SERVICE = "access:services!service=tos-guard"


class Hub:
    """Its tokens, and how often it was asked about one."""

    def __init__(self) -> None:
        self.models: dict[str, dict[str, Any]] = {}
        self.codes: dict[str, str] = {}
        self.asked = 0
        self.broken = False
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def add(
        self, token: str, name: str, *scopes: str, kind: str = "user", groups: tuple[str, ...] = ()
    ) -> None:
        self.models[token] = {
            "name": name,
            "kind": kind,
            "groups": list(groups),
            "scopes": [SERVICE, *(f"custom:tos-guard:{scope}" for scope in scopes)],
        }

    def start(self) -> str:
        self._thread.start()
        assert self._started.wait(30)
        return f"http://127.0.0.1:{self.port}/hub/api"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._started.set()
        self._loop.run_forever()

    async def _start(self) -> None:
        routes = [
            (r"/hub/api/user", _User),
            (r"/hub/api/oauth2/authorize", _Authorize),
            (r"/hub/api/oauth2/token", _Token),
        ]
        sockets = bind_sockets(0, "127.0.0.1")
        self.port = sockets[0].getsockname()[1]
        HTTPServer(Application(routes, hub=self)).add_sockets(sockets)


class _User(RequestHandler):
    def get(self) -> None:
        hub: Hub = self.settings["hub"]
        hub.asked += 1
        if hub.broken:
            self.set_status(500)
            return
        model = hub.models.get(self.request.headers["Authorization"].partition(" ")[2])
        if model is None:
            self.set_status(403)
        else:
            self.write(model)


class _Authorize(RequestHandler):
    def get(self) -> None:
        """Log in as whoever the test says, without asking."""
        hub: Hub = self.settings["hub"]
        code = f"code-{len(hub.codes)}"
        hub.codes[code] = self.get_cookie("as") or ""
        target = self.get_argument("redirect_uri")
        self.redirect(f"{target}?{urlencode({'code': code, 'state': self.get_argument('state')})}")


class _Token(RequestHandler):
    def post(self) -> None:
        hub: Hub = self.settings["hub"]
        assert self.get_body_argument("code_verifier")
        self.write({"access_token": hub.codes.pop(self.get_body_argument("code")), "token_type": "Bearer"})
