"""The database: how to reach it, and one transaction at a time.

SQLite needs nothing set up; PostgreSQL is for hubs that outgrow one process. Queries are
with what they are for, not here.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

_T = TypeVar("_T")
#: What PostgreSQL says when two transactions cannot both be: serialization failure, deadlock, lock timeout.
_CONFLICTS = frozenset({"40001", "40P01", "55P03"})
#: Connection, resources, operator intervention, input/output; a standby that only reads; idle too long.
_DOWN = ("08", "53", "57", "58", "25006", "25P03")
_SQLITE_DOWN = ("SQLITE_IOERR", "SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_READONLY")
_READING = "tos_guard_reading"


class Unavailable(Exception):
    """The database cannot be reached or does not answer in time; nothing was stored."""


class Database:
    """Where the central server keeps things.

    Parameters
    ----------
    url : str
        As SQLAlchemy takes it: ``sqlite:///tos_guard.sqlite``, ``postgresql://user@host/name``.
    connections : int, optional
        PostgreSQL connections kept open by this process; a few more are opened for a rush.
    """

    def __init__(self, url: str, connections: int = 8) -> None:
        parsed = make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        options: dict[str, Any]
        if parsed.get_backend_name() == "sqlite":
            # Transactions are begun by us (`_begin`), not guessed by the driver.
            options = {"connect_args": {"timeout": 15, "isolation_level": None}}
        else:
            limits = (
                "-c statement_timeout=60s -c lock_timeout=10s -c idle_in_transaction_session_timeout=120s"
            )
            options = {
                "connect_args": {"connect_timeout": 5, "options": limits},
                "pool_pre_ping": True,
                "pool_size": connections,
                "max_overflow": 4,
                "pool_timeout": 10,
            }
        self.engine: Engine = create_engine(parsed, **options)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._writing = sessionmaker(self.engine, expire_on_commit=False)
        self._reading = sessionmaker(
            self.engine.execution_options(**{_READING: True}), expire_on_commit=False
        )

    @property
    def is_sqlite(self) -> bool:
        """Whether there is one writer at a time."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Give a session; what was done is committed at the end, or nothing of it."""
        with self._writing.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session that only reads: with SQLite it waits for no writer."""
        with self._reading() as session:
            yield session

    def run(
        self, work: Callable[[Session], _T], *, attempts: int = 5, pause: Callable[[float], None] = time.sleep
    ) -> _T:
        """Do ``work`` in one transaction, again when it met another transaction.

        Parameters
        ----------
        work : callable
            Gets the session. It may run several times, so it has no effect beside the session.

        Raises
        ------
        Unavailable
            When the database cannot be reached, or the conflicts did not end.
        """
        for attempt in range(attempts):
            try:
                with self.transaction() as session:
                    return work(session)
            except PoolTimeout as error:
                raise Unavailable("no connection to the database became free") from error
            except DBAPIError as error:
                if not _is_conflict(error):
                    raise _translated(error) from error
                last = error
            pause(random.uniform(0.2, 1.0) * 0.02 * 2**attempt)  # noqa: S311 - spreads writers, no secret
        raise Unavailable("other transactions kept this one from ending") from last

    def read(self, work: Callable[[Session], _T]) -> _T:
        """Do ``work``, which only reads.

        Raises
        ------
        Unavailable
            When the database cannot be reached.
        """
        try:
            with self.reading() as session:
                return work(session)
        except PoolTimeout as error:
            raise Unavailable("no connection to the database became free") from error
        except DBAPIError as error:
            raise _translated(error) from error

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _is_conflict(error: DBAPIError) -> bool:
    if getattr(error.orig, "sqlstate", None) in _CONFLICTS:
        return True
    return getattr(error.orig, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _translated(error: DBAPIError) -> Exception:
    """Return :class:`Unavailable` for what is the database's state, the error itself for what is a defect."""
    state = getattr(error.orig, "sqlstate", None) or ""
    name = getattr(error.orig, "sqlite_errorname", "")
    kind = type(error.orig).__name__
    if (
        error.connection_invalidated
        or (kind in ("OperationalError", "InterfaceError") and not state and not name)
        or state.startswith(_DOWN)
        or name.startswith(_SQLITE_DOWN)
    ):
        return Unavailable(f"the database does not answer: {kind} {state or name}".rstrip())
    return error


def _prepare_sqlite(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # FULL: an acknowledged strike outlasts a power cut.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later could not be made a writer while another writes.
    reads = connection.get_execution_options().get(_READING)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
