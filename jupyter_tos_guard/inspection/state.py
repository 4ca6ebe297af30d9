"""What one kernel's cells have left behind, as far as it is known without running them.

The Python evaluator (:mod:`.evaluation`) and the shell (:mod:`.interpreter`) both
read and write it, and both report facts through it: it is where a value made
in one language is found by the other. It decides nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from jupyter_tos_guard.inspection.facts import Fact, Kind, Span

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.unread import Unread


class OutOfBudget(Exception):
    """Inspection has used up its steps, its depth or its time."""


class Budget:
    """What one inspection may cost.

    Call :meth:`spend` in every loop and before every node; it raises
    :class:`OutOfBudget`. The clock is looked at every 64 steps only.

    Parameters
    ----------
    seconds : float
        Wall time, by ``clock``, counted from construction.
    steps : int
        Nodes evaluated, words expanded, bytes/64 decoded: whatever the caller spends.
    clock : callable
        Monotonic seconds; injected so that inspection stays testable.
    """

    #: Longest string or container, in characters, bytes or items, that any step may make.
    MAX_SIZE: ClassVar[int] = 1 << 20
    #: How deep calls, nested shells and decoded programs may go.
    MAX_DEPTH: ClassVar[int] = 24

    __slots__ = ("_clock", "_deadline", "_next_look", "depth", "left")

    def __init__(
        self,
        seconds: float = 0.05,
        steps: int = 200_000,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._clock = clock
        self._deadline = clock() + seconds
        self.left = steps
        self._next_look = steps - 64
        self.depth = 0

    def spend(self, steps: int = 1) -> None:
        """Count ``steps``; raise :class:`OutOfBudget` when there are none left."""
        self.left = left = self.left - steps
        if left < self._next_look:
            self._next_look = left - 64
            if left < 0 or self._clock() > self._deadline:
                raise OutOfBudget

    def excuse(self, seconds: float) -> None:
        """Do not count ``seconds`` that went into something else, as loading code for the first time."""
        self._deadline += seconds

    def remaining(self) -> float:
        """Seconds until the deadline."""
        return self._deadline - self._clock()


class Origin(NamedTuple):
    """Where a piece of code came from.

    Attributes
    ----------
    span : Span
        The place in the user's cell to point at.
    verbatim : bool
        Whether the piece stands in the cell letter by letter from
        ``span``'s beginning, so that an offset in it can be turned into a line and column.
    provenance : tuple of str
        Steps that led to the piece, outermost first.
    """

    span: Span
    verbatim: bool = False
    provenance: tuple[str, ...] = ()

    def locate(self, text: str, start: int, end: int) -> Span:
        """Span in the cell of ``text[start:end]``, a part of this piece."""
        if not self.verbatim:
            return self.span
        line, column = self.span.line, self.span.column

        def place(offset: int) -> tuple[int, int]:
            newlines = text.count("\n", 0, offset)
            if not newlines:
                return line, column + offset
            return line + newlines, offset - text.rfind("\n", 0, offset) - 1

        return Span(*place(start), *place(end))


class File:
    """A file that the session wrote, fetched or moved.

    ``content`` is None when it is not known (a download); ``source`` then says
    where it is from (a canonical URL or repository).
    """

    __slots__ = ("content", "executable", "source")

    def __init__(
        self, content: str | bytes | None = None, source: str = "", executable: bool = False
    ) -> None:
        self.content = content
        self.source = source
        self.executable = executable


class State:
    """Everything known about one kernel between its cells.

    Attributes
    ----------
    names : dict
        The kernel's global Python names; values are those of :mod:`.evaluation`.
    environ : dict
        Process environment (``%env``, ``os.environ``): what child shells inherit.
    files : dict
        Path as written (normalised: ``~`` and ``./`` folded, relative to
        ``cwd``) to :class:`File`.
    cwd : str
        Current folder, ``""`` for wherever the kernel started.
    magics : dict
        User-defined ``%alias`` texts and registered magic functions by name.
    sources : list of str
        Cells run so far (``In``), bounded by the caller.
    outputs : dict
        Value of the last expression of cell N (``Out``), where known.
    facts : list of Fact
        What the inspection under way has found; the caller empties it.
    defect : str
        What a defect of ours raised while a statement was evaluated, empty if
        nothing did; the caller empties it.
    unread : Unread or None
        Statements whose effects are not in here yet; None: there are none.
    """

    #: At most so many facts a cell: a policy needs no more to decide, and a cell
    #: that prints ten thousand commands must not cost ten thousand look-ups.
    MAX_FACTS: ClassVar[int] = 2000

    __slots__ = (
        "budget", "cwd", "defect", "environ", "facts", "files",
        "magics", "names", "outputs", "sources", "unread",
    )  # fmt: skip

    def __init__(self, budget: Budget | None = None) -> None:
        self.names: dict[str, object] = {}
        self.environ: dict[str, str] = {}
        self.files: dict[str, File] = {}
        self.cwd = ""
        self.magics: dict[str, object] = {}
        self.sources: list[str] = []
        self.outputs: dict[int, object] = {}
        self.facts: list[Fact] = []
        self.budget = budget or Budget()
        self.unread: Unread | None = None
        self.defect = ""

    def emit(self, kind: Kind, value: str, origin: Origin, text: str = "") -> None:
        """Report a fact found at ``origin``."""
        if value and len(self.facts) < self.MAX_FACTS:
            self.facts.append(Fact(kind, value[:2000], origin.span, origin.provenance, text[:500]))
