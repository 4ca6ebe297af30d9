"""The one seam to the network: everything that goes out or comes in passes here.

Knows HTTP and nothing of what it carries. Every answer is bounded in size *and* in
time from start to end, so neither a server that sends for ever nor one that sends a
byte a second holds anybody up. The user's token goes to the central server alone, never
to a mirror of the policy and never along a redirect.
"""

from __future__ import annotations

import contextlib
import json as _json
import math
import os
import socket
import ssl
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from threading import Condition, Event, Thread
from typing import IO, Any, Final, NamedTuple

import httpx
from tuf.api.exceptions import (
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    SlowRetrievalError,
)
from tuf.ngclient import FetcherInterface

from jupyter_tos_guard.gate.settings import Configuration
from jupyter_tos_guard.inspection.readable import readable

#: Largest JSON answer of the central server, in bytes.
MAX_ANSWER: Final = 8 << 20
#: Seconds for connecting; between two pieces of an answer; for all of a small answer.
CONNECT, READ, WHOLE = 10.0, 20.0, 60.0
#: Seconds for each megabyte of a large one, beside :data:`WHOLE`.
PER_MEGABYTE: Final = 30.0
#: Answers of which the newest is kept, to be asked for only if it has changed.
_MAX_KEPT = 64
_MAX_KEPT_BYTES = 64 << 10


_SLOW = "the answer came too slowly, and will be asked for again later"


class SettingsError(ValueError):
    """Nothing can be sent with these settings; the text says which."""


class NoAnswer(Exception):
    """The central server could not be reached, or did not answer as it should; the text says what to do."""


