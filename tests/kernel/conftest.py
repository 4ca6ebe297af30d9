from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

import pexpect
import pytest
from jupyter_client.manager import KernelManager

from jupyter_tos_guard.policy.compile import compile_policy
from jupyter_tos_guard.strikes.spool import read
from jupyter_tos_guard.strikes.strike import Strike

HERE = Path(__file__).parent
SWITCH = HERE.parents[1] / "jupyter-config" / "ipython_kernel_config.py"
#: Starts a kernel that reads no configuration of the environment, whatever is installed there.
BARE = (
    "import IPython.core.application as a; a.ENV_CONFIG_DIRS.clear(); a.SYSTEM_CONFIG_DIRS.clear(); "
    "from ipykernel import kernelapp; kernelapp.launch_new_instance()"
)
TIMEOUT = 30.0


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled test policy: importing tosblocked, toswarned, tosobserved; enforce mode."""
    path = tmp_path_factory.mktemp("policy") / "test.bundle"
    path.write_bytes(compile_policy(HERE / "policy"))
    return path


@dataclass
class Outcome:
    """What came back for one request."""

    reply: dict[str, Any]
    messages: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def of(self, message_type: str) -> list[dict[str, Any]]:
        return [content for kind, content in self.messages if kind == message_type]

    @property
    def text(self) -> str:
        return "".join(content["text"] for content in self.of("stream"))

    @property
    def refused(self) -> bool:
        return self.reply["status"] == "error" and self.reply["ename"] == "DisallowedCodeError"


class Session:
    """A real kernel and a client of it."""

    def __init__(self, folder: Path, argv: list[str], environ: dict[str, str]) -> None:
        self.folder = folder
        self.manager = KernelManager(transport="tcp")
        spec = self.manager.kernel_spec
        assert spec is not None
        spec.argv = argv
        with open(folder / "stderr", "wb") as self.errors:
            self.manager.start_kernel(env=environ, cwd=str(folder), stderr=self.errors)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=TIMEOUT)

    def send(self, source: str, channel: str = "shell", metadata: object = None, **content: object) -> str:
        header = {"subshell_id": content.pop("subshell_id")} if "subshell_id" in content else {}
        message = self.client.session.msg(
            "execute_request",
            {
                "code": source,
                "silent": False,
                "store_history": True,
                "user_expressions": {},
                "allow_stdin": False,
                # An error would abort what comes next, by chance of timing: tests would see nothing happen.
                "stop_on_error": False,
                **content,
            },
            metadata=metadata,
        )
        message["header"].update(header)
        getattr(self.client, f"{channel}_channel").send(message)
        return str(message["header"]["msg_id"])

    def collect(self, request: str, channel: str = "shell") -> Outcome:
        """Wait for the reply and everything published up to it."""
        get = self.client.get_shell_msg if channel == "shell" else self.client.get_control_msg
        reply = get(timeout=TIMEOUT)
        while reply["parent_header"].get("msg_id") != request:
            reply = get(timeout=TIMEOUT)
        return Outcome(reply["content"], self.published(request))

    def published(self, request: str) -> list[tuple[str, dict[str, Any]]]:
        """Wait until a request is done with, replied to or not."""
        messages = []
        until = time.monotonic() + TIMEOUT
        while time.monotonic() < until:
            message = self.client.get_iopub_msg(timeout=TIMEOUT)
            if message["parent_header"].get("msg_id") != request:
                continue
            messages.append((message["msg_type"], message["content"]))
            if message["content"].get("execution_state") == "idle":
                return messages
        raise Empty

    def run(self, source: str, channel: str = "shell", metadata: object = None, **content: object) -> Outcome:
        return self.collect(self.send(source, channel, metadata, **content), channel)

    def control(self, message_type: str, content: dict[str, Any]) -> dict[str, Any]:
        message = self.client.session.msg(message_type, content)
        self.client.control_channel.send(message)
        reply: dict[str, Any] = self.client.get_control_msg(timeout=TIMEOUT)
        while reply["parent_header"].get("msg_id") != message["header"]["msg_id"]:
            reply = self.client.get_control_msg(timeout=TIMEOUT)
        return reply["content"]  # type: ignore[no-any-return]

    def info(self) -> dict[str, Any]:
        request = self.client.kernel_info()
        reply = self.client.get_shell_msg(timeout=TIMEOUT)
        while reply["parent_header"].get("msg_id") != request:
            reply = self.client.get_shell_msg(timeout=TIMEOUT)
        return reply["content"]  # type: ignore[no-any-return]

    @property
    def strikes(self) -> list[Strike]:
        return list(read(self.folder / "strikes"))

    @property
    def log(self) -> str:
        return (self.folder / "stderr").read_text()

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


Start = Callable[..., Session]


@pytest.fixture(scope="module")
def environ(policy: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return environment(tmp_path_factory.mktemp("home"), policy)


def environment(folder: Path, policy: Path) -> dict[str, str]:
    """Variables for a process whose every kernel is guarded by the test policy."""
    profile = folder / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    shutil.copy(SWITCH, profile)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "JPY"))}
    return {
        **kept,
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_TOS_GUARD_POLICY": str(policy),
        "JUPYTER_TOS_GUARD_STRIKES": str(folder / "strikes"),
        "JUPYTER_TOS_GUARD_TIME_LIMIT": "5",  # tests are about what is decided, on slow machines too
    }


@pytest.fixture(scope="module")
def start(policy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start kernels: ``start()`` a guarded one, ``start(bare=True)`` one without; variables as keywords."""
    sessions: list[Session] = []

    def starter(bare: bool = False, argv: list[str] | None = None, **variables: str) -> Session:
        folder = tmp_path_factory.mktemp("kernel")
        environ = {**environment(folder, policy), **variables}
        if bare:
            shutil.rmtree(folder / "ipython" / "profile_default")
        command = argv or [sys.executable, *(["-c", BARE] if bare else ["-m", "ipykernel_launcher"])]
        sessions.append(Session(folder, [*command, "-f", "{connection_file}"], environ))
        return sessions[-1]

    yield starter
    for session in sessions:
        session.close()


@pytest.fixture(scope="module")
def kernel(start: Start) -> Session:
    """One guarded kernel for all tests of a module that leave it usable."""
    return start()


@contextmanager
def console(environ: dict[str, str], *arguments: str, timeout: float) -> Iterator[pexpect.spawn[str]]:
    """``jupyter console`` in a terminal of its own."""
    terminal = pexpect.spawn(
        sys.executable,
        ["-m", "jupyter_console", "--simple-prompt", *arguments],
        env={**environ, "TERM": "dumb", "JUPYTER_CONSOLE_TEST": "1"},
        encoding="utf-8",
        timeout=timeout,
        dimensions=(50, 80),
    )
    try:
        yield terminal
    finally:
        terminal.close(force=True)
