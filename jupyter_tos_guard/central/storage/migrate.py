"""Brings a database to the tables of this version. What changes is in ``migrations/versions``."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from jupyter_tos_guard.central.storage.database import Database, Unavailable

_FOLDER = Path(__file__).parent / "migrations"
#: Any number that nobody else uses for an advisory lock in this database.
_LOCK = 0x7053_4755


class MigrationError(Exception):
    """The tables cannot be brought to this version."""


def migrate(database: Database) -> None:
    """Make the tables as this version has them; replicas that start together wait for one another.

    Raises
    ------
    MigrationError
        When the tables are of a newer version than this program.
    Unavailable
        When the database cannot be reached.
    """
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    try:
        # With SQLite the transaction itself is the lock.
        with database.engine.begin() as connection:
            if not database.is_sqlite:
                connection.execute(text("SET LOCAL lock_timeout = '120s'"))
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise MigrationError(
            f"the database's tables cannot be brought to this version: {error}. "
            "They may be of a newer version of jupyter_tos_guard: install that one."
        ) from None
    except DBAPIError as error:
        if error.connection_invalidated or type(error.orig).__name__ == "OperationalError":
            raise Unavailable(f"the database cannot be used: {error.orig}") from None
        raise
