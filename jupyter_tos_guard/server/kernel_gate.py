"""One kernel's gate: what passes, what is answered here, and in which order.

:class:`KernelGate` is shared by all connections of a kernel. It asks the
:class:`~jupyter_tos_guard.gate.ruling.Gate` about each execute request and keeps the
order in which a kernel would have answered. It knows no sockets: connections
hand it what comes and goes, and give it a way to send.

How a refusal behaves like a cell that failed in the kernel:

- it is held until the requests before it have been replied to, since clients send all cells
  of "Run All" at once; what comes behind it waits in its *line*;
- a client that is still sending is waited for, a moment;
- then it is answered, and the execute requests behind it are answered ``aborted``,
  unless it said ``stop_on_error: false``;
- if one of the requests before it fails, the kernel throws away its queue: so is the refused one, unrecorded.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from jupyter_client.jsonutil import parse_date

from jupyter_tos_guard.gate.notice import MIME_TYPE, SENTENCE, notice, summary
from jupyter_tos_guard.gate.ruling import METADATA_KEY, Gate, Request, Ruling, acknowledgement
from jupyter_tos_guard.gate.scripts import may_run_files
from jupyter_tos_guard.inspection.digests import exact_digest
from jupyter_tos_guard.policy.model import Verdict
from jupyter_tos_guard.server import answers
from jupyter_tos_guard.server.answers import Answer
from jupyter_tos_guard.server.encoding import (
    Json,
    Message,
    Raw,
    Seen,
    address,
    changed,
    encode,
    may_matter,
    seen,
)

#: Characters up to which a cell is decided about at once; a larger one, in a thread.
INLINE = 4000
#: Seconds of processor time for a decision after which this kernel's next ones are taken in a thread.
SLOW = 0.01
#: Seconds of silence after which a client is taken to have sent all cells of its "Run All".
QUIET = 0.05
#: Seconds for which a refusal waits for such silence at most.
MAX_QUIET = 2.0
#: Seconds between two looks at a kernel on which a refusal waits.
WATCH = 1.0
#: Looks in a row at an idle kernel after which replies that nobody was there to see are waited for no longer.
IDLE_LOOKS = 3
#: The same for replies that somebody is there to see, nothing having gone either way: on a machine that is
#: too busy a kernel may not have begun. Not for ever: to a malformed request kernels reply nothing.
SILENT_LOOKS = 10
#: Requests without a reply that are remembered, and messages kept for a client that may come back.
MAX_OUTSTANDING = 4096
MAX_MISSED = 256
#: Seconds for which nobody looks at what has gone while nothing is refused, and characters of a message
#: from which on it is not kept for so long.
UNSEEN = 0.5
LARGE = 10_000
#: Seconds for which a request may be late that was made before a refusal was sent.
LATE = 30.0

_threads = ThreadPoolExecutor(2, "tos-guard")


class Connection(Protocol):
    """What the gate needs of a client's connection."""

    @property
    def client_id(self) -> str:
        """Which client it is; the same after a reconnection."""

    @property
    def v1(self) -> bool:
        """Which encoding it speaks."""

    def forward(self, raw: Raw) -> None:
        """Hand a message on to the kernel."""

    def send(self, raw: Raw) -> None:
        """Hand a message to the client."""


#: Client, channel and subshell: what a kernel answers in the order in which it comes.
Key = tuple[str, str, str]
#: A request that went to the kernel: its id, and what :class:`Outstanding` says of it.
Passed = tuple[str, Key, bool]


class Outstanding(NamedTuple):
    """A request that was passed on and has not been replied to."""

    key: Key
    stops: bool
    left: bool = False  #: its client has gone, and with it who would see the reply


class Item:
    """One message in a line."""

    def __init__(self, raw: Raw, message: Message | None) -> None:
        self.raw = raw
        self.message = message
        self.arrived = time.monotonic()


