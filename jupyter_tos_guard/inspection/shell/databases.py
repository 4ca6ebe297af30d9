"""What ``sqlite3`` prints of tables that the session made itself.

SQL is run in a database in memory that can reach no file, load no code and take little
time and room. Where the interpreter cannot be told these limits, the output is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from jupyter_tos_guard.inspection.bounded_sql import open_database
from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.paths import resolve
from jupyter_tos_guard.inspection.shell.options import options_of
from jupyter_tos_guard.inspection.shell.process import Handler, Process, Stream
from jupyter_tos_guard.inspection.state import File

if TYPE_CHECKING:
    import sqlite3

_MAX_SQL, _MAX_VALUE, _MAX_ROWS, _MAX_STATEMENTS = 1 << 16, 1 << 14, 500, 200
#: Looks at the clock.
_MAX_LOOKS = 200
_LIMITS = {
    "LENGTH": _MAX_VALUE,
    "SQL_LENGTH": _MAX_VALUE,
    "EXPR_DEPTH": 100,
    "COMPOUND_SELECT": 50,
    "COLUMN": 100,
    "ATTACHED": 0,
    "TRIGGER_DEPTH": 1,
    "LIKE_PATTERN_LENGTH": 100,
}
_FUNCTIONS = frozenset(
    "char lower upper substr substring trim ltrim rtrim replace length instr hex unhex abs max min round "
    "coalesce ifnull nullif iif printf format group_concat string_agg concat concat_ws unicode typeof sum "
    "count total quote cast like glob".split()
)
_ALLOWED = "SELECT READ INSERT UPDATE DELETE CREATE_TABLE CREATE_TEMP_TABLE CREATE_VIEW RECURSIVE TRANSACTION"


def _sqlite(process: Process) -> str:
    process.announce(data=True)
    options, operands = options_of(
        [f"-{a}" if len(a) > 2 and a[0] == "-" != a[1] else a for a in process.arguments],
        "",
        frozenset({"--cmd", "--separator", "--init", "--newline", "--nullvalue"}),
    )
    path = operands[0] if operands else ":memory:"
    start = process.read(options["init"]) or "" if "init" in options else ""
    text = "\n".join([start, options.get("cmd", ""), *(operands[1:] or [process.stdin.rest()])])
    return _Session(process, path, options.get("separator") or "|").run(text)


class _Session:
    """One run of the program."""

    def __init__(self, process: Process, path: str, separator: str) -> None:
        self._process = process
        self._separator = separator
        self._out: list[str] = []
        self._target = ""
        self._database = _database(process)
        # What was done to a file's tables is kept beside it, and done again.
        self._log = "" if path in ("", ":memory:") else resolve(path, process.state.cwd) + "/statements.sql"

    def run(self, text: str) -> str:
        """Run commands and statements; what is printed."""
        files = self._process.state.files
        earlier = files.get(self._log)
        if earlier is not None and isinstance(earlier.content, str):
            for statement in islice(_statements(earlier.content), _MAX_STATEMENTS):
                self._query(statement)
            self._out.clear()
        done = []
        for statement in islice(_statements(text[:_MAX_SQL]), _MAX_STATEMENTS):
            self._process.state.budget.spend(4 + len(statement) // 64)
            if statement.startswith("."):
                self._command(statement)
            else:
                self._write(self._query(statement))
                done.append(statement)
        if self._log:
            before = earlier.content if earlier is not None and isinstance(earlier.content, str) else ""
            files[self._log] = File((before + "\n".join(done) + "\n")[:_MAX_SQL])
        if self._database is not None:
            self._database.close()
        return "".join(self._out)

    def _query(self, statement: str) -> str:
        import sqlite3

        if self._database is None or HOLE in statement:
            return HOLE
        try:
            rows = self._database.execute(statement).fetchmany(_MAX_ROWS)
        except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError):
            return HOLE
        return "".join(self._separator.join(map(_shown, row)) + "\n" for row in rows)

    def _write(self, text: str) -> None:
        if not self._target:
            self._out.append(text)
        elif self._target.startswith("|"):
            self._out.append(self._process.shell(self._target[1:], "sqlite3", stdin=Stream(text)))
        else:
            self._process.write(self._target, text, append=True)

    def _command(self, line: str) -> None:
        name, _, rest = line.partition(" ")
        rest = rest.strip()
        plain = rest.strip("\"'")
        if name in (".shell", ".system"):
            self._write(self._process.shell(rest, "sqlite3"))
        elif name == ".print":
            self._write(plain + "\n")
        elif name == ".separator":
            self._separator = plain
        elif name in (".output", ".once"):
            self._target = "" if plain == "stdout" else plain
        elif name == ".read":
            read = (
                self._process.shell(plain[1:], "sqlite3") if plain[:1] == "|" else self._process.read(plain)
            )
            for statement in islice(_statements((read or "")[:_MAX_SQL]), _MAX_STATEMENTS):
                if not statement.startswith("."):
                    self._write(self._query(statement))


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return "" if value is None else str(value)


def _statements(text: str) -> Iterator[str]:
    """Lines that begin with a dot, and statements up to their semicolon."""
    from sqlite3 import complete_statement

    held = ""
    for line in text.split("\n"):
        if line.startswith(".") and not held.strip():
            yield line.strip()
            continue
        *ended, rest = line.split(";")
        for piece in ended:
            held += piece + ";"
            if complete_statement(held):
                yield held.strip()
                held = ""
        held += rest + "\n"
        if len(held) > _MAX_VALUE:
            return
    if held.strip():
        yield held.strip()


def _database(process: Process) -> sqlite3.Connection | None:
    """Open an empty database in memory that is held to its limits."""
    looks = 0

    def stops() -> bool:
        nonlocal looks
        looks += 1
        return looks > _MAX_LOOKS or process.state.budget.remaining() < 0

    database = open_database(_ALLOWED.split(), _FUNCTIONS.__contains__, _LIMITS, stops)
    if database is not None:
        database.text_factory = lambda data: data.decode("utf-8", "replace")
    return database


HANDLERS: dict[str, Handler] = dict.fromkeys(("sqlite3", "sqlite"), _sqlite)
