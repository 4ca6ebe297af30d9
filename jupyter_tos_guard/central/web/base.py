"""What all handlers share: who calls, whether they may, how a failure is told, safe headers.

A handler says what it needs in :attr:`BaseHandler.access`; a handler that says nothing needs
a user. Database work goes through :meth:`BaseHandler.in_transaction` and
:meth:`BaseHandler.reading`, never on the event loop.
"""

from __future__ import annotations

import json
import random
import traceback
from collections.abc import Callable, Mapping
from http.client import responses
from typing import Any, ClassVar, TypeVar

from jupyterhub.services.auth import HubOAuthenticated
from sqlalchemy.orm import Session
from tornado.web import HTTPError, RequestHandler

from jupyter_tos_guard.central.casework.errors import CaseworkError
from jupyter_tos_guard.central.publishing.store import RepositoryError
from jupyter_tos_guard.central.storage.database import Unavailable
from jupyter_tos_guard.central.web.auth import NotAllowed, token_in_header
from jupyter_tos_guard.central.web.callers import PUBLIC, USER, Caller
from jupyter_tos_guard.central.web.context import Context
from jupyter_tos_guard.central.web.limits import RateLimit

_T = TypeVar("_T")

#: Nothing from elsewhere, nothing inline, in nobody's frame.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_STATUS = {"not-found": 404, "conflict": 409, "not-allowed": 403, "invalid": 422}


