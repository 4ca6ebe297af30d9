"""A policy repository as the central server publishes it, a server for it, and machines that use it.

The server is real and speaks the real protocol; :class:`Central` keeps what it has "committed" in
memory and can be told to misbehave.
"""

from __future__ import annotations

import gzip
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from jupyter_tos_guard.central.publishing.keys import ONLINE, make_key
from jupyter_tos_guard.central.publishing.repository import Repository, create, pin_of
from jupyter_tos_guard.gate.settings import Configuration, configuration
from jupyter_tos_guard.policy.compile import encode
from jupyter_tos_guard.policy.model import Where
from jupyter_tos_guard.sync.refresher import Refresher
from jupyter_tos_guard.sync.transport import Transport
from tests.policy.policies import detecting, policy_of

TIMEOUT = 60.0
TOKEN = "secret-of-ann"


def good_account(**changes: Any) -> dict[str, Any]:
    account = {
        "v": 1,
        "user": "ann",
        "standing": {"level": "good", "live": 0, "until": None, "next_level": "warned", "strikes_left": 1},
        "effects": {"paused": False, "blocked_clauses": [], "until": None, "reason": ""},
        "exemptions": [],
        "terms": {"version": "1", "accepted": None, "required": False},
        "messages": [],
        "contact": "ask@hub.example",
    }
    return {**account, **changes}


def bundle(folder: Path, version: str, module: str = "forbidden", **changes: Any) -> bytes:
    """A compiled policy that blocks importing one module."""
    salt = version.encode().hex().ljust(32, "0")[:32]
    rule = detecting("imported", "one", one={"module": module})
    return encode(policy_of(folder, rule, version=version, salt=salt, **changes))


@dataclass
class Publisher:
    """The central side's repository and keys."""

    folder: Path
    repository: Repository = field(init=False)
    targets_key: Any = field(init=False)

    def __post_init__(self) -> None:
        keys = self.folder / "keys"
        keys.mkdir(parents=True)
        root_key, self.targets_key = make_key(keys / "root.pem"), make_key(keys / "targets.pem")
        for role in ONLINE:
            make_key(keys / f"{role}.pem")
        self.repository = create(
            self.folder / "repository",
            bundle(self.folder / "policy-1", "1"),
            root_keys=[root_key],
            targets_keys=[self.targets_key],
            online_keys=keys,
        )

    @property
    def pin(self) -> str:
        return pin_of((self.folder / "repository" / "metadata" / "1.root.json").read_bytes())

    def publish(self, version: str, module: str = "forbidden", share: float | None = None, **changes: Any):
        data = bundle(self.folder / f"policy-{version}", version, module, **changes)

        def released(release: Any, name: str) -> Any:
            if share is not None:
                from jupyter_tos_guard.policy.release import Candidate

                return release._replace(candidate=Candidate(name, share))
            return release._replace(current=name, candidate=None)

        return self.repository.publish(data, [self.targets_key], then=released)

    def soften(self, **changes: Any) -> None:
        self.repository.set_release(self.repository.release()._replace(**changes))

    def copy(self, name: str) -> Path:
        """The repository's files as they are now, for attacks that bring old ones back."""
        return Path(shutil.copytree(self.folder / "repository", self.folder / name))


