"""Brings a database to the tables of this version. What changes is in ``migrations/versions``."""

from __future__ import annotations

from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.tables import Base


def migrate(database: Database) -> None:
    """Make the tables as this version has them."""
    Base.metadata.create_all(database.engine)
