"""What the evaluator of Python knows about a value.

A value that is known stands for itself: text, numbers and containers are plain
Python objects. The classes here stand for the rest, down to nothing known at
all. They hold data only; what may be done with them is in :mod:`.evaluation`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import Any

from jupyter_tos_guard.inspection.facts import HOLE

#: Any value of the evaluated program: a plain Python object or one of the classes below.
Value = Any


class Unknown:
    """A value of which nothing is known; the one instance is :data:`UNKNOWN`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


class Symbol:
    """Something that a module holds, by its qualified name; never imported, never called.

    The result of calling ``requests.get`` is again a symbol of that name with
    ``called`` set, so that ``requests.get(u).text`` is ``requests.get.text``
    and a method of a library's object can be told by name.
    """

    __slots__ = ("called", "details", "name")

    def __init__(self, name: str, called: bool = False, details: Value = None) -> None:
        self.name = name
        self.called = called
        #: What the call was given, where a later method needs it (a command, an address).
        self.details = details

    def __repr__(self) -> str:
        return f"<{self.name}{'()' if self.called else ''}>"


#: Among the keywords of a library's object: the program's functions that it calls by itself.
WAITING = "\0waiting"


class Choice:
    """One of several values: which one depends on what is not known."""

    __slots__ = ("values",)

    MAX = 8

    def __init__(self, values: tuple[Value, ...]) -> None:
        self.values = values

    def __repr__(self) -> str:
        return f"Choice{self.values!r}"


def either(values: Iterable[Value]) -> Value:
    """One value that may be any of ``values``."""
    kept: list[Value] = []
    for value in values:
        for each in value.values if type(value) is Choice else (value,):
            if not any(each is other or _same(each, other) for other in kept):
                kept.append(each)
    if not kept:
        return UNKNOWN
    if len(kept) == 1:
        return kept[0]
    return Choice(tuple(kept[-Choice.MAX :]))


def _same(one: Value, other: Value) -> bool:
    kind = type(one)
    if kind is not type(other):
        return False
    if kind in (str, bytes, int, float, bool):
        return bool(one == other)
    if kind is Symbol:
        return bool(one.name == other.name and one.called == other.called)
    return False


class Function:
    """A ``def`` or ``lambda`` with the scope that it closes over."""

    __slots__ = ("attributes", "defaults", "keyword_defaults", "name", "node", "owner", "scope", "unit")

    def __init__(
        self,
        name: str,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
        scope: Any,
        unit: Any,
        defaults: list[Value],
        keyword_defaults: dict[str, Value],
    ) -> None:
        self.name = name
        self.node = node
        self.scope = scope
        self.unit = unit
        self.defaults = defaults
        self.keyword_defaults = keyword_defaults
        self.attributes: dict[str, Value] = {}
        self.owner: Class | None = None

    def __repr__(self) -> str:
        return f"<function {self.name}>"


class Class:
    """A class of the user's; bases may be symbols."""

    __slots__ = ("bases", "keywords", "name", "namespace", "source", "subclasses")

    #: Subclasses of a class that are kept, the last ones.
    MAX_SUBCLASSES = 64

    def __init__(
        self, name: str, bases: list[Value], namespace: dict[str, Value], keywords: dict[str, Value]
    ) -> None:
        self.name = name
        self.bases = bases
        self.namespace = namespace
        self.keywords = keywords
        #: The text that it stands in, and its node there.
        self.source: Any = None
        self.subclasses: list[Class] = []
        for each in bases:
            if type(each) is Class:
                each.subclasses[: -self.MAX_SUBCLASSES + 1] = []
                each.subclasses.append(self)

    def find(self, name: str) -> Value:
        """Attribute of the class or of its bases; None if there is none."""
        if name in self.namespace:
            return self.namespace[name]
        for each in self.lineage():
            if isinstance(each, Class) and name in each.namespace:
                return each.namespace[name]
        return None

    def holds(self, name: str) -> bool:
        """Whether the class or one of its bases binds ``name``, to None perhaps."""
        return any(isinstance(each, Class) and name in each.namespace for each in self.lineage())

    def lineage(self) -> list[Value]:
        """Return the class, its bases, their bases; one that several have comes after the last of them."""
        found: list[Value] = []
        waiting: list[Value] = [self]
        while waiting and len(found) < 256:
            each = waiting.pop(0)
            found.append(each)
            if isinstance(each, Class):
                waiting[0:0] = each.bases
        return list({id(each): each for each in reversed(found)}.values())[::-1]

    def inherited_metaclass(self) -> Class | None:
        """Metaclass of the user's that the bases have."""
        found = [each.keywords.get("metaclass") for each in self.lineage() if isinstance(each, Class)]
        return next((each for each in found if isinstance(each, Class)), None)

    def forsake(self) -> None:
        """Let another class take the place of this one among its bases' subclasses."""
        for each in self.bases:
            if isinstance(each, Class):
                each.subclasses = [one for one in each.subclasses if one is not self]

    def symbol(self) -> str:
        """Qualified name of the first base that is not the user's, or ``""``."""
        for each in self.lineage():
            if type(each) is Symbol:
                return each.name
        return ""

    def is_enumeration(self) -> bool:
        """Whether what the class binds are its members."""
        return any(type(each) is Symbol and each.name.startswith("enum.") for each in self.lineage())

    def __repr__(self) -> str:
        return f"<class {self.name}>"


