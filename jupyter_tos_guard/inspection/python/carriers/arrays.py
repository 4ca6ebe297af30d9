"""Arrays of known numbers and texts: how they are made, ordered, chosen from and computed with."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.python import library, methods
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument, first_argument
from jupyter_tos_guard.inspection.python.carriers.given import native
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Array,
    Generator,
    Lines,
    Path,
    Stream,
    Symbol,
    Value,
    is_plain,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator

#: Values of an array that are looked at.
MAX_ITEMS: Final = 1 << 14


# -- making arrays -----------------------------------------------------------------------------------


def make(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Arrays and series of known values."""
    word = symbol.name.rpartition(".")[2]
    value: Value = first_argument(arguments, keywords.get("data", UNKNOWN))
    series = word == "Series"
    kind = keywords.get(
        "dtype", arguments[1] if len(arguments) > 1 and symbol.name.startswith("numpy.") else None
    )
    label = kind if type(kind) is str else kind.name.rpartition(".")[2] if type(kind) is Symbol else ""
    label = library.number_kind(label)
    if word == "arange" and all(type(each) is int for each in arguments) and arguments:
        numbers = range(*arguments[:3])
        return Array(numbers, label or "int64") if not numbers[MAX_ITEMS:] else UNKNOWN
    if word in ("frombuffer", "fromstring"):
        if type(value) in (bytes, bytearray) and len(value) < 1 << 17:
            return library.from_buffer(bytes(value), label or "float64")
        return UNKNOWN
    if word in ("zeros", "ones", "full", "empty", "eye", "identity"):
        return _filled(word, value, label, arguments)
    labels: Value = keywords.get("index", arguments[1] if series and len(arguments) > 1 else None)
    if series and type(value) is dict:
        value, labels = list(value.values()), list(value)
    if type(value) in (list, tuple, range, Array, Generator, Lines) and not (
        type(value) is range and value[MAX_ITEMS:]
    ):
        items = self.items(value)
        square = None if series else grid(items)
        if square is not None:
            return square
        if "int" in label and items and all(type(each) is str and each.isdecimal() for each in items):
            items = [int(each) for each in items if len(each) < 20]
        if len(items) <= MAX_ITEMS and not any(type(each) in (list, tuple) for each in items[:4]):
            made = Array(items, label or ("str" if items and type(items[0]) is str else "int64"))
            if series and type(labels) in (list, tuple, Array) and len(labels) == len(made):
                made.labels = list(labels)
            return made
    return Symbol(symbol.name, True, (arguments, keywords))


def _filled(word: str, value: Value, label: str, arguments: Arguments) -> Value:
    size = value[0] if type(value) is tuple and len(value) == 1 else value
    if type(size) is not int or not 0 <= size < (128 if word in ("eye", "identity") else MAX_ITEMS):
        return UNKNOWN
    if word in ("eye", "identity"):
        made = Array(
            [int(row == column) for row in range(size) for column in range(size)], label or "float64"
        )
        made.shape = (size, size)
        return made
    fill = {"zeros": 0, "ones": 1}.get(word, arguments[1] if len(arguments) > 1 else 0)
    return Array([fill] * size, label or "float64")


def grid(rows: list[Value]) -> Array | None:
    """Rows of equal length as an array of two dimensions; None if they are something else."""
    if not rows or not all(type(row) in (list, tuple, Array) and len(row) == len(rows[0]) for row in rows):
        return None
    cells = [each for row in rows for each in row]
    if not 0 < len(cells) <= MAX_ITEMS or any(type(each) in (list, tuple, Array) for each in cells):
        return None
    made = Array(cells, "str" if type(cells[0]) is str else "int64")
    made.shape = (len(rows), len(rows[0]))
    return made


# -- choosing from arrays ----------------------------------------------------------------------------


def item(self: Evaluator, value: Array, index: Value) -> Value:
    """``array[index]``: by place, by label, by several of them, by a mask."""
    kind = type(index)
    if value.labels is not None and kind in (str, int) and index in value.labels:
        return value[value.labels.index(index)]
    if value.shape is not None:
        return _grid_item(self, value, index)
    if kind in (int, bool):
        return value[index] if -len(value) <= index < len(value) else UNKNOWN
    places: list[int] | None = None
    if kind is slice:
        places = [*range(len(value))][index.start : index.stop : index.step or None]
    elif kind in (list, Array):
        places = places_of(index, len(value))
        if places is None and value.labels is not None and all(each in value.labels for each in index):
            places = [value.labels.index(each) for each in index]
    return value.taken(places) if places is not None else UNKNOWN


