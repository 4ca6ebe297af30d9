"""What earlier cells of a kernel mean for the next one, worked out only when it matters.

Most cells reach no sink and are cleared by :mod:`.screen` without being parsed;
they wait in :mod:`.unread`. The others are evaluated statement by statement by
:mod:`.evaluation`, which asks for what it needs of the waiting ones.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

from jupyter_tos_guard.inspection.facts import Fact
from jupyter_tos_guard.inspection.screen import Screen
from jupyter_tos_guard.inspection.state import Budget, OutOfBudget, State
from jupyter_tos_guard.inspection.unread import Cell, Statement, Unread


class History:
    """The cells that one kernel was asked to run, in order, and what is known of their effects.

    A refused cell counts too: that it was tried is part of the session, and one
    meaning everywhere (kernel, server, ``scan``) is worth more than exactness here.

    Parameters
    ----------
    interesting : callable
        Whether a top-level module's name occurs in any rule.
    """

    #: How much of ``In`` is kept, in cells.
    MAX_SOURCES = 1000
    #: Cells that wait to be taken in: most sessions never need them.
    MAX_NEW = 100

    def __init__(self, interesting: Callable[[str], bool]) -> None:
        self.screen = Screen(interesting)
        self.state = State()
        #: Names of this session that lead to sinks: a cell that mentions one is evaluated.
        self.hot: set[str] = set()
        #: Changes whenever a cell was added, and whenever ``hot`` changed: what a
        #: decision about an evaluated cell, and about a cleared one, depends on.
        self.revision = 0
        self.hot_revision = 0
        self.unread = Unread(_split)
        self._new: list[tuple[str, frozenset[str]]] = []

    def remember(self, source: str, words: frozenset[str]) -> None:
        """Keep a cell for later.

        Parameters
        ----------
        source : str
        words : frozenset of str
            Of a cell that was cleared; empty for one that is known from before and was evaluated then.
        """
        if words:
            self.revision += 1
        self._new.append((source, words))
        if len(self._new) > self.MAX_NEW:
            self._take_in()

    def evaluate(self, source: str, budget: Budget) -> tuple[tuple[Fact, ...], bool, str]:
        """Evaluate a cell that may reach a sink.

        Returns
        -------
        facts : tuple of Fact
        complete : bool
            False when the budget ended first.
        defect : str
            What a defect of the evaluation raised, empty if nothing did; the
            facts found in spite of it are there.
        """
        self._take_in()
        before = budget.remaining()
        from jupyter_tos_guard.inspection.python.evaluation import hot_names, replay_users, run_cell

        budget.excuse(before - budget.remaining())  # the first time, this loads the evaluator

        state = self.state
        state.budget = budget
        state.facts = []
        state.defect = ""
        state.unread = self.unread
        self.unread.hot = set(self.hot)
        self.unread.screen = lambda text: self.screen(text, self.unread.hot)
        self.revision += 1
        complete = True
        try:
            run_cell(source, state)
        except OutOfBudget:
            complete = False
        except Exception as error:
            state.defect = type(error).__name__
        facts = tuple(state.facts)
        self._count(source)
        hot = self.unread.hot
        new = hot - self.hot
        known = set(self.hot)
        if not new:
            hot = hot_names(state, hot)
        for _ in range(4):
            if not new:
                break
            # A function that was cleared may call one that has just got its sink.
            if self.unread.mentions(new):
                try:
                    replay_users(new, state)
                except OutOfBudget:
                    complete = False
            known |= new
            hot = hot_names(state)
            new = hot - known
        if hot != self.hot:
            self.hot = hot
            self.hot_revision += 1
        state.facts = []
        return facts, complete, state.defect

    def copy(self) -> History:
        """Return a history that goes its own way from here."""
        self._take_in()
        other = copy.copy(self)
        other._new = []
        other.hot = set(self.hot)
        other.unread = self.unread.copy()
        self.state.unread = None
        other.state = copy.deepcopy(self.state)
        return other

    def _take_in(self) -> None:
        new, self._new = self._new, []
        for source, words in new:
            self._count(source)
            if words:
                self.unread.add_cell(source, len(self.state.sources), words)

    def _count(self, source: str) -> None:
        sources = self.state.sources
        sources.append(source if len(source) < 100_000 else "")
        if len(sources) > self.MAX_SOURCES:
            sources[0 : len(sources) - self.MAX_SOURCES] = []


def _split(cell: Cell) -> list[Statement]:
    from jupyter_tos_guard.inspection.python.evaluation import statements

    return statements(cell.source, cell.number)
