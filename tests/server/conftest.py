"""Real Jupyter servers in processes of their own, and plain websocket clients in both encodings."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import websocket

from jupyter_tos_guard.policy.compile import compile_policy
from jupyter_tos_guard.server.encoding import V1, join, split
from jupyter_tos_guard.strikes.spool import read
from jupyter_tos_guard.strikes.strike import Strike
from tests.kernel.conftest import BARE, SWITCH
from tests.processes import end

POLICY = Path(__file__).parents[1] / "kernel" / "policy"
TIMEOUT = 40.0
PARTS = ("header", "parent_header", "metadata", "content")
BARE_BASH = (
    "import IPython.core.application as a; a.ENV_CONFIG_DIRS.clear(); a.SYSTEM_CONFIG_DIRS.clear(); "
    "from ipykernel.kernelapp import IPKernelApp; from bash_kernel.kernel import BashKernel; "
    "IPKernelApp.launch_instance(kernel_class=BashKernel)"
)
KERNELS = {
    "guarded": (["-m", "ipykernel_launcher"], "python"),
    # Without the history: many kernels lock each other out of its file, and say so among a cell's output.
    "bare": (["-c", BARE, "--HistoryManager.enabled=False"], "python"),
    "bash": (["-c", BARE_BASH], "bash"),
}


@dataclass
class Outcome:
    """What came back for one request, in order of arrival."""

    request: str
    messages: list[dict[str, Any]] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [each["content"] for each in self.messages if each["header"]["msg_type"] == kind]

    @property
    def kinds(self) -> list[str]:
        return [each["content"].get("execution_state", each["header"]["msg_type"]) for each in self.messages]

    @property
    def reply(self) -> dict[str, Any]:
        (reply,) = self.of("execute_reply")
        return reply

    @property
    def text(self) -> str:
        return "".join(content["text"] for content in self.of("stream"))

    @property
    def refused(self) -> bool:
        return self.reply["status"] == "error" and self.reply["ename"] == "DisallowedCodeError"

    @property
    def done(self) -> bool:
        kinds = self.kinds
        return "idle" in kinds and any(kind.endswith("_reply") for kind in kinds)


class Client:
    """One websocket to one kernel."""

    def __init__(self, server: Server, kernel: str, v1: bool, session: str = "") -> None:
        self.session = session or uuid.uuid4().hex
        self.v1 = v1
        self.socket = websocket.create_connection(
            f"{server.url.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels?session_id={self.session}",
            header=[f"Authorization: token {server.token}"],
            subprotocols=[V1] if v1 else None,
            sockopt=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
            timeout=TIMEOUT,
        )
        self.received: list[dict[str, Any]] = []

    def message(
        self, kind: str, content: dict[str, Any], metadata: object = None, **header: object
    ) -> dict[str, Any]:
        return {
            "header": {
                "msg_id": uuid.uuid4().hex,
                "msg_type": kind,
                "session": self.session,
                "username": "me",
                "date": datetime.now(timezone.utc).isoformat(),
                "version": "5.3",
                **header,
            },
            "parent_header": {},
            "metadata": metadata or {},
            "content": content,
        }

    def send(self, message: dict[str, Any], channel: str = "shell", buffers: tuple[bytes, ...] = ()) -> str:
        if self.v1:
            raw = join(channel, [*(json.dumps(message[part]).encode() for part in PARTS), *buffers])
            self.socket.send_binary(raw)
        elif buffers:
            blobs = [json.dumps({**message, "channel": channel}).encode(), *buffers]
            offsets = [4 * (len(blobs) + 1)]
            for blob in blobs:
                offsets.append(offsets[-1] + len(blob))
            numbers = [len(blobs), *offsets[:-1]]
            self.socket.send_binary(b"".join([*(n.to_bytes(4, "big") for n in numbers), *blobs]))
        else:
            self.socket.send(json.dumps({**message, "channel": channel}))
        return str(message["header"]["msg_id"])

    def execute(
        self,
        code: str,
        channel: str = "shell",
        metadata: object = None,
        subshell: str = "",
        **content: object,
    ) -> str:
        header = {"subshell_id": subshell} if subshell else {}
        message = self.message(
            "execute_request",
            {
                "code": code,
                "silent": False,
                "store_history": True,
                "user_expressions": {},
                "allow_stdin": False,
                "stop_on_error": True,
                **content,
            },
            metadata,
            **header,
        )
        return self.send(message, channel)

    def receive(self, timeout: float = TIMEOUT) -> dict[str, Any]:
        raw = self._receive(time.monotonic() + timeout)
        if isinstance(raw, str):
            message = json.loads(raw)
        elif self.v1:
            channel, parts = split(raw)
            message = dict(zip(PARTS, map(json.loads, parts[:4]), strict=True))
            message |= {"channel": channel, "buffers": parts[4:]}
        else:
            count = int.from_bytes(raw[:4], "big")
            offsets = [int.from_bytes(raw[4 * n : 4 * n + 4], "big") for n in range(1, count + 1)]
            blobs = [raw[a:b] for a, b in zip(offsets, [*offsets[1:], None], strict=True)]
            message = {**json.loads(blobs[0]), "buffers": blobs[1:]}
        self.received.append(message)
        return message

    def _receive(self, until: float) -> str | bytes:
        while True:
            self.socket.settimeout(max(0.001, until - time.monotonic()))
            if hasattr(
                socket, "TCP_QUICKACK"
            ):  # else each exchange waits 40 ms for a delayed acknowledgement
                self.socket.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            kind, raw = self.socket.recv_data(control_frame=True)
            if kind == websocket.ABNF.OPCODE_TEXT:
                return raw.decode()
            if kind == websocket.ABNF.OPCODE_BINARY:
                return raw
            if kind == websocket.ABNF.OPCODE_CLOSE:
                raise websocket.WebSocketConnectionClosedException("the server closed the connection")
            if time.monotonic() > until:  # pings keep coming
                raise websocket.WebSocketTimeoutException("no message came in time")

    def collect(self, *requests: str) -> list[Outcome]:
        """Wait until all requests are done with; return what came for each."""
        until = time.monotonic() + TIMEOUT
        while time.monotonic() < until:
            outcomes = [self.outcome(request) for request in requests]
            if all(outcome.done for outcome in outcomes):
                return outcomes
            self.receive(until - time.monotonic())
        raise TimeoutError([outcome.kinds for outcome in outcomes])

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        for message in self.received:
            if wanted(message):
                return message
        until = time.monotonic() + TIMEOUT
        while True:
            message = self.receive(until - time.monotonic())
            if wanted(message):
                return message

    def wait_for_output(self, text: str) -> None:
        """Wait until it was printed: kernels may send a line in pieces."""

        def printed() -> str:
            return "".join(
                each["content"]["text"] for each in self.received if each["header"]["msg_type"] == "stream"
            )

        self.wait_for(lambda message: text in printed())

    def outcome(self, request: str) -> Outcome:
        return Outcome(
            request, [each for each in self.received if each["parent_header"].get("msg_id") == request]
        )

    def run(self, code: str, *args: Any, **keywords: Any) -> Outcome:
        return self.collect(self.execute(code, *args, **keywords))[0]

    def close(self) -> None:
        self.socket.close()


class Server:
    """A Jupyter server of its own."""

    def __init__(
        self, folder: Path, policy: Path, command: list[str], config: dict[str, Any], **variables: str
    ) -> None:
        self.folder = folder
        self.token = secrets.token_hex(16)
        self.clients: list[Client] = []
        self.environ = {**environment(folder, policy, self.token), **variables}
        (folder / "config").mkdir(exist_ok=True)
        for name, section in config.items():
            (folder / "config" / f"{name}.json").write_text(json.dumps(section))
        self.log_path = folder / "server.log"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=folder,
                env=self.environ,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        self.url = ""

    def wait(self, url: str = "") -> Server:
        """Wait until it answers; its address is in the file that it writes, unless given."""
        until = time.monotonic() + TIMEOUT
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log
            files = list((self.folder / "runtime").glob("jpserver-*.json"))
            try:
                self.url = url or json.loads(files[0].read_text())["url"].rstrip("/")
                self.get("/api/kernelspecs" if url else "/api/status")
            except (IndexError, ValueError, OSError):
                time.sleep(0.05)
            else:
                return self
        raise TimeoutError(self.log)

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    @property
    def strikes(self) -> list[Strike]:
        return list(read(self.folder / "strikes"))

    def request(
        self, method: str, path: str, body: object = None, token: str | None = None
    ) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)
        request.add_header("Authorization", f"token {self.token if token is None else token}")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                text = response.read()
                return response.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            text = error.read()
            try:
                return error.code, json.loads(text)
            except ValueError:
                return error.code, text.decode(errors="replace")

    def get(self, path: str) -> Any:
        status, body = self.request("GET", path)
        if status >= 400:
            raise ValueError(f"{status}: {body}")
        return body

    def start_kernel(self, name: str = "guarded") -> str:
        status, body = self.request("POST", "/api/kernels", {"name": name})
        assert status == 201, body
        return str(body["id"])

    def connect(self, kernel: str, v1: bool = False, session: str = "") -> Client:
        client = Client(self, kernel, v1, session)
        self.clients.append(client)
        return client

    def close(self) -> None:
        end(self.process)
        for client in self.clients:
            client.socket.shutdown()  # to close one takes a while: the other end has to answer


def environment(folder: Path, policy: Path, token: str) -> dict[str, str]:
    """Variables of a server whose IPython kernels may be guarded or bare, by their kernelspec."""
    profile = folder / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / SWITCH.name).write_text(SWITCH.read_text())
    for name, (arguments, language) in KERNELS.items():
        spec = folder / "data" / "kernels" / name
        spec.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, *arguments, "-f", "{connection_file}"]
        variables = {} if name == "guarded" else {"IPYTHONDIR": str(folder / "no-ipython")}
        (spec / "kernel.json").write_text(
            json.dumps({"argv": argv, "display_name": name, "language": language, "env": variables})
        )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "JPY"))}
    return {
        **kept,
        "HOME": str(folder),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_TOKEN": token,
        "JUPYTER_TOS_GUARD_POLICY": str(policy),
        "JUPYTER_TOS_GUARD_STRIKES": str(folder / "strikes"),
        "JUPYTER_TOS_GUARD_TIME_LIMIT": "5",  # tests are about what is decided, on slow machines too
    }


Start = Callable[..., Server]
#: The environment of the tests may have JupyterLab and more in it, which take long to load.
OTHERS = ("jupyterlab", "jupyter_lsp", "notebook_shim", "notebook", "jupyter_server_terminals")
EXTENSIONS = {
    "ServerApp": {"jpserver_extensions": {**dict.fromkeys(OTHERS, False), "jupyter_tos_guard": True}}
}


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled test policy: importing tosblocked, toswarned, tosobserved; enforce mode."""
    path = tmp_path_factory.mktemp("policy") / "test.bundle"
    path.write_bytes(compile_policy(POLICY))
    return path


@pytest.fixture(scope="module")
def start(policy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start servers: ``start()`` one with the gate; command line arguments and variables as wanted."""
    servers: list[Server] = []

    def starter(*arguments: str, config: dict[str, Any] | None = None, **variables: str) -> Server:
        folder = tmp_path_factory.mktemp("server")
        command = ["-m", "jupyter_server", "--no-browser", "--port=0", "--allow-root", *arguments]
        merged = {"jupyter_server_config": EXTENSIONS, **(config or {})}
        servers.append(Server(folder, policy, command, merged, **variables))
        return servers[-1].wait()

    yield starter
    for server in servers:
        server.close()


@pytest.fixture(scope="module")
def server(start: Start) -> Server:
    """One server with the gate for all tests of a module that leave it usable."""
    return start()
