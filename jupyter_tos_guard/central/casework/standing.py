"""Where people stand: the ladder over their strikes, what admins set, and what follows from it.

The ladder itself is :mod:`jupyter_tos_guard.strikes.standing`. This reads what it needs from the
database, keeps the level cached with the person, and tells the person when it changes.
"""

from __future__ import annotations

import time as clock
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, bindparam, func, or_, select
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import audit, rulebook
from jupyter_tos_guard.central.casework.config import DAY, MEANINGS, CaseworkConfig, Effect
from jupyter_tos_guard.central.casework.messages import send
from jupyter_tos_guard.central.storage.tables import Person, Restriction, State, Strike
from jupyter_tos_guard.policy.model import Ladder
from jupyter_tos_guard.strikes.standing import MAX_STRIKES, Counted, Level, Standing, standing
from jupyter_tos_guard.strikes.strike import Action

ORDER: Final[Sequence[Level]] = (Level.GOOD, Level.WARNED, Level.RESTRICTED, Level.SUSPENDED)
_COUNTED: Final = (Action.ACKNOWLEDGE.value, Action.BLOCK.value)
_AT_ONCE: Final = 500


class Case(NamedTuple):
    """What a person's standing is made of, read at one time.

    Attributes
    ----------
    strikes : tuple of Counted
        Those that count: not overturned, after the last lifting.
    manual : tuple of (Level, until)
        What admins set and has not ended.
    """

    strikes: tuple[Counted, ...]
    manual: tuple[tuple[Level, float | None], ...]

    def standing(self, ladder: Ladder, now: float) -> Standing:
        """Return the standing: what the ladder says, or what an admin set if that is stricter."""
        found = standing(self.strikes, ladder, now)
        for level, until in self.manual:
            if ORDER.index(level) > ORDER.index(found.level):
                above = Level.SUSPENDED if level is Level.RESTRICTED else None
                left = max(1, ladder.suspended_at - found.live) if above else 0
                found = Standing(level, found.live, until, above, left)
            elif level is found.level and found.until is not None and (until is None or until > found.until):
                found = found._replace(until=until)
        return found


class Known(NamedTuple):
    """The policy in force; some people, their rows locked; what their standing is made of. By person id."""

    book: rulebook.Rulebook
    people: Mapping[int, Person]
    cases: Mapping[int, Case]


class Affected(NamedTuple):
    """Somebody on whom an effect is now."""

    name: str
    level: Level
    since: float
    until: float | None


def ladder_of(session: Session) -> Ladder:
    """Return the ladder of the policy in force."""
    return rulebook.current(session).ladder


def standing_of(session: Session, person: Person, now: float) -> Standing:
    """Return where a person stands at ``now``, from the record, not from the cache."""
    ladder = ladder_of(session)
    return case_of(session, person, ladder, now).standing(ladder, now)


def case_of(session: Session, person: Person, ladder: Ladder, now: float) -> Case:
    """Return what a person's standing is made of."""
    return cases_of(session, [person.id], ladder, now)[person.id]


def refresh_standing(
    session: Session, person: Person, now: float, config: CaseworkConfig, *, tell: bool = True
) -> Standing:
    """Compute a standing anew, cache it, and tell the person when the level changed."""
    return refresh_many(session, [person.id], now, config, tell=tell)[person.id]


def refresh_many(
    session: Session,
    person_ids: Iterable[int],
    now: float,
    config: CaseworkConfig,
    *,
    tell: bool = True,
    known: Known | None = None,
) -> dict[int, Standing]:
    """Compute the standing of many people anew; see :func:`refresh_standing`.

    ``tell`` is False where the caller tells the people itself, in words that fit better; ``known`` is for
    a caller that has read it already.
    """
    ladder = known.book.ladder if known else ladder_of(session)
    found: dict[int, Standing] = {}
    # By id, so that two that do this at once never wait for each other in a circle.
    ids = sorted(set(person_ids))
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        session.flush()
        people = (
            [known.people[each] for each in part]
            if known
            else session.scalars(
                select(Person).where(Person.id.in_(part)).order_by(Person.id).with_for_update()
            ).all()
        )
        cases = known.cases if known else cases_of(session, part, ladder, now)
        for person in people:
            found[person.id] = cases[person.id].standing(ladder, now)
            _cache(session, person, found[person.id], ladder, now, config, tell)
    return found


