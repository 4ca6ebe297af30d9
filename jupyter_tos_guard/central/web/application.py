"""The tornado application: all routes below one prefix."""

from __future__ import annotations

import re
import time
from typing import Any, Final

from tornado.web import Application, RedirectHandler, RequestHandler

from jupyter_tos_guard.central.web import admin_api, api, export, reports
from jupyter_tos_guard.central.web.context import Context
from jupyter_tos_guard.central.web.health import Health, MetricsHandler, Ready
from jupyter_tos_guard.central.web.limits import RateLimit
from jupyter_tos_guard.central.web.openapi import Description, describe
from jupyter_tos_guard.central.web.pages import routes as pages
from jupyter_tos_guard.central.web.pages.base import NotFoundPage
from jupyter_tos_guard.central.web.repository import FILES, RepositoryFile, Wait
from jupyter_tos_guard.central.web.routes import Route, RouteHandler, grouped

#: Path below the prefix as a regular expression, handler, arguments of its ``initialize``.
Rule = tuple[str, type[RequestHandler], dict[str, Any]]


#: The API, all of it: what is not here does not exist, and cannot be asked for.
ROUTES: Final[list[Route]] = [reports.ROUTE, *api.ROUTES, *admin_api.ROUTES, *export.ROUTES]


def make_app(context: Context, *, cookie_secret: bytes, authenticate_metrics: bool = True) -> Application:
    """Return the application.

    Parameters
    ----------
    context : Context
    cookie_secret : bytes
        The same on all replicas.
    authenticate_metrics : bool, optional
        Whether ``metrics`` needs the scope ``read``.
    """
    limits = context.limits
    return Application(
        [
            *(
                (re.escape(context.prefix) + path, handler, arguments)
                for path, handler, arguments in rules(context)
            ),
            # As somebody types it.
            (re.escape(context.prefix.rstrip("/")) or "$^", RedirectHandler, {"url": context.prefix}),
        ],
        default_handler_class=NotFoundPage,
        context=context,
        cookie_secret=cookie_secret,
        authenticate_metrics=authenticate_metrics,
        requests=RateLimit(limits.requests_per_second, limits.burst, time.monotonic),
        reports=RateLimit(limits.reports_per_minute / 60, limits.report_burst, time.monotonic),
        log_function=context.metrics.log_request,
        xsrf_cookies=False,  # checked in `prepare`, where it is known whether a cookie speaks
        xsrf_cookie_kwargs={"path": context.prefix, "samesite": "Strict"},
        xsrf_cookie_version=2,
    )


def rules(context: Context) -> list[Rule]:
    """Return all routes; a test holds its table of who may do what against them."""
    found: list[Rule] = [
        (r"health", Health, {}),
        (r"ready", Ready, {}),
        (r"metrics", MetricsHandler, {}),
        (r"api/v1/openapi\.json", Description, {"description": describe(ROUTES, context.prefix)}),
    ]
    found += [
        (methods[next(iter(methods))].pattern, _handler(path), {"routes": methods})
        for path, methods in grouped(ROUTES).items()
    ]
    if context.repository_folder is not None:
        found += [
            (FILES, RepositoryFile, {"path": str(context.repository_folder.absolute())}),
            (r"repository/wait", Wait, {"watch": context.watch}),
        ]
    found += [(path, handler, {}) for path, handler in context.auth.routes()]
    found += [(rule[0], rule[1], rule[2] if len(rule) > 2 else {}) for rule in pages.routes()]
    return found


def _handler(path: str) -> type[RouteHandler]:
    if path == reports.ROUTE.path:
        return reports.Reports
    return export.Export if path.startswith("api/v1/export/") else RouteHandler
