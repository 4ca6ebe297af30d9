"""What every kernel of a guarded environment is made of.

Every execute request of a kernel built on ipykernel goes through
:meth:`Guarding.do_execute`: ordinary, silent, without history, from subshells and from
the control channel. This module decides nothing itself (see :mod:`jupyter_tos_guard.gate`) and
**must import whatever state the rest of this package is in**: a kernel class that
cannot be made is a kernel that does not start. So it imports ipykernel only,
and takes everything else inside a ``try``.
"""

from __future__ import annotations

import inspect
import os
import sys
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any

from ipykernel.kernelbase import Kernel

if TYPE_CHECKING:
    from jupyter_tos_guard.gate.ruling import Gate, Ruling
    from jupyter_tos_guard.gate.settings import Configuration
    from jupyter_tos_guard.guard import HubSource
    from jupyter_tos_guard.sync.companion import Companion

ERROR_NAME = "DisallowedCodeError"
#: States, as ``kernel_info_reply`` and ``%tos status`` name them.
GUARDED = "guarded"
UNGUARDED = "unguarded"  # the guard could not be loaded; cells run
CLOSED = "closed"  # the guard could not be loaded; cells do not run, by the operator's choice
FAILING = "failing"  # loaded, but at least one request could not be decided about

#: Seconds between the answer to a client that connects and loading the rest.
_PAUSE = 0.05

#: Keys of a debugger request whose text is evaluated in the user's process.
_EVALUATED = ("expression", "condition", "hitCondition", "logMessage", "value")

#: The request being run: its text, and the digest that the user has acknowledged.
_running: ContextVar[tuple[str, str]] = ContextVar("jupyter_tos_guard_running", default=("", ""))


class DisallowedCodeError(Exception):
    """Code was not run because the hub's terms of use disallow it."""

    def __init__(self, message: str, traceback: list[str] | None = None) -> None:
        super().__init__(message)
        self._lines = traceback or [f"{ERROR_NAME}: {message}"]

    def _render_traceback_(self) -> list[str]:
        """Say why, not where in this package; IPython shows this instead of frames."""
        return self._lines


def guard_kernels() -> None:
    """Make every kernel that ``IPKernelApp`` starts in this process a guarded one.

    Whatever class the configuration, the profile or the command line chose is
    kept and gets :class:`Guarding` in front, so that other packages' kernel classes go on working.
    """
    from ipykernel.kernelapp import IPKernelApp

    make = IPKernelApp.init_kernel
    if getattr(make, "guards", False):
        return

    @wraps(make)
    def init_kernel(self: Any) -> None:
        self.kernel_class = guarded(self.kernel_class)
        make(self)  # type: ignore[no-untyped-call]

    init_kernel.guards = True  # type: ignore[attr-defined]
    IPKernelApp.init_kernel = init_kernel  # type: ignore[method-assign]


def guarded(kernel_class: type) -> type:
    """Return ``kernel_class`` with :class:`Guarding` in front of it."""
    if issubclass(kernel_class, Guarding):
        return kernel_class
    name = f"Guarded{kernel_class.__name__}"
    return type(name, (Guarding, kernel_class), {"__doc__": kernel_class.__doc__})


