"""How a caller is known: by the Hub (tokens and OAuth), or by a token of our own without a Hub.

Only *who* it is; what they may do is asked in :mod:`.base`. A token in the ``Authorization``
header counts before a cookie. A cookie alone counts only for what a browser's user did on our own
pages: the Hub's rules for that (``Sec-Fetch-*``, the ``_xsrf`` token) hold without a Hub too, since
other people's notebooks may be served from the same origin.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from base64 import urlsafe_b64encode
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote

from cryptography.fernet import Fernet, InvalidToken
from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, UserNotAllowed
from tornado.web import HTTPError, RequestHandler

from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.threads import Threads
from jupyter_tos_guard.central.storage.tokens import digest_of, find_tokens
from jupyter_tos_guard.central.web.callers import PUBLIC, Caller, expand, from_hub
from jupyter_tos_guard.central.web.limits import RateLimit

if TYPE_CHECKING:
    from jupyter_tos_guard.central.web.base import BaseHandler

_TOKEN: Final = re.compile(r"(?:token|bearer)\s+(\S{1,4096})\s*", re.IGNORECASE)
#: Longest that the name of a user or group may be.
MAX_NAME: Final = 255
COOKIE: Final = "tos-guard-login"
#: Tokens whose owners, or whose being good, are remembered.
MAX_REMEMBERED: Final = 10_000


class NotAllowed(Exception):
    """The caller is known, and is not let in to this service; the text says why."""


class Auth(Protocol):
    """How callers are known."""

    #: Whether cookies and ``_xsrf`` are the Hub's.
    hub: HubOAuth | None

    async def identify(self, handler: BaseHandler) -> Caller | None:
        """Return who called; None when nobody known did.

        Raises
        ------
        NotAllowed
        """

    def login_url(self, handler: BaseHandler) -> str:
        """Return where a browser is sent to log in."""

    def routes(self) -> list[tuple[str, type[RequestHandler]]]:
        """Return the pages that logging in needs."""


def token_in_header(handler: RequestHandler) -> str | None:
    """Return the token of the ``Authorization`` header."""
    found = _TOKEN.fullmatch(handler.request.headers.get("Authorization", ""))
    return found.group(1) if found else None


def by_own_page(handler: RequestHandler) -> bool:
    """Return whether a cookie may speak for its owner without an ``_xsrf`` token.

    A page that is looked at, or an image in it. What a script asks for
    needs the token, reading too: a script of another user's notebook is of the same origin.
    """
    headers = handler.request.headers
    mode = headers.get("Sec-Fetch-Mode", "navigate")
    site = headers.get("Sec-Fetch-Site", "same-origin")
    reads = handler.request.method in ("GET", "HEAD")
    return reads and (mode == "navigate" or (mode == "no-cors" and site == "same-origin"))


class HubAuth:
    """Callers are users and services of a JupyterHub.

    Parameters
    ----------
    hub : HubOAuth
    """

    def __init__(self, hub: StatelessHubOAuth) -> None:
        self.hub: HubOAuth | None = hub
        self._hub = hub
        #: Unknown tokens: each costs the Hub a request.
        self._unknown = RateLimit(1.0, 60.0, time.monotonic)
        #: Digests of tokens that the Hub knew: on one machine all users share an address, and one of them
        #: who tries out tokens is not to shut out the others.
        self._good: OrderedDict[str, None] = OrderedDict()

    async def identify(self, handler: BaseHandler) -> Caller | None:
        """See :class:`Auth`."""
        address = handler.request.remote_ip or ""
        token = token_in_header(handler)
        if "Authorization" in handler.request.headers and token is None:
            return None
        digest = digest_of(token) if token is not None else ""
        if token is not None and digest not in self._good and self._unknown.wait(address) > 0:
            raise HTTPError(429, "too many unknown tokens came from this address")
        model: dict[str, Any] | None = await self._hub.get_user(handler, sync=False)
        if token is not None:
            self._remember(digest, good=bool(model), address=address)
        if not model:
            return None
        try:
            model = handler.check_hub_user(model)
        except UserNotAllowed:
            raise NotAllowed(
                f"{model.get('kind', 'user')} {str(model.get('name'))[:80]!r} is known to the Hub, "
                f"but the token has not the scope {' or '.join(sorted(self._hub.access_scopes))}"
            ) from None
        return _from_model(model)

    def _remember(self, digest: str, *, good: bool, address: str) -> None:
        self._good.pop(digest, None)
        if not good:
            self._unknown.take(address)
            return
        self._good[digest] = None
        if len(self._good) > MAX_REMEMBERED:
            self._good.popitem(last=False)

    def login_url(self, handler: BaseHandler) -> str:
        """See :class:`Auth`."""
        return str(handler.get_login_url())

    def routes(self) -> list[tuple[str, type[RequestHandler]]]:
        """See :class:`Auth`."""
        return [("oauth_callback", OAuthCallback)]


def _from_model(model: dict[str, Any]) -> Caller:
    is_user = model.get("kind", "user") == "user"
    name = str(model["name"])
    return Caller(
        name if is_user else f"service:{name}",
        tuple(sorted(str(group)[:MAX_NAME] for group in model.get("groups") or ())),
        from_hub(model.get("scopes") or ()),
        is_user,
    )


class StatelessHubOAuth(HubOAuth):  # type: ignore[misc]  # jupyterhub has no types
    """Keeps what a login in progress needs in its ``state``, encrypted, instead of in memory.

    The callback may come to another replica than the one that sent the browser away.
    """

    def encrypt_with(self, secret: bytes) -> None:
        """Set the key, which all replicas share."""
        key = hashlib.blake2b(secret, digest_size=32, person=b"tos-guard-state").digest()
        self._fernet = Fernet(urlsafe_b64encode(key))

    def generate_state(self, next_url: str | None = None, **extra_state: Any) -> str:
        """See :class:`HubOAuth`."""
        state = {"next_url": (next_url or "")[:2000], **extra_state}
        return self._fernet.encrypt(json.dumps(state).encode()).decode("ascii")

    def clear_oauth_state(self, state_id: str) -> None:
        """See :class:`HubOAuth`; nothing is kept."""

    def _decode_state(self, state_id: str, /) -> dict[str, Any]:
        try:
            data = self._fernet.decrypt(state_id.encode(), ttl=self.oauth_state_max_age)
        except (InvalidToken, UnicodeEncodeError):
            return {}
        return dict(json.loads(data))


class OAuthCallback(HubOAuthCallbackHandler):  # type: ignore[misc]  # jupyterhub has no types
    """Where the Hub sends the browser back to."""

    metrics_name = "oauth_callback"
    access = PUBLIC

    def initialize(self) -> None:
        """Use the application's own client."""
        self.hub_auth = self.settings["context"].auth.hub


