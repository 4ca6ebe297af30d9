"""Tables and lines: data frames, rows of them, lines of files and statements of SQL."""

from __future__ import annotations

import ast
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.python import library
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument, first_argument
from jupyter_tos_guard.inspection.python.carriers import arrays
from jupyter_tos_guard.inspection.python.carriers.given import file_content, native
from jupyter_tos_guard.inspection.python.cell import parse_python
from jupyter_tos_guard.inspection.python.values import (
    CALLABLE,
    UNKNOWN,
    Array,
    Generator,
    Namespace,
    Native,
    Path,
    Stream,
    Symbol,
    Table,
    Value,
    is_plain,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


#: Calls that make a table whose cells may be known.
TABLES: Final = frozenset("pandas.DataFrame pandas.read_csv pandas.read_table polars.DataFrame".split())
_MAX_ROWS: Final = 1000
_MAX_COLUMNS: Final = 200


# -- making tables -----------------------------------------------------------------------------------


def make(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``pandas.DataFrame(data)``, ``pandas.read_csv(file)``: a table if its cells are known."""
    columns = _columns(self, symbol, arguments, keywords)
    sizes = {len(each) for each in columns.values()}
    if len(sizes) != 1 or not 0 < max(sizes) <= _MAX_ROWS or len(columns) > _MAX_COLUMNS:
        from jupyter_tos_guard.inspection.python.effects import guesses

        return guesses.guess(self, symbol, arguments, keywords)
    made = Table(columns, symbol.name)
    labels: Value = keywords.get("index")
    if type(labels) in (list, tuple, Array) and len(labels) == len(made.labels):
        made.labels = list(labels)
    return made


def _columns(
    self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords
) -> dict[Value, list[Value]]:
    """Columns of a table by name, as far as they are known."""
    data: Value = arguments[0] if arguments else keywords.get("data", keywords.get("filepath_or_buffer"))
    names: Value = keywords.get("columns", keywords.get("names"))
    if ".read_" in symbol.name:
        if type(data) not in (Stream, str, Path):
            return {}
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
    if type(data) is Table:
        return {name: list(each) for name, each in data.columns.items()}
    if type(data) is dict:
        return _broadcast(self, data)
    if type(data) is Array and data.shape is not None:
        data = [list(row) for row in data.rows()]
    if type(data) is not list or not 0 < len(data) <= _MAX_ROWS:
        return {}
    if all(type(row) is dict for row in data):
        return {key: [row.get(key, UNKNOWN) for row in data] for key in data[0]}
    if all(type(row) in (list, tuple) for row in data):
        labels = list(names) if type(names) in (list, tuple, Array) else list(range(len(data[0])))
        return {
            label: list(each)
            for label, each in zip(labels, zip(*data, strict=False), strict=False)
            if library.is_hashable(label)
        }
    if type(names) in (list, tuple) and len(names) == 1 and is_plain(data):
        return {names[0]: data}
    return {}


def _broadcast(self: Evaluator, data: dict[Value, Value]) -> dict[Value, list[Value]]:
    """Columns of a dictionary; what is no list is the same in each row."""
    several = (list, tuple, range, Array, Generator)
    lists = {name: self.items(each) for name, each in data.items() if type(each) in several}
    size = max(map(len, lists.values()), default=0)
    if size > _MAX_ROWS:
        return {}
    return {name: lists[name] if name in lists else [each] * size for name, each in data.items()}


# -- attributes and items ----------------------------------------------------------------------------


def attribute(self: Evaluator, table: Table, name: str) -> Value | None:
    """``table.name``; None if it is a method."""
    if name in table.columns:
        return column(table, name)
    if name in ("iloc", "iat"):
        return Namespace("rows", {"__getitem__": native(lambda given: _cell(table, given[0], True))})
    if name in ("loc", "at"):
        return Namespace("rows", {"__getitem__": native(lambda given: _cell(table, given[0], False))})
    if name == "columns":
        return Array(table.columns, "str")
    if name == "index":
        return Array(table.labels)
    if name == "shape":
        return (len(table.labels), len(table.columns))
    if name == "values":
        return method(self, table, "to_numpy", [], {})
    if name == "T":
        return Table(
            {label: list(row) for label, row in zip(table.labels, table.rows(), strict=True)},
            table.kind,
            list(table.columns),
        )
    return None


def column(table: Table, name: Value) -> Array:
    """Return one column with the labels of its rows."""
    return _series(table.columns[name], table.labels)


def _series(cells: list[Value], labels: list[Value]) -> Array:
    made = Array(cells, "str" if cells and type(cells[0]) is str else "object")
    made.labels = list(labels)
    return made


def item(self: Evaluator, table: Table, index: Value) -> Value:
    """``table[index]``: a column, several columns, or the rows that a mask chooses."""
    if type(index) in (list, Array) and index and not all(type(each) is bool for each in index):
        known = all(library.is_hashable(each) and each in table.columns for each in index)
        return (
            Table({each: table.columns[each] for each in index}, table.kind, table.labels)
            if known
            else UNKNOWN
        )
    if type(index) is slice or type(index) in (list, Array):
        return _cell(table, index, True)
    return column(table, index) if library.is_hashable(index) and index in table.columns else UNKNOWN


def put_item(self: Evaluator, table: Table, index: Value, new: Value) -> None:
    """``table[index] = new``: a column of values, or of one value."""
    size = len(table.labels)
    if not library.is_hashable(index) or (index not in table.columns and len(table.columns) >= _MAX_COLUMNS):
        return
    several = type(new) in (list, tuple, range, Array, Generator)
    cells = self.items(new) if several else [new] * size
    self.store(table.columns, index, cells if len(cells) == size else [UNKNOWN] * size)


def _cell(table: Table, index: Value, by_place: bool) -> Value:
    """``table.iloc[rows, columns]`` and ``table.loc[rows, columns]``."""
    rows, names = index if type(index) is tuple and len(index) == 2 else (index, slice(None))
    chosen = _chosen(rows, table.labels, by_place)
    across = _chosen(names, list(table.columns), by_place)
    if chosen is None or across is None:
        return UNKNOWN
    found = list(table.columns.items())
    picked = {found[at][0]: [found[at][1][row] for row in chosen] for at in across}
    one_row, one_column = _is_one(rows), _is_one(names)
    if one_row and one_column:
        return next(iter(picked.values()))[0]
    labels = [table.labels[row] for row in chosen]
    if one_row:
        return _series([each[0] for each in picked.values()], list(picked))
    if one_column:
        return _series(next(iter(picked.values())), labels)
    return Table(picked, table.kind, labels)


def _is_one(index: Value) -> bool:
    return type(index) in (int, str)


def _chosen(index: Value, labels: list[Value], by_place: bool) -> list[int] | None:
    """Places that an index chooses; None if not known."""
    size = len(labels)
    if type(index) is slice:
        if by_place or index == slice(None):
            return list(range(size)[index])
        ends = [labels.index(each) if each in labels else None for each in (index.start, index.stop)]
        return list(range(size)[ends[0] : None if ends[1] is None else ends[1] + 1])
    several = index if type(index) in (list, Array) else [index]
    if by_place or (several and all(type(each) is bool for each in several)):
        return arrays.places_of(several, size) if _is_one(index) or type(index) in (list, Array) else None
    known = all(library.is_hashable(each) and each in labels for each in several)
    return [labels.index(each) for each in several] if known else None


# -- methods -----------------------------------------------------------------------------------------


def method(self: Evaluator, table: Table, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    """Call a method of a table."""
    known = _METHODS.get(name)
    if known is None:
        return self.call(Symbol(f"{table.kind}.{name}", True, ([table], {})), arguments, keywords)
    try:
        made = known(self, table, arguments, keywords)
    except (TypeError, ValueError, LookupError):
        return UNKNOWN
    if type(made) is Table and keywords.get("inplace") is True:
        table.columns, table.labels = made.columns, made.labels
        return None
    return made


def _rows(table: Table) -> list[Array]:
    names = list(table.columns)
    return [_series(list(row), names) for row in table.rows()]


def _taken(table: Table, places: list[int]) -> Table:
    return Table(
        {name: [cells[at] for at in places] for name, cells in table.columns.items()},
        table.kind,
        [table.labels[at] for at in places],
    )


def _to_dict(self: Evaluator, table: Table, arguments: Arguments, keywords: Keywords) -> Value:
    way = argument(arguments, keywords, 0, "orient")
    if way == "records":
        return [dict(zip(table.columns, row, strict=True)) for row in table.rows()]
    if way == "list":
        return {name: list(each) for name, each in table.columns.items()}
    return {name: dict(zip(table.labels, each, strict=True)) for name, each in table.columns.items()}


def _tuples(self: Evaluator, table: Table, arguments: Arguments, keywords: Keywords) -> Value:
    whole = keywords.get("index") is not False
    return Generator(
        [
            _row(label, dict(zip(table.columns, row, strict=True)), whole)
            for label, row in zip(table.labels, table.rows(), strict=True)
        ]
    )


def _row(label: Value, cells: dict[Value, Value], whole: bool) -> Namespace:
    shown = (label, *cells.values()) if whole else tuple(cells.values())

    def cell(given: Arguments) -> Value:
        index: Value = given[0] if given else None
        return shown[index] if type(index) in (int, slice) else UNKNOWN

    return Namespace(
        "row",
        {
            **{name: each for name, each in cells.items() if type(name) is str},
            "Index": label,
            "__getitem__": native(cell),
            "__iter__": native(lambda given: shown),
        },
    )


def _each_row(self: Evaluator, table: Table, arguments: Arguments, keywords: Keywords) -> Value:
    return Generator(list(zip(table.labels, _rows(table), strict=True)))


def _applied(self: Evaluator, table: Table, arguments: Arguments, keywords: Keywords) -> Value:
    """``table.apply(function, axis=1)``: with each row, or each column."""
    function = argument(arguments, keywords, 0, "func")
    by_row = argument(arguments, keywords, 1, "axis") in (1, "columns")
    given = _rows(table) if by_row else [column(table, name) for name in table.columns]
    labels = table.labels if by_row else list(table.columns)
    return _series([_reduced(self, function, each) for each in self._few(given)], labels)


def _reduced(self: Evaluator, function: Value, cells: Value) -> Value:
    if type(function) is str:
        return self.call(self.attribute(cells, function), [])
    return self.call(function, [cells])


def _summed(self: Evaluator, table: Table, arguments: Arguments, keywords: Keywords) -> Value:
    return _applied(self, table, ["sum", argument(arguments, keywords, 0, "axis")], {})


def _sorted(self: Evaluator, table: Table, arguments: Arguments, keywords: Keywords) -> Value:
    by = argument(arguments, keywords, 0, "by")
    names = by if type(by) is list else [by]
    ranks = list(zip(*[table.columns[each] for each in names], strict=True))
    if not all(is_plain(each) for each in ranks):
        return UNKNOWN
    down = keywords.get("ascending", True) in (False, [False], 0)
    return _taken(table, sorted(range(len(ranks)), key=ranks.__getitem__, reverse=down))


def _sorted_by_label(self: Evaluator, table: Table, arguments: Arguments, keywords: Keywords) -> Value:
    down = keywords.get("ascending") is False
    return _taken(table, sorted(range(len(table.labels)), key=table.labels.__getitem__, reverse=down))


def _asked(self: Evaluator, table: Table, arguments: Arguments, keywords: Keywords) -> Value:
    """``table.query("number > 2")``: the rows for which it is true."""
    text = first_argument(arguments)
    body = parse_python(text.replace("@", "").strip()) if type(text) is str and len(text) < 1000 else []
    if len(body) != 1 or type(body[0]) is not ast.Expr:
        return UNKNOWN
    kept: list[int] = []
    for at, row in enumerate(self._few(table.rows())):
        truth = self.truth(self.evaluate_with(dict(zip(table.columns, row, strict=True)), body[0].value))
        if truth is None:
            return UNKNOWN
        kept += [at] * truth
    return _taken(table, kept)


def _merged(self: Evaluator, table: Table, arguments: Arguments, keywords: Keywords) -> Value:
    """``table.merge(other, on="name")``: the rows that have the same value there."""
    other, on = first_argument(arguments, keywords.get("right")), argument(arguments, keywords, 2, "on")
    if type(other) is not Table or argument(arguments, keywords, 1, "how") not in (None, "inner"):
        return UNKNOWN
    shared = [each for each in table.columns if each in other.columns]
    left_on, right_on = keywords.get("left_on", on or shared), keywords.get("right_on", on or shared)
    keys = [each if type(each) is list else [each] for each in (left_on, right_on)]
    ranks = [
        list(zip(*[each.columns[name] for name in names], strict=True))
        for each, names in zip((table, other), keys, strict=True)
    ]
    if not all(is_plain(each) for each in (*ranks[0], *ranks[1])):
        return UNKNOWN
    places: dict[Value, list[int]] = {}
    for at, rank in enumerate(ranks[1]):
        places.setdefault(rank, []).append(at)
    found = ((one, two) for one, rank in enumerate(ranks[0]) for two in places.get(rank, ()))
    pairs = list(islice(found, _MAX_ROWS))
    same = [one for one, two in zip(*keys, strict=False) if one == two]
    columns: dict[Value, list[Value]] = {}
    for each, side, end in ((table, 0, "_x"), (other, 1, "_y")):
        for name, cells in each.columns.items():
            if name in same and side:
                continue
            label = f"{name}{end}" if name in shared and name not in same else name
            columns[label] = [cells[pair[side]] for pair in pairs]
    return Table(columns, table.kind)


def _grouped(self: Evaluator, table: Table, arguments: Arguments, keywords: Keywords) -> Value:
    """``table.groupby(name)``: parts with the same value there, in the order of the values."""
    by = argument(arguments, keywords, 0, "by")
    names = by if type(by) is list else [by]
    ranks = list(zip(*[table.columns[each] for each in names], strict=True))
    if not all(is_plain(each) for each in ranks):
        return UNKNOWN
    places: dict[Value, list[int]] = {}
    for at, rank in enumerate(ranks):
        places.setdefault(rank if type(by) is list and len(by) > 1 else rank[0], []).append(at)
    order = list(places) if keywords.get("sort") is False else sorted(places)
    parts = {key: _taken(table, places[key]) for key in order}
    return _groups(self, parts, [each for each in table.columns if each not in names], None)


def _groups(self: Evaluator, parts: dict[Value, Table], names: list[Value], chosen: Value) -> Namespace:
    """Make groups of rows, or of the cells of one column if ``chosen`` is its name."""

    def reduce(function: Value, whole: bool) -> Value:
        now = self.current()
        if chosen is not None or whole:
            cells = [part if chosen is None else column(part, chosen) for part in parts.values()]
            return _series([_reduced(now, function, each) for each in cells], list(parts))
        found = function if type(function) is dict else dict.fromkeys(names, function)
        columns = {
            name: [_reduced(now, each, column(part, name)) for part in parts.values()]
            for name, each in found.items()
            if name in names
        }
        return Table(columns, "pandas.DataFrame", list(parts))

    def get(given: Arguments) -> Value:
        name = given[0]
        if name in names:
            return _groups(self, parts, names, name)
        if name in ("agg", "aggregate", "apply"):
            return native(lambda functions: reduce(first_argument(functions), name == "apply"))
        return native(lambda functions: reduce(name, False))

    def choose(given: Arguments) -> Value:
        several = type(given[0]) is list
        return _groups(self, parts, given[0] if several else names, None if several else given[0])

    return Namespace(
        "groups",
        {
            "__getitem__": native(choose),
            "__getattr__": native(get),
            "__iter__": native(lambda given: list(parts.items())),
            "get_group": native(lambda given: parts.get(first_argument(given), UNKNOWN)),
        },
    )


def _popped(self: Evaluator, table: Table, arguments: Arguments, keywords: Keywords) -> Value:
    name = first_argument(arguments)
    made = column(table, name)
    if self.journal is None:
        del table.columns[name]
    return made


def _dropped(self: Evaluator, table: Table, arguments: Arguments, keywords: Keywords) -> Value:
    names = keywords.get("columns")
    if names is None and argument(arguments, keywords, 1, "axis") in (1, "columns"):
        names = argument(arguments, keywords, 0, "labels")
    if names is not None:
        gone = names if type(names) in (list, Array) else [names]
        left = {name: each for name, each in table.columns.items() if name not in gone}
        return Table(left, table.kind, table.labels)
    rows = argument(arguments, keywords, 0, "index", "labels")
    gone = rows if type(rows) in (list, Array) else [rows]
    return _taken(table, [at for at, label in enumerate(table.labels) if label not in gone])


def _assigned(self: Evaluator, table: Table, arguments: Arguments, keywords: Keywords) -> Value:
    made = Table(dict(table.columns), table.kind, table.labels)
    for name, new in keywords.items():
        put_item(self, made, name, self.call(new, [made]) if isinstance(new, CALLABLE) else new)
    return made


def _without_labels(self: Evaluator, table: Table, arguments: Arguments, keywords: Keywords) -> Value:
    kept = (
        {}
        if keywords.get("drop") is True or table.labels == list(range(len(table.labels)))
        else {"index": list(table.labels)}
    )
    return Table({**kept, **table.columns}, table.kind)


def _with_labels(self: Evaluator, table: Table, arguments: Arguments, keywords: Keywords) -> Value:
    name = argument(arguments, keywords, 0, "keys")
    left = {each: cells for each, cells in table.columns.items() if each != name}
    return Table(left, table.kind, list(table.columns[name]))


def _renamed(self: Evaluator, table: Table, arguments: Arguments, keywords: Keywords) -> Value:
    names: Value = keywords.get("columns", {})
    if type(names) is not dict:
        return UNKNOWN
    return Table(
        {names.get(each, each): cells for each, cells in table.columns.items()}, table.kind, table.labels
    )


def _grid(self: Evaluator, table: Table, arguments: Arguments, keywords: Keywords) -> Value:
    return arrays.grid([list(row) for row in table.rows()]) or UNKNOWN


def _part(place: Callable[[int], slice]) -> Callable[..., Value]:
    def take(self: Evaluator, table: Table, arguments: Arguments, keywords: Keywords) -> Value:
        count = argument(arguments, keywords, 0, "n")
        return _cell(table, place(5 if count is None else count), True)

    return take


def _same(self: Evaluator, table: Table, arguments: Arguments, keywords: Keywords) -> Value:
    return Table({name: list(each) for name, each in table.columns.items()}, table.kind, table.labels)


_METHODS: Final[dict[str, Callable[..., Value]]] = {
    "to_dict": _to_dict,
    "itertuples": _tuples,
    "iterrows": _each_row,
    **dict.fromkeys(("apply", "agg", "aggregate"), _applied),
    "sum": _summed,
    "sort_values": _sorted,
    "sort": _sorted,
    "sort_index": _sorted_by_label,
    "query": _asked,
    "merge": _merged,
    "groupby": _grouped,
    "pop": _popped,
    "drop": _dropped,
    "assign": _assigned,
    "reset_index": _without_labels,
    "set_index": _with_labels,
    "rename": _renamed,
    "to_numpy": _grid,
    "head": _part(slice),
    "tail": _part(lambda count: slice(-count, None)),
    **dict.fromkeys("copy fillna dropna convert_dtypes astype".split(), _same),
    "items": lambda self, table, arguments, keywords: [(each, column(table, each)) for each in table.columns],
    "keys": lambda self, table, arguments, keywords: list(table.columns),
    "get": lambda self, table, arguments, keywords: item(self, table, first_argument(arguments)),
}


def merged(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``pandas.merge(one, other)``."""
    table = first_argument(arguments, keywords.get("left"))
    if type(table) is not Table:
        return Symbol(symbol.name, True, (arguments, keywords))
    return method(self, table, "merge", arguments[1:], keywords)


def stacked(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``pandas.concat([one, other])``: rows of the one, then of the other."""
    parts = first_argument(arguments)
    if type(parts) is not list or not parts or keywords.get("axis") not in (None, 0, "index"):
        return Symbol(symbol.name, True, (arguments, keywords))
    if all(type(each) is Array for each in parts):
        return Array([one for each in parts for one in each], parts[0].kind)
    if not all(type(each) is Table and each.columns.keys() == parts[0].columns.keys() for each in parts):
        return Symbol(symbol.name, True, (arguments, keywords))
    columns = {name: [one for each in parts for one in each.columns[name]] for name in parts[0].columns}
    labels = None if keywords.get("ignore_index") is True else [one for each in parts for one in each.labels]
    return Table(columns, parts[0].kind, labels)


def table_rows(self: Evaluator, symbol: Symbol, keywords: Keywords) -> list[list[Value]]:
    """Rows of ``table.to_csv(…)``: an array is a table of one column."""
    first = symbol.details[0][0] if symbol.details and symbol.details[0] else None
    columns: dict[Value, list[Value]] = first.columns if type(first) is Table else {}
    if type(first) is Array:
        columns = {"0": list(first)}
    names = [list(columns)] if keywords.get("header") is not False and columns else []
    made = [*names, *map(list, zip(*columns.values(), strict=False))]
    if keywords.get("index") is not False:
        made = [[index - len(names), *row] for index, row in enumerate(made)]
    return made


# -- texts of a series -------------------------------------------------------------------------------


def texts(self: Evaluator, cells: Array) -> Namespace:
    """``series.str``: parts and methods of each text."""

    def each(compute: Callable[[Value], Value]) -> Array:
        return cells.like([compute(one) for one in self.current()._few(cells)])

    def get(given: Arguments) -> Value:
        name: str = given[0]

        def call(arguments: Arguments, keywords: Keywords) -> Value:
            now = self.current()
            if name == "cat":
                return _joined(now, cells, arguments, keywords)
            if name == "slice":
                ends = [
                    argument(arguments, keywords, at, word)
                    for at, word in enumerate(("start", "stop", "step"))
                ]
                return each(lambda one: now.item(one, slice(*ends)))
            if name == "get":
                return each(lambda one: now.item(one, first_argument(arguments)))
            if name == "len":
                return each(lambda one: len(one) if type(one) is str else UNKNOWN)
            if name == "join":
                return each(lambda one: now.call(now.attribute(first_argument(arguments), "join"), [one]))
            if name == "replace" and keywords.get("regex") is True:
                return each(lambda one: now.call(Symbol("re.sub"), [*arguments[:2], one]))
            plain = {
                key: value for key, value in keywords.items() if key not in ("regex", "expand", "n", "pat")
            }
            return each(lambda one: now.call(now.attribute(one, _WORDS.get(name, name)), arguments, plain))

        return Native(call)

    return Namespace(
        "str",
        {
            "__getitem__": native(lambda given: each(lambda one: self.current().item(one, given[0]))),
            "__getattr__": native(get),
        },
    )


#: What the methods of pandas and polars are called in Python.
_WORDS: Final = {
    "to_lowercase": "lower",
    "to_uppercase": "upper",
    "strip_chars": "strip",
    "repeat": "__mul__",
}


def _joined(self: Evaluator, cells: Array, arguments: Arguments, keywords: Keywords) -> Value:
    """``series.str.cat(others, sep=…)``."""
    others: Value = argument(arguments, keywords, 0, "others")
    between = self.text(keywords.get("sep") or "")
    if type(others) is str:  # an older spelling: the first argument was what stands between
        others, between = None, others
    if others is None:
        return between.join(self.text(each) for each in cells)
    columns = [others] if type(others) is not list or not others or type(others[0]) is str else others
    columns = [self.items(each) for each in columns]
    if any(len(each) != len(cells) for each in columns):
        return UNKNOWN
    return cells.like([between.join(map(self.text, row)) for row in zip(cells, *columns, strict=True)])


# -- lines and statements ----------------------------------------------------------------------------


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


HANDLERS: Final[dict[str, Any]] = {
    **dict.fromkeys(TABLES, make),
    "pandas.merge": merged,
    "pandas.concat": stacked,
    **dict.fromkeys(
        "linecache.getline linecache.getlines fileinput.input fileinput.FileInput numpy.loadtxt "
        "numpy.genfromtxt".split(),
        file_lines,
    ),
}
