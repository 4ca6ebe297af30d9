"""A published policy as people read it: clauses, ladder, rules; from the database, never from a bundle."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.storage.tables import PolicyVersion
from jupyter_tos_guard.policy.model import Clause, Ladder


@dataclass(frozen=True)
class Rulebook:
    """One version of the policy.

    Attributes
    ----------
    version : str
    document : mapping
        As published: ``name``, ``mode``, ``terms``, ``ladder``, ``rules``.
    """

    version: str
    document: Mapping[str, Any]

    @cached_property
    def ladder(self) -> Ladder:
        """What strikes cost."""
        known = self.document.get("ladder") or {}
        return Ladder(**{name: known[name] for name in Ladder._fields if name in known})

    @cached_property
    def clauses(self) -> Mapping[str, Clause]:
        """Clauses by id, in the order of the terms."""
        terms = self.document.get("terms") or {}
        found = (
            Clause(**{name: each[name] for name in Clause._fields if name in each})
            for each in terms.get("clauses") or ()
        )
        return {clause.id: clause for clause in found}

    @cached_property
    def rules(self) -> Mapping[str, Mapping[str, Any]]:
        """Rules by id, as published."""
        return {str(rule["id"]): rule for rule in self.document.get("rules") or ()}

    @property
    def mode(self) -> str:
        """``monitor`` or ``enforce``."""
        return str(self.document.get("mode") or "monitor")

    def title_of(self, rule: str) -> str:
        """Return a rule's title, its id when it is not in this version."""
        return str(self.rules.get(rule, {}).get("title") or rule)

    def name_of(self, rule: str) -> str:
        """Return a rule's short name, its id when it is not in this version."""
        return str(self.rules.get(rule, {}).get("name") or rule)

    def clause_label(self, clause: str) -> str:
        """Return number and title of a clause, its id when it is not in this version."""
        found = self.clauses.get(clause)
        return f"{found.number}. {found.title}" if found else clause


NONE: Final = Rulebook("", {})

#: Documents are large and never change once published.
_MAX_KEPT: Final = 16
_kept: dict[tuple[str, str, float], Rulebook] = {}
_lock = threading.Lock()


def version(session: Session, version: str) -> Rulebook | None:
    """Return one version, None when it was never published here."""
    published = session.scalar(select(PolicyVersion.published).where(PolicyVersion.version == version))
    return None if published is None else _document(session, version, published)


def _document(session: Session, version: str, published: float) -> Rulebook:
    key = (str(session.get_bind().engine.url), version, published)
    with _lock:
        found = _kept.get(key)
    if found is None:
        document = session.scalar(select(PolicyVersion.document).where(PolicyVersion.version == version))
        found = Rulebook(version, document or {})
        with _lock:
            while len(_kept) >= _MAX_KEPT:
                del _kept[next(iter(_kept))]
            _kept[key] = found
    return found


def current(session: Session) -> Rulebook:
    """Return the version in force for everybody; the newest when that was not noted; else an empty one."""
    found = session.execute(_CURRENT).first()
    return _document(session, found.version, found.published) if found else NONE


def current_version(session: Session) -> str:
    """Return the name of the version in force, empty when there is none."""
    found = session.execute(_CURRENT).first()
    return found.version if found else ""


_CURRENT: Final = (
    select(PolicyVersion.version, PolicyVersion.published)
    .order_by(func.coalesce(PolicyVersion.in_force_since, -1.0).desc(), PolicyVersion.published.desc())
    .limit(1)
)


def versions(session: Session, limit: int = 100) -> Sequence[Any]:
    """Return versions without their documents, newest first."""
    return session.execute(
        select(
            PolicyVersion.version,
            PolicyVersion.published,
            PolicyVersion.published_by,
            PolicyVersion.bundle,
            PolicyVersion.terms_version,
            PolicyVersion.in_force_since,
        )
        .order_by(PolicyVersion.published.desc())
        .limit(limit)
    ).all()