class Guarding(Kernel):
    """A kernel that asks before it runs: to be put in front of another kernel class.

    Attributes
    ----------
    guard_state : str
        :data:`GUARDED`, :data:`UNGUARDED`, :data:`CLOSED` or :data:`FAILING`.
    guard_detail : str
        Why, when it is not ``guarded``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self.guard_state = UNGUARDED
        self.guard_detail = ""
        self._gate: Gate | None = None
        self._companion: Companion | None = None
        self._is_asked = self._is_warm = False
        try:
            self._load()
        except Exception as error:
            try:
                self._unload(error)
            except Exception:
                self.log.exception("jupyter_tos_guard is not active in this kernel, and cannot say so")

    async def kernel_info_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Answer the first at once, then use the time until a cell comes; later ones are told all."""
        first, self._is_asked = not self._is_asked, True
        if not first:
            self._warm_up()
        await super().kernel_info_request(stream, ident, parent)  # type: ignore[no-untyped-call]
        if first:  # the reply leaves with the loop's next turns; this may be the control channel's thread
            self.io_loop.add_callback(self.io_loop.call_later, _PAUSE, self._warm_up)

    @property
    def kernel_info(self) -> dict[str, Any]:
        """The usual reply, and whether this kernel is guarded; a line in the banner when it is not."""
        info: dict[str, Any] = super().kernel_info
        state, detail = self.guard_state, self.guard_detail
        if state == GUARDED and self._gate is not None:
            try:
                detail = self._gate.policy_problem()
            except Exception as error:
                detail = f"{type(error).__name__}: {error}"[:300]
            state = FAILING if detail else GUARDED
        info["tos_guard"] = {"state": state, "detail": detail}
        if state != GUARDED:
            info["banner"] += f"\njupyter_tos_guard: {state} ({detail})\n"
        return info

    async def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: dict[str, str] | None = None,
        allow_stdin: bool = False,
        *,
        cell_meta: dict[str, Any] | None = None,
        cell_id: str | None = None,
    ) -> dict[str, Any]:
        """Decide, then run all of the request or nothing of it."""
        try:
            ruling = self._rule(code, user_expressions, self._acknowledged(cell_meta))
        except KeyboardInterrupt:  # ours to answer: ipykernel would send no reply at all
            return self._error(code, silent, store_history, "KeyboardInterrupt", "", ["KeyboardInterrupt"])
        if ruling is not None and ruling.refused:
            evalue, traceback = self._show(ruling)
            return self._error(code, silent, store_history, ERROR_NAME, evalue, traceback)
        if ruling is not None:
            code = ruling.source  # another text only after %tos run
        running = _running.set((code, ruling.acknowledged if ruling else ""))
        try:
            return await self._run(
                code, silent, store_history, user_expressions, allow_stdin, cell_meta, cell_id
            )
        finally:
            _running.reset(running)

    async def do_debug_request(self, msg: dict[str, Any]) -> Any:
        """Decide about what a debugger wants evaluated."""
        texts = _evaluated(msg.get("arguments")) if isinstance(msg, dict) else {}
        if texts:
            ruling = self._rule("", texts, "")
            if ruling is not None and ruling.refused:
                return {
                    "type": "response",
                    "request_seq": msg.get("seq"),
                    "command": msg.get("command"),
                    "success": False,
                    "message": f"{ERROR_NAME}: disallowed by this hub's terms of use",
                    "body": {},
                }
        return await super().do_debug_request(msg)  # type: ignore[no-untyped-call]

    @property
    def _ipython(self) -> Any:
        """IPython's shell; None in kernels that are not IPython."""
        return getattr(self, "shell", None)

    # ---- loading

    def _load(self) -> None:
        """Import and set up the guard; anything may go wrong here."""
        from jupyter_tos_guard.gate.ruling import open_gate

        file = getattr(self.parent, "connection_file", "")
        language = str(self.language_info.get("name", ""))
        environ = dict(os.environ)
        gate = open_gate(file, environ, language, self._plain_text, _hub)
        companion = None
        if gate.settings and gate.settings.traits.central:
            from jupyter_tos_guard.sync.companion import Companion

            companion = Companion(gate.settings, environ)
        if self._ipython is not None:
            from jupyter_tos_guard.kernel.magics import Magics

            magics = Magics(gate)
            magics.register(self._ipython)
            gate.own_magic = lambda: magics.is_ours(self._ipython)
            self._guard_nested()
        self._gate = gate
        self._companion = companion
        self.guard_state = GUARDED
        for problem in gate.settings.problems if gate.settings else ():
            self.log.warning("jupyter_tos_guard: %s", problem)

    def _warm_up(self) -> None:
        """Load what deciding needs: neither the start of the kernel nor a cell's time limit is to pay."""
        if self._companion is not None:
            self._companion.look()
        if self._is_warm or self._gate is None:
            return
        self._is_warm = True
        try:
            self._report(self._gate.warm_up())
        except Exception as error:
            self._report(f"{type(error).__name__}: {error}"[:300])

    def _report(self, failure: str) -> None:
        """Take note of how deciding went. A failure stays in sight: most cells would hide it again."""
        if failure and failure != self.guard_detail:
            self.log.error("jupyter_tos_guard: %s", failure)
            self.guard_state, self.guard_detail = FAILING, failure

    def _unload(self, error: Exception) -> None:
        """Say that the guard is missing, and do what the operator wants then."""
        self._gate = None
        self.guard_detail = f"{type(error).__name__}: {error}"[:300]
        try:
            from jupyter_tos_guard.gate.settings import configuration

            if configuration().closes_on_defects:
                self.guard_state = CLOSED
        except Exception as second:
            self.guard_detail += f"; settings: {type(second).__name__}: {second}"[:300]
        if self._ipython is not None:
            self._ipython.register_magic_function(self._tos_without_guard, "line_cell", "tos")
        self.log.error(
            "jupyter_tos_guard is not active in this kernel (%s): %s. Reinstall it with "
            "pip install --force-reinstall jupyter_tos_guard",
            self.guard_state,
            self.guard_detail,
        )

    def _guard_nested(self) -> None:
        """Decide about cells that cells run: ``%rerun``, macros, ``get_ipython().run_cell(…)``.

        On the instance, not in a subclass: much code asks for the name of the
        shell's class to find out that it is in a notebook.
        """
        run_cell = self._ipython.run_cell

        @wraps(run_cell)
        def guarded_run_cell(raw_cell: Any, *args: Any, **kwargs: Any) -> Any:
            text, acknowledged = _running.get()
            # What stands in the request word for word was decided with it (%%capture, %%time …).
            if isinstance(raw_cell, str) and raw_cell.strip() not in text:
                ruling = self._rule(raw_cell, None, "*" if acknowledged else "")
                if ruling is not None and ruling.refused:
                    raise DisallowedCodeError(*self._show(ruling))
            return run_cell(raw_cell, *args, **kwargs)

        self._ipython.run_cell = guarded_run_cell

    # ---- deciding

    def _rule(self, code: Any, expressions: Any, acknowledged: str) -> Ruling | _Closed | None:
        """Return the ruling; None to run as if there were no guard."""
        if self._gate is None:
            return _Closed(self.guard_detail) if self.guard_state == CLOSED else None
        if not isinstance(code, str):
            return None  # no request of a real client; IPython refuses it by itself
        self._warm_up()  # a client may skip kernel_info, or have no pause after it
        try:
            from jupyter_tos_guard.gate.ruling import Request

            texts = expressions.items() if isinstance(expressions, dict) else ()
            request = Request(
                self._request_id(),
                code,
                {str(name): text for name, text in texts if isinstance(text, str)},
                acknowledged,
            )
            ruling = self._gate.rule(request)
        except Exception as error:  # a defect of ours costs nobody a cell, unless the operator wants it
            self._report(f"{type(error).__name__}: {error}"[:300])
            settings = getattr(self._gate, "settings", None)
            return _Closed(self.guard_detail) if settings and settings.closes_on_defects else None
        self._report(ruling.failure)
        return ruling

    def _acknowledged(self, metadata: Any) -> str:
        return self._gate.acknowledged(metadata, self._request_id()) if self._gate is not None else ""

    def _request_id(self) -> str:
        parent: Any = self.get_parent()  # type: ignore[no-untyped-call]
        return str(parent.get("header", {}).get("msg_id", ""))

    # ---- answering

    async def _run(
        self,
        code: str,
        silent: bool,
        store_history: bool,
        user_expressions: dict[str, str] | None,
        allow_stdin: bool,
        cell_meta: dict[str, Any] | None,
        cell_id: str | None,
    ) -> dict[str, Any]:
        """Hand the request to the kernel class behind, which may be older than ``cell_meta``."""
        run = super().do_execute
        extra = {"cell_meta": cell_meta, "cell_id": cell_id}
        if self._ipython is None:
            taken = inspect.signature(run).parameters
            extra = {name: value for name, value in extra.items() if name in taken}
        reply: Any = run(code, silent, store_history, user_expressions, allow_stdin, **extra)  # type: ignore[no-untyped-call]
        return await reply if inspect.isawaitable(reply) else reply  # type: ignore[no-any-return]

    def _show(self, ruling: Ruling | _Closed) -> tuple[str, list[str]]:
        """Show the notice; return the error's value and traceback. Never raises: nothing may run then."""
        evalue = "disallowed by this hub's terms of use"
        try:
            if isinstance(ruling, _Closed):
                evalue = f"cells do not run on this hub while its guard does not work: {ruling.detail}"
                return evalue, [f"{ERROR_NAME}: {evalue}"]
            from jupyter_tos_guard.gate.notice import MIME_TYPE, notice, summary

            assert self._gate is not None
            bundle = notice(ruling, self._gate.terms()[0], self._gate.standing(ruling.strikes))
            data = bundle[MIME_TYPE]
            evalue = summary(data)
            traceback = [f"{ERROR_NAME}: {data['headline']} {evalue}.", data["sentence"]]
            self._publish("display_data", {"data": bundle, "metadata": {}, "transient": {}})
            return evalue, traceback
        except Exception as error:
            self.log.error("jupyter_tos_guard: the notice could not be shown", exc_info=error)
            return evalue, [f"{ERROR_NAME}: {evalue}"]

    def _error(
        self, code: str, silent: bool, store_history: bool, ename: str, evalue: str, traceback: list[str]
    ) -> dict[str, Any]:
        """Publish and return the error of a request of which nothing ran, numbered as IPython would."""
        error = {"ename": ename, "evalue": evalue, "traceback": traceback}
        self._publish("error", error)
        count = self.execution_count
        shell = self._ipython
        if shell is not None:
            if store_history and not silent:
                try:  # In[n] is found by position: a number without an entry would shift the others
                    shell.history_manager.store_inputs(count, code, code)
                except Exception as problem:
                    self.log.debug("jupyter_tos_guard: not in the history", exc_info=problem)
                shell.execution_count += 1
            count = shell.execution_count - 1
            shell.payload_manager.clear_payload()
        return {
            "status": "error",
            **error,
            "engine_info": {"engine_uuid": self.ident, "engine_id": self.int_id, "method": "execute"},
            "execution_count": count,
            "user_expressions": {},
            "payload": [],
        }

    def _publish(self, message_type: str, content: dict[str, Any]) -> None:
        """Send to every front end, after what earlier cells have printed."""
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        topic = self._topic(message_type)  # type: ignore[no-untyped-call]
        self.send_response(self.iopub_socket, message_type, content, ident=topic)  # type: ignore[no-untyped-call]

    def _plain_text(self, name: str) -> str | None:
        """Text of a user's variable; only exact strings, whose reading runs no code of theirs."""
        value = self._ipython.user_ns.get(name) if self._ipython is not None else None
        return value if type(value) is str else None

    def _tos_without_guard(self, line: str, cell: str | None = None) -> None:
        """Answer every %tos line: there is no guard."""
        print(f"This kernel is not guarded ({self.guard_state}): {self.guard_detail}")


def _hub(settings: Configuration) -> HubSource | None:
    """Return what comes from the central server; kernels without one do not load what reads it."""
    if not settings.traits.central:
        return None
    from jupyter_tos_guard.sync.cache import hub_source

    return hub_source(settings)


class _Closed:
    """Stands for a ruling where there is nobody to rule: nothing runs."""

    refused = True

    def __init__(self, detail: str) -> None:
        self.detail = detail
        self.source = self.acknowledged = ""


def _evaluated(arguments: Any, depth: int = 0) -> dict[str, str]:
    """Texts in a debugger request that the debugger would evaluate."""
    found: dict[str, str] = {}
    if depth > 4:
        return found
    if isinstance(arguments, list):
        for index, each in enumerate(arguments[:100]):
            found.update({f"{index}.{name}": text for name, text in _evaluated(each, depth + 1).items()})
    elif isinstance(arguments, dict):
        for name, value in arguments.items():
            if isinstance(value, str) and name in _EVALUATED:
                found[f"debugger {name}"] = value
            elif isinstance(value, (dict, list)):
                found.update(_evaluated(value, depth + 1))
    return found
