"""Sessions through a guard, one after the other or in several processes.

A session is a list of cells in execution order. Every cell counts as executed,
also one that would have been stopped: people run the next cell all the same,
and a corpus holds what was tried. Decides nothing itself.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Generic, TypeVar

from jupyter_tos_guard.guard import Cell, Guard, Settings
from jupyter_tos_guard.policy.decision import Decision
from jupyter_tos_guard.policy.model import Where

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Bench:
    """What a worker needs to build its guard."""

    policy: Path
    settings: Settings
    where: Where

    def guard(self) -> Guard:
        """Return a guard of this process."""
        return Guard.load(self.policy, self.settings, self.where)


def judge_session(guard: Guard, cells: Iterable[Cell]) -> list[Decision]:
    """Decide about the cells of one session, in a history of its own."""
    guard.forget()
    return [guard.check(cell) for cell in cells]


class Pool(Generic[Item, Result]):
    """Does ``work`` on batches of items in several processes, keeping their order.

    A worker that dies (out of memory, a defect in a parser) costs the item that
    killed it and nothing else.

    Parameters
    ----------
    work : callable
        ``work(guard, items) -> results``, one for each item; importable by name.
    failed : callable
        The result of an item whose worker died.
    bench : Bench
    jobs : int
        Processes; with 1 the work is done in this one.
    """

    #: Batches under way or waiting for each worker: enough that none is idle, few enough that
    #: memory stays bounded whatever the size of the input.
    AHEAD = 4

    def __init__(
        self,
        work: Callable[[Guard, Sequence[Item]], list[Result]],
        failed: Callable[[Item], Result],
        bench: Bench,
        jobs: int,
    ) -> None:
        self._work = work
        self._failed = failed
        self._bench = bench
        self._jobs = jobs
        self._executor: ProcessPoolExecutor | None = None

    def map(self, batches: Iterable[Sequence[Item]]) -> Iterator[list[Result]]:
        """Results of each batch in the order of the batches, as soon as the first is ready."""
        if self._jobs == 1:
            guard = self._bench.guard()
            for batch in batches:
                yield self._work(guard, batch)
            return
        waiting: deque[_Task[Item, Result]] = deque()
        arriving = _Feeder(batches, self._jobs * self.AHEAD)
        try:
            while True:
                # Whoever waits for an answer before sending the next session gets it:
                # the input is only waited for when there is nothing left to answer.
                while len(waiting) < self._jobs * self.AHEAD:
                    arrived = arriving.next(wait=not waiting)
                    if arrived is None:
                        break
                    waiting.append(self._submit(arrived))
                if not waiting:
                    return
                yield self._result(waiting.popleft())
        finally:
            self.close()

    def close(self) -> None:
        """Stop the workers."""
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
            self._executor = None

    def _submit(self, batch: Sequence[Item]) -> _Task[Item, Result]:
        for _ in range(2):
            if self._executor is None:
                self._executor = ProcessPoolExecutor(
                    self._jobs, get_context("spawn"), initializer=_start, initargs=(self._bench,)
                )
            try:
                return _Task(batch, self._executor, self._executor.submit(_serve, self._work, batch))
            except BrokenProcessPool:
                self._executor = None
        raise RuntimeError("worker processes cannot be started")

    def _result(self, task: _Task[Item, Result]) -> list[Result]:
        results = self._await(task)
        if results is not None:
            return results
        # Innocent batches were lost with the guilty one. One item at a time tells them apart.
        return [result for item in task.batch for result in self._retry([item])]

    def _retry(self, batch: Sequence[Item]) -> list[Result]:
        results = self._await(self._submit(batch))
        return [self._failed(batch[0])] if results is None else results

    def _await(self, task: _Task[Item, Result]) -> list[Result] | None:
        try:
            return task.future.result()
        except BrokenProcessPool:
            if self._executor is task.executor:
                self._executor = None
            return None


@dataclass(frozen=True, slots=True)
class _Task(Generic[Item, Result]):
    """A batch and who works on it."""

    batch: Sequence[Item]
    executor: ProcessPoolExecutor
    future: Future[list[Result]]


class _Feeder(Generic[Item]):
    """Reads batches in a thread, a bounded number ahead, so that one can ask without waiting."""

    def __init__(self, batches: Iterable[Sequence[Item]], ahead: int) -> None:
        self._queue: Queue[Sequence[Item] | BaseException | None] = Queue(ahead)
        self._ended = False
        Thread(target=self._read, args=(batches,), daemon=True).start()

    def next(self, *, wait: bool) -> Sequence[Item] | None:
        """Return the next batch; None at the end, and when there is none yet and ``wait`` is off."""
        if self._ended:
            return None
        try:
            batch = self._queue.get(block=wait)
        except Empty:
            return None
        if isinstance(batch, BaseException):
            raise batch
        self._ended = batch is None
        return batch

    def _read(self, batches: Iterable[Sequence[Item]]) -> None:
        try:
            for batch in batches:
                self._queue.put(batch)
            self._queue.put(None)
        except BaseException as error:  # raised where somebody can answer it
            self._queue.put(error)


def available_jobs() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_guard: Guard | None = None


def _start(bench: Bench) -> None:
    global _guard
    _guard = bench.guard()


def _serve(work: Callable[[Guard, Sequence[Item]], list[Result]], batch: Sequence[Item]) -> list[Result]:
    assert _guard is not None
    return work(_guard, batch)
