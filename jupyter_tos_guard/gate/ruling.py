"""What stands between an execute request and the interpreter.

:class:`Gate` takes a :class:`Request`, asks the guard about every text in it
that would run, records what was found, and answers with a :class:`Ruling`. It
sends no messages (that is the place's part) and words no notices (see :mod:`.notice`).
"""

from __future__ import annotations

import getpass
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_tos_guard.gate.scripts import may_run_files, scripts
from jupyter_tos_guard.gate.settings import Configuration, configuration
from jupyter_tos_guard.inspection import Cell
from jupyter_tos_guard.inspection.digests import exact_digest
from jupyter_tos_guard.inspection.facts import Span
from jupyter_tos_guard.policy.decision import Decision, Finding, Reason
from jupyter_tos_guard.policy.model import Exemption, Ladder, Mode, Pause, Terms, Verdict, Where
from jupyter_tos_guard.strikes.history import History
from jupyter_tos_guard.strikes.spool import Limits, Spool, SpoolState, read
from jupyter_tos_guard.strikes.standing import Countable, Seen, Standing, expected, standing
from jupyter_tos_guard.strikes.strike import (
    MAX_EVIDENCE,
    MAX_FACTS,
    MAX_SPAN_EVIDENCE,
    MAX_STEPS,
    Action,
    Evidence,
    Strike,
    strike_id,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.guard import Guard, HubSource

#: Texts decided about one by one in a request: scripts, the cell, expressions. What is more is joined.
MAX_TEXTS = 32
ANY = "*"
#: Warnings that are remembered, so that what the user answers to them counts.
MAX_QUESTIONS = 4096
#: The key of ours in a request's metadata.
METADATA_KEY = "tos_guard"

#: Reaches the evaluators of Python and of shell commands, and does nothing; by whether the
#: kernel's language is Python.
_WARM_UP = {True: "import os\nos.system('true | cat')", False: ""}
#: Before Python 3.12, to name a member takes two calls.
_ALLOW, _WARN = Verdict.ALLOW, Verdict.WARN
_RUN_ON_TOP = re.compile(r"\s*%%tos[^\S\n]+run[^\S\n]*\r?\n")
_OWN_LINE = re.compile(r"%{1,2}tos(?:\s+(\w+)\b.*)?", re.DOTALL)


class Request(NamedTuple):
    """An execute request, as far as it matters here.

    Attributes
    ----------
    id : str
        ``msg_id``.
    source : str
    expressions : Mapping
        ``user_expressions``.
    acknowledged : str
        Digest of the cell that the user was warned about and wants to run, as :meth:`Gate.acknowledged`
        says; :data:`ANY` for a cell that an acknowledged one runs.
    """

    id: str
    source: str
    expressions: Mapping[str, str] = {}
    acknowledged: str = ""


class Item(NamedTuple):
    """One text of a request and what was decided about it.

    ``label`` is empty for the cell itself, else says which text it is;
    ``first_line`` is added to line numbers, for cells whose first lines are ours.
    """

    label: str
    source: str
    decision: Decision
    first_line: int = 0


class Ruling(NamedTuple):
    """What is to happen to a request.

    Attributes
    ----------
    effect : Verdict
        The strictest of the items'; ``WARN`` and ``BLOCK`` mean that nothing runs.
    source : str
        What to run: differs from the request's only for ``%tos run``.
    items : tuple of Item
        Those with findings or a failure, strictest first.
    strikes : tuple of Strike
        Recorded for them.
    acknowledged : str
        The request's.
    failure : str
        Why a text of it could not be inspected; empty when all could.
    recorded : bool
        Whether the strikes are on disk.
    pause : Pause or None
        Why nothing was looked at: running code is paused for the user.
    """

    effect: Verdict
    source: str
    items: tuple[Item, ...] = ()
    strikes: tuple[Strike, ...] = ()
    acknowledged: str = ""
    failure: str = ""
    recorded: bool = True
    pause: Pause | None = None

    @property
    def refused(self) -> bool:
        """Whether nothing of the request runs."""
        return self.effect >= _WARN


class Warned(NamedTuple):
    """The last cell that was refused with a warning."""

    source: str
    digest: str


class Questions:
    """Cells that users were warned about, by digest: only such a warning can be acknowledged.

    Bounded; the oldest is forgotten first, and is then asked about once more. Threads may share it.
    """

    def __init__(self, most: int = MAX_QUESTIONS) -> None:
        self._most = most
        self._digests: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, source: str) -> None:
        """Take note that the user is asked about a text."""
        digest = exact_digest(source)
        with self._lock:
            self._digests[digest] = None
            self._digests.move_to_end(digest)
            if len(self._digests) > self._most:
                self._digests.popitem(last=False)

    def __contains__(self, digest: object) -> bool:
        with self._lock:
            return digest in self._digests


