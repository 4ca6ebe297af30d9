"""The single decision point: a cell in, a :class:`Decision` out.

Every place that can stop a cell (kernel, Jupyter server, command line) asks
:meth:`Guard.check` and nothing else. It records nothing and shows nothing; it
never raises. What it answers when it cannot decide is in one table,
:data:`ANSWERS`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from jupyter_tos_guard.inspection import Budget, Cell, Fact, History, Inspection, Kind, Span, inspect
from jupyter_tos_guard.inspection.digests import exact_digest, fingerprint, shape_digest, token_digest
from jupyter_tos_guard.policy.bundle import Bundle, BundleError
from jupyter_tos_guard.policy.decision import Decision, Finding, Reason
from jupyter_tos_guard.policy.matching import Matches, match
from jupyter_tos_guard.policy.model import Exemption, Mode, Verdict, Where

__all__ = ["ANSWERS", "Answer", "BundleFile", "Cell", "Guard", "Settings"]


class Answer(NamedTuple):
    """What happens to a cell when the guard cannot decide as it should.

    Attributes
    ----------
    opened, closed : Verdict
        The verdict when the hub lets this failure open, or closes on it. What
        the policy found all the same (an expired policy, the part of a cell that
        was read in time) still counts: the stricter of the two holds.
    default_open : bool
        Whether it opens unless the operator says otherwise.
    meaning : str
        For logs, status and the documentation.
    """

    opened: Verdict
    closed: Verdict
    default_open: bool
    meaning: str


#: The one table of fail-open/closed answers.
ANSWERS: Mapping[Reason, Answer] = {
    Reason.NO_POLICY: Answer(
        Verdict.OBSERVE, Verdict.BLOCK, True, "no policy was found where the settings say that it is"
    ),
    Reason.CORRUPT_POLICY: Answer(
        Verdict.OBSERVE, Verdict.BLOCK, True, "the policy file is damaged and there is no last good one"
    ),
    Reason.STALE_POLICY: Answer(
        Verdict.ALLOW, Verdict.BLOCK, True, "the policy was not refreshed for longer than it says it may be"
    ),
    Reason.EXPIRED_POLICY: Answer(
        Verdict.OBSERVE, Verdict.BLOCK, True, "the policy's own end date has passed"
    ),
    Reason.INSPECTION_FAILED: Answer(
        Verdict.OBSERVE, Verdict.BLOCK, True, "a defect of the guard: the cell could not be inspected"
    ),
    Reason.TIME_LIMIT: Answer(
        Verdict.OBSERVE, Verdict.WARN, True, "the cell could not be read to its end within the time limit"
    ),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may set about decisions.

    Attributes
    ----------
    mode : Mode or None
        None: as the policy says.
    enable : frozenset of str
        Clauses to switch on beside those that the policy has on; ``all`` for all.
    disable : frozenset of str
        Clauses to switch off.
    time_limit : float
        Seconds that inspecting one cell may take.
    fail_closed : frozenset of Reason
        Failures on which to close instead of :attr:`Answer.default_open`.
    exemptions : tuple of Exemption
        Vetted uses, beside those of the policy.
    """

    mode: Mode | None = None
    enable: frozenset[str] = frozenset()
    disable: frozenset[str] = frozenset()
    time_limit: float = 0.05
    fail_closed: frozenset[Reason] = frozenset()
    exemptions: tuple[Exemption, ...] = ()


class Source(Protocol):
    """Where the policy in force comes from."""

    def current(self, now: float) -> tuple[Bundle | None, Reason | None, str]:
        """Return the policy, what is wrong with it if anything, and one sentence of detail."""


class BundleFile:
    """A compiled policy in a file, reopened when the file is replaced.

    The last good policy stays in force while a new one cannot be opened.

    Parameters
    ----------
    path : pathlib.Path
    every : float
        Seconds between two looks at the file.
    """

    def __init__(self, path: Path, every: float = 1.0) -> None:
        self._path = path
        self._every = every
        self._next_look = float("-inf")
        self._stamp: tuple[int, int, int] | None = None
        self._bundle: Bundle | None = None
        self._problem: tuple[Reason, str] | None = None

    def current(self, now: float) -> tuple[Bundle | None, Reason | None, str]:
        """See :class:`Source`."""
        if now >= self._next_look:
            self._next_look = now + self._every
            self._look()
        if self._problem is None or self._bundle is not None:
            return self._bundle, None, ""
        return None, *self._problem

    def _look(self) -> None:
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            self._bundle = Bundle.open(self._path)
            self._problem = None
        except FileNotFoundError:
            self._stamp = None
            self._problem = Reason.NO_POLICY, f"there is no policy at {self._path}"
        except OSError as error:
            self._problem = Reason.NO_POLICY, f"the policy {self._path} cannot be read: {error.strerror}"
        except BundleError as error:
            self._problem = Reason.CORRUPT_POLICY, f"the policy {self._path} cannot be used: {error}"


#: The default pack, compiled when the package is built.
DEFAULT_POLICY = Path(__file__).parent / "policy" / "default.bundle"


class _Cached(NamedTuple):
    policy: Bundle
    words: int
    revision: int
    decision: Decision


@dataclass(slots=True)
class Guard:
    """Decides for one kernel.

    Parameters
    ----------
    source : Source
        Where the policy comes from.
    settings : Settings
    where : Where
        Who and where the kernel is.
    clock : callable
        Seconds since the epoch: for expiry, exemptions and looking at the policy file.
    timer : callable
        Monotonic seconds: for the time limit.
    """

    source: Source
    settings: Settings = field(default_factory=Settings)
    where: Where = field(default_factory=Where)
    clock: Callable[[], float] = time.time
    timer: Callable[[], float] = time.perf_counter
    _history: History | None = None
    _bundle: Bundle | None = None
    _enabled: frozenset[str] = frozenset()
    _earlier: frozenset[int] = frozenset()
    _cache: dict[str, _Cached] = field(default_factory=dict)

    #: Decisions remembered; the oldest half goes when it is full.
    MAX_CACHED = 512

    @classmethod
    def load(
        cls, policy: Path | None = None, settings: Settings | None = None, where: Where | None = None
    ) -> Guard:
        """Return a guard over a compiled policy file, the default pack if none is given."""
        return cls(BundleFile(policy or DEFAULT_POLICY), settings or Settings(), where or Where())

    def check(self, cell: Cell, *, acknowledged: bool = False) -> Decision:
        """Decide about one cell, and remember it as part of the kernel's history.

        Parameters
        ----------
        cell : Cell
        acknowledged : bool
            The user was warned about this very cell and wants to run it: a
            verdict of ``warn`` takes effect as ``observe``.

        Returns
        -------
        Decision
            Always: a failure inside is answered by :data:`ANSWERS`.
        """
        digest = ""
        try:
            digest = exact_digest(cell.source)
            return self._check(cell, digest, acknowledged)
        except Exception as error:  # a defect of ours may not cost anybody a cell
            return self._answer(
                Reason.INSPECTION_FAILED, digest, f"{type(error).__name__} while inspecting the cell"
            )

    def forget(self) -> None:
        """Start a new session: the kernel was restarted."""
        self._history = None
        self._earlier = frozenset()
        self._cache.clear()
