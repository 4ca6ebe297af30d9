from __future__ import annotations

import pytest
from sqlalchemy import select

from jupyter_tos_guard.central.casework import account, rulebook, standing
from jupyter_tos_guard.central.casework.config import CaseworkConfig, Effect
from jupyter_tos_guard.central.casework.errors import ConflictError, InvalidError, NotFoundError
from jupyter_tos_guard.central.casework.people import find, get
from jupyter_tos_guard.central.casework.restrictions import lift, restrict
from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.tables import Audit, Message, Person, PolicyVersion
from jupyter_tos_guard.policy.model import Ladder
from jupyter_tos_guard.strikes.standing import Level
from jupyter_tos_guard.strikes.strike import Action
from tests.central.cases import DAY, NOW, publish, strike

CONFIG = CaseworkConfig()


def texts(session, user="ann"):
    return [
        m.text
        for m in session.scalars(select(Message).join(Person).where(Person.name == user).order_by(Message.id))
    ]


def test_the_ladder_is_climbed_and_left_again_and_the_person_is_told(database: Database) -> None:
    with database.transaction() as session:
        publish(session)
        for hours in (3, 2, 1):
            strike(session, time=NOW - hours * 3600)
        found = standing.refresh_standing(session, get(session, "ann"), NOW, CONFIG)
        assert found.level is Level.RESTRICTED
        assert found.until == NOW - 3600 + 7 * DAY
        assert "restricted until" in texts(session)[-1]
        assert "3 strikes count" in texts(session)[-1]
    with database.transaction() as session:
        assert standing.end_due(session, NOW + DAY, CONFIG) == 0, "not yet"
        assert get(session, "ann").level == "restricted"
    with database.transaction() as session:
        assert standing.end_due(session, NOW + 8 * DAY, CONFIG) == 1
        assert get(session, "ann").level == "warned"
        assert texts(session)[-1].startswith("Your restriction has ended.")
    with database.transaction() as session:
        standing.end_due(session, NOW + 100 * DAY, CONFIG)
        assert get(session, "ann").level == "good"
        assert texts(session)[-1] == "Your warning has ended. You are in good standing."
        assert len(texts(session)) == 3, "told once for each change"


def test_an_overturned_strike_and_one_that_was_only_observed_do_not_count(database: Database) -> None:
    with database.transaction() as session:
        publish(session)
        strike(session)
        strike(session, state="overturned")
        strike(session, action="observe")
        strike(session, action="warn")
        assert standing.standing_of(session, get(session, "ann"), NOW).live == 1


def test_the_database_answers_as_the_pure_ladder_does_for_long_records(database: Database) -> None:
    ladder = Ladder(expire_days=30, restricted_days=7, suspended_days=20)
    times = [NOW - days * DAY for days in (400, 90, 61, 60, 58, 41, 33, 29, 12, 11, 10.5, 3)]
    with database.transaction() as session:
        publish(session, ladder=ladder)
        for time in times:
            strike(session, time=time)
        person = get(session, "ann")
        for now in [time + 1 for time in times] + [NOW + days * DAY for days in range(0, 60, 3)]:
            strikes = [
                standing.Counted(time, Action.BLOCK, False, str(time)) for time in times if time <= now
            ]
            assert standing.standing_of(session, person, now) == standing.standing(strikes, ladder, now)


def test_an_admin_restricts_until_a_day_and_it_ends_by_itself(database: Database) -> None:
    with database.transaction() as session:
        publish(session)
        found = restrict(session, "bob", "suspended", NOW + DAY, "Asked for a pause", "root", NOW, CONFIG)
        assert (found.level, found.until) == (Level.SUSPENDED, NOW + DAY)
        assert session.scalars(select(Audit).where(Audit.action == "restrict")).one().actor == "root"
    with database.transaction() as session:
        standing.end_due(session, NOW + DAY, CONFIG)
        assert get(session, "bob").level == "good"
        assert "Your suspension has ended." in texts(session, "bob")[-1]


def test_lifting_ends_both_what_admins_set_and_what_the_ladder_says(database: Database) -> None:
    with database.transaction() as session:
        publish(session)
        for _ in range(3):
            strike(session, time=NOW - 3600)
        restrict(session, "ann", "suspended", None, "For good", "root", NOW, CONFIG)
        assert get(session, "ann").level == "suspended"
        assert get(session, "ann").level_until is None
        assert lift(session, "ann", "We talked", "root", NOW + 1, CONFIG).level is Level.GOOD
        # A strike after that begins anew.
        strike(session, time=NOW + 10)
        assert standing.standing_of(session, get(session, "ann"), NOW + 20).level is Level.WARNED
        with pytest.raises(NotFoundError):
            lift(session, "nobody", "why not", "root", NOW, CONFIG)
        restrict(session, "bob", "restricted", NOW + 5, "short", "root", NOW, CONFIG)
        with pytest.raises(ConflictError):
            lift(session, "bob", "late", "root", NOW + 6, CONFIG)