def end_due(session: Session, now: float, config: CaseworkConfig, limit: int = 500) -> int:
    """End levels whose time is over, and tell the people. To be called every minute or so.

    Returns
    -------
    int
        How many people were looked at; ``limit`` means that there may be more.
    """
    due = session.scalars(
        select(Person.id)
        .where(Person.level != Level.GOOD.value, Person.level_until <= now)
        .order_by(Person.id)
        .limit(limit)
    ).all()
    refresh_many(session, due, now, config)
    return len(due)


def affected(
    session: Session, effect: Effect, now: float, config: CaseworkConfig, limit: int = 10_000
) -> list[Affected]:
    """Return everybody on whom an effect is, by the cached level."""
    levels = [level.value for level in ORDER if effect in config.effects_of(level)]
    if not levels:
        return []
    people = session.scalars(
        select(Person)
        .where(Person.level.in_(levels), or_(Person.level_until.is_(None), Person.level_until > now))
        .order_by(Person.id)
        .limit(limit)
    )
    return [
        Affected(person.name, Level(person.level), person.level_since, person.level_until)
        for person in people
    ]


def what_if(
    session: Session, person: Person, change: Mapping[str, int], now: float
) -> tuple[Standing, dict[str, Standing]]:
    """Return the standing now, and what it would be with each change.

    Parameters
    ----------
    session : Session
    person : Person
    change : mapping of str to int
        Name of a change, and the row id of the strike that would be overturned; 0: one more
        ordinary strike of a new cell now.
    now : float
    """
    ladder = ladder_of(session)
    case = case_of(session, person, ladder, now)
    results: dict[str, Standing] = {}
    for name, strike_id in change.items():
        if strike_id:
            rest = cases_of(session, [person.id], ladder, now, without=strike_id)[person.id].strikes
        else:
            rest = (*case.strikes, Counted(now, Action.BLOCK, False, ""))
        results[name] = Case(rest, case.manual).standing(ladder, now)
    return case.standing(ladder, now), results


def cases_of(
    session: Session, ids: Sequence[int], ladder: Ladder, now: float, without: int = 0
) -> dict[int, Case]:
    """Return what the standing of each of these people is made of, but for one strike."""
    lifted: dict[int, float] = {}
    manual: dict[int, list[tuple[Level, float | None]]] = defaultdict(list)
    for row in session.execute(_SET_BY_ADMINS, {"ids": ids, "now": now}):
        if row.level == Level.GOOD.value:
            lifted[row.person_id] = max(row.since, lifted.get(row.person_id, 0.0))
        elif row.until is None or row.until > now:
            manual[row.person_id].append((Level(row.level), row.until))
    # What is older can neither be counted nor restrict any more; the first act ever is asked for apart.
    days = ladder.expire_days + max(ladder.restricted_days, ladder.suspended_days) + 1
    values = {"ids": ids, "now": now, "since": now - days * DAY, "without": without}
    recent = session.execute(_RECENT, {**values, "most": MAX_STRIKES}).all()
    firsts = session.execute(_FIRSTS, values).all()
    strikes: dict[int, list[Counted]] = defaultdict(list)
    for person_id, time, action, severe, digest in recent:
        if time > lifted.get(person_id, float("-inf")):
            strikes[person_id].append(Counted(time, Action(action), severe, digest))
    for person_id, first in firsts:
        if lifted.get(person_id, float("-inf")) < first:
            strikes[person_id].append(Counted(first, Action.BLOCK, False, "\0first"))
    return {each: Case(tuple(strikes[each]), tuple(manual[each])) for each in ids}


_IDS: Final[Any] = bindparam("ids", expanding=True)


def _strikes_of(*columns: Any) -> Select[Any]:
    return select(*columns).where(
        Strike.person_id.in_(_IDS),
        Strike.action.in_(_COUNTED),
        Strike.state != State.OVERTURNED.value,
        Strike.time <= bindparam("now"),
        Strike.id != bindparam("without"),
    )


def _newest() -> Select[Any]:
    # Numbered for each person: a flood of one must not push out the strikes of others.
    number = func.row_number().over(partition_by=Strike.person_id, order_by=Strike.time.desc())
    columns = (Strike.person_id, Strike.time, Strike.action, Strike.severe, Strike.cell_digest)
    every = _strikes_of(*columns, number.label("number")).where(Strike.time > bindparam("since")).subquery()
    return select(*(every.c[column.key] for column in columns)).where(every.c.number <= bindparam("most"))


