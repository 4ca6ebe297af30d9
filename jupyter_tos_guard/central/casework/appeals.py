"""Appeals: a user's word against a strike, with a state, a clock, and somebody else who answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import audit, review, rulebook
from jupyter_tos_guard.central.casework.config import DAY, CaseworkConfig
from jupyter_tos_guard.central.casework.errors import ConflictError, NotAllowedError, NotFoundError
from jupyter_tos_guard.central.casework.messages import send
from jupyter_tos_guard.central.casework.people import find, names
from jupyter_tos_guard.central.casework.texts import written
from jupyter_tos_guard.central.storage.tables import Appeal, AppealState, Person, State, Strike

#: How often one strike can be appealed and answered.
MAX_ANSWERED: Final = 2


def appeal(
    session: Session, user: str, strike: int | str, text: str, now: float, config: CaseworkConfig
) -> Appeal:
    """Appeal against a strike of one's own.

    Parameters
    ----------
    session : Session
    user : str
    strike : int or str
        Row id, or the act's id.
    text : str
        At most :data:`.config.MAX_TEXT` characters.
    now : float
    config : CaseworkConfig

    Raises
    ------
    NotFoundError
        There is no such strike, or it is somebody else's.
    ConflictError
        It was overturned, has an open appeal, or was appealed and answered often enough.
    InvalidError
    """
    found = own_strike(session, user, strike)
    text = written(text, "the text")
    # Two requests at once: the second waits here, and finds the first one's appeal.
    session.execute(select(Strike.id).where(Strike.id == found.id).with_for_update())
    if found.state == State.OVERTURNED.value:
        raise ConflictError("the strike was taken back already: it does not count")
    earlier = session.scalars(select(Appeal).where(Appeal.strike_id == found.id)).all()
    if any(each.state == AppealState.OPEN.value for each in earlier):
        raise ConflictError(
            "there is an open appeal against this strike", "Wait for its answer, or withdraw it first."
        )
    if sum(each.state == AppealState.DENIED.value for each in earlier) >= MAX_ANSWERED:
        raise ConflictError(
            f"appeals against this strike were answered {MAX_ANSWERED} times",
            "Write to the contact in the terms if there is something new.",
        )
    made = Appeal(
        person_id=found.person_id,
        strike_id=found.id,
        text=text,
        time=now,
        due=now + config.appeal_days * DAY,
        state=AppealState.OPEN.value,
        upheld_by=found.reviewed_by if found.state == State.UPHELD.value else "",
        answer="",
        answered_by="",
    )
    session.add(made)
    session.flush()
    return made


def withdraw(session: Session, user: str, appeal_id: int, now: float) -> Appeal:
    """Withdraw an appeal of one's own; the strike can be appealed again later.

    Raises
    ------
    NotFoundError, ConflictError
    """
    found = session.get(Appeal, appeal_id)
    person = find(session, user)
    if found is None or person is None or found.person_id != person.id:
        raise NotFoundError("there is no such appeal")
    _close(session, found, AppealState.WITHDRAWN, "", "", now)
    return found


def answer(
    session: Session,
    appeal_id: int,
    actor: str,
    grant: bool,
    text: str,
    now: float,
    config: CaseworkConfig,
) -> Appeal:
    """Answer an appeal: grant it (the strike is overturned) or deny it (the strike is upheld).

    Raises
    ------
    NotFoundError, ConflictError
    NotAllowedError
        The actor upheld the strike, or it is the actor's own.
    InvalidError
    """
    found = session.get(Appeal, appeal_id)
    if found is None:
        raise NotFoundError("there is no such appeal")
    text = written(text, "an answer; the person reads it")
    problem = why_not(session, found, actor, config)
    if problem:
        raise NotAllowedError(problem, "Another reviewer has to answer.")
    _close(session, found, AppealState.GRANTED if grant else AppealState.DENIED, actor, text, now)
    owner = names(session, [found.person_id]).get(found.person_id, "")
    detail = {"strike": found.strike_id, "user": owner, "answer": text}
    action = "grant-appeal" if grant else "deny-appeal"
    audit.record(session, actor, action, f"appeal:{found.id}", detail, now)
    book = rulebook.current(session)
    strike = review.strike_of(session, found.strike_id)
    verb = "granted" if grant else "denied"
    title = book.title_of(strike.rule)
    send(session, found.person_id, "appeal", f"Your appeal about “{title}” was {verb}: {text}", now)
    if grant:
        review.overturn(session, [found.strike_id], actor, text, now, config)
    else:
        review.uphold(session, [found.strike_id], actor, now, config)
    return found


def why_not(session: Session, appeal: Appeal, actor: str, config: CaseworkConfig) -> str:
    """Return why this reviewer may not answer; empty when they may."""
    if not config.appeal_by_other:
        return ""
    person = session.get(Person, appeal.person_id)
    if person is not None and person.name == actor:
        return "the appeal is your own"
    strike = session.get(Strike, appeal.strike_id)
    upheld_now = strike is not None and strike.state == State.UPHELD.value and strike.reviewed_by == actor
    if appeal.upheld_by == actor or upheld_now:
        return "you upheld this strike"
    earlier = session.scalar(
        select(func.count())
        .select_from(Appeal)
        .where(
            Appeal.strike_id == appeal.strike_id,
            Appeal.state == AppealState.DENIED.value,
            Appeal.answered_by == actor,
        )
    )
    return "you denied an earlier appeal against this strike" if earlier else ""


def own_strike(session: Session, user: str, strike: int | str) -> Strike:
    """Return a strike of this user's, by row id or by the act's id.

    Raises
    ------
    NotFoundError
        Also when it is somebody else's.
    """
    person = find(session, user)
    found = None
    if person is not None:
        # An act's id may consist of digits only, so it is asked for first.
        query = select(Strike).where(Strike.person_id == person.id)
        if isinstance(strike, str):
            found = session.scalars(query.where(Strike.act == strike)).one_or_none()
            if found is None and strike.isdecimal() and len(strike) < 18:
                found = session.scalars(query.where(Strike.id == int(strike))).one_or_none()
        elif 0 < strike < 2**63:
            found = session.scalars(query.where(Strike.id == strike)).one_or_none()
    if found is None:
        raise NotFoundError("you have no such strike")
    return found


def of_strikes(session: Session, strikes: Sequence[int]) -> dict[int, Appeal]:
    """Return the newest appeal of each of these strikes that has one."""
    if not strikes:
        return {}
    rows = session.scalars(select(Appeal).where(Appeal.strike_id.in_(strikes)).order_by(Appeal.id))
    return {each.strike_id: each for each in rows}


def of_person(session: Session, user: str, limit: int = 100) -> Sequence[Appeal]:
    """Return a user's appeals, newest first."""
    person = find(session, user)
    if person is None:
        return []
    return session.scalars(
        select(Appeal).where(Appeal.person_id == person.id).order_by(Appeal.id.desc()).limit(limit)
    ).all()


