"""A thread of its own for what blocks: disk, signatures, requests.

One at a time, in order. It is a daemon, unlike the threads of
:mod:`concurrent.futures`: a server that hangs must not keep the process from ending.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")


class _Job(Generic[_T]):
    def __init__(self, function: Callable[[], _T], loop: asyncio.AbstractEventLoop) -> None:
        self.function, self.loop = function, loop
        self.future: asyncio.Future[_T] = loop.create_future()

    def run(self) -> None:
        try:
            result = self.function()
        except BaseException as error:
            self._tell(self._fail, error)
        else:
            self._tell(self._succeed, result)

    def _tell(self, how: Callable[[Any], None], what: Any) -> None:
        try:
            self.loop.call_soon_threadsafe(how, what)
        except RuntimeError:  # the loop has ended; nobody waits
            return

    def _succeed(self, result: _T) -> None:
        if not self.future.done():
            self.future.set_result(result)

    def _fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Worker:
    """Runs functions in one thread, started with the first of them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, function: Callable[[], _T]) -> _T:
        """Return what the function returns, or raise what it raises."""
        job = _Job(function, asyncio.get_running_loop())
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        self._jobs.put(job.run)
        return await job.future

    def end(self, *last: Callable[[], None]) -> None:
        """Let the thread end after what it has been given, and these; does not wait for it."""
        for function in (*last, None):
            self._jobs.put(function)
        self._thread = None  # what comes later gets another one

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                return
            job()
