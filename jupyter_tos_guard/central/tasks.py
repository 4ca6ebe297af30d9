"""What the service does by itself: sign again, note what was published, delete what is past its time, tell.

Each task may run on every replica at once. What fails is logged, counted, and tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy.exc import IntegrityError

from jupyter_tos_guard.central.notices import news
from jupyter_tos_guard.central.publishing.record import record_published
from jupyter_tos_guard.central.publishing.repository import RepositoryError
from jupyter_tos_guard.central.publishing.setup import Places, keep_signed
from jupyter_tos_guard.central.storage import retention
from jupyter_tos_guard.central.storage.database import Unavailable
from jupyter_tos_guard.central.web.context import Context

Task = Callable[[], Awaitable[None]]


async def run(context: Context, tasks: Sequence[tuple[str, float, Task]]) -> None:
    """Run tasks until cancelled.

    Parameters
    ----------
    context : Context
    tasks : sequence of (name, seconds, task)
    """
    await asyncio.gather(*(_repeat(context, name, seconds, task) for name, seconds, task in tasks))


def of(context: Context) -> list[tuple[str, float, Task]]:
    """Return the tasks of a service: name, seconds between two runs, what to do."""
    return [
        ("policies", 10.0, Policies(context)),
        ("signatures", 30.0, Signatures(context)),
        ("purge", 3600.0, lambda: purge(context)),
        ("notices", 60.0, lambda: tell(context)),
    ]


class Policies:
    """Notes in the database what was published, whoever published it, when the repository changed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._seen = -1

    async def __call__(self) -> None:
        """Look once."""
        context = self._context
        repository = context.repository
        if repository is None or not repository.exists():
            return
        version = await context.threads.run(repository.timestamp_version)
        if version == self._seen:
            return
        now = context.clock()
        try:
            new = await context.transaction(
                lambda session: record_published(session, repository, now, documents=context.documents)
            )
        except IntegrityError:
            return  # another replica was faster; the next look finds nothing new
        for each in new:
            context.log.info("Policy %s was published", each)
        self._seen = version


class Signatures:
    """Renews signatures in time, and takes up what was approved on another machine and copied here.

    Those of the offline keys are renewed too, where they lie with the service. What only people can mend is
    logged when it begins and daily while it lasts.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._told: tuple[str, ...] = ()
        self._told_at = 0.0

    async def __call__(self) -> None:
        """Look, and sign if there is reason to."""
        context, repository = self._context, self._context.repository
        if repository is None or not repository.exists():
            return
        if not await context.threads.run(repository.can_release):
            return  # a replica that only serves
        offline = Places.below(context.documents.parent).offline if context.documents else None
        done = await context.threads.run(keep_signed, repository, offline)
        if done.roles:
            context.log.info("Signed again: %s", ", ".join(done.roles))
        now = context.clock()
        if done.warnings != self._told or now - self._told_at > 86_400:
            self._told, self._told_at = done.warnings, now
            for warning in done.warnings:
                context.log.warning("%s", warning)


async def purge(context: Context) -> None:
    """Delete what is past its time, a little at a time, so that nobody waits long for it."""
    now, days = context.clock(), context.casework.retention_days
    strikes = 0
    while True:
        done = await context.transaction(lambda session: retention.purge(session, now, days))
        strikes += done.strikes
        if not done.total:
            break
        await asyncio.sleep(0.1)
    if strikes:
        context.log.info("Deleted %d strikes that are older than %.0f days", strikes, days)


async def tell(context: Context) -> None:
    """Tell the admins what is new."""
    now = context.clock()
    for title, text in await context.transaction(lambda session: news(session, now, context.public_url)):
        context.notify(title, text)


async def _repeat(context: Context, name: str, seconds: float, task: Task) -> None:
    while True:
        try:
            await task()
        except (Unavailable, RepositoryError) as error:
            context.metrics.task_failures.labels(name).inc()
            context.log.warning("%s: %s; tried again in %.0f s", name, error, min(seconds, 60.0))
            await asyncio.sleep(min(seconds, 60.0))
            continue
        except Exception:
            context.metrics.task_failures.labels(name).inc()
            context.log.exception("%s failed, and is tried again in %.0f s", name, seconds)
        await asyncio.sleep(seconds)
