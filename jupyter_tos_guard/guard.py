"""The single decision point: a cell in, a :class:`Decision` out.

Every place that can stop a cell (kernel, Jupyter server, command line) asks
:meth:`Guard.check` and nothing else. It records nothing and shows nothing; it
never raises. What it answers when it cannot decide is in one table,
:data:`ANSWERS`.
"""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol

from jupyter_tos_guard.inspection import Budget, Cell, Fact, History, Inspection, Kind, inspect
from jupyter_tos_guard.inspection.digests import exact_digest, text_facts
from jupyter_tos_guard.inspection.screen import Screen
from jupyter_tos_guard.policy.bundle import Bundle, BundleError
from jupyter_tos_guard.policy.decision import Decision, Finding, Reason
from jupyter_tos_guard.policy.matching import match
from jupyter_tos_guard.policy.model import Account, Exemption, Mode, Verdict, Where
from jupyter_tos_guard.strikes.standing import Seen

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


class Settings(NamedTuple):
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

    @property
    def account(self) -> Account:
        """What holds beside it, as of the last call of :meth:`current`; the same object until it changes."""


class HubSource(Source, Protocol):
    """A source that also knows where the hub sees the user."""

    def seen(self) -> Seen | None:
        """Return it; None when the hub has not said yet."""


#: What holds where there is no central server.
NO_ACCOUNT = Account()


def age_problem(bundle: Bundle, refreshed: float, now: float) -> tuple[Reason | None, str]:
    """Say whether a policy that was last refreshed then has ended or is stale now."""
    if bundle.expires and now > bundle.expires:
        return Reason.EXPIRED_POLICY, f"policy {bundle.version} has ended by its own date"
    if bundle.refresh_days and now - refreshed > bundle.refresh_days * 86_400:
        days = int((now - refreshed) / 86_400)
        return Reason.STALE_POLICY, f"policy {bundle.version} was last refreshed {days} days ago"
    return None, ""


class BundleFile:
    """A compiled policy in a file, reopened when the file is replaced.

    The last good policy stays in force while a new one cannot be opened.

    Parameters
    ----------
    path : pathlib.Path
    every : float
        Seconds between two looks at the file.
    """

    account = NO_ACCOUNT

    def __init__(self, path: Path, every: float = 1.0) -> None:
        self._path = path
        self._every = every
        self._looked = float("-inf")
        self._stamp: tuple[int, int, int] | None = None
        self._refreshed = 0.0
        self._bundle: Bundle | None = None
        self._problem: tuple[Reason, str] | None = None

    def current(self, now: float) -> tuple[Bundle | None, Reason | None, str]:
        """See :class:`Source`."""
        if not 0 <= now - self._looked < self._every:  # the clock may have been set back, too
            self._looked = now
            self._look()
        bundle = self._bundle
        if bundle is None:
            reason, detail = self._problem or (Reason.NO_POLICY, f"there is no policy at {self._path}")
            return None, reason, detail
        return (bundle, *age_problem(bundle, self._refreshed, now))

    def _look(self) -> None:
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            self._refreshed = stat.st_mtime
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


#: The guard's own line magics can never be stopped. Only plain words may follow:
#: IPython evaluates ``{…}`` and ``$…`` in a magic's line, so those are inspected.
_FAILSAFE = re.compile(r"\s*%{1,2}tos(?:[^\S\n]+(?:status|terms|strikes|help|run)[\w \t-]*)?\s*")


class _Cached(NamedTuple):
    """A decision and what it depends on beside cell, policy and account."""

    inspection: Inspection
    revision: int
    decision: Decision


