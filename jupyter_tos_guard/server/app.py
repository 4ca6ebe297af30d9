"""What Jupyter Server loads: the gate, REST, events, and the exchange with the central server.

Settings are not traits of this class: they are those of
:class:`jupyter_tos_guard.gate.settings.TosGuard`, where an operator's value cannot be
changed from further down. Jupyter's own order lets the user's folder win.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from jupyter_server.extension.application import ExtensionApp

from jupyter_tos_guard.gate.ruling import Gate, Ruling
from jupyter_tos_guard.gate.settings import TosGuard
from jupyter_tos_guard.server import gates
from jupyter_tos_guard.server.checking import Asked, check
from jupyter_tos_guard.server.connection import Gating, guarded
from jupyter_tos_guard.server.events import Events
from jupyter_tos_guard.server.handlers import Allowance, routes
from jupyter_tos_guard.server.health import Finding, Health, Watch
from jupyter_tos_guard.strikes.standing import DAY, Standing
from jupyter_tos_guard.sync.service import GuardState, Sync, end_tasks

#: Jupyter Server's event about kernels that start and end.
KERNEL_ACTIONS = "https://events.jupyter.org/jupyter_server/kernel_actions/v1"
CONNECTION_CLASS = "kernel_websocket_connection_class"
#: Own strikes answered when there is no central server; the record is on this machine.
MAX_OWN = 200

T = TypeVar("T")


class TosGuardExtension(ExtensionApp):
    """Enforces the hub's terms of use in front of every kernel of this server."""

    name = "tos_guard"  # so that jupyter_tos_guard_config.json is read
    load_other_extensions = True

    #: The exchange with the central server; None when the settings name none.
    sync: Sync | None = None
    #: Why there is no guard; empty when there is one.
    problem = ""
    allowance = Allowance(60)
    _events: Events | None = None
    _watch: Watch | None = None
    _gate: Gate | None = None
    _version = ""
    _kernels: set[tuple[str, str]] = set()  # noqa: RUF012  # replaced, never changed

    def initialize_settings(self) -> None:
        """Put the gate in front of the connection class that is configured."""
        # First of all: whatever goes wrong below, requests are to be decided about.
        self.settings[CONNECTION_CLASS] = guarded(self.settings[CONNECTION_CLASS])
        self._tasks: list[asyncio.Task[None]] = []
        self._threads = ThreadPoolExecutor(1, "tos-guard-rest")
        try:
            self._set_up()
        except Exception as error:
            self.problem = f"{type(error).__name__}: {error}"[:300]
            self.log.error("jupyter_tos_guard: only the gate is active in this server", exc_info=error)

    def initialize_handlers(self) -> None:
        """Serve the front end."""
        self.handlers.extend(routes(self))

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        """Begin what runs beside requests."""
        if self._watch is not None:
            self._tasks.append(asyncio.create_task(self._keep_watching(self._watch)))
        if self.sync is not None:
            self._tasks.append(asyncio.create_task(self.sync.run()))

    async def stop_extension(self) -> None:
        """End it."""
        if self.sync is not None:
            with contextlib.suppress(Exception):
                await self.sync.stop()
        await end_tasks(self._tasks)
        gates.listeners.clear()
        self._threads.shutdown(wait=False)

    def _set_up(self) -> None:
        assert self.serverapp is not None
        self._gate = gate = gates.shared()
        configuration = gate.settings
        assert configuration is not None
        for problem in configuration.problems:
            self.log.warning("jupyter_tos_guard: %s", problem)
        self.allowance = Allowance(self._in_force().checks_per_minute)
        self._events = Events(self.serverapp.event_logger, self.log)
        self._watch = Watch(
            self.serverapp.kernel_manager,
            lambda: self.serverapp.web_app.settings[CONNECTION_CLASS],  # type: ignore[union-attr]  # is linked
        )
        gates.listeners.append(self)
        if configuration.traits.central:
            self.sync = Sync(configuration, gate.where, guards=self._guards, on_event=self._on_sync)
            # Managers that send no such event are looked at every now and then, as all are.
            if self.serverapp.event_logger is not None:
                self.serverapp.event_logger.add_listener(
                    schema_id=KERNEL_ACTIONS, listener=self._kernel_acted
                )

    # ---- told by the gates

    def ruled(self, kernel: str, ruling: Ruling) -> None:
        """Take note of a ruling that met something."""
        if self._events is not None:
            self._events.ruled(kernel, ruling)
        if self.sync is not None and ruling.strikes:
            self.sync.wake()

    def said(self, kernel: str, content: Any) -> None:
        """Take note of what a kernel says about itself."""
        if self._watch is not None:
            self._tell(self._watch.said(kernel, content))
            self._look_at_kernels()

    def restarted(self, kernel: str) -> None:
        """Take note that a kernel begins a new life."""
        if self._watch is not None:
            self._watch.restarted(kernel)

    # ---- beside requests

    async def _keep_watching(self, watch: Watch) -> None:
        while True:
            try:
                self._tell(await watch.look())
                self._look_at_kernels()
                version = await self.in_thread(self._new_policy)
                if version and self._events is not None:  # listeners are run by this loop
                    self._events.emit("policy-activated", {"version": version, "serial": 0})
            except Exception as error:
                self.log.error("jupyter_tos_guard: could not look after kernels", exc_info=error)
            await asyncio.sleep(self._in_force().watch_seconds)

    def _new_policy(self) -> str:
        """Return what has come into force without the central server (a new file), empty when nothing has."""
        if self._gate is None or self.sync is not None:
            return ""
        bundle, _, _ = self._gate.guard.source.current(time.time())
        version = bundle.version if bundle else ""
        if version == self._version:
            return ""
        self._version = version or self._version
        return version

    def _tell(self, found: Sequence[Finding]) -> None:
        for each in found:
            self.log.warning("jupyter_tos_guard: %s: %s %s", each.what, each.detail, each.kernel)
            if self._events is not None:
                self._events.emit("sensor-tampered", each._asdict())
        if found and self.sync is not None:
            self.sync.wake()

    def _look_at_kernels(self) -> None:
        """Let the central server know soon when another kernel is there, or stands otherwise."""
        kernels = {(each.kernel, each.state) for each in self.states()}
        if kernels != self._kernels and self.sync is not None:
            self.sync.kernels_changed()
        self._kernels = kernels

    async def _kernel_acted(self, logger: Any, schema_id: str, data: Mapping[str, Any]) -> None:
        """Take note of what Jupyter Server's own event says: a kernel begins or ends."""
        if self.sync is not None and data.get("action") in ("start", "restart", "shutdown"):
            self.sync.kernels_changed()  # what is reported is what is there a few seconds later

    def _guards(self) -> list[GuardState]:
        return [GuardState(*health) for health in self.states()]

    def _on_sync(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind == "policy-activated" and self._events is not None:
            self._events.emit(
                kind, {"version": str(data.get("version", "")), "serial": int(data.get("serial", 0))}
            )

    # ---- asked by the handlers

    async def in_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Do what reads files or decides off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)

    def states(self) -> list[Health]:
        """Return how each kernel stands."""
        return self._watch.states() if self._watch is not None else []

    def may_check(self) -> tuple[bool, bool]:
        """Whether the user may ask about cells, and about whole notebooks."""
        if self._gate is None:
            return False, False
        cells = bool(self._in_force().allow_check)
        return cells, cells and bool(self._in_force().check_notebooks)

    async def check(self, cells: Sequence[Asked], language: str) -> list[dict[str, Any]]:
        """Return what would be shown instead of running cells."""
        assert self._gate is not None
        return await self.in_thread(check, self._gate, cells, language)

    async def terms(self) -> dict[str, Any]:
        """Return the terms of the policy in force, as the central server gives them."""
        terms = (await self.in_thread(self._gate.terms))[0] if self._gate is not None else None
        data = terms.to_json() if terms is not None else {"title": "", "version": "", "clauses": []}
        return {**data, "accepted": None, "changes": []}

    async def own_strikes(self) -> list[dict[str, Any]]:
        """Return the user's strikes in the local record, newest first, as the central server gives them."""
        return await self.in_thread(self._own_strikes) if self._gate is not None else []

    async def status(self) -> dict[str, Any]:
        """Return the answer to ``status``."""
        cells, notebooks = self.may_check()
        person = await self.in_thread(self._person) if self._gate is not None else _NOBODY
        connection_class = self.settings[CONNECTION_CLASS]
        if self.serverapp is not None:
            connection_class = self.serverapp.web_app.settings[CONNECTION_CLASS]
        contact = self.sync.contact if self.sync is not None else None
        return {
            **person,
            "guarded": self._gate is not None and issubclass(connection_class, Gating),
            "problem": self.problem,
            "central": {
                "configured": self.sync is not None,
                "reachable": contact is not None and bool(contact.last) and not contact.problem,
                "last_contact": contact.last if contact is not None and contact.last else None,
            },
            "kernels": [
                {"id": each.kernel, "name": each.name, "state": each.state, "detail": each.detail}
                for each in self.states()
            ],
            "check": {"cells": cells, "notebooks": notebooks},
        }

    def _person(self) -> dict[str, Any]:
        assert self._gate is not None
        gate, now = self._gate, time.time()
        source = gate.guard.source
        bundle, problem, detail = source.current(now)
        account = self.sync.account if self.sync is not None else None
        terms = account.get("terms") if account is not None else None
        pause = gate.pause()
        mode = source.account.mode or gate.guard.settings.mode or (bundle.mode if bundle else None)
        active = getattr(source, "active", None)
        checked = active.checked if active is not None else None
        return {
            "mode": mode.value if mode else "",
            "policy": {
                "version": bundle.version if bundle else "",
                "checked": checked,
                "age_seconds": max(0.0, now - checked) if checked else None,
                "problem": f"{problem}: {detail}" if problem else "",
            },
            "standing": _standing(gate.standing()),
            "effects": {
                "paused": pause is not None,
                "blocked_clauses": sorted(source.account.blocked_clauses),
                "until": pause.until if pause else source.account.until,
                "reason": pause.reason if pause else "",
            },
            "terms": terms
            or {"version": bundle.terms.version if bundle else "", "accepted": None, "required": False},
        }

    def _own_strikes(self) -> list[dict[str, Any]]:
        assert self._gate is not None
        terms, ladder = self._gate.terms()
        clauses = {clause.id: clause for clause in terms.clauses} if terms else {}
        now = time.time()
        found = []
        for strike in reversed(self._gate.strikes()[-MAX_OWN:]):
            clause = clauses.get(strike.clause)
            data = strike.to_json()
            found.append(
                {
                    **{name: data[name] for name in _SHOWN},
                    "act": strike.id,
                    "title": clause.title if clause else strike.clause,
                    "clause": {
                        "id": strike.clause,
                        "number": clause.number if clause else "",
                        "title": clause.title if clause else strike.clause,
                    },
                    "state": "open",
                    "reason": "",
                    "appeal": None,
                    "counts": strike.action.counts and now - strike.time < ladder.expire_days * DAY,
                }
            )
        return found

    def _in_force(self) -> TosGuard:
        assert self._gate is not None
        assert self._gate.settings is not None
        return self._gate.settings.traits


_SHOWN = (
    "id time rule policy_version action verdict server kernel notebook line column end_line end_column "
    "evidence decoded provenance"
).split()
_NOBODY: dict[str, Any] = {
    "mode": "",
    "policy": {"version": "", "checked": None, "age_seconds": None, "problem": "there is no guard"},
    "standing": None,
    "effects": {"paused": False, "blocked_clauses": [], "until": None, "reason": ""},
    "terms": {"version": "", "accepted": None, "required": False},
}


def _standing(standing: Standing) -> dict[str, Any]:
    return {
        "level": standing.level.value,
        "live": standing.live,
        "until": standing.until,
        "next_level": standing.next_level.value if standing.next_level else None,
        "strikes_left": standing.strikes_left,
    }
