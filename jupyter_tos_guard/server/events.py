"""Events for whoever listens to jupyter_server's event log: decisions, strikes, policies, tampering.

Schemas are in ``event_schemas``. An event never holds the user's code.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_tos_guard.gate.ruling import Ruling
from jupyter_tos_guard.strikes.strike import Strike

SCHEMAS = sorted((Path(__file__).parent / "event_schemas").glob("*.yaml"))
_ID = "https://schema.jupyter-tos-guard.dev/{}/v1"


class Events:
    """Emits through a server's ``event_logger``; what goes wrong there costs nobody a cell.

    Parameters
    ----------
    logger : jupyter_events.EventLogger
    log : logging.Logger
    """

    def __init__(self, logger: Any, log: Any) -> None:
        self._logger = logger
        self._log = log
        for path in SCHEMAS:
            logger.register_event_schema(path)

    def ruled(self, kernel: str, ruling: Ruling) -> None:
        """Emit a ruling that met something, and its strikes."""
        rules = list(dict.fromkeys(strike.rule for strike in ruling.strikes))
        first = ruling.items[0].decision if ruling.items else None
        self.emit(
            "decision",
            {
                "effect": ruling.effect.label,
                "kernel": kernel,
                "request": ruling.strikes[0].request if ruling.strikes else "",
                "policy_version": first.policy_version if first else "",
                "rules": rules,
                "reason": "" if rules or first is None else f"{first.reason}: {first.detail}"[:300],
            },
        )
        for strike in ruling.strikes:
            self.emit("strike", _strike(strike))

    def emit(self, kind: str, data: Mapping[str, Any]) -> None:
        """Emit one event of this package."""
        try:
            self._logger.emit(schema_id=_ID.format(kind), data=dict(data))
        except Exception as error:
            self._log.error("jupyter_tos_guard: an event could not be emitted", exc_info=error)


def _strike(strike: Strike) -> dict[str, Any]:
    names = "id time user kernel notebook request rule clause level policy_version".split()
    return {
        **{name: getattr(strike, name) for name in names},
        "action": strike.action.value,
        "counts": strike.action.counts,
    }
