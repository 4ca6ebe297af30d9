"""Evaluates notebook Python as far as it is known, and reports what reaches a sink.

An abstract interpreter: text, numbers and containers are computed with, the
rest is carried along as unknown (:mod:`.values`). Where a test is not known
both sides are taken. Nothing of the user's is executed: only functions of the
table in :mod:`.library` are called, on bounded arguments. What the program does
to the world (:mod:`.sinks`) becomes facts.

It is not sound: what it does not model it takes for unknown, and goes on.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from jupyter_tos_guard.inspection.facts import HOLE, Kind, Span
from jupyter_tos_guard.inspection.python import (
    attributes,
    heat,
    library,
    magics,
    methods,
    sinks,
)
from jupyter_tos_guard.inspection.python.attributes import OBSERVES
from jupyter_tos_guard.inspection.python.carriers import records, templates
from jupyter_tos_guard.inspection.python.cell import (
    Line,
    normal_name,
    parse,
    parse_python,
    placeholder_index,
)
from jupyter_tos_guard.inspection.python.effects import history, kernels, modules, shell
from jupyter_tos_guard.inspection.python.reflection import MANAGES
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Array,
    Bound,
    Choice,
    Class,
    Descriptor,
    Function,
    Generator,
    Instance,
    Lines,
    Method,
    Namespace,
    Native,
    Partial,
    Path,
    Process,
    Stream,
    Subclasses,
    Super,
    Symbol,
    Table,
    Unknown,
    Value,
    either,
    is_plain,
)
from jupyter_tos_guard.inspection.screen import find_words
from jupyter_tos_guard.inspection.state import Budget, Origin, OutOfBudget, State
from jupyter_tos_guard.inspection.unread import Statement, text_of

__all__ = ["UNKNOWN", "Evaluator", "hot_names", "lookup_text", "run_cell", "run_python"]

_MISSING: Final = object()
#: What a generator is sent that runs ahead, to see what it does.
_AHEAD: Final[list[Value]] = [None] * 32

#: Characters of a cell that are parsed; the caller cuts larger cells by itself.
MAX_SOURCE: Final = 1 << 17

#: Context managers that keep what is printed.
_REDIRECTING: Final = frozenset(
    "contextlib.redirect_stdout IPython.utils.capture.capture_output IPython.utils.io.capture_output "
    "test.support.captured_stdout".split()
)

#: What a statement can do to the flow of control.
_BREAK, _CONTINUE, _RETURN = "break", "continue", "return"


class Raised(Exception):
    """The evaluated program raised ``value``."""

    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


class Enough(Exception):
    """A generator has yielded as much as is looked at."""


class Unit:
    """A text that was parsed, with what is needed to point into the cell."""

    __slots__ = ("cell", "first_line", "lines", "origin", "special", "text")

    def __init__(self, text: str, origin: Origin, special: list[Line], first_line: int, cell: int) -> None:
        self.text = text
        self.origin = origin
        self.special = special
        #: Line of the cell at which the text stands letter by letter; 0 if it does not.
        self.first_line = first_line
        self.cell = cell
        self.lines: list[str] | None = None

    def span(self, node: ast.AST) -> Span:
        """Where ``node`` stands in the cell; columns in characters."""
        if not self.first_line:
            return self.origin.span
        shift = self.first_line - 1
        line: int = node.lineno  # type: ignore[attr-defined]
        end_line: int = node.end_lineno or line  # type: ignore[attr-defined]
        column: int = node.col_offset  # type: ignore[attr-defined]
        end_column: int = node.end_col_offset or column  # type: ignore[attr-defined]
        if not self.text.isascii():
            column = self._characters(line, column)
            end_column = self._characters(end_line, end_column)
        return Span(line + shift, column, end_line + shift, end_column)

    def _characters(self, line: int, column: int) -> int:
        if self.lines is None:
            self.lines = self.text.split("\n")
        if line > len(self.lines):
            return column
        text = self.lines[line - 1].encode("utf-8", "replace")
        return len(text[:column].decode("utf-8", "replace"))


class Frame:
    """One scope of names."""

    __slots__ = (
        "around",
        "cls",
        "globals",
        "kind",
        "names",
        "outside",
        "parent",
        "receiver",
        "returns",
        "sent",
        "yields",
    )

    def __init__(
        self, kind: str, names: dict[str, Value], global_names: dict[str, Value], parent: Frame | None
    ) -> None:
        self.kind = kind
        self.names = names
        self.globals = global_names
        self.parent = parent
        #: Names declared ``global`` or ``nonlocal``, with the scope that they live in.
        self.outside: dict[str, dict[str, Value]] = {}
        self.returns: list[Value] = []
        self.yields: list[Value] | None = None
        self.sent: list[Value] | None = None
        self.receiver: Value = None
        self.cls: Class | None = None
        #: What is done with the value that a context manager yields: the body of a ``with``.
        self.around: Callable[[Value], None] | None = None


class Deferred:
    """A callable that the program left to be called later."""

    __slots__ = ("arguments", "function", "keywords", "reported", "worked_on")

    def __init__(
        self,
        function: Value,
        arguments: list[Value],
        keywords: dict[str, Value],
        reported: set[tuple[Kind, str]],
    ) -> None:
        self.function = function
        self.arguments = arguments
        self.keywords = keywords
        #: Facts that it has reported: they are not reported again for every later cell.
        self.reported = reported
        #: Fingerprint of its data when it was last called.
        self.worked_on: tuple[Any, ...] = ()


class Session:
    """What the evaluator keeps between the cells of a kernel."""

    __slots__ = (
        "codecs", "deferred", "defined", "evaluator", "factories", "macros", "modules",
        "patched", "random", "rewriters", "stars", "told", "trace", "transformers",
    )  # fmt: skip

    def __init__(self) -> None:
        #: Callables that the program left to be called later, with their arguments.
        self.deferred: list[Deferred] = []
        #: Cell in which a global name was last bound.
        self.defined: dict[str, int] = {}
        #: Dictionaries that make what is missing, with what makes it.
        self.factories: list[tuple[dict[Value, Value], Value]] = []
        #: Modules made from the session's own files.
        self.modules: dict[str, Namespace] = {}
        #: Attributes of modules that the program replaced.
        self.patched: dict[str, Value] = {}
        #: Modules that were imported with a star.
        self.stars: list[str] = []
        #: Decoding steps by which a text came about.
        self.trace: dict[Value, tuple[str, ...]] = {}
        #: Functions that change the text of later cells.
        self.transformers: list[Value] = []
        #: Objects that change the syntax trees of later cells.
        self.rewriters: list[Instance] = []
        #: Functions that are told of each cell.
        self.told: list[Value] = []
        #: Random numbers after a constant seed.
        self.random: Any = None
        #: Functions that find codecs of the program's own.
        self.codecs: list[Value] = []
        #: Names of ``%macro``.
        self.macros: set[str] = set()
        self.evaluator: Evaluator | None = None

    def fill_in(self, value: dict[Value, Value], factory: Value) -> None:
        """Let ``factory`` make what is missing in ``value``."""
        self.factories.append((value, factory))
        del self.factories[:-256]

    def factory_of(self, value: dict[Value, Value]) -> Value:
        """Return what makes the missing values of a dictionary, None if nothing does."""
        return next((factory for each, factory in self.factories if each is value), None)

    @contextmanager
    def original(self, name: str) -> Iterator[Value]:
        """Let ``name`` mean for a while what it meant before the program put something in its place."""
        replaced = self.patched.pop(name)
        try:
            yield replaced
        finally:
            self.patched.setdefault(name, replaced)

    def words(self, most: int | None = None) -> list[Value] | None:
        """Return the first arguments of the program, None if they are not known."""
        words = self.patched.get("sys.argv")
        return words[1 : None if most is None else most + 1] if type(words) is list else None

    @contextmanager
    def argv(self, words: Sequence[str] | None) -> Iterator[None]:
        """Let ``sys.argv`` hold ``words`` for a while; None: what it holds."""
        outer = self.patched.get("sys.argv")
        if words is not None:
            self.patched["sys.argv"] = list(words)
        try:
            yield
        finally:
            if words is not None:
                self.patched["sys.argv"] = Symbol("sys.argv") if outer is None else outer


class Evaluator:
    """Evaluates one text and the functions it calls.

    Parameters
    ----------
    state : State
        Names, files and environment of the kernel; facts go there.
    unit : Unit
        The text.
    frame : Frame
        Scope to run it in.
    """

    MAX_CALL_DEPTH = 56
    #: Calls of the user's functions, iterations' steps: what a cell may use before loops and
    #: recursion are cut short. Honest computation must not use up the whole budget.
    MAX_CALLS = 3000
    LOOP_STEPS = 16_000
    ALL_LOOP_STEPS = 32_000
    HURRY_STEPS = 60_000
    MAX_ITERATIONS = 20_000
    #: Rounds of a loop in which something unknown decides each time: without a condition, on a condition
    #: or over numbers, over anything else (each may be another address).
    ENDLESS_ROUNDS, FEW_ROUNDS, MANY_ROUNDS = 3, 16, 64
    MAX_YIELDS = 2048
    #: Arguments behind one that is a function, with which it may be called.
    MAX_REST = 64
    MAX_ITEMS = 1 << 17

    def __init__(self, session: Session, state: State, unit: Unit, frame: Frame) -> None:
        self.session = session
        self.begin(state, unit, frame)

    def begin(self, state: State, unit: Unit, frame: Frame) -> None:
        """Start on a cell; values of earlier cells hold on to the evaluator, so there is one a session."""
        self.state = state
        self.budget: Budget = state.budget
        self.unit = unit
        self.frame = frame
        #: Where facts point while code that does not stand in the cell runs.
        self.origin = unit.origin
        self.provenance: tuple[str, ...] = unit.origin.provenance
        self.journal: list[tuple[dict[Any, Any], Any, Any]] | None = None
        self.count = 0
        #: Whether what runs is a statement that was cleared.
        self.cold = False
        #: Whether a generator runs ahead of what it will be sent, or again up to where it was: what
        #: it sends to others then has been sent, or is not what it will send.
        self.rehearsed = False
        self.depth = 0
        self.calls = 0
        self.loop_steps = 0
        #: Times that something was met which only running would tell.
        self.doubts = 0
        self.escaped: set[int] = set()
        #: Where ``print`` goes instead of the screen, innermost last.
        self.outputs: list[Stream] = []
        self.node: ast.AST | None = None
        self.raised: Value = UNKNOWN
        #: Modules and calls that were reported already.
        self.emitted: set[str] = set()
        self.cell = unit.cell
        #: Half of the time or many steps are used up: loops and recursion are cut short from
        #: now on, so that the rest of the cell is still seen.
        self.hurried = False
        self.reserve = self.budget.remaining() / 2

    # -- running ---------------------------------------------------------------------------------

    def run(self, body: Sequence[ast.stmt]) -> Value:
        """Run statements one by one; the value of the last one if it is an expression."""
        value: Value = None
        for statement in body:
            value = None
            try:
                if type(statement) is ast.Expr:
                    value = self.evaluate(statement.value)
                elif self.execute(statement) == _RETURN:
                    pass
            except Raised as raised:
                # A real kernel stops here; we may be wrong about it, so we go on.
                shell.tell_error(self, raised.value)
                continue
            except Enough:
                continue
            except (RecursionError, MemoryError):
                self.opaque("too-deep", statement)
            except OutOfBudget:
                raise
            except Exception as error:
                # A defect of ours may hide what this statement does, but not what the others do.
                self.state.defect = type(error).__name__
        return value

    def run_cell(self, body: Sequence[ast.stmt], source: str) -> Value:
        """Run a cell's own statements; those that reach no sink wait until they are needed."""
        unread = self.state.unread
        here = self.frame.names is self.state.names and not self.outputs  # what is printed is captured
        if unread is None or unread.screen is None or not here or not body:
            return self.run(body)
        lines = source.split("\n")
        value: Value = None
        names = self.state.names
        last = self.session.deferred[-1:]
        for statement in body:
            self.budget.spend(8)
            value = None
            screening = unread.screen(text_of(statement, lines))
            shown = type(statement) is ast.Expr and "sys.displayhook" in self.session.patched
            if screening.clear and not shown:
                unread.add(
                    Statement(statement, self.unit, self.unit.cell, statement is body[-1], screening.words)
                )
            else:
                unread.learn(statement)
                value = self.run([statement])
                heat.warm(names, screening.words | unread.changed_by(screening.words), unread.hot)
                if self.session.patched:
                    unread.hot |= heat.patched(self.session.patched, unread.hot)
                if self.session.deferred[-1:] != last:
                    last = self.session.deferred[-1:]
                    unread.hot |= heat.reached([each.function for each in self.session.deferred], names)
        return value

    def need(self, names: set[str]) -> None:
        """Evaluate the waiting statements that decide what ``names`` are."""
        assert self.state.unread is not None
        found = self.state.unread.take(names, self.is_module)
        if found:
            self.replay(found)

    def is_module(self, name: str) -> bool:
        """Whether a kernel's name is known to stand for a module."""
        value = self.state.names.get(name)
        return type(value) is Symbol and not value.called

    def all_names(self) -> dict[str, Value]:
        """Return the kernel's names with nothing left waiting: somebody asks for the whole dictionary."""
        if self.state.unread is not None:
            self.replay(self.state.unread.take_all())
        return self.state.names

    def replay(self, found: list[Statement]) -> None:
        """Evaluate statements that were cleared: they do nothing now that they did not do then."""
        state = self.state
        frame = self.frame_of(state.names)
        before = len(state.facts)
        outer = self.frame, self.unit, self.origin, self.provenance, self.node, self.journal, self.cold
        self.journal, self.cold = None, True
        try:
            for each in found:
                self.frame, self.unit = frame, each.unit
                self.origin, self.provenance = each.unit.origin, each.unit.origin.provenance
                value = self.run([each.node])
                if each.last and value is not None and len(state.outputs) < 1000:
                    state.outputs.setdefault(each.number, value)
        finally:
            self.frame, self.unit, self.origin, self.provenance, self.node, self.journal, self.cold = outer
            del state.facts[before:]

    def execute(self, node: ast.stmt) -> str | None:
        """Run one statement; says how it left if not at its end."""
        self.tick()
        return _EXECUTE[type(node)](self, node)

    def block(self, body: Sequence[ast.stmt]) -> str | None:
        """Run statements until one leaves."""
        for statement in body:
            signal = self.execute(statement)
            if signal is not None:
                return signal
        return None

    def tick(self) -> None:
        """Spend a step."""
        self.count += 1
        if not self.count & 63:
            self.budget.spend(64)
            if not self.count & 255 and not self.hurried:
                self.hurried = self.count > self.HURRY_STEPS or self.budget.remaining() < self.reserve

    def fork(self, branches: Iterable[Callable[[], str | None]]) -> str | None:
        """Take several ways from the same state, then go on with what each left behind."""
        outer = self.journal
        self.hurried = self.hurried or self.budget.remaining() < self.reserve
        ends: list[tuple[str | None, dict[tuple[int, Any], tuple[dict[Any, Any], Any, Any]]]] = []
        for branch in branches:
            journal: list[tuple[dict[Any, Any], Any, Any]] = []
            self.journal = journal
            signal: str | None
            try:
                signal = branch()
            except Raised as raised:
                self.raised = raised.value
                signal = "raise"
            finally:
                self.journal = outer
            changed: dict[tuple[int, Any], tuple[dict[Any, Any], Any, Any]] = {}
            for names, key, old in reversed(journal):
                changed.setdefault((id(names), key), (names, key, names.get(key, _MISSING)))
                if old is _MISSING:
                    names.pop(key, None)
                else:
                    names[key] = old
            ends.append((signal, changed))
        flowing = [end for end in ends if end[0] is None] or ends
        merged = {key: entry for _, changed in flowing for key, entry in changed.items()}
        for place, (names, key, _) in merged.items():
            values = [
                changed[place][2] if place in changed else names.get(key, _MISSING) for _, changed in flowing
            ]
            known = [value for value in values if value is not _MISSING]
            self.store(names, key, either(known))
        signals = {signal for signal, _ in ends}
        if len(signals) == 1:
            signal = signals.pop()
            if signal == "raise":
                raise Raised(self.raised)
            return signal
        self.doubts += 1
        return None

    def glance(self, body: Sequence[ast.stmt]) -> None:
        """Report what a branch would do that is not taken now, and leave everything as it was."""
        state, session = self.state, self.session
        kept = state.cwd, dict(state.environ), dict(state.files), dict(session.patched)
        outer, provenance = self.journal, self.provenance
        journal: list[tuple[dict[Any, Any], Any, Any]] = []
        self.journal = journal
        self.provenance = (*provenance, "other branch")
        try:
            self.block(body)
        except Raised:
            pass
        finally:
            self.journal, self.provenance = outer, provenance
            state.cwd, state.environ, state.files, session.patched = kept
            for names, key, old in reversed(journal):
                if old is _MISSING:
                    names.pop(key, None)
                else:
                    names[key] = old

    def store(self, names: dict[Any, Any], key: Any, value: Value) -> None:
        """Bind, and remember what was there if a branch may have to be taken back."""
        if self.journal is not None:
            self.journal.append((names, key, names.get(key, _MISSING)))
        names[key] = value

    # -- reporting -------------------------------------------------------------------------------

    def origin_of(self, node: ast.AST | None, *steps: str) -> Origin:
        """Where in the cell ``node`` stands, with how it was found."""
        node = node or self.node
        if self.unit.first_line and node is not None and hasattr(node, "lineno"):
            return Origin(self.unit.span(node), False, self.provenance + steps)
        return Origin(self.origin.span, False, self.provenance + steps)

    def emit(self, kind: Kind, value: str, node: ast.AST | None, *steps: str, text: str = "") -> None:
        """Report a fact."""
        self.state.emit(kind, value, self.origin_of(node, *steps), text)

    def opaque(self, why: str, node: ast.AST | None, *steps: str) -> None:
        """Report something that could not be seen through."""
        self.emit(Kind.OPAQUE, why, node, *steps)

    def steps_of(self, value: Value, node: ast.AST | None = None) -> tuple[str, ...]:
        """How ``value`` came about: the variable it was in, its cell, its decoding."""
        steps: tuple[str, ...] = ()
        if type(node) is ast.Name:
            steps = (f"variable {node.id}",)
            cell = self.session.defined.get(node.id)
            if cell is not None and cell != self.unit.cell:
                steps += (f"cell {cell}",)
        if self.session.trace and type(value) in (str, bytes):
            steps += self.session.trace.get(value, ())
        return steps

    def note(self, result: Value, step: str, *sources: Value) -> None:
        """Remember that ``result`` was made by ``step`` out of ``sources``."""
        if type(result) not in (str, bytes) or len(result) < 4:
            return
        trace = self.session.trace
        before: tuple[str, ...] = ()
        for source in sources:
            if type(source) in (str, bytes) and source in trace:
                before = trace[source]
                break
        steps = ((step,) if step else ()) + before
        if not steps or result in trace:
            return
        if len(trace) > 512:
            trace.clear()
        trace[result] = steps[:8]

    # -- expressions -----------------------------------------------------------------------------

    def evaluate(self, node: ast.expr) -> Value:
        """Value of an expression."""
        kind: type[ast.AST] = type(node)
        if kind is ast.Constant:
            return node.value  # type: ignore[attr-defined]
        if kind is ast.Name:
            return self.lookup(node.id)  # type: ignore[attr-defined]
        self.tick()
        spine = _SPINE.get(kind)
        if spine is None:
            return _EVALUATE[kind](self, node)
        # Long chains ("a" + "b" + …, s.replace(…).replace(…)…) are deep to the left:
        # walk them with a list, so that their length is not our recursion.
        chain: list[ast.expr] = []
        while spine is not None:
            chain.append(node)
            node = getattr(node, spine[0])
            spine = _SPINE.get(type(node))
        value = self.evaluate(node)
        for each in reversed(chain):
            value = _SPINE[type(each)][1](self, each, value)
        return value

    def lookup(self, name: str) -> Value:
        """Value of a name."""
        frame: Frame | None = self.frame
        assert frame is not None
        if not name.isascii():
            name = normal_name(name)
        unread = self.state.unread
        if unread is not None and name in unread.names:
            self.need({name})
        top = frame
        while frame is not None:
            if name in frame.names and (frame is top or frame.kind != "class"):
                return frame.names[name]
            frame = frame.parent
        names = top.globals
        if name in names:
            return names[name]
        return self.builtin(name)

    def builtin(self, name: str) -> Value:
        """Return the value of a name that the program did not bind."""
        patched = self.session.patched
        if patched and f"builtins.{name}" in patched:
            return patched[f"builtins.{name}"]
        if name in sinks.BUILTINS:
            return Symbol(sinks.ALIASES.get(f"builtins.{name}", f"builtins.{name}"))
        special = sinks.NAMES.get(name)
        if special is not None:
            return special(self, name)
        if name[0] == "_" and not name.strip("_i0123456789"):
            return history.history_name(self, name)
        for module in self.session.stars:
            if sinks.knows(f"{module}.{name}"):
                return Symbol(f"{module}.{name}")
        return UNKNOWN

    def evaluate_all(self, nodes: Iterable[ast.expr]) -> list[Value]:
        """Values of expressions, with starred ones spread."""
        values: list[Value] = []
        for node in nodes:
            if type(node) is ast.Starred:
                values += self.items(self.evaluate(node.value))
            else:
                values.append(self.evaluate(node))
        return values

    def evaluate_with(self, names: dict[str, Value], node: ast.expr) -> Value:
        """Value of an expression where some names stand for something else."""
        outer = self.frame
        self.frame = Frame("function", names, outer.globals, outer)
        try:
            return self.evaluate(node)
        finally:
            self.frame = outer

    def items(self, value: Value) -> list[Value]:
        """Return what iterating over ``value`` gives, as far as it is known; one unknown if not."""
        if type(value) is range and value[self.MAX_ITEMS :]:
            return [UNKNOWN]
        return list(library.bounded(self.iterate(value), self.MAX_ITEMS))

    def iterate(self, value: Value) -> Iterator[Value]:
        """Iterate over ``value``; yields one unknown value if it is not known."""
        kind = type(value)
        if kind in (str, bytes, bytearray, list, tuple, range, Lines, Array, Subclasses):
            yield from value if kind is not Array or value.shape is None else value.rows()
        elif kind in (dict, set, frozenset):
            yield from list(value)
        elif kind is Table:
            yield from list(value.columns)
        elif kind is Generator:
            while value.position < len(value.items):
                value.position += 1
                yield value.items[value.position - 1]
        elif kind is Stream:
            yield from library.stream_lines(value)
        elif kind is Choice:
            for each in value.values:
                yield from self.iterate(each)
        elif kind is Instance:
            yield from self._iterate_instance(value)
        elif kind is Class:
            yield from self._iterate_class(value)
        elif kind is Namespace and (walk := value.attributes.get("__iter__")) is not None:
            yield from self.iterate(self.call(walk, []))
        elif kind is Symbol and value.details:
            # tqdm(urls), np.array(urls), pd.Series(urls): most wrappers give back what went in.
            for each in value.details[0]:
                if type(each) in (list, tuple, range, Generator, Array, dict):
                    yield from self.iterate(each)
                    return
            parsed = any(type(each) is Stream for each in value.details[0])
            yield Symbol(value.name, True, value.details if parsed else None)
        elif kind is Symbol:
            yield Symbol(value.name, True)
        elif kind is Process:
            yield from (value.output.splitlines(True) if value.output else [UNKNOWN])
        elif type(value) in library.ITERATORS:
            try:
                yield from library.bounded(value)
            except TypeError:  # it chains something that is not known
                yield UNKNOWN
        else:
            yield UNKNOWN

    def _iterate_class(self, value: Class) -> Iterator[Value]:
        meta = value.keywords.get("metaclass")
        if type(meta) is Class and (method := meta.find("__iter__")) is not None:
            yield from self.iterate(self.call(Bound(method, value), []))
        elif value.is_enumeration():
            yield from records.members(value).values()
        else:
            yield UNKNOWN

    def _iterate_instance(self, value: Instance) -> Iterator[Value]:
        method = value.cls.find("__iter__")
        if method is not None:
            result = self.call(Bound(method, value), [])
            if result is not value:
                yield from self.iterate(result)
                return
        for name in ("__next__", "__getitem__"):
            method = value.cls.find(name)
            if method is None:
                continue
            for index in range(256):
                try:
                    yield self.call(Bound(method, value), [index] if name == "__getitem__" else [])
                except Raised:
                    return
                if self.doubts > 8:
                    return
            return
        if value.plain is not None:
            yield from self.iterate(value.plain)
        else:
            yield UNKNOWN

    def truth(self, value: Value) -> bool | None:
        """Truth of a value; None if not known."""
        kind = type(value)
        if kind in (bool, int, str, list, dict, tuple, bytes, float, set, type(None)):
            return True if kind is str and HOLE in value else bool(value)
        if kind in (Function, Bound, Native, Class, Partial, Method, Namespace, Path):
            return True
        if kind is Instance:
            for name in ("__bool__", "__len__"):
                method = value.cls.find(name)
                if method is not None:
                    return self.truth(self.call(Bound(method, value), []))
            return bool(value.plain) if value.plain is not None else True
        if kind is Choice:
            truths = {self.truth(each) for each in value.values}
            return truths.pop() if len(truths) == 1 else None
        if kind in (Lines, Array, frozenset, bytearray, range, complex):
            return bool(value)
        if kind is Symbol and not value.called and value.name in library.CONSTANTS:
            return bool(library.CONSTANTS[value.name])
        return None

    def text(self, value: Value) -> str:
        """``str(value)``, with a hole where it is not known."""
        kind = type(value)
        if kind is str:
            return value  # type: ignore[no-any-return]
        if kind is Path:
            return value.text  # type: ignore[no-any-return]
        if kind is Instance:
            for name in ("__str__", "__repr__"):
                method = value.cls.find(name)
                if method is not None:
                    return self.text(self.call(Bound(method, value), []))
            if value.plain is not None:
                return self.text(value.plain)
            arguments = value.attributes.get("args")
            if type(arguments) is tuple and len(arguments) == 1:
                return self.text(arguments[0])
            return HOLE
        if kind is Symbol:
            if not value.called and value.name in library.CONSTANTS:
                return str(library.CONSTANTS[value.name])
            if library.is_exception(value) and value.details[0]:
                return self.text(value.details[0][0])
            return HOLE
        if kind is Process:
            return value.output or HOLE
        if kind in (list, tuple, dict, Lines):
            if is_plain(value):
                return library.bounded_text(value)
            parts = [self.text(each) for each in self.iterate(value)]
            shown = "[" + ", ".join(repr(part) if part != HOLE else HOLE for part in parts) + "]"
            self.budget.spend(1 + len(shown) // 64)
            # A list that holds itself: each level's quotes double those of the level below.
            return shown if len(shown) <= Budget.MAX_SIZE else HOLE
        if is_plain(value) or kind in library.SHOWN:
            return library.bounded_text(value)
        if kind is Choice:
            return self.text(value.values[0])
        if kind is Stream and value.path.startswith("/dev/fd/"):
            return value.path[8:]  # type: ignore[no-any-return]
        return HOLE

    # -- calls -----------------------------------------------------------------------------------

    def call(
        self,
        function: Value,
        arguments: list[Value],
        keywords: dict[str, Value] | None = None,
        node: ast.AST | None = None,
    ) -> Value:
        """Call a value."""
        keywords = keywords or {}
        kind = type(function)
        if kind is Choice:
            return either([self.call(each, arguments, keywords, node) for each in function.values])
        chosen = Choice in map(type, arguments) or (keywords and Choice in map(type, keywords.values()))
        if chosen and kind is not Function and kind is not Bound and kind is not Class:
            return self._call_each(function, arguments, keywords, node)
        caller = _CALL.get(kind)
        if caller is None:
            self.escape_all(arguments, keywords)
            return UNKNOWN
        if node is None or not self.unit.first_line:
            return caller(self, function, arguments, keywords)
        outer, self.node = self.node, node
        try:
            return caller(self, function, arguments, keywords)
        finally:
            self.node = outer

    def attempt(self, function: Value, arguments: list[Value]) -> Value:
        """Call a value for somebody who does not mind what it raises."""
        with suppress(Raised, Enough):
            return self.call(function, arguments)
        return UNKNOWN

    def _call_each(
        self, function: Value, arguments: list[Value], keywords: dict[str, Value], node: ast.AST | None
    ) -> Value:
        """Call with each value that an argument may have, one argument at a time."""
        for index, argument in enumerate(arguments):
            if type(argument) is Choice:
                return either(
                    [
                        self.call(
                            function, [*arguments[:index], each, *arguments[index + 1 :]], keywords, node
                        )
                        for each in argument.values
                    ]
                )
        for name, argument in keywords.items():
            if type(argument) is Choice:
                return either(
                    [
                        self.call(function, arguments, {**keywords, name: each}, node)
                        for each in argument.values
                    ]
                )
        return UNKNOWN

    def call_function(self, function: Function, arguments: list[Value], keywords: dict[str, Value]) -> Value:
        """Call a ``def`` or ``lambda`` of the user's."""
        self.calls += 1
        if self.calls > self.MAX_CALLS or self.depth >= (4 if self.hurried else self.MAX_CALL_DEPTH):
            self.doubts += 1
            return UNKNOWN
        node = function.node
        if MANAGES in function.attributes:
            made = Generator([], function, arguments, keywords)
            made.waits = True
            return made
        frame = self._called(function, arguments, keywords)
        if type(node) is not ast.Lambda and library.has_yield(node):
            frame.yields = []
        before = len(self.state.facts)
        ahead = frame.yields is not None and library.receives(node)
        frame.sent = _AHEAD if ahead else None
        outer, self.rehearsed = self.rehearsed, self.rehearsed or ahead
        try:
            returned = self.run_frame(function, frame)
        finally:
            self.rehearsed = outer
        if type(node) is ast.AsyncFunctionDef:
            # A task goes on while later cells change what it works on.
            self.keep(function, arguments, keywords, before)
        if frame.yields is not None:
            made = Generator(frame.yields, function, arguments, keywords)
            made.result = returned
            return made
        return returned

    def _called(self, function: Function, arguments: list[Value], keywords: dict[str, Value]) -> Frame:
        frame = Frame("function", {}, function.scope.globals, function.scope)
        frame.cls = function.owner
        self._bind(function, frame, arguments, keywords)
        if arguments:
            frame.receiver = arguments[0]
        return frame

    def run_around(self, manager: Generator, body: Callable[[Value], str | None]) -> str | None:
        """Run a context manager's generator, and ``body`` where it yields; how that left."""
        assert manager.function is not None
        manager.waits = False
        outer = self.frame, self.unit, self.origin, self.provenance, self.node
        signals: list[str | None] = []

        def around(value: Value) -> None:
            if signals:
                return
            signals.append(None)
            inner = self.frame, self.unit, self.origin, self.provenance, self.node
            self.frame, self.unit, self.origin, self.provenance, self.node = outer
            try:
                signals[0] = body(value)
            finally:
                self.frame, self.unit, self.origin, self.provenance, self.node = inner

        frame = self._called(manager.function, manager.arguments, manager.keywords)
        frame.yields, frame.around = manager.items, around
        self.run_frame(manager.function, frame)
        if not signals:
            around(UNKNOWN)
        return signals[0]

    def run_frame(self, function: Function, frame: Frame) -> Value:
        """Run a function's body in ``frame``; what it returns."""
        node: Any = function.node
        outer = self.frame, self.unit, self.origin, self.provenance, self.node
        self._enter(function.unit)
        self.frame = frame
        self.depth += 1
        journal, mark = self.journal, len(self.journal or ())
        try:
            if type(node) is ast.Lambda:
                return self.evaluate(node.body)
            self.block(node.body)
        except Enough:
            pass
        except RecursionError:
            self.calls = self.MAX_CALLS
            self.doubts += 1
            return UNKNOWN
        finally:
            self.depth -= 1
            self.frame, self.unit, self.origin, self.provenance, self.node = outer
            if journal is not None and len(journal) > mark:
                # The call's own names are gone with it: a caller's branch need not restore them.
                journal[mark:] = [entry for entry in journal[mark:] if entry[0] is not frame.names]
        return either(frame.returns) if frame.returns else None

    def _enter(self, unit: Unit) -> None:
        """Go on in another text: facts from it point at the call unless it stands in this cell."""
        if unit is self.unit:
            return
        if unit.first_line and unit.cell == self.cell:
            self.unit = unit
            return
        origin = self.origin_of(self.node)
        steps: tuple[str, ...] = ()
        if unit.cell and unit.cell != self.unit.cell:
            steps = (f"cell {unit.cell}",)
        elif not unit.first_line:
            extra = unit.origin.provenance
            steps = tuple(step for step in extra if step not in origin.provenance)
        self.origin = Origin(origin.span, False, origin.provenance + steps)
        self.provenance = self.origin.provenance
        self.unit = Unit(unit.text, self.origin, unit.special, 0, unit.cell)

    def frame_of(self, names: dict[str, Value]) -> Frame:
        """Enter a scope of its own."""
        return Frame("module", names, names, None)

    def current(self) -> Evaluator:
        """Return the evaluator at work: a closure may outlive the one that made it."""
        return self.session.evaluator or self

    def _few(self, values: Iterable[Value]) -> Iterator[Value]:
        """``values``, until their handling has cost as much as a loop may."""
        start = self.count
        for rounds, value in enumerate(values):
            if rounds > 2 and (self.hurried or self.count - start > self.LOOP_STEPS):
                self.doubts += 1
                return
            self.tick()
            yield value

    def _bind(
        self, function: Function, frame: Frame, arguments: list[Value], keywords: dict[str, Value]
    ) -> None:
        """Bind arguments to parameters; what is missing is unknown."""
        spec = function.node.args
        names = frame.names
        positional = [*spec.posonlyargs, *spec.args]
        rest = dict(keywords)
        first_default = len(positional) - len(function.defaults)
        for index, parameter in enumerate(positional):
            name = normal_name(parameter.arg)
            if index < len(arguments):
                names[name] = arguments[index]
            elif name in rest:
                names[name] = rest.pop(name)
            elif index >= first_default:
                names[name] = function.defaults[index - first_default]
            else:
                names[name] = rest.get("**", UNKNOWN)
        if spec.vararg is not None:
            names[normal_name(spec.vararg.arg)] = tuple(arguments[len(positional) :])
        for parameter in spec.kwonlyargs:
            name = normal_name(parameter.arg)
            names[name] = rest.pop(name) if name in rest else function.keyword_defaults.get(name, UNKNOWN)
        if spec.kwarg is not None:
            names[normal_name(spec.kwarg.arg)] = rest

    def instantiate(self, cls: Class, arguments: list[Value], keywords: dict[str, Value]) -> Value:
        """Make an object of a class of the user's."""
        meta = cls.keywords.get("metaclass")
        if type(meta) is Class and (method := meta.find("__call__")) is not None:
            return self.call(Bound(method, cls), arguments, keywords)
        if cls.is_enumeration() and arguments:
            return records.member_of(cls, arguments[0])
        instance = Instance(cls)
        base = cls.symbol()
        if self.cold and base and _is_barren(base):
            return instance
        new = cls.find("__new__")
        if new is not None:
            made = self.call(new.function if type(new) is Descriptor else new, [cls, *arguments], keywords)
            if type(made) is not Instance:
                return made
            instance = made
        if base in library.PLAIN_TYPES and instance.plain is None:
            own = cls.find("__init__") is not None
            instance.plain = self.call(Symbol(base), arguments[:1], {} if own else keywords)
        method = cls.find("__init__")
        if method is not None:
            self.call(Bound(method, instance), arguments, keywords)
        elif records.is_record(cls):
            records.fill(self, instance, arguments, keywords)
            if (method := cls.find("__post_init__")) is not None:
                self.call(Bound(method, instance), [])
        elif base:
            self.escape(Symbol(base), arguments, keywords)  # class P(Popen)
            instance.attributes["args"] = tuple(arguments)
            instance.attributes.update(zip(records.KEPT.get(base, ()), arguments, strict=False))
            instance.attributes.update(keywords)
        if base and base not in library.PLAIN_TYPES:
            self.escape_all(arguments, keywords)
        if (method := cls.find("__del__")) is not None:
            self.defer(Bound(method, instance), [], {})
        return instance

    def escape_all(self, arguments: Iterable[Value], keywords: dict[str, Value]) -> None:
        """Values are given to something unknown, which may call them."""
        arguments = list(arguments)
        given: Value = keywords.get("args", keywords.get("argument"))
        extra: Value = keywords.get("kwargs")
        more = extra if type(extra) is dict else {}
        self.budget.spend(len(arguments) // 8)
        named = list(given) if type(given) in (list, tuple) else None
        for index, value in enumerate(arguments, 1):
            rest = arguments[index : index + self.MAX_REST] if named is None else named
            self.escape(value, rest, more)
        for name, value in keywords.items():
            if name not in ("args", "argument") and (more or type(given) in (list, tuple)):
                self.escape(value, list(given) if type(given) in (list, tuple) else [], more)
            else:
                self.escape(value, [], {})

    def escape(self, value: Value, arguments: list[Value], keywords: dict[str, Value]) -> None:
        """``value`` may be called from now on, perhaps with ``arguments``."""
        kind = type(value)
        if kind is Symbol:
            if value.name in sinks.HANDLERS and not value.called and value.name not in sinks.HARMLESS:
                for group in self._spread(arguments):
                    self.call(value, group, keywords)
            return
        if kind in (list, tuple):
            for each in value[:16]:
                if type(each) in _ESCAPING:
                    self.escape(each, [], {})
            return
        if kind is dict:
            for each in list(value.values())[:16]:
                if type(each) in _ESCAPING:
                    self.escape(each, [], {})
            return
        if kind not in _ESCAPING:
            return
        if kind is Partial:
            self.escape(value.function, [*value.arguments, *arguments], {**value.keywords, **keywords})
            return
        identity = id(value.function) if kind is Bound else id(value)
        if kind is Function:
            identity = id(value.node)
        whole = kind in (Instance, Class)  # all its methods may be called, whatever it is given with
        if identity in self.escaped and (whole or not arguments):
            return
        self.escaped.add(identity)
        if self.depth > 12 or len(self.escaped) > 400:
            return
        if whole:
            self._escape_object(value)
            return
        for group in self._spread(arguments)[:64]:
            with suppress(Raised):
                self.defer(value, group, keywords)

    def _spread(self, arguments: list[Value]) -> list[list[Value]]:
        """Ways in which a caller may hand on its arguments: as they are, or one at a time (``map``)."""
        ways = [arguments]
        if len(arguments) == 1 and type(arguments[0]) in (list, tuple, Generator, Array):
            items = self.items(arguments[0])
            if type(arguments[0]) is tuple:
                ways = [list(items)]
            ways += [list(each) if type(each) is tuple else [each] for each in items[:32]]
        return ways

    def _escape_object(self, value: Value) -> None:
        cls = value.cls if type(value) is Instance else value
        receiver = value if type(value) is Instance else Instance(cls)
        for name, method in list(cls.namespace.items()):
            if type(method) is Descriptor:
                method = method.function
            if type(method) is Function and (
                not name.startswith("__")
                or name in ("__call__", "__del__", "__getattr__", "__getitem__", "__iter__")
            ):
                try:
                    self.call(Bound(method, receiver), [])
                except Raised:
                    continue

    def defer(self, function: Value, arguments: list[Value], keywords: dict[str, Value]) -> Value:
        """Call ``function`` as something would later, and again when a later cell has changed its data."""
        before = len(self.state.facts)
        result = self.call(function, arguments, keywords)
        if type(function) in (Function, Bound):
            self.keep(function, arguments, keywords, before)
        return result

    def keep(self, function: Value, arguments: list[Value], keywords: dict[str, Value], before: int) -> None:
        """Remember a callable that runs on behind the cells, with what it has reported since ``before``."""
        deferred = self.session.deferred
        if any(each.function is function for each in deferred[-8:]):
            return
        reported = {(fact.kind, fact.value) for fact in self.state.facts[before:]}
        made = Deferred(function, arguments, keywords, reported)
        made.worked_on = heat.fingerprint(function, arguments)
        deferred.append(made)
        del deferred[:-24]

    # -- attributes, items, operators --------------------------------------------------------------

    def attribute(self, value: Value, name: str) -> Value:
        """``value.name``."""
        return attributes.get(self, value, name)

    def item(self, value: Value, index: Value) -> Value:
        """``value[index]``."""
        return attributes.item(self, value, index)

    def binary(self, operation: type[ast.operator], left: Value, right: Value) -> Value:
        """``left operation right``."""
        return attributes.binary(self, operation, left, right)

    def format(self, value: Value, spec: str, conversion: int | str | None = None) -> str:
        """``format(value, spec)``, with a hole where it is not known."""
        kind = type(value)
        if kind is Instance and conversion in (None, -1):
            method = value.cls.find("__format__")
            if method is not None:
                return self.text(self.call(Bound(method, value), [spec]))
        dated = kind in library.SHOWN and conversion in (None, -1)
        if kind not in (str, int, float, bool) and not dated:
            value = self.text(value)
        if conversion in (114, "r"):
            value = repr(value) if type(value) is not str or value != HOLE else value
        elif conversion in (115, "s"):
            value = str(value)
        if not spec:
            return library.bounded_text(value)
        return library.formatted(value, spec)

    def compare(self, operation: type[ast.cmpop], left: Value, right: Value) -> Value:
        """``left operation right``."""
        return attributes.compare(self, operation, left, right)

    def assign(self, target: ast.expr, value: Value) -> None:
        """Bind ``target`` to ``value``."""
        kind = type(target)
        if kind is ast.Name:
            self.assign_name(target.id, value)  # type: ignore[attr-defined]
        elif kind is ast.Tuple or kind is ast.List:
            self._unpack(target.elts, value)  # type: ignore[attr-defined]
        elif kind is ast.Attribute:
            self.set_attribute(self.evaluate(target.value), target.attr, value, target)  # type: ignore[attr-defined]
        elif kind is ast.Subscript:
            self.set_item(self.evaluate(target.value), self.evaluate(target.slice), value)  # type: ignore[attr-defined]
        elif kind is ast.Starred:
            self.assign(target.value, value)  # type: ignore[attr-defined]

    def assign_name(self, name: str, value: Value) -> None:
        """Bind a name in the present scope."""
        if not name.isascii():
            name = normal_name(name)
        frame = self.frame
        names = frame.outside.get(name, frame.names) if frame.outside else frame.names
        if names is frame.globals:
            unread = self.state.unread
            if unread is not None and not self.cold and name in unread.names:
                self.need({name})  # what used the earlier value has to see it before it goes
            self.session.defined[name] = self.unit.cell
        if self.journal is not None:
            self.journal.append((names, name, names.get(name, _MISSING)))
        names[name] = value

    def _unpack(self, targets: list[ast.expr], value: Value) -> None:
        kind = type(value)
        if kind is Symbol and not value.details:
            for target in targets:
                self.assign(target, Symbol(value.name, True))
            return
        if kind in (Unknown, Symbol, Choice):
            values: list[Value] = [UNKNOWN] * len(targets)
            if kind is Choice:
                rows = [self.items(each) for each in value.values]
                values = [
                    either([row[index] for row in rows if index < len(row)]) for index in range(len(targets))
                ]
            elif kind is Symbol:
                values = [Symbol(value.name, True, value.details)] * len(targets)
        else:
            values = self.items(value)
        for index, target in enumerate(targets):
            if type(target) is ast.Starred:
                after = len(targets) - index - 1
                middle = values[index : len(values) - after] if after else values[index:]
                self.assign(target.value, list(middle))
                values = [UNKNOWN] * (index + 1) + values[len(values) - after :] if after else values
                continue
            self.assign(target, values[index] if index < len(values) else UNKNOWN)

    def set_attribute(self, value: Value, name: str, new: Value, node: ast.AST | None) -> None:
        """``value.name = new``."""
        attributes.put(self, value, normal_name(name), new, node)

    def set_item(self, value: Value, index: Value, new: Value) -> None:
        """``value[index] = new``."""
        attributes.put_item(self, value, index, new)

    def delete_item(self, value: Value, index: Value) -> None:
        """``del value[index]``."""
        attributes.delete_item(self, value, index)

    def touch(self, value: Value, name: str, node: ast.AST | None) -> None:
        """Replace or remove an attribute of ``value``: visible when it is a module's or the shell's."""
        kind = type(value)
        if kind is Symbol:
            sinks.emit_call(self, f"{value.name}.{name}", node)
        elif kind in (Instance, Namespace):
            value.attributes.pop(name, None)

    def decorate(self, value: Value, node: Any) -> Value:
        """Apply a definition's decorators."""
        for decorator in reversed(node.decorator_list):
            function = self.evaluate(decorator)
            kind = type(function)
            if kind is Symbol and function.name in records.MAKERS:
                if type(value) is Class:
                    value.keywords["dataclass"] = True
                continue
            made = self.call(function, [value], {}, decorator)
            watches = kind is Symbol and function.called and function.details and type(value) is Function
            if watches and function.name.rpartition(".")[2] in ("observe", "validate", "depends", "watch"):
                value.attributes[OBSERVES] = function.details[0]
            if kind is Symbol and function.called and function.details and function.name[:7] == "pytest.":
                modules.mark(value, function)
            # What a library's decorator returns still does what the function does.
            if type(made) in (Unknown, type(None)) or (type(made) is Symbol and made.called):
                continue
            value = made
        return value

    def enter(self, manager: Value) -> Value:
        """``manager.__enter__()``."""
        if type(manager) is Instance:
            for name in ("__enter__", "__aenter__"):
                method = manager.cls.find(name)
                if method is not None:
                    return self.call(Bound(method, manager), [])
        if type(manager) is Generator:
            if manager.waits:
                self.run_around(manager, lambda value: None)
            return manager.items[0] if manager.items else UNKNOWN
        if type(manager) is Symbol and manager.name in _REDIRECTING:
            return self._redirect(manager)
        return manager

    def _redirect(self, manager: Symbol) -> Value:
        """Let what is printed go into a text from here to the end of the ``with``."""
        given = manager.details[0] if manager.details else []
        stream = given[0] if given and type(given[0]) is Stream else Stream("", "w+", "")
        self.outputs.append(stream)
        if manager.name.endswith("redirect_stdout"):
            return stream
        return Namespace("captured", {"stdout": stream, "stderr": Stream("", "w+", "")})

    def leave(self, manager: Value) -> None:
        """``manager.__exit__(...)``."""
        if type(manager) is Instance:
            for name in ("__exit__", "__aexit__"):
                method = manager.cls.find(name)
                if method is not None:
                    self.call(Bound(method, manager), [None, None, None])
        elif type(manager) is Symbol and manager.name in _REDIRECTING and self.outputs:
            self.outputs.pop()

    def fits(self, pattern: Any, subject: Value) -> bool | None:
        """Whether a ``case`` pattern fits; binds its names."""
        kind = type(pattern)
        if kind is ast.MatchValue:
            return self.truth(self.compare(ast.Eq, subject, self.evaluate(pattern.value)))
        if kind is ast.MatchSingleton:
            return subject is pattern.value if not isinstance(subject, Unknown) else None
        if kind is ast.MatchAs:
            fits = True if pattern.pattern is None else self.fits(pattern.pattern, subject)
            if pattern.name is not None and fits is not False:
                self.assign_name(pattern.name, subject)
            return fits
        if kind is ast.MatchOr:
            outcomes = [self.fits(each, subject) for each in pattern.patterns]
            return True if True in outcomes else None if None in outcomes else False
        if kind is ast.MatchSequence:
            return self._fits_sequence(pattern.patterns, subject)
        if kind is ast.MatchMapping:
            if type(subject) is not dict:
                return None if type(subject) in (Unknown, Symbol) else False
            outcomes = []
            for key_node, each in zip(pattern.keys, pattern.patterns, strict=False):
                key = self.evaluate(key_node)
                outcomes.append(self.fits(each, subject[key]) if key in subject else False)
            if pattern.rest is not None:
                self.assign_name(pattern.rest, dict(subject))
            return False if False in outcomes else None if None in outcomes else True
        if kind is ast.MatchClass:
            cls = self.evaluate(pattern.cls)
            for each in pattern.patterns:
                self.fits(each, subject)
            for name, each in zip(pattern.kwd_attrs, pattern.kwd_patterns, strict=False):
                self.fits(each, self.attribute(subject, name))
            return self.truth(self.call(Symbol("builtins.isinstance"), [subject, cls]))
        return None

    def _fits_sequence(self, patterns: list[Any], subject: Value) -> bool | None:
        if type(subject) not in (list, tuple):
            for each in patterns:
                if type(each) is not ast.MatchStar:
                    self.fits(each, UNKNOWN)
            return None if type(subject) in (Unknown, Symbol) else False
        star = next((index for index, each in enumerate(patterns) if type(each) is ast.MatchStar), -1)
        if len(subject) != len(patterns) if star < 0 else len(subject) < len(patterns) - 1:
            return False
        outcomes: list[bool | None] = []
        for index, each in enumerate(patterns):
            if index == star:
                stop = len(subject) - (len(patterns) - star - 1)
                if each.name is not None:
                    self.assign_name(each.name, list(subject[star:stop]))
                continue
            outcomes.append(
                self.fits(each, subject[index if star < 0 or index < star else index - len(patterns)])
            )
        return False if False in outcomes else None if None in outcomes else True

    def _pointless(self, rounds: int, least: int, doubts: int, spent: int) -> bool:
        """Whether going round again is unlikely to tell more: what is not known decides in this loop."""
        if self.hurried:
            return True
        new = self.doubts - doubts
        decided = rounds >= least and new >= rounds
        return new >= 3 and (decided or rounds >= self.MANY_ROUNDS or spent > self.LOOP_STEPS // 4)

    # -- nested programs -----------------------------------------------------------------------------

    def run_text(
        self,
        text: str,
        steps: tuple[str, ...],
        node: ast.AST | None,
        names: dict[str, Value] | None = None,
        local: dict[str, Value] | None = None,
        ipython: bool = False,
        expression: bool = False,
    ) -> Value:
        """Run text that the program made; ``names`` is its namespace if not the present one."""
        budget = self.budget
        if budget.depth >= budget.MAX_DEPTH or len(text) > budget.MAX_SIZE:
            self.opaque("too-deep" if budget.depth >= budget.MAX_DEPTH else "too-large", node, *steps)
            return UNKNOWN
        budget.spend(len(text) // 16 + 1)
        origin = self.origin_of(node, *steps)
        special: list[Line] = []
        if ipython:
            parsed = parse(text)
            body, special = parsed.body, parsed.lines
        else:
            body = parse_python(text.strip(" \t") if expression else text)
        if HOLE in text and not body:
            self.opaque("exec-unknown", node, *steps)
        unit = Unit(text, origin, special, 0, self.unit.cell)
        frame = self.frame
        if names is not None:
            frame = Frame("module", names if local is None else local, names, None)
        return self.inside(unit, frame, lambda: self.run(body))

    def inside(self, unit: Unit, frame: Frame, action: Callable[[], Value]) -> Value:
        """Do ``action`` in another text and scope."""
        outer = self.frame, self.unit, self.origin, self.provenance, self.node
        self.frame, self.unit, self.origin, self.provenance = frame, unit, unit.origin, unit.origin.provenance
        self.budget.depth += 1
        self.depth += 1
        try:
            return action()
        finally:
            self.depth -= 1
            self.budget.depth -= 1
            self.frame, self.unit, self.origin, self.provenance, self.node = outer


# -- expressions that hang on a left part: (field of that part, what to do with its value) ---------


def _finish_binary(self: Evaluator, node: Any, left: Value) -> Value:
    self.tick()
    return self.binary(type(node.op), left, self.evaluate(node.right))


def _finish_attribute(self: Evaluator, node: Any, value: Value) -> Value:
    self.tick()
    name = node.attr
    if name[:2] == "__" and name[-2:] != "__" and self.frame.cls is not None:
        name = f"_{self.frame.cls.name.lstrip('_')}{name}"
    self.node = node if self.unit.first_line else self.node
    return self.attribute(value, normal_name(name))


def _finish_item(self: Evaluator, node: Any, value: Value) -> Value:
    self.tick()
    return self.item(value, self.evaluate(node.slice))


def _finish_call(self: Evaluator, node: Any, function: Value) -> Value:
    self.tick()
    if function is UNKNOWN and (index := placeholder_index(node)) >= 0 and index < len(self.unit.special):
        return magics.run_line(self, self.unit.special[index], node)
    if self.cold and type(function) is Symbol and _is_barren(function.name):
        last = function.name.rpartition(".")[2]
        if not last.startswith("read_") and last not in ("Series", "DataFrame"):
            return Symbol(function.name, True)
    arguments = self.evaluate_all(node.args)
    keywords: dict[str, Value] = {}
    for keyword in node.keywords:
        value = self.evaluate(keyword.value)
        if keyword.arg is not None:
            keywords[normal_name(keyword.arg)] = value
        elif type(value) is dict:
            keywords.update({key: each for key, each in value.items() if type(key) is str})
        else:
            keywords["**"] = UNKNOWN
    if type(function) is Symbol and function.name == "builtins.super" and not arguments:
        return _super(self)
    return self.call(function, arguments, keywords, node)


def _is_barren(name: str) -> bool:
    return sinks.is_barren(name)


def _super(self: Evaluator) -> Value:
    frame: Frame | None = self.frame
    while frame is not None and frame.cls is None:
        frame = frame.parent
    if frame is None or frame.cls is None:
        return UNKNOWN
    return Super(frame.cls, frame.receiver)


_SPINE: Final[dict[type[ast.AST], tuple[str, Callable[[Evaluator, Any, Value], Value]]]] = {
    ast.BinOp: ("left", _finish_binary),
    ast.Attribute: ("value", _finish_attribute),
    ast.Subscript: ("value", _finish_item),
    ast.Call: ("func", _finish_call),
}


# -- other expressions -----------------------------------------------------------------------------


def _joined(self: Evaluator, node: Any) -> Value:
    parts: list[Value] = []
    several = False
    for each in node.values:
        part = each.value if type(each) is ast.Constant else _formatted(self, each)
        several = several or type(part) is Choice
        parts.append(part)
    if several:
        return library.joined_choices(parts)
    result = "".join(parts)
    if len(node.values) > 1:
        self.note(result, "", *parts)
    return library.checked(result)


def _formatted(self: Evaluator, node: Any) -> Value:
    value = self.evaluate(node.value)
    spec = self.text(_joined(self, node.format_spec)) if node.format_spec is not None else ""
    if type(value) is Choice:
        return Choice(tuple(self.format(each, spec, node.conversion) for each in value.values))
    return self.format(value, spec, node.conversion)


def _bool(self: Evaluator, node: Any) -> Value:
    stop = type(node.op) is ast.Or
    values: list[Value] = []
    for each in node.values:
        value = self.evaluate(each)
        truth = self.truth(value)
        if truth is stop:
            values.append(value)
            break
        if truth is None:
            values.append(value)
    else:
        if not values or values[-1] is not value:
            values.append(value)
    return either(values)


def _unary(self: Evaluator, node: Any) -> Value:
    value = self.evaluate(node.operand)
    if type(node.op) is ast.Not:
        truth = self.truth(value)
        return UNKNOWN if truth is None else not truth
    kind = type(value)
    if kind in (int, float, bool, complex):
        return (
            _UNARY[type(node.op)](value) if kind is not float or type(node.op) is not ast.Invert else UNKNOWN
        )
    if kind is Array:
        invert = type(node.op) is ast.Invert
        flips = invert and all(type(each) is bool for each in value)
        known = all(type(each) in (int, bool) or (type(each) is float and not invert) for each in value)
        compute = operator.not_ if flips else _UNARY[type(node.op)]
        return value.like([compute(each) for each in value]) if known else UNKNOWN
    if kind is Instance:
        method = value.cls.find(_UNARY_METHODS[type(node.op)])
        if method is not None:
            return self.call(Bound(method, value), [], {}, node)
    return UNKNOWN


_UNARY: Final[dict[type[ast.AST], Callable[[Any], Any]]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}
_UNARY_METHODS: Final = {ast.USub: "__neg__", ast.UAdd: "__pos__", ast.Invert: "__invert__"}


def _compare(self: Evaluator, node: Any) -> Value:
    left = self.evaluate(node.left)
    result: Value = True
    for operation, each in zip(node.ops, node.comparators, strict=False):
        right = self.evaluate(each)
        outcome = self.compare(type(operation), left, right)
        truth = self.truth(outcome)
        if truth is False:
            return outcome
        if truth is None:
            result = UNKNOWN
        elif len(node.ops) == 1:
            return outcome
        left = right
    return result


def _conditional(self: Evaluator, node: Any) -> Value:
    truth = self.truth(self.evaluate(node.test))
    if truth is not None:
        return self.evaluate(node.body if truth else node.orelse)
    self.doubts += 1
    return either([self.evaluate(node.body), self.evaluate(node.orelse)])


def _dict(self: Evaluator, node: Any) -> Value:
    result: dict[Value, Value] = {}
    for key_node, value_node in zip(node.keys, node.values, strict=False):
        value = self.evaluate(value_node)
        if key_node is None:
            if type(value) is dict:
                result.update(value)
            continue
        key = self.evaluate(key_node)
        try:
            result[key] = value
        except TypeError:
            continue
    return result


def _set(self: Evaluator, node: Any) -> Value:
    try:
        return set(self.evaluate_all(node.elts))
    except TypeError:
        return UNKNOWN


def _slice(self: Evaluator, node: Any) -> Value:
    parts = [
        self.evaluate(each) if each is not None else None for each in (node.lower, node.upper, node.step)
    ]
    if any(each is not None and type(each) is not int and type(each) is not bool for each in parts):
        return UNKNOWN
    return slice(*parts)


def _lambda(self: Evaluator, node: Any) -> Value:
    return _function(self, node, "<lambda>")


def _function(self: Evaluator, node: Any, name: str) -> Function:
    spec = node.args
    defaults = [self.evaluate(each) for each in spec.defaults]
    keyword_defaults = {
        parameter.arg: self.evaluate(each)
        for parameter, each in zip(spec.kwonlyargs, spec.kw_defaults, strict=False)
        if each is not None
    }
    scope = self.frame
    while scope.kind == "class" and scope.parent is not None:
        scope = scope.parent
    return Function(name, node, scope, self.unit, defaults, keyword_defaults)


def _comprehension(self: Evaluator, node: Any) -> Value:
    outer = self.frame
    frame = Frame("comprehension", {}, outer.globals, outer)
    frame.cls, frame.receiver = outer.cls, outer.receiver
    frame.yields, frame.sent = outer.yields, outer.sent
    kind = type(node)
    found: list[Value] = []
    self.frame = frame
    try:
        _comprehend(self, node, 0, found, self.count + self.LOOP_STEPS)
    finally:
        self.frame = outer
    if kind is ast.GeneratorExp:
        return Generator(found)
    try:
        if kind is ast.SetComp:
            return set(found)
        if kind is ast.DictComp:
            return dict(found)
    except TypeError:
        return UNKNOWN
    return found


def _comprehend(self: Evaluator, node: Any, level: int, found: list[Value], limit: int) -> None:
    generator = node.generators[level]
    source = self.evaluate(generator.iter)
    for rounds, item in enumerate(self.iterate(source)):
        self.tick()
        if rounds > 2 and (self.hurried or self.count > limit or self.loop_steps > self.ALL_LOOP_STEPS):
            self.doubts += 1
            return
        self.assign(generator.target, item)
        kept: bool | None = True
        for test in generator.ifs:
            kept = self.truth(self.evaluate(test))
            if kept is False:
                break
        if kept is False:
            continue
        if level + 1 < len(node.generators):
            _comprehend(self, node, level + 1, found, limit)
        elif type(node) is ast.DictComp:
            found.append((self.evaluate(node.key), self.evaluate(node.value)))
        else:
            found.append(self.evaluate(node.elt))


def _named(self: Evaluator, node: Any) -> Value:
    value = self.evaluate(node.value)
    frame = self.frame
    while frame.kind == "comprehension" and frame.parent is not None:
        frame = frame.parent
    outer, self.frame = self.frame, frame
    try:
        self.assign(node.target, value)
    finally:
        self.frame = outer
    return value


def _yield(self: Evaluator, node: Any) -> Value:
    value = self.evaluate(node.value) if node.value is not None else None
    frame = _yielding(self)
    if frame is None or frame.yields is None:
        return UNKNOWN
    frame.yields.append(value)
    if frame.around is not None:
        frame.around(value)
        return None
    if frame.sent is not None:
        index = len(frame.yields) - 1
        if index >= len(frame.sent):
            raise Enough
        if frame.sent is not _AHEAD:
            self.rehearsed = index < len(frame.sent) - 1
        elif self.doubts > 4 and index > 8:
            raise Enough
        return frame.sent[index]
    if len(frame.yields) >= self.MAX_YIELDS or (self.doubts > 4 and len(frame.yields) > 8):
        raise Enough
    return None


def _yielding(self: Evaluator) -> Frame | None:
    frame: Frame | None = self.frame
    while frame is not None and frame.kind == "comprehension":
        frame = frame.parent
    return frame


def _yield_from(self: Evaluator, node: Any) -> Value:
    value = self.evaluate(node.value)
    frame = _yielding(self)
    if frame is not None and frame.yields is not None:
        frame.yields += self.items(value)[: self.MAX_YIELDS]
    return value.result if type(value) is Generator else UNKNOWN


def _await(self: Evaluator, node: Any) -> Value:
    value = self.evaluate(node.value)
    if type(value) is Namespace and value.name == "future":
        return self.call(value.attributes["result"], [])
    if type(value) is Instance and (method := value.cls.find("__await__")) is not None:
        return self.call(Bound(method, value), [], {}, node)
    return value


_EVALUATE: Final[dict[type[ast.AST], Callable[[Evaluator, Any], Value]]] = {
    ast.JoinedStr: _joined,
    ast.FormattedValue: _formatted,
    ast.BoolOp: _bool,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.IfExp: _conditional,
    ast.Dict: _dict,
    ast.Set: _set,
    ast.List: lambda self, node: self.evaluate_all(node.elts),
    ast.Tuple: lambda self, node: tuple(self.evaluate_all(node.elts)),
    ast.Slice: _slice,
    ast.Lambda: _lambda,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.DictComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.NamedExpr: _named,
    ast.Yield: _yield,
    ast.YieldFrom: _yield_from,
    ast.Await: _await,
    ast.Starred: lambda self, node: self.evaluate(node.value),
}


# -- statements ------------------------------------------------------------------------------------


def _expression(self: Evaluator, node: Any) -> str | None:
    self.evaluate(node.value)
    return None


def _assign(self: Evaluator, node: Any) -> str | None:
    value = self.evaluate(node.value)
    for target in node.targets:
        self.assign(target, value)
    return None


def _annotated(self: Evaluator, node: Any) -> str | None:
    if self.frame.kind == "class" and type(node.target) is ast.Name and not _is_class_variable(node):
        kept = self.frame.names.setdefault("__annotations__", {})
        kept[node.target.id] = self.evaluate(node.annotation)
    if node.value is not None:
        self.assign(node.target, self.evaluate(node.value))
    return None


def _is_class_variable(node: ast.AnnAssign) -> bool:
    named = node.annotation.value if type(node.annotation) is ast.Subscript else node.annotation
    return getattr(named, "id", getattr(named, "attr", "")) == "ClassVar"


def _augmented(self: Evaluator, node: Any) -> str | None:
    left = self.evaluate(node.target)
    right = self.evaluate(node.value)
    if type(left) is Symbol and type(node.op) is ast.Add and sinks.knows(f"{left.name}.extend"):
        self.call(self.attribute(left, "extend"), [right], {}, node)
        return None
    if type(left) in (list, Array) and type(node.op) is ast.Add:
        left.extend(self.items(right)[: Budget.MAX_SIZE])
        return None
    if type(left) is Instance:
        method = left.cls.find(library.IN_PLACE.get(type(node.op), ""))
        if method is not None:
            self.assign(node.target, self.call(Bound(method, left), [right], {}, node))
            return None
    self.assign(node.target, self.binary(type(node.op), left, right))
    return None


def _delete(self: Evaluator, node: Any) -> str | None:
    for target in node.targets:
        if type(target) is ast.Name:
            value = self.frame.names.get(target.id)
            if value is not None:
                self.store(self.frame.names, target.id, UNKNOWN)
                self.frame.names.pop(target.id, None)
        elif type(target) is ast.Subscript:
            self.delete_item(self.evaluate(target.value), self.evaluate(target.slice))
        elif type(target) is ast.Attribute:
            self.touch(self.evaluate(target.value), target.attr, node)
    return None


def _if(self: Evaluator, node: Any) -> str | None:
    truth = self.truth(self.evaluate(node.test))
    if truth is not None:
        signal = self.block(node.body if truth else node.orelse)
        other = node.orelse if truth else node.body
        if other and _is_switch(self, node.test):
            self.glance(other)
        return signal
    self.doubts += 1
    return self.fork([lambda: self.block(node.body), lambda: self.block(node.orelse)])


def _is_switch(self: Evaluator, test: ast.expr) -> bool:
    """Whether what decides is set elsewhere: in another cell, or in a form beside the code.

    People flip such switches without touching this statement; what stands in a
    branch that the statement itself rules out (``if False:``) is never run.
    """
    if self.frame.kind != "module" or self.depth or self.hurried:
        return False
    used = {each.id for each in ast.walk(test) if type(each) is ast.Name}
    if not used or any(type(each) in (ast.Call, ast.Attribute) for each in ast.walk(test)):
        return False
    defined = self.session.defined
    elsewhere = {name for name in used if defined.get(name, self.unit.cell) != self.unit.cell}
    return used == elsewhere or all(
        re.search(
            rf"^[ \t]*{re.escape(name)}[ \t]*=[^\n]{{0,300}}#[ \t]*@param", self.unit.text, re.MULTILINE
        )
        for name in used - elsewhere
    )


def _for(self: Evaluator, node: Any) -> str | None:
    source = self.evaluate(node.iter)
    start = self.count
    doubts = self.doubts
    budget = min(self.LOOP_STEPS, self.ALL_LOOP_STEPS - self.loop_steps)
    signal: str | None = None
    known = is_countable(source)
    rounds = 0
    for rounds, item in enumerate(self.iterate(source), 1):
        self.assign(node.target, item)
        signal = self.block(node.body)
        if signal == _CONTINUE:
            signal = None
        if signal is not None:
            break
        spent = self.count - start
        least = self.FEW_ROUNDS if type(item) is int else self.MANY_ROUNDS
        if rounds >= 3 and (
            spent > budget or rounds > self.MAX_ITERATIONS or self._pointless(rounds, least, doubts, spent)
        ):
            self.doubts += 1
            break
    if self.depth == 0 or start == 0:
        self.loop_steps += self.count - start
    if signal == _RETURN:
        return signal if known else None
    if signal == _BREAK:
        return None
    return self.block(node.orelse)


def is_countable(value: Value) -> bool:
    """Whether iterating over ``value`` is known to happen."""
    return type(value) in (str, bytes, list, tuple, dict, set, range, Generator, Lines) and (
        type(value) is Generator or bool(value)  # a range may be too long for len()
    )


def _while(self: Evaluator, node: Any) -> str | None:
    start = self.count
    doubts = self.doubts
    budget = min(self.LOOP_STEPS, self.ALL_LOOP_STEPS - self.loop_steps)
    least = self.ENDLESS_ROUNDS if type(node.test) is ast.Constant else self.FEW_ROUNDS
    rounds = 0
    while True:
        truth = self.truth(self.evaluate(node.test))
        if truth is False:
            break
        rounds += 1
        spent = self.count - start
        if rounds > 2 and (
            spent > budget or rounds > self.MAX_ITERATIONS or self._pointless(rounds, least, doubts, spent)
        ):
            break
        if truth is None:
            self.doubts += 1
            self.fork([lambda: _loop_end(self.block(node.body)), lambda: None])
            break
        signal = self.block(node.body)
        if signal == _BREAK:
            self.loop_steps += self.count - start
            return None
        if signal == _RETURN:
            return signal
    self.loop_steps += self.count - start
    return self.block(node.orelse)


def _loop_end(signal: str | None) -> str | None:
    return None if signal in (_BREAK, _CONTINUE) else signal


def _return(self: Evaluator, node: Any) -> str | None:
    frame = self.frame
    frame.returns.append(self.evaluate(node.value) if node.value is not None else None)
    return _RETURN


def _raise(self: Evaluator, node: Any) -> str | None:
    if node.cause is not None:
        self.evaluate(node.cause)
    value = self.evaluate(node.exc) if node.exc is not None else self.raised
    if type(value) is Class or (type(value) is Symbol and not value.called):
        value = self.call(value, [], {}, node)
    self.raised = value
    if type(value) is Symbol and value.name.endswith("StopIteration"):
        raise Raised(value)
    raise Raised(value)


def _try(self: Evaluator, node: Any) -> str | None:
    signal: str | None = None
    raised = False
    self.raised = UNKNOWN
    try:
        signal = self.block(node.body)
    except Raised as caught:
        raised = True
        self.raised = caught.value
    try:
        signal = _handle(self, node, self.raised) if raised else _foresee(self, node, signal)
    finally:
        last = self.block(node.finalbody)
    return last or signal


def _handle(self: Evaluator, node: Any, value: Value) -> str | None:
    """Run the first handler that fits what was raised."""
    for handler in node.handlers:
        fits = handler.type is None or library.catches(self, self.evaluate(handler.type), value)
        if fits is False:
            continue
        if handler.name:
            self.store(self.frame.names, handler.name, value)
        return self.block(handler.body)
    raise Raised(value)


def _foresee(self: Evaluator, node: Any, signal: str | None) -> str | None:
    """Run the ``else`` of a body that left by ``signal``, and each handler as if that had raised."""
    value = self.raised

    def well() -> str | None:
        nonlocal signal
        if signal is None:
            signal = self.block(node.orelse)
        return None

    def way(handler: Any) -> Callable[[], str | None]:
        def run() -> str | None:
            if handler.type is not None:
                self.evaluate(handler.type)
            if handler.name:
                self.store(self.frame.names, handler.name, value)
            return self.block(handler.body)

        return run

    if node.handlers:
        doubts = self.doubts
        self.fork([well, *[way(handler) for handler in node.handlers]])
        self.doubts = doubts
    else:
        well()
    return signal


def _with(self: Evaluator, node: Any, index: int = 0) -> str | None:
    if index == len(node.items):
        return self.block(node.body)
    item = node.items[index]
    manager = self.evaluate(item.context_expr)

    def body(value: Value) -> str | None:
        if item.optional_vars is not None:
            self.assign(item.optional_vars, value)
        return _with(self, node, index + 1)

    if type(manager) is Generator and manager.waits:
        return self.run_around(manager, body)
    value = self.enter(manager)
    try:
        return body(value)
    finally:
        self.leave(manager)


def _define(self: Evaluator, node: Any) -> str | None:
    function: Value = _function(self, node, node.name)
    body = node.body[0]
    if type(body) is ast.Expr and type(body.value) is ast.Constant and type(body.value.value) is str:
        function.attributes["__doc__"] = body.value.value
    if node.returns is not None or any(each.annotation is not None for each in node.args.args):
        _annotations(self, node, function)
    if self.frame.kind == "class":
        function.owner = self.frame.cls
    self.assign_name(node.name, self.decorate(function, node))
    return None


def _annotations(self: Evaluator, node: Any, function: Function) -> None:
    found: dict[str, Value] = {}
    for each in [*node.args.args, *node.args.kwonlyargs]:
        if each.annotation is not None:
            found[each.arg] = self.evaluate(each.annotation)
    if node.returns is not None:
        found["return"] = self.evaluate(node.returns)
    function.attributes["__annotations__"] = found


def _class(self: Evaluator, node: Any) -> str | None:
    bases = [templates.model(self, each) for each in self.evaluate_all(node.bases)]
    keywords = {each.arg: self.evaluate(each.value) for each in node.keywords if each.arg}
    cls = Class(node.name, bases, {}, keywords)
    outer = self.frame
    self.frame = Frame("class", cls.namespace, outer.globals, outer)
    self.frame.cls = cls
    cls.namespace["__module__"] = "__main__"
    cls.source = self.unit, node
    if type(node.body[0]) is ast.Expr and type(node.body[0].value) is ast.Constant:
        cls.namespace["__doc__"] = node.body[0].value.value
    try:
        self.block(node.body)
    finally:
        self.frame = outer
    value: Value = cls
    for each in bases:
        if type(each) is Class and (method := each.find("__init_subclass__")) is not None:
            self.call(Bound(getattr(method, "function", method), cls), [], keywords, node)
    for name, member in list(cls.namespace.items()):
        if type(member) is Instance and (method := member.cls.find("__set_name__")) is not None:
            self.call(Bound(method, member), [cls, name], {}, node)
    meta = keywords.get("metaclass", cls.inherited_metaclass())
    if meta is not None:
        cls.keywords["metaclass"] = meta
        value = _make_class(self, meta, cls, node)
    self.assign_name(node.name, self.decorate(value, node))
    base = cls.symbol()
    if base == "typing.NamedTuple":
        cls.namespace.update(records.TUPLE_METHODS)
    elif base and cls.is_enumeration():
        records.enumerate_members(self, cls)
    if base.startswith("unittest."):
        self.escape(cls, [], {})  # a test runner finds it by itself
    return None


def _make_class(self: Evaluator, meta: Value, cls: Class, node: ast.AST) -> Value:
    if type(meta) is Class:
        for name in ("__prepare__", "__new__", "__init__"):
            method = meta.find(name)
            if method is not None:
                function = method.function if type(method) is Descriptor else method
                first = meta if name != "__init__" else cls
                made = self.call(function, [first, cls.name, tuple(cls.bases), cls.namespace], {}, node)
                if name == "__new__" and type(made) is Class and made is not cls:
                    made.keywords.update(cls.keywords)
                    cls.forsake()
                    cls = made
        return cls
    if type(meta) in (Function, Partial, Symbol):
        made = self.call(meta, [cls.name, tuple(cls.bases), cls.namespace], {}, node)
        return made if type(made) is Class else cls
    return cls


def _import(self: Evaluator, node: Any) -> str | None:
    for alias in node.names:
        value = sinks.import_module(self, alias.name, node)
        if alias.asname is None and "." in alias.name:
            root = alias.name.partition(".")[0]
            self.assign_name(
                root, Symbol(root) if type(value) is Symbol else _in_package(self, alias.name, value, node)
            )
        else:
            self.assign_name(alias.asname or alias.name.partition(".")[0], value)
    return None


def _in_package(self: Evaluator, name: str, module: Value, node: Any) -> Value:
    """Put a module of the session's own into the packages that it is in, and return the outermost."""
    while "." in name:
        name, _, last = name.rpartition(".")
        package = modules.own_module(self, name, node)
        if type(package) is not Namespace:
            package = self.session.modules.setdefault(name, Namespace(name, {}))
        package.attributes[last] = module
        module = package
    return module


def _import_from(self: Evaluator, node: Any) -> str | None:
    if node.level:
        return _import_beside(self, node)
    module = sinks.import_module(self, node.module or "", node, names=[alias.name for alias in node.names])
    return _bind_imported(self, node, module, node.module)


def _import_beside(self: Evaluator, node: Any) -> str | None:
    """``from .name import …`` in a module of the session's own."""
    package = self.frame.globals.get("__package__")
    parts = package.split(".") if type(package) is str else []
    base = ".".join(parts[: len(parts) - node.level + 1])
    name = f"{base}.{node.module}" if base and node.module else node.module or base
    # A package that is being imported is not imported again.
    known = self.session.modules.get(name) if not node.module else None
    module = known or sinks.import_module(self, name, node, names=[alias.name for alias in node.names])
    return _bind_imported(self, node, module, name)


def _bind_imported(self: Evaluator, node: Any, module: Value, source: str | None) -> str | None:
    for alias in node.names:
        if alias.name != "*":
            value = self.attribute(module, alias.name)
            if value is UNKNOWN and type(module) is Namespace:
                value = sinks.import_module(self, f"{source}.{alias.name}", node)
            elif type(value) is Symbol and self.state.files:  # a folder without ``__init__.py``
                own = modules.own_module(self, f"{source}.{alias.name}", node)
                value = value if own is None else own
            self.assign_name(alias.asname or alias.name, value)
        elif type(module) is Namespace:
            for name, value in module.attributes.items():
                self.assign_name(name, value)
        elif source and source not in self.session.stars:
            self.session.stars.append(source)
            for name in sinks.STARS.get(source, ()):
                self.assign_name(name, Symbol(f"{source}.{name}"))
                if self.state.unread is not None:
                    self.state.unread.hot.add(name)
    return None


def _outside(self: Evaluator, node: Any) -> str | None:
    frame = self.frame
    for name in node.names:
        names = frame.globals
        if type(node) is ast.Nonlocal:
            scope = frame.parent
            while scope is not None:
                if name in scope.names and scope.kind == "function":
                    names = scope.names
                    break
                scope = scope.parent
        frame.outside[name] = names
    return None


def _match(self: Evaluator, node: Any) -> str | None:
    subject = self.evaluate(node.subject)
    ways: list[Callable[[], str | None]] = []
    for case in node.cases:
        fits = self.fits(case.pattern, subject)
        if fits is False:
            continue
        if case.guard is not None:
            guard = self.truth(self.evaluate(case.guard))
            if guard is False:
                continue
            fits = fits if guard else None
        if fits is True and not ways:
            return self.block(case.body)

        def way(body: Any = case.body) -> str | None:
            return self.block(body)

        ways.append(way)
        if fits is True:
            break
    return self.fork(ways) if ways else None


_EXECUTE: Final[dict[type[ast.AST], Callable[[Evaluator, Any], str | None]]] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Delete: _delete,
    ast.If: _if,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Try: _try,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.FunctionDef: _define,
    ast.AsyncFunctionDef: _define,
    ast.ClassDef: _class,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Global: _outside,
    ast.Nonlocal: _outside,
    ast.Match: _match,
    ast.Pass: lambda self, node: None,
    ast.Break: lambda self, node: _BREAK,
    ast.Continue: lambda self, node: _CONTINUE,
    ast.Assert: lambda self, node: _expression_of(self, node.test),
}
if hasattr(ast, "TryStar"):
    _EXECUTE[ast.TryStar] = _try
if hasattr(ast, "TypeAlias"):
    _EXECUTE[ast.TypeAlias] = lambda self, node: None


def _expression_of(self: Evaluator, node: ast.expr) -> None:
    self.evaluate(node)


_ESCAPING: Final = frozenset({Function, Bound, Partial, Class, Instance, Native})


def _call_class(self: Evaluator, value: Any, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    return self.instantiate(value, arguments, keywords)


def _call_bound(self: Evaluator, value: Any, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    function = value.function
    if type(function) is Function:
        return self.call_function(function, [value.receiver, *arguments], keywords)
    return self.call(function, [value.receiver, *arguments], keywords)


def _call_partial(self: Evaluator, value: Any, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    return self.call(value.function, [*value.arguments, *arguments], {**value.keywords, **keywords})


def _call_native(self: Evaluator, value: Any, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    return value.call(arguments, keywords)


def _call_instance(self: Evaluator, value: Any, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    method = value.cls.find("__call__")
    if method is not None:
        return self.call(Bound(method, value), arguments, keywords)
    self.escape_all(arguments, keywords)
    if value.cls.symbol():
        self.escape(value, [], {})  # a library's __call__ calls the user's forward()
    return UNKNOWN


def _call_symbol(self: Evaluator, value: Any, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    return sinks.call(self, value, arguments, keywords)


def _call_method(self: Evaluator, value: Any, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    return methods.call(self, value.receiver, value.name, arguments, keywords)


def _call_generator(self: Evaluator, value: Any, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    self.enter(value)  # a context manager as a decorator
    self.escape_all(arguments, keywords)
    return UNKNOWN


def _call_descriptor(
    self: Evaluator, value: Any, arguments: list[Value], keywords: dict[str, Value]
) -> Value:
    return self.call(value.function, arguments, keywords)


_CALL: Final[dict[type, Callable[[Evaluator, Any, list[Value], dict[str, Value]], Value]]] = {
    Function: lambda self, value, arguments, keywords: self.call_function(value, arguments, keywords),
    Class: _call_class,
    Bound: _call_bound,
    Partial: _call_partial,
    Native: _call_native,
    Instance: _call_instance,
    Symbol: _call_symbol,
    Method: _call_method,
    Generator: _call_generator,
    Descriptor: _call_descriptor,
}


# -- entry points ----------------------------------------------------------------------------------


def run_cell(source: str, state: State) -> None:
    """Evaluate a notebook cell with IPython syntax.

    Facts go to ``state.facts``; names, files and environment are left as the
    cell would leave them, as far as that is known.

    Parameters
    ----------
    source : str
        The cell as the kernel gets it.
    state : State
        ``state.sources`` holds the cells before this one, not this one.

    Raises
    ------
    OutOfBudget
        When ``state.budget`` is used up; what was found until then is in ``state.facts``.
    """
    number = next(
        (index + 1 for index, each in enumerate(state.sources) if each is source), len(state.sources) + 1
    )
    whole = Span(1, 0, source.count("\n") + 1, 0)
    unit = Unit(source, Origin(whole, True), [], 1, number)
    self = _evaluator(state, unit)
    if len(source) > MAX_SOURCE:
        state.emit(Kind.OPAQUE, "too-large", unit.origin)
        source = source[: source.rfind("\n", 0, MAX_SOURCE) + 1 or MAX_SOURCE]
        self.unit = unit = Unit(source, unit.origin, [], 1, number)
    try:
        if self.session.transformers:
            source, unit = _transformed(self, source, unit)
            self.unit = unit
        shell.tell_cell(self, source)
        value = magics.run_source(self, source, unit.first_line)
        if value is not None:
            _display(self, value)
            if number > len(state.sources) and len(state.outputs) < 1000:
                state.outputs[number] = value
        _run_deferred(self)
    except (RecursionError, MemoryError):
        state.emit(Kind.OPAQUE, "too-deep", unit.origin)


def statements(source: str, number: int) -> list[Statement]:
    """Statements of a cell that was cleared, as :class:`.unread.Unread` keeps them."""
    parsed = parse(source)
    unit = Unit(source, Origin(Span(1, 0, source.count("\n") + 1, 0), True), parsed.lines, 1, number)
    lines = source.split("\n")
    return [
        Statement(each, unit, number, each is parsed.body[-1], find_words(text_of(each, lines)))
        for each in parsed.body
    ]


def replay_users(names: set[str], state: State) -> None:
    """Evaluate the waiting statements that mention one of ``names``."""
    assert state.unread is not None
    self = _evaluator(state, Unit("", Origin(Span(1, 0, 1, 0)), [], 0, len(state.sources)))
    found = state.unread.take_users(names, self.is_module)
    if found:
        self.replay(found)


def replay_writers(path: str, state: State) -> None:
    """Evaluate the waiting statements by which a library may have written ``path``."""
    assert state.unread is not None
    session = state.names.get(heat.SESSION)
    if isinstance(session, Session) and session.evaluator is not None:
        self = session.evaluator
        found = state.unread.take_writers(path, self.is_module)
        if found:
            self.replay(found)


def _display(self: Evaluator, value: Value) -> None:
    """Show the value of a cell: its own methods for that are called."""
    hook = self.session.patched.get("sys.displayhook")
    if hook is not None:
        self.call(hook, [value])
    if type(value) is not Instance:
        return
    for name in ("_ipython_display_", "_repr_mimebundle_", "_repr_html_", "_repr_pretty_", "__repr__"):
        method = value.cls.find(name)
        if method is not None:
            self.call(Bound(method, value), [])


def _evaluator(state: State, unit: Unit) -> Evaluator:
    """Return the session's evaluator, ready to run ``unit`` with the kernel's names."""
    names = state.names
    session = names.get(heat.SESSION)
    if not isinstance(session, Session):
        session = names[heat.SESSION] = Session()
    frame = Frame("module", names, names, None)
    if session.evaluator is None:
        session.evaluator = Evaluator(session, state, unit, frame)
    else:
        session.evaluator.begin(state, unit, frame)
    return session.evaluator


def _transformed(self: Evaluator, source: str, unit: Unit) -> tuple[str, Unit]:
    """Return the cell as the program's own input transformers leave it."""
    text = source
    for transformer in self.session.transformers[:8]:
        lines = self.call(transformer, [text.splitlines(True)])
        if type(lines) is list and all(type(each) is str for each in lines):
            text = "".join(lines)
        elif type(lines) is str:
            text = lines
    if text == source:
        return source, unit
    return text, Unit(text, Origin(unit.origin.span, False, ("input transformer",)), [], 0, unit.cell)


def _run_deferred(self: Evaluator) -> None:
    """Call again what earlier cells left to be called later: its data may have changed."""
    facts = self.state.facts
    for each in list(self.session.deferred):
        now = heat.fingerprint(each.function, each.arguments)
        changed = each.worked_on != now
        each.worked_on = now
        if not changed or self.hurried:
            continue
        before = len(facts)
        self.calls = max(0, self.calls - self.MAX_CALLS // 8)
        try:
            self.call(each.function, each.arguments, each.keywords)
        except (Raised, Enough):
            continue
        finally:
            new = [fact for fact in facts[before:] if (fact.kind, fact.value) not in each.reported]
            facts[before:] = new
            each.reported.update((fact.kind, fact.value) for fact in new)
        each.worked_on = heat.fingerprint(each.function, each.arguments)


def run_python(
    source: str, state: State, origin: Origin, *, fresh: bool, argv: Sequence[str] | None = None
) -> None:
    """Evaluate Python text met in a nested place: ``python -c``, a script, a here-document.

    Parameters
    ----------
    source : str
    state : State
    origin : Origin
        The place in the cell that facts point at, and how the text was found.
    fresh : bool
        Whether the text runs in a process of its own, or with the kernel's names.
    argv : sequence of str, optional
        What ``sys.argv`` holds meanwhile.
    """
    budget = state.budget
    if budget.depth >= budget.MAX_DEPTH:
        state.emit(Kind.OPAQUE, "too-deep", origin)
        return
    if len(source) > budget.MAX_SIZE:
        state.emit(Kind.OPAQUE, "too-large", origin)
        return
    budget.spend(len(source) // 16 + 1)
    session = state.names.get(heat.SESSION)
    first_line = origin.span.line if origin.verbatim and origin.span.column == 0 else 0
    unit = Unit(source, origin, [], first_line, len(state.sources) + 1)
    if (
        not isinstance(session, Session)
        or session.evaluator is None
        or session.evaluator.budget is not budget
    ):
        self = _evaluator(state, unit)
    else:
        self = session.evaluator
    outer = state.names, state.unread
    if fresh:  # what waits in the kernel is not there in another process
        state.names, state.unread = {heat.SESSION: self.session}, None
    names = state.names

    def work() -> None:
        if source.lstrip()[:1] == "{" and '"cells"' in source and (cells := library.notebook_cells(source)):
            kernels.run_notebook(self, cells)
        else:
            self.run(parse_python(source))

    try:
        with self.session.argv(argv):
            self.inside(unit, self.frame_of(names), work)
    except (RecursionError, MemoryError):
        state.emit(Kind.OPAQUE, "too-deep", origin)
    finally:
        state.names, state.unread = outer


def lookup_text(name: str, state: State) -> str | None:
    """Text of a kernel variable or expression, None if it is not bound or not known."""
    whole = Span(1, 0, 1, 0)
    self = _evaluator(state, Unit(name, Origin(whole), [], 0, 0))
    body = parse_python(name.strip())
    if len(body) != 1 or type(body[0]) is not ast.Expr:
        return None
    value = self.evaluate(body[0].value)
    return None if isinstance(value, Unknown) else self.text(value)


def hot_names(state: State, known: set[str] | None = None) -> set[str]:
    """Names of the session that lead to a sink: a cell that mentions one has to be evaluated.

    With ``known``, only what the session's files and deferred calls add to these.
    """
    session = state.names.get(heat.SESSION)
    hot = heat.names(state.names) if known is None else set(known)
    # A module that the session wrote does what it does when it is imported.
    modules = [path.removesuffix("/__init__.py") for path in state.files if path.endswith(".py")]
    hot.update(path.rpartition("/")[2].removesuffix(".py") for path in modules)
    hot.update(state.magics)
    if isinstance(session, Session):
        if session.deferred:
            hot |= heat.reached([each.function for each in session.deferred], state.names)
        if session.patched:
            hot |= heat.patched(session.patched, hot)
        for function in (*session.transformers, *session.told):
            hot |= heat.constants(function)
        for each in session.rewriters:
            hot = hot.union(*map(heat.constants, each.cls.namespace.values()))
    return hot