class Guard:
    """Decides for one kernel.

    Parameters
    ----------
    source : Source
        Where the policy comes from.
    settings : Settings, optional
    where : Where, optional
        Who and where the kernel is.
    clock : callable, optional
        Seconds since the epoch: for expiry, exemptions and looking at the policy file.
    timer : callable, optional
        Monotonic seconds: for the time limit.
    """

    #: Decisions remembered, by the cell's text; the oldest half goes when it is full.
    MAX_CACHED: ClassVar[int] = 512
    #: Characters of a cell up to which its decision is remembered: the history keeps such texts anyway.
    MAX_CACHED_CELL: ClassVar[int] = 100_000

    def __init__(
        self,
        source: Source,
        settings: Settings | None = None,
        where: Where | None = None,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.source = source
        self.settings = settings or Settings()
        self.where = where or Where()
        self.clock = clock
        self.timer = timer
        self._history: History | None = None
        self._bundle: Bundle | None = None
        self._enabled: frozenset[str] = frozenset()
        self._earlier: frozenset[int] = frozenset()
        self._looks_at_text = False
        self._cache: dict[str, _Cached] = {}
        self._account: Account | None = None
        self._blocked: frozenset[str] = frozenset()
        self._exemptions: tuple[Exemption, ...] = ()
        self._next_end = float("inf")
        self._is_asked = False

    @classmethod
    def load(
        cls, policy: Path | None = None, settings: Settings | None = None, where: Where | None = None
    ) -> Guard:
        """Return a guard over a compiled policy file, the default pack if none is given."""
        return cls(BundleFile(policy or DEFAULT_POLICY), settings, where)

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
        try:
            return self._check(cell, acknowledged)
        except Exception as error:
            # A defect of ours may not cost anybody a cell.
            return self._answer(
                Reason.INSPECTION_FAILED,
                exact_digest(cell.source),
                f"{type(error).__name__} while inspecting the cell",
            )

    def asked(self) -> Guard:
        """Return a copy to put questions to: they leave no trace in this one's history.

        Its answers are those of the policy, even while running code is paused for the user.
        """
        other = copy.copy(self)
        other._history = self._history and self._history.copy()
        other._cache = {}
        other._is_asked = True
        return other

    def mode(self, bundle: Bundle | None) -> Mode:
        """Return the mode in force: the hub's monitor, else the settings', else the policy's."""
        if self.source.account.mode is Mode.MONITOR:
            return Mode.MONITOR
        return self.settings.mode or (bundle.mode if bundle else Mode.MONITOR)

    def forget(self) -> None:
        """Start a new session: the kernel was restarted."""
        self._history = None
        self._earlier = frozenset()
        self._cache.clear()

    def _check(self, cell: Cell, acknowledged: bool) -> Decision:
        # A Jupyter server comes here some times a second and does much else in between: what is called
        # has left the processor's caches by then. So what seldom matters is asked about before it is called.
        source = cell.source
        now = self.clock()
        bundle, problem, detail = self.source.current(now)
        account = self.source.account
        if bundle is None:
            return self._paused(account, None, cell, now) or self._answer(
                problem or Reason.NO_POLICY, exact_digest(source), detail
            )
        history = self._history
        if history is None or bundle is not self._bundle:
            history = self._session(bundle)
        if account is not self._account or now >= self._next_end:
            self._take(account, now)
        if account.paused is not None:
            paused = self._paused(account, bundle, cell, now)
            if paused is not None:
                return paused
        cached = self._cache.get(source)
        if cached is not None and not acknowledged:
            inspection = cached.inspection
            if cached.revision == (history.hot_revision if inspection.cleared else history.revision):
                history.remember(source, inspection.words)
                return cached.decision
        digest = exact_digest(source)
        if "%tos" in source and _FAILSAFE.fullmatch(source):
            return self._clear(Reason.FAILSAFE, bundle, digest)
        inspection = inspect(cell, history, Budget(self.settings.time_limit, clock=self.timer))
        facts = inspection.facts
        if self._looks_at_text:
            facts += text_facts(
                source,
                exact=digest,
                digests=bundle.has(Kind.DIGEST),
                fingerprints=bundle.has(Kind.FINGERPRINT),
            )
        if not inspection.complete:
            problem, detail = Reason.TIME_LIMIT, "the time limit was reached"
        elif inspection.defect:
            problem, detail = Reason.INSPECTION_FAILED, f"{inspection.defect} while inspecting the cell"
        if facts or problem:
            decision = self._judge(facts, bundle, digest, now, acknowledged, problem, detail)
        else:
            decision = self._clear(Reason.CLEAR, bundle, digest)
        if not acknowledged and len(source) <= self.MAX_CACHED_CELL:
            revision = history.hot_revision if inspection.cleared else history.revision
            self._keep(source, _Cached(inspection, revision, decision))
        return decision

    def _session(self, bundle: Bundle) -> History:
        """Begin a session, or let a new policy take one over."""
        # What earlier cells matched under another policy has other predicate numbers and is forgotten.
        self._bundle = bundle
        self._earlier = frozenset()
        self._cache.clear()
        self._enabled = self._clauses(bundle)
        self._looks_at_text = bundle.has(Kind.DIGEST) or bundle.has(Kind.FINGERPRINT)
        if self._history is None:
            self._history = History(bundle.interesting_module)
        else:
            self._history.screen = Screen(bundle.interesting_module)
        return self._history

    def _take(self, account: Account, now: float) -> None:
        """Decide by this account from now on, until something in it ends by itself."""
        self._account = account
        self._cache.clear()
        ended = account.until is not None and account.until <= now
        self._blocked = frozenset() if ended else account.blocked_clauses
        self._exemptions = (*self.settings.exemptions, *account.exemptions)
        ends = [exemption.until for exemption in self._exemptions]
        if account.until is not None:
            ends.append(account.until)
        self._next_end = min((end for end in ends if end > now), default=float("inf"))

    def _paused(self, account: Account, bundle: Bundle | None, cell: Cell, now: float) -> Decision | None:
        """Return the answer to everything while running code is paused for the user, if it is.

        Our own magics are not stopped, nor what holds no code: front ends send such requests to
        find out whether a kernel lives. A hub in monitor mode stops nothing, this included.
        """
        pause = account.paused
        if pause is None or self._is_asked or (pause.until is not None and pause.until <= now):
            return None
        mode = self.mode(bundle)
        if mode is Mode.MONITOR or not cell.source.strip() or _FAILSAFE.fullmatch(cell.source):
            return None
        version, block = bundle.version if bundle else "", Verdict.BLOCK
        digest = exact_digest(cell.source)
        return Decision(block, block, (), Reason.RESTRICTED, mode, version, digest, pause.reason)

    def _clauses(self, bundle: Bundle) -> frozenset[str]:
        settings = self.settings
        clauses = bundle.terms.clauses
        return frozenset(
            clause.id
            for clause in clauses
            if (clause.enabled or clause.id in settings.enable or "all" in settings.enable)
            and clause.id not in settings.disable
        )

    def _judge(
        self,
        facts: tuple[Fact, ...],
        bundle: Bundle,
        digest: str,
        now: float,
        acknowledged: bool,
        problem: Reason | None,
        detail: str,
    ) -> Decision:
        matches = match(
            bundle,
            facts,
            earlier=self._earlier,
            where=self.where,
            now=now,
            enabled=self._enabled,
            exemptions=self._exemptions,
            blocked=self._blocked,
            softened=self.source.account.softened,
        )
        if matches.predicates:
            self._earlier |= matches.predicates
        findings = matches.findings
        reason = Reason.RULE if findings else Reason.EXEMPT if matches.exempted else Reason.CLEAR
        if problem:
            return self._answer(problem, digest, detail, bundle, findings)
        verdict = findings[0].verdict if findings else Verdict.ALLOW
        effect = self._effect(verdict, bundle)
        if acknowledged and verdict is Verdict.WARN:
            effect, reason = Verdict.OBSERVE, Reason.ACKNOWLEDGED
        return Decision(verdict, effect, findings, reason, self.mode(bundle), bundle.version, digest)

    def _clear(self, reason: Reason, bundle: Bundle, digest: str) -> Decision:
        return Decision(Verdict.ALLOW, Verdict.ALLOW, (), reason, self.mode(bundle), bundle.version, digest)

    def _answer(
        self,
        reason: Reason,
        digest: str,
        detail: str,
        bundle: Bundle | None = None,
        findings: tuple[Finding, ...] = (),
    ) -> Decision:
        answer = ANSWERS[reason]
        opened = answer.default_open and reason not in self.settings.fail_closed
        verdict = answer.opened if opened else answer.closed
        if findings and findings[0].verdict >= verdict:
            verdict, reason = findings[0].verdict, Reason.RULE
        version = bundle.version if bundle else ""
        effect = self._effect(verdict, bundle)
        return Decision(verdict, effect, findings, reason, self.mode(bundle), version, digest, detail)

    def _effect(self, verdict: Verdict, bundle: Bundle | None) -> Verdict:
        return verdict if self.mode(bundle) is Mode.ENFORCE else min(verdict, Verdict.OBSERVE)

    def _keep(self, source: str, cached: _Cached) -> None:
        cache = self._cache
        if len(cache) >= self.MAX_CACHED:
            for oldest in list(cache)[: self.MAX_CACHED // 2]:
                del cache[oldest]
        cache[source] = cached