class Instance:
    """An object of a class of the user's; ``plain`` is its value if the class extends str, list, …."""

    __slots__ = ("attributes", "cls", "plain")

    def __init__(self, cls: Class) -> None:
        self.cls = cls
        self.attributes: dict[str, Value] = {}
        self.plain: Value = None

    def __repr__(self) -> str:
        return f"<{self.cls.name} object>"


class Bound:
    """A method of the user's with its object."""

    __slots__ = ("function", "receiver")

    def __init__(self, function: Value, receiver: Value) -> None:
        self.function = function
        self.receiver = receiver


class Method:
    """A method of a value that stands for itself, or of one of the classes here, by name."""

    __slots__ = ("name", "receiver")

    def __init__(self, receiver: Value, name: str) -> None:
        self.receiver = receiver
        self.name = name


class Descriptor:
    """``property``, ``staticmethod`` or ``classmethod`` around a function."""

    __slots__ = ("function", "kind", "setter")

    def __init__(self, kind: str, function: Value, setter: Value = None) -> None:
        self.kind = kind
        self.function = function
        self.setter = setter


class Super:
    """``super()`` in a method."""

    __slots__ = ("cls", "receiver")

    def __init__(self, cls: Class, receiver: Value) -> None:
        self.cls = cls
        self.receiver = receiver


class Partial:
    """A callable with some of its arguments; ``operator.attrgetter`` and its like too."""

    __slots__ = ("arguments", "function", "keywords")

    def __init__(self, function: Value, arguments: list[Value], keywords: dict[str, Value]) -> None:
        self.function = function
        self.arguments = arguments
        self.keywords = keywords


class Native:
    """A function of the evaluator's own, given to the program as a value."""

    __slots__ = ("call",)

    def __init__(self, call: Any) -> None:
        #: ``call(arguments, keywords) -> Value``
        self.call = call


class Namespace:
    """An object with nothing but attributes: a module, ``SimpleNamespace``, a process's result."""

    __slots__ = ("attributes", "name")

    def __init__(self, name: str, attributes: dict[str, Value]) -> None:
        self.name = name
        self.attributes = attributes


class Stream:
    """An open file, or text in memory if ``path`` is empty."""

    __slots__ = ("binary", "content", "mode", "path", "position", "source")

    def __init__(self, path: str, mode: str, content: str | bytes | None, source: str = "") -> None:
        self.path = path
        self.mode = mode
        self.binary = "b" in mode
        #: None if not known.
        self.content = content
        self.position = 0
        self.source = source


