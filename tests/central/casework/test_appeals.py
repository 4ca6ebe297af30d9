from __future__ import annotations

import pytest
from sqlalchemy import select

from jupyter_tos_guard.central.casework import appeals, review, standing
from jupyter_tos_guard.central.casework.config import DAY, MAX_TEXT, CaseworkConfig
from jupyter_tos_guard.central.casework.errors import (
    ConflictError,
    InvalidError,
    NotAllowedError,
    NotFoundError,
)
from jupyter_tos_guard.central.casework.people import get
from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.tables import Message
from tests.central.cases import NOW, publish, strike

CONFIG = CaseworkConfig(appeal_days=5)


def test_an_appeal_has_a_clock_and_another_reviewer_grants_it(database: Database) -> None:
    with database.transaction() as session:
        publish(session)
        one = strike(session)
        review.uphold(session, [one.id], "root", NOW, CONFIG)
        made = appeals.appeal(session, "ann", one.act, "It was a lecture.\0", NOW, CONFIG)
        assert (made.state, made.due, made.upheld_by, made.text) == (
            "open",
            NOW + 5 * DAY,
            "root",
            "It was a lecture.",
        )
        assert appeals.waiting(session, NOW + 5 * DAY) == (1, 1)
        with pytest.raises(NotAllowedError, match="you upheld"):
            appeals.answer(session, made.id, "root", True, "Well", NOW, CONFIG)
        appeals.answer(session, made.id, "other", True, "You are right", NOW, CONFIG)
        assert made.state == "granted"
        session.refresh(one)
        assert (one.state, one.reviewed_by) == ("overturned", "other")
        assert standing.standing_of(session, get(session, "ann"), NOW).live == 0
        assert (
            "granted: You are right"
            in session.scalars(select(Message.text).where(Message.kind == "appeal")).one()
        )
        with pytest.raises(ConflictError):
            appeals.answer(session, made.id, "third", False, "No", NOW, CONFIG)


def test_a_denied_appeal_upholds_and_can_be_made_once_more_before_yet_another_reviewer(
    database: Database,
) -> None:
    with database.transaction() as session:
        publish(session)
        one = strike(session)
        first = appeals.appeal(session, "ann", one.id, "Please", NOW, CONFIG)
        appeals.answer(session, first.id, "root", False, "No.", NOW, CONFIG)
        session.refresh(one)
        assert one.state == "upheld"
        second = appeals.appeal(session, "ann", one.id, "Please look again", NOW, CONFIG)
        with pytest.raises(NotAllowedError):
            appeals.answer(session, second.id, "root", False, "No.", NOW, CONFIG)
        appeals.answer(session, second.id, "other", False, "Still no.", NOW, CONFIG)
        with pytest.raises(ConflictError, match="2 times"):
            appeals.appeal(session, "ann", one.id, "Once more", NOW, CONFIG)


def test_a_reviewer_who_upholds_while_the_appeal_is_open_may_not_answer_it_either(database: Database) -> None:
    with database.transaction() as session:
        one = strike(session)
        made = appeals.appeal(session, "ann", one.id, "Please", NOW, CONFIG)
        review.uphold(session, [one.id], "root", NOW, CONFIG)
        assert appeals.why_not(session, made, "root", CONFIG) == "you upheld this strike"
        assert appeals.why_not(session, made, "ann", CONFIG) == "the appeal is your own"
        assert appeals.why_not(session, made, "other", CONFIG) == ""
        assert appeals.why_not(session, made, "root", CaseworkConfig(appeal_by_other=False)) == ""


def test_nobody_appeals_for_another_or_twice_at_once_or_at_length(database: Database) -> None:
    with database.transaction() as session:
        one, other = strike(session, "ann"), strike(session, "bob")
        for user, which in (
            ("bob", one.id),
            ("bob", one.act),
            ("eve", one.id),
            ("ann", 0),
            ("ann", "9" * 30),
            ("ann", -5),
        ):
            with pytest.raises(NotFoundError):
                appeals.appeal(session, user, which, "Mine!", NOW, CONFIG)
        made = appeals.appeal(session, "ann", one.id, "x" * MAX_TEXT, NOW, CONFIG)
        with pytest.raises(ConflictError, match="open appeal"):
            appeals.appeal(session, "ann", one.id, "again", NOW, CONFIG)
        with pytest.raises(InvalidError, match="4001"):
            appeals.appeal(session, "bob", other.id, "x" * (MAX_TEXT + 1), NOW, CONFIG)
        with pytest.raises(NotFoundError):
            appeals.withdraw(session, "bob", made.id, NOW)
        appeals.withdraw(session, "ann", made.id, NOW)
        with pytest.raises(ConflictError, match="withdrawn already"):
            appeals.withdraw(session, "ann", made.id, NOW)
        assert appeals.appeal(session, "ann", one.id, "again", NOW, CONFIG).state == "open"


def test_overturning_a_strike_grants_its_open_appeal(database: Database) -> None:
    with database.transaction() as session:
        one = strike(session)
        made = appeals.appeal(session, "ann", one.id, "Please", NOW, CONFIG)
        assert review.overturn(session, [one.id], "root", "Right", NOW, CONFIG).appeals == 1
        session.refresh(made)
        assert (made.state, made.answered_by) == ("granted", "root")
        with pytest.raises(ConflictError, match="taken back"):
            appeals.appeal(session, "ann", one.id, "again", NOW, CONFIG)


def test_a_strike_is_found_by_an_act_that_looks_like_a_number(database: Database) -> None:
    with database.transaction() as session:
        first = strike(session)
        odd = strike(session, act=str(first.id))
        assert appeals.own_strike(session, "ann", str(first.id)).id == odd.id
        assert appeals.own_strike(session, "ann", first.id).id == first.id
        assert appeals.own_strike(session, "ann", str(odd.id)).id == odd.id
