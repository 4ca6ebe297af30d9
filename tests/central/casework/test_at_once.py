"""Two people do the same at the same time: one of them is told, and nothing is counted twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import appeals, people, review, standing, tally
from jupyter_tos_guard.central.casework.errors import CaseworkError
from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.tables import Appeal, Message, Person, Strike, Tally
from tests.central.cases import CONFIG, NOW, publish, strike


def at_once(database: Database, *works: Callable[[Session], object]) -> list[object]:
    """Do all of it at the same time; return results, or what was wrong."""
    start = Barrier(len(works))

    def do(work: Callable[[Session], object]) -> object:
        start.wait(30)
        try:
            return database.run(work, attempts=20)
        except CaseworkError as error:
            return error.code

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(do, works))


def test_two_reviewers_answer_one_appeal(database: Database) -> None:
    with database.transaction() as session:
        publish(session)
        made = appeals.appeal(session, "ann", strike(session).id, "Please", NOW, CONFIG)
    results = at_once(
        database,
        lambda session: appeals.answer(session, made.id, "one", True, "Yes.", NOW, CONFIG).state,
        lambda session: appeals.answer(session, made.id, "two", False, "No.", NOW, CONFIG).state,
    )
    assert Counter(map(str, results))["conflict"] == 1
    with database.transaction() as session:
        found = session.get_one(Appeal, made.id)
        assert session.get_one(Strike, found.strike_id).state == (
            "overturned" if found.state == "granted" else "upheld"
        )
        assert session.scalar(select(func.count()).select_from(Message).where(Message.kind == "appeal")) == 1


def test_one_appeal_is_made_when_the_button_is_pressed_twice(database: Database) -> None:
    with database.transaction() as session:
        one = strike(session).id
    results = at_once(
        database, *[lambda session: appeals.appeal(session, "ann", one, "Please", NOW, CONFIG).state] * 4
    )
    assert Counter(map(str, results)) == {"open": 1, "conflict": 3}


def test_the_tally_holds_when_many_review_the_same_strikes(database: Database) -> None:
    with database.transaction() as session:
        publish(session)
        ids = [strike(session, f"user{n % 5}").id for n in range(40)]
    works: list[Callable[[Session], object]] = [
        lambda session: review.uphold(session, ids, "one", NOW, CONFIG),
        lambda session: review.overturn(session, ids[::-1], "two", "Wrong", NOW, CONFIG),
        lambda session: review.reverse(
            session, rule="r-mining", actor="three", reason="Wrong", now=NOW, config=CONFIG
        ),
        lambda session: review.uphold(session, ids[10:], "four", NOW, CONFIG),
    ]
    at_once(database, *works)
    with database.transaction() as session:
        states = {
            row.state: row.number
            for row in session.execute(
                select(Strike.state, func.count().label("number")).group_by(Strike.state)
            )
        }
        kept = {
            row.state: int(row.number)
            for row in session.execute(
                select(Tally.state, func.sum(Tally.count).label("number")).group_by(Tally.state)
            )
        }
        assert kept == states
        for person in session.scalars(select(Person)):
            assert person.level == standing.standing_of(session, person, NOW).level.value


def test_one_person_is_noted_when_replicas_see_them_first_at_once(database: Database) -> None:
    at_once(database, *[lambda session: people.ensure(session, "new", NOW).id] * 4)
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Person)) == 1
        tally.count(session, {})
