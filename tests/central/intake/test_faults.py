"""Whatever ends in the middle: nothing that was acknowledged is lost, and nothing is there twice."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.migrate import migrate
from jupyter_tos_guard.central.storage.tables import Person, Strike, Tally
from tests.central.conftest import Service
from tests.central.postgresql import Cluster, cluster
from tests.central.running import Process, client, token_for

from .reports import report, strike

STREAM = "000001700000000-1-abcd"


class Sender(threading.Thread):
    """A client that sends one strike after the other until told to stop, and again what got no answer."""

    def __init__(self, urls: Callable[[], str], token: str, user: str) -> None:
        super().__init__(daemon=True)
        self._urls, self._token, self._user = urls, token, user
        self.acknowledged = 0
        self.refused = 0
        self.done = threading.Event()

    def run(self) -> None:
        number = 1
        while not self.done.is_set():
            data = report([strike(f"{self._user}-{number}")], first=number, stream=STREAM)
            try:
                with client(self._urls(), self._token) as http:
                    while not self.done.is_set():
                        answer = http.post("api/v1/reports", json=data)
                        if answer.status_code != 200:
                            assert answer.status_code in (503, 429), answer.text
                            assert int(answer.headers["Retry-After"]) >= 1
                            self.refused += 1
                            self.done.wait(0.05)
                            continue
                        assert answer.json()["acknowledged"] == {STREAM: number}
                        self.acknowledged = number
                        number += 1
                        data = report([strike(f"{self._user}-{number}")], first=number, stream=STREAM)
            except httpx.TransportError:
                self.refused += 1
                self.done.wait(0.05)


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def counts(database_url: str) -> tuple[dict[str, int], int]:
    """Strikes of each person, and all that the tally counts."""
    database = Database(database_url)
    try:
        with database.reading() as session:
            rows = session.execute(
                select(Person.name, func.count(Strike.id))
                .join(Strike, Strike.person_id == Person.id)
                .group_by(Person.name)
            ).all()
            acts = session.scalars(select(Strike.act)).all()
            assert len(acts) == len(set(acts))
            return dict(iter(rows)), int(session.scalar(select(func.sum(Tally.count))) or 0)
    finally:
        database.close()


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    found: list[Process] = []
    yield found
    for process in found:
        process.close()


def test_a_service_killed_in_the_middle_of_intake_loses_nothing_acknowledged(
    database_url: str, tmp_path: Path, processes: list[Process]
) -> None:
    migrate(Database(database_url))
    tokens = {user: token_for(database_url, user) for user in ("alice", "bob", "carol")}
    process = Process(tmp_path, database_url, "--CentralApp.reports_per_minute=1000000")
    processes.append(process)
    process.start()
    senders = [Sender(lambda: process.url, token, user) for user, token in tokens.items()]
    for sender in senders:
        sender.start()
    for _ in range(2):
        before = [sender.acknowledged for sender in senders]
        wait_for(
            lambda before=before: all(s.acknowledged > b + 3 for s, b in zip(senders, before, strict=True))
        )
        process.kill()
        process.start()
    before = [sender.acknowledged for sender in senders]
    wait_for(lambda: all(s.acknowledged > b for s, b in zip(senders, before, strict=True)))
    for sender in senders:
        sender.done.set()
        sender.join(60)
    assert process.stop() == 0
    found, tallied = counts(database_url)
    for sender, user in zip(senders, tokens, strict=True):
        # One more may be there, whose answer the client did not wait for.
        assert sender.acknowledged <= found[user] <= sender.acknowledged + 1
    assert tallied == sum(found.values())


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A PostgreSQL server that a test may stop."""
    with cluster() as found:
        yield found


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_database_that_is_stopped_costs_503_and_nothing_acknowledged(
    own_cluster: Cluster, make_service: Callable[..., Service], mode: str
) -> None:
    url = own_cluster.create()
    database = Database(url)
    migrate(database)
    service = make_service(database)
    senders = [Sender(lambda: service.url, service.token(user), user) for user in ("alice", "bob")]
    for sender in senders:
        sender.start()
    wait_for(lambda: all(sender.acknowledged > 5 for sender in senders))
    own_cluster.stop(mode)
    refused = [sender.refused for sender in senders]
    wait_for(lambda: all(s.refused > r for s, r in zip(senders, refused, strict=True)))
    with service.client() as http:
        assert http.get("health").status_code == 200
        ready = http.get("ready")
        assert ready.status_code == 503
        assert "database" in ready.json()["problems"][0]
    own_cluster.start()
    before = [sender.acknowledged for sender in senders]
    wait_for(lambda: all(s.acknowledged > b + 5 for s, b in zip(senders, before, strict=True)))
    for sender in senders:
        sender.done.set()
        sender.join(60)
    found, tallied = counts(url)
    for sender, user in zip(senders, ("alice", "bob"), strict=True):
        assert sender.acknowledged <= found[user] <= sender.acknowledged + 1
    assert tallied == sum(found.values())
    database.close()


