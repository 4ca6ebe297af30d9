"""Who is known: somebody who has a strike, accepted the terms, or was dealt with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework.errors import InvalidError, NotFoundError
from jupyter_tos_guard.central.storage.tables import Person, Restriction, Strike
from jupyter_tos_guard.strikes.standing import Level

#: Longest name; the Hub's own is shorter.
MAX_NAME = 255


def find(session: Session, name: str) -> Person | None:
    """Return a person by name, None when not known."""
    return session.scalars(select(Person).where(Person.name == name)).one_or_none()


def find_many(session: Session, names: Iterable[str]) -> list[Person]:
    """Return the people of these names that are known."""
    wanted = sorted(set(names))
    found: list[Person] = []
    for start in range(0, len(wanted), 500):
        found += session.scalars(select(Person).where(Person.name.in_(wanted[start : start + 500])))
    return found


def get(session: Session, name: str) -> Person:
    """Return a person by name.

    Raises
    ------
    NotFoundError
    """
    person = find(session, name)
    if person is None:
        raise NotFoundError(
            f"nothing is recorded about {name[:80]!r}", "Check the spelling; names are as the Hub has them"
        )
    return person


def ensure(session: Session, name: str, now: float, groups: Iterable[str] | None = None) -> Person:
    """Return a person by name, newly noted when not known; also with other replicas doing the same.

    ``groups`` as the Hub says; None leaves those that are known.
    """
    if not name or len(name) > MAX_NAME:
        raise InvalidError(f"a name has 1 to {MAX_NAME} characters")
    person = find(session, name)
    if person is None:
        values = {
            "name": name,
            "groups": [],
            "first_seen": now,
            "level": Level.GOOD.value,
            "level_since": now,
        }
        session.execute(_insert(session)(Person).values(values).on_conflict_do_nothing())
        person = session.scalars(select(Person).where(Person.name == name)).one()
    if groups is not None:
        known = sorted(set(groups))
        if person.groups != known:
            person.groups = known
    return person


def listed(
    session: Session, *, level: str = "", search: str = "", after: str = "", limit: int = 100
) -> Sequence[Person]:
    """Return people by name; ``level`` one of the ladder's or ``not-good``, ``search`` how a name begins."""
    query = select(Person).where(Person.name > after).order_by(Person.name).limit(limit)
    if level == "not-good":
        query = query.where(Person.level != Level.GOOD.value)
    elif level:
        query = query.where(Person.level == level)
    if search:
        query = query.where(func.substr(Person.name, 1, len(search)) == search)
    return session.scalars(query).all()


def names(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """Return names by id."""
    wanted = sorted(set(ids))
    found: dict[int, str] = {}
    for start in range(0, len(wanted), 500):
        rows = session.execute(
            select(Person.id, Person.name).where(Person.id.in_(wanted[start : start + 500]))
        )
        found.update((row.id, row.name) for row in rows)
    return found


def history(
    session: Session, person: Person, limit: int = 100
) -> tuple[Sequence[Strike], Sequence[Restriction]]:
    """Return strikes and restrictions, newest first."""
    strikes = session.scalars(
        select(Strike)
        .where(Strike.person_id == person.id)
        .order_by(Strike.time.desc(), Strike.id.desc())
        .limit(limit)
    ).all()
    restrictions = session.scalars(
        select(Restriction)
        .where(Restriction.person_id == person.id)
        .order_by(Restriction.since.desc(), Restriction.id.desc())
        .limit(limit)
    ).all()
    return strikes, restrictions


def _insert(session: Session) -> Any:
    """``INSERT`` that knows ``ON CONFLICT``, in the words of the database in use."""
    return sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