# Put together once, since each report of strikes asks these.
_SET_BY_ADMINS: Final = select(
    Restriction.person_id, Restriction.level, Restriction.since, Restriction.until
).where(
    Restriction.person_id.in_(_IDS), Restriction.lifted_at.is_(None), Restriction.since <= bindparam("now")
)
_RECENT: Final = _newest()
_FIRSTS: Final = (
    _strikes_of(Strike.person_id, func.min(Strike.time).label("time"))
    .where(Strike.time <= bindparam("since"))
    .group_by(Strike.person_id)
)
_LIFTED: Final = (
    select(func.max(Restriction.since))
    .where(
        Restriction.person_id == Strike.person_id,
        Restriction.level == Level.GOOD.value,
        Restriction.lifted_at.is_(None),
    )
    .scalar_subquery()
)
_CLAUSES: Final = (
    _strikes_of(Strike.person_id, Strike.clause)
    .where(Strike.time > bindparam("since"), Strike.time > func.coalesce(_LIFTED, 0.0))
    .distinct()
    .order_by(Strike.person_id, Strike.clause)
    .limit(bindparam("most"))
)


def _cache(
    session: Session,
    person: Person,
    found: Standing,
    ladder: Ladder,
    now: float,
    config: CaseworkConfig,
    tell: bool,
) -> None:
    before, after = Level(person.level), found.level
    person.level_until = found.until
    if before is after:
        return
    person.level, person.level_since = after.value, now
    if tell:
        rises = ORDER.index(after) > ORDER.index(before)
        text = told_of_rise(found, ladder, config) if rises else _told_of_fall(before, found)
        send(session, person.id, "standing" if rises else "standing-ended", text, now)
    audit.record(
        session,
        audit.SYSTEM,
        "standing",
        f"user:{person.name}",
        {"was": before.value, "is": after.value, "until": found.until},
        now,
    )


def told_of_rise(found: Standing, ladder: Ladder, config: CaseworkConfig) -> str:
    """Return what somebody is told whose standing is worse now."""
    counted = _count(found.live)
    if found.level is Level.WARNED:
        return (
            f"You are warned: {counted} against you. "
            f"{_count(found.strikes_left, more=True)} would lead to a restriction. "
            f"Strikes stop counting after {ladder.expire_days} days. You can appeal against each of them."
        )
    what = "restricted" if found.level is Level.RESTRICTED else "suspended"
    until = f"until {day_text(found.until)}" if found.until is not None else "until an admin ends it"
    effects = "; ".join(MEANINGS[effect] for effect in config.effects_of(found.level))
    return (
        f"Your use of this hub is {what} {until}: {counted} against you. "
        + (f"Until then, {effects}. " if effects else "")
        + "It ends by itself. You can appeal against each strike."
    )


def _told_of_fall(before: Level, found: Standing) -> str:
    names = {Level.SUSPENDED: "suspension", Level.RESTRICTED: "restriction", Level.WARNED: "warning"}
    ended = f"Your {names[before]} has ended."
    if found.level is Level.GOOD:
        return f"{ended} You are in good standing."
    if found.level is Level.WARNED:
        return f"{ended} {_count(found.live).capitalize()} until {day_text(found.until)}."
    return f"{ended} You are restricted until {day_text(found.until)}."


def _count(number: int, *, more: bool = False) -> str:
    noun = ("one " if number == 1 else f"{number} ") + ("more " if more else "")
    noun += "strike" if number == 1 else "strikes"
    return noun if more else f"{noun} {'counts' if number == 1 else 'count'}"


def day_text(time: float | None) -> str:
    """Return a time as a person reads it, in UTC."""
    if time is None:
        return "an admin ends it"
    return clock.strftime("%-d %B %Y, %H:%M UTC", clock.gmtime(min(max(time, 0.0), 250_000_000_000.0)))


def broken_clauses(session: Session, person: Person, ladder: Ladder, now: float) -> list[str]:
    """Return the clauses of a person's strikes that count now."""
    return broken_clauses_many(session, [person.id], ladder, now)[person.id]


def broken_clauses_many(
    session: Session, ids: Sequence[int], ladder: Ladder, now: float
) -> dict[int, list[str]]:
    """Return the clauses of each of these people's strikes that count now."""
    if not ids:
        return {}
    values = {"ids": ids, "now": now, "since": now - ladder.expire_days * DAY, "without": 0}
    found: dict[int, list[str]] = {each: [] for each in ids}
    for person_id, clause in session.execute(_CLAUSES, {**values, "most": 100 * len(ids)}):
        found[person_id].append(clause)
    return found