class CoolDown(NoAnswer):
    """The server wants to be left alone; ``seconds`` says how long, 0 when it did not say."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class Refused(NoAnswer):
    """The server has answered: no. Asking again without a change will not help.

    Attributes
    ----------
    status : int
    body : object
        Decoded JSON, None when it was none.
    """

    def __init__(self, message: str, status: int, body: Any) -> None:
        super().__init__(message)
        self.status, self.body = status, body


class Reply(NamedTuple):
    """An answer: status and decoded JSON, None for an empty body."""

    status: int
    body: Any


class Transport:
    """Talks to one central server and one policy repository.

    Parameters
    ----------
    settings : Configuration
    environ : Mapping, optional
        Instead of ``os.environ``: where JupyterHub puts the token.
    whole : float
        Seconds that a small answer may take from start to end.
    """

    def __init__(
        self,
        settings: Configuration,
        environ: Mapping[str, str] | None = None,
        whole: float = WHOLE,
    ) -> None:
        traits = settings.traits
        environ = os.environ if environ is None else environ
        self.central = traits.central
        self.repository = traits.mirror or f"{traits.central}/repository"
        self._token = traits.token or environ.get("JUPYTERHUB_API_TOKEN", "")
        self.whole = whole
        self._kept: dict[str, tuple[str, bytes]] = {}
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._watchdog = Watchdog(self._cut)
        try:
            certificates = _certificates(traits.ca_bundle, (self.central, self.repository))
        except (OSError, ValueError) as error:
            raise SettingsError(f"ca_bundle: {traits.ca_bundle} cannot be used ({error})") from None
        self._options: dict[str, Any] = {
            "headers": {
                "User-Agent": f"jupyter-tos-guard/{version('jupyter_tos_guard')}",
                "Accept-Encoding": "identity",  # what is unpacked cannot be bounded by what is sent
            },
            "timeout": httpx.Timeout(READ, connect=CONNECT),
            "verify": certificates,
            "proxy": traits.proxy or None,
            "limits": httpx.Limits(max_connections=8, max_keepalive_connections=2, keepalive_expiry=120),
        }
        try:
            self._client = httpx.Client(**self._options)
        except (ValueError, httpx.InvalidURL, ImportError) as error:  # SOCKS wants another package
            raise SettingsError(f"proxy: {traits.proxy or 'the one of the environment'}: {error}") from None

    def close(self) -> None:
        """Close connections."""
        self._client.close()
        self._watchdog.end()

    def asynchronous(self) -> httpx.AsyncClient:
        """Return a client for an event loop, to be closed by the caller."""
        return httpx.AsyncClient(**self._options)

    # ---- the central server

    def ask(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = MAX_ANSWER,
    ) -> Reply:
        """Send a request with the user's token and wait for the answer.

        Parameters
        ----------
        method, path : str
            The path is below the central server's URL.
        json : object, optional
        content : bytes, optional
            Instead of ``json``, a body as it is.
        headers : Mapping, optional
        limit : int
            Largest answer, in bytes.

        Raises
        ------
        CoolDown
            403 (as proxies and firewalls use it), 429 or 503.
        Refused
            Any other status but 2xx.
        NoAnswer
        """
        request = self._client.build_request(
            method,
            f"{self.central}/{path}",
            json=json,
            content=content,
            headers={**self.authorization, **(headers or {})},
            extensions={"trace": self._trace},
        )
        late = Event()
        try:
            with self._deadline(limit, late):
                response = self._client.send(request, stream=True)
                try:
                    body = b"".join(_pieces(response, limit))
                finally:
                    response.close()
        except _Large:
            raise NoAnswer(f"{self.central} sent more than {limit} bytes; is this URL right?") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise NoAnswer(
                f"{self.central}: {_SLOW}" if late.is_set() else explain(self.central, error)
            ) from error
        if late.is_set():  # an answer without a length ends where it is cut
            raise NoAnswer(f"{self.central}: {_SLOW}")
        return judge(self.central, response.status_code, response.headers, body)

    @property
    def authorization(self) -> dict[str, str]:
        """Headers that say who asks; empty without a token."""
        return {"Authorization": f"token {self._token}"} if self._token else {}

    # ---- the policy repository

    def fetch(self, url: str, limit: int) -> Iterator[bytes]:
        """Yield a file of the repository in pieces; asks only for what has changed.

        Raises
        ------
        tuf.api.exceptions.DownloadError
        """
        kept = self._kept.get(url)
        late = Event()
        try:
            with (
                self._deadline(limit, late),
                self._client.stream(
                    "GET",
                    url,
                    headers={"If-None-Match": kept[0]} if kept else None,
                    extensions={"trace": self._trace},
                    follow_redirects=True,
                ) as response,
            ):
                if response.status_code == httpx.codes.NOT_MODIFIED and kept:
                    yield kept[1]
                    return
                if response.status_code != httpx.codes.OK:
                    raise RepositoryHttpError(
                        f"{url} answered {response.status_code}",
                        response.status_code,
                        retry_after(response.headers),
                    )
                pieces = []
                size = 0
                for piece in _pieces(response, limit):
                    size += len(piece)
                    if size <= _MAX_KEPT_BYTES:
                        pieces.append(piece)
                    yield piece
                tag = response.headers.get("ETag", "")
                if tag and size <= _MAX_KEPT_BYTES:
                    self._kept.pop(url, None)
                    self._kept[url] = tag, b"".join(pieces)
                    while len(self._kept) > _MAX_KEPT:
                        del self._kept[next(iter(self._kept))]
        except _Large:
            raise DownloadLengthMismatchError(f"{url} is larger than {limit} bytes") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            if not late.is_set():
                raise DownloadError(explain(url, error)) from error
        if late.is_set():  # an answer without a length ends where it is cut
            raise SlowRetrievalError(f"{url}: {_SLOW}")

    @contextlib.contextmanager
    def _deadline(self, limit: int, late: Event) -> Iterator[None]:
        """Cut connections when an answer takes too long, its headers included.

        httpx bounds each wait for the next piece, and a server may send many small ones.
        """
        self._watchdog.watch(self.whole + PER_MEGABYTE * limit / 2**20, late)
        try:
            yield
        finally:
            self._watchdog.rest()

    def _cut(self) -> None:
        for each in list(self._sockets):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of the sockets in use."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            found = info["return_value"].get_extra_info("socket")
            if isinstance(found, socket.socket):
                self._sockets.add(found)


class Watchdog:
    """Calls a function when a time is over; a thread for each time would cost half a millisecond.

    Parameters
    ----------
    bite : callable
        Called from another thread.
    """

    def __init__(self, bite: Callable[[], None]) -> None:
        self._bite = bite
        self._condition = Condition()
        self._end = math.inf
        self._sleeps_until = math.inf
        self._late = Event()
        self._thread: Thread | None = None
        self._is_over = False

    def watch(self, seconds: float, late: Event) -> None:
        """Bite after so long, and set ``late``; in place of what was watched before."""
        with self._condition:
            self._end, self._late = time.monotonic() + seconds, late
            if self._thread is None and not self._is_over:
                self._thread = Thread(target=self._run, name="tos-guard-watchdog", daemon=True)
                self._thread.start()
            elif self._end < self._sleeps_until:
                self._condition.notify()

    def rest(self) -> None:
        """Watch nothing."""
        with self._condition:
            self._end = math.inf

    def end(self) -> None:
        """Let the thread end."""
        with self._condition:
            self._is_over = True
            self._condition.notify()

    def _run(self) -> None:
        with self._condition:
            while not self._is_over:
                now = time.monotonic()
                if now >= self._end:
                    self._end = math.inf
                    self._late.set()
                    self._bite()
                self._sleeps_until = self._end
                # Nothing to watch: no wake-up at all until there is.
                self._condition.wait(None if self._end == math.inf else self._end - now)


class Fetcher(FetcherInterface):
    """What python-tuf fetches with."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._limit = 0

    def _fetch(self, url: str) -> Iterator[bytes]:
        return self._transport.fetch(url, self._limit)

    @contextlib.contextmanager
    def download_file(self, url: str, max_length: int) -> Iterator[IO[bytes]]:
        """Yield a temporary file; the bound is known here only."""
        self._limit = max_length
        with super().download_file(url, max_length) as file:
            yield file

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Return a small file; python-tuf's own way is by a temporary one."""
        return b"".join(self._transport.fetch(url, max_length))


