"""One background task per Jupyter server: the policy in, strikes out, the account in between.

Runs in the server's event loop and never blocks it: network, disk and
signatures are in one thread. Also the way of a front end's questions to the
central server (:meth:`Sync.request`). What is done is in :mod:`.refresher` and
:mod:`.uploader`; this says when.

Several processes of one user may share a cache folder. One of them holds its lock and does the
work, the others read what it brings and take over when it has gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx

from jupyter_tos_guard.gate.settings import Configuration
from jupyter_tos_guard.policy.model import Where
from jupyter_tos_guard.strikes.spool import streams
from jupyter_tos_guard.sync.account import Person
from jupyter_tos_guard.sync.cache import (
    ACCOUNT,
    CONTACT,
    LOCK,
    Active,
    Contact,
    PolicyCache,
    read_active,
    read_contact,
)
from jupyter_tos_guard.sync.files import read_json, replace
from jupyter_tos_guard.sync.lock import Lock
from jupyter_tos_guard.sync.pace import Pace
from jupyter_tos_guard.sync.refresher import Refreshed, Refresher, RefreshError, timestamp_of
from jupyter_tos_guard.sync.transport import (
    MAX_ANSWER,
    CoolDown,
    NoAnswer,
    SettingsError,
    Transport,
    decode,
    explain,
    retry_after,
)
from jupyter_tos_guard.sync.uploader import MAX_REPORTS, Circumstances, GuardState, Reported, Uploader
from jupyter_tos_guard.sync.work import Worker

__all__ = ["Answer", "GuardState", "Sync"]

_LOG = logging.getLogger("jupyter_tos_guard.sync")

#: Seconds between two looks at the record, and at the lock while somebody else has it.
LOOK: Final = 2.0
#: Seconds between reports that nothing new has caused, until the server says otherwise.
REPORT: Final = 900.0
#: Seconds between two reports at least, whatever happens.
GAP: Final = 10.0
#: Seconds for which kernels that come and go are gathered, and between two reports that they cause.
SETTLE: Final = 3.0
KERNELS: Final = 60.0
#: Seconds between two looks for a new policy, until the server says otherwise.
POLL: Final = 300.0
#: The long poll is answered within 55 seconds; what takes longer is not one.
LONGEST_WAIT: Final = 75.0
#: Seconds for which the end waits for what is still to be sent.
FAREWELL: Final = 5.0
_WORK = "work.lock"


class Answer(NamedTuple):
    """An answer of the central server, passed on.

    Attributes
    ----------
    status : int
        Of HTTP; 503 when it could not be reached.
    body : object
        Decoded JSON; errors are ``{"error": {"code", "message", "hint"}}``.
    """

    status: int
    body: Any


class Outcome(NamedTuple):
    """What one round with the central server has brought, for people.

    Attributes
    ----------
    refreshed : Refreshed or None
    refresh_problem : str
    reported : int
        Records confirmed.
    rejected : tuple of str
    report_problem : str
    waiting : int
        Records not confirmed.
    """

    refreshed: Refreshed | None
    refresh_problem: str
    reported: int
    rejected: tuple[str, ...]
    report_problem: str
    waiting: int


class Exchange:
    """The work itself, blocking: refresh and report for one cache folder.

    Parameters
    ----------
    settings : Configuration
    where : Where
    environ : Mapping, optional
        Instead of ``os.environ``.
    """

    def __init__(
        self, settings: Configuration, where: Where, environ: Mapping[str, str] | None = None
    ) -> None:
        self.cache = settings.cache_folder
        self.transport = Transport(settings, environ)
        self.refresher = Refresher(self.cache, self.transport, where, settings.traits.root)
        self.uploader = Uploader(settings.strikes_folder, self.cache, self.transport)
        self._working = Lock(self.cache / _WORK)
        self._problems = {"refresh": "", "report": ""}
        #: How it goes.
        self.contact = read_contact(self.cache)
        self._last = self.contact.last

    def refresh(self) -> Refreshed:
        """Refresh the policy; see :meth:`Refresher.refresh`.

        Raises
        ------
        RefreshError
        """
        try:
            with self._alone():
                refreshed = self.refresher.refresh()
        except RefreshError as error:
            self._note("refresh", str(error))
            raise
        self._note("refresh", "")
        return refreshed

    def report(self, now: Circumstances) -> Reported:
        """Send one report; see :meth:`Uploader.report`.

        Raises
        ------
        NoAnswer
        """
        try:
            with self._alone():
                reported = self.uploader.report(now)
        except OSError as error:
            message = f"{self.cache} cannot be written ({error.strerror or error}); what was sent counts once"
            self._note("report", message)
            raise NoAnswer(message) from error
        except (NoAnswer, RefreshError) as error:
            self._note("report", str(error))
            raise NoAnswer(str(error)) if isinstance(error, RefreshError) else error from None
        self._last = time.time()
        self._note("report", reported.problem)
        return reported

    def once(self, now: Circumstances) -> Outcome:
        """Refresh and send everything that waits, now."""
        refreshed, refresh_problem = None, ""
        try:
            refreshed = self.refresh()
        except RefreshError as error:
            refresh_problem = str(error)
        count, report_problem = 0, ""
        rejected: list[str] = []
        try:
            while True:
                reported = self.report(now)
                count += reported.confirmed
                rejected += reported.rejected
                report_problem = reported.problem
                if not reported.more:
                    break
        except NoAnswer as error:
            report_problem = str(error)
        return Outcome(
            refreshed, refresh_problem, count, tuple(rejected), report_problem, self.uploader.waiting()
        )

    def _note(self, what: str, problem: str) -> None:
        """Write down how it goes, for ``%tos status``."""
        self._problems[what] = problem
        # The same server may be the cause of both.
        text = "; ".join(dict.fromkeys(filter(None, self._problems.values())))
        contact = Contact(self._last, text, self.uploader.waiting(), self.uploader.sent)
        if contact != self.contact:
            self.contact = contact
            with contextlib.suppress(OSError):
                replace(self.cache / CONTACT, json.dumps(contact._asdict()).encode(), durable=False)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep others out while the cache changes: the command line may be at it too."""
        try:
            with self._working.held(30.0) as mine:
                if not mine:
                    raise RefreshError(
                        f"another process has been at work in {self.cache} for 30 seconds", is_refused=False
                    )
                yield
        except OSError as error:
            raise RefreshError(
                f"{self.cache} cannot be used: {error.strerror or error}", is_refused=False
            ) from error


