"""Strikes in: once each, whoever sends them how often, and nothing acknowledged that is not durable."""

from __future__ import annotations

import gzip
import json
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from jupyter_tos_guard.central.intake.store import merge
from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.tables import Client, Person, Stream, Strike, Tally
from tests.central.conftest import Service

from .reports import report, strike


def send(client: httpx.Client, data: dict[str, Any], status: int = 200) -> Any:
    answer = post(client, json.dumps(data).encode())
    assert answer.status_code == status, answer.text
    return answer.json()


def post(client: httpx.Client, body: bytes, encoding: str = "", **headers: str) -> httpx.Response:
    if encoding:
        headers["Content-Encoding"] = encoding
    return client.post(
        "api/v1/reports", content=body, headers={"Content-Type": "application/json", **headers}
    )


def stored(database: Database) -> list[Strike]:
    with database.reading() as session:
        return list(session.scalars(select(Strike).order_by(Strike.id)))


def test_a_strike_is_stored_as_it_was_sent_and_acknowledged(service: Service) -> None:
    with service.client("alice") as client:
        answer = send(client, report([strike(1, evidence="!xmrig \x00 \ud800 ⛏"), strike(2)]))
    assert answer["acknowledged"] == {"000001700000000-1-abcd": 2}
    assert answer["rejected"] == []
    assert answer["account"]["standing"]["live"] == 2
    assert 600 < answer["next_report_seconds"] < 1200
    first, _ = stored(service.context.database)
    assert first.evidence == "!xmrig \\x00 \\ud800 ⛏"
    assert (first.rule, first.action, first.facts) == ("miner-by-name", "block", [["command", "xmrig"]])


def test_the_same_strike_counts_once_however_often_it_is_sent(service: Service) -> None:
    data = report([strike(1), strike(2)])
    with service.client("alice") as client:
        answers = [send(client, data) for _ in range(3)]
        # The Jupyter server saw it too, and has it in another file.
        send(client, report([strike(1, sensor="server")], stream="server-1"))
    assert {json.dumps(answer["acknowledged"]) for answer in answers} == {'{"000001700000000-1-abcd": 2}'}
    assert [each.act for each in stored(service.context.database)] == ["act-1", "act-2"]
    with service.context.database.reading() as session:
        assert session.scalar(select(func.sum(Tally.count))) == 2


def test_reordered_and_repeated_reports_end_in_the_same_state(service: Service) -> None:
    pieces = [report([strike(number)], first=number, announced=20) for number in range(1, 21)] * 2
    random.Random(7).shuffle(pieces)
    with service.client("alice") as client:
        answers = [send(client, piece) for piece in pieces]
    assert answers[-1]["acknowledged"] == {"000001700000000-1-abcd": 20}
    acknowledged = [answer["acknowledged"]["000001700000000-1-abcd"] for answer in answers]
    assert acknowledged == sorted(acknowledged)
    assert len(stored(service.context.database)) == 20
    with service.context.database.reading() as session:
        stream = session.scalars(select(Stream)).one()
        assert (stream.received, stream.beyond, stream.gap_since) == (20, [], 0.0)


def test_nothing_is_acknowledged_beyond_a_gap(service: Service) -> None:
    with service.client("alice") as client:
        assert send(client, report([strike(1)]))["acknowledged"] == {"000001700000000-1-abcd": 1}
        assert send(client, report([strike(4)], first=4))["acknowledged"] == {"000001700000000-1-abcd": 1}
        with service.context.database.reading() as session:
            stream = session.scalars(select(Stream)).one()
            assert stream.beyond == [[4, 4]]
            assert stream.gap_since > 0
        answer = send(client, report([strike(2), strike(3)], first=2))
    assert answer["acknowledged"] == {"000001700000000-1-abcd": 4}


def test_a_deleted_file_is_seen_by_what_the_next_one_announces(service: Service) -> None:
    data = report([strike(9)], stream="later")
    data["streams"] = [{"stream": "deleted", "announced": 5}]
    with service.client("alice") as client:
        answer = send(client, data)
    assert answer["acknowledged"] == {"deleted": 0, "later": 1}
    with service.client("carol", "read") as admin:
        clients = admin.get("api/v1/admin/clients", params={"only": "gap"}).json()["clients"]
    assert [(each["user"], each["gaps"][0]["name"]) for each in clients] == [("alice", "deleted")]


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([], (0, [])),
        ([(1, 3)], (3, [])),
        ([(2, 3)], (0, [[2, 3]])),
        ([(5, 6), (2, 3), (1, 1)], (3, [[5, 6]])),
        ([(5, 6), (7, 9), (2, 2), (5, 8)], (0, [[2, 2], [5, 9]])),
        ([(1, 1), (1, 1), (2, 2)], (2, [])),
    ],
)
def test_numbers_are_merged(ranges: list[tuple[int, int]], expected: Any) -> None:
    assert merge(0, ranges) == expected


