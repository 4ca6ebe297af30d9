"""What earlier cells of a kernel mean for the next one, worked out only when it matters.

Most cells reach no sink and are cleared by :mod:`.screen` without being parsed.
They are kept here, unread, and evaluated when a later cell that does reach a
sink shares words with them: its strings may have been put together there. This
module decides *which* cells to evaluate; :mod:`.evaluation` does it.
"""

from __future__ import annotations

import copy
import keyword
from collections.abc import Callable

from jupyter_tos_guard.inspection.facts import Fact
from jupyter_tos_guard.inspection.screen import Screen, Screening
from jupyter_tos_guard.inspection.state import Budget, OutOfBudget, State

#: Words that two cells may share without having anything to do with each other.
_COMMON = frozenset(keyword.kwlist) | frozenset(
    "print len range str int float list dict set tuple np pd plt tf torch os sys self data "
    "df x y i 0 1 2 3".split()
)


class _Unread:
    """A cleared cell that nobody has needed yet."""

    __slots__ = ("number", "source", "words")

    def __init__(self, number: int, source: str, words: frozenset[str]) -> None:
        self.number = number
        self.source = source
        self.words = words


class History:
    """The cells that one kernel was asked to run, in order, and what is known of their effects.

    A refused cell counts too: that it was tried is part of the session, and one
    meaning everywhere (kernel, server, ``scan``) is worth more than exactness here.

    Parameters
    ----------
    interesting : callable
        Whether a top-level module's name occurs in any rule.
    """

    #: Cells that may wait unread, and their characters; the oldest are dropped first.
    MAX_UNREAD = 500
    MAX_UNREAD_SIZE = 1 << 20
    #: How much of ``In`` is kept, in cells.
    MAX_SOURCES = 1000

    def __init__(self, interesting: Callable[[str], bool]) -> None:
        self.screen = Screen(interesting)
        self.state = State()
        #: Names of this session that lead to sinks: a cell that mentions one is evaluated.
        self.hot: set[str] = set()
        #: Changes whenever a cell was added, and whenever ``hot`` changed: what a
        #: decision about an evaluated cell, and about a cleared one, depends on.
        self.revision = 0
        self.hot_revision = 0
        self._unread: list[_Unread] = []
        self._unread_size = 0

    def remember(self, source: str, words: frozenset[str]) -> None:
        """Keep a cleared cell for later."""
        self._count(source)
        self.revision += 1
        if len(source) > self.MAX_UNREAD_SIZE // 4:
            return  # honest data; a payload this large is met when a sink is fed with it
        self._unread.append(_Unread(len(self.state.sources), source, words))
        self._unread_size += len(source)
        while self._unread_size > self.MAX_UNREAD_SIZE or len(self._unread) > self.MAX_UNREAD:
            self._unread_size -= len(self._unread.pop(0).source)

    def evaluate(self, source: str, screening: Screening, budget: Budget) -> tuple[tuple[Fact, ...], bool]:
        """Evaluate a cell that may reach a sink, after the unread cells that it may depend on.

        Returns
        -------
        facts : tuple of Fact
        complete : bool
            False when the budget ended first.
        """
        from jupyter_tos_guard.inspection.evaluation import hot_names, run_cell

        state = self.state
        state.budget = budget
        self.revision += 1
        complete = True
        try:
            for earlier in self._relevant(screening.words):
                run_cell(earlier.source, state)
        except OutOfBudget:
            complete = False
        state.facts = []  # those cells were cleared: what they seem to do now, they did not do then
        try:
            run_cell(source, state)
        except OutOfBudget:
            complete = False
        facts = tuple(state.facts)
        state.facts = []
        self._count(source)
        hot = hot_names(state)
        if hot != self.hot:
            self.hot = hot
            self.hot_revision += 1
        return facts, complete

    def copy(self) -> History:
        """Return a history that goes its own way from here; programs, which never change, are shared."""
        other = copy.copy(self)
        other.hot = set(self.hot)
        other._unread = list(self._unread)
        other.state = copy.deepcopy(self.state)
        return other

    def repeat(self, source: str, words: frozenset[str]) -> None:
        """Add a cell that is known from before; ``words`` if it was cleared then."""
        if words:
            self.remember(source, words)
        else:
            self._count(source)

    def _count(self, source: str) -> None:
        sources = self.state.sources
        sources.append(source if len(source) < 100_000 else "")
        if len(sources) > self.MAX_SOURCES:
            sources[0 : len(sources) - self.MAX_SOURCES] = []

    def _relevant(self, words: frozenset[str]) -> list[_Unread]:
        """Take the unread cells that share a word with ``words``, or with another such cell."""
        needed = set(words) - _COMMON
        taken: list[_Unread] = []
        waiting = self._unread
        while True:
            found = [each for each in waiting if not needed.isdisjoint(each.words)]
            if not found:
                break
            waiting = [each for each in waiting if needed.isdisjoint(each.words)]
            for each in found:
                needed |= each.words - _COMMON
            taken += found
        if taken:
            taken.sort(key=lambda each: each.number)
            self._unread = waiting
            self._unread_size = sum(len(each.source) for each in waiting)
        return taken