def places_of(index: Value, size: int) -> list[int] | None:
    """Places that a list of numbers or a mask chooses out of ``size``; None if not known."""
    if all(type(each) is bool for each in index):
        return [at for at, chosen in enumerate(index) if chosen] if len(index) == size else None
    known = all(type(each) is int and -size <= each < size for each in index)
    return [each % size for each in index] if known else None


def _grid_item(self: Evaluator, value: Array, index: Value) -> Value:
    """``array[row, column]`` of two dimensions, either of them a number, a slice or a list."""
    assert value.shape is not None
    first, second = index if type(index) is tuple and len(index) == 2 else (index, slice(None))
    if type(index) in (list, Array) and len(index) == len(value):  # a mask of the same shape
        places = places_of(index, len(value))
        return Array([value[each] for each in places], value.kind) if places is not None else UNKNOWN
    chosen = [_places(each, size) for each, size in zip((first, second), value.shape, strict=True)]
    if chosen[0] is None or chosen[1] is None:
        return UNKNOWN
    width = value.shape[1]
    made = Array([value[row * width + column] for row in chosen[0] for column in chosen[1]], value.kind)
    if type(first) is int and type(second) is int:
        return made[0]
    if type(first) is not int and type(second) is not int:
        made.shape = (len(chosen[0]), len(chosen[1]))
    return made


def _places(index: Value, size: int) -> list[int] | None:
    if type(index) is slice:
        return list(range(size)[index])
    return (
        places_of([index] if type(index) is int else index, size)
        if type(index) in (int, list, Array)
        else None
    )


def _order(self: Evaluator, value: Array, keywords: Keywords) -> list[int] | None:
    """Places of the values in their order; None if it is not known."""
    if not all(is_plain(each) for each in value):
        return None
    try:
        return sorted(range(len(value)), key=value.__getitem__)
    except TypeError:
        return None


# -- methods -----------------------------------------------------------------------------------------


