"""Databases: what a session puts into one of its own and reads out of it again.

The statements are known texts, so their result is worked out by the library itself, on a
database in memory that can reach nothing: no file, no other database, no extension, no setting.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.bounded_sql import open_database
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument, first_argument
from jupyter_tos_guard.inspection.python.carriers.given import MAX_TEXT, native
from jupyter_tos_guard.inspection.python.values import (
    WAITING,
    Class,
    Generator,
    Instance,
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
#: Functions of the program's that a database has, and calls of them that one statement makes.
_MAX_FUNCTIONS: Final = 32
_MAX_CALLS: Final = 64
#: Steps of the budget that a new database costs.
_PRICE: Final = 2000
#: Among a connection's settings: texts that its statements put in.
_TEXTS: Final = "\0texts"
_LITERAL: Final = re.compile(r"'((?:[^']|''){0,4000})'")
_CALL: Final = re.compile(r"\b(\w{1,60})\s*\(\s*([^()]{0,4000})\)")


class Database:
    """A database of the session's; it is closed once something about it is not known."""

    def __init__(self, shared: bool) -> None:
        #: Whether it is a file, in which there may be more.
        self.shared = shared
        self.rounds = 0
        #: Functions of the program's, calls of them in this statement, those whose result is not known.
        self.own: set[str] = set()
        self.calls = self.vague = 0
        self.busy = False
        self.open: Any = open_database(_ALLOWED, self._is_pure, _LIMITS, self._tick)

    def _is_pure(self, function: str) -> bool:
        return function in _FUNCTIONS or function in self.own

    def _tick(self) -> bool:
        self.rounds += 1
        return self.rounds > _MAX_ROUNDS

    def run(self, word: str, text: Value, values: Value) -> list[Value] | None:
        """Rows that a statement gives; None if they are not known."""
        known = type(text) is str and not has_hole(text) and is_plain(values) and not has_hole(values)
        if not known or _NESTING.search(text) or (self.shared and "exists" in text.lower()):
            self.open = None
        if self.open is None or self.busy:
            return None
        self.rounds = self.calls = self.vague = 0
        self.busy = True
        try:
            found = getattr(self.open, word)(text, *([] if word == "executescript" else [values]))
            rows = list(found.fetchmany(_MAX_ROWS))
        except Exception:
            self.open = None
            return None
        finally:
            self.busy = False
        if not self.vague:
            return rows
        if text.lstrip()[:6].lower() != "select":  # it may have put in what is not known
            self.open = None
        return None

    def learn(self, name: str, function: Callable[..., Value] | None, make: Callable[[], Any]) -> None:
        """Let statements call a function of the program's, or what ``make`` makes for some rows."""
        if self.open is None or len(self.own) >= _MAX_FUNCTIONS:
            return
        self.own.add(name.lower())
        if function is not None:
            self.open.create_function(name, -1, self.counted(function))
        else:
            self.open.create_aggregate(name, -1, make)

    def counted(self, function: Callable[..., Value]) -> Callable[..., Any]:
        """Return a function whose results the library can take."""

        def call(*values: Value) -> Any:
            self.calls += 1
            if self.calls > _MAX_CALLS:
                raise ValueError
            made = function(*values)
            if type(made) in (str, bytes, int, float, type(None)):
                return made
            self.vague += 1
            return None

        return call


