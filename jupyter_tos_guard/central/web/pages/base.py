"""What all pages share: rendering, what is said after an act, confirmation before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, TypeVar

from markupsafe import Markup
from tornado.web import StaticFileHandler

from jupyter_tos_guard.central.publishing.repository import Repository
from jupyter_tos_guard.central.web.base import CONTENT_SECURITY_POLICY, BaseHandler, Problem
from jupyter_tos_guard.central.web.callers import ADMIN, PUBLIC, PUBLISH, READ, REVIEW, USER
from jupyter_tos_guard.central.web.pages import rendering

_T = TypeVar("_T")
_SAID: Final = "tos-guard-said"
#: Longest field of a form that is read; an appeal is the longest.
MAX_FIELD: Final = 20_000
#: Reviewers' pages: address, label, what is needed.
NAVIGATION: Final = (
    ("overview", "Overview", READ),
    ("queue", "Strikes", READ),
    ("appeals", "Appeals", READ),
    ("people", "People", READ),
    ("rules", "Rules", READ),
    ("policies", "Policy", READ),
    ("exemptions", "Exemptions", READ),
    ("clients", "Clients", READ),
    ("audit", "Audit log", ADMIN),
)
_TEMPLATES = rendering.environment()


class PageHandler(BaseHandler):
    """A page. Forms post to it or to a path below it, and are answered by a redirect."""

    access: ClassVar[str] = READ
    #: Part of :data:`NAVIGATION` that the page is in.
    part: ClassVar[str] = ""

    def show(self, template: str, **values: Any) -> None:
        """Answer with a page."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(self.rendered(template, **values))

    def rendered(self, template: str, **values: Any) -> str:
        """Return a page."""
        hub = self.context.auth.hub
        return _TEMPLATES.get_template(template).render(
            now=self.now,
            base=self.context.prefix,
            caller=self.caller,
            may={scope: self.caller.may(scope) for scope in (USER, READ, REVIEW, PUBLISH, ADMIN)},
            navigation=[each for each in NAVIGATION if self.caller.may(each[2])],
            part=self.part,
            hub=hub.hub_host + hub.hub_prefix if hub is not None else "",
            said=self._take_said(),
            xsrf=Markup(self.xsrf_form_html()),  # noqa: S704 - tornado's own markup
            exact=lambda time: rendering.exact(time, self.now),
            moment=lambda time: rendering.moment(time, self.now),
            **values,
        )

    def field(self, name: str, default: str = "") -> str:
        """Return a field of a posted form, as it was written."""
        value = self.get_body_argument(name, default, strip=False)
        if len(value) > MAX_FIELD:
            raise Problem(413, "too-large", f"{name} is longer than {MAX_FIELD} characters")
        return value

    def parameter(self, name: str, default: str = "") -> str:
        """Return a part of the query, bounded."""
        return self.get_query_argument(name, default)[:500].replace("\0", "")

    # -- after an act -----------------------------------------------------------------------

    def say_and_go(self, text: str, where: str) -> None:
        """Redirect to a page of ours, which then shows a text, once."""
        self.set_signed_cookie(
            _SAID,
            text[:1000],
            expires_days=None,
            path=self.context.prefix,
            httponly=True,
            samesite="Strict",
            secure=self.request.protocol == "https",
        )
        self.redirect(self.context.prefix + where, status=303)

    def _take_said(self) -> str:
        said = self.get_signed_cookie(_SAID, max_age_days=1)
        if said:
            self.clear_cookie(_SAID, path=self.context.prefix)
        return said.decode("utf-8", "replace") if said else ""

    # -- before an act ----------------------------------------------------------------------

    def confirmed(self) -> bool:
        """Return whether the form that was posted is that of a confirmation."""
        return self.field("confirmed") == "yes"

    def ask(
        self,
        title: str,
        effects: list[str],
        button: str,
        *,
        back: str,
        asks_reason: str = "",
        keep: Mapping[str, str] | None = None,
    ) -> None:
        """Answer with a page that says what an act will do, and does it when confirmed.

        Parameters
        ----------
        title : str
        effects : list of str
            What it will do, in sentences, with counts.
        button : str
            What the button says.
        back : str
            Path below the prefix to go to instead.
        asks_reason : str, optional
            What the reason is for; empty: none is asked for.
        keep : mapping, optional
            Fields to post again; by default all that were posted.
        """
        if keep is None:
            names = [
                name for name in self.request.body_arguments if name not in ("_xsrf", "confirmed", "reason")
            ]
            kept = [(name, value) for name in names for value in self.get_body_arguments(name, strip=False)]
        else:
            kept = list(keep.items())
        self.show(
            "confirm.html",
            title=title,
            effects=effects,
            button=button,
            back=back,
            asks_reason=asks_reason,
            reason=self.field("reason"),
            kept=kept,
        )

    # -- the policy repository --------------------------------------------------------------

    async def with_repository(self, work: Callable[[Repository], _T]) -> _T:
        """Do ``work(repository)`` in a thread; what goes wrong there is told."""
        repository = self.context.repository
        if repository is None:
            raise Problem(409, "no-repository", "this service has no policy repository", "Set its folder.")
        return await self.in_thread(work, repository)

    def write_error_page(self, problem: Problem) -> None:
        """Tell people, in the Hub's look."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.write(
            self.rendered(
                "error.html", status=problem.status_code, message=problem.message, hint=problem.hint
            )
        )


class NotFoundPage(PageHandler):
    """Every path that is nobody's."""

    access: ClassVar[str] = PUBLIC
    metrics_name = "not-found"

    async def prepare(self) -> None:
        """Answer at once, whoever asks."""
        raise Problem(404, "not-found", "there is nothing here")


class HomeHandler(PageHandler):
    """The first page: reviewers' overview, or the own page."""

    access: ClassVar[str] = USER
    metrics_name = "home"

    async def get(self) -> None:
        """Redirect."""
        self.redirect(self.context.prefix + ("overview" if self.caller.may(READ) else "me"))


class Static(StaticFileHandler):
    """Style, script, picture: the same for everybody."""

    access: ClassVar[str] = PUBLIC
    metrics_name = "static"

    def set_extra_headers(self, path: str) -> None:
        """Keep browsers from taking a file for something else."""
        self.set_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")


def number_of(text: str) -> int:
    """Return a number that stood in a path or a field."""
    if not (text.isascii() and text.isdecimal() and len(text) < 18):
        raise Problem(404, "not-found", "there is nothing of that number")
    return int(text)