def test_two_replicas_on_one_postgresql_take_the_same_reports_once(
    postgresql: Cluster, tmp_path: Path, processes: list[Process]
) -> None:
    url = postgresql.create()
    database = Database(url)
    migrate(database)
    users = [f"user{number}" for number in range(6)]
    tokens = {user: token_for(url, user) for user in users}
    replicas = [
        Process(tmp_path, url, "--CentralApp.reports_per_minute=1000000", name=name) for name in ("a", "b")
    ]
    processes += replicas
    starting = [threading.Thread(target=replica.start) for replica in replicas]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join(90)
    problems: list[str] = []
    #: Every report goes to both replicas, from two threads each, in different orders.
    reports = {
        user: [
            report([strike(f"{user}-{n}") for n in range(first, first + 5)], first=first)
            for first in range(1, 51, 5)
        ]
        for user in users
    }

    def work(replica: Process, backwards: bool, offset: int) -> None:
        order = [*users[offset:], *users[:offset]]
        for user in order:
            with client(replica.url, tokens[user]) as http:
                for data in reversed(reports[user]) if backwards else reports[user]:
                    answer = http.post("api/v1/reports", json=data)
                    if answer.status_code != 200:
                        problems.append(answer.text)

    threads = [
        threading.Thread(target=work, args=(replica, backwards, 3 * number))
        for number, replica in enumerate(replicas)
        for backwards in (False, True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert problems == []
    found, tallied = counts(url)
    assert found == dict.fromkeys(users, 50)
    assert tallied == 300
    for replica in replicas:
        assert replica.stop() == 0
        log = replica.log.read_text()
        assert "defect" not in log
        assert "Traceback" not in log


def test_stopping_lets_reports_end_and_long_polls_go(tmp_path: Path, processes: list[Process]) -> None:
    url = f"sqlite:///{tmp_path / 'tos_guard.sqlite'}"
    migrate(Database(url))
    token = token_for(url, "alice", "read")
    process = Process(tmp_path, url)
    processes.append(process)
    process.start()
    answers: list[int] = []

    def poll() -> None:
        with client(process.url, token) as http:
            known = http.get("repository/metadata/timestamp.json").json()["signed"]["version"]
            answers.append(http.get("repository/wait", params={"timestamp": known}).status_code)

    thread = threading.Thread(target=poll)
    thread.start()
    with client(process.url, token) as reader:
        wait_for(lambda: "tos_guard_waiting_polls 1.0" in reader.get("metrics").text)
    started = time.monotonic()
    assert process.stop() == 0
    thread.join(30)
    assert answers == [204]
    assert time.monotonic() - started < 15


# -- too much at once -------------------------------------------------------------------------


def test_clients_that_all_return_at_once_are_spread_and_memory_is_bounded(
    make_service: Callable[..., Service], sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some hundred at once against a queue of twenty: each is served or told when to come again."""
    monkeypatch.setattr("jupyter_tos_guard.central.intake.commit.MAX_WAITING", 20)
    service = make_service(sqlite_database)
    intake = service.context.intake
    assert intake is not None
    number = 300
    token = service.token("crowd")
    body = json.dumps(report([strike(n) for n in range(20)])).encode()
    head = (
        "POST /services/tos-guard/api/v1/reports HTTP/1.1\r\n"
        f"Host: 127.0.0.1\r\nAuthorization: token {token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode()
    address = ("127.0.0.1", int(service.url.split(":")[2].partition("/")[0]))
    most = 0
    sockets = [socket.create_connection(address, 60) for _ in range(number)]
    for each in sockets:
        each.sendall(head + body[:-1])
    for each in sockets:
        each.sendall(body[-1:])
    answers = []
    for each in sockets:
        most = max(most, len(intake._waiting))
        answer = b""
        while chunk := each.recv(65536):
            answer += chunk
        answers.append(answer)
        each.close()
    codes = [int(answer.split()[1]) for answer in answers]
    assert set(codes) == {200, 503}
    assert most <= 20
    again = {
        int(line.partition(b":")[2])
        for answer in answers
        for line in answer.split(b"\r\n")
        if line.lower().startswith(b"retry-after:")
    }
    assert len(again) > 10, "all were told to come again at the same moment"
    with service.client("crowd") as http:  # and it is fine afterwards
        assert http.post("api/v1/reports", json=report([strike(1)])).status_code == 200


def test_a_body_that_never_comes_holds_up_nobody(
    sqlite_service: Service,
) -> None:
    address = ("127.0.0.1", int(sqlite_service.url.split(":")[2].partition("/")[0]))
    token = sqlite_service.token("mallory")
    slow = []
    for _ in range(100):
        each = socket.create_connection(address, 30)
        each.sendall(
            f"POST /services/tos-guard/api/v1/reports HTTP/1.1\r\nHost: x\r\nAuthorization: token {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{".encode()
        )
        slow.append(each)
    with sqlite_service.client("alice") as http:
        assert http.post("api/v1/reports", json=report([strike(1)])).status_code == 200
    for each in slow:
        each.close()


def test_a_slow_body_is_cut_off(make_service: Callable[..., Service], sqlite_database: Database) -> None:
    service = make_service(sqlite_database)
    service.runner.server.conn_params.body_timeout = 1.0
    address = ("127.0.0.1", int(service.url.split(":")[2].partition("/")[0]))
    with socket.create_connection(address, 30) as slow:
        slow.sendall(
            f"POST /services/tos-guard/api/v1/reports HTTP/1.1\r\nHost: x\r\nAuthorization: token "
            f"{service.token('mallory')}\r\nContent-Length: 100000\r\n\r\n{{".encode()
        )
        assert slow.recv(65536) == b""  # closed
