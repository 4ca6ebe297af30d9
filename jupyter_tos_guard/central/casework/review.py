"""Review of strikes: uphold, overturn, both in bulk, and reverse everything that a rule or a version did."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import audit, rulebook, tally
from jupyter_tos_guard.central.casework.config import CaseworkConfig
from jupyter_tos_guard.central.casework.errors import InvalidError, NotAllowedError, NotFoundError
from jupyter_tos_guard.central.casework.messages import send_many
from jupyter_tos_guard.central.casework.people import find, names
from jupyter_tos_guard.central.casework.standing import refresh_many
from jupyter_tos_guard.central.casework.texts import written
from jupyter_tos_guard.central.storage.tables import Appeal, AppealState, State, Strike

_AT_ONCE: Final = 2000
#: Ids that an entry of the audit log names; of more, how many there were.
_MAX_NAMED: Final = 200


class Outcome(NamedTuple):
    """What a review did.

    Attributes
    ----------
    changed, people : int
        Strikes that are in another state now, and whose they are.
    appeals : int
        Open appeals that were granted by it.
    skipped : int
        Strikes that were in that state already, do not exist, or are the reviewer's own.
    """

    changed: int
    people: int
    appeals: int
    skipped: int


def uphold(
    session: Session, ids: Iterable[int], actor: str, now: float, config: CaseworkConfig, reason: str = ""
) -> Outcome:
    """Agree with strikes. Overturned ones count again, and their people are told.

    Parameters
    ----------
    session : Session
    ids : iterable of int
        Row ids.
    actor : str
    now : float
    config : CaseworkConfig
    reason : str, optional
    """
    if reason:
        reason = written(reason, "a reason")
    return _review(session, sorted(set(ids)), State.UPHELD, actor, reason, now, config, "uphold", {})


def overturn(
    session: Session, ids: Iterable[int], actor: str, reason: str, now: float, config: CaseworkConfig
) -> Outcome:
    """Take strikes back: they do not count any more, and their people are told why.

    Raises
    ------
    InvalidError
        There is no reason.
    """
    reason = written(reason, "a reason; the person reads it")
    return _review(session, sorted(set(ids)), State.OVERTURNED, actor, reason, now, config, "overturn", {})


def reverse(
    session: Session,
    *,
    rule: str = "",
    policy_version: str = "",
    actor: str,
    reason: str,
    now: float,
    config: CaseworkConfig,
) -> Outcome:
    """Take back everything that a rule, a policy version, or a rule under a version did.

    Upheld strikes too. Standings are computed anew, and everybody is told.

    Raises
    ------
    InvalidError
    """
    reason = written(reason, "a reason; the people read it")
    query = _done_by(rule, policy_version)
    ids: Sequence[int] = session.scalars(query.order_by(Strike.id)).all()
    detail = {"rule": rule, "policy_version": policy_version}
    return _review(session, ids, State.OVERTURNED, actor, reason, now, config, "reverse", detail)


def would_reverse(session: Session, *, rule: str = "", policy_version: str = "") -> tuple[int, int]:
    """Return how many strikes of how many people :func:`reverse` would take back."""
    counted = _done_by(rule, policy_version).with_only_columns(
        func.count(), func.count(Strike.person_id.distinct())
    )
    strikes, people = session.execute(counted).one()
    return int(strikes), int(people)


def strike_of(session: Session, strike_id: int) -> Strike:
    """Return one strike.

    Raises
    ------
    NotFoundError
    """
    found = session.get(Strike, strike_id)
    if found is None:
        raise NotFoundError("there is no such strike", "It may have been deleted after its time.")
    return found


def own_id(session: Session, actor: str, config: CaseworkConfig) -> int | None:
    """Return the id of the reviewer as a person whose record somebody else has to decide about."""
    person = find(session, actor) if config.appeal_by_other else None
    return person.id if person else None


def _done_by(rule: str, policy_version: str) -> Select[Any]:
    if not rule and not policy_version:
        raise InvalidError("neither a rule nor a policy version is named", "Name one of them, or both.")
    query = select(Strike.id).where(Strike.state != State.OVERTURNED.value)
    if rule:
        query = query.where(Strike.rule == rule)
    if policy_version:
        query = query.where(Strike.policy_version == policy_version)
    return query


def _review(
    session: Session,
    ids: Sequence[int],
    state: State,
    actor: str,
    reason: str,
    now: float,
    config: CaseworkConfig,
    action: str,
    detail: dict[str, Any],
) -> Outcome:
    moved: Counter[tally.Bucket] = Counter()
    by_person: dict[int, list[str]] = defaultdict(list)
    changed: list[int] = []
    appeals = 0
    own = own_id(session, actor, config) if action in ("uphold", "overturn") else None
    columns = (
        Strike.id,
        Strike.person_id,
        Strike.time,
        Strike.rule,
        Strike.clause,
        Strike.policy_version,
        Strike.action,
        Strike.state,
    )
    for start in range(0, len(ids), _AT_ONCE):
        rows = session.execute(
            select(*columns)
            .where(Strike.id.in_(ids[start : start + _AT_ONCE]), Strike.state != state.value)
            .order_by(Strike.id)
            .with_for_update()
        ).all()
        theirs = [row for row in rows if row.person_id != own]
        if len(ids) == 1 and rows and not theirs:
            raise NotAllowedError("the strike is your own", "Another reviewer has to decide.")
        rows = theirs
        part = [row.id for row in rows]
        if not part:
            continue
        changed += part
        session.execute(
            update(Strike)
            .where(Strike.id.in_(part))
            .values(state=state.value, reviewed_by=actor, reviewed_at=now, reason=reason)
            .execution_options(synchronize_session="fetch" if len(ids) <= 50 else False)
        )
        if state is State.OVERTURNED:
            appeals += _grant_appeals(session, part, actor, reason, now)
        for row in rows:
            bucket = tally.bucket_of(row)
            moved[bucket] -= 1
            moved[bucket._replace(state=state.value)] += 1
            # Upholding what nobody has looked at changes nothing for the person.
            if state is State.OVERTURNED or row.state == State.OVERTURNED.value:
                by_person[row.person_id].append(row.rule)
    _record(session, changed, actor, action, state, reason, {**detail, "people": len(by_person)}, now)
    if by_person:
        book = rulebook.current(session)
        texts = ((person, _told(book, rules, state, reason)) for person, rules in by_person.items())
        send_many(session, texts, "review", now)
        refresh_many(session, by_person, now, config)
    session.flush()
    tally.count(session, moved)
    return Outcome(len(changed), len(by_person), appeals, len(ids) - len(changed))


def _grant_appeals(session: Session, strikes: Sequence[int], actor: str, reason: str, now: float) -> int:
    granted = session.execute(
        update(Appeal)
        .where(Appeal.strike_id.in_(strikes), Appeal.state == AppealState.OPEN.value)
        .values(state=AppealState.GRANTED.value, answer=reason, answered_by=actor, answered_at=now)
    )
    return int(getattr(granted, "rowcount", 0))


def _record(
    session: Session,
    changed: Sequence[int],
    actor: str,
    action: str,
    state: State,
    reason: str,
    detail: dict[str, Any],
    now: float,
) -> None:
    if not changed and action != "reverse":
        return
    if action == "reverse":
        rule, version = detail["rule"], detail["policy_version"]
        target = f"rule:{rule}" if rule else f"policy:{version}"
    elif len(changed) == 1:
        owner = session.scalar(select(Strike.person_id).where(Strike.id == changed[0]))
        detail = {**detail, "user": names(session, [owner or 0]).get(owner or 0, "")}
        target = f"strike:{changed[0]}"
    else:
        target = f"strikes:{len(changed)}"
    detail = {**detail, "state": state.value, "reason": reason, "strikes": len(changed)}
    audit.record(session, actor, action, target, {**detail, "ids": list(changed[:_MAX_NAMED])}, now)


def _told(book: rulebook.Rulebook, rules: Sequence[str], state: State, reason: str) -> str:
    if len(rules) == 1:
        what = f"A strike of yours (“{book.title_of(rules[0])}”)"
    else:
        what = f"{len(rules)} strikes of yours"
    if state is State.OVERTURNED:
        verb = "was" if len(rules) == 1 else "were"
        return f"{what} {verb} taken back and {'does' if len(rules) == 1 else 'do'} not count: {reason}"
    return f"{what} {'counts' if len(rules) == 1 else 'count'} again after another review" + (
        f": {reason}" if reason else "."
    )
