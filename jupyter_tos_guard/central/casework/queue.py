"""The queue of strikes: filters, pages, groups, counts. Any of them is quick over a million strikes.

How: pages go by key and not by number; an index gives strikes of one rule, user, cell, … in the order
of time; the tally says on which days there is anything to find, so that a combination of
filters that rarely meet does not read through all strikes; groups look at the newest matches
only, and say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework.config import DAY
from jupyter_tos_guard.central.casework.errors import InvalidError
from jupyter_tos_guard.central.casework.people import find, names
from jupyter_tos_guard.central.casework.tally import day_of
from jupyter_tos_guard.central.storage.tables import Strike, Tally

PAGE: Final = 50
MAX_PAGE: Final = 500
#: Matches that a group looks at.
GROUPED: Final = 1_000
#: Counts beyond are "more than".
COUNTED: Final = 10_000
#: Strikes that one bulk action takes; more need a reversal.
MAX_BULK: Final = 20_000


@dataclass(frozen=True, slots=True)
class Filter:
    """Which strikes; empty fields take all.

    ``since`` and ``until`` in seconds since the epoch; ``newest_id`` leaves out what came in later,
    so that what was counted before a bulk action is what it does.
    """

    state: str = ""
    rule: str = ""
    clause: str = ""
    user: str = ""
    cell: str = ""
    action: str = ""
    policy_version: str = ""
    since: float | None = None
    until: float | None = None
    newest_id: int | None = None

    def only(self, **changes: Any) -> Filter:
        """Return the same with other fields."""
        return replace(self, **changes)


class Page(NamedTuple):
    """Strikes, newest first, their users' names by person id, and the cursor of what follows."""

    strikes: Sequence[Strike]
    users: dict[int, str]
    after: str | None


class Group(NamedTuple):
    """Matches that have a rule, a user or a cell in common."""

    key: str
    number: int
    people: int
    newest: float
    sample: int  #: row id of one of its strikes


class Groups(NamedTuple):
    """Groups, largest first. ``partial``: only the newest :data:`GROUPED` matches were looked at."""

    groups: Sequence[Group]
    partial: bool


class Count(NamedTuple):
    """How many match; ``exact`` is False when there are more."""

    number: int
    exact: bool


def page(session: Session, chosen: Filter, after: str = "", limit: int = PAGE) -> Page:
    """Return one page of strikes.

    Parameters
    ----------
    session : Session
    chosen : Filter
    after : str, optional
        Cursor of the page before.
    limit : int, optional

    Raises
    ------
    InvalidError
        When the cursor is none.
    """
    limit = max(1, min(limit, MAX_PAGE))
    where = _where(session, chosen)
    if where is None:
        return Page([], {}, None)
    cursor = _cursor(after) if after else None
    if cursor is not None:
        time, row = cursor
        where.append(or_(Strike.time < time, and_(Strike.time == time, Strike.id < row)))
        where.append(Strike.time <= time)  # the same once more, in a form that an index understands
    query = select(Strike).order_by(Strike.time.desc(), Strike.id.desc()).limit(limit + 1)
    oldest, promised = _oldest_needed(session, chosen, cursor[0] if cursor else None, limit + 1)
    found = session.scalars(query.where(*where, Strike.time >= oldest)).all()
    if promised and len(found) <= limit:
        found = session.scalars(query.where(*where)).all()  # the tally promised too much
    more = len(found) > limit
    found = found[:limit]
    users = names(session, (each.person_id for each in found))
    last = f"{found[-1].time!r}~{found[-1].id}" if more else None
    return Page(found, users, last)


def groups(session: Session, chosen: Filter, by: str, limit: int = PAGE) -> Groups:
    """Return the newest matches grouped ``by`` rule, user or cell, largest first.

    Raises
    ------
    InvalidError
    """
    columns: dict[str, Any] = {"rule": Strike.rule, "user": Strike.person_id, "cell": Strike.cell_digest}
    if by not in columns:
        raise InvalidError(f"strikes cannot be grouped by {by[:40]!r}", "Choose rule, user or cell.")
    where = _where(session, chosen)
    if where is None:
        return Groups([], False)
    where.append(Strike.time >= _oldest_needed(session, chosen, None, GROUPED)[0])
    newest = (
        select(columns[by].label("key"), Strike.person_id, Strike.time, Strike.id)
        .where(*where)
        .order_by(Strike.time.desc(), Strike.id.desc())
        .limit(GROUPED)
        .subquery()
    )
    number = func.count().label("number")
    rows = session.execute(
        select(
            newest.c.key,
            number,
            func.count(newest.c.person_id.distinct()).label("people"),
            func.max(newest.c.time).label("newest"),
            func.max(newest.c.id).label("sample"),
        )
        .group_by(newest.c.key)
        .order_by(number.desc(), newest.c.key)
        .limit(limit)
    ).all()
    users = names(session, (row.key for row in rows)) if by == "user" else {}
    found = [
        Group(
            users.get(row.key, "") if by == "user" else row.key,
            row.number,
            row.people,
            row.newest,
            row.sample,
        )
        for row in rows
    ]
    looked_at = sum(group.number for group in found)
    partial = looked_at >= GROUPED or (len(found) == limit and not count(session, chosen).exact)
    return Groups(found, partial)


