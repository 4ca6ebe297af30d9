"""What code does: from the text of a cell to facts, without running any of it.

Pure with respect to the world: no Jupyter, no network, no files; what earlier
cells left behind is in the :class:`History` that the caller holds. It knows no
rule and judges nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from jupyter_tos_guard.inspection.facts import HOLE, Fact, Kind, Span
from jupyter_tos_guard.inspection.history import History
from jupyter_tos_guard.inspection.state import Budget, OutOfBudget

__all__ = ["HOLE", "Budget", "Cell", "Fact", "History", "Inspection", "Kind", "Span", "inspect"]


#: Characters of a cell that are read whole. The 99th percentile of real cells is
#: 3,500, the largest seen 76,000; parsing this much takes about 20 ms.
MAX_CELL = 128_000


class Cell(NamedTuple):
    """A cell as it was sent to a kernel; ``language`` is the kernel's, lower case."""

    source: str
    language: str = "python"


class Inspection(NamedTuple):
    """What was found.

    ``complete`` is False when the budget ended before the cell did; ``cleared``
    is True when the first pass was enough, so that the outcome depends on
    nothing but the cell and the session's hot names; ``words`` are then the
    cell's words.
    """

    facts: tuple[Fact, ...]
    complete: bool = True
    cleared: bool = False
    words: frozenset[str] = frozenset()


#: IPython ends a magic's line at these too (by str.splitlines), so that a command may follow; elsewhere
#: they may stand in strings, so both readings are looked at.
_BREAKS = re.compile("\r(?!\n)|[\v\f\x1c-\x1e\x85\u2028\u2029]")


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
    if len(source) <= MAX_CELL and _BREAKS.search(source):
        found = _inspect_python("\n".join(source.splitlines()), history, budget)
        if found.facts:
            return found
    return _inspect_python(source, history, budget)


def _inspect_python(source: str, history: History, budget: Budget) -> Inspection:
    if len(source) > MAX_CELL:
        return _inspect_large(source, history, budget)
    screening = history.screen(source, history.hot)
    if screening.clear:
        history.remember(source, screening.words)
        return Inspection((), cleared=True, words=screening.words)
    return Inspection(*history.evaluate(source, budget))


def _inspect_large(source: str, history: History, budget: Budget) -> Inspection:
    """Look at the beginning, the end and the shell lines of a cell too large to be read in time."""
    found: list[Fact] = []
    for first_line, piece in _abridge(source):
        facts, _ = history.evaluate(piece, budget)
        found += [fact._replace(span=_shift(fact.span, first_line)) for fact in facts]
    whole = Span(1, 0, source.count("\n") + 1, 0)
    found.append(Fact(Kind.OPAQUE, "too-large", whole))
    return Inspection(tuple(found), complete=False)


def _abridge(source: str) -> list[tuple[int, str]]:
    """Pieces of ``source`` with the number of lines before each."""
    head = source.find("\n", MAX_CELL // 2) + 1 or MAX_CELL // 2
    tail = source.find("\n", len(source) - MAX_CELL // 2) + 1 or len(source) - MAX_CELL // 2
    pieces = [(0, source[:head])]
    for mark in ("\n!", "\n%"):
        at, before, seen, size = head - 1, source.count("\n", 0, head), head, 0
        while size < MAX_CELL // 8 and (at := source.find(mark, at, tail)) >= 0:
            at += 1
            end = source.find("\n", at, tail)
            line = source[at : end if end > 0 else tail][:2000]
            before += source.count("\n", seen, at)
            seen = at
            pieces.append((before, line))
            size += len(line)
    pieces.append((source.count("\n", 0, tail), source[tail:]))
    return pieces


def _shift(span: Span, lines: int) -> Span:
    return span._replace(line=span.line + lines, end_line=span.end_line + lines)


def _inspect_foreign(cell: Cell, history: History, budget: Budget) -> Inspection:
    from jupyter_tos_guard.inspection.shell import inspect_foreign

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