def acknowledgement(source: str, request: str) -> dict[str, Any]:
    """Return metadata by which the sensors behind this one know that the user was asked.

    It names the request, since whoever wrote a notebook file cannot know what a request will be called.
    """
    return {METADATA_KEY: {"acknowledge": exact_digest(source), "request": request}}


class Gate:
    """Decides about one kernel's requests and records what they met.

    Parameters
    ----------
    guard : Guard
    spool : Spool
    where : Where
    kernel : str
        Kernel id.
    evidence : Evidence
    lookup : callable
        Text of a kernel variable, None when it is not a plain string; for ``%run $path``.
    folder : callable
        Folder of the kernel, for files named in ``%run`` lines; empty for this process's own,
        None when the kernel's files cannot be read from here.
    language : str
        Of the kernel.
    sensor : str
        Who sees the requests: ``kernel`` or ``server``.
    settings : Configuration, optional
        For ``%tos status``.
    seen : callable
        Where the hub sees the user, None when there is no hub or it has not said yet.
    questions : Questions, optional
        Shared by gates that one user sees as one.
    history : History, optional
        Of the spool's folder, shared by gates of one process.
    clock : callable, optional
        Seconds since the epoch.
    """

    def __init__(
        self,
        guard: Guard,
        spool: Spool,
        where: Where,
        *,
        kernel: str = "",
        evidence: Evidence = Evidence.SPAN,
        lookup: Callable[[str], str | None] = lambda name: None,
        folder: Callable[[], str | None] = lambda: "",
        language: str = "python",
        sensor: str = "kernel",
        settings: Configuration | None = None,
        seen: Callable[[], Seen | None] = lambda: None,
        questions: Questions | None = None,
        history: History | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.guard = guard
        self.spool = spool
        self.where = where
        self.kernel = kernel
        self.evidence = evidence
        self.settings = settings
        self.warned: Warned | None = None
        self.questions = questions or Questions()
        self._history = history or History(spool.folder)
        self.language = language
        self.sensor = sensor
        #: Whether ``%tos`` is there and still ours: only then is it exempt. Set by the kernel.
        self.own_magic: Callable[[], bool] = lambda: False
        self._seen = seen
        self._lookup = lookup
        self._folder = folder
        self._clock = clock
        # Subshells and the control channel decide from threads of their own.
        self._lock = threading.Lock()

    def beside(
        self, where: Where, *, kernel: str, folder: Callable[[], str | None], language: str, sensor: str
    ) -> Gate:
        """Return a gate for another kernel with the policy, the record and the settings of this one."""
        return Gate(
            type(self.guard)(self.guard.source, self.guard.settings, where),
            self.spool,
            where,
            kernel=kernel,
            evidence=self.evidence,
            folder=folder,
            language=language,
            sensor=sensor,
            settings=self.settings,
            seen=self._seen,
            questions=self.questions,
            history=self._history,
            clock=self._clock,
        )

    def acknowledged(self, metadata: object, request: str) -> str:
        """Return the digest that a request's metadata acknowledges, empty when nobody was asked about it.

        Front ends send a cell's metadata with each request, and the author of a notebook file may have put
        anything there. So it counts only where this gate has warned about that very text, or
        another sensor has that let the request through (:func:`acknowledgement`).

        Parameters
        ----------
        metadata : object
            Of the request, as it came.
        request : str
            ``msg_id``.
        """
        ours = metadata.get(METADATA_KEY) if isinstance(metadata, Mapping) else None
        digest = ours.get("acknowledge") if isinstance(ours, Mapping) else None
        if not isinstance(ours, Mapping) or not isinstance(digest, str) or digest == ANY:
            return ""
        was_let_through = bool(request) and ours.get("request") == request
        return digest if was_let_through or digest in self.questions else ""

    def rule(self, request: Request) -> Ruling:
        """Decide about a request; what it met is on disk when this returns.

        Parameters
        ----------
        request : Request

        Returns
        -------
        Ruling
        """
        return self.record(self.decide(request))

    def record(self, ruling: Ruling) -> Ruling:
        """Let a ruling take effect: what it met is put on disk; ``recorded`` says whether that went well."""
        if ruling.effect is Verdict.WARN:
            self.warned = Warned(ruling.source, exact_digest(ruling.source))
            self.questions.put(ruling.source)
        elif ruling.effect is Verdict.BLOCK:
            self.warned = None  # "%tos run" must not reach past the cell that the user has in mind
        return ruling._replace(recorded=self.spool.append(ruling.strikes) is SpoolState.READY)

    def decide(self, request: Request) -> Ruling:
        """Decide about a request and record nothing: for whoever may yet find that it never runs.

        Parameters
        ----------
        request : Request

        Returns
        -------
        Ruling
            To be handed to :meth:`record` when it takes effect.
        """
        first_line = 0
        if "%tos" in request.source:
            own = own_command(request.source)
            if own == "run" and self.warned:
                request = request._replace(source=self.warned.source, acknowledged=self.warned.digest)
            elif own and not request.expressions and self.own_magic():
                return Ruling(Verdict.ALLOW, request.source)
            on_top = _RUN_ON_TOP.match(request.source)
            if on_top:
                first_line = request.source.count("\n", 0, on_top.end())
                body = request.source[on_top.end() :]
                request = request._replace(source=body, acknowledged=exact_digest(body))
        with self._lock:
            return self._rule(request, first_line)

    def forget(self) -> None:
        """Start a new session: the kernel was restarted."""
        with self._lock:
            self.guard.forget()
            self.warned = None

    def warm_up(self) -> str:
        """Decide about something, so that the first cell pays for no imports.

        Returns
        -------
        str
            What is wrong; empty when nothing is.
        """
        return _failure(self.ask(_WARM_UP[self.language == "python"]))

    def ask(self, source: str) -> Decision:
        """Decide about a text that is not run: nothing is recorded."""
        with self._lock:
            return self.guard.asked().check(Cell(source, self.language))

    def policy_problem(self) -> str:
        """Say what is wrong with the policy now; empty when nothing is."""
        _, problem, detail = self.guard.source.current(self._clock())
        return f"{problem}: {detail}" if problem else ""

    def terms(self) -> tuple[Terms | None, Ladder]:
        """Terms and ladder of the policy in force."""
        bundle, _, _ = self.guard.source.current(self._clock())
        return (bundle.terms, bundle.ladder) if bundle else (None, Ladder())

    def strikes(self) -> list[Strike]:
        """Every strike of this user in the local record, each once."""
        found = {strike.id: strike for strike in read(self.spool.folder) if strike.user == self.where.user}
        return sorted(found.values(), key=lambda strike: strike.time)

    def standing(self, now: tuple[Strike, ...] = ()) -> Standing:
        """Where the user stands; ``now`` are strikes that may not have reached the disk.

        What the hub says comes first: it knows strikes of other machines, and what was overturned.
        """
        seen, ladder = self._seen(), self.terms()[1]
        known: dict[str, Countable] = {**self._history.of(self.where.user)}
        strikes = {**known, **{strike.id: strike for strike in now}}.values()
        if seen is not None:
            return expected(seen, strikes, ladder, self._clock())
        return standing(strikes, ladder, self._clock())

    def pause(self) -> Pause | None:
        """Return the pause that is in force for the user, if any."""
        pause = self.guard.source.account.paused
        ended = pause is not None and pause.until is not None and pause.until <= self._clock()
        return None if ended else pause

    def _rule(self, request: Request, first_line: int) -> Ruling:
        acknowledged = bool(request.acknowledged) and (
            request.acknowledged == ANY or request.acknowledged == exact_digest(request.source)
        )
        items = []
        failure = ""
        alone = not request.expressions and "run" not in request.source  # as most cells are
        for label, source in (("", request.source),) if alone else self._texts(request):
            decision = self.guard.check(Cell(source, self.language), acknowledged=acknowledged)
            if decision.effect is not _ALLOW:
                items.append(Item(label, source, decision, 0 if label else first_line))
            if decision.detail:
                failure = failure or _failure(decision)
        if not items:
            return Ruling(_ALLOW, request.source, (), (), request.acknowledged, failure)
        items.sort(key=lambda item: -item.decision.effect)
        strikes = self._strikes(request, items)
        paused = any(item.decision.reason is Reason.RESTRICTED for item in items)
        return Ruling(
            items[0].decision.effect,
            request.source,
            tuple(items),
            strikes,
            request.acknowledged,
            failure,
            pause=self.guard.source.account.paused if paused else None,
        )

    def _texts(self, request: Request) -> list[tuple[str, str]]:
        """Everything in the request that would run, in the order in which it would."""
        texts = [("", request.source)]
        if self.language == "python" and may_run_files(request.source):
            folder = self._folder()
            if folder is not None:
                files = scripts(request.source, self._lookup, folder)
                texts[:0] = [(f"file {path}", text) for path, text in files]
        if not request.expressions:
            return texts
        expressions = [(f"user_expressions[{name!r}]", text) for name, text in request.expressions.items()]
        room = MAX_TEXTS - len(texts)
        if len(expressions) > room:
            rest = "\n".join(text for _, text in expressions[room - 1 :])
            expressions = [*expressions[: room - 1], ("user_expressions", rest)]
        return texts + expressions

    def _strikes(self, request: Request, items: list[Item]) -> tuple[Strike, ...]:
        terms, _ = self.terms()
        severe = {clause.id for clause in terms.clauses if clause.severe} if terms else set()
        now = self._clock()
        return tuple(
            self._strike(request, item, finding, now, finding.clause in severe)
            for item in items
            for finding in item.decision.findings
        )

    def _strike(self, request: Request, item: Item, finding: Finding, now: float, severe: bool) -> Strike:
        decision = item.decision
        span = finding.facts[0].span if finding.facts else Span(1, 0, 1, 0)
        return Strike(
            id=strike_id(request.id, self.kernel, finding.rule, decision.cell_digest),
            time=now,
            user=self.where.user,
            server=self.where.server,
            kernel=self.kernel,
            notebook=self.where.notebook,
            request=request.id,
            rule=finding.rule,
            clause=finding.clause,
            level=finding.level,
            policy_version=decision.policy_version,
            severe=severe,
            action=_action(decision, finding),
            sensor=self.sensor,
            cell_digest=decision.cell_digest,
            line=span.line + item.first_line,
            column=span.column,
            evidence=self._evidence(item.source, span),
            verdict=finding.verdict.label,
            end_line=span.end_line + item.first_line,
            end_column=span.end_column,
            **self._grounds(item, finding),
        )

    def _grounds(self, item: Item, finding: Finding) -> dict[str, Any]:
        """Return what the finding stands on, as far as the setting lets it be recorded."""
        if self.evidence is Evidence.NONE or not finding.facts:
            return {}
        first = finding.facts[0]
        return {
            "decoded": (first.text or first.value if first.provenance else "")[:MAX_SPAN_EVIDENCE],
            "provenance": first.provenance[:MAX_STEPS],
            "facts": tuple((str(fact.kind), fact.value) for fact in finding.facts[:MAX_FACTS]),
        }

    def _evidence(self, source: str, span: Span) -> str:
        if self.evidence is Evidence.NONE:
            return ""
        if self.evidence is Evidence.CELL:
            return source[:MAX_EVIDENCE]
        return fragment(source, span)[:MAX_SPAN_EVIDENCE]


def open_gate(
    connection_file: str,
    environ: Mapping[str, str],
    language: str,
    lookup: Callable[[str], str | None],
    hub: Callable[[Configuration], HubSource | None],
) -> Gate:
    """Return the gate of a kernel that is starting.

    Parameters
    ----------
    connection_file : str
        Its name holds the kernel id that the Jupyter server uses.
    environ : Mapping
        Process environment, before any user code has run.
    language : str
        Of the kernel, as its ``language_info`` names it.
    lookup : callable
        See :class:`Gate`.
    hub : callable
        What comes from the central server, None when the settings name none: see
        :func:`jupyter_tos_guard.sync.cache.hub_source`.
    """
    from jupyter_tos_guard.guard import DEFAULT_POLICY, BundleFile, Guard, Settings

    settings = configuration(environ)
    exempt, problems = exemptions(settings)
    source = hub(settings)
    if source and settings.policy_path:
        origin = settings.origins.get("policy", "the settings")
        problems += (
            f"{origin}: policy is left out, since the policy comes from {settings.traits.central} (central)",
        )
    settings = settings._replace(problems=settings.problems + problems)
    kernel = Path(connection_file).stem.removeprefix("kernel-")
    where = place(environ)
    traits = settings.traits
    guard = Guard(
        source or BundleFile(settings.policy_path or DEFAULT_POLICY),
        Settings(
            mode=Mode(traits.mode) if traits.mode else None,
            enable=frozenset(traits.enable),
            disable=frozenset(traits.disable),
            time_limit=traits.time_limit,
            fail_closed=frozenset(Reason(value) for value in traits.fail_closed),
            exemptions=exempt,
        ),
        where,
    )
    spool = Spool(settings.strikes_folder, Limits(days=traits.retention_days))
    return Gate(
        guard,
        spool,
        where,
        kernel=kernel,
        evidence=Evidence(traits.evidence),
        lookup=lookup,
        language=language,
        settings=settings,
        seen=source.seen if source else lambda: None,
    )


def exemptions(settings: Configuration) -> tuple[tuple[Exemption, ...], tuple[str, ...]]:
    """Return the exemptions in the settings, and what is wrong with those that are left out."""
    good: list[Exemption] = []
    problems: list[str] = []
    origin = settings.origins.get("exemptions", "")
    for number, each in enumerate(settings.traits.exemptions, 1):
        texts = [each.get(name, "") for name in ("subject", "target", "reason")]
        until = each.get("until")
        unknown = set(each) - {"subject", "target", "until", "reason"}
        if (
            unknown
            or not all(isinstance(t, str) for t in texts)
            or not all(texts[:2])
            or not isinstance(until, (int, float))
        ):
            problems.append(
                f"{origin}: exemption {number} must hold subject and target (texts), until (seconds since "
                "the epoch) and may hold reason (text), nothing else; it is left out"
            )
        else:
            good.append(Exemption(texts[0], texts[1], float(until), texts[2]))
    return tuple(good), tuple(problems)


def place(environ: Mapping[str, str]) -> Where:
    """Who and where this kernel is, as far as JupyterHub's and our variables say."""

    def first(*names: str) -> str:
        return next((environ[name] for name in names if environ.get(name)), "")

    groups = environ.get("JUPYTER_TOS_GUARD_GROUPS", "")
    return Where(
        user=first("JUPYTERHUB_USER") or _login(),
        groups=tuple(group.strip() for group in groups.split(",") if group.strip()),
        server=first("JUPYTERHUB_SERVER_NAME"),
        image=first("JUPYTER_IMAGE_SPEC", "JUPYTER_IMAGE"),
        kernel=first("JUPYTER_TOS_GUARD_KERNEL"),
        notebook=first("JPY_SESSION_NAME"),
    )


def own_command(source: str) -> str:
    """Return the word after a lone ``%tos`` (or ``%%tos check``'s), empty when the cell is anything else.

    Such a cell can never be stopped, so nothing else may hide in it: lines are
    counted as IPython counts them, by :meth:`str.splitlines`.
    """
    if "%tos" not in source[:200]:
        return ""
    lines = source.strip().splitlines()
    match = _OWN_LINE.fullmatch(lines[0])
    if not match:
        return ""
    command = match.group(1) or "help"
    if lines[0].startswith("%%"):
        return command if command == "check" else ""  # its body is asked about, not run
    return command if len(lines) == 1 else ""


def fragment(source: str, span: Span) -> str:
    """Text of a span; only its first line, marked by ``…``, when it has several."""
    lines = source.split("\n")
    if not 0 < span.line <= len(lines):
        return ""
    line = lines[span.line - 1]
    if span.end_line > span.line:
        return line[span.column :] + "…"
    return line[span.column : span.end_column].strip() or line.strip()


def _failure(decision: Decision) -> str:
    return f"{decision.reason}: {decision.detail}" if decision.reason is Reason.INSPECTION_FAILED else ""


def _action(decision: Decision, finding: Finding) -> Action:
    if decision.reason is Reason.ACKNOWLEDGED and finding.verdict is Verdict.WARN:
        return Action.ACKNOWLEDGE
    effect = min(decision.effect, finding.verdict)
    return {Verdict.BLOCK: Action.BLOCK, Verdict.WARN: Action.WARN}.get(effect, Action.OBSERVE)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user id without a name
        return ""
