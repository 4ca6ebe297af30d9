"""The policy in memory: terms, clauses, ladder, exemptions, and what else holds for one person.

Plain data, as named tuples: every kernel imports this, and a frozen data class takes
four times as long to make. Reading rule files is :mod:`.rules`; what clients get is
:mod:`.bundle`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import Any, NamedTuple


class Verdict(IntEnum):
    """What is to happen to a cell, from the mildest to the strictest."""

    ALLOW = 0
    OBSERVE = 1
    WARN = 2
    BLOCK = 3

    @property
    def label(self) -> str:
        """The word used in JSON and on the screen."""
        return self.name.lower()


class Mode(str, Enum):
    """Whether a hub acts on verdicts or only records them."""

    MONITOR = "monitor"
    ENFORCE = "enforce"

    __str__ = str.__str__


class Status(str, Enum):
    """Maturity of a rule, as Sigma names it. Only ``stable`` may block."""

    STABLE = "stable"
    TEST = "test"
    EXPERIMENTAL = "experimental"

    __str__ = str.__str__

    @property
    def ceiling(self) -> Verdict:
        """The strictest verdict that a rule of this maturity may reach."""
        return {
            Status.STABLE: Verdict.BLOCK,
            Status.TEST: Verdict.WARN,
            Status.EXPERIMENTAL: Verdict.OBSERVE,
        }[self]


class Clause(NamedTuple):
    """One numbered clause of the terms.

    ``enabled`` says whether its rules decide without being switched on by the
    operator; ``severe`` lets the ladder skip its first steps.
    """

    id: str
    number: str
    title: str
    text: str
    enabled: bool = True
    severe: bool = False


class Terms(NamedTuple):
    """The human-readable document that the rules enforce."""

    version: str
    title: str
    clauses: tuple[Clause, ...]
    url: str = ""
    contact: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return a mapping that :func:`json.dumps` takes."""
        return {**self._asdict(), "clauses": [clause._asdict() for clause in self.clauses]}


class Ladder(NamedTuple):
    """What strikes cost: policy data, read by :mod:`jupyter_tos_guard.strikes.standing`.

    Attributes
    ----------
    expire_days : int
        A strike stops counting after so many days.
    first_is_warning : bool
        The first strike ever only warns: it never restricts by itself.
    restricted_at, suspended_at : int
        Number of live strikes at which the standing changes.
    restricted_days, suspended_days : int
        How long that lasts.
    severe_weight : int
        How many strikes one of a severe clause counts for.
    """

    expire_days: int = 90
    first_is_warning: bool = True
    restricted_at: int = 3
    suspended_at: int = 5
    restricted_days: int = 7
    suspended_days: int = 30
    severe_weight: int = 3


class Exemption(NamedTuple):
    """A vetted use: these rules or clauses do not apply to these people until then.

    ``subject`` is ``user:NAME`` or ``group:NAME``; ``target`` is
    ``rule:ID``, ``clause:ID`` or ``*``; ``until`` is seconds since the epoch.
    """

    subject: str
    target: str
    until: float
    reason: str = ""


class Pause(NamedTuple):
    """Nothing that the person sends runs, until then (seconds since the epoch; None: until lifted)."""

    reason: str = ""
    until: float | None = None


class Account(NamedTuple):
    """What the hub has laid down beside the policy, for one person and for everybody.

    Everything for everybody only makes the policy milder.

    Attributes
    ----------
    exemptions : tuple of Exemption
        Beside those of the settings.
    blocked_clauses : frozenset of str
        Clauses under which a warning can no longer be passed over: it blocks.
    paused : Pause or None
    until : float or None
        When ``blocked_clauses`` end by themselves, seconds since the epoch.
    softened : Mapping
        Rules that are taken back, by id: the strictest verdict that they still reach.
    mode : Mode or None
        ``MONITOR``: nothing is stopped, whatever policy and settings say. Nothing else has a meaning.
    """

    exemptions: tuple[Exemption, ...] = ()
    blocked_clauses: frozenset[str] = frozenset()
    paused: Pause | None = None
    until: float | None = None
    softened: Mapping[str, Verdict] = {}
    mode: Mode | None = None


class Where(NamedTuple):
    """Who and where the cell runs: what scope, roll-out and exemptions look at."""

    user: str = ""
    groups: tuple[str, ...] = ()
    server: str = ""
    image: str = ""
    kernel: str = ""
    notebook: str = ""