def method(self: Evaluator, value: Array, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    """Call a method of an array or a series."""
    if name in ("tolist", "to_list"):
        return list(value) if value.shape is None else [list(row) for row in value.rows()]
    if name in ("tobytes", "tostring"):
        return _as_bytes(value)
    if name in ("astype", "view"):
        return _converted(self, value, name, first_argument(arguments, keywords.get("dtype", UNKNOWN)))
    if name in ("reshape", "transpose", "flatten", "ravel"):
        return _shaped(value, name, arguments, keywords)
    if name in ("copy", "squeeze", "to_numpy", "detach", "numpy", "compute", "rename"):
        return value
    if name == "sum":
        return _sum(self, value)
    if name == "to_csv":
        return self.call(Symbol("pandas.Series.to_csv", True, ([value], {})), arguments, keywords)
    if name == "tofile":
        data = _as_bytes(value)
        if arguments and type(arguments[0]) in (str, Path):
            methods.write(self, Stream(self.text(arguments[0]), "wb", b""), data)
        return None
    if name in ("apply", "map", "agg", "transform"):
        function = first_argument(arguments)
        if type(function) is dict:
            return value.like([self.item(function, each) for each in value])
        if type(function) is str:
            return self.call(self.attribute(value, function), [])
        return (
            value.like([self.call(function, [each]) for each in self._few(value)]) if arguments else Array([])
        )
    known = _METHODS.get(name)
    if known is not None:
        try:
            return known(self, value, arguments, keywords)
        except (TypeError, ValueError, IndexError, ArithmeticError):
            return UNKNOWN
    found = methods.list_method(self, value, name, arguments, keywords)
    if found is UNKNOWN:
        self.escape_all(arguments, keywords)
    return found


def _as_bytes(value: Array) -> Value:
    width = library.WIDTHS.get(value.kind, 8)
    try:
        if value and all(type(each) is bytes for each in value):
            return b"".join(value)
        return b"".join(int(each).to_bytes(width, "little", signed=int(each) < 0) for each in value)
    except (TypeError, ValueError, OverflowError):
        return UNKNOWN


def _converted(self: Evaluator, value: Array, name: str, kind: Value) -> Value:
    label = value.kind
    if type(kind) in (str, Symbol):
        label = library.number_kind(kind if type(kind) is str else kind.name.rpartition(".")[2])
    if name == "view" and type(data := _as_bytes(value)) is bytes:
        return library.from_buffer(data, label)
    if label in ("str", "U", "object"):
        return value.like([self.text(each) for each in value], "str")
    if "int" in label and all(type(each) in (int, float, bool) and abs(each) < 1 << 64 for each in value):
        return library.wrapped(value.like([int(each) for each in value], label))
    return library.wrapped(value.like(value, label))


def _sum(self: Evaluator, value: Array) -> Value:
    try:
        return sum(value)
    except TypeError:
        total: Value = value[0] if value else UNKNOWN
        for each in value[1:]:
            total = self.binary(ast.Add, total, each)
        return total


def _shaped(value: Array, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    """Another order of an array's values: rows and columns exchanged."""
    if name == "transpose":
        return value.transposed()
    flat = Array(value, value.kind)
    columns_first = (
        keywords.get("order") or (arguments[0] if name != "reshape" and arguments else "C")
    ) == "F"
    if name != "reshape":
        return Array(value.transposed(), value.kind) if columns_first else flat
    sizes = arguments[0] if arguments and type(arguments[0]) in (tuple, list) else arguments
    if len(sizes) == 2 and all(type(each) is int and (each > 0 or each == -1) for each in sizes):
        rows, columns = sizes
        rows = len(value) // columns if rows == -1 and columns > 0 else rows
        columns = len(value) // rows if columns == -1 and rows > 0 else columns
        if rows * columns == len(value):
            flat.shape = (columns, rows) if columns_first else (rows, columns)
            return flat.transposed() if columns_first else flat
    return flat


def _argsort(self: Evaluator, value: Array, arguments: Arguments, keywords: Keywords) -> Value:
    order = _order(self, value, keywords)
    return UNKNOWN if order is None else Array(order)


def _sorted_in_place(self: Evaluator, value: Array, arguments: Arguments, keywords: Keywords) -> Value:
    order = _order(self, value, keywords)
    value[:] = [value[each] for each in order] if order is not None else [UNKNOWN] * len(value)
    return None


def _sort_values(self: Evaluator, value: Array, arguments: Arguments, keywords: Keywords) -> Value:
    order = _order(self, value, keywords)
    if order is None:
        return UNKNOWN
    return value.taken(order[::-1] if keywords.get("ascending") is False else order)


def _sort_index(self: Evaluator, value: Array, arguments: Arguments, keywords: Keywords) -> Value:
    labels = value.labels or range(len(value))
    return value.taken(sorted(range(len(value)), key=labels.__getitem__))


def _take(self: Evaluator, value: Array, arguments: Arguments, keywords: Keywords) -> Value:
    places = argument(arguments, keywords, 0, "indices")
    return item(self, Array(value, value.kind), list(places) if type(places) in (tuple, range) else places)


def _repeat(self: Evaluator, value: Array, arguments: Arguments, keywords: Keywords) -> Value:
    times = first_argument(arguments)
    each = [times] * len(value) if type(times) is int else times
    if type(each) not in (list, tuple, Array) or sum(each) > MAX_ITEMS:
        return UNKNOWN
    return Array([one for one, count in zip(value, each, strict=True) for _ in range(count)], value.kind)


def _extreme(pick: Callable[[Any], Any]) -> Callable[..., Value]:
    def find(self: Evaluator, value: Array, arguments: Arguments, keywords: Keywords) -> Value:
        return pick(value) if value and all(is_plain(each) for each in value) else UNKNOWN

    return find


def _truths(self: Evaluator, value: Array, decide: Callable[[Iterable[Value]], bool]) -> Value:
    truths = [self.truth(each) for each in value]
    return UNKNOWN if None in truths else decide(truths)


def _rounded(self: Evaluator, value: Array, arguments: Arguments, keywords: Keywords) -> Value:
    digits = first_argument(arguments, keywords.get("decimals", 0))
    return value.like([float(round(each, digits)) if type(each) is float else each for each in value])


def _cumulative(self: Evaluator, value: Array, arguments: Arguments, keywords: Keywords) -> Value:
    plain = all(type(each) is int and -(1 << 64) < each < 1 << 64 for each in value)
    return Array(itertools.accumulate(value), value.kind) if plain else UNKNOWN


def _unique(self: Evaluator, value: Array, arguments: Arguments, keywords: Keywords) -> Value:
    return Array(dict.fromkeys(value), value.kind)


def _is_in(self: Evaluator, value: Array, arguments: Arguments, keywords: Keywords) -> Value:
    among = self.items(first_argument(arguments))
    known = all(is_plain(each) for each in (*value, *among))
    return value.like([each in among for each in value], "bool") if known else UNKNOWN


def _reset(self: Evaluator, value: Array, arguments: Arguments, keywords: Keywords) -> Value:
    return Array(value, value.kind) if keywords.get("drop") is True else UNKNOWN


def _at(place: Callable[[Arguments], Any]) -> Callable[..., Value]:
    def get(self: Evaluator, value: Array, arguments: Arguments, keywords: Keywords) -> Value:
        return item(self, Array(value, value.kind), place(arguments))

    return get


_METHODS: Final[dict[str, Callable[..., Value]]] = {
    "argsort": _argsort,
    "sort": _sorted_in_place,
    "sort_values": _sort_values,
    "sort_index": _sort_index,
    "take": _take,
    "repeat": _repeat,
    "cumsum": _cumulative,
    "max": _extreme(max),
    "min": _extreme(min),
    "argmax": _extreme(lambda value: value.index(max(value))),
    "argmin": _extreme(lambda value: value.index(min(value))),
    "all": lambda self, value, arguments, keywords: _truths(self, value, all),
    "any": lambda self, value, arguments, keywords: _truths(self, value, any),
    "round": _rounded,
    "unique": _unique,
    "isin": _is_in,
    "reset_index": _reset,
    "item": _at(lambda given: given[0] if given else 0),
    "first": _at(lambda given: 0),
    "last": _at(lambda given: -1),
    "head": _at(lambda given: slice(given[0] if given else 5)),
    "tail": _at(lambda given: slice(-(given[0] if given else 5), None)),
    "items": lambda self, value, arguments, keywords: list(
        zip(value.labels or range(len(value)), value, strict=True)
    ),
    "to_dict": lambda self, value, arguments, keywords: dict(
        zip(value.labels or range(len(value)), value, strict=True)
    ),
    "keys": lambda self, value, arguments, keywords: list(value.labels or range(len(value))),
    "get": lambda self, value, arguments, keywords: item(self, value, first_argument(arguments)),
}


# -- functions over arrays ---------------------------------------------------------------------------


def over(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``numpy.cumsum(values)``, ``numpy.packbits(bits)``, ``numpy.bitwise_xor(one, other)``."""
    word = symbol.name.rpartition(".")[2]
    operation = _UNIVERSAL.get(word)
    first = first_argument(arguments)
    if operation is not None and len(arguments) > 1:
        return self.binary(operation, *[_known(each) for each in arguments[:2]])
    known = _known(first)
    if type(known) is not Array or len(known) > MAX_ITEMS:
        return Symbol(symbol.name, True, (arguments, keywords))
    if word in ("packbits", "unpackbits"):
        order = "little" if keywords.get("bitorder") == "little" else "big"
        return _bits(known, word == "packbits", order)
    if word == "sort":
        return _sort_values(self, Array(known, known.kind), [], {})
    if word == "flip":
        return known.taken(range(len(known))[::-1]) if known.shape is None else UNKNOWN
    if word == "diff":
        return self.binary(ast.Sub, Array(known[1:], known.kind), Array(known[:-1], known.kind))
    if word == "roll":
        return _rolled(
            known, argument(arguments, keywords, 1, "shift"), argument(arguments, keywords, 2, "axis")
        )
    if word == "tile":
        times: Any = argument(arguments, keywords, 1, "reps")
        small = type(times) is int and len(known) * times <= MAX_ITEMS
        return Array(list(known) * times, known.kind) if small else UNKNOWN
    if word == "delete":
        places = argument(arguments, keywords, 1, "obj")
        left = (
            places_of([places] if type(places) is int else places, len(known)) if places is not None else None
        )
        return (
            known.taken([at for at in range(len(known)) if at not in left]) if left is not None else UNKNOWN
        )
    return self.call(self.attribute(known, word), arguments[1:], keywords)


def _known(value: Value) -> Value:
    """Return a list as the array that numpy makes of it."""
    if type(value) not in (list, tuple, range):
        return value
    if value[MAX_ITEMS:]:
        return UNKNOWN
    return grid(list(value)) or Array(value, "str" if value and type(value[0]) is str else "int64")


def _rolled(value: Array, by: Value, axis: Value) -> Value:
    if type(by) is not int or not value:
        return UNKNOWN
    if axis is None or value.shape is None:
        return value.like([value[(at - by) % len(value)] for at in range(len(value))])
    rows, columns = value.shape
    if axis not in (0, 1, -1):
        return UNKNOWN
    down, right = (by, 0) if axis == 0 else (0, by)
    return value.like(
        [
            value[(row - down) % rows * columns + (column - right) % columns]
            for row in range(rows)
            for column in range(columns)
        ]
    )


def _bits(values: Array, pack: bool, order: str) -> Value:
    if not all(type(each) in (int, bool) and 0 <= each < 256 for each in values):
        return UNKNOWN
    places = range(8) if order == "little" else range(7, -1, -1)
    if not pack:
        return Array([each >> place & 1 for each in values for place in places], "uint8")
    return Array(
        [
            sum(bool(bit) << place for bit, place in zip(values[at : at + 8], places, strict=False))
            for at in range(0, len(values), 8)
        ],
        "uint8",
    )


_UNIVERSAL: Final[dict[str, type[ast.operator]]] = {
    "add": ast.Add,
    "subtract": ast.Sub,
    "multiply": ast.Mult,
    "mod": ast.Mod,
    "remainder": ast.Mod,
    "bitwise_xor": ast.BitXor,
    "bitwise_and": ast.BitAnd,
    "bitwise_or": ast.BitOr,
    "left_shift": ast.LShift,
    "right_shift": ast.RShift,
}


def joined(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``numpy.concatenate([one, other])``, ``numpy.hstack``, ``numpy.append(one, other)``."""
    several = first_argument(arguments)
    parts = [several, *arguments[1:2]] if symbol.name.endswith("append") else several
    if type(parts) not in (list, tuple) or not all(type(each) in (list, tuple, Array) for each in parts):
        return Symbol(symbol.name, True, (arguments, keywords))
    made = [each for part in parts for each in part]
    return (
        Array(made, "str" if made and type(made[0]) is str else "int64")
        if len(made) <= MAX_ITEMS
        else UNKNOWN
    )


def where(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``numpy.where(mask, one, other)``, ``numpy.where(mask)``, ``numpy.flatnonzero(mask)``."""
    mask = _known(first_argument(arguments))
    if type(mask) is not Array:
        return Symbol(symbol.name, True, (arguments, keywords))
    truths = [self.truth(each) for each in mask]
    if len(arguments) < 3:
        found = Array([at for at, truth in enumerate(truths) if truth]) if None not in truths else UNKNOWN
        return found if symbol.name.endswith("flatnonzero") else (found,)
    ways = [each if type(each) in (list, tuple, Array) else [each] * len(mask) for each in arguments[1:3]]
    if len(ways[0]) != len(mask) or len(ways[1]) != len(mask):
        return UNKNOWN
    return mask.like(
        [UNKNOWN if truth is None else ways[not truth][at] for at, truth in enumerate(truths)], "object"
    )


def characters(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``numpy.char.add(one, other)``, ``numpy.char.replace(texts, old, new)``: methods of each text."""
    word = symbol.name.rpartition(".")[2]
    given = [_known(each) for each in arguments]
    if word in _UNIVERSAL and len(given) > 1:
        return self.binary(_UNIVERSAL[word], *given[:2])
    if word == "join":
        given = given[:2]
    size = max((len(each) for each in given if type(each) is Array), default=0)
    if not size:
        return Symbol(symbol.name, True, (arguments, keywords))
    columns = [each if type(each) is Array and len(each) == size else [each] * size for each in given]
    self.budget.spend(size + 1)
    rows = zip(*columns, strict=True)
    return Array(
        [self.call(self.attribute(first, word), list(rest), keywords) for first, *rest in rows], "str"
    )


def base_number(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``numpy.base_repr(number, base)``."""
    number, base = argument(arguments, keywords, 0, "number"), argument(arguments, keywords, 1, "base")
    base = 2 if base is None or symbol.name.endswith("binary_repr") else base
    if type(number) is not int or type(base) is not int or not 2 <= base <= 36 or number.bit_length() > 4096:
        return UNKNOWN
    digits, left = "", abs(number)
    while left:
        left, digit = divmod(left, base)
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[digit] + digits
    return ("-" if number < 0 else "") + (digits or "0")


def vectorized(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``numpy.vectorize(function)``: called with each value of an array."""
    function = first_argument(arguments)

    def call(given: Arguments) -> Value:
        now = self.current()
        columns = [now.items(each) for each in given if type(each) in (list, tuple, range, Array, Generator)]
        if len(columns) != len(given) or not columns:
            return now.call(function, given)
        return Array(
            [now.call(function, list(row)) for row in now._few(zip(*columns, strict=False))], "object"
        )

    return native(call)


def product(self: Evaluator, left: Array, right: Array) -> Value:
    """``matrix @ vector`` and ``matrix @ matrix``."""
    shape = right.shape or (len(right), 1)
    rows, inner = left.shape or (1, len(left))
    if inner != shape[0] or rows * inner * shape[1] > MAX_ITEMS:
        return UNKNOWN
    self.budget.spend(rows * inner * shape[1] // 8 + 1)
    made = Array(
        [
            _sum(
                self,
                Array(
                    [
                        self.binary(ast.Mult, left[row * inner + at], right[at * shape[1] + column])
                        for at in range(inner)
                    ]
                ),
            )
            for row in range(rows)
            for column in range(shape[1])
        ],
        left.kind,
    )
    if left.shape is not None and right.shape is not None:
        made.shape = (rows, shape[1])
    return made if left.shape is not None or right.shape is not None else made[0]


def solved(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``numpy.linalg.solve(matrix, vector)``: small systems of numbers, without rounding."""
    matrix, vector = (_known(each) for each in (*arguments[:2], *[UNKNOWN] * (2 - len(arguments))))
    size = len(vector) if type(vector) is Array and vector.shape is None else 0
    small = type(matrix) is Array and matrix.shape == (size, size) and 0 < size <= 40
    if not small or not all(
        type(each) in (int, float) and abs(each) < 1 << 53 for each in (*matrix, *vector)
    ):
        return Symbol(symbol.name, True, (arguments, keywords))
    self.budget.spend(size**3 // 4 + 1)
    rows = [
        [Fraction(each) for each in (*row, known)] for row, known in zip(matrix.rows(), vector, strict=True)
    ]
    for at in range(size):
        pivot = next((row for row in range(at, size) if rows[row][at]), None)
        if pivot is None:
            return UNKNOWN
        rows[at], rows[pivot] = rows[pivot], rows[at]
        rows[at] = [each / rows[at][at] for each in rows[at]]
        for row in range(size):
            if row != at and rows[row][at]:
                by = rows[row][at]
                rows[row] = [one - by * other for one, other in zip(rows[row], rows[at], strict=True)]
    return Array([float(row[-1]) for row in rows], "float64")


HANDLERS: Final[dict[str, Any]] = {
    **dict.fromkeys(
        "numpy.array numpy.asarray numpy.frombuffer numpy.fromstring numpy.arange numpy.zeros numpy.ones "
        "numpy.full numpy.fromiter numpy.char.array pandas.Series torch.tensor numpy.asanyarray numpy.eye "
        "numpy.identity jax.numpy.array tensorflow.constant torch.ByteTensor torch.as_tensor "
        "polars.Series pandas.array pandas.Index".split(),
        make,
    ),
    **dict.fromkeys(
        [
            f"numpy.{each}"
            for each in (
                *_UNIVERSAL,
                *"cumsum packbits unpackbits flip diff roll ravel transpose reshape argsort sort take repeat "
                "tile delete round unique".split(),
            )
        ],
        over,
    ),
    **dict.fromkeys("numpy.concatenate numpy.hstack numpy.append".split(), joined),
    **dict.fromkeys("numpy.where numpy.flatnonzero numpy.nonzero".split(), where),
    **dict.fromkeys(
        [
            f"numpy.{module}.{word}"
            for module in ("char", "core.defchararray", "strings")
            for word in "add multiply mod lower upper title swapcase capitalize replace strip lstrip rstrip "
            "join center ljust rjust zfill decode encode translate partition rpartition split "
            "expandtabs".split()
        ],
        characters,
    ),
    "numpy.base_repr": base_number,
    "numpy.binary_repr": base_number,
    "numpy.vectorize": vectorized,
    "numpy.linalg.solve": solved,
}
