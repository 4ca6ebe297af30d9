from __future__ import annotations

import pytest
from sqlalchemy import func, select

from jupyter_tos_guard.central.casework import audit, review, standing, tally
from jupyter_tos_guard.central.casework.appeals import appeal
from jupyter_tos_guard.central.casework.config import CaseworkConfig
from jupyter_tos_guard.central.casework.errors import InvalidError
from jupyter_tos_guard.central.casework.people import get
from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.tables import Audit, Message, Strike, Tally
from tests.central.cases import NOW, publish, strike

CONFIG = CaseworkConfig()


def counts(session):
    rows = session.execute(
        select(Tally.rule, Tally.state, func.sum(Tally.count)).group_by(Tally.rule, Tally.state)
    )
    return {(rule, state): int(number) for rule, state, number in rows}


def test_overturning_takes_back_the_restriction_that_followed(database: Database) -> None:
    with database.transaction() as session:
        publish(session)
        strikes = [strike(session) for _ in range(3)]
        standing.refresh_standing(session, get(session, "ann"), NOW, CONFIG)
        assert get(session, "ann").level == "restricted"
        done = review.overturn(
            session, [strikes[0].id, strikes[1].id, 10**9], "root", "A lecture", NOW, CONFIG
        )
        assert done == review.Outcome(2, 1, 0, 1)
        assert get(session, "ann").level == "warned"
        told = session.scalars(select(Message.text).order_by(Message.id)).all()
        assert "2 strikes of yours were taken back and do not count: A lecture" in told
        assert counts(session) == {("r-mining", "open"): 1, ("r-mining", "overturned"): 2}
        entry = audit.entries(session, action="overturn")[0]
        assert entry.detail["ids"] == [strikes[0].id, strikes[1].id]


def test_an_overturned_strike_counts_again_when_it_is_upheld_after_all(database: Database) -> None:
    with database.transaction() as session:
        publish(session)
        one = strike(session)
        review.overturn(session, [one.id], "root", "By mistake", NOW, CONFIG)
        assert standing.standing_of(session, get(session, "ann"), NOW).live == 0
        review.uphold(session, [one.id], "other", NOW, CONFIG, "That was a mistake")
        assert standing.standing_of(session, get(session, "ann"), NOW).live == 1
        assert session.get(Strike, one.id).reviewed_by == "other"
        assert (
            "counts again"
            in session.scalars(
                select(Message.text).where(Message.kind == "review").order_by(Message.id.desc())
            ).first()
        )


def test_upholding_an_open_strike_does_not_bother_the_person(database: Database) -> None:
    with database.transaction() as session:
        publish(session)
        one = strike(session)
        assert review.uphold(session, [one.id], "root", NOW, CONFIG) == review.Outcome(1, 0, 0, 0)
        assert session.scalar(select(func.count()).select_from(Message)) == 0
        assert review.uphold(session, [one.id], "root", NOW, CONFIG).changed == 0
        assert len(audit.entries(session)) == 1, "what changed nothing is no entry"


def test_everything_that_a_rule_did_is_reversed_and_everybody_is_told(database: Database) -> None:
    with database.transaction() as session:
        publish(session)
        for name in ("ann", "bob", "cyd"):
            for _ in range(3):
                strike(session, name)
        kept = strike(session, "ann", "r-tunnel")
        upheld = session.scalars(select(Strike).where(Strike.rule == "r-mining").limit(1)).one()
        review.uphold(session, [upheld.id], "root", NOW, CONFIG)
        ids = [get(session, name).id for name in ("ann", "bob", "cyd")]
        standing.refresh_many(session, ids, NOW, CONFIG)
        assert [get(session, name).level for name in ("ann", "bob", "cyd")] == ["restricted"] * 3
        made = appeal(
            session,
            "bob",
            session.scalars(select(Strike.id).where(Strike.person_id == ids[1]).limit(1)).one(),
            "No!!",
            NOW,
            CONFIG,
        )
        assert review.would_reverse(session, rule="r-mining") == (9, 3)
        done = review.reverse(
            session, rule="r-mining", actor="root", reason="A bad rule", now=NOW, config=CONFIG
        )
        assert done == review.Outcome(9, 3, 1, 0)
        session.refresh(made)
        assert (made.state, made.answer) == ("granted", "A bad rule")
        assert [get(session, name).level for name in ("ann", "bob", "cyd")] == ["warned", "good", "good"]
        for person in ids:
            told = session.scalars(
                select(Message.text).where(Message.person_id == person, Message.kind == "review")
            ).one()
            assert "3 strikes of yours were taken back" in told
        session.refresh(kept)
        assert kept.state == "open"
        assert counts(session) == {("r-mining", "overturned"): 9, ("r-tunnel", "open"): 1}
        assert review.would_reverse(session, rule="r-mining") == (0, 0)


def test_only_what_the_named_version_did_is_reversed(database: Database) -> None:
    with database.transaction() as session:
        publish(session)
        strike(session, policy_version="old")
        strike(session, policy_version="new")
        strike(session, rule_id="r-tunnel", policy_version="new")
        assert review.would_reverse(session, rule="r-mining", policy_version="new") == (1, 1)
        assert (
            review.reverse(
                session, policy_version="new", actor="root", reason="A bad version", now=NOW, config=CONFIG
            ).changed
            == 2
        )
        assert {s.policy_version: s.state for s in session.scalars(select(Strike))} == {
            "old": "open",
            "new": "overturned",
        }
        assert audit.entries(session, action="reverse")[0].target == "policy:new"


def test_a_reversal_of_nothing_in_particular_is_refused(sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        strike(session)
        with pytest.raises(InvalidError, match="neither"):
            review.reverse(session, actor="root", reason="everything", now=NOW, config=CONFIG)
        with pytest.raises(InvalidError, match="reason"):
            review.overturn(session, [1], "root", "  ", NOW, CONFIG)


def test_the_tally_built_anew_is_the_one_that_was_kept(database: Database) -> None:
    with database.transaction() as session:
        publish(session)
        ids = [
            strike(session, rule_id=rule, time=NOW - n * 40_000).id
            for n, rule in enumerate(["r-mining", "r-tunnel"] * 10)
        ]
        review.uphold(session, ids[:5], "root", NOW, CONFIG)
        review.overturn(session, ids[3:9], "root", "no no", NOW, CONFIG)

        def kept():
            rows = session.execute(select(Tally.__table__).order_by(*Tally.__table__.c[:6])).all()
            return sorted(tuple(row) for row in rows)

        before = kept()
        tally.rebuild(session)
        assert kept() == before
        assert sum(row[-1] for row in before) == 20


def test_the_audit_log_names_who_did_what(database: Database) -> None:
    with database.transaction() as session:
        one = strike(session)
        review.uphold(session, [one.id], "root", NOW, CONFIG)
    with database.transaction() as session:
        entry = session.scalars(select(Audit)).one()
        assert (entry.actor, entry.action, entry.target, entry.time) == (
            "root",
            "uphold",
            f"strike:{one.id}",
            NOW,
        )
        assert entry.detail["user"] == "ann"
