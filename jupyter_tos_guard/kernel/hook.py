"""The kernel class that an installation switches on.

Every execute request of an ipykernel goes through :meth:`GuardedKernel.do_execute`:
ordinary, silent, without history, from subshells and from the control channel. This
module decides nothing itself (see :mod:`.gate`) and **must import whatever
state the rest of this package is in**: a kernel class that cannot be imported
is a kernel that does not start. So it imports ipykernel only, and takes
everything else inside a ``try``.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from ipykernel.ipkernel import IPythonKernel

if TYPE_CHECKING:
    from jupyter_tos_guard.kernel.gate import Gate, Ruling

ERROR_NAME = "DisallowedCodeError"
#: States, as ``kernel_info_reply`` and ``%tos status`` name them.
GUARDED = "guarded"
UNGUARDED = "unguarded"  # the guard could not be loaded; cells run
CLOSED = "closed"  # the guard could not be loaded; cells do not run, by the operator's choice
FAILING = "failing"  # loaded, but the last request could not be decided about

#: Text that a debugger request has evaluated in the user's process.
_EVALUATED = ("expression", "condition", "hitCondition", "logMessage", "value")


class GuardedKernel(IPythonKernel):  # type: ignore[misc]
    """An IPython kernel that asks before it runs.

    Attributes
    ----------
    guard_state : str
        :data:`GUARDED`, :data:`UNGUARDED`, :data:`CLOSED` or :data:`FAILING`.
    guard_detail : str
        Why, when it is not ``guarded``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.guard_state = UNGUARDED
        self.guard_detail = ""
        self._gate: Gate | None = None
        self._closes = False
        try:
            self._load()
        except Exception as error:
            self._unload(error)

    @property
    def banner(self) -> str:
        """The usual banner; one more line when the kernel is not guarded."""
        banner: str = super().banner or ""
        if self.guard_state == GUARDED:
            return banner
        return f"{banner}\njupyter_tos_guard: {self.guard_state} ({self.guard_detail})\n"

    @property
    def kernel_info(self) -> dict[str, Any]:
        """The usual reply, and whether this kernel is guarded."""
        info: dict[str, Any] = super().kernel_info
        return {**info, "tos_guard": {"state": self.guard_state, "detail": self.guard_detail}}

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
            ruling = self._rule(code, user_expressions, cell_meta)
        except KeyboardInterrupt:  # ours to answer: ipykernel would send no reply at all
            return self._error(code, silent, store_history, "KeyboardInterrupt", "", ["KeyboardInterrupt"])
        if isinstance(ruling, str):
            evalue = f"cells do not run on this hub while the guard does not work: {ruling}"
            return self._error(code, silent, store_history, ERROR_NAME, evalue, [f"{ERROR_NAME}: {evalue}"])
        if ruling is not None and ruling.refused:
            return self._refuse(ruling, code, silent, store_history)
        if ruling is not None:
            code = ruling.source  # another text only after %tos run
        reply: dict[str, Any] = await super().do_execute(
            code,
            silent,
            store_history,
            user_expressions,
            allow_stdin,
            cell_meta=cell_meta,
            cell_id=cell_id,
        )
        return reply

    async def do_debug_request(self, msg: dict[str, Any]) -> Any:
        """Decide about what a debugger wants evaluated."""
        texts = _evaluated(msg.get("arguments")) if isinstance(msg, dict) else {}
        if texts:
            ruling = self._rule("", texts, None)
            if ruling is not None and (isinstance(ruling, str) or ruling.refused):
                return {
                    "type": "response",
                    "request_seq": msg.get("seq"),
                    "command": msg.get("command"),
                    "success": False,
                    "message": f"{ERROR_NAME}: disallowed by this hub's terms of use",
                    "body": {},
                }
        return await super().do_debug_request(msg)

    def _load(self) -> None:
        """Import and set up the guard; anything may go wrong here."""
        from jupyter_tos_guard.kernel.gate import open_gate
        from jupyter_tos_guard.kernel.magics import Magics

        shell = self.shell
        file = getattr(self.parent, "connection_file", "")
        gate = open_gate(file, dict(os.environ), self._plain_text, lambda: magics.is_ours(shell))
        magics = Magics(gate)
        magics.register(shell)
        self._gate = gate
        self.guard_state = GUARDED
        for problem in gate.settings.problems if gate.settings else ():
            self.log.warning("jupyter_tos_guard: %s", problem)

    def _unload(self, error: Exception) -> None:
        """Say that the guard is missing, and do what the operator wants then."""
        self._gate = None
        self.guard_detail = f"{type(error).__name__}: {error}"[:300]
        try:
            from jupyter_tos_guard.kernel.settings import configuration

            traits = configuration().traits
            if traits.mode == "enforce" and "inspection-failed" in traits.fail_closed:
                self.guard_state = CLOSED
            self.shell.register_magic_function(self._tos_without_guard, "line_cell", "tos")
        except Exception as second:
            self.guard_detail += f"; settings: {type(second).__name__}: {second}"[:300]
        self.log.error(
            "jupyter_tos_guard is not active in this kernel (%s): %s. Reinstall it with "
            "pip install --force-reinstall jupyter_tos_guard",
            self.guard_state,
            self.guard_detail,
        )

    def _rule(self, code: str, expressions: Any, meta: Any) -> Ruling | str | None:
        """Return the ruling, None to run as if there were no guard, or why nothing may run."""
        if self._gate is None:
            return self.guard_detail if self.guard_state == CLOSED else None
        if not isinstance(code, str):
            return None  # no request of a real client; IPython refuses it by itself
        try:
            ruling = self._gate.rule(self._request(code, expressions, meta))
        except Exception as error:
            return self._failed(error)
        self.guard_state, self.guard_detail = GUARDED, ""
        return ruling

    def _request(self, code: str, expressions: Any, meta: Any) -> Any:
        from jupyter_tos_guard.kernel.gate import Request

        texts = expressions.items() if isinstance(expressions, dict) else ()
        ours = meta.get("tos_guard") if isinstance(meta, dict) else None
        acknowledged = ours.get("acknowledge") if isinstance(ours, dict) else ""
        return Request(
            str(self.get_parent().get("header", {}).get("msg_id", "")),
            code,
            {str(name): text for name, text in texts if isinstance(text, str)},
            acknowledged if isinstance(acknowledged, str) else "",
        )

    def _failed(self, error: Exception) -> str | None:
        """Answer for a request that could not be decided about: a defect of ours costs nobody a cell."""
        self.guard_state = FAILING
        self.guard_detail = f"{type(error).__name__}: {error}"[:300]
        self.log.error("jupyter_tos_guard failed on a request", exc_info=error)
        settings = getattr(self._gate, "settings", None)
        traits = settings.traits if settings else None
        if traits and traits.mode == "enforce" and "inspection-failed" in traits.fail_closed:
            return self.guard_detail
        return None

    def _refuse(self, ruling: Ruling, code: str, silent: bool, store_history: bool) -> dict[str, Any]:
        """Show the notice and answer with an error; whatever goes wrong here, nothing runs."""
        evalue = "disallowed by this hub's terms of use"
        try:
            from jupyter_tos_guard.kernel.notice import MIME_TYPE, SENTENCE, notice, summary

            assert self._gate is not None
            bundle = notice(ruling, self._gate.terms()[0], self._gate.standing(ruling.strikes))
            evalue = summary(bundle[MIME_TYPE])
            traceback = [f"{ERROR_NAME}: {bundle[MIME_TYPE]['headline']} {evalue}.", SENTENCE]
            self._publish("display_data", {"data": bundle, "metadata": {}, "transient": {}})
        except Exception as error:
            self.log.error("jupyter_tos_guard: the notice could not be shown", exc_info=error)
            traceback = [f"{ERROR_NAME}: {evalue}"]
        return self._error(code, silent, store_history, ERROR_NAME, evalue, traceback)

    def _error(
        self, code: str, silent: bool, store_history: bool, ename: str, evalue: str, traceback: list[str]
    ) -> dict[str, Any]:
        """Publish and return the error of a request of which nothing ran, numbered as IPython would."""
        shell = self.shell
        error = {"ename": ename, "evalue": evalue, "traceback": traceback}
        self._publish("error", error)
        if store_history and not silent:
            try:  # In[n] is found by position: a number without an entry would shift the others
                shell.history_manager.store_inputs(shell.execution_count, code, code)
            except Exception as problem:
                self.log.debug("jupyter_tos_guard: not in the history", exc_info=problem)
            shell.execution_count += 1
        shell.payload_manager.clear_payload()
        return {
            "status": "error",
            **error,
            "engine_info": {"engine_uuid": self.ident, "engine_id": self.int_id, "method": "execute"},
            "execution_count": shell.execution_count - 1,
            "user_expressions": {},
            "payload": [],
        }

    def _publish(self, message_type: str, content: dict[str, Any]) -> None:
        """Send to every front end, after what earlier cells have printed."""
        sys.stdout.flush()
        sys.stderr.flush()
        self.send_response(self.iopub_socket, message_type, content, ident=self._topic(message_type))

    def _plain_text(self, name: str) -> str | None:
        """Text of a user's variable; only exact strings, whose reading runs no code of theirs."""
        value = self.shell.user_ns.get(name)
        return value if type(value) is str else None

    def _tos_without_guard(self, line: str, cell: str | None = None) -> None:
        """Answer every %tos line: there is no guard."""
        print(f"This kernel is not guarded ({self.guard_state}): {self.guard_detail}")


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
