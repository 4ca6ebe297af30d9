"""Scopes and roles of the Hub that the central service needs. Data only; see ``docs/hub.md``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from jupyter_tos_guard.central.web.callers import ADMIN, HUB_SCOPE, PUBLISH, READ, REVIEW

Role = dict[str, Any]

#: What to put into ``c.JupyterHub.custom_scopes``.
CUSTOM_SCOPES: Final[dict[str, dict[str, Any]]] = {
    f"{HUB_SCOPE}{READ}": {"description": "See strikes, standings and appeals under the terms of use"},
    f"{HUB_SCOPE}{REVIEW}": {
        "description": "Uphold and overturn strikes, restrict, exempt, answer appeals",
        "subscopes": [f"{HUB_SCOPE}{READ}"],
    },
    f"{HUB_SCOPE}{PUBLISH}": {
        "description": "Roll out policies and make rules milder",
        "subscopes": [f"{HUB_SCOPE}{READ}"],
    },
    f"{HUB_SCOPE}{ADMIN}": {
        "description": "Everything about the terms of use: audit log, exports, reversal, purge",
        "subscopes": [f"{HUB_SCOPE}{REVIEW}", f"{HUB_SCOPE}{PUBLISH}"],
    },
}
#: What the service itself may do at the Hub: see who is active, stop a server.
SERVICE_SCOPES: Final = ("list:users", "read:users:activity", "read:servers", "delete:servers")
#: What the Hub's own roles hold as long as nobody overrides them.
USER_DEFAULT: Final = ("self",)
SERVER_DEFAULT: Final = ("users:activity!user", "access:servers!server")


def access_scope(service: str) -> str:
    """Return the scope that lets somebody in to the service at all."""
    return f"access:services!service={service}"


def service_role(service: str) -> Role:
    """Return the role of the service, by which the spawn hook asks too."""
    return {
        "name": f"{service}-service",
        "description": "The central service of the terms-of-use guard",
        "scopes": [*SERVICE_SCOPES, access_scope(service), f"{HUB_SCOPE}{READ}"],
        "services": [service],
    }


def staff_role(service: str, scope: str, people: Iterable[str]) -> Role:
    """Return the role of admins, reviewers or publishers.

    ``people`` are user names, and groups as ``group:NAME``.
    """
    people = sorted(people)
    groups = [name.removeprefix("group:") for name in people if name.startswith("group:")]
    return {
        "name": f"{service}-{scope}",
        "description": f"May {scope} in the terms-of-use guard",
        "scopes": [f"{HUB_SCOPE}{scope}", access_scope(service)],
        "users": [name.removeprefix("user:") for name in people if not name.startswith("group:")],
        "groups": groups,
    }