@pytest.mark.parametrize(
    ("level", "until", "reason"),
    [
        ("good", NOW + 1, "because"),
        ("restricted", NOW - 1, "because"),
        ("restricted", NOW + 1, " "),
        ("x", None, "because"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_stored(
    sqlite_database: Database, level: str, until: float | None, reason: str
) -> None:
    with sqlite_database.transaction() as session:
        with pytest.raises(InvalidError):
            restrict(session, "bob", level, until, reason, "root", NOW, CONFIG)
        assert find(session, "bob") is None


def test_effects_follow_the_level_as_configured(database: Database) -> None:
    config = CaseworkConfig(
        effects={
            Level.WARNED: (Effect.CPU_ONLY,),
            Level.RESTRICTED: (Effect.REFUSE_SPAWN, Effect.BLOCK_CLAUSE),
            Level.SUSPENDED: (Effect.PAUSE,),
        }
    )
    with database.transaction() as session:
        publish(session)
        good = account.admission_of(session, "ann", [], NOW, config)
        assert good["allowed"]
        assert find(session, "ann") is None, "asking stores nothing"
        strike(session, time=NOW - 3 * 3600)
        warned = account.admission_of(session, "ann", [], NOW, config)
        assert (warned["allowed"], warned["cpu_only"], warned["level"]) == (True, True, "warned")
        for _ in range(2):
            strike(session, rule_id="r-tunnel", time=NOW - 3600)
        standing.refresh_standing(session, get(session, "ann"), NOW, config)
        refused = account.admission_of(session, "ann", [], NOW, config, "https://hub/x?a=1&b=<2>")
        assert not refused["allowed"]
        assert "3 strikes count against you, about: 1. No mining; 3. No tunnels." in refused["message"]
        assert 'href="https://hub/x?a=1&amp;b=&lt;2&gt;"' in refused["message_html"]
        assert "abuse@example.org" in refused["message"]
        found = account.account_of(session, "ann", [], NOW, config)
        assert found["effects"]["blocked_clauses"] == ["mining", "tunnels"]
        assert not found["effects"]["paused"]
        assert found["effects"]["until"] == refused["until"]
        assert [m["kind"] for m in found["messages"]] == ["standing"]
        assert [each.name for each in standing.affected(session, Effect.REFUSE_SPAWN, NOW, config)] == ["ann"]
        assert standing.affected(session, Effect.STOP_SERVERS, NOW, config) == []
        restrict(session, "ann", "suspended", NOW + DAY, "Stop <b>that</b>", "root", NOW, config)
        paused = account.account_of(session, "ann", [], NOW, config)["effects"]
        assert paused["paused"]
        assert paused["reason"] == "An admin wrote: Stop <b>that</b>"


def test_markup_in_a_reason_does_not_reach_the_spawn_page(sqlite_database: Database) -> None:
    config = CaseworkConfig(effects={Level.RESTRICTED: (Effect.REFUSE_SPAWN,)}, contact="<i>me</i>")
    with sqlite_database.transaction() as session:
        restrict(session, "eve", "restricted", None, "<script>alert(1)</script>\u202e", "root", NOW, config)
        html = account.admission_of(session, "eve", [], NOW, config)["message_html"]
    assert "<script" not in html
    assert "<i>" not in html
    assert "\u202e" not in html


def test_the_ladder_is_that_of_the_version_in_force(database: Database) -> None:
    with database.transaction() as session:
        publish(session, "1", ladder=Ladder(restricted_at=2, first_is_warning=False), when=NOW - 9 * DAY)
        publish(session, "2", ladder=Ladder(restricted_at=4), when=NOW - 8 * DAY)
        for _ in range(2):
            strike(session)
        person = get(session, "ann")
        assert standing.standing_of(session, person, NOW).level is Level.WARNED
        session.get(PolicyVersion, "1").in_force_since = NOW - DAY
        session.flush()
        assert rulebook.current_version(session) == "1"
        assert standing.standing_of(session, person, NOW).level is Level.RESTRICTED


def test_a_flood_of_one_person_does_not_hide_the_strikes_of_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "MAX_STRIKES", 5)
    with database.transaction() as session:
        publish(session)
        strike(session, "ann", time=NOW - 9000)
        for _ in range(8):
            strike(session, "flooder")
        found = standing.refresh_many(
            session, [get(session, "ann").id, get(session, "flooder").id], NOW, CONFIG
        )
        assert [found[get(session, name).id].level for name in ("ann", "flooder")] == [
            Level.WARNED,
            Level.SUSPENDED,
        ]
