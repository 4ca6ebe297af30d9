"""The threads in which all work with the database is done, away from the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from jupyter_tos_guard.central.storage.database import Unavailable

_T = TypeVar("_T")


class Threads:
    """A small pool, with a bound on what waits for it."""

    def __init__(self, size: int, most_waiting: int) -> None:
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="tos-guard-db")
        self._most = most_waiting
        self.waiting = 0

    async def run(self, function: Callable[..., _T], *args: Any) -> _T:
        """Call a function in a thread.

        Raises
        ------
        Unavailable
            When too many calls are waiting already.
        """
        if self.waiting >= self._most:
            raise Unavailable("too many requests are waiting for the database")
        self.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)
        finally:
            self.waiting -= 1

    def close(self) -> None:
        """Let what runs end; start nothing more."""
        self._pool.shutdown(wait=True, cancel_futures=True)