def count(session: Session, chosen: Filter) -> Count:
    """Return how many strikes match, counting no further than :data:`COUNTED` where the tally cannot say."""
    if _by_tally(chosen):
        number = session.scalar(select(func.sum(Tally.count)).where(*_tally_where(chosen)))
        return Count(int(number or 0), True)
    where = _where(session, chosen)
    if where is None:
        return Count(0, True)
    some = select(Strike.id).where(*where).limit(COUNTED + 1).subquery()
    number = session.scalar(select(func.count()).select_from(some)) or 0
    return Count(min(number, COUNTED), number <= COUNTED)


def matching(session: Session, chosen: Filter) -> tuple[list[int], int]:
    """Return ids of the matches for a bulk action, at most :data:`MAX_BULK`, and how many people they are of.

    Raises
    ------
    InvalidError
        There are more.
    """
    where = _where(session, chosen)
    if where is None:
        return [], 0
    rows = session.execute(
        select(Strike.id, Strike.person_id).where(*where).order_by(Strike.id).limit(MAX_BULK + 1)
    ).all()
    if len(rows) > MAX_BULK:
        raise InvalidError(
            f"more than {MAX_BULK} strikes match",
            "Filter further, or reverse everything that the rule or the policy version did.",
        )
    return [row.id for row in rows], len({row.person_id for row in rows})


def newest_id(session: Session) -> int:
    """Return the highest row id there is."""
    return session.scalar(select(func.max(Strike.id))) or 0


def choices(session: Session, now: float, days: int = 400) -> dict[str, list[str]]:
    """Return what there is to filter by: rules, clauses and policy versions that were met lately."""
    columns = (Tally.rule, Tally.clause, Tally.policy_version)
    rows = session.execute(select(*columns).where(Tally.day > day_of(now) - days).distinct()).all()
    return {
        "rule": sorted({row.rule for row in rows}),
        "clause": sorted({row.clause for row in rows}),
        "policy_version": sorted({row.policy_version for row in rows}),
    }


def _where(session: Session, chosen: Filter) -> list[ColumnElement[bool]] | None:
    """Conditions; None when nothing can match."""
    where: list[ColumnElement[bool]] = []
    if chosen.user:
        person = find(session, chosen.user)
        if person is None:
            return None
        where.append(Strike.person_id == person.id)
    columns: tuple[tuple[Any, str], ...] = (
        (Strike.state, chosen.state),
        (Strike.rule, chosen.rule),
        (Strike.clause, chosen.clause),
        (Strike.cell_digest, chosen.cell),
        (Strike.action, chosen.action),
        (Strike.policy_version, chosen.policy_version),
    )
    where += [column == value for column, value in columns if value]
    if chosen.since is not None:
        where.append(Strike.time >= chosen.since)
    if chosen.until is not None:
        where.append(Strike.time < chosen.until)
    if chosen.newest_id is not None:
        where.append(Strike.id <= chosen.newest_id)
    return where


def _by_tally(chosen: Filter) -> bool:
    return not (
        chosen.user
        or chosen.cell
        or chosen.since is not None
        or chosen.until is not None
        or chosen.newest_id is not None
    )


def _tally_where(chosen: Filter) -> list[ColumnElement[bool]]:
    columns: tuple[tuple[Any, str], ...] = (
        (Tally.state, chosen.state),
        (Tally.rule, chosen.rule),
        (Tally.clause, chosen.clause),
        (Tally.action, chosen.action),
        (Tally.policy_version, chosen.policy_version),
    )
    return [column == value for column, value in columns if value]


def _oldest_needed(session: Session, chosen: Filter, before: float | None, wanted: int) -> tuple[float, bool]:
    """Return from when on there are ``wanted`` matches by the tally, and whether it says that there are.

    When it says that there are fewer, the time is that of the oldest match.
    """
    where = _tally_where(chosen)
    if len(where) < 2 or chosen.user or chosen.cell:
        return float("-inf"), False  # one index has them in order; of one user or cell there are few
    last = min(t for t in (before, chosen.until, float("inf")) if t is not None)
    # The day of the cursor is cut in two: what the tally says of it counts for nothing.
    cut = day_of(last) if last < float("inf") else None
    if cut is not None:
        where.append(Tally.day <= cut)
    days = select(Tally.day, func.sum(Tally.count)).where(*where).group_by(Tally.day)
    enough, oldest = 0, float("inf")
    for day, number in session.execute(days.order_by(Tally.day.desc())):
        oldest = float(day * DAY)
        enough += 0 if day == cut else int(number)
        if enough >= wanted:
            return oldest, True
    return oldest, False


def _cursor(after: str) -> tuple[float, int]:
    time, _, row = after.partition("~")
    try:
        if int(row) < 2**63:
            return float(time), int(row)
    except ValueError:
        pass
    raise InvalidError("the page's cursor is damaged", "Start again at the first page.")
