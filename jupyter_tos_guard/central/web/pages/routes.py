"""Which page is where, below the service's prefix."""

from __future__ import annotations

from typing import Any

from tornado.web import RequestHandler

from jupyter_tos_guard.central.web.pages import hub, own, persons, policy, strikes
from jupyter_tos_guard.central.web.pages.base import HomeHandler, Static
from jupyter_tos_guard.central.web.pages.rendering import STATIC

_NUMBER = r"([0-9]{1,18})"
_NAME = r"([^/]{1,400})"


def routes() -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
    """Return the routes of all pages."""
    pages: list[tuple[str, type[RequestHandler]]] = [
        (r"", HomeHandler),
        (r"me", own.OwnPage),
        (r"me/strikes/" + _NUMBER, own.OwnStrike),
        (r"me/terms", own.OwnTerms),
        (r"me/data", own.OwnData),
        (r"me/messages", own.OwnMessages),
        (r"overview", hub.Overview),
        (r"queue", strikes.Queue),
        (r"strikes/" + _NUMBER, strikes.StrikePage),
        (r"people", persons.People),
        (r"people/" + _NAME, persons.PersonPage),
        (r"appeals", persons.Appeals),
        (r"appeals/" + _NUMBER, persons.AppealPage),
        (r"exemptions", persons.Exemptions),
        (r"rules", policy.Rules),
        (r"rules/" + _NAME, policy.RulePage),
        (r"policies", policy.Policies),
        (r"policies/" + _NAME, policy.PolicyPage),
        (r"clients", hub.Clients),
        (r"audit", hub.AuditLog),
    ]
    return [
        *((path, handler, {}) for path, handler in pages),
        (r"static/(.*)", Static, {"path": str(STATIC)}),
    ]
