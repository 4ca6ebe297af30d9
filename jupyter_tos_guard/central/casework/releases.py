"""Changes of what is released: soften a rule, share, mode; and the record of it.

Who may is asked by whoever calls. An online key can choose and soften, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import audit
from jupyter_tos_guard.central.publishing.record import record_release
from jupyter_tos_guard.central.publishing.repository import Repository
from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.policy.release import Release


def change(
    database: Database,
    repository: Repository,
    make: Callable[[Release], Release],
    *,
    actor: str,
    action: str,
    target: str,
    detail: Mapping[str, Any],
    now: float,
) -> Release:
    """Publish the next release and record who did it. To be called in a thread, outside transactions.

    Returns
    -------
    Release
        As published.

    Raises
    ------
    RepositoryError
        Nothing was changed.
    """

    def work(session: Session) -> Release:
        # First the entry, which fails when the database does: nothing is released unrecorded.
        audit.record(session, actor, action, target, detail, now)
        session.flush()
        release = repository.change_release(make)
        record_release(session, release, now)
        return release

    # Once: a second attempt would find its own change done already.
    return database.run(work, attempts=1)
