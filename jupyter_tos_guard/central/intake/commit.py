"""Group commit: reports that arrive while one transaction runs share the next.

A disk can promise that something is durable some hundred times a second, whatever it is;
so the promise is made for many reports at once. A report is answered after its commit, never
before, and when too much waits already it is refused at once: the client has it on disk.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from jupyter_tos_guard.central.casework.config import CaseworkConfig
from jupyter_tos_guard.central.intake.store import Sent, Stored, store
from jupyter_tos_guard.central.storage.database import Database, Unavailable
from jupyter_tos_guard.central.storage.threads import Threads
from jupyter_tos_guard.central.web.metrics import Metrics

#: What waits at most, in reports and in bytes of their bodies.
MAX_WAITING: Final = 1000
MAX_WAITING_BYTES: Final = 64 << 20
#: What shares a transaction at most, in reports and in records.
MAX_TOGETHER: Final = 200
MAX_RECORDS_TOGETHER: Final = 3000
#: Seconds between the beginnings of two transactions. Most of what one costs is the same for one report
#: and for twenty: without a pause, a moderate load would be many small ones that wait for each other.
PAUSE: Final = 0.05


class Full(Exception):
    """Too much is waiting already."""


class Intake:
    """The queue in front of the database.

    Parameters
    ----------
    database : Database
    threads : Threads
    config : CaseworkConfig
    metrics : Metrics
    at_once : int, optional
        Transactions that run at the same time; SQLite has one writer.
    """

    def __init__(
        self,
        database: Database,
        threads: Threads,
        config: CaseworkConfig,
        metrics: Metrics,
        log: logging.Logger,
        at_once: int | None = None,
    ) -> None:
        self._database = database
        self._threads = threads
        self._config = config
        self._metrics = metrics
        self._log = log
        self._at_once = at_once or (1 if database.is_sqlite else 2)
        self._running: set[asyncio.Task[None]] = set()
        self._waiting: deque[tuple[Sent, int, asyncio.Future[Stored]]] = deque()
        self._bytes = 0
        self._next_begin = 0.0

    async def take(self, sent: Sent, size: int) -> Stored:
        """Return what became of a report, after it is durable.

        Raises
        ------
        Full
            Nothing was stored; come again.
        Unavailable
            The database does not answer.
        """
        if len(self._waiting) >= MAX_WAITING or self._bytes + size > MAX_WAITING_BYTES:
            raise Full
        future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._waiting.append((sent, size, future))
        self._bytes += size
        self._metrics.waiting_reports.set(len(self._waiting))
        if len(self._running) < self._at_once:
            task = asyncio.ensure_future(self._drain())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await future

    async def close(self) -> None:
        """Wait until nothing waits any more."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def _drain(self) -> None:
        while self._waiting:
            started = time.perf_counter()
            if started < self._next_begin:
                await asyncio.sleep(self._next_begin - started)
                continue
            self._next_begin = started + PAUSE
            batch = self._next()
            await self._commit(batch)
            self._metrics.commit_duration.observe(time.perf_counter() - started)
            self._metrics.commit_size.observe(len(batch))

    def _next(self) -> list[tuple[Sent, asyncio.Future[Stored]]]:
        batch: list[tuple[Sent, asyncio.Future[Stored]]] = []
        records = 0
        while self._waiting and len(batch) < MAX_TOGETHER:
            sent, size, future = self._waiting[0]
            records += len(sent.strikes)
            if batch and records > MAX_RECORDS_TOGETHER:
                break
            self._waiting.popleft()
            self._bytes -= size
            batch.append((sent, future))
        self._metrics.waiting_reports.set(len(self._waiting))
        return batch

    async def _commit(self, batch: list[tuple[Sent, asyncio.Future[Stored]]]) -> None:
        reports = [sent for sent, _ in batch]
        try:
            stored = await self._threads.run(
                self._database.run, lambda session: store(session, reports, self._config)
            )
        except Exception as error:
            if len(batch) > 1 and isinstance(error, SQLAlchemyError) and not isinstance(error, Unavailable):
                # One of them cannot be stored; the others are not to wait for it for ever.
                for each in batch:
                    await self._commit([each])
                return
            if not isinstance(error, Unavailable):
                self._log.error("a report could not be stored", exc_info=error)
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), each in zip(batch, stored, strict=True):
            if not future.done():  # else the client has gone; it will send it again
                future.set_result(each)


__all__ = ["Full", "Intake"]