class Central:
    """A central server: static repository, reports, account, long poll."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.account: Any = good_account()
        self.strikes: dict[str, dict[str, Any]] = {}
        self.deliveries = 0
        self.reports: list[dict[str, Any]] = []
        self.streams: dict[tuple[str, str], set[int]] = {}
        self.announced: dict[tuple[str, str], int] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        #: Called with the handler before a request is answered; True: it has answered itself.
        self.misbehave: Callable[[Any], bool] = lambda handler: False
        self.changed = threading.Condition()
        self.version = 0
        self.closing = False
        self.lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                self.body = b""
                server.requests.append(("GET", self.path, dict(self.headers)))
                if not server.misbehave(self):
                    server.get(self)

            def do_POST(self) -> None:
                self.body = self.rfile.read(int(self.headers["Content-Length"]))
                server.requests.append(("POST", self.path, dict(self.headers)))
                if not server.misbehave(self):
                    server.post(self)

            def reply(self, status: int, data: bytes | dict[str, Any] = b"", **headers: str) -> None:
                raw = data if isinstance(data, bytes) else json.dumps(data).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                pass  # clients go away in these tests

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/services/tos-guard"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def get(self, handler: Any) -> None:
        path = urlsplit(handler.path)
        name = path.path.removeprefix("/services/tos-guard/")
        if name == "api/v1/account":
            return handler.reply(200, self.account)
        if name == "repository/wait":
            return self.wait(handler, int(parse_qs(path.query)["timestamp"][0]))
        file = self.folder / name.removeprefix("repository/")
        if not name.startswith("repository/") or not file.is_file():
            return handler.reply(404, {"error": {"code": "not-found", "message": "no such file", "hint": ""}})
        status = file.stat()
        tag = f'"{status.st_mtime_ns}-{status.st_size}"'
        if handler.headers.get("If-None-Match") == tag:
            return handler.reply(304, ETag=tag)
        return handler.reply(200, file.read_bytes(), ETag=tag)

    def wait(self, handler: Any, known: int) -> None:
        until = time.monotonic() + 55
        while time.monotonic() < until and not self.closing:
            version = json.loads((self.folder / "metadata/timestamp.json").read_bytes())["signed"]["version"]
            if version != known:
                return handler.reply(200, {"timestamp": version, "spread": 0.2})
            with self.changed:
                self.changed.wait(0.2)
        return handler.reply(204)

    def post(self, handler: Any) -> None:
        if handler.headers.get("Authorization") != f"token {TOKEN}":
            return handler.reply(401, {"error": {"code": "token", "message": "who are you?", "hint": ""}})
        body = handler.body
        if handler.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return handler.reply(200, self.commit(json.loads(body)))

    def commit(self, report: dict[str, Any]) -> dict[str, Any]:
        """What the protocol promises: durable, idempotent by act, contiguous numbers, gaps visible."""
        with self.lock:
            self.reports.append(report)
            touched = set()
            for each in report["streams"]:
                key = report["client"], each["stream"]
                touched.add(key)
                self.announced[key] = max(self.announced.get(key, 0), each["announced"])
            for record in report["records"]:
                key = report["client"], record["stream"]
                touched.add(key)
                self.streams.setdefault(key, set()).add(record["seq"])
                self.strikes.setdefault(record["strike"]["id"], record["strike"])
                self.deliveries += 1
            acknowledged = {}
            for key in touched:
                number = 0
                while number + 1 in self.streams.get(key, ()):
                    number += 1
                acknowledged[key[1]] = number
            return {
                "v": 1,
                "acknowledged": acknowledged,
                "rejected": [],
                "account": self.account,
                "next_report_seconds": 900,
            }

    @property
    def gaps(self) -> dict[str, list[int]]:
        """Numbers that were announced and have not come, by stream."""
        found = {}
        for (client, stream), highest in self.announced.items():
            numbers = self.streams.get((client, stream), set())
            missing = sorted(set(range(1, max(highest, *numbers, 0) + 1)) - numbers)
            if missing:
                found[stream] = missing
        return found

    def close(self) -> None:
        self.closing = True
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, folder in (("JUPYTER_CONFIG_DIR", "config"), ("JUPYTER_DATA_DIR", "data"), ("HOME", "home")):
        (tmp_path / folder).mkdir()
        monkeypatch.setenv(name, str(tmp_path / folder))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path / "central")


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    found = Central(tmp_path / "central" / "repository")
    yield found
    found.close()


@dataclass
class Machine:
    """One client: settings, cache and record in folders of its own."""

    folder: Path
    central: str
    pin: str
    where: Where = Where(user="ann")  # noqa: RUF009 - immutable
    transport: Transport = field(init=False)

    def __post_init__(self) -> None:
        self.transport = Transport(self.settings, {})

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def strikes(self) -> Path:
        return self.folder / "strikes"

    @property
    def variables(self) -> dict[str, str]:
        return {
            "JUPYTER_TOS_GUARD_CENTRAL": self.central,
            "JUPYTER_TOS_GUARD_ROOT": self.pin,
            "JUPYTER_TOS_GUARD_TOKEN": TOKEN,
            "JUPYTER_TOS_GUARD_CACHE": str(self.cache),
            "JUPYTER_TOS_GUARD_STRIKES": str(self.strikes),
        }

    @property
    def settings(self) -> Configuration:
        found = configuration(self.variables)
        assert not found.problems
        return found

    def refresher(self, **changes: Any) -> Refresher:
        settings = self.settings
        return Refresher(
            self.cache,
            changes.pop("transport", self.transport),
            changes.pop("where", self.where),
            changes.pop("root", settings.traits.root),
            **changes,
        )


@pytest.fixture
def machine(tmp_path: Path, central: Central, publisher: Publisher) -> Machine:
    return Machine(tmp_path / "machine", central.url, publisher.pin)


def eventually(condition: Callable[[], Any], seconds: float = TIMEOUT) -> Any:
    """Wait until something holds, and return it."""
    until = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
