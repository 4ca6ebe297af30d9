"""SQL that is run, on a database in memory that can reach nothing and takes little time and room.

What may be done, and how much of it, is the caller's to say: Python's library and the program of the
shell differ in it. What no caller may have is here: a file, a connection from the user's own folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from jupyter_tos_guard.inspection.python.library import stdlib

if TYPE_CHECKING:
    import sqlite3

#: Steps of the database's machine between two questions whether to stop.
_STEPS = 100


def open_database(
    allowed: Iterable[str],
    is_pure: Callable[[str], bool],
    limits: Mapping[str, int],
    stops: Callable[[], bool],
) -> sqlite3.Connection | None:
    """Open an empty database that is held to its limits.

    Parameters
    ----------
    allowed : iterable of str
        What statements may do, by the names of ``SQLITE_…``; the rest is an error.
    is_pure : callable
        Whether a function, by its name in lower case, may be called.
    limits : mapping
        Numbers by the names of ``SQLITE_LIMIT_…``.
    stops : callable
        Asked while a statement runs; True ends it.

    Returns
    -------
    sqlite3.Connection or None
        None where the interpreter cannot be told limits (before 3.11): values could take any room.

    Raises
    ------
    ImportError
        The standard library has no sqlite3.
    """
    module = stdlib("sqlite3")
    database: sqlite3.Connection = module.connect(":memory:", isolation_level=None, check_same_thread=False)
    if not hasattr(database, "setlimit"):
        return None
    database.executescript("PRAGMA max_page_count = 256; PRAGMA temp_store = MEMORY")
    for name, limit in limits.items():
        database.setlimit(getattr(module, f"SQLITE_LIMIT_{name}"), limit)
    actions = {getattr(module, f"SQLITE_{each}") for each in allowed}

    def authorize(action: int, first: str | None, second: str | None, *rest: str | None) -> int:
        pure = action == module.SQLITE_FUNCTION and is_pure((second or "").lower())
        return int(module.SQLITE_OK if action in actions or pure else module.SQLITE_DENY)

    database.set_authorizer(authorize)
    database.set_progress_handler(lambda: int(stops()), _STEPS)
    return database
