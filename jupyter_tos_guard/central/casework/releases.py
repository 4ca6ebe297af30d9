"""Changes of what is released: soften a rule, share, mode. The repository first, then the record of it.

Who may is asked by whoever calls. An online key can choose and soften, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

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
    release = repository.change_release(make)
    detail = {**detail, "serial": release.serial}

    def note(session: Any) -> None:
        record_release(session, release, now)
        audit.record(session, actor, action, target, detail, now)

    database.run(note)
    return release