class Held:
    """A refusal that waits for its turn."""

    def __init__(self, item: Item, message: Message, ruling: Ruling, waits: set[str]) -> None:
        self.message = message
        self.ruling = ruling
        self.waits = waits
        self.arrived = item.arrived
        self.quiet_at = time.monotonic() + QUIET
        self.aborted = False
        self.leaving = False


class Line:
    """Messages of one client for one shell, behind something that takes time."""

    def __init__(self) -> None:
        self.items: deque[Item] = deque()
        self.held: Held | None = None


class Stopped(NamedTuple):
    """A refusal that was sent, and when it was made and sent by its client's clock.

    What the client made in between was queued behind it, however late it comes.
    """

    made: float
    sent: float
    until: float


class KernelGate:
    """See the module.

    Parameters
    ----------
    open_gate : callable
        Makes the gate, in a thread, before the first client is let in; may raise.
    is_idle : callable
        Whether the kernel is known to run nothing.
    log : logging.Logger
    closes : callable
        Whether requests are to be stopped when deciding fails.
    on_ruling : callable, optional
        Told of every ruling with strikes or a failure, after it has taken effect.
    on_info : callable, optional
        Told what the kernel says of itself, in ``kernel_info_reply``.
    """

    def __init__(
        self,
        open_gate: Callable[[], Gate],
        is_idle: Callable[[], bool],
        log: logging.Logger | Any,
        closes: Callable[[], bool],
        on_ruling: Callable[[Ruling], None] = lambda ruling: None,
        on_info: Callable[[Json], None] = lambda content: None,
    ) -> None:
        self.gate: Gate | None = None
        self.detail = ""
        self.connections: list[Connection] = []
        self._open_gate = open_gate
        self._is_idle = is_idle
        self._log = log
        self._closes = closes
        self._on_ruling = on_ruling
        self._on_info = on_info
        self._opening: asyncio.Future[None] | None = None
        self._kernel_session = ""
        self._own_session = uuid.uuid4().hex
        self._count = 0
        self._lines: dict[Key, Line] = {}
        self._outstanding: OrderedDict[str, Outstanding] = OrderedDict()
        self._gone: deque[Passed | Raw] = deque()
        self._stopped: dict[Key, Stopped] = {}
        self._missed: OrderedDict[str, list[tuple[Answer, Json, str]]] = OrderedDict()
        self._deciding: Item | None = None
        self._slow = False
        self._idle_looks = 0
        self._silent_looks = 0
        self._stirred = False
        self._watching: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Future[Any]] = set()

    # ---- connections

    async def open(self) -> None:
        """Make the gate; never raises. Messages of a client come in after this."""
        if self._opening is None:
            self._opening = asyncio.get_running_loop().run_in_executor(_threads, self._open)
        await asyncio.shield(self._opening)

    def _open(self) -> None:
        try:
            self.gate = self._open_gate()
            self.detail = self.gate.warm_up()
        except Exception as error:
            self._report(error, "is not active at this kernel")

    def join(self, connection: Connection) -> None:
        """Let a client in that has connected."""
        self.connections.append(connection)
        for answer, parent, channel in self._missed.pop(connection.client_id, ()):
            self._send(connection, answer, parent, channel)

    def leave(self, connection: Connection) -> None:
        """Let a client go: what it has sent goes to the kernel as long as there is a way."""
        if connection not in self.connections:
            return
        self._catch_up()
        session = connection.client_id
        if sum(each.client_id == session for each in self.connections) == 1:
            for key in [key for key in self._lines if key[0] == session]:
                self._flush(key, self._lines[key], connection)
            for request, each in self._outstanding.items():
                if each.key[0] == session:
                    self._outstanding[request] = each._replace(left=True)
        self.connections.remove(connection)

    # ---- from the client

    def take(self, connection: Connection, raw: Raw, message: Message | None) -> bool:
        """Take a message that has come from a client.

        Parameters
        ----------
        connection : Connection
        raw : str or bytes
        message : Message or None
            None when it is no execute request.

        Returns
        -------
        bool
            False when it is to be passed on now, as it came.
        """
        if message is None:
            if not self._lines:
                return False
            line = self._lines.get((connection.client_id, *address(raw, connection.v1)))
            if line is None:
                return False
            line.items.append(Item(raw, None))
            return True
        key = (connection.client_id, message.channel, message.subshell)
        if self._stopped and self._was_made_too_early(key, message):
            self._answer(key[0], message, answers.aborted())
            return True
        line = self._lines.get(key)
        if line is None:
            if "%tos" in (message.code or ""):
                self._catch_up()  # whether the kernel has refused what "%tos run" would be about
            if self._deciding is None and not self._takes_long(message):
                return self._at_once(connection, key, message)
            line = self._lines[key] = Line()
        line.items.append(Item(raw, message))
        if line.held:
            self._wait_for_quiet(line.held)
        self._pump(key, line)
        return True

    def _at_once(self, connection: Connection, key: Key, message: Message) -> bool:
        ruling = self._decide(message)
        if ruling is not None and ruling.refused:
            line = self._lines[key] = Line()
            self._hold(key, line, Item(message.raw, message), message, ruling)
            return True
        other = self._pass(key, message, ruling)
        if other is None:
            return False
        connection.forward(other)
        return True

    def _pump(self, key: Key, line: Line) -> None:
        """Let go what may go, from the front of a line."""
        while line.items and not line.held:
            item = line.items[0]
            connection = self._connection(key[0])
            if connection is None:  # the client may come back; leaving has let go all that could be
                return
            if item.message is None:
                line.items.popleft()
                connection.forward(item.raw)
                continue
            if self._deciding is not None:
                return
            if self._takes_long(item.message):
                self._decide_in_thread(key, line, item, item.message)
                return
            self._settle(key, line, item, item.message, self._decide(item.message), connection)
        if not line.items and not line.held and self._lines.get(key) is line:
            del self._lines[key]

    def _settle(
        self,
        key: Key,
        line: Line,
        item: Item,
        message: Message,
        ruling: Ruling | None,
        connection: Connection,
    ) -> None:
        """Do what was decided about the first of a line."""
        line.items.popleft()
        if ruling is not None and ruling.refused:
            self._hold(key, line, item, message, ruling)
        else:
            other = self._pass(key, message, ruling)
            connection.forward(item.raw if other is None else other)

    def _pass(self, key: Key, message: Message, ruling: Ruling | None) -> Raw | None:
        """Take note of a request that is passed on; return what goes in its place, if anything."""
        self.note((message.id, key, message.stops))
        if ruling is None:
            return None
        if ruling.strikes and self.gate is not None:
            self._record(ruling)
        asked = ruling.acknowledged and ruling.acknowledged == exact_digest(ruling.source)
        if ruling.source == message.code and not asked:
            return None
        # The kernel's own hook is to know that the user was asked: that it is no file that says so.
        return changed(message, ruling.source, acknowledgement(ruling.source, message.id))

    # ---- deciding

    def _takes_long(self, message: Message) -> bool:
        code = message.code or ""
        texts = message.content.get("user_expressions") or ()
        return self._slow or len(code) > INLINE or len(texts) > 8 or ("run" in code and may_run_files(code))

    def _decide(self, message: Message) -> Ruling | None:
        """Decide; never raises. What a defect of ours means is the operator's choice.

        Returns
        -------
        Ruling or None
            None: it passes without anybody having decided. A refusal without items: nothing runs
            without anybody deciding; ``failure`` says why.
        """
        begin = time.thread_time()  # on a busy machine, the wall's clock would call all decisions slow
        try:
            if self.gate is None:
                return self._undecided(message)
            if message.code is None:
                return None  # no request of a real client; kernels refuse it by themselves
            ruling = self.gate.decide(request_of(message, message.code, self.gate))
            self.detail = ruling.failure or self.detail
            return ruling
        except Exception as error:
            self._report(error, "could not decide about a request")
            return self._undecided(message)
        finally:
            self._slow = time.thread_time() - begin > SLOW

    def _undecided(self, message: Message) -> Ruling | None:
        if not self._closes():
            return None
        return Ruling(Verdict.BLOCK, message.code or "", failure=self.detail)

    def _decide_in_thread(self, key: Key, line: Line, item: Item, message: Message) -> None:
        self._deciding = item
        future = asyncio.get_running_loop().run_in_executor(_threads, self._decide, message)
        self._tasks.add(future)

        def done(future: asyncio.Future[Ruling | None]) -> None:
            self._tasks.discard(future)
            if self._deciding is item:
                self._deciding = None
            if (
                line.items and line.items[0] is item
            ):  # else it was let go when its client left, or a restart came
                connection = self._connection(key[0])
                if connection is not None:
                    self._settle(key, line, item, message, future.result(), connection)
            for each, other in list(self._lines.items()):
                self._pump(each, other)

        future.add_done_callback(done)

    def _record(self, ruling: Ruling) -> None:
        """Put on disk what was met by a request that runs all the same, off the event loop."""

        def record() -> Ruling:
            assert self.gate is not None
            return self.gate.record(ruling)

        self._in_thread(record, self._on_ruling)

    def _in_thread(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        future = asyncio.get_running_loop().run_in_executor(_threads, work)
        self._tasks.add(future)

        def done(future: asyncio.Future[Any]) -> None:
            self._tasks.discard(future)
            error = future.exception()
            if error is not None:
                self._report(error, "could not record a ruling")
            else:
                then(future.result())

        future.add_done_callback(done)

    def _report(self, error: BaseException, what: str) -> None:
        """Take note of a defect. It stays in sight: most requests would hide it again."""
        self.detail = f"{type(error).__name__}: {error}"[:300]
        self._log.error("jupyter_tos_guard %s", what, exc_info=error)

    # ---- holding and answering a refusal

    def _hold(self, key: Key, line: Line, item: Item, message: Message, ruling: Ruling) -> None:
        self._catch_up()
        waits = {name for name, each in self._outstanding.items() if each.key[1:] == key[1:]}
        line.held = Held(item, message, ruling, waits)
        self._rearm(key, line)
        if self._watching is None:
            self._watching = asyncio.get_running_loop().call_later(WATCH, self._watch)

    def _wait_for_quiet(self, held: Held) -> None:
        held.quiet_at = min(time.monotonic() + QUIET, held.arrived + MAX_QUIET)

    def _rearm(self, key: Key, line: Line) -> None:
        held = line.held
        if held is None or held.waits or held.leaving:
            return
        wait = held.quiet_at - time.monotonic()
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._rearm, key, line)
            return
        held.leaving = True
        if held.aborted:
            self._stop(key, line, held, answers.aborted())
            return
        self._in_thread(lambda: self._prepare(held), lambda prepared: self._refuse(key, line, held, prepared))

    def _prepare(self, held: Held) -> tuple[Ruling | None, Json | None, str, list[str]]:
        """Record a refusal and word its notice. Never raises: the request must be answered."""
        value = "disallowed by this hub's terms of use"
        ruling = held.ruling
        if not ruling.items:
            return None, None, *answers.unguarded(ruling.failure)
        try:
            assert self.gate is not None
            ruling = self.gate.record(ruling)
            bundle = notice(ruling, self.gate.terms()[0], self.gate.standing(ruling.strikes))
            value = summary(bundle[MIME_TYPE])
            headline = bundle[MIME_TYPE]["headline"]
            return ruling, bundle, value, [f"{answers.ERROR_NAME}: {headline} {value}.", SENTENCE]
        except Exception as error:
            self._log.error("jupyter_tos_guard: the notice could not be shown", exc_info=error)
            return ruling, None, value, [f"{answers.ERROR_NAME}: {value}"]

    def _refuse(
        self,
        key: Key,
        line: Line,
        held: Held,
        prepared: tuple[Ruling | None, Json | None, str, list[str]],
    ) -> None:
        ruling, bundle, value, traceback = prepared
        if line.held is not held:
            return  # the kernel was restarted meanwhile
        answer = answers.refusal(held.message, bundle, value, traceback, self._count + 1)
        self._stop(key, line, held, answer)
        if ruling is not None:
            self._on_ruling(ruling)

    def _stop(self, key: Key, line: Line, held: Held, answer: list[Answer]) -> None:
        """Answer a held request, abort what is behind it, and go on."""
        line.held = None
        now = time.monotonic()  # before the answer goes: a quick client makes its next request while we go on
        self._answer(key[0], held.message, answer)
        if held.message.stops or held.aborted:
            for item in [each for each in line.items if each.message is not None]:
                line.items.remove(item)
                if item.message is not None:
                    self._answer(key[0], item.message, answers.aborted())
            date = _date(held.message)
            if date and not held.aborted:
                self._stopped[key] = Stopped(date, date + now - held.arrived, now + LATE)
        self._pump(key, line)

    def _was_made_too_early(self, key: Key, message: Message) -> bool:
        """Whether its client made this request before a refusal was sent: it is late, and aborted."""
        stopped = self._stopped.get(key)
        if stopped is None:
            return False
        if stopped.made < _date(message) < stopped.sent and time.monotonic() < stopped.until:
            return True
        del self._stopped[key]
        return False

    def _answer(self, session: str, message: Message, answer: list[Answer]) -> None:
        asker = self._connection(session)
        for each in answer:
            if each.everyone:
                for connection in list(self.connections):
                    self._send(connection, each, message.header, "iopub")
            elif asker is not None:
                self._send(asker, each, message.header, message.channel)
            if asker is None:
                channel = "iopub" if each.everyone else message.channel
                missed = self._missed.setdefault(session, [])
                missed.append((each, message.header, channel))
                del missed[:-MAX_MISSED]
                while len(self._missed) > 8:
                    self._missed.popitem(last=False)

    def _send(self, connection: Connection, answer: Answer, parent: Json, channel: str) -> None:
        connection.send(
            encode(
                answer.kind,
                answer.content,
                parent,
                channel=channel,
                session=self._kernel_session or self._own_session,
                metadata=answer.metadata,
                v1=connection.v1,
            )
        )

    # ---- from the kernel

    def note(self, what: Passed | Raw) -> None:
        """Take note of what has gone to the kernel or to a client.

        It matters when something is refused, so it is looked at then, or a moment later: what comes next
        need not wait for that, and many at once are looked at faster than one by one. The first reply is
        looked at now: mostly it is what the kernel says of itself.

        Parameters
        ----------
        what : tuple, str or bytes
            A request, or a message to a client: bytes are in the encoding with a name.
        """
        self._gone.append(what)
        if self._lines or not self._kernel_session or len(what) > LARGE:
            self._catch_up()
        elif len(self._gone) == 1:
            asyncio.get_running_loop().call_later(UNSEEN, self._catch_up)

    def _catch_up(self) -> None:
        """Look at what has gone, in its order; never raises."""
        while self._gone:
            what = self._gone.popleft()
            try:
                if isinstance(what, tuple):
                    self._passed(*what)
                elif may_matter(what, statuses=bool(self._lines)) and (found := seen(what)) is not None:
                    self._saw(found)
            except Exception as error:
                self._log.error("jupyter_tos_guard: a message could not be looked at", exc_info=error)

    def _passed(self, request: str, key: Key, stops: bool) -> None:
        self._stirred = True
        self._outstanding[request] = Outstanding(key, stops)
        if len(self._outstanding) > MAX_OUTSTANDING:
            self._finish(next(iter(self._outstanding)), aborts=False)  # a refusal may wait for it

    def _saw(self, seen: Seen) -> None:
        self._kernel_session = seen.session or self._kernel_session
        self._stirred = True
        if seen.kind == "execute_reply":
            count = seen.content.get("execution_count")
            if isinstance(count, int):
                self._count = max(count, self._count) if count else self._count
            known = self._outstanding.get(seen.request)
            failed = seen.content.get("status") == "error"
            if failed and self.gate is not None and seen.content.get("ename") == answers.ERROR_NAME:
                # "%tos run" means the cell that was stopped last, whoever stopped it: the kernel knows which.
                self.gate.warned = None
            self._finish(seen.request, aborts=failed and known is not None and known.stops)
        elif seen.kind == "kernel_info_reply":
            self._on_info(seen.content)
        elif seen.kind == "idle":
            known = self._outstanding.get(seen.request)
            if known and self._connection(known.key[0]) is None:  # else its reply says how it went
                self._finish(seen.request, aborts=False)

    def _finish(self, request: str, *, aborts: bool) -> None:
        if self._outstanding.pop(request, None) is None:
            return
        for key, line in list(self._lines.items()):
            held = line.held
            if held and request in held.waits:
                held.waits.discard(request)
                if aborts:
                    held.aborted = True
                    held.waits.clear()
                self._rearm(key, line)

    # ---- what may go wrong around it

    def _connection(self, session: str) -> Connection | None:
        """Return a client's connection, the newest when an old one has not been closed yet."""
        return next((each for each in reversed(self.connections) if each.client_id == session), None)

    def _flush(self, key: Key, line: Line, connection: Connection) -> None:
        """Let go what a leaving client has sent, but for a refusal and what that aborts."""
        for item in list(line.items):
            held = line.held
            if item.message is None:
                line.items.remove(item)
                connection.forward(item.raw)
            elif not (held and (held.message.stops or held.aborted)):
                line.items.remove(item)
                line.items.appendleft(item)
                self._settle(key, line, item, item.message, self._decide(item.message), connection)
        if not line.held:
            self._lines.pop(key, None)

    def restarted(self) -> None:
        """Forget what belonged to the kernel's last life; its clients are told by the server."""
        self._kernel_session = ""
        self._count = 0
        for line in self._lines.values():  # a notice that is just being worded finds nobody waiting
            line.held = None
            line.items.clear()
        self._lines.clear()
        self._outstanding.clear()
        self._gone.clear()
        self._stopped.clear()
        self._missed.clear()
        if self.gate is not None:
            self.gate.forget()

    def _watch(self) -> None:
        """Look whether what a refusal waits for can still come."""
        self._watching = None
        if not self._lines:
            self._idle_looks = self._silent_looks = 0
            return
        idle, stirred, self._stirred = self._is_idle(), self._stirred, False
        self._idle_looks = self._idle_looks + 1 if idle else 0
        self._silent_looks = self._silent_looks + 1 if idle and not stirred else 0
        for request, each in list(self._outstanding.items()):
            if self._silent_looks >= SILENT_LOOKS or (each.left and self._idle_looks >= IDLE_LOOKS):
                self._finish(request, aborts=False)
        self._watching = asyncio.get_running_loop().call_later(WATCH, self._watch)


def request_of(message: Message, code: str, gate: Gate) -> Request:
    """Return what the gate is asked."""
    texts = message.content.get("user_expressions")
    expressions = {name: text for name, text in texts.items() if isinstance(text, str)} if texts else {}
    asked = METADATA_KEY in message.metadata
    acknowledged = gate.acknowledged(message.metadata, message.id) if asked else ""
    return Request(message.id, code, expressions, acknowledged)


def _date(message: Message) -> float:
    """When its client made a request, by the client's own clock; 0 when it does not say."""
    try:
        date = parse_date(message.header.get("date"))
        return date.timestamp() if isinstance(date, datetime) else 0.0
    except (ValueError, TypeError, OverflowError):
        return 0.0