class Problem(HTTPError):
    """A request that cannot be answered as asked.

    Parameters
    ----------
    status : int
    code : str
        One word for programs.
    message : str
        What is wrong, for people.
    hint : str, optional
        How to mend it.
    retry_after : float, optional
        Seconds after which it may work.
    headers : mapping, optional
        To send with it.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        hint: str = "",
        retry_after: float = 0.0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        # Tornado formats the message with its arguments; a percent sign of a user is none.
        super().__init__(status, "%s", message)
        self.code, self.message, self.hint, self.retry_after = code, message, hint, retry_after
        self.headers = headers or {}


def busy(message: str, least: float = 2.0, most: float = 30.0) -> Problem:
    """Return "come again", at a time that differs from client to client."""
    again = random.uniform(least, most)  # noqa: S311 - spreads clients, no secret
    return Problem(503, "busy", message, "Try again after the time in Retry-After.", again)


class BaseHandler(HubOAuthenticated, RequestHandler):  # type: ignore[misc]  # jupyterhub has no types
    """A handler that knows its caller.

    Attributes
    ----------
    access : str
        What a caller needs, of :mod:`.callers`.
    write_access : str or None
        What is needed for other methods than GET and HEAD, if something else.
    caller : Caller
        Who calls; set before the handler's own method runs. For public handlers
        ``Caller("")`` when nobody is known.
    """

    access: ClassVar[str] = USER
    write_access: ClassVar[str | None] = None
    #: Pages send a browser to log in; the API says 401.
    is_page: ClassVar[bool] = True
    caller: Caller = Caller("", is_user=False)

    def initialize(self, **parts: Any) -> None:
        """Use the application's own Hub client, not one per process; ``parts`` are of the route."""
        if self.context.auth.hub is not None:
            self.hub_auth = self.context.auth.hub

    @property
    def context(self) -> Context:
        """What the application is made of."""
        found: Context = self.settings["context"]
        return found

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return self.context.clock()

    # -- who ------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """Find out who calls and whether they may, before anything else."""
        needed = self.needed()
        if any("\0" in part for part in (*self.path_args, *self.path_kwargs.values()) if part):
            raise Problem(404, "not-found", "there is nothing here")  # PostgreSQL takes no NUL
        try:
            caller = None if needed == PUBLIC and not self.is_page else await self.context.auth.identify(self)
        except NotAllowed as error:
            if needed != PUBLIC:
                raise Problem(403, "no-access", str(error), "Ask the hub's admins for access.") from None
            caller = None
        except Unavailable as error:
            raise busy(str(error)) from None
        self.current_user = caller  # what tornado and JupyterHub look at
        self.caller = caller or Caller("", is_user=False)
        if needed == PUBLIC:
            return
        if caller is None:
            if self.is_page and self.request.method in ("GET", "HEAD") and not token_in_header(self):
                self.redirect(self.context.auth.login_url(self))
                return
            raise Problem(
                401,
                "not-known",
                "nobody is known by this request",
                "Send Authorization: token TOKEN.",
                headers={"WWW-Authenticate": 'Bearer realm="tos-guard"'},
            )
        self.require(needed)
        if self.caller.is_user:  # the Hub, a service, asks for a whole class that begins at once
            self.limit(self.settings["requests"])

    def needed(self) -> str:
        """Return what this request needs."""
        writes = self.request.method not in ("GET", "HEAD", "OPTIONS")
        return self.write_access if writes and self.write_access else self.access

    def require(self, access: str) -> None:
        """Refuse callers without this access: ``user``, ``read``, ``review``, ``publish``, ``admin``."""
        if not self.caller.may(access):
            what = "a user's" if access == USER else f"the scope custom:tos-guard:{access}"
            raise Problem(
                403,
                "not-allowed",
                f"{self.caller.name[:80]!r} may not do this: it needs {what}"
                + (" token, not a service's" if access == USER else ""),
                "Ask the hub's admins for the scope.",
            )

    def limit(self, rate: RateLimit) -> None:
        """Refuse a caller who asks too often."""
        wait = rate.take(self.caller.name)
        if wait:
            self.context.metrics.limited.inc()
            raise Problem(
                429, "too-many", "too many requests", "Try again after the time in Retry-After.", wait
            )

    @property
    def xsrf_token(self) -> bytes:
        """What forms and scripts have to send back: field ``_xsrf`` or header ``X-XSRFToken``."""
        if self.context.auth.hub is not None:
            return HubOAuthenticated.xsrf_token.fget(self)  # type: ignore[no-any-return]  # no types
        return RequestHandler.xsrf_token.fget(self)  # type: ignore[attr-defined,no-any-return]  # property

    def check_xsrf_cookie(self) -> None:
        """Refuse what a foreign page made the browser send; tokens in headers cannot be made to be sent."""
        if self.context.auth.hub is not None:
            HubOAuthenticated.check_xsrf_cookie(self)
        else:
            RequestHandler.check_xsrf_cookie(self)

    # -- database -------------------------------------------------------------------------

    async def in_thread(self, function: Callable[..., _T], *args: Any) -> _T:
        """Call what takes a while, but not on the event loop."""
        return await self.context.threads.run(function, *args)

    async def in_transaction(self, work: Callable[[Session], _T]) -> _T:
        """Do ``work(session)`` in a thread; what it did is stored, or nothing of it. It may run twice."""
        return await self.context.transaction(work)

    async def reading(self, work: Callable[[Session], _T]) -> _T:
        """Do ``work(session)``, which only reads, in a thread."""
        return await self.context.reading(work)

    # -- answers --------------------------------------------------------------------------

    def set_default_headers(self) -> None:
        """Keep browsers and caches from doing what we did not say."""
        self.set_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("X-Frame-Options", "DENY")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Server")
        if self.request.method not in self.SUPPORTED_METHODS:
            # Tornado answers before it has read to the end, and then hangs up: no next request on this one.
            self.set_header("Connection", "close")

    def write_json(self, data: Any) -> None:
        """Answer with JSON."""
        self.set_header("Content-Type", "application/json; charset=utf-8")
        # "</": so that no browser finds a tag in it, whatever it takes it for.
        self.write(json.dumps(data, ensure_ascii=False, allow_nan=False).replace("</", "<\\/"))

    def problem(self, status: int, error: BaseException | None) -> Problem:
        """Return what is to be told about a failure. Nothing of a defect's text is."""
        if isinstance(error, Problem):
            return error
        if isinstance(error, CaseworkError):
            return Problem(_STATUS.get(error.code, 422), error.code, error.message, error.hint)
        if isinstance(error, Unavailable):
            return busy(str(error))
        if isinstance(error, RepositoryError):
            return Problem(409, "repository", str(error))
        if isinstance(error, HTTPError):
            text = (error.log_message or "") % error.args if error.args else error.log_message or ""
            shown = text if status < 500 else ""
            again = 60.0 if status == 429 else 0.0
            return Problem(status, _code(status), shown or responses.get(status, "error"), "", again)
        return Problem(500, "defect", "a defect of the service; its log has more", "Tell the hub's admins.")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Tell what is wrong, where, and how to mend it: to programs as JSON, to people as a page."""
        error = (kwargs.get("exc_info") or (None, None, None))[1]
        problem = self.problem(status_code, error)
        self.set_status(problem.status_code)
        for name, value in problem.headers.items():
            self.set_header(name, value)
        if problem.retry_after:
            self.set_header("Retry-After", str(max(1, round(problem.retry_after))))
        if self.is_page and "text/html" in self.request.headers.get("Accept", ""):
            self.write_error_page(problem)
        else:
            self.write_json(
                {"error": {"code": problem.code, "message": problem.message, "hint": problem.hint}}
            )
        self.finish()

    def write_error_page(self, problem: Problem) -> None:
        """Tell people; overridden by the pages, which have the Hub's look."""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.write(f"{problem.status_code}: {problem.message}. {problem.hint}\n")

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log defects with their place; what a caller did wrong is in the access log."""
        if isinstance(value, (CaseworkError, RepositoryError, Unavailable)):
            self.context.log.info("%s %s: %s", self.request.method, self.request.path, value)
        elif not isinstance(value, HTTPError):
            self.context.log.error(
                "defect in %s %s\n%s",
                self.request.method,
                self.request.path,
                "".join(traceback.format_exception(typ, value, tb)),
            )


def _code(status: int) -> str:
    return {
        400: "bad-request",
        401: "not-known",
        403: "not-allowed",
        404: "not-found",
        405: "no-such-method",
        413: "too-large",
        429: "too-many",
    }.get(status, "error")
