"""What every handler needs: one bundle of it, made once at start. No decisions here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework.config import CaseworkConfig
from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.threads import Threads

if TYPE_CHECKING:
    from jupyter_tos_guard.central.intake.commit import Intake
    from jupyter_tos_guard.central.publishing.repository import Repository
    from jupyter_tos_guard.central.web.auth import Auth
    from jupyter_tos_guard.central.web.metrics import Metrics
    from jupyter_tos_guard.central.web.repository import Watch

_T = TypeVar("_T")


@dataclass(frozen=True)
class Limits:
    """What bounds the work that anybody can make.

    Attributes
    ----------
    requests_per_second, burst : float
        Of one caller, on one replica.
    reports_per_minute, report_burst : float
        Reports of strikes of one caller.
    waiters : int
        Long polls open at once; more are answered at once.
    busy : int
        Calls waiting for the database; more are answered 503.
    """

    requests_per_second: float = 20.0
    burst: float = 100.0
    reports_per_minute: float = 60.0
    report_burst: float = 60.0
    waiters: int = 20_000
    busy: int = 400


@dataclass(frozen=True)
class Context:
    """What every handler needs.

    Attributes
    ----------
    database : Database
    casework : CaseworkConfig
    auth : Auth
        How callers are known.
    threads : Threads
    metrics : Metrics
    clock : callable
        Seconds since the epoch.
    prefix : str
        Path below which everything is, with a slash at both ends.
    public_url : str
        The service as a browser sees it, for links in messages; empty when not known.
    repository_folder : Path or None
        The policy repository's files.
    repository : Repository or None
        The same for reading and writing what is released.
    documents : Path or None
        Folder of the policies' readable documents.
    intake : Intake or None
    watch : Watch or None
        Tells who waits that the repository has changed.
    limits : Limits
    name : str
        Of the service, as the Hub knows it.
    notify : callable
        ``notify(title, text)`` tells the admins through the channels that the operator set; returns at once.
    """

    database: Database
    casework: CaseworkConfig
    auth: Auth
    threads: Threads
    metrics: Metrics
    clock: Callable[[], float]
    prefix: str = "/"
    public_url: str = ""
    repository_folder: Path | None = None
    repository: Repository | None = None
    documents: Path | None = None
    intake: Intake | None = None
    watch: Watch | None = None
    limits: Limits = field(default_factory=Limits)
    name: str = "tos-guard"
    notify: Callable[[str, str], None] = lambda title, text: None
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("jupyter_tos_guard.central"))

    async def transaction(self, work: Callable[[Session], _T]) -> _T:
        """Do work that writes, in a thread, in one transaction; see :meth:`Database.run`."""
        return await self.threads.run(self.database.run, work)

    async def reading(self, work: Callable[[Session], _T]) -> _T:
        """Do work that only reads, in a thread."""
        return await self.threads.run(self.database.read, work)
