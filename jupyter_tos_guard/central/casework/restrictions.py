"""What admins set about a person's standing: restrict, lift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import audit
from jupyter_tos_guard.central.casework.config import MEANINGS, CaseworkConfig
from jupyter_tos_guard.central.casework.errors import ConflictError, InvalidError, NotAllowedError
from jupyter_tos_guard.central.casework.exemptions import MAX_YEARS
from jupyter_tos_guard.central.casework.messages import send
from jupyter_tos_guard.central.casework.people import ensure, get
from jupyter_tos_guard.central.casework.standing import day_text, refresh_standing, standing_of
from jupyter_tos_guard.central.casework.texts import written
from jupyter_tos_guard.central.storage.tables import Restriction
from jupyter_tos_guard.strikes.standing import Level, Standing


def restrict(
    session: Session,
    user: str,
    level: str,
    until: float | None,
    reason: str,
    actor: str,
    now: float,
    config: CaseworkConfig,
) -> Standing:
    """Restrict or suspend somebody, whatever the ladder says.

    Parameters
    ----------
    session : Session
    user : str
        Need not be known before.
    level : str
        ``restricted`` or ``suspended``.
    until : float or None
        None: until an admin lifts it.
    reason : str
        The person reads it.
    actor : str
    now : float
    config : CaseworkConfig

    Raises
    ------
    InvalidError
    """
    if level not in (Level.RESTRICTED.value, Level.SUSPENDED.value):
        raise InvalidError(f"{level[:40]!r} is no level that can be set", "Choose restricted or suspended.")
    if until is not None and not now < until <= now + MAX_YEARS * 366 * 86_400:
        raise InvalidError("the end is not in the future", f"Choose a day within {MAX_YEARS} years.")
    reason = written(reason, "a reason; the person reads it")
    person = ensure(session, user, now)
    session.add(
        Restriction(person_id=person.id, level=level, since=now, until=until, reason=reason, made_by=actor)
    )
    detail = {"level": level, "until": until, "reason": reason}
    audit.record(session, actor, "restrict", f"user:{user}", detail, now)
    until_text = f"until {day_text(until)}" if until is not None else "until an admin ends it"
    effects = "; ".join(MEANINGS[effect] for effect in config.effects_of(Level(level)))
    text = f"An admin set your standing to {level} {until_text}: {reason}"
    send(session, person.id, "standing", f"{text}\n\nUntil then, {effects}." if effects else text, now)
    return refresh_standing(session, person, now, config, tell=False)


def lift(
    session: Session, user: str, reason: str, actor: str, now: float, config: CaseworkConfig
) -> Standing:
    """End what restricts somebody: what admins set, and what the ladder says of strikes up to now.

    The strikes stay on the record; they do not count towards the standing any more.

    Raises
    ------
    NotFoundError, ConflictError, InvalidError
    NotAllowedError
        It is the actor's own.
    """
    reason = written(reason, "a reason; the person reads it")
    person = get(session, user)
    if config.appeal_by_other and user == actor:
        raise NotAllowedError("the restriction is your own", "Another reviewer has to lift it.")
    if standing_of(session, person, now).level is Level.GOOD:
        raise ConflictError(f"{user[:80]!r} is in good standing: there is nothing to lift")
    session.execute(
        update(Restriction)
        .where(
            Restriction.person_id == person.id,
            Restriction.level != Level.GOOD.value,
            Restriction.lifted_at.is_(None),
        )
        .values(lifted_by=actor, lifted_at=now)
    )
    if standing_of(session, person, now).level is not Level.GOOD:
        session.add(
            Restriction(
                person_id=person.id,
                level=Level.GOOD.value,
                since=now,
                until=None,
                reason=reason,
                made_by=actor,
            )
        )
    audit.record(session, actor, "lift", f"user:{user}", {"reason": reason}, now)
    send(session, person.id, "standing-ended", f"An admin lifted your restriction: {reason}", now)
    return refresh_standing(session, person, now, config, tell=False)


def in_force(session: Session, person_id: int, now: float) -> list[Restriction]:
    """Return what admins set about a person and holds now, newest first."""
    return in_force_many(session, [person_id], now)[person_id]


def in_force_many(session: Session, ids: Sequence[int], now: float) -> dict[int, list[Restriction]]:
    """Return what admins set about each of these people and holds now, newest first."""
    found: dict[int, list[Restriction]] = {each: [] for each in ids}
    if not ids:
        return found
    for row in session.scalars(_NOT_LIFTED, {"ids": ids}):
        if row.until is None or row.until > now:
            found[row.person_id].append(row)
    return found


# Put together once, since each report of strikes asks it.
_NOT_LIFTED: Final = (
    select(Restriction)
    .where(Restriction.person_id.in_(bindparam("ids", expanding=True)), Restriction.lifted_at.is_(None))
    .order_by(Restriction.since.desc(), Restriction.id.desc())
)