class TokenAuth:
    """Callers have tokens of our own, for hubs without JupyterHub.

    Parameters
    ----------
    database : Database
    threads : Threads
    clock : callable
    """

    #: For how long an answer of the database holds, in seconds: a revoked token works that much longer.
    REMEMBERED: Final = 10.0
    #: Tokens asked for in one query.
    TOGETHER: Final = 200
    hub: HubOAuth | None = None

    def __init__(self, database: Database, threads: Threads, clock: Any = time.time) -> None:
        self._database = database
        self._threads = threads
        self._clock = clock
        self._known: dict[str, tuple[float, Caller]] = {}
        self._wanted: dict[str, asyncio.Future[Caller | None]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._unknown = RateLimit(1.0, 60.0, time.monotonic)

    async def identify(self, handler: BaseHandler) -> Caller | None:
        """See :class:`Auth`."""
        address = handler.request.remote_ip or ""
        if "Authorization" in handler.request.headers:
            token = token_in_header(handler)
            return await self.find(digest_of(token), address) if token else None
        cookie = handler.get_signed_cookie(COOKIE, max_age_days=7, min_version=2)
        if not cookie:
            return None
        if not by_own_page(handler):
            handler.check_xsrf_cookie()
        return await self.find(cookie.decode("ascii", "replace"), address)

    async def find(self, digest: str, address: str) -> Caller | None:
        """Return whose token has that digest."""
        now = self._clock()
        known = self._known.get(digest)
        if known and now - self.REMEMBERED < known[0] <= now:
            return known[1]
        # A token that was good before goes past: on one machine all users share an address.
        if known is None and self._unknown.wait(address) > 0:
            raise HTTPError(429, "too many unknown tokens came from this address")
        caller = await self._look_up(digest)
        if caller is None:
            self._unknown.take(address)
            self._known.pop(digest, None)
            return None
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[digest] = (now, caller)
        return caller

    async def _look_up(self, digest: str) -> Caller | None:
        """Ask the database; those that come while it is being asked share the next question."""
        wanted = self._wanted.get(digest)
        if wanted is None:
            wanted = self._wanted[digest] = asyncio.get_running_loop().create_future()
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._ask())
        return await asyncio.shield(wanted)

    async def _ask(self) -> None:
        while self._wanted:
            part = {each: self._wanted.pop(each) for each in list(self._wanted)[: self.TOGETHER]}
            now = self._clock()
            try:
                found = await self._threads.run(
                    self._database.read, lambda session, part=part, now=now: find_tokens(session, part, now)
                )
            except Exception as error:
                for future in part.values():
                    future.set_exception(error)
                continue
            for digest, future in part.items():
                known = found.get(digest)
                future.set_result(Caller(known.user, (), expand(known.scopes)) if known else None)

    def login_url(self, handler: BaseHandler) -> str:
        """See :class:`Auth`."""
        return f"{handler.context.prefix}login?next={quote(handler.request.uri or '', safe='')}"

    def routes(self) -> list[tuple[str, type[RequestHandler]]]:
        """See :class:`Auth`."""
        from jupyter_tos_guard.central.web.login import LoginHandler, LogoutHandler

        return [("login", LoginHandler), ("logout", LogoutHandler)]


def local_path(path: str, prefix: str) -> str:
    """Return where to go after logging in: a path of ours, or our first page."""
    fine = path.startswith(prefix) and "\\" not in path and not path.startswith("//") and path.isprintable()
    return path if fine else prefix


__all__ = ["Auth", "HubAuth", "NotAllowed", "StatelessHubOAuth", "TokenAuth", "local_path"]
