"""The gates of this process, one for each kernel, and what they need to know of kernel and place.

All share one policy, one record and the settings as they were when the first was
made. The rest of the package knows kernels by their manager's
:func:`states` only.
"""

from __future__ import annotations

import inspect
import os
import threading
import weakref
from functools import wraps
from typing import Any, Protocol

from jupyter_tos_guard.gate.ruling import Gate, Ruling, open_gate
from jupyter_tos_guard.gate.settings import configuration
from jupyter_tos_guard.server.kernel_gate import KernelGate
from jupyter_tos_guard.sync.cache import hub_source


class Listener(Protocol):
    """What is told of all kernels; the extension."""

    def ruled(self, kernel: str, ruling: Ruling) -> None:
        """Take note of a ruling that met something."""

    def said(self, kernel: str, content: Any) -> None:
        """Take note of a ``kernel_info_reply``."""

    def restarted(self, kernel: str) -> None:
        """Take note that a kernel begins a new life."""


listeners: list[Listener] = []

_gates: weakref.WeakKeyDictionary[Any, KernelGate] = weakref.WeakKeyDictionary()
_lock = threading.Lock()
_first: Gate | None = None


def gate_of(connection: Any) -> KernelGate:
    """Return the gate of the kernel that a connection is for."""
    manager = connection.kernel_manager
    gate = _gates.get(manager)
    if gate is None:
        gate = _gates[manager] = _make(manager, connection)
        _watch_restarts(manager, gate, str(connection.kernel_id))
    return gate


def shared() -> Gate:
    """Return the gate whose policy, record and settings all others share; it decides about no kernel.

    Raises
    ------
    Exception
        Whatever is wrong with the installation.
    """
    global _first
    with _lock:
        if _first is None:
            _first = open_gate("", dict(os.environ), "", lambda name: None, hub_source)
        return _first


def _make(manager: Any, connection: Any) -> KernelGate:
    kernel_id = str(connection.kernel_id)
    told = weakref.ref(manager)
    local = not _is_remote(manager)

    def open_this() -> Gate:
        first = shared()
        live = told()
        return first.beside(
            first.where._replace(notebook=_notebook(live)),
            kernel=kernel_id,
            folder=(lambda: folder_of(told())) if local else (lambda: None),
            language=language_of(live),
            sensor="server",
        )

    def is_idle() -> bool:
        return getattr(told(), "execution_state", "") in ("idle", "dead", "")

    def on_ruling(ruling: Ruling) -> None:
        for listener in listeners:
            listener.ruled(kernel_id, ruling)

    def on_info(content: Any) -> None:
        for listener in listeners:
            listener.said(kernel_id, content)

    return KernelGate(
        open_this,
        is_idle,
        connection.log,
        lambda: configuration().closes_on_defects,
        on_ruling=on_ruling,
        on_info=on_info,
    )


def language_of(manager: Any) -> str:
    """Return the language that a kernel runs, lower case: as it says itself, else as its kernelspec says."""
    try:
        info = manager._kernel_info_future.result(timeout=0)
        name = info["language_info"]["name"]
    except Exception:
        name = ""
    if not name:
        try:
            name = manager.kernel_spec.language
        except Exception:
            name = ""
    return str(name or "python").lower()


def folder_of(manager: Any) -> str | None:
    """Return the folder that a kernel on this machine works in, None when it cannot be known."""
    process = getattr(getattr(manager, "provisioner", None), "pid", None)
    try:
        return os.readlink(f"/proc/{int(process)}/cwd") if process else _start_folder(manager)
    except (OSError, ValueError, TypeError):
        return _start_folder(manager)


def _start_folder(manager: Any) -> str | None:
    arguments = getattr(manager, "_launch_args", None)
    folder = arguments.get("cwd") if isinstance(arguments, dict) else None
    return folder if isinstance(folder, str) and os.path.isabs(folder) else None


def _notebook(manager: Any) -> str:
    """Return the path that jupyter_server tells the kernel by a variable."""
    arguments = getattr(manager, "_launch_args", None)
    environ = arguments.get("env") if isinstance(arguments, dict) else None
    return str(environ.get("JPY_SESSION_NAME", "")) if isinstance(environ, dict) else ""


def _is_remote(manager: Any) -> bool:
    from jupyter_server.gateway.managers import GatewayKernelManager

    return isinstance(manager, GatewayKernelManager)


def _watch_restarts(manager: Any, gate: KernelGate, kernel: str) -> None:
    """Have a kernel's gate forget whenever the kernel starts again, by whomever."""
    restart = manager.restart_kernel

    def tell() -> None:
        gate.restarted()
        for listener in listeners:
            listener.restarted(kernel)

    async def then(result: Any) -> Any:
        try:
            return await result
        finally:
            tell()

    @wraps(restart)
    def restart_kernel(*args: Any, **kwargs: Any) -> Any:
        tell()
        result = restart(*args, **kwargs)
        if inspect.isawaitable(result):
            return then(result)
        tell()
        return result

    manager.restart_kernel = restart_kernel
