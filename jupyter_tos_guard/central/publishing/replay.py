"""What a version of the policy would have done: recorded acts under the old one and the new one.

Pure and streaming: strikes or sessions in, counts by rule out. What a strike records are
the facts that met *its* rule (or the whole cell, if the hub keeps cells), so from strikes
one sees well what would no longer be hit or be decided otherwise, and less well what
would be newly hit. Sessions in JSON lines are read as a kernel would and show both sides.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import Final, NamedTuple

from jupyter_tos_guard.inspection import Budget, Cell, Fact, History, Kind, Span, inspect
from jupyter_tos_guard.inspection.digests import exact_digest, text_facts
from jupyter_tos_guard.inspection.readable import readable
from jupyter_tos_guard.policy.bundle import Bundle
from jupyter_tos_guard.policy.matching import match
from jupyter_tos_guard.policy.model import Verdict, Where
from jupyter_tos_guard.strikes.strike import Strike

#: Examples kept for each rule and kind of change.
SAMPLES: Final = 3
#: Sets of facts whose outcome is remembered.
_MAX_KNOWN: Final = 20_000
#: Seconds for reading one cell again, and for all of them: what clients sent may be made to be slow.
_BUDGET: Final = 0.2
_READING: Final = 60.0
_NOWHERE = Span(1, 0, 1, 0)
_KINDS: Final[Mapping[str, Kind]] = {kind.value: kind for kind in Kind}


class Effect(NamedTuple):
    """What changes for one rule.

    Attributes
    ----------
    rule, title, clause : str
    was, now : str
        The rule's verdict in the versions, empty when it is not in one.
    newly, no_longer : int
        Cells that only the new version, or only the old one, finds.
    stricter, milder, same : int
        Cells that both find, by what becomes of the rule's verdict.
    samples : tuple of str
        Fragments of cells for which something changes, fit to be shown.
    """

    rule: str
    title: str
    clause: str
    was: str
    now: str
    newly: int
    no_longer: int
    stricter: int
    milder: int
    same: int
    samples: tuple[str, ...]

    @property
    def changes(self) -> int:
        """In how many cells it decides otherwise."""
        return self.newly + self.no_longer + self.stricter + self.milder


class Replay(NamedTuple):
    """The outcome.

    Attributes
    ----------
    cells : int
        Looked at.
    unknown : int
        Of which nothing can be said: recorded without facts, or by what an earlier cell did.
    effects : tuple of Effect
        The rules for which anything was found, those with most changes first.
    cells_stricter, cells_milder : int
        Cells whose strictest verdict would have been another.
    """

    cells: int
    unknown: int
    effects: tuple[Effect, ...]
    cells_stricter: int
    cells_milder: int

    @property
    def changes(self) -> bool:
        """Whether anything would have been decided otherwise."""
        return any(effect.changes for effect in self.effects)


def replay_strikes(strikes: Iterable[Strike], old: Bundle, new: Bundle) -> Replay:
    """Put recorded strikes to both versions.

    Parameters
    ----------
    strikes : iterable of Strike
        In the order of time: those of one cell one after the other.
    old, new : Bundle

    Raises
    ------
    BundleError
        One of the bundles is damaged.
    """
    count = _Count(old, new)
    left = _READING

    @lru_cache(_MAX_KNOWN)
    def read_again(source: str) -> tuple[Fact, ...]:
        nonlocal left
        start = time.perf_counter()
        facts = tuple(_facts(Cell(source), count.history())) if left > 0 else ()
        left -= time.perf_counter() - start
        return facts

    for _, group in groupby(strikes, key=lambda strike: (strike.request, strike.kernel, strike.cell_digest)):
        of_cell = list(group)
        first = of_cell[0]
        facts = {
            Fact(_KINDS[kind], value, _NOWHERE)
            for strike in of_cell
            for kind, value in strike.facts
            if kind in _KINDS
        }
        source = next((strike.evidence for strike in of_cell if _is_whole(strike)), None)
        if source is not None:
            facts.update(read_again(source))
        evidence = next((s.evidence for s in of_cell if s.evidence), "")
        where = Where(user=first.user, server=first.server)
        count.add(facts, where, evidence, {strike.rule for strike in of_cell})
    return count.result()


def replay_sessions(sessions: Iterable[Sequence[Cell]], old: Bundle, new: Bundle) -> Replay:
    """Put whole sessions, cells in the order of execution, to both versions.

    Raises
    ------
    BundleError
        One of the bundles is damaged.
    """
    count = _Count(old, new)
    for cells in sessions:
        history = count.history()
        count.start_session()
        for cell in cells:
            count.add(_facts(cell, history), Where(), cell.source, frozenset())
    return count.result()


#: Verdicts by rule, and the predicates that later cells may need.
_Found = tuple[Mapping[str, Verdict], frozenset[int]]


@dataclass
class _Rule:
    newly: int = 0
    no_longer: int = 0
    stricter: int = 0
    milder: int = 0
    same: int = 0
    samples: list[str] = field(default_factory=list)


class _Count:
    """Adds up what both versions say."""

    def __init__(self, old: Bundle, new: Bundle) -> None:
        self._old, self._new = old, new
        # Whether a clause is on is a setting of each server: a strike shows that it was.
        self._clauses = frozenset(clause.id for each in (old, new) for clause in each.terms.clauses)
        self._infos = [
            {info.id: info for info in map(bundle.info, range(bundle.rule_count))} for bundle in (old, new)
        ]
        self._old_rules = self._infos[0].keys()
        self._asks_where = any(
            info.scope or info.rollout < 100 for infos in self._infos for info in infos.values()
        )
        self._known: dict[object, tuple[_Found, _Found]] = {}
        self._rules: dict[str, _Rule] = {}
        self._cells = Counter[str]()
        self.start_session()

    def history(self) -> History:
        """Return the history of a kernel that has run nothing yet."""
        old, new = self._old, self._new
        return History(lambda name: old.interesting_module(name) or new.interesting_module(name))

    def start_session(self) -> None:
        """Forget earlier cells."""
        self._before: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())

    def add(
        self, facts: Iterable[Fact], where: Where, text: str, recorded: frozenset[str] | set[str]
    ) -> None:
        """Add one cell; ``recorded`` are the rules that it met when it was run."""
        facts = tuple(facts)
        self._cells["all"] += 1
        was, now = self._matched(facts, where)
        if recorded and not was and not now and (not facts or recorded & self._old_rules):
            # By what was recorded, it meets neither: it stood on more than that, such as earlier cells.
            self._cells["unknown"] += 1
            return
        strictest = [max(each.values(), default=Verdict.ALLOW) for each in (was, now)]
        self._cells["stricter"] += strictest[1] > strictest[0]
        self._cells["milder"] += strictest[1] < strictest[0]
        for rule in was.keys() | now.keys():
            self._compare(rule, was.get(rule), now.get(rule), text)

    def _matched(
        self, facts: Sequence[Fact], where: Where
    ) -> tuple[Mapping[str, Verdict], Mapping[str, Verdict]]:
        """Return the verdicts by rule under both versions; the same acts come again and again."""
        key = frozenset(facts), self._before, where if self._asks_where else None
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            known = self._known[key] = self._match(facts, where)
        (was, was_before), (now, now_before) = known
        before = self._before
        self._before = before[0] | was_before, before[1] | now_before
        return was, now

    def _match(self, facts: Sequence[Fact], where: Where) -> tuple[_Found, _Found]:
        found = []
        for bundle, earlier in zip((self._old, self._new), self._before, strict=True):
            # The time matters for exemptions only, and there are none here.
            matches = match(bundle, facts, earlier=earlier, where=where, now=0.0, enabled=self._clauses)
            verdicts = {finding.rule: finding.verdict for finding in matches.findings}
            found.append((verdicts, matches.predicates))
        return found[0], found[1]

    def _compare(self, rule: str, was: Verdict | None, now: Verdict | None, text: str) -> None:
        counted = self._rules.setdefault(rule, _Rule())
        if was is None:
            counted.newly += 1
        elif now is None:
            counted.no_longer += 1
        elif now > was:
            counted.stricter += 1
        elif now < was:
            counted.milder += 1
        else:
            counted.same += 1
            return
        if len(counted.samples) < SAMPLES:
            sample = readable(text.strip(), 120)
            if sample and sample not in counted.samples:
                counted.samples.append(sample)

    def result(self) -> Replay:
        """Return what was added up."""
        effects = []
        for rule, counted in self._rules.items():
            was, now = self._infos[0].get(rule), self._infos[1].get(rule)
            known = now or was
            effects.append(
                Effect(
                    rule=rule,
                    title=known.title if known else "",
                    clause=known.clause if known else "",
                    was=was.verdict.label if was else "",
                    now=now.verdict.label if now else "",
                    newly=counted.newly,
                    no_longer=counted.no_longer,
                    stricter=counted.stricter,
                    milder=counted.milder,
                    same=counted.same,
                    samples=tuple(counted.samples),
                )
            )
        effects.sort(key=lambda effect: (-effect.changes, -effect.same, effect.title, effect.rule))
        cells = self._cells
        return Replay(cells["all"], cells["unknown"], tuple(effects), cells["stricter"], cells["milder"])


def _is_whole(strike: Strike) -> bool:
    """Whether the evidence is the whole cell: its digest says so."""
    return bool(strike.evidence) and exact_digest(strike.evidence) == strike.cell_digest


def _facts(cell: Cell, history: History) -> Iterator[Fact]:
    """Yield what a cell does and what it is, as a kernel would find it."""
    yield from inspect(cell, history, Budget(_BUDGET)).facts
    yield from text_facts(cell.source)
