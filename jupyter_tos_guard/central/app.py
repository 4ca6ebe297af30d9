"""The central server as a program: settings, start, stop.

As a service that the Hub manages it takes everything from the Hub's ``JUPYTERHUB_*``
variables and needs nothing else set. What it serves is :mod:`.web`, what it keeps :mod:`.storage`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from jupyter_core.application import JupyterApp
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from traitlets import Bool, Dict, Enum, Float, Integer, List, Unicode, default, validate

from jupyter_tos_guard.central import tasks
from jupyter_tos_guard.central.casework.config import CaseworkConfig, Effect
from jupyter_tos_guard.central.hub.api import HubApi
from jupyter_tos_guard.central.hub.watch import watch
from jupyter_tos_guard.central.intake.commit import Intake
from jupyter_tos_guard.central.notices import Notices
from jupyter_tos_guard.central.publishing.keys import KeyProblem
from jupyter_tos_guard.central.publishing.repository import Repository, RepositoryError
from jupyter_tos_guard.central.publishing.setup import ensure_repository
from jupyter_tos_guard.central.storage.database import Database, Unavailable
from jupyter_tos_guard.central.storage.migrate import MigrationError, migrate
from jupyter_tos_guard.central.storage.threads import Threads
from jupyter_tos_guard.central.web.application import make_app
from jupyter_tos_guard.central.web.auth import Auth, HubAuth, StatelessHubOAuth, TokenAuth
from jupyter_tos_guard.central.web.context import Context, Limits
from jupyter_tos_guard.central.web.metrics import Metrics
from jupyter_tos_guard.central.web.repository import Watch
from jupyter_tos_guard.strikes.standing import Level

#: Seconds that requests have to end after the service was told to stop.
GRACE = 20.0
#: Seconds between two tries to reach a database that does not answer at the start.
DATABASE_PAUSE = 3.0
#: Largest request body; reports are compressed, and everything else is smaller.
MAX_BODY = 1 << 20


class SettingError(Exception):
    """The service cannot start with these settings; the text says which and how to mend it."""


class CentralApp(JupyterApp):
    """The central server of jupyter_tos_guard."""

    name = Unicode("jupyter-tos-guard-central")
    description = "Policy out, strikes in, people in between."
    config_file_name = Unicode("jupyter_tos_guard_central_config")

    bind_url = Unicode(
        help="Where to listen: http://HOST:PORT or unix:///PATH. Default: $JUPYTERHUB_SERVICE_URL, else "
        "http://127.0.0.1:10101. Port 0 takes a free one and logs it."
    ).tag(config=True)
    prefix = Unicode(
        help="Path below which everything is. Default: $JUPYTERHUB_SERVICE_PREFIX, else /services/tos-guard/."
    ).tag(config=True)
    public_url = Unicode(
        help="The service as a browser sees it, for links in messages. Default: $JUPYTERHUB_PUBLIC_URL."
    ).tag(config=True)
    behind_proxy = Bool(
        help="Take the caller's address and protocol from X-Forwarded-* headers. Default: when the Hub "
        "manages the service, whose proxy writes them."
    ).tag(config=True)
    state = Unicode(
        "tos_guard_central", help="Folder for what the service makes by itself: database, repository, keys."
    ).tag(config=True)
    database_url = Unicode(
        help="Default: $TOS_GUARD_DATABASE_URL, else an SQLite file in the state folder. "
        "PostgreSQL: postgresql://user@host/name."
    ).tag(config=True)
    database_connections = Integer(8, help="PostgreSQL connections kept open by each replica.").tag(
        config=True
    )
    repository_folder = Unicode(
        help="The policy repository's files. Default: repository/ in the state folder."
    ).tag(config=True)
    online_keys = Unicode(
        help="Folder of the online keys. Default: keys/online/ in the state folder. "
        "A replica without them serves the repository and signs nothing."
    ).tag(config=True)
    cookie_secret = Unicode(
        help="Hex, 32 bytes or more; the same on all replicas. Default: $TOS_GUARD_COOKIE_SECRET, else "
        "a file in the state folder."
    ).tag(config=True)

    effects = Dict(
        key_trait=Enum([level.value for level in Level]),
        value_trait=List(Enum([effect.value for effect in Effect])),
        help='What each level of the ladder brings about, e.g. {"restricted": ["block-clause", "cpu-only"]}. '
        f"Effects: {', '.join(effect.value for effect in Effect)}. Levels left out: as in the documentation.",
    ).tag(config=True)
    appeal_days = Float(7.0, min=0.0, help="Within how many days an appeal should be answered.").tag(
        config=True
    )
    appeal_by_other = Bool(
        True, help="Another reviewer than the one who upheld the strike answers its appeal."
    ).tag(config=True)
    retention_days = Float(365.0, min=0.0, help="After how many days strikes are deleted; 0: never.").tag(
        config=True
    )
    require_terms = Bool(
        False, help="The terms have to be accepted before a server starts, again when they change."
    ).tag(config=True)
    contact = Unicode(help="Whom users may ask. Default: the contact in the terms.").tag(config=True)
    grace_minutes = Float(
        15.0, min=0.0, help="Between the begin of a level with stop-servers and the stop of servers."
    ).tag(config=True)

    database_wait = Float(
        300.0,
        min=0.0,
        help="For how many seconds the start waits for a database that does not answer. A Hub goes on "
        "starting meanwhile; a service that ends at once would take it down.",
    ).tag(config=True)

    notify = List(
        Unicode(),
        help="Where admins are told of open appeals, suspensions and silent clients: URLs as apprise takes "
        "them, e.g. mailto://user:pass@example.org or json://host/path.",
    ).tag(config=True)
    authenticate_metrics = Bool(True, help="Metrics need a token with the scope read.").tag(config=True)
    metrics_prefix = Unicode("tos_guard", help="Before the name of each metric.").tag(config=True)
    json_logs = Bool(False, help="Write the log as JSON, one object a line.").tag(config=True)
    hub_cache_seconds = Integer(
        300,
        min=1,
        help="For how long the Hub's word on a token holds: a revoked token works that much longer.",
    ).tag(config=True)
    requests_per_second = Float(20.0, min=0.1, help="Of one caller, on each replica.").tag(config=True)
    reports_per_minute = Float(60.0, min=1.0, help="Reports of one caller, on each replica.").tag(config=True)

    @default("bind_url")
    def _bind_url(self) -> str:
        return os.environ.get("JUPYTERHUB_SERVICE_URL") or "http://127.0.0.1:10101"

    @default("prefix")
    def _prefix(self) -> str:
        return os.environ.get("JUPYTERHUB_SERVICE_PREFIX") or "/services/tos-guard/"

    @validate("prefix")
    def _slashes(self, proposal: Mapping[str, str]) -> str:
        return "/" + "".join(f"{part}/" for part in proposal["value"].split("/") if part)

    @default("public_url")
    def _public_url(self) -> str:
        return os.environ.get("JUPYTERHUB_PUBLIC_URL", "")

    @default("behind_proxy")
    def _behind_proxy(self) -> bool:
        return bool(os.environ.get("JUPYTERHUB_SERVICE_PREFIX"))

    @default("database_url")
    def _database_url(self) -> str:
        path = Path(self.state).absolute() / "tos_guard.sqlite"
        return os.environ.get("TOS_GUARD_DATABASE_URL") or f"sqlite:///{path}"

    @default("repository_folder")
    def _repository_folder(self) -> str:
        return str(Path(self.state) / "repository")

    @default("online_keys")
    def _online_keys(self) -> str:
        return str(Path(self.state) / "keys" / "online")

    @default("cookie_secret")
    def _cookie_secret(self) -> str:
        given = os.environ.get("TOS_GUARD_COOKIE_SECRET")
        return given or kept_secret(self.state_folder() / "cookie_secret")

    # -- parts ----------------------------------------------------------------------------

    def state_folder(self) -> Path:
        """Return the state folder, made when it is missing, for the service's eyes only."""
        path = Path(self.state).absolute()
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SettingError(
                f"the state folder {path} cannot be made: {error.strerror}. Set --CentralApp.state."
            ) from None
        return path

    def casework(self) -> CaseworkConfig:
        """Return what the traits say about casework."""
        effects = {**CaseworkConfig().effects}
        for level, names in self.effects.items():
            effects[Level(level)] = tuple(Effect(name) for name in names)
        return CaseworkConfig(
            effects=effects,
            appeal_days=self.appeal_days,
            appeal_by_other=self.appeal_by_other,
            retention_days=self.retention_days,
            require_terms=self.require_terms,
            contact=self.contact,
            grace_minutes=self.grace_minutes,
        )

    def open_database(self) -> Database:
        """Return the database, its tables as this version has them."""
        if self.database_url.startswith("sqlite:///"):
            self.state_folder()
        try:
            database = Database(self.database_url, self.database_connections)
            self._migrate(database)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError):
            raise SettingError(
                "database_url is not one that can be used: sqlite:///PATH or postgresql://user@host/name "
                "(that needs: pip install jupyter_tos_guard[postgresql])"
            ) from None
        except (MigrationError, Unavailable) as error:
            raise SettingError(str(error)) from None
        return database

    def _migrate(self, database: Database) -> None:
        """Bring the tables up to date as soon as the database answers."""
        end = time.monotonic() + self.database_wait
        while time.monotonic() < end:
            with suppress(Unavailable):
                return migrate(database)
            self.log.warning("The database does not answer; trying again in %.0f s", DATABASE_PAUSE)
            time.sleep(DATABASE_PAUSE)
        return migrate(database)

    def hub(self) -> StatelessHubOAuth | None:
        """Return the client of the Hub that started this service or registered it, if one did."""
        if not (os.environ.get("JUPYTERHUB_API_TOKEN") and os.environ.get("JUPYTERHUB_CLIENT_ID")):
            return None
        hub = StatelessHubOAuth(base_url=self.prefix, cache_max_age=self.hub_cache_seconds)
        hub.encrypt_with(self.secret())
        return hub

    def secret(self) -> bytes:
        """Return the key of cookies."""
        try:
            found = bytes.fromhex(self.cookie_secret)
        except ValueError:
            found = b""
        if len(found) < 32:
            raise SettingError(
                "cookie_secret is not 32 bytes or more in hex. Make one with: openssl rand -hex 32"
            )
        return found

    def context(self, database: Database) -> Context:
        """Return what handlers need."""
        limits = Limits(
            requests_per_second=self.requests_per_second, reports_per_minute=self.reports_per_minute
        )
        threads = Threads(4 if database.is_sqlite else self.database_connections, limits.busy)
        hub = self.hub()
        auth: Auth = HubAuth(hub) if hub else TokenAuth(database, threads)
        metrics = Metrics(self.metrics_prefix)
        casework = self.casework()
        folder = Path(self.repository_folder).absolute()
        try:
            notify = Notices(self.notify, metrics, self.log)
        except ValueError as error:
            raise SettingError(f"{error}. See https://github.com/caronc/apprise/wiki") from None
        return Context(
            database=database,
            casework=casework,
            auth=auth,
            threads=threads,
            metrics=metrics,
            clock=time.time,
            prefix=self.prefix,
            public_url=self.public_url,
            repository_folder=folder,
            repository=Repository(folder, Path(self.online_keys).absolute()),
            documents=Path(self.state).absolute() / "documents",
            intake=Intake(database, threads, casework, metrics, self.log),
            watch=Watch(folder / "metadata" / "timestamp.json", limits.waiters),
            limits=limits,
            notify=notify,
            name=os.environ.get("JUPYTERHUB_SERVICE_NAME") or "tos-guard",
            log=self.log,
        )

    # -- life -----------------------------------------------------------------------------

    def make_repository(self) -> None:
        """Make keys and the policy repository with the default policy, when there is none yet."""
        try:
            ensure_repository(
                self.state_folder(),
                repository=Path(self.repository_folder).absolute(),
                online=Path(self.online_keys).absolute(),
                say=self.log.warning,
            )
        except (RepositoryError, KeyProblem) as error:
            raise SettingError(str(error)) from None

    def serve(self) -> None:
        """Run until told to stop."""
        if self.json_logs:
            log_as_json(self.log)
        database = self.open_database()
        self.make_repository()
        try:
            asyncio.run(self._serve(self.context(database)))
        finally:
            database.close()

    async def _serve(self, context: Context) -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        application = make_app(
            context, cookie_secret=self.secret(), authenticate_metrics=self.authenticate_metrics
        )
        server = HTTPServer(
            application,
            xheaders=self.behind_proxy,
            max_body_size=MAX_BODY,
            body_timeout=30,
            idle_connection_timeout=75,
        )
        # What is loaded by now stays: looking for garbage among it would stop every request for a tenth of
        # a second, every few seconds under load.
        gc.collect()
        gc.freeze()
        sockets = listen(self.bind_url)
        server.add_sockets(sockets)
        self.log.info("Listening at %s%s", address_of(sockets[0]), self.prefix)
        background = [
            asyncio.ensure_future(tasks.run(context, tasks.of(context))),
            asyncio.ensure_future(watch(context, HubApi.from_environment())),
        ]
        try:
            await stopping.wait()
        finally:
            self.log.info("Stopping: no new requests; those that run have %.0f s", GRACE)
            for task in background:
                task.cancel()
            server.stop()
            await stop(context, GRACE)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(server.close_all_connections(), GRACE)
            await asyncio.gather(*background, return_exceptions=True)
            context.threads.close()


