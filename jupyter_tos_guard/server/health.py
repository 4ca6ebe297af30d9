"""Which kernels are guarded, and whether the guard is still where it was put.

Asks each kernel by ``kernel_info_request`` on its control channel, looks at the
connection class and at the files that switch the guard on. It only finds out;
telling is the extension's part.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_core.paths import ENV_CONFIG_PATH, SYSTEM_CONFIG_PATH

from jupyter_tos_guard.gate.settings import FILE_NAME
from jupyter_tos_guard.server.connection import Gating

#: What a kernel may say of itself, in ``kernel_info_reply``.
SAID = ("guarded", "failing", "unguarded", "closed")
#: It says nothing of a guard, but every request that comes through this server is decided about.
GATE_ONLY = "gate-only"
#: It says nothing, and nothing stands before it.
UNGUARDED = "unguarded"
#: Seconds that a kernel has to answer; a busy one answers too, on its control channel.
PATIENCE = 10.0
_MAX_FILE = 1 << 20


class Health(NamedTuple):
    """How one kernel stands."""

    kernel: str
    name: str
    state: str
    detail: str = ""


class Finding(NamedTuple):
    """Something that was there and is no more; fields as in the schema of ``sensor-tampered``."""

    what: str
    kernel: str
    detail: str


class Watch:
    """Looks, and compares with what it saw before.

    Parameters
    ----------
    kernels : MultiKernelManager
    connection_class : callable
        The class that is in use now.
    files : list of Path, optional
        Instead of those of this environment.
    """

    def __init__(
        self, kernels: Any, connection_class: Callable[[], type], files: list[Path] | None = None
    ) -> None:
        self._kernels = kernels
        self._connection_class = connection_class
        self._files = {path: _digest(path) for path in (_switches() if files is None else files)}
        self._said: dict[str, tuple[str, str]] = {}
        self._found: set[Finding] = set()

    def states(self) -> list[Health]:
        """Return how each kernel stands, as of the last look."""
        before = issubclass(self._connection_class(), Gating)
        found = []
        for kernel in self._kernels.list_kernel_ids():
            manager = self._kernels.get_kernel(kernel)
            state, detail = self._said.get(kernel, ("", ""))
            found.append(
                Health(
                    kernel, str(manager.kernel_name), state or (GATE_ONLY if before else UNGUARDED), detail
                )
            )
        return found

    def said(self, kernel: str, content: Any) -> list[Finding]:
        """Take note of a ``kernel_info_reply``; return what is new and wrong."""
        ours = content.get("tos_guard") if isinstance(content, dict) else None
        state = str(ours.get("state", "")) if isinstance(ours, dict) else ""
        detail = str(ours.get("detail", ""))[:300] if isinstance(ours, dict) else ""
        before = self._said.get(kernel, ("", ""))[0]
        self._said[kernel] = (state if state in SAID else "", detail)
        if before in ("guarded", "failing") and state not in ("guarded", "failing", "closed"):
            return self._new(
                [Finding("kernel", kernel, f"it was {before}, and now says {state or 'nothing'}")]
            )
        return []

    def restarted(self, kernel: str) -> None:
        """Forget what a kernel said in its last life."""
        self._said.pop(kernel, None)

    async def look(self) -> list[Finding]:
        """Ask all kernels and look at the rest; return what is new and wrong."""
        found = []
        connection_class = self._connection_class()
        if not issubclass(connection_class, Gating):
            found.append(
                Finding(
                    "connection-class", "", f"it is {connection_class.__module__}.{connection_class.__name__}"
                )
            )
        for path, digest in self._files.items():
            now = _digest(path)
            if digest and now != digest:
                found.append(Finding("configuration", "", f"{path} is {'changed' if now else 'gone'}"))
        found = self._new(found)
        here = set(self._kernels.list_kernel_ids())
        self._said = {kernel: said for kernel, said in self._said.items() if kernel in here}
        for kernel in here:
            content = await self._ask(kernel)
            if content is not None:
                found += self.said(kernel, content)
        return found

    async def _ask(self, kernel: str) -> Any:
        """Return the content of a kernel's ``kernel_info_reply``; None when it cannot be asked from here."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        try:
            manager = self._kernels.get_kernel(kernel)
            if not getattr(manager, "has_kernel", False) or not getattr(manager, "shell_port", 0):
                return None
            stream = manager.connect_control()
        except Exception:
            return None  # it is gone, or lives behind a gateway
        session = manager.session.clone()

        def received(parts: list[bytes]) -> None:
            try:
                _, rest = session.feed_identities(parts)
                message = session.deserialize(rest)
                if message["msg_type"] == "kernel_info_reply" and not answer.done():
                    answer.set_result(message["content"])
            except Exception as error:
                if not answer.done():
                    answer.set_exception(error)

        try:
            stream.on_recv(received)
            session.send(stream, "kernel_info_request")
            return await asyncio.wait_for(answer, PATIENCE)
        except Exception:
            return None
        finally:
            stream.close()

    def _new(self, found: list[Finding]) -> list[Finding]:
        new = [each for each in found if each not in self._found]
        self._found.update(new)
        return new


def _switches() -> Iterator[Path]:
    """Files that switch the guard on, or hold its settings, where an operator would put them."""
    for folder in dict.fromkeys([*SYSTEM_CONFIG_PATH, *ENV_CONFIG_PATH]):
        yield Path(folder, FILE_NAME)
        yield Path(folder, "jupyter_server_config.d", "jupyter_tos_guard.json")
        yield Path(folder).parent / "ipython" / "ipython_kernel_config.py"


def _digest(path: Path) -> str:
    """Digest of a file, empty when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read(_MAX_FILE)).hexdigest()
    except OSError:
        return ""
