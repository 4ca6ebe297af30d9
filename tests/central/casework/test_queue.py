from __future__ import annotations

import itertools
import random

import pytest
from sqlalchemy import select

from jupyter_tos_guard.central.casework import queue, tally
from jupyter_tos_guard.central.casework.errors import InvalidError
from jupyter_tos_guard.central.casework.people import names
from jupyter_tos_guard.central.casework.queue import Filter
from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.tables import Strike, Tally
from tests.central.cases import DAY, NOW, RULES, publish, strike


def seeded(session) -> list[Strike]:
    chance = random.Random(7)
    publish(session)
    return [
        strike(
            session,
            chance.choice(["ann", "bob", "cyd"]),
            chance.choice(list(RULES)),
            time=NOW - chance.randrange(40) * DAY / 4,  # many at the same time
            state=chance.choice(["open", "upheld", "overturned"]),
            action=chance.choice(["block", "observe"]),
            policy_version=chance.choice(["1", "2"]),
            cell_digest=f"{n % 7:064x}",
        )
        for n in range(120)
    ]


def wanted(made: list[Strike], users: dict[int, str], chosen: Filter) -> list[int]:
    fits = [
        s
        for s in made
        if (not chosen.state or s.state == chosen.state)
        and (not chosen.rule or s.rule == chosen.rule)
        and (not chosen.clause or s.clause == chosen.clause)
        and (not chosen.user or users[s.person_id] == chosen.user)
        and (not chosen.cell or s.cell_digest == chosen.cell)
        and (not chosen.action or s.action == chosen.action)
        and (not chosen.policy_version or s.policy_version == chosen.policy_version)
        and (chosen.since is None or s.time >= chosen.since)
        and (chosen.until is None or s.time < chosen.until)
        and (chosen.newest_id is None or s.id <= chosen.newest_id)
    ]
    return [s.id for s in sorted(fits, key=lambda s: (s.time, s.id), reverse=True)]


def all_pages(session, chosen: Filter, limit: int) -> list[int]:
    found: list[int] = []
    after = ""
    while True:
        page = queue.page(session, chosen, after, limit)
        found += [s.id for s in page.strikes]
        if page.after is None:
            return found
        after = page.after


def test_every_combination_of_filters_finds_what_reading_everything_finds(database: Database) -> None:
    with database.transaction() as session:
        made = seeded(session)
        users = names(session, {s.person_id for s in made})
        choices = {
            "state": ["", "overturned"],
            "rule": ["", "r-tunnel", "unknown"],
            "user": ["", "bob", "nobody"],
            "action": ["", "observe"],
            "policy_version": ["", "2"],
            "since": [None, NOW - 5 * DAY],
            "until": [None, NOW - 2.1 * DAY],
            "cell": ["", f"{3:064x}"],
        }
        for values in itertools.product(*choices.values()):
            chosen = Filter(**dict(zip(choices, values, strict=True)))
            expected = wanted(made, users, chosen)
            assert all_pages(session, chosen, 7) == expected, chosen
            assert queue.count(session, chosen) == (len(expected), True), chosen
        chosen = Filter(newest_id=made[50].id)
        assert all_pages(session, chosen, 100) == wanted(made, users, chosen)


def test_strikes_are_not_lost_when_the_tally_promises_too_much(database: Database) -> None:
    with database.transaction() as session:
        made = seeded(session)
        users = names(session, {s.person_id for s in made})
        for row in session.scalars(select(Tally)):
            row.count *= 5
        session.flush()
        chosen = Filter(rule="r-mining", state="open")
        assert all_pages(session, chosen, 7) == wanted(made, users, chosen)


def test_groups_are_counted_and_largest_first(database: Database) -> None:
    with database.transaction() as session:
        made = seeded(session)
        users = names(session, {s.person_id for s in made})
        for by, key in (
            ("rule", lambda s: s.rule),
            ("user", lambda s: users[s.person_id]),
            ("cell", lambda s: s.cell_digest),
        ):
            found, partial = queue.groups(session, Filter(state="open"), by)
            opened = [s for s in made if s.state == "open"]
            assert not partial
            assert {g.key: g.number for g in found} == {
                k: sum(key(s) == k for s in opened) for k in {key(s) for s in opened}
            }
            assert [g.number for g in found] == sorted((g.number for g in found), reverse=True)
            for group in found:
                assert key(session.get(Strike, group.sample)) == group.key
        with pytest.raises(InvalidError):
            queue.groups(session, Filter(), "evidence")


def test_a_bulk_action_takes_what_was_counted_and_not_what_came_since(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as session:
        publish(session)
        before = [strike(session).id for _ in range(3)]
        chosen = Filter(rule="r-mining", newest_id=queue.newest_id(session))
        strike(session)
        assert queue.matching(session, chosen) == (before, 1)
        monkeypatch.setattr(queue, "MAX_BULK", 2)
        with pytest.raises(InvalidError, match="more than 2"):
            queue.matching(session, chosen)


def test_counts_end_somewhere(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "COUNTED", 4)
    with sqlite_database.transaction() as session:
        for _ in range(6):
            strike(session)
        assert queue.count(session, Filter(user="ann")) == (4, False)
        assert queue.count(session, Filter(rule="r-mining")) == (6, True)


@pytest.mark.parametrize("cursor", ["x", "1", "1~", "~", "1~x", "nan~q"])
def test_a_damaged_cursor_is_refused(sqlite_database: Database, cursor: str) -> None:
    with sqlite_database.transaction() as session, pytest.raises(InvalidError):
        queue.page(session, Filter(), cursor)


def test_what_can_be_chosen_is_what_was_met(database: Database) -> None:
    with database.transaction() as session:
        strike(session)
        strike(session, rule_id="r-tunnel", time=NOW - 500 * DAY)
        assert queue.choices(session, NOW) == {
            "rule": ["r-mining"],
            "clause": ["mining"],
            "policy_version": ["2026.1"],
        }
        assert tally.day_of(NOW) == 20783
