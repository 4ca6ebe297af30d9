"""What code does: from the text of a cell to facts, without running any of it.

Pure with respect to the world: no Jupyter, no network, no files; what earlier
cells left behind is in the :class:`History` that the caller holds. It knows no
rule and judges nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from jupyter_tos_guard.inspection.facts import HOLE, Fact, Kind, Span
from jupyter_tos_guard.inspection.history import History
from jupyter_tos_guard.inspection.state import Budget, OutOfBudget

__all__ = ["HOLE", "Budget", "Cell", "Fact", "History", "Inspection", "Kind", "Span", "inspect"]


#: Characters of a cell that are read whole: the 99th percentile of real cells is
#: 3,500, the largest seen 76,000. Of a larger one, so many at each end are
#: read, and so many of the shell and magic lines between.
MAX_CELL = 100_000
MAX_CELL_LINES = 3_000
PIECE = 32_000
MAX_LINES = 100


class Cell(NamedTuple):
    """A cell as it was sent to a kernel; ``language`` is the kernel's, lower case."""

    source: str
    language: str = "python"


class Inspection(NamedTuple):
    """What was found.

    ``complete`` is False when the budget ended before the cell did; ``cleared``
    is True when the first pass was enough, so that the outcome depends on
    nothing but the cell and the session's hot names; ``words`` are then the
    cell's words. ``defect`` names what a defect of ours raised, if any: the facts
    are then those that were found in spite of it.
    """

    facts: tuple[Fact, ...]
    complete: bool = True
    cleared: bool = False
    words: frozenset[str] = frozenset()
    defect: str = ""


def inspect(cell: Cell, history: History, budget: Budget) -> Inspection:
    """Find what a cell does, and add the cell to its kernel's history.

    Parameters
    ----------
    cell : Cell
    history : History
        The kernel's earlier cells; this one is added.
    budget : Budget
        Steps and time that may be spent.

    Raises
    ------
    Exception
        Whatever a defect of the inspection raises: the caller has a named
        answer for it (:data:`jupyter_tos_guard.guard.ANSWERS`).
    """
    source = cell.source
    if cell.language not in ("python", "ipython", "python3"):
        return _inspect_foreign(cell, history, budget)
    if len(source) <= MAX_CELL:
        # IPython ends a magic's line wherever str.splitlines does, so that a command may
        # follow a form feed; elsewhere such may stand in strings: both readings are looked at.
        lines = source.splitlines()
        if len(lines) > source.count("\n") + (source[-1:] != "\n"):
            found = _inspect_python("\n".join(lines), history, budget)
            if found.facts:
                return found
    return _inspect_python(source, history, budget)


def _inspect_python(source: str, history: History, budget: Budget) -> Inspection:
    if len(source) > MAX_CELL or source.count("\n") > MAX_CELL_LINES:
        return _inspect_large(source, history, budget)
    screening = history.screen(source, history.hot)
    if screening.clear:
        history.remember(source, screening.words)
        return Inspection((), cleared=True, words=screening.words)
    facts, complete, defect = history.evaluate(source, budget)
    return Inspection(facts, complete, defect=defect)


def _inspect_large(source: str, history: History, budget: Budget) -> Inspection:
    """Look at the beginning, the end and the shell lines of a cell too large to be read in time."""
    found: list[Fact] = []
    for first_line, piece in _abridge(source):
        facts, complete, _ = history.evaluate(piece, budget)
        found += [fact._replace(span=_shift(fact.span, first_line)) for fact in facts]
        if not complete:
            break
    whole = Span(1, 0, source.count("\n") + 1, 0)
    found.append(Fact(Kind.OPAQUE, "too-large", whole))
    return Inspection(tuple(found), complete=False)


def _abridge(source: str) -> list[tuple[int, str]]:
    """Pieces of ``source`` with the number of lines before each."""
    half = min(PIECE, len(source) // 2)
    head = source.find("\n", half, 2 * half) + 1 or half
    head = min(head, len(source) - len(source.split("\n", MAX_CELL_LINES // 3)[-1]) or head)
    tail = source.find("\n", len(source) - half) + 1 or len(source) - half
    tail = max(tail, len(source.rsplit("\n", MAX_CELL_LINES // 3)[0]) + 1, head)
    pieces = [(0, source[:head]), (source.count("\n", 0, tail), source[tail:])]
    for mark in ("\n!", "\n%"):
        at, before, seen = head - 1, source.count("\n", 0, head), head
        for _ in range(MAX_LINES):
            at = source.find(mark, at, tail) + 1
            if not at:
                break
            end = source.find("\n", at, tail)
            before += source.count("\n", seen, at)
            seen = at
            pieces.append((before, source[at : end if end > 0 else tail][:2000]))
    return pieces


def _shift(span: Span, lines: int) -> Span:
    return span._replace(line=span.line + lines, end_line=span.end_line + lines)


def _inspect_foreign(cell: Cell, history: History, budget: Budget) -> Inspection:
    from jupyter_tos_guard.inspection.shell.interpreter import inspect_foreign

    state = history.state
    state.budget = budget
    state.facts = []
    history.revision += 1
    complete = True
    try:
        inspect_foreign(cell.source, cell.language, state)
    except OutOfBudget:
        complete = False
    facts = tuple(state.facts)
    state.facts = []
    return Inspection(facts, complete)