def connect(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``sqlite3.connect(path)``: what is in a file already is not known, what is put there is."""
    path = argument(arguments, keywords, 0, "database")
    self.budget.spend(_PRICE)
    unknown = Symbol(symbol.name, True, (arguments, keywords))
    try:
        database = Database(path not in (":memory:", ""))
    except Exception:
        return unknown
    if database.open is None:
        return unknown
    found: list[Value] = []

    def run(word: str) -> Native:
        def call(given: Arguments, named: Keywords) -> Value:
            now = self.current()
            values: Value = given[1] if len(given) > 1 else ()
            if word == "executemany":
                values = now.items(values)
            texts = _texts(now, unknown, given)
            rows = database.run(word, first_argument(given), values)
            now.budget.spend(64 + database.rounds * 16)
            if rows is None:
                guessed = Symbol(f"{symbol.name}.{word}", True, unknown.details)
                if not database.calls:
                    _call_functions(now, unknown, given, texts)
                return _guess(now, guessed, given, named)
            found[:] = rows
            return made

        return Native(call)

    def learn(given: Arguments, named: Keywords) -> Value:
        create_function(self.current(), unknown, given, named)
        name, function = _named_function(given, named)
        if type(name) is str and "\0" not in name and name.isascii() and len(name) < 60:
            way = None if type(function) is Class else lambda *values: attempt(function, values)
            database.learn(name, way, lambda: aggregate(function))
        return None

    def attempt(function: Value, values: tuple[Value, ...]) -> Value:
        return self.current().attempt(function, list(values))

    def aggregate(cls: Value) -> SimpleNamespace:
        receiver = attempt(cls, ())
        step, end = (self.current().attribute(receiver, word) for word in ("step", "finalize"))
        return SimpleNamespace(
            step=database.counted(lambda *values: attempt(step, values)),
            finalize=database.counted(lambda: attempt(end, ())),
        )

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
            **dict.fromkeys(("create_function", "create_aggregate"), Native(learn)),
            "fetchone": native(next_row),
            "fetchall": native(lambda given: fetch(_MAX_ROWS)),
            "fetchmany": native(lambda given: fetch(given[0] if given and type(given[0]) is int else 1)),
            "__iter__": native(lambda given: Generator(fetch(_MAX_ROWS))),
            **dict.fromkeys(("commit", "close", "rollback"), native(lambda given: None)),
        },
    )
    made.attributes["cursor"] = native(lambda given: made)
    return made


def create_function(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``connection.create_function(name, count, function)`` and ``create_aggregate``."""
    name, function = _named_function(arguments, keywords)
    if symbol.details is not None and type(name) is str:
        kept = symbol.details[1].setdefault(WAITING, {})
        if len(kept) < _MAX_FUNCTIONS:
            kept[name.lower()] = function
    return None


def _named_function(arguments: Arguments, keywords: Keywords) -> tuple[Value, Value]:
    return (
        argument(arguments, keywords, 0, "name"),
        argument(arguments, keywords, 2, "func", "aggregate_class"),
    )


def statement(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``connection.execute(sql)`` of a database of which nothing is known."""
    _call_functions(self, symbol, arguments, _texts(self, symbol, arguments))
    return _guess(self, symbol, arguments, keywords)


def _guess(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Texts that SQL joins are one text; the result may be any of them."""
    if arguments and type(arguments[0]) is str and len(arguments[0]) <= MAX_TEXT:
        arguments = [re.sub(r"'\s*\|\|\s*'", "", arguments[0]), *arguments[1:]]
    from jupyter_tos_guard.inspection.python.effects import guesses

    return guesses.guess(self, symbol, arguments, keywords)


def _texts(self: Evaluator, symbol: Symbol, arguments: Arguments) -> list[str]:
    """Texts that a statement puts in; where it has none, those that were put in before."""
    if symbol.details is None or not arguments or type(arguments[0]) is not str:
        return []
    text = arguments[0][:MAX_TEXT]
    self.budget.spend(len(text) // 16 + 1)
    texts = [each.replace("''", "'") for each in _LITERAL.findall(text)]
    for row in arguments[1:2]:
        texts += [each for part in _rows(self, row) for each in part if type(each) is str]
    kept = symbol.details[1].setdefault(_TEXTS, [])
    found = texts or list(kept)
    kept += texts[: max(64 - len(kept), 0)]
    return found[:_MAX_CALLS]


def _call_functions(self: Evaluator, symbol: Symbol, arguments: Arguments, texts: list[str]) -> None:
    """Call the program's functions that a statement names with each of the texts."""
    functions = symbol.details[1].get(WAITING, {}) if symbol.details is not None else {}
    for match in _CALL.finditer(arguments[0][:MAX_TEXT]) if functions and texts else ():
        function = functions.get(match.group(1).lower())
        if function is None or not match.group(2):
            continue
        for each in texts[:32]:
            if type(function) is Class:
                self.attempt(self.attribute(Instance(function), "step"), [each])
            else:
                self.attempt(function, [each])


def _rows(self: Evaluator, value: Value) -> list[list[Value]]:
    if type(value) is dict:
        return [list(value.values())]
    if type(value) not in (list, tuple):
        return []
    rows = [self.items(each) for each in value[:64] if type(each) in (list, tuple)]
    return rows or [list(value[:64])]


HANDLERS: Final[dict[str, Any]] = {
    **dict.fromkeys(
        [f"sqlite3.connect.{word}" for word in ("create_function", "create_aggregate")], create_function
    ),
    **dict.fromkeys(
        [
            f"sqlite3.connect.{cursor}{word}"
            for cursor in ("", "cursor.")
            for word in ("execute", "executemany", "executescript")
        ],
        statement,
    ),
}
