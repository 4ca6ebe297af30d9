"""Where strikes come in: one path, answered after the commit."""

from __future__ import annotations

import random
from typing import Any, ClassVar, Final

from jupyter_tos_guard.central.intake.commit import Full
from jupyter_tos_guard.central.intake.protocol import (
    MAX_COMPRESSED,
    MAX_PLAIN,
    Report,
    ReportError,
    parse,
    unpack,
)
from jupyter_tos_guard.central.intake.store import Sent
from jupyter_tos_guard.central.web.base import Problem, busy
from jupyter_tos_guard.central.web.callers import USER
from jupyter_tos_guard.central.web.limits import RateLimit
from jupyter_tos_guard.central.web.routes import Route, RouteHandler

#: When a client that has nothing to send reports again, in seconds.
NEXT_REPORT: Final = 900
#: Bodies up to this size are read on the event loop: a thread would cost more.
_SMALL: Final = 16 << 10


class Reports(RouteHandler):
    """Takes reports of strikes."""

    max_body: ClassVar[int] = MAX_COMPRESSED

    def limit(self, rate: RateLimit) -> None:
        """Refuse who reports too often, beside who asks too often."""
        super().limit(rate)
        super().limit(self.settings["reports"])

    async def answer(self, path: dict[str, str]) -> None:
        """Store the report; say what is durable, and how the caller stands now."""
        body, received = self.taken_body(), self.now
        encoding = self.request.headers.get("Content-Encoding", "").strip().lower()
        metrics, caller = self.context.metrics, self.caller
        intake = self.context.intake
        if intake is None:
            raise busy("this replica takes no reports")

        def read() -> Sent:
            return Sent.of(caller.name, caller.groups, parse(unpack(body, encoding)), received)

        try:
            sent = read() if len(body) <= _SMALL else await self.in_thread(read)
            stored = await intake.take(sent, len(body))
        except ReportError as error:
            metrics.reports.labels("refused").inc()
            raise Problem(error.status, error.code, error.message, error.hint) from None
        except Full:
            metrics.reports.labels("busy").inc()
            raise busy("too many reports are waiting", 5, 120) from None
        except Exception:
            metrics.reports.labels("failed").inc()
            raise
        metrics.reports.labels("stored").inc()
        metrics.strikes.labels("new").inc(stored.new)
        metrics.strikes.labels("rejected").inc(len(stored.rejected))
        known = len(sent.strikes) - len(stored.rejected) - stored.new
        metrics.strikes.labels("known").inc(max(0, known))
        self.write_json(
            {
                "v": 1,
                "acknowledged": stored.acknowledged,
                "rejected": stored.rejected,
                "account": stored.account,
                # Spread, so that clients that started together do not stay together.
                "next_report_seconds": round(NEXT_REPORT * random.uniform(0.8, 1.2)),  # noqa: S311 - no secret
            }
        )


def _never(*_: Any) -> None:
    raise NotImplementedError("answered by its own handler")


ROUTE = Route(
    "POST",
    "api/v1/reports",
    USER,
    f"Send strikes: JSON, plain or gzip, at most {MAX_COMPRESSED} bytes sent and {MAX_PLAIN} unpacked",
    _never,
    body=Report,
    writes=True,
    answer={
        "type": "object",
        "required": ["v", "acknowledged", "rejected", "account", "next_report_seconds"],
        "properties": {
            "v": {"const": 1},
            "acknowledged": {"type": "object", "additionalProperties": {"type": "integer"}},
            "rejected": {"type": "array"},
            "account": {"type": "object"},
            "next_report_seconds": {"type": "integer"},
        },
    },
)
