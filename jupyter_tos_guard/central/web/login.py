"""The login page for hubs without JupyterHub: a token in, a signed cookie out."""

from __future__ import annotations

from typing import ClassVar

from jupyter_tos_guard.central.storage.tokens import digest_of
from jupyter_tos_guard.central.web.auth import COOKIE, TokenAuth, local_path
from jupyter_tos_guard.central.web.base import BaseHandler
from jupyter_tos_guard.central.web.callers import PUBLIC
from jupyter_tos_guard.central.web.pages.base import PageHandler


class LoginHandler(PageHandler):
    """Asks for a token."""

    access: ClassVar[str] = PUBLIC
    metrics_name = "login"

    async def get(self) -> None:
        """Show the form."""
        self._show()

    async def post(self) -> None:
        """Take the token, set the cookie. The cookie holds the token's digest, so that revoking ends it."""
        self.check_xsrf_cookie()
        auth = self.context.auth
        if not isinstance(auth, TokenAuth):
            raise TypeError("this page is for services without a Hub")
        digest = digest_of(self.get_body_argument("token", "").strip()[:500])
        caller = await auth.find(digest, self.request.remote_ip or "")
        if caller is None:
            self.set_status(403)
            self._show("This token is not known, or has ended.")
            return
        self.set_signed_cookie(
            COOKIE,
            digest,
            expires_days=7,
            path=self.context.prefix,
            httponly=True,
            secure=self.request.protocol == "https",
            samesite="Lax",
        )
        self.redirect(local_path(self.get_body_argument("next", "")[:2000], self.context.prefix))

    def _show(self, problem: str = "") -> None:
        self.show("login.html", problem=problem, next=self.get_argument("next", "")[:2000])


class LogoutHandler(BaseHandler):
    """Forgets the cookie."""

    access: ClassVar[str] = PUBLIC
    metrics_name = "logout"

    async def post(self) -> None:
        """Forget the cookie."""
        self.check_xsrf_cookie()
        self.clear_cookie(COOKIE, path=self.context.prefix)
        self.redirect(f"{self.context.prefix}login")
