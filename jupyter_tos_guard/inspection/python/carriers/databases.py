"""Databases: what a session puts into one of its own and reads out of it again.

The statements are known texts, so their result is worked out by the library itself, on a
database in memory that can reach nothing: no file, no other database, no extension, no setting.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.python import library
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument, first_argument
from jupyter_tos_guard.inspection.python.carriers import tables
from jupyter_tos_guard.inspection.python.carriers.given import native
from jupyter_tos_guard.inspection.python.values import (
    Generator,
    Namespace,
    Native,
    Symbol,
    Value,
    has_hole,
    is_plain,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator

#: What statements may do; the rest (ATTACH, PRAGMA, views, virtual tables, triggers, …) is an error.
_ALLOWED: Final = (
    "CREATE_TABLE CREATE_TEMP_TABLE INSERT UPDATE DELETE SELECT READ TRANSACTION DROP_TABLE".split()
)
#: Functions whose result is the same each time and whose cost is small: no patterns.
_FUNCTIONS: Final = frozenset(
    "abs avg char coalesce concat concat_ws count group_concat hex ifnull iif instr length lower ltrim "
    "max min nullif printf format quote replace round rtrim string_agg substr substring sum total trim "
    "typeof unhex unicode upper".split()
)
#: Statements that name each other can grow without bound while they are read.
_NESTING: Final = re.compile(r"(?i)\bwith\b")
_LIMITS: Final = {
    "LENGTH": 4096,
    "SQL_LENGTH": 1 << 14,
    "EXPR_DEPTH": 100,
    "COMPOUND_SELECT": 50,
    "COLUMN": 100,
    "VDBE_OP": 10_000,
    "ATTACHED": 0,
    "TRIGGER_DEPTH": 0,
}
_MAX_ROWS: Final = 1000
#: Rounds of the database's machine, a hundred steps each, that one statement may take.
_MAX_ROUNDS: Final = 200


class Database:
    """A database of the session's; it is closed once something about it is not known."""

    def __init__(self, shared: bool) -> None:
        module = library.stdlib("sqlite3")
        #: Whether it is a file, in which there may be more.
        self.shared = shared
        self.rounds = 0
        self.open: Any = module.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.open.executescript("PRAGMA max_page_count = 256; PRAGMA temp_store = MEMORY")
        for name, limit in _LIMITS.items():
            self.open.setlimit(getattr(module, f"SQLITE_LIMIT_{name}"), limit)
        allowed = {getattr(module, f"SQLITE_{each}") for each in _ALLOWED}

        def allows(code: int, first: str | None, second: str | None, *rest: str | None) -> int:
            pure = code == module.SQLITE_FUNCTION and (second or "").lower() in _FUNCTIONS
            return int(module.SQLITE_OK if code in allowed or pure else module.SQLITE_DENY)

        def tick() -> int:
            self.rounds += 1
            return int(self.rounds > _MAX_ROUNDS)

        self.open.set_authorizer(allows)
        self.open.set_progress_handler(tick, 100)

    def run(self, word: str, text: Value, values: Value) -> list[Value] | None:
        """Rows that a statement gives; None if they are not known."""
        known = type(text) is str and not has_hole(text) and is_plain(values) and not has_hole(values)
        if not known or _NESTING.search(text) or (self.shared and "exists" in text.lower()):
            self.open = None
        if self.open is None:
            return None
        self.rounds = 0
        try:
            found = getattr(self.open, word)(text, *([] if word == "executescript" else [values]))
            return list(found.fetchmany(_MAX_ROWS))
        except Exception:
            self.open = None
            return None


def connect(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``sqlite3.connect(path)``: what is in a file already is not known, what is put there is."""
    path = argument(arguments, keywords, 0, "database")
    try:
        database = Database(path not in (":memory:", ""))
    except Exception:
        return Symbol(symbol.name, True, (arguments, keywords))
    unknown = Symbol(symbol.name, True, (arguments, keywords))
    found: list[Value] = []

    def run(word: str) -> Native:
        def call(given: Arguments, named: Keywords) -> Value:
            now = self.current()
            values: Value = given[1] if len(given) > 1 else ()
            if word == "executemany":
                values = now.items(values)
            rows = database.run(word, first_argument(given), values)
            now.budget.spend(64 + database.rounds * 16)
            if rows is None:
                guessed = Symbol(f"{symbol.name}.{word}", True, unknown.details)
                return tables.statement(now, guessed, given, named)
            found[:] = rows
            return made

        return Native(call)

    def fetch(count: int) -> Value:
        taken = found[:count]
        del found[:count]
        return taken

    def next_row(given: Arguments) -> Value:
        return (fetch(1) or [None])[0]

    made = Namespace(
        "database",
        {
            **{word: run(word) for word in ("execute", "executemany", "executescript")},
            "fetchone": native(next_row),
            "fetchall": native(lambda given: fetch(_MAX_ROWS)),
            "fetchmany": native(lambda given: fetch(given[0] if given and type(given[0]) is int else 1)),
            "__iter__": native(lambda given: Generator(fetch(_MAX_ROWS))),
            **dict.fromkeys(("commit", "close", "rollback"), native(lambda given: None)),
        },
    )
    made.attributes["cursor"] = native(lambda given: made)
    return made
