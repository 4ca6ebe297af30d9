"""What the database keeps of published versions, so that pages and the ladder need no files.

Called by whoever publishes, and by the service when it looks: what was published
elsewhere is found and recorded then. Doing it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import audit
from jupyter_tos_guard.central.publishing.document import outline_of, read_document
from jupyter_tos_guard.central.publishing.repository import Approved, Repository
from jupyter_tos_guard.central.storage.tables import PolicyVersion, Terms
from jupyter_tos_guard.policy.bundle import Bundle
from jupyter_tos_guard.policy.release import Release


def record_published(
    session: Session,
    repository: Repository,
    now: float,
    *,
    documents: Path | None = None,
    actor: str = audit.SYSTEM,
) -> list[str]:
    """Record the versions in the repository that the database does not know yet.

    Parameters
    ----------
    session : Session
    repository : Repository
    now : float
    documents : pathlib.Path, optional
        Folder with the readable documents, see :mod:`.document`; versions without one are recorded
        as far as their bundles tell, and completed when the document is there.
    actor : str, optional
        For the audit log.

    Returns
    -------
    list of str
        The versions that are new, the oldest first.

    Raises
    ------
    RepositoryError
    """
    new = []
    release = repository.release()
    for approved in reversed(repository.approved()):
        row = session.get(PolicyVersion, approved.version)
        if row is None:
            new.append(approved.version)
            _record(session, repository, approved, now, documents, actor)
        elif documents and not row.document.get("readable"):
            document = read_document(documents, approved.version)
            if document and document.get("readable"):
                row.document = document
    record_release(session, release, now)
    return new


def record_release(session: Session, release: Release, now: float) -> None:
    """Note since when the current version is in force."""
    session.flush()
    rows = session.scalars(
        select(PolicyVersion)
        .where(PolicyVersion.in_force_since.is_not(None))
        .order_by(PolicyVersion.in_force_since.desc())
    ).all()
    if rows and rows[0].bundle == release.current:
        return
    current = session.scalar(select(PolicyVersion).where(PolicyVersion.bundle == release.current))
    if current is not None:
        current.in_force_since = now


def record_terms(session: Session, document: Mapping[str, Any], published: float) -> None:
    """Record a version of the terms unless it is known."""
    if session.get(Terms, document["version"]) is None:
        session.add(Terms(version=document["version"], published=published, document=dict(document)))


def _record(
    session: Session,
    repository: Repository,
    approved: Approved,
    now: float,
    documents: Path | None,
    actor: str,
) -> None:
    document = read_document(documents, approved.version) if documents else None
    if document is None:
        document = outline_of(Bundle.from_bytes(repository.read(approved.name)))
    record_terms(session, document["terms"], approved.published)
    session.add(
        PolicyVersion(
            version=approved.version,
            published=approved.published,
            published_by=actor,
            bundle=approved.name,
            terms_version=approved.terms_version,
            document=document,
        )
    )
    detail = {"bundle": approved.name, "sha256": approved.sha256, "terms": approved.terms_version}
    audit.record(session, actor, "publish", f"policy:{approved.version}", detail, now)
