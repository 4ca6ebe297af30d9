from __future__ import annotations

import json

import pytest

from jupyter_tos_guard.central.casework import account, charts, exemptions, messages, people, record, terms
from jupyter_tos_guard.central.casework.config import CaseworkConfig
from jupyter_tos_guard.central.casework.errors import ConflictError, InvalidError, NotFoundError
from jupyter_tos_guard.central.casework.review import overturn, uphold
from jupyter_tos_guard.central.storage.database import Database
from tests.central.cases import CLAUSES, DAY, NOW, publish, strike

CONFIG = CaseworkConfig(require_terms=True)


def test_exemptions_are_for_people_and_groups_until_they_end(database: Database) -> None:
    with database.transaction() as session:
        people.ensure(session, "ann", NOW)
        mine = exemptions.exempt(session, "user:ann", "rule:r-mining", NOW + DAY, "A thesis", "root", NOW)
        exemptions.exempt(session, "group:lab", "*", NOW + 9 * DAY, "A course", "root", NOW)
        assert [e.target for e in exemptions.active(session, "ann", ["lab"], NOW)] == ["rule:r-mining", "*"]
        assert [e.target for e in exemptions.active(session, "bob", [], NOW)] == []
        assert [e.target for e in exemptions.active(session, "ann", [], NOW + DAY)] == []
        assert (
            "exempt from the rule r-mining"
            in account.account_of(session, "ann", [], NOW, CONFIG)["messages"][0]["text"]
        )
        exemptions.end(session, mine.id, "root", NOW + 1)
        assert exemptions.active(session, "ann", [], NOW + 2) == []
        with pytest.raises(ConflictError):
            exemptions.end(session, mine.id, "root", NOW + 2)
        assert len(exemptions.listed(session, NOW + 2)) == 1
        assert len(exemptions.listed(session, NOW + 2, ended=True)) == 2


@pytest.mark.parametrize(
    ("subject", "target", "until", "reason"),
    [
        ("ann", "*", NOW + 1, "why"),
        ("user:", "*", NOW + 1, "why"),
        ("user:ann", "everything", NOW + 1, "why"),
        ("user:ann", "rule:a b", NOW + 1, "why"),
        ("user:ann", "*", NOW, "why"),
        ("user:ann", "*", NOW + 9999 * DAY, "why"),
        ("user:ann", "*", NOW + 1, ""),
        ("user:" + "a" * 300, "*", NOW + 1, "why"),
    ],
)
def test_an_exemption_that_makes_no_sense_is_refused(
    sqlite_database: Database, subject: str, target: str, until: float, reason: str
) -> None:
    with sqlite_database.transaction() as session, pytest.raises(InvalidError):
        exemptions.exempt(session, subject, target, until, reason, "root", NOW)


def test_terms_are_asked_for_again_when_they_change_and_say_what_changed(database: Database) -> None:
    with database.transaction() as session:
        with pytest.raises(NotFoundError):
            terms.accept(session, "ann", "1", NOW, CONFIG)
        publish(session)
        assert terms.state_of(session, "ann", CONFIG).required
        with pytest.raises(ConflictError, match="version 1, not"):
            terms.accept(session, "ann", "0", NOW, CONFIG)
        terms.accept(session, "ann", "1", NOW, CONFIG)
        terms.accept(session, "ann", "1", NOW + 5, CONFIG)
        assert terms.state_of(session, "ann", CONFIG)[:4] == ("1", "1", NOW, False)
        changed = [
            CLAUSES[0] | {"text": "Do not mine at all."},
            CLAUSES[1],
            {"id": "new", "number": "4", "title": "Be kind", "text": "Be."},
        ]
        publish(session, "2026.2", terms_version="2", clauses=changed, when=NOW)
        state = terms.state_of(session, "ann", CONFIG)
        assert (state.version, state.accepted, state.required) == ("2", "1", True)
        assert state.changes == [
            {
                "clause": "mining",
                "was": "1. No mining: Do not mine.",
                "is": "1. No mining: Do not mine at all.",
            },
            {"clause": "new", "was": "", "is": "4. Be kind: Be."},
            {"clause": "tunnels", "was": "3. No tunnels: Do not open tunnels.", "is": ""},
        ]
        assert not terms.state_of(session, "ann", CaseworkConfig()).required


def test_messages_are_read_by_their_owner_only(database: Database) -> None:
    with database.transaction() as session:
        ann, bob = (people.ensure(session, name, NOW) for name in ("ann", "bob"))
        messages.send(session, ann.id, "review", "Hello", NOW)
        session.flush()
        (unread,) = messages.unread(session, ann.id)
        people.ensure(session, "bob", NOW)
        with pytest.raises(NotFoundError):
            messages.mark_read(session, "bob", unread["id"], NOW)
        messages.mark_read(session, "ann", unread["id"], NOW)
        session.flush()
        assert messages.unread(session, ann.id) == []
        assert len(messages.newest(session, ann.id)) == 1
        assert messages.newest(session, bob.id) == []


def test_the_record_of_a_person_holds_everything_of_theirs_and_nothing_of_others(database: Database) -> None:
    with database.transaction() as session:
        publish(session)
        mine, other = strike(session, "ann"), strike(session, "bob")
        overturn(session, [mine.id, other.id], "secret-reviewer", "Both fine", NOW, CONFIG)
        terms.accept(session, "ann", "1", NOW, CONFIG)
        found = record.record_of(session, "ann", NOW, CONFIG)
        text = json.dumps(found)
        assert mine.act in text
        assert other.act not in text
        assert "secret-reviewer" not in text
        assert [len(found[name]) for name in ("strikes", "messages", "acceptances")] == [1, 1, 1]
        assert record.record_of(session, "nobody", NOW, CONFIG)["known"] is False


def test_charts_count_by_day_and_clause_and_rates_by_rule(database: Database) -> None:
    with database.transaction() as session:
        publish(session)
        ids = [strike(session, time=NOW - n * DAY).id for n in range(4)]
        strike(session, rule_id="r-tunnel", time=NOW - 100 * DAY)
        overturn(session, ids[:1], "root", "fine", NOW, CONFIG)
        uphold(session, ids[1:3], "root", NOW, CONFIG)
        days = charts.by_day(session, NOW, 3)
        assert list(days.values()) == [{"mining": 1}] * 3
        (rule,) = charts.by_rule(session, NOW, 30)
        assert (rule.rule, rule.hits, rule.open, rule.upheld, rule.overturned) == ("r-mining", 4, 1, 2, 1)
        assert rule.overturn_rate == pytest.approx(1 / 3)


def test_people_are_listed_by_level_and_beginning_of_the_name(database: Database) -> None:
    with database.transaction() as session:
        for name in ("ann", "anna", "bob", "a%", "a_b"):
            people.ensure(session, name, NOW, ["g"])
        people.ensure(session, "bob", NOW, ["h", "g"])
        assert people.get(session, "bob").groups == ["g", "h"]
        people.get(session, "bob").level = "warned"
        session.flush()
        assert [p.name for p in people.listed(session, search="ann")] == ["ann", "anna"]
        assert [p.name for p in people.listed(session, search="a%")] == ["a%"]
        assert [p.name for p in people.listed(session, level="not-good")] == ["bob"]
        assert [p.name for p in people.listed(session, after="ann", limit=1)] == ["anna"]
        with pytest.raises(InvalidError):
            people.ensure(session, "", NOW)
