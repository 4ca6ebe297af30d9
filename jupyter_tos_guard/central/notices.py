"""Outbound notices for admins, through whatever channels the operator set; `apprise` knows some hundred.

A notice is told once, by one of the replicas, and never holds anything up: what does not get
through is counted and forgotten, since the pages show the same.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework.standing import day_text
from jupyter_tos_guard.central.storage.marks import advance
from jupyter_tos_guard.central.storage.tables import Appeal, AppealState, Client, Person
from jupyter_tos_guard.central.web.metrics import Metrics
from jupyter_tos_guard.inspection.readable import readable
from jupyter_tos_guard.strikes.standing import Level

if TYPE_CHECKING:
    from apprise import Apprise

#: Notices that wait to be sent.
MAX_WAITING: Final = 50
#: Names that one notice holds.
_NAMED: Final = 10


class Notices:
    """Sends notices in a thread of its own.

    Parameters
    ----------
    urls : sequence of str
        As apprise takes them: ``mailto://…``, ``slack://…``, ``json://…``.
    metrics : Metrics
    log : logging.Logger

    Raises
    ------
    ValueError
        When one of the URLs is none that apprise knows; the text does not show it, since it may
        hold a password.
    """

    def __init__(self, urls: Sequence[str], metrics: Metrics, log: logging.Logger) -> None:
        self._channels = _channels(urls) if urls else None
        self._metrics = metrics
        self._log = log
        self._room = BoundedSemaphore(MAX_WAITING)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tos-guard-notices")

    def __call__(self, title: str, text: str) -> None:
        """Tell the admins; returns at once."""
        if self._channels is None:
            return
        if not self._room.acquire(blocking=False):
            self._metrics.notices.labels("dropped").inc()
            return
        self._thread.submit(self._send, title, text)

    def close(self) -> None:
        """Send nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _send(self, title: str, text: str) -> None:
        try:
            sent = self._channels is not None and self._channels.notify(title=title, body=text)
            self._metrics.notices.labels("sent" if sent else "failed").inc()
            if not sent:
                self._log.warning("a notice did not reach every channel of notify: %s", title)
        except Exception:
            self._metrics.notices.labels("failed").inc()
            self._log.exception("a notice could not be sent: %s", title)
        finally:
            self._room.release()


def _channels(urls: Sequence[str]) -> Apprise:
    from apprise import Apprise  # most hubs set no channel, and it takes a while to load

    found = Apprise()
    for number, url in enumerate(urls, 1):
        if not found.add(url):
            raise ValueError(f"URL number {number} of notify is none that apprise knows")
    return found


def news(session: Session, now: float, url: str = "") -> list[tuple[str, str]]:
    """Return what is new for admins since this was last called, by whichever replica.

    Parameters
    ----------
    session : Session
    now : float
    url : str, optional
        Of the pages.

    Returns
    -------
    list of (title, text)
    """
    since = advance(session, "notices", now)
    if since is None:
        return []
    found = []
    opened = session.scalar(
        select(func.count())
        .select_from(Appeal)
        .where(Appeal.time > since, Appeal.time <= now, Appeal.state == AppealState.OPEN.value)
    )
    if opened:
        first = session.scalar(select(func.min(Appeal.due)).where(Appeal.state == AppealState.OPEN.value))
        found.append(
            (f"{opened} new appeal{'s' if opened > 1 else ''}", f"The first is due {day_text(first)}. {url}")
        )
    suspended = session.scalars(
        select(Person.name)
        .where(Person.level == Level.SUSPENDED.value, Person.level_since > since, Person.level_since <= now)
        .order_by(Person.name)
        .limit(_NAMED + 1)
    ).all()
    if suspended:
        found.append((f"Suspended: {_list(suspended)}", f"The review pages say why. {url}"))
    silent = session.scalars(
        select(Person.name)
        .join(Client, Client.person_id == Person.id)
        .where(Client.silent_since > since, Client.silent_since <= now)
        .distinct()
        .order_by(Person.name)
        .limit(_NAMED + 1)
    ).all()
    if silent:
        found.append(
            (
                f"No reports although the server is in use: {_list(silent)}",
                f"The guard there may be switched off, or the network broken. {url}",
            )
        )
    return [(title, text.strip()) for title, text in found]


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(readable(name, 40) for name in names[:_NAMED])
    return f"{shown} and more" if len(names) > _NAMED else shown