def listed(
    session: Session, *, state: str = AppealState.OPEN.value, before: int | None = None, limit: int = 100
) -> Sequence[Appeal]:
    """Return appeals: open ones by when they are due, others newest first; an empty state takes all."""
    query = select(Appeal).limit(limit)
    if state == AppealState.OPEN.value:
        query = query.order_by(Appeal.due, Appeal.id)
    else:
        query = query.order_by(Appeal.id.desc())
        if before is not None:
            query = query.where(Appeal.id < before)
    if state:
        query = query.where(Appeal.state == state)
    return session.scalars(query).all()


def waiting(session: Session, now: float) -> tuple[int, int]:
    """Return how many appeals are open, and how many of them should have been answered by now."""
    opened = select(func.count()).select_from(Appeal).where(Appeal.state == AppealState.OPEN.value)
    return session.scalar(opened) or 0, session.scalar(opened.where(Appeal.due <= now)) or 0


def _close(session: Session, found: Appeal, state: AppealState, actor: str, text: str, now: float) -> None:
    closed = session.execute(
        update(Appeal)
        .where(Appeal.id == found.id, Appeal.state == AppealState.OPEN.value)
        .values(state=state.value, answer=text, answered_by=actor, answered_at=now)
        .execution_options(synchronize_session=False)
    )
    if not getattr(closed, "rowcount", 0):
        session.refresh(found)
        raise ConflictError(f"the appeal is {found.state} already")
    session.refresh(found)
