"""What tests of the central server share: databases, and a real service on a free port."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from jupyter_tos_guard.central.app import MAX_BODY, CentralApp, stop
from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.migrate import migrate
from jupyter_tos_guard.central.storage.tokens import make_token
from jupyter_tos_guard.central.web.application import make_app
from jupyter_tos_guard.central.web.context import Context

from .postgresql import Cluster, cluster

PREFIX = "/services/tos-guard/"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """One PostgreSQL server for all tests; each test makes its own database in it."""
    with cluster() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'tos_guard.sqlite'}"
    return request.getfixturevalue("postgresql").create()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with all tables, of each kind."""
    found = Database(database_url)
    migrate(found)
    yield found
    found.close()


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    """A database with all tables, for what does not depend on its kind."""
    found = Database(f"sqlite:///{tmp_path / 'tos_guard.sqlite'}")
    migrate(found)
    yield found
    found.close()


@dataclass
class Service:
    """A real service in a thread of its own, with stand-alone tokens."""

    context: Context
    runner: Any
    url: str = ""
    tokens: dict[tuple[str, ...], str] = field(default_factory=dict)

    def token(self, user: str, *scopes: str) -> str:
        """Return a token of that user."""
        key = (user, *scopes)
        if key not in self.tokens:
            with self.context.database.transaction() as session:
                self.tokens[key] = make_token(session, user, scopes, time.time())
        return self.tokens[key]

    def variables(self, user: str, cache: Path) -> dict[str, str]:
        """Return the environment of that user's server, so that it talks to this service."""
        return {
            "JUPYTER_TOS_GUARD_CENTRAL": self.url,
            "JUPYTER_TOS_GUARD_TOKEN": self.token(user),
            "JUPYTER_TOS_GUARD_ROOT": self.context.repository.root_pin(),
            "JUPYTER_TOS_GUARD_CACHE": str(cache),
        }

    def client(self, user: str = "", *scopes: str, **options: Any) -> httpx.Client:
        """Return an HTTP client that calls as that user; nobody, if none is named."""
        headers = {"Authorization": f"token {self.token(user, *scopes)}"} if user else {}
        headers.update(options.pop("headers", {}))
        options = {"timeout": 60, "trust_env": False, **options}
        return httpx.Client(base_url=self.url, headers=headers, **options)


class Runner:
    """The event loop of a service, in a thread."""

    def __init__(self, app: CentralApp, database: Database) -> None:
        self.app = app
        self.context = app.context(database)
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = 0

    def start(self) -> int:
        self._thread.start()
        assert self._started.wait(30)
        return self.port

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._started.set()
        self._loop.run_forever()

    async def _start(self) -> None:
        application = make_app(self.context, cookie_secret=self.app.secret())
        self.server = HTTPServer(application, max_body_size=MAX_BODY, body_timeout=30)
        sockets = bind_sockets(0, "127.0.0.1")
        self.server.add_sockets(sockets)
        self.port = sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self.server.stop()
        await stop(self.context, 20)
        await self.server.close_all_connections()
        self.context.threads.close()


@pytest.fixture
def make_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Service]]:
    """Start services: ``make_service(database, **traits)``."""
    for name in ("JUPYTERHUB_API_TOKEN", "JUPYTERHUB_CLIENT_ID", "JUPYTERHUB_SERVICE_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    running: list[Runner] = []

    def start(database: Database, **traits: Any) -> Service:
        # Tests ask more often than people.
        traits = {"requests_per_second": 100_000.0, "reports_per_minute": 6_000_000.0, **traits}
        app = CentralApp(state=str(tmp_path / "state"), prefix=PREFIX, **traits)
        app.database_url = str(database.engine.url)
        runner = Runner(app, database)
        running.append(runner)
        port = runner.start()
        return Service(runner.context, runner, f"http://127.0.0.1:{port}{PREFIX}")

    yield start
    for runner in running:
        runner.stop()


@pytest.fixture
def service(make_service: Callable[..., Service], database: Database) -> Service:
    """A real service on each kind of database."""
    return make_service(database)


@pytest.fixture
def sqlite_service(make_service: Callable[..., Service], sqlite_database: Database) -> Service:
    """A real service, for what does not depend on the database."""
    return make_service(sqlite_database)