async def stop(context: Context, seconds: float) -> None:
    """Let waiting requests end: long polls at once, reports after their commit."""
    if context.watch is not None:
        context.watch.close()
    if context.intake is not None:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(context.intake.close(), seconds)
    if isinstance(context.notify, Notices):
        context.notify.close()


def listen(url: str) -> list[socket.socket]:
    """Return sockets that listen at a URL.

    Raises
    ------
    SettingError
    """
    parts = urlsplit(url)
    try:
        if parts.scheme == "unix":
            from tornado.netutil import bind_unix_socket

            return [bind_unix_socket(parts.path, mode=0o660)]
        if parts.scheme not in ("http", ""):
            raise SettingError(
                f"bind_url {url!r}: only http:// and unix:// can be listened at; put TLS in front"
            )
        return bind_sockets(10101 if parts.port is None else parts.port, parts.hostname or "127.0.0.1")
    except (OSError, ValueError) as error:
        raise SettingError(f"cannot listen at {url!r}: {error}. Set --CentralApp.bind_url.") from None


def address_of(bound: socket.socket) -> str:
    """Return the URL of a listening socket."""
    name = bound.getsockname()
    if isinstance(name, tuple):
        return f"http://{f'[{name[0]}]' if ':' in name[0] else name[0]}:{name[1]}"
    return f"unix://{name}"


def kept_secret(path: Path) -> str:
    """Return the secret in a file, made when it is missing: the first of several replicas wins."""
    with suppress(FileExistsError):
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(made, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
    for _ in range(50):
        if text := path.read_text(encoding="ascii").strip():
            return text
        time.sleep(0.02)  # another replica is writing it
    raise SettingError(f"{path} is empty. Delete it; a new one is made.")


def log_as_json(log: logging.Logger) -> None:
    """Write log records as JSON objects."""
    from pythonjsonlogger.json import JsonFormatter

    formatter = JsonFormatter(
        "{asctime}{levelname}{name}{message}",
        style="{",
        rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        json_ensure_ascii=True,
        json_serializer=json.dumps,
    )
    for handler in {*log.handlers, *logging.getLogger().handlers, *logging.getLogger("tornado").handlers}:
        handler.setFormatter(formatter)
