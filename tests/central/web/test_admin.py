"""What reviewers and admins ask and do through the API, exports, purge, and what the database keeps of it."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from jupyter_tos_guard.central import tasks
from jupyter_tos_guard.central.notices import Notices, news
from jupyter_tos_guard.central.publishing.record import record_published
from jupyter_tos_guard.central.publishing.setup import ensure_repository
from jupyter_tos_guard.central.storage import retention
from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.marks import advance
from jupyter_tos_guard.central.storage.tables import Audit, Client, Message, Person, Strike, Tally
from jupyter_tos_guard.central.web.metrics import Metrics
from tests.central.conftest import Service
from tests.central.intake.reports import report, strike

DAY = 86_400


def send(service: Service, user: str, *strikes: dict[str, object]) -> None:
    with service.client(user) as client:
        answer = client.post("api/v1/reports", json=report(strikes))
        assert answer.status_code == 200, answer.text


def test_strikes_are_filtered_and_paged(service: Service) -> None:
    send(service, "alice", *(strike(n, rule="one" if n % 2 else "two") for n in range(30)))
    send(service, "bob", *(strike(n) for n in range(3)))
    with service.client("rita", "read") as reader:
        query = {"user": "alice", "rule": "one", "limit": 6}
        seen: list[int] = []
        following = ""
        while following is not None:
            page = reader.get("api/v1/admin/strikes", params={**query, "before": following}).json()
            seen += [each["id"] for each in page["strikes"]]
            following = page["next"]
        assert len(seen) == len(set(seen)) == 15
        assert reader.get("api/v1/admin/strikes", params={"user": "nobody"}).json()["strikes"] == []
        assert reader.get("api/v1/admin/strikes", params={"state": "deleted"}).status_code == 422
        assert reader.get("api/v1/admin/strikes", params={"colour": "red"}).status_code == 422


def test_every_action_is_in_the_audit_log(service: Service) -> None:
    send(service, "alice", *(strike(n) for n in range(6)))
    with service.client("carol", "admin") as admin, service.client("dora", "admin") as other:
        ids = [each["id"] for each in admin.get("api/v1/admin/strikes").json()["strikes"]]
        until = time.time() + 30 * DAY

        def act(action: str, **body: object) -> dict[str, object]:
            answer = admin.post(f"api/v1/admin/{action}", json=body)
            assert answer.status_code == 200, answer.text
            return dict(answer.json())

        act("uphold", strikes=ids[:1])
        act("overturn", strikes=ids[1:2], reason="A test.")
        act("reverse", rule="miner-by-name", policy_version="", reason="A bad rule.")
        made = act("exempt", subject="user:alice", target="*", until=until, reason="Vetted.")
        act("end-exemption", id=made["id"])
        act("restrict", user="alice", level="suspended", until=None, reason="Asked to.")
        act("lift", user="alice", reason="Sorted out.")
        token = act("tokens", user="erin", scopes=["read"], days=None, note="")
        assert str(token["token"]).startswith("tosguard_")
        number = admin.get("api/v1/admin/tokens").json()["tokens"][-1]["id"]
        act("revoke-token", id=number)
        act("purge", user="alice")
        entries = other.get("api/v1/admin/audit", params={"actor": "carol"}).json()["entries"]
    assert [each["action"] for each in reversed(entries)] == [
        "uphold",
        "overturn",
        "reverse",
        "exempt",
        "end-exemption",
        "restrict",
        "lift",
        "make-token",
        "revoke-token",
        "purge",
    ]
    assert "tosguard_" not in json.dumps(entries)


def test_a_person_can_be_forgotten_but_for_what_admins_did(service: Service) -> None:
    send(service, "alice", *(strike(n) for n in range(4)))
    send(service, "bob", strike(99))
    with service.client("carol", "admin") as admin:
        assert admin.post("api/v1/admin/purge", json={"user": "alice"}).json()["strikes"] == 4
        assert admin.post("api/v1/admin/purge", json={"user": "alice"}).status_code == 404
    with service.context.database.reading() as session:
        assert session.scalars(select(Person.name)).all() == ["bob"]
        assert session.scalar(select(func.count()).select_from(Strike)) == 1
        assert session.scalar(select(func.count()).select_from(Message)) in (0, 1)
        assert session.scalar(select(func.sum(Tally.count))) == 1
        assert session.scalar(select(func.count()).select_from(Audit)) >= 1


def test_what_is_past_its_time_is_deleted_and_the_counts_follow(database: Database) -> None:
    now = 1_000 * DAY + 5.0
    with database.transaction() as session:
        person = Person(name="alice", groups=[], first_seen=0.0, level="good", level_since=0.0)
        session.add(person)
        session.flush()
        for number, age in enumerate((400, 366, 364, 1)):
            values = strike(number, time=now - age * DAY)
            act = values.pop("id")
            values.pop("user")
            session.add(
                Strike(
                    act=act, person_id=person.id, client_id=None, received=now, reviewed_by="", reason="",
                    state="open", **values,
                )
            )  # fmt: skip
        session.add(
            Client(
                person_id=person.id, name="c" * 32, first_report=0.0, last_report=now - 91 * DAY, guards=[]
            )
        )
        session.flush()
        from collections import Counter

        from jupyter_tos_guard.central.casework import tally

        tally.count(session, Counter(tally.bucket_of(each) for each in session.scalars(select(Strike))))
    deleted = 0
    while done := database.run(lambda session: retention.purge(session, now, 365.0)).total:
        deleted += done
    assert deleted == 3  # two strikes and the client
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Strike)) == 2
        assert session.scalar(select(func.sum(Tally.count))) == 2
    while database.run(lambda session: retention.purge(session, now + 365 * DAY, 365.0)).total:
        pass
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Person)) == 0
        assert session.scalar(select(func.count()).select_from(Tally)) == 0


# -- exports ----------------------------------------------------------------------------------


HOSTILE = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\tx", "\uff1d1", 'a"b,c\nd', "fine"]


def test_exports_hold_every_row_and_no_formula(service: Service) -> None:
    send(service, "alice", *(strike(n, notebook=text, evidence=text) for n, text in enumerate(HOSTILE)))
    with service.client("carol", "admin") as admin:
        text = admin.get("api/v1/export/strikes.csv")
        lines = admin.get("api/v1/export/strikes.jsonl").text.splitlines()
    assert "attachment" in text.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(text.text)))
    assert len(rows) == len(lines) == len(HOSTILE)
    assert {row["user"] for row in rows} == {"alice"}
    for row in rows:
        assert not row["evidence"].startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))
    assert [json.loads(line)["evidence"] for line in lines] == HOSTILE


def test_an_export_of_many_rows_is_streamed_in_parts(
    sqlite_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_tos_guard.central.web.export._ROWS", 7)
    send(sqlite_service, "alice", *(strike(n) for n in range(50)))
    with sqlite_service.client("carol", "admin") as admin:
        with admin.stream("GET", "api/v1/export/strikes.jsonl") as answer:
            assert answer.headers["Transfer-Encoding"] == "chunked"
            lines = list(answer.iter_lines())
        assert len({json.loads(line)["id"] for line in lines}) == 50
        rest = admin.get("api/v1/export/strikes.jsonl", params={"after": 45}).text.splitlines()
        assert len(rest) == 5
        actions = [each["action"] for each in admin.get("api/v1/admin/audit").json()["entries"]]
    assert actions.count("export") == 2


# -- publishing -------------------------------------------------------------------------------


def test_a_rule_is_softened_at_once_and_only_softened(
    make_service: Callable[..., Service], database: Database
) -> None:
    service = make_service(database)
    repository = ensure_repository(service.runner.app.state_folder())
    database.run(lambda session: record_published(session, repository, time.time()))
    with service.client("paula", "publish") as publisher:
        before = repository.timestamp_version()
        body = {"rule": "miner-by-name", "to": "observe", "reason": "Too many false positives."}
        assert publisher.post("api/v1/admin/soften", json=body).json()["softened"] == {
            "miner-by-name": "observe"
        }
        assert repository.timestamp_version() > before
        assert publisher.post("api/v1/admin/soften", json={**body, "to": "block"}).status_code == 422
        assert publisher.post("api/v1/admin/mode", json={"mode": "enforce", "reason": "x"}).status_code == 422
        monitor = publisher.post("api/v1/admin/mode", json={"mode": "monitor", "reason": "Too much."})
        assert monitor.json()["mode"] == "monitor"
        assert publisher.post("api/v1/admin/share", json={"share": 10, "reason": "x"}).status_code == 409
        assert publisher.get("api/v1/admin/policies").json()["release"]["mode"] == "monitor"
    with database.reading() as session:
        audited = [each.action for each in session.scalars(select(Audit).order_by(Audit.id))]
    assert audited[-2:] == ["soften", "mode"]


# -- by itself --------------------------------------------------------------------------------


def test_news_are_told_once_by_whichever_replica(service: Service) -> None:
    database = service.context.database
    now = time.time()
    assert database.run(lambda session: news(session, now - 10)) == []  # from now on
    send(service, "alice", *(strike(n) for n in range(8)))
    with service.client("alice") as alice:
        assert alice.post("api/v1/appeals", json={"strike": "act-1", "text": "No."}).status_code == 200
    told = database.run(lambda session: news(session, time.time() + 1))
    assert [title for title, _ in told] == ["1 new appeal", "Suspended: alice"]
    assert database.run(lambda session: news(session, time.time() + 2)) == []


def test_a_mark_is_moved_by_one_only(database: Database) -> None:
    assert database.run(lambda session: advance(session, "test", 10.0)) is None
    assert database.run(lambda session: advance(session, "test", 11.0, at_least=5.0)) is None
    assert database.run(lambda session: advance(session, "test", 16.0, at_least=5.0)) == 10.0
    assert database.run(lambda session: advance(session, "test", 17.0, at_least=5.0)) is None


def test_a_notice_that_cannot_be_sent_holds_up_nobody() -> None:
    import logging

    metrics = Metrics()
    notices = Notices(["json://127.0.0.1:1/nobody-listens"], metrics, logging.getLogger("test"))
    started = time.monotonic()
    for _ in range(200):
        notices("title", "text")
    assert time.monotonic() - started < 5
    deadline = time.monotonic() + 60
    while b'notices_total{result="failed"}' not in metrics.text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert b'notices_total{result="dropped"}' in metrics.text()
    notices.close()


def test_a_channel_that_is_none_is_refused_without_showing_it() -> None:
    import logging

    with pytest.raises(ValueError, match="number 2") as caught:
        Notices(["json://localhost", "nonsense://user:secret@x"], Metrics(), logging.getLogger("test"))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["policies", "signatures", "purge", "notices"])
def test_what_the_service_does_by_itself_can_be_done(
    make_service: Callable[..., Service], database: Database, name: str
) -> None:
    import asyncio

    service = make_service(database)
    ensure_repository(service.runner.app.state_folder())
    every = {each: task for each, _, task in tasks.of(service.context)}
    task = every[name]
    asyncio.run_coroutine_threadsafe(task(), service.runner._loop).result(60)
    if name == "policies":
        with database.reading() as session:
            assert (
                session.scalar(select(func.count()).select_from(Audit).where(Audit.action == "publish")) == 1
            )


def test_metrics_are_named_as_the_hub_names_its_own(sqlite_service: Service) -> None:
    send(sqlite_service, "alice", strike(1), strike(2))
    with sqlite_service.client("rita", "read") as reader:
        reader.get("nothing-here")
        text = reader.get("metrics").text
    assert (
        'tos_guard_request_duration_seconds_count{code="200",handler="api/v1/reports",method="POST"}' in text
    )
    assert 'tos_guard_strikes_total{result="new"} 2.0' in text
    assert "alice" not in text
