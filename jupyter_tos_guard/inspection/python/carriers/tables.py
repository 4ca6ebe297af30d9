"""Tables and lines: data frames, rows of them, lines of files and statements of SQL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.python import library, methods
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords
from jupyter_tos_guard.inspection.python.carriers import databases
from jupyter_tos_guard.inspection.python.carriers.given import MAX_TEXT, file_content, native
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Array,
    Generator,
    Namespace,
    Stream,
    Symbol,
    Value,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


#: Calls that make a table whose cells may be known.
TABLES: Final = frozenset("pandas.DataFrame pandas.read_csv pandas.read_table polars.DataFrame".split())


def _table(self: Evaluator, symbol: Symbol) -> dict[str, list[Value]]:
    """Columns of a table by name, as far as they are known."""
    if symbol.details is None:
        return {}
    arguments, keywords = symbol.details
    data: Value = arguments[0] if arguments else keywords.get("data", keywords.get("filepath_or_buffer"))
    names: Value = keywords.get("columns", keywords.get("names"))
    if ".read_" in symbol.name:
        if type(data) is Stream:
            data.position = 0
        text = file_content(self, data)
        separator = keywords.get("sep", keywords.get("delimiter", "\t" if "table" in symbol.name else ","))
        if text is None or type(separator) is not str or len(separator) != 1:
            return {}
        self.budget.spend(len(text) // 16 + 1)
        data = list(library.stdlib("csv").reader(text.splitlines(), delimiter=separator))
        if type(names) is not list and "header" not in keywords:
            names, data = data[0] if data else [], data[1:]
    if type(data) is dict:
        columns = {key: self.items(each) for key, each in data.items() if type(each) in (list, tuple, Array)}
        return {key: each for key, each in columns.items() if type(key) is str and len(each) <= _MAX_ROWS}
    if type(data) is not list or not 0 < len(data) <= _MAX_ROWS:
        return {}
    if all(type(row) is dict for row in data):
        return {key: [row.get(key, UNKNOWN) for row in data] for key in data[0] if type(key) is str}
    if all(type(row) in (list, tuple) for row in data):
        width = len(data[0])
        labels = names if type(names) in (list, tuple) else [str(index) for index in range(width)]
        pairs = zip(labels, zip(*data, strict=False), strict=False)
        return {self.text(label): list(each) for label, each in pairs}
    return {}


_MAX_ROWS: Final = 1000


def column(self: Evaluator, symbol: Symbol, name: Value) -> Value | None:
    """``table[name]`` and ``table.name``; None if that is no known column."""
    if symbol.name not in TABLES or type(name) is not str:
        return None
    found = _table(self, symbol).get(name)
    return None if found is None else Array(found, "str")


def rows(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``table.itertuples()``, ``iterrows()``, ``to_dict("records")``, ``apply(function, axis=1)``."""
    head, _, word = symbol.name.rpartition(".")
    columns = _table(self, Symbol(head, True, symbol.details))
    if not columns:
        self.escape_all(arguments, keywords)
        return Symbol(symbol.name, True, (arguments, keywords))
    found = [dict(zip(columns, row, strict=False)) for row in zip(*columns.values(), strict=False)]
    if word == "to_dict":
        by_row = "records" in (*arguments, *keywords.values())
        return found if by_row else {name: dict(enumerate(each)) for name, each in columns.items()}
    made = [_row(index, cells, word == "itertuples") for index, cells in enumerate(found)]
    if word == "apply":
        by_row = keywords.get("axis") in (1, "columns")
        given = made if by_row else [Array(each, "str") for each in columns.values()]
        return Array([self.call(arguments[0], [each]) for each in self._few(given)] if arguments else [])
    return Generator(made if word == "itertuples" else list(enumerate(made)))


def table_rows(self: Evaluator, symbol: Symbol, keywords: Keywords) -> list[list[Value]]:
    """Rows of ``table.to_csv(…)``: an array is a table of one column."""
    head, _, _ = symbol.name.rpartition(".")
    first = symbol.details[0][0] if symbol.details and symbol.details[0] else None
    columns = {"0": list(first)} if type(first) is Array else _table(self, Symbol(head, True, symbol.details))
    names = [list(columns)] if keywords.get("header") is not False and columns else []
    made = [*names, *map(list, zip(*columns.values(), strict=False))]
    if keywords.get("index") is not False:
        made = [[index - len(names), *row] for index, row in enumerate(made)]
    return made


def _row(index: int, cells: dict[str, Value], whole: bool) -> Namespace:
    shown = (index, *cells.values()) if whole else tuple(cells.values())

    def cell(given: Arguments) -> Value:
        key = given[0] if given else None
        if type(key) is int:
            return shown[key] if -len(shown) <= key < len(shown) else UNKNOWN
        return cells.get(key, UNKNOWN) if type(key) is str else UNKNOWN

    return Namespace(
        "row",
        {
            **cells,
            "Index": index,
            "name": cells.get("name", index),
            "__getitem__": native(cell),
            "__iter__": native(lambda given: shown),
        },
    )


def file_lines(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``linecache.getline(path, number)``, ``fileinput.input(paths)``, ``numpy.loadtxt(path, dtype=str)``."""
    given: Value = arguments[0] if arguments else keywords.get("files", keywords.get("fname", UNKNOWN))
    paths = given if type(given) in (list, tuple) else [given]
    texts = [file_content(self, each) for each in paths[:16]]
    if not texts or None in texts:
        return Symbol(symbol.name, True, (arguments, keywords))
    lines = [line for text in texts if text for line in text.splitlines(True)]
    word = symbol.name.rpartition(".")[2]
    if word == "getline":
        number = arguments[1] if len(arguments) > 1 else keywords.get("lineno")
        return lines[number - 1] if type(number) is int and 0 < number <= len(lines) else ""
    if word in ("loadtxt", "genfromtxt"):
        separator = keywords.get("delimiter")
        split = [line.strip().split(separator if type(separator) is str else None) for line in lines]
        words = [each for row in split for each in row]
        return words[0] if len(words) == 1 else words if all(len(row) == 1 for row in split) else split
    return Generator(lines) if word == "input" else lines


def statement(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``connection.execute(sql)``: texts that SQL joins are one text; the result may be any of them."""
    databases.call_functions(self, symbol, arguments)
    if arguments and type(arguments[0]) is str and len(arguments[0]) <= MAX_TEXT:
        arguments = [re.sub(r"'\s*\|\|\s*'", "", arguments[0]), *arguments[1:]]
    from jupyter_tos_guard.inspection.python.effects import guesses

    return guesses.guess(self, symbol, arguments, keywords)


HANDLERS: Final[dict[str, Any]] = {
    "pandas.Series.str.cat": lambda self, symbol, arguments, keywords: methods.call(
        self,
        self.text(keywords.get("sep", "")) if keywords else "",
        "join",
        [symbol.details[0][0] if symbol.details and symbol.details[0] else UNKNOWN],
        {},
    ),
    **dict.fromkeys(
        [f"{each}.{word}" for each in TABLES for word in "itertuples iterrows to_dict apply".split()], rows
    ),
    **dict.fromkeys(
        "linecache.getline linecache.getlines fileinput.input fileinput.FileInput numpy.loadtxt "
        "numpy.genfromtxt".split(),
        file_lines,
    ),
    **dict.fromkeys(
        [f"sqlite3.connect.{each}execute" for each in ("", "cursor.")]
        + [f"sqlite3.connect.{word}" for word in ("executescript", "executemany", "cursor.executemany")],
        statement,
    ),
}