def test_a_record_that_is_none_is_refused_alone_and_counts_as_received(service: Service) -> None:
    bad = [
        strike(2, time="yesterday"),
        strike(3, rule="r" * 101),
        strike(4, action="delete"),
        strike(5, line=2**40),
        strike(6, id="a b"),
        strike(7, time=float("nan")),
        {"\ud800": 1},
    ]
    body = json.dumps(report([strike(1), *bad, strike(9)]))
    with service.client("alice") as client:
        answer = client.post("api/v1/reports", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    assert [each["seq"] for each in answer.json()["rejected"]] == [2, 3, 4, 5, 6, 7, 8]
    assert answer.json()["rejected"][0]["problem"].startswith("time: ")
    assert answer.json()["acknowledged"] == {"000001700000000-1-abcd": 9}
    assert [each.act for each in stored(service.context.database)] == ["act-1", "act-9"]


def test_whose_strike_it_is_comes_from_the_token_and_not_from_the_body(service: Service) -> None:
    forged = report([strike(1, user="bob")])
    forged["user"] = "bob"
    with service.client("mallory") as client:
        answer = send(client, forged)
    assert answer["account"]["user"] == "mallory"
    with service.context.database.reading() as session:
        assert session.scalars(select(Person.name)).all() == ["mallory"]


def test_one_cannot_take_the_place_of_anothers_strike(service: Service) -> None:
    """An act's name is chosen by the client: mallory sends bob's before bob does."""
    with service.client("mallory") as mallory, service.client("bob") as bob:
        send(mallory, report([strike(1, rule="harmless")]))
        send(bob, report([strike(1)]))
    with service.context.database.reading() as session:
        rows = session.execute(
            select(Person.name, Strike.rule).join(Strike, Strike.person_id == Person.id)
        ).all()
    assert dict(iter(rows)) == {"mallory": "harmless", "bob": "miner-by-name"}


def test_a_clock_that_is_wrong_by_a_day_is_noted_and_its_strikes_are_put_right(service: Service) -> None:
    day = 86_400
    for user, error in (("ahead", day), ("behind", -day)):
        data = report([strike(1, time=time.time() + error - 60)], sent=time.time() + error)
        with service.client(user) as client:
            answer = send(client, data)
        assert answer["account"]["standing"]["live"] == 1
    assert all(abs(each.time - (time.time() - 60)) < 30 for each in stored(service.context.database))
    with service.context.database.reading() as session:
        assert sorted(round(each.skew / day) for each in session.scalars(select(Client))) == [-1, 1]


def test_a_strike_of_tomorrow_counts_today(service: Service) -> None:
    with service.client("alice") as client:
        answer = send(client, report([strike(1, time=time.time() + 86_400 * 365)]))
    assert answer["account"]["standing"]["live"] == 1


def test_the_ladder_is_climbed_by_what_comes_in_and_the_user_is_told(service: Service) -> None:
    with service.client("alice") as client:
        answer = send(client, report([strike(number) for number in range(1, 5)]))
    assert answer["account"]["standing"]["level"] == "restricted"
    assert any("restricted" in message["text"] for message in answer["account"]["messages"])


def test_observed_cells_do_not_climb_the_ladder(service: Service) -> None:
    with service.client("alice") as client:
        answer = send(client, report([strike(number, action="observe") for number in range(1, 9)]))
    assert answer["account"]["standing"]["level"] == "good"


def test_clients_and_their_guards_are_noted(service: Service) -> None:
    with service.client("alice") as client:
        send(client, report())
        send(client, report(guards=[{"kernel": "k2", "name": "ir", "state": "off", "detail": "no hook"}]))
    with service.context.database.reading() as session:
        found = session.scalars(select(Client)).one()
        assert found.guards == [{"kernel": "k2", "name": "ir", "state": "off", "detail": "no hook"}]
        assert found.last_report >= found.first_report


def test_many_clients_at_once_share_commits_and_nothing_is_mixed_up(service: Service) -> None:
    users = [f"user{number}" for number in range(12)]
    tokens = {user: service.token(user) for user in users}
    problems: list[str] = []

    def work(user: str) -> None:
        headers = {"Authorization": f"token {tokens[user]}"}
        with service.client(headers=headers) as client:
            for first in range(1, 31, 3):
                strikes = [strike(f"{user}-{n}") for n in range(first, first + 3)]
                answer = client.post("api/v1/reports", json=report(strikes, first=first))
                if answer.status_code != 200 or answer.json()["acknowledged"] != {
                    "000001700000000-1-abcd": first + 2
                }:
                    problems.append(answer.text)

    threads = [threading.Thread(target=work, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert problems == []
    with service.context.database.reading() as session:
        rows = session.execute(
            select(Person.name, func.count(Strike.id))
            .join(Strike, Strike.person_id == Person.id)
            .group_by(Person.name)
        ).all()
        assert dict(rows) == dict.fromkeys(users, 30)
        assert session.scalar(select(func.sum(Tally.count))) == 360
        wrong = session.execute(
            select(func.count())
            .select_from(Strike)
            .join(Person)
            .where(~Strike.act.contains(Person.name + "-"))
        ).scalar_one()
        assert wrong == 0


# -- bounds -----------------------------------------------------------------------------------


def test_gzip_is_taken(service: Service) -> None:
    body = gzip.compress(json.dumps(report([strike(1)])).encode())
    with service.client("alice") as client:
        assert post(client, body, "gzip").status_code == 200
    assert len(stored(service.context.database)) == 1


BOMB = gzip.compress(b" " * (64 << 20))


@pytest.mark.parametrize(
    ("body", "encoding", "status", "code"),
    [
        (BOMB, "gzip", 413, "too-large"),
        (b"\x1f\x8b" + b"x" * 50, "gzip", 400, "not-gzip"),
        (gzip.compress(b"{}")[:-4], "gzip", 400, "not-gzip"),
        (gzip.compress(b"{}") + b"more", "gzip", 400, "not-gzip"),
        (b"{}", "br", 415, "encoding"),
        (b" " * ((1 << 20) + 1), "", 413, "too-large"),
        (b"", "", 400, "not-json"),
        (b"\xff\xfe", "", 400, "not-json"),
        (b"[" * 100_000, "", 400, "not-json"),
        (b"[]", "", 422, "not-a-report"),
        (b'{"v": 2}', "", 422, "version"),
        (b'{"v": 1e400}', "", 422, "version"),
    ],
    ids=(
        "bomb broken-gzip cut-gzip more-than-gzip other-encoding long empty no-text deep list "
        "other-version infinite-version"
    ).split(),
)
def test_a_body_that_is_no_report_is_refused_in_words(
    sqlite_service: Service, body: bytes, encoding: str, status: int, code: str
) -> None:
    with sqlite_service.client("alice") as client:
        answer = post(client, body, encoding)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "change",
    [
        {"client": "../../etc/passwd"},
        {"client": "C" * 32},
        {"sent": float("inf")},
        {"sent": "now"},
        {"serial": -1},
        {"server": "s" * 256},
        {"guards": [{"kernel": "k"}] * 201},
        {"streams": [{"stream": "s", "announced": 1}] * 1001},
        {"streams": [{"stream": "s", "announced": -1}]},
        {"streams": [{"stream": "a/b", "announced": 1}]},
        {"records": [{"stream": "s", "seq": n, "strike": {}} for n in range(1, 1002)]},
        {"records": [{"stream": "s", "seq": 0, "strike": {}}]},
        {"records": [{"stream": "s", "seq": 2**60, "strike": {}}]},
        {"records": [{"stream": "s", "seq": True, "strike": {}}]},
        {"records": "none"},
    ],
)
def test_every_part_of_a_report_is_bounded(sqlite_service: Service, change: dict[str, Any]) -> None:
    body = json.dumps({**report(), **change}).encode()
    with sqlite_service.client("alice") as client:
        answer = post(client, body)
    assert answer.status_code == 422, answer.text
    assert next(iter(change)) in answer.json()["error"]["message"]


def test_a_gap_cannot_be_made_to_take_room_without_end(sqlite_service: Service) -> None:
    with sqlite_service.client("mallory") as client:
        for start in range(0, 1000, 250):
            data = report()
            data["records"] = [
                {"stream": "s", "seq": 2 * n + 2, "strike": {}} for n in range(start, start + 250)
            ]
            send(client, data)
    with sqlite_service.context.database.reading() as session:
        assert len(session.scalars(select(Stream)).one().beyond) <= 200


def test_clients_of_one_person_are_bounded(sqlite_service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_tos_guard.central.intake.store.MAX_CLIENTS", 5)
    with sqlite_service.client("mallory") as client:
        for number in range(8):
            send(client, report(client=f"{number:032x}"))
    with sqlite_service.context.database.reading() as session:
        names = [each.name for each in session.scalars(select(Client).order_by(Client.id))]
    assert names == [f"{number:032x}" for number in range(3, 8)]


def test_who_reports_too_often_is_told_when_to_come_again(
    make_service: Callable[..., Service], sqlite_database: Database
) -> None:
    service = make_service(sqlite_database, reports_per_minute=60.0)
    with service.client("alice") as client, service.client("bob") as other:
        answers = [client.post("api/v1/reports", json=report()) for _ in range(70)]
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["Retry-After"]) >= 1
        assert other.post("api/v1/reports", json=report()).status_code == 200