class _Large(Exception):
    pass


def _pieces(response: httpx.Response, limit: int) -> Iterator[bytes]:
    """Yield what is sent, as long as it is not too much."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise _Large  # we asked for it as it is
    size = 0
    for piece in response.iter_raw():
        size += len(piece)
        if size > limit:
            raise _Large
        yield piece


class RepositoryHttpError(DownloadHTTPError):
    """As python-tuf wants it, and how long the server asks to be left alone."""

    def __init__(self, message: str, status: int, seconds: float) -> None:
        super().__init__(message, status)
        self.seconds = seconds


def judge(central: str, status: int, headers: Mapping[str, str], body: bytes) -> Reply:
    """Return an answer of the central server, or raise what it means.

    Raises
    ------
    NoAnswer
    """
    data = decode(body)
    if 200 <= status < 300:
        if data is None and body:
            raise NoAnswer(f"{central} did not answer in JSON; is this the central server's URL?")
        return Reply(status, data)
    detail = data.get("error") if isinstance(data, dict) else None
    said = ": ".join(
        readable(str(detail[key]), 300)
        for key in ("message", "hint")
        if isinstance(detail, dict) and isinstance(detail.get(key), str) and detail[key]
    )
    message = f"{central} answered {status}" + (f" ({said})" if said else "")
    if status in (403, 429, 503):
        raise CoolDown(message, retry_after(headers))
    raise Refused(message, status, data)


def decode(body: bytes) -> Any:
    """Return JSON decoded, None when it is none."""
    try:
        return _json.loads(body)
    except (ValueError, RecursionError):
        return None


def retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds for which a server asks to be left alone; 0 when it does not say."""
    try:
        seconds = float(headers.get("Retry-After", "0"))
    except ValueError:  # a date: seldom, and clocks differ
        return 0.0
    return min(max(seconds, 0.0), 86_400.0) if seconds == seconds else 0.0


def explain(url: str, error: Exception) -> str:
    """Say why nothing came from there, and what may help."""
    place = readable(str(httpx.URL(url).host or url), 100) if not isinstance(error, httpx.InvalidURL) else url
    if isinstance(error, httpx.ProxyError):
        return f"the proxy between here and {place} does not work: {readable(str(error), 200)}"
    if isinstance(error, httpx.TimeoutException):
        return f"{place} did not answer in time"
    if isinstance(error, httpx.ConnectError) and "certificate" in str(error).lower():
        return f"{place} has a certificate that is not trusted (set ca_bundle): {readable(str(error), 200)}"
    return f"{place} cannot be reached: {readable(str(error) or type(error).__name__, 200)}"


def _certificates(bundle: str, urls: tuple[str, ...]) -> ssl.SSLContext:
    """Return what to trust. Reading the system's certificates takes 20 ms, which plain HTTP need not pay."""
    if not any(url.startswith("https://") for url in urls):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody
    return ssl.create_default_context(cafile=os.path.expanduser(bundle) if bundle else None)
