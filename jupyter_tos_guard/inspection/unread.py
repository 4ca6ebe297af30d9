"""Statements that nobody has needed yet, and which of them a name needs.

Most of what people write reaches no sink. Such cells and statements are kept
here unevaluated, and evaluated in their order when a statement that does reach
a sink asks for a name that they may have bound or changed. This module decides
*which*; :mod:`.evaluation` does it.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable, Sequence
from typing import Any

from jupyter_tos_guard.inspection.python.cell import nodes
from jupyter_tos_guard.inspection.screen import Screening, find_words

#: Methods and functions of libraries that write a file without a word that the screen looks for.
WRITERS = frozenset(
    "to_csv to_string savetxt tofile writerow writerows writestr addfile save savez savez_compressed "
    "FileHandler RotatingFileHandler TimedRotatingFileHandler WatchedFileHandler basicConfig".split()
)
#: Those of them that only open a log, and what writes to it.
_LOGS = frozenset(each for each in WRITERS if each.endswith("Handler")) | {"basicConfig"}
_LOGGING = frozenset("debug info warning error critical exception log addHandler setFormatter".split())
#: Methods that change their receiver, or what they are given.
_CHANGING = frozenset(
    "append appendleft extend extendleft insert add update setdefault setitem __setitem__ remove discard pop "
    "popleft popitem clear sort reverse rotate fill put write writelines send seek shuffle register "
    "heappush heappop heappushpop heapreplace heapify".split()
)


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BUILTINS = frozenset(dir(builtins))
#: Functions that change nothing of what they are given.
_SHOWING = _BUILTINS - {"setattr", "delattr", "next", "exec", "eval"} | {"display"}
#: Modes in which a file is opened to be written begin so.
_WRITING = frozenset("wax")
#: Names that a text may bind.
_BINDING = re.compile(r"\b(\w+)\s*(?:=(?!=)|,|:=|\bin\b)|\b(?:def|class|as|import)\s+(\w+)")


class Statement:
    """One top-level statement of an earlier cell."""

    __slots__ = (
        "_reached", "binds", "changes", "imports", "last", "node",
        "number", "replaces", "unit", "uses", "words",
    )  # fmt: skip

    def __init__(self, node: ast.stmt, unit: Any, number: int, last: bool, words: frozenset[str]) -> None:
        self.node = node
        self.unit = unit
        self.number = number
        #: Whether its value is what its cell shows.
        self.last = last
        #: A superset of the names in it, known without a walk.
        self.words = words
        #: Names that it binds, those of them to modules, names whose values it
        #: changes, those of them an attribute of which it binds, and names that
        #: it uses; by :meth:`read`.
        self.binds: set[str] = set()
        self.imports: set[str] = set()
        self.changes: set[str] = set()
        self.replaces: set[str] = set()
        self.uses: set[str] = set()
        self._reached: set[str] | None = None

    def reached(self) -> set[str]:
        """Names outside of a definition that calling it may change."""
        if self._reached is None:
            self._reached = reaches(self.node)
        return self._reached

    def mentions(self, name: str) -> bool:
        """Whether the statement binds, changes or uses ``name``."""
        if name not in self.words:
            return False
        self.read()
        return name in self.uses or name in self.binds

    def read(self) -> None:
        """Find out which names it binds and uses."""
        if self.binds or self.uses:
            return
        binds, uses = self.binds, self.uses
        loops: list[ast.For] = []
        node: Any
        for node in nodes(self.node):
            kind = type(node)
            if kind is ast.Name:
                (uses if type(node.ctx) is ast.Load else binds).add(node.id)
            elif kind in _DEFINITIONS:
                binds.add(node.name)
                self.changes.update(map(_base, node.decorator_list))  # @app.route("/")
                if kind is ast.ClassDef:
                    # They know their subclasses, and metaclasses what they make.
                    self.changes.update(map(_base, (*node.bases, *(each.value for each in node.keywords))))
            elif kind is ast.alias:
                self.imports.add((node.asname or node.name).partition(".")[0])
            elif kind in (ast.Attribute, ast.Subscript):
                if type(node.ctx) is not ast.Load:
                    self.changes.add(_base(node))
                    if kind is ast.Attribute and type(node.value) is ast.Name:
                        self.replaces.add(node.value.id)
            elif kind is ast.Call:
                self._read_call(node)
            elif kind is ast.Expr and type(node.value) is ast.Call:
                self._read_order(node.value)
            elif kind is ast.withitem and type(node.context_expr) is ast.Call:
                self.changes.update(map(_base, node.context_expr.args))  # redirect_stdout(text)
            elif kind is ast.For and type(node.target) is ast.Name:
                loops.append(node)
        binds |= self.imports
        for node in loops:
            if node.target.id in self.changes:  # what is changed belongs to what the loop goes through
                self.changes.update(each.id for each in nodes(node.iter) if type(each) is ast.Name)
        self.changes.discard("")

    def _read_order(self, node: ast.Call) -> None:
        """Nobody wants the value of a call: it changes something."""
        name = _base(node.func)
        if type(node.func) is ast.Attribute:
            self.changes.add(name)
        elif name not in _SHOWING:  # a function of the user's may change what it is given, or keeps
            self.changes.add(name)
            self.changes.update(map(_base, node.args))
        if name == "setattr" and node.args:
            self.replaces.add(_base(node.args[0]))

    def _read_call(self, node: ast.Call) -> None:
        function = node.func
        if type(function) is ast.Attribute and function.attr in _CHANGING:
            self.changes.add(_base(function))
            self.changes.update(_base(argument) for argument in node.args)
        self.changes.update(_base(each.value) for each in node.keywords if each.arg == "file")  # print


def text_of(statement: ast.stmt, lines: list[str]) -> str:
    """Lines of the cell that a statement stands on."""
    first = statement.lineno
    if isinstance(statement, _DEFINITIONS) and statement.decorator_list:
        first = statement.decorator_list[0].lineno
    return "\n".join(lines[first - 1 : statement.end_lineno])


def reaches(definition: ast.stmt) -> set[str]:
    """Names outside of a function or class that calling it, or its methods, may change.

    Parameters
    ----------
    definition : ast.stmt
        A ``def`` or ``class``; anything else changes nothing by being called.
    """
    if type(definition) not in _DEFINITIONS:
        return set()
    changed: set[str] = set()
    own: set[str] = set()
    declared: set[str] = set()
    node: Any
    for node in nodes(definition):
        kind = type(node)
        if kind is ast.Global:
            declared.update(node.names)
        elif kind is ast.arg:
            own.add(node.arg)
        elif kind is ast.Name:
            if type(node.ctx) is ast.Store:
                own.add(node.id)
        elif kind in (ast.Attribute, ast.Subscript):
            if type(node.ctx) is not ast.Load:
                changed.add(_base(node))
        elif kind is ast.Call:
            function = node.func
            if type(function) is ast.Attribute and function.attr in _CHANGING:
                changed.add(_base(function))
        elif kind is ast.AugAssign and type(node.target) is ast.Name:
            changed.add(node.target.id)
    return ((changed - own) | declared) - {"", "self", definition.name}  # type: ignore[attr-defined]


def _base(node: ast.AST) -> str:
    """Name that a chain of attributes, items and calls begins with."""
    while True:
        kind = type(node)
        if kind is ast.Name:
            return node.id  # type: ignore[attr-defined,no-any-return]
        if kind in (ast.Attribute, ast.Subscript, ast.Starred):
            node = node.value  # type: ignore[attr-defined]
        elif kind is ast.Call:
            node = node.func  # type: ignore[attr-defined]
        else:
            return ""


class Cell:
    """A cell that was cleared without being parsed."""

    __slots__ = ("number", "source", "words")

    def __init__(self, source: str, number: int, words: frozenset[str]) -> None:
        self.source = source
        self.number = number
        self.words = words


class Unread:
    """What is waiting, oldest first.

    Parameters
    ----------
    split : callable
        Gives the statements of a cleared cell.
    """

    #: Cells and statements that may wait, and their characters; the oldest are dropped first.
    MAX_ITEMS = 2000
    MAX_SIZE = 1 << 20

    def __init__(self, split: Callable[[Cell], list[Statement]]) -> None:
        self._split = split
        self._items: list[Cell | Statement] = []
        self._size = 0
        #: Names that something here may bind: a superset, so that asking for another one is cheap.
        self.names: set[str] = set()
        #: Says of a statement's text whether it may reach a sink; set by the history.
        self.screen: Callable[[str], Screening] | None = None
        #: Names of the session that lead to sinks; grows while a cell is evaluated.
        self.hot: set[str] = set()
        #: Functions and classes by the outer names that calling them may change.
        self.changers: dict[str, set[str]] = {}

    def add_cell(self, source: str, number: int, words: frozenset[str]) -> None:
        """Keep a cleared cell."""
        if len(source) > self.MAX_SIZE // 4:
            return  # honest data; a payload this large is met when a sink is fed with it
        self._items.append(Cell(source, number, words))
        self._size += len(source)
        self.names |= words
        while self._size > self.MAX_SIZE or len(self._items) > self.MAX_ITEMS:
            self._size -= _size(self._items.pop(0))

    def add(self, statement: Statement) -> None:
        """Keep a statement of a cell that was parsed."""
        self._items.append(statement)
        self._size += _size(statement)
        self.names |= statement.words

    def learn(self, node: ast.stmt) -> None:
        """Keep in mind which outer names a definition changes when it is called."""
        self._keep(node, reaches(node))

    def _keep(self, node: ast.stmt, reached: set[str]) -> None:
        if len(self.changers) < self.MAX_ITEMS:
            for name in reached:
                self.changers.setdefault(name, set()).add(node.name)  # type: ignore[attr-defined]

    def changed_by(self, words: frozenset[str]) -> set[str]:
        """Names that calling functions named in ``words`` may change."""
        return {name for name, functions in self.changers.items() if not functions.isdisjoint(words)}

    def take(
        self, names: set[str], is_module: Callable[[str], bool], chosen: Sequence[Statement] = ()
    ) -> list[Statement]:
        """Remove and return, in order, those ``chosen`` and the statements that decide what ``names`` are.

        These are the ones that bind or change one of the names, those before
        them that use its earlier value, and so on for the names they use. A
        module is what it is, whatever is called on it.
        """
        taken = {id(each): each for each in chosen}
        asked: set[str] = set()
        waiting = names & self.names
        while waiting:
            self._parse(self._worth_reading(waiting))
            for name in waiting:
                for statement in self._deciding(name, is_module(name)):
                    taken[id(statement)] = statement
            asked |= waiting
            waiting = set()
            for statement in taken.values():
                waiting |= statement.uses
                if _binds_ends(statement.node):
                    waiting |= statement.binds
            waiting = (waiting & self.names) - asked
        self.names -= asked
        if not taken:
            return []
        found = [item for item in self._items if id(item) in taken]
        for each in taken.values():
            self._keep(each.node, each.reached())
        self._items = [item for item in self._items if id(item) not in taken]
        self._size = sum(map(_size, self._items))
        return found  # type: ignore[return-value]

    def mentions(self, names: set[str]) -> bool:
        """Whether something that waits has one of ``names`` in it."""
        return any(not names.isdisjoint(item.words) for item in self._items)

    def take_users(self, names: set[str], is_module: Callable[[str], bool]) -> list[Statement]:
        """Remove and return the statements that mention one of ``names``, with all that they need."""
        self._parse(names)
        wanted: set[str] = set()
        for item in self._items:
            if type(item) is Statement and not names.isdisjoint(item.words):
                item.read()
                wanted |= item.binds
        return self.take(wanted, is_module) if wanted else []

    def take_writers(self, path: str, is_module: Callable[[str], bool]) -> list[Statement]:
        """Remove and return the statements by which a library writes ``path``, with all that they need.

        Tables are written everywhere, and running none of them matters: they
        wait until something asks for the file.
        """
        if WRITERS.isdisjoint(self.names):
            return []
        words = find_words(path.rpartition("/")[2]) - {"npy", "npz"}  # which the library appends
        if not words:
            return []

        def writes(item: Cell | Statement) -> bool:
            return words <= item.words and not WRITERS.isdisjoint(item.words)

        if any(type(item) is Cell and writes(item) for item in self._items):
            self._parse(set(WRITERS))
        named = [item for item in self._items if type(item) is Statement and words <= item.words]
        opened = [each for each in named if _opens(each.node)]
        chosen = [each for each in named if writes(each)] + opened
        if any(not _LOGS.isdisjoint(each.words) for each in chosen):
            self._parse(set(_LOGGING))
            logging = [item for item in self._items if not _LOGGING.isdisjoint(item.words)]
            chosen += [item for item in logging if type(item) is Statement and item not in chosen]
        needed: set[str] = set()
        for each in chosen:
            each.read()
            needed |= each.uses | each.binds if each in opened else each.uses
        return self.take(needed, is_module, chosen) if chosen else []

    def take_all(self) -> list[Statement]:
        """Remove and return everything."""
        self._parse(None)
        found, self._items, self._size = self._items, [], 0
        self.names = set()
        return found  # type: ignore[return-value]

    def copy(self) -> Unread:
        """Return a list that goes its own way from here."""
        other = Unread(self._split)
        other._items, other._size = list(self._items), self._size
        other.names, other.hot, other.screen = set(self.names), set(self.hot), self.screen
        other.changers = {name: set(found) for name, found in self.changers.items()}
        return other

    def _worth_reading(self, names: set[str]) -> set[str]:
        """Leave out the builtins that nothing here binds: every cell mentions some."""
        builtin = names & _BUILTINS
        if not builtin:
            return names
        texts = [
            item.source for item in self._items if type(item) is Cell and not builtin.isdisjoint(item.words)
        ]
        bound = {name for text in texts for found in _BINDING.findall(text) for name in found}
        return (names - builtin) | (builtin & bound)

    def _deciding(self, name: str, module: bool) -> list[Statement]:
        mentioning = self._mentioning({name})
        through = self._through(name, mentioning)
        if through:
            mentioning = self._mentioning({name, *through})
        module = module or any(name in statement.imports for statement in mentioning)
        family = set() if module else self._family(name, mentioning)
        mentioning = self._mentioning({name, *through, *family}) if family else mentioning
        while mentioning:
            last = mentioning[-1]
            if name in last.binds or (name in last.changes and not module) or name in last.replaces:
                break
            if not through.isdisjoint(last.uses) or not family.isdisjoint(last.binds):
                break
            mentioning.pop()
        if module:  # what calls it does not change it: only its binders count
            return [each for each in mentioning if name in each.binds or name in each.replaces]
        return mentioning

    def _family(self, name: str, mentioning: list[Statement]) -> set[str]:
        """Names of the classes that are made from one, and from those."""
        found: set[str] = set()
        waiting = {name}
        for _ in range(4):
            derived = [
                each.node.name
                for each in mentioning
                if type(each.node) is ast.ClassDef and not waiting.isdisjoint(each.changes)
            ]
            waiting = set(derived) - found - {name}
            if not waiting:
                break
            found |= waiting
            self._parse(waiting)
            mentioning = self._mentioning(waiting)
        return found

    def _mentioning(self, names: set[str]) -> list[Statement]:
        return [
            item
            for item in self._items
            if type(item) is Statement
            and not names.isdisjoint(item.words)
            and any(item.mentions(name) for name in names)
        ]

    def _through(self, name: str, mentioning: list[Statement]) -> set[str]:
        """Names by whose use ``name`` is changed: functions that do it, their callers, what they made."""
        through = set(self.changers.get(name, ()))
        for each in mentioning:
            if name in each.reached():
                through.add(each.node.name)  # type: ignore[attr-defined]
        waiting = set(through)
        for _ in range(4):
            if not waiting:
                break
            self._parse(waiting)
            found: set[str] = set()
            for each in self._mentioning(waiting):
                if not waiting.isdisjoint(each.uses) and _hands_on(each.node):
                    found |= each.binds
            waiting = found - through - {name}
            through |= waiting
        return through

    def _parse(self, names: set[str] | None) -> None:
        """Replace the cells that mention one of ``names`` (None: all) by their statements."""
        if not any(
            type(item) is Cell and (names is None or not names.isdisjoint(item.words)) for item in self._items
        ):
            return
        items: list[Cell | Statement] = []
        for item in self._items:
            if type(item) is Cell and (names is None or not names.isdisjoint(item.words)):
                items += self._split(item)
            else:
                items.append(item)
        self._items = items


def _opens(node: ast.stmt) -> bool:
    """Whether a statement binds what is opened to be written: ``archive = ZipFile(path, "w")``."""
    return (
        type(node) is ast.Assign
        and type(node.value) is ast.Call
        and any(
            type(each) is ast.Constant and type(each.value) is str and each.value[:1] in _WRITING
            for each in (*node.value.args[1:], *(named.value for named in node.value.keywords))
        )
    )


def _binds_ends(node: ast.stmt) -> bool:
    """Whether a statement binds the ends of one thing: ``a, b = Pipe()``."""
    return (
        type(node) is ast.Assign
        and type(node.targets[0]) is ast.Tuple
        and type(node.value) is ast.Call
        and not any(type(each) is not ast.Constant for each in node.value.args)
    )


def _hands_on(node: ast.stmt) -> bool:
    """Whether what a statement binds does what a function does that it uses: a caller, another name."""
    if type(node) in _DEFINITIONS:
        return True
    return type(node) is ast.Assign and type(node.value) in (ast.Name, ast.Attribute, ast.Call)


def _size(item: Cell | Statement) -> int:
    if type(item) is Cell:
        return len(item.source)
    node = item.node  # type: ignore[union-attr]
    return ((node.end_lineno or node.lineno) - node.lineno + 1) * 40
