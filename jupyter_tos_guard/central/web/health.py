"""Whether the service lives, whether it can work, and its metrics."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import text

from jupyter_tos_guard.central.storage.database import Unavailable
from jupyter_tos_guard.central.web.base import BaseHandler
from jupyter_tos_guard.central.web.callers import PUBLIC, READ
from jupyter_tos_guard.central.web.context import Context


class Health(BaseHandler):
    """The process answers. Nothing else is looked at: a restart would not mend it."""

    access: ClassVar[str] = PUBLIC
    is_page: ClassVar[bool] = False
    metrics_name = "health"

    async def get(self) -> None:
        """Say so."""
        self.write_json({"status": "ok"})


class Ready(BaseHandler):
    """Database and policy repository can be used."""

    access: ClassVar[str] = PUBLIC
    is_page: ClassVar[bool] = False
    metrics_name = "ready"

    async def get(self) -> None:
        """Say so, or what is not in order."""
        problems = await problems_of(self.context)
        self.context.metrics.ready.set(not problems)
        if problems:
            self.set_status(503)
        self.write_json({"status": "not ready" if problems else "ok", "problems": problems})


class MetricsHandler(BaseHandler):
    """Metrics, for callers with ``read`` unless the operator opened them."""

    access: ClassVar[str] = READ
    is_page: ClassVar[bool] = False
    metrics_name = "metrics"

    def needed(self) -> str:
        """See :class:`BaseHandler`."""
        return READ if self.settings["authenticate_metrics"] else PUBLIC

    async def get(self) -> None:
        """Write them as Prometheus reads them."""
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.write(self.context.metrics.text())


async def problems_of(context: Context) -> list[str]:
    """Return what keeps the service from working; empty when nothing does."""
    found = []
    try:
        await context.reading(lambda session: session.execute(text("SELECT 1")).all())
    except Unavailable as error:
        found.append(str(error))
    if context.repository_folder is not None:
        found += repository_problems(context)
    return found


def repository_problems(context: Context) -> list[str]:
    """Return what is wrong with the repository's timestamp: it is what clients refuse first."""
    folder = context.repository_folder
    if folder is None:
        return []
    try:
        signed: dict[str, Any] = json.loads((folder / "metadata" / "timestamp.json").read_bytes())["signed"]
        expires = datetime.fromisoformat(str(signed["expires"]).replace("Z", "+00:00")).timestamp()
        context.metrics.policy_timestamp.set(int(signed["version"]))
    except FileNotFoundError:
        return ["the policy repository holds no published policy yet"]
    except (OSError, ValueError, KeyError, TypeError):
        return ["the policy repository's timestamp cannot be read"]
    if expires <= context.clock():
        return ["the policy repository's timestamp has expired: clients keep the policy that they have"]
    return []


__all__ = ["Health", "MetricsHandler", "Ready", "problems_of"]