class Sync:
    """Keeps one machine and the central server in step.

    Parameters
    ----------
    configuration : Configuration
        Its ``central`` must be set.
    where : Where
        Who and where this server is: which bundle of a release it gets.
    guards : callable, optional
        States of the kernels' guards, for the report.
    on_event : callable, optional
        Called on the event loop with a kind and its data: ``policy-activated`` (``version``, ``serial``),
        ``account-changed`` (the account), ``contact-lost`` (``problem``), ``contact-made``,
        ``strikes-confirmed`` (``count``).
    environ : Mapping, optional
        Instead of ``os.environ``.
    waits : bool
        While another process does the work for this cache folder: wait for its end, or end.
    """

    def __init__(
        self,
        configuration: Configuration,
        where: Where,
        *,
        guards: Callable[[], Sequence[GuardState]] = tuple,
        on_event: Callable[[str, Mapping[str, Any]], None] = lambda kind, data: None,
        environ: Mapping[str, str] | None = None,
        waits: bool = True,
    ) -> None:
        self.configuration = configuration
        self.where = where
        self.cache = configuration.cache_folder
        #: The central server's last good answer about the user; None before the first.
        self.account: Mapping[str, Any] | None = None
        #: How the exchange goes.
        self.contact = Contact()
        self._guards = guards
        self._on_event = on_event
        self._environ = environ
        self._exchange: Exchange | None = None
        self._client: httpx.AsyncClient | None = None
        self._worker = Worker("tos-guard-sync")
        self._lock = Lock(self.cache / LOCK)
        self._tasks: list[asyncio.Task[None]] = []
        self._main: asyncio.Task[Any] | None = None
        self._refresh_now = asyncio.Event()
        self._report_now = asyncio.Event()
        self._timestamp = 0
        self._source = PolicyCache(self.cache, every=0.0)
        self._is_usable = True
        self._known: tuple[Active | None, Person | None] = None, None
        self._waits = waits
        self._kernels_timer: asyncio.TimerHandle | None = None
        self._kernels_reported = float("-inf")

    async def run(self) -> None:
        """Work until :meth:`stop`; never raises for what the network or the disk does."""
        self._main = asyncio.current_task()
        try:
            self._look_at_cache()
            await self._prepare()
            while not await self._is_ours():
                if not self._waits:
                    return
                self._look_at_cache()
                await asyncio.sleep(LOOK)
            self._tasks = [
                asyncio.ensure_future(self._keep(loop))
                for loop in (self._refreshing, self._reporting, self._waiting, self._watching)
            ]
            await asyncio.gather(*self._tasks)
        except SettingsError as error:
            self._is_usable = False
            self._take(Contact(problem=str(error)))
        except asyncio.CancelledError:
            pass
        finally:
            await end_tasks(self._tasks)
            await self._end()
            self._main = None

    async def stop(self) -> None:
        """Send what waits if that goes quickly, and end."""
        main, self._main = self._main, None
        if main is not None and not main.done():
            main.cancel()  # once: a second time would keep it from ending its own tasks
            await asyncio.wait([main], timeout=30.0)

    def wake(self) -> None:
        """Report soon: a strike was recorded, or a kernel's guard has changed."""
        self._report_now.set()

    def kernels_changed(self) -> None:
        """Report that kernels have come, gone or changed: one report a minute at most. On the event loop."""
        if self._kernels_timer is None:
            loop = asyncio.get_running_loop()
            wait = max(SETTLE, self._kernels_reported + KERNELS - loop.time())
            self._kernels_timer = loop.call_later(wait, self._report_kernels)

    def _report_kernels(self) -> None:
        self._kernels_timer = None
        self._kernels_reported = asyncio.get_running_loop().time()
        self._report_now.set()

    async def request(
        self, method: str, path: str, json: Any = None, params: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask the central server in the user's name.

        Parameters
        ----------
        method : str
        path : str
            Below ``api/v1/``.
        json : object, optional
        params : Mapping, optional

        Returns
        -------
        Answer
            Always; status 503 when the server could not be reached.
        """
        central = self.configuration.traits.central
        try:
            await self._prepare()
            assert self._client is not None
            return await asyncio.wait_for(self._ask(self._client, method, path, json, params), 30.0)
        except asyncio.TimeoutError:
            problem = f"{central} did not answer in time"
        except SettingsError as error:
            problem = str(error)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            problem = explain(central, error)
        return Answer(503, {"error": {"code": "unreachable", "message": problem, "hint": "Try again later."}})

    async def look_at_account(self) -> None:
        """Ask about the user now, for what a front end shows; kernels learn by the next report."""
        answer = await self.request("GET", "account")
        if answer.status == httpx.codes.OK and isinstance(answer.body, dict) and answer.body != self.account:
            self._look_at_cache()  # what is there already is older
            self.account = answer.body
            self._on_event("account-changed", answer.body)
        self.wake()

    async def _ask(
        self, client: httpx.AsyncClient, method: str, path: str, json: Any, params: Mapping[str, str] | None
    ) -> Answer:
        assert self._exchange is not None
        transport = self._exchange.transport
        url = f"{transport.central}/api/v1/{path.lstrip('/')}"
        async with client.stream(
            method, url, json=json, params=params, headers=transport.authorization
        ) as response:
            pieces, size = [], 0
            async for piece in response.aiter_raw():
                size += len(piece)
                if size > MAX_ANSWER:
                    raise httpx.DecodingError(f"the answer is larger than {MAX_ANSWER} bytes")
                pieces.append(piece)
        return Answer(response.status_code, decode(b"".join(pieces)))

    # ---- starting and ending

    async def _prepare(self) -> Exchange:
        """Make what talks to the network, off the event loop: certificates take a while to read."""
        if self._exchange is None:
            made = await self._worker.run(lambda: Exchange(self.configuration, self.where, self._environ))
            if self._exchange is None:
                self._exchange = made
                self._client = made.transport.asynchronous()
        return self._exchange

    async def _is_ours(self) -> bool:
        try:
            taken = await self._worker.run(self._lock.take)
            self._is_usable = True
            return taken
        except OSError as error:
            self._is_usable = False
            self._take(Contact(problem=f"{self.cache} cannot be used: {error.strerror or error}"))
            return False

    async def _end(self) -> None:
        if self._kernels_timer is not None:
            self._kernels_timer.cancel()
        exchange, client = self._exchange, self._client
        if exchange is not None and self._lock.is_held:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._worker.run(lambda: self._farewell(exchange)), FAREWELL)
        if client is not None:
            await client.aclose()
        self._worker.end(*([exchange.transport.close] if exchange else []), self._lock.give)

    def _farewell(self, exchange: Exchange) -> None:
        if exchange.uploader.waiting():
            exchange.report(Circumstances(self.where.server, self._mode()))

    # ---- the loops

    async def _keep(self, loop: Callable[[], Awaitable[None]]) -> None:
        """Run a loop; a defect of ours in it is logged, and it goes on."""
        while True:
            with _logged("jupyter_tos_guard: a defect while talking to the central server"):
                await loop()
            await asyncio.sleep(60.0)

    async def _refreshing(self) -> None:
        exchange, settings = await self._prepare(), self.configuration.traits
        pace = Pace(settings.poll_seconds or POLL)
        await _sleep(pace.first(is_urgent=read_active(self.cache) is None), self._refresh_now)
        while True:
            try:
                refreshed = await self._worker.run(exchange.refresh)
            except RefreshError as error:
                self._take(exchange.contact)
                if error.seconds is None:
                    await _sleep(pace.failed(), self._refresh_now)
                else:
                    await asyncio.sleep(pace.cool_down(error.seconds))
                continue
            self._timestamp = refreshed.timestamp
            self._take(exchange.contact)
            self._look_at_cache()
            if refreshed.is_new:
                # Admins see during a roll-out who has it, not a quarter of an hour later. An
                # emergency spreads these reports as it spreads the refreshes.
                self._report_now.set()
            await _sleep(pace.succeeded(settings.poll_seconds or refreshed.poll_seconds), self._refresh_now)

    async def _reporting(self) -> None:
        exchange = await self._prepare()
        pace = Pace(REPORT)
        await _sleep(pace.first(is_urgent=self.account is None), self._report_now)
        while True:
            now = Circumstances(self.where.server, self._mode(), tuple(self._guards()))
            try:
                delay = await self._report(exchange, now, pace)
            except NoAnswer as error:
                self._take(exchange.contact)
                # Whatever comes meanwhile waits on disk.
                told = error.seconds if isinstance(error, CoolDown) else None
                await asyncio.sleep(pace.failed() if told is None else pace.cool_down(told))
                continue
            await asyncio.sleep(min(delay, GAP))
            await _sleep(max(0.0, delay - GAP), self._report_now)

    async def _report(self, exchange: Exchange, now: Circumstances, pace: Pace) -> float:
        confirmed = 0
        for _ in range(MAX_REPORTS):
            reported = await self._worker.run(lambda: exchange.report(now))
            confirmed += reported.confirmed
            for problem in reported.rejected:
                _LOG.warning("jupyter_tos_guard: the central server takes a record never: %s", problem)
            if not reported.more:
                break
        self._take(exchange.contact)
        self._look_at_cache()
        if confirmed:
            self._on_event("strikes-confirmed", {"count": confirmed})
        return 1.0 if reported.more else pace.succeeded(reported.next_seconds)

    async def _waiting(self) -> None:
        """Hold a request that the central server answers when something has been published."""
        exchange = await self._prepare()
        assert self._client is not None
        pace = Pace(1.0)
        self._timestamp = self._timestamp or timestamp_of(self.cache)
        while True:
            if not self._timestamp:
                await asyncio.sleep(LOOK)
                continue
            url = f"{exchange.transport.central}/repository/wait"
            begun = time.monotonic()
            try:
                response = await asyncio.wait_for(
                    self._client.get(
                        url,
                        params={"timestamp": str(self._timestamp)},
                        headers=exchange.transport.authorization,
                        timeout=httpx.Timeout(LONGEST_WAIT, connect=10.0),
                    ),
                    LONGEST_WAIT,
                )
            except (httpx.HTTPError, httpx.InvalidURL, OSError, asyncio.TimeoutError):
                await asyncio.sleep(pace.dropped())
                continue
            if response.status_code == httpx.codes.OK:
                known, found = self._timestamp, decode(response.content)
                spread = found.get("spread") if isinstance(found, dict) else None
                await asyncio.sleep(pace.woken(spread if isinstance(spread, (int, float)) else None))
                self._refresh_now.set()
                await self._until_known(known, pace)
            elif response.status_code == httpx.codes.NO_CONTENT:
                pace.succeeded()
                # One that is answered at once would be asked again at once.
                await asyncio.sleep(max(1.0, 5.0 - (time.monotonic() - begun)))
            elif response.status_code in (404, 405, 501):
                await asyncio.sleep(pace.cool_down(3600.0))  # only the interval is left
            else:
                await asyncio.sleep(pace.cool_down(retry_after(response.headers) or 60.0))

    async def _until_known(self, known: int, pace: Pace) -> None:
        """Wait for the refresh; a mirror may be behind the central server, so do not ask at once again."""
        until = time.monotonic() + 30.0
        while self._timestamp == known and time.monotonic() < until:
            await asyncio.sleep(0.2)
        if self._timestamp == known:
            await asyncio.sleep(pace.failed())
        else:
            pace.succeeded()

    async def _watching(self) -> None:
        """Look whether kernels have recorded something, and what others have put into the cache."""
        before = None
        while True:
            files = await self._worker.run(lambda: _sizes(self.configuration.strikes_folder))
            if before is not None and files != before:
                self._report_now.set()
            before = files
            self._look_at_cache()
            await asyncio.sleep(LOOK)

    # ---- telling

    def _look_at_cache(self) -> None:
        """Take over what is in the cache, whoever has put it there; two looks at small files."""
        self._source.current(time.time())
        if not self._lock.is_held and self._is_usable:
            self._take(read_contact(self.cache))
        active, person = self._source.active, self._source.person
        before, self._known = self._known, (active, person)
        if active and active._replace(checked=0.0) != (before[0] and before[0]._replace(checked=0.0)):
            self._on_event("policy-activated", {"version": active.version, "serial": active.serial})
        if person is not before[1]:
            account = read_json(self.cache / ACCOUNT) or {}
            account.pop("fetched", None)
            if account != self.account:
                self.account = account
                self._on_event("account-changed", account)

    def _take(self, contact: Contact) -> None:
        """Tell of a change between well and not, once."""
        before, self.contact = self.contact, contact
        if contact.problem and not before.problem:
            _LOG.warning("jupyter_tos_guard: %s", contact.problem)
            self._on_event("contact-lost", {"problem": contact.problem})
        elif before.problem and not contact.problem:
            self._on_event("contact-made", {})

    def _mode(self) -> str:
        bundle, _, _ = self._source.current(time.time())
        own = self.configuration.traits.mode or (bundle.mode.value if bundle else "")
        return self._source.account.mode.value if self._source.account.mode else own


async def end_tasks(tasks: Iterable[asyncio.Task[Any]], seconds: float = 30.0) -> None:
    """Cancel tasks and wait until they have ended; not for ever, since a server that stops waits for this.

    Said more than once: before Python 3.12, ``asyncio.wait_for`` may keep a cancellation to itself.

    Parameters
    ----------
    tasks : iterable of Task
    seconds : float, optional
        How long to wait at most.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    left = {task for task in tasks if not task.done()}
    for task in left:
        task.add_done_callback(lambda task: task.cancelled() or task.exception())  # nobody else asks for it
    while left and loop.time() < until:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=1.0)


@contextlib.contextmanager
def _logged(message: str) -> Iterator[None]:
    try:
        yield
    except Exception:
        _LOG.exception(message)


async def _sleep(seconds: float, early: asyncio.Event) -> None:
    """Sleep, or less when somebody sets ``early``."""
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(early.wait(), seconds)
    early.clear()


def _sizes(folder: Path) -> tuple[tuple[str, int], ...]:
    return tuple((path.name, status.st_size) for path, status in streams(folder))