class Path:
    """A ``pathlib`` path; ``text`` may hold holes."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Path({self.text!r})"


class Process:
    """A process that was started, as much as is known of what it prints."""

    __slots__ = ("ended", "output", "shell", "stdin", "text", "words")

    def __init__(
        self,
        output: str,
        text: bool = True,
        shell: str = "",
        stdin: str = "",
        words: Sequence[str] = (),
        ended: bool = False,
    ) -> None:
        self.output = output
        self.text = text
        #: Program name if it reads commands from its standard input.
        self.shell = shell
        self.stdin = stdin
        #: The program with its arguments, if they are known.
        self.words = words
        #: Whether it was waited for: what it printed is a text then, not a file to read.
        self.ended = ended


class Lines(list[Value]):
    """Output of ``x = !command``: a list with ``.s``, ``.n`` and ``.l``."""

    __slots__ = ()


class Array(list[Value]):
    """An array of known values, row by row; ``kind`` is numpy's name of their type.

    ``shape`` is its rows and columns if it has been given two dimensions;
    ``labels`` are those of a series, None if they are the places.
    """

    __slots__ = ("kind", "labels", "shape")

    def __init__(self, items: Iterable[Value] = (), kind: str = "int64") -> None:
        super().__init__(items)
        self.kind = kind
        self.shape: tuple[int, int] | None = None
        self.labels: list[Value] | None = None

    def like(self, items: Iterable[Value], kind: str = "") -> Array:
        """Return as many other values in the same places."""
        made = Array(items, kind or self.kind)
        made.shape, made.labels = self.shape, self.labels
        return made

    def taken(self, places: Iterable[int]) -> Array:
        """Return the values at ``places``, with their labels."""
        places = list(places)
        made = Array([self[each] for each in places], self.kind)
        if self.labels is not None:
            made.labels = [self.labels[each] for each in places]
        return made

    def rows(self) -> list[Array]:
        """Rows of an array of two dimensions."""
        width = self.shape[1] if self.shape is not None else 1
        return [Array(self[at : at + width], self.kind) for at in range(0, len(self), width)]

    def transposed(self) -> Array:
        """Return the array column by column."""
        if self.shape is None:
            return self
        rows, columns = self.shape
        made = Array(
            [self[row * columns + column] for column in range(columns) for row in range(rows)], self.kind
        )
        made.shape = (columns, rows)
        return made


class Table:
    """A data frame: columns of as many known values, labels of its rows, and the call that made it."""

    __slots__ = ("columns", "kind", "labels")

    def __init__(
        self, columns: dict[Value, list[Value]], kind: str, labels: list[Value] | None = None
    ) -> None:
        self.columns = columns
        self.kind = kind
        size = len(next(iter(columns.values()), ()))
        self.labels: list[Value] = list(range(size)) if labels is None else list(labels)

    def rows(self) -> list[tuple[Value, ...]]:
        """Cells row by row."""
        return list(zip(*self.columns.values(), strict=True))


class Subclasses(list[Value]):
    """``object.__subclasses__()``: which class stands at which number is not known."""

    __slots__ = ()


class Generator:
    """A generator: what it yields, found by running it ahead; run again for each ``send``."""

    __slots__ = ("arguments", "function", "items", "keywords", "position", "result", "sent", "waits")

    def __init__(
        self,
        items: list[Value],
        function: Function | None = None,
        arguments: list[Value] | None = None,
        keywords: dict[str, Value] | None = None,
    ) -> None:
        self.items = items
        self.position = 0
        self.function = function
        self.arguments = arguments or []
        self.keywords = keywords or {}
        self.sent: list[Value] = []
        self.result: Value = None
        #: Whether it has not been run: it is a context manager's, which runs around a body.
        self.waits = False


class Code:
    """A code object: text, a syntax tree, or the names and constants of a marshalled one."""

    __slots__ = ("calls", "function", "mode", "nodes", "source", "tree")

    def __init__(
        self,
        source: str = "",
        mode: str = "exec",
        tree: ast.AST | None = None,
        function: Function | None = None,
        calls: Any = None,
    ) -> None:
        self.source = source
        self.mode = mode
        self.tree = tree
        self.function = function
        self.calls = calls
        #: Nodes of the text, once the program has asked for them: it may have changed them.
        self.nodes: Symbol | None = None


_PLAIN = frozenset({str, bytes, int, float, bool, type(None), complex, bytearray, range})


def is_plain(value: Value, depth: int = 6) -> bool:
    """Whether ``value`` stands for itself all the way down."""
    kind = type(value)
    if kind in _PLAIN:
        return True
    if depth and (kind in (list, tuple, set, frozenset, Lines, Array)):
        return all(is_plain(each, depth - 1) for each in value)
    if depth and kind is dict:
        return all(is_plain(key, depth - 1) and is_plain(each, depth - 1) for key, each in value.items())
    return False


def has_hole(value: Value, depth: int = 4) -> bool:
    """Whether a part of a plain ``value`` is not known."""
    kind = type(value)
    if kind is str:
        return HOLE in value
    if kind is bytes or kind is bytearray:
        return HOLE_BYTES in value
    if depth and kind in (list, tuple, set, frozenset, Lines, Array):
        return any(has_hole(each, depth - 1) for each in value)
    if depth and kind is dict:
        return any(has_hole(key, depth - 1) or has_hole(each, depth - 1) for key, each in value.items())
    return False


#: What becomes of a hole when its text is encoded.
HOLE_BYTES = HOLE.encode()

CALLABLE = (Function, Bound, Method, Partial, Native, Class)
