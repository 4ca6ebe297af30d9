"""The policy repository as static files, and the long poll that tells of a change at once.

The files are signed, so they are for everybody: a mirror, a cache or a CDN may stand in
front. What protects clients is not this code but The Update Framework.
"""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Any, ClassVar, Final

from tornado.web import HTTPError, StaticFileHandler

from jupyter_tos_guard.central.web.base import BaseHandler, Problem, busy
from jupyter_tos_guard.central.web.callers import PUBLIC

#: What a path below ``repository/`` may be; nothing in it can lead out of the folder.
FILES: Final = (
    r"repository/((?:metadata/[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}\.json)"
    r"|(?:targets(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,250}){1,4}))"
)
LONGEST_WAIT: Final = 55.0
_LOOK_EVERY: Final = 0.5
#: How many are told at once; the rest follow, or all would fetch in the same moment.
_TOLD_AT_ONCE: Final = 500
#: Clients a second over which those who were told are asked to spread what they fetch.
_FETCH_AT_ONCE: Final = 1000


class RepositoryFile(StaticFileHandler):
    """One file, with ``ETag`` and 304."""

    metrics_name = "repository"
    access: ClassVar[str] = PUBLIC

    def compute_etag(self) -> str | None:
        """Return a tag of the file as it is now; tornado's own remembers the first one for ever."""
        if self.absolute_path is None:
            return None
        try:
            stat = Path(self.absolute_path).stat()
        except OSError:
            return None
        return f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'

    def set_extra_headers(self, path: str) -> None:
        """Let caches keep what never changes, and ask about what does."""
        name = path.rsplit("/", 1)[-1]
        numbered = name.partition(".")[0].isdecimal() or path.startswith("targets/")
        self.set_header(
            "Cache-Control", "public, max-age=31536000, immutable" if numbered else "public, no-cache"
        )
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")

    def set_default_headers(self) -> None:
        """Do not say which server this is."""
        self.clear_header("Server")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say it in JSON. A root version that is not there yet is asked for all the time: not cached."""
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", "application/json; charset=utf-8")
        message = "there is no such file" if status_code in (403, 404) else "the file cannot be sent"
        self.finish({"error": {"code": "not-found", "message": message, "hint": ""}})

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Do not log what was not found: clients look for the next root at each refresh."""
        if not isinstance(value, HTTPError):
            super().log_exception(typ, value, tb)


class Watch:
    """Tells waiters when the repository's timestamp changes.

    Parameters
    ----------
    path : Path
        ``timestamp.json``.
    most : int
        Waiters at once.
    """

    def __init__(self, path: Path, most: int) -> None:
        self._path = path
        self._most = most
        self._waiters: set[asyncio.Future[int]] = set()
        #: Seconds over which those who were told last are to spread.
        self.spread = 0.0
        self._task: asyncio.Task[None] | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._version = 0
        self._closing = False

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiters)

    def version(self) -> int:
        """Return the version of the timestamp; 0 when there is none."""
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if stamp != self._stamp:
                self._version = int(json.loads(self._path.read_bytes())["signed"]["version"])
                self._stamp = stamp
        except (OSError, ValueError, KeyError, TypeError):
            return self._version
        return self._version

    async def wait(self, known: int, seconds: float) -> int | None:
        """Return the version when it is another than ``known``; None when the time is over.

        Raises
        ------
        Problem
            When too many wait.
        """
        now = self.version()
        if now != known or self._closing:
            return None if self._closing else now
        if len(self._waiters) >= self._most:
            raise busy("too many wait for the next policy", 30, 120)
        waiter: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._look(now))
        try:
            found = await asyncio.wait_for(waiter, seconds)
        except asyncio.TimeoutError:
            return None
        finally:
            self._waiters.discard(waiter)
        return found or None

    def close(self) -> None:
        """Let all waiters go."""
        self._closing = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(0)
        if self._task is not None:
            self._task.cancel()

    async def _look(self, known: int) -> None:
        while self._waiters:
            await asyncio.sleep(_LOOK_EVERY)
            now = self.version()
            if now != known:
                known = now
                waiters = list(self._waiters)
                self.spread = len(waiters) / _FETCH_AT_ONCE
                random.shuffle(waiters)
                for start in range(0, len(waiters), _TOLD_AT_ONCE):
                    for waiter in waiters[start : start + _TOLD_AT_ONCE]:
                        if not waiter.done():
                            waiter.set_result(now)
                    await asyncio.sleep(0.05)


class Wait(BaseHandler):
    """The long poll: answers when the timestamp is another than the caller has."""

    access: ClassVar[str] = PUBLIC
    is_page: ClassVar[bool] = False
    metrics_name = "repository/wait"
    _waiting: asyncio.Task[int | None] | None = None

    def initialize(self, **parts: Any) -> None:
        """Take the ``watch`` over the file."""
        super().initialize()
        self._watch: Watch = parts["watch"]

    async def get(self) -> None:
        """Wait, then say which version there is: 204 when it is still the same."""
        text = self.get_query_argument("timestamp", "0")
        if not (text.isascii() and text.isdecimal() and len(text) < 18):
            raise Problem(422, "invalid", "timestamp is not a version's number")
        self._waiting = asyncio.ensure_future(self._watch.wait(int(text), LONGEST_WAIT))
        self.context.metrics.waiting_polls.set(self._watch.waiting + 1)
        try:
            version = await self._waiting
        except asyncio.CancelledError:
            return  # the client has gone
        finally:
            self.context.metrics.waiting_polls.set(self._watch.waiting)
        if version is None:
            self.set_status(204)
        else:
            self.write_json({"timestamp": version, "spread": round(self._watch.spread, 3)})

    def on_connection_close(self) -> None:
        """Wait no longer for who has gone."""
        if self._waiting is not None:
            self._waiting.cancel()
