"""The policy repository over HTTP: what never changed is not sent again, and nothing outside it is sent at all."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_tos_guard.central.publishing import release as steps
from jupyter_tos_guard.central.publishing.setup import ensure_repository
from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.policy.model import Mode
from tests.central.conftest import PREFIX, Service


@pytest.fixture
def repository_service(
    make_service: Callable[..., Service], sqlite_database: Database, tmp_path: Path
) -> Service:
    """A service with a repository that holds the default policy."""
    ensure_repository(tmp_path / "state")
    (tmp_path / "state" / "secret.json").write_text("{}")
    return make_service(sqlite_database)


def test_a_file_that_has_not_changed_is_not_sent_again(repository_service: Service) -> None:
    with repository_service.client() as client:
        first = client.get("repository/metadata/timestamp.json")
        assert first.status_code == 200
        again = client.get(
            "repository/metadata/timestamp.json", headers={"If-None-Match": first.headers["ETag"]}
        )
        assert (again.status_code, again.content) == (304, b"")
        repository = repository_service.context.repository
        assert repository is not None
        repository.change_release(lambda release: steps.in_mode(release, Mode.MONITOR))
        changed = client.get(
            "repository/metadata/timestamp.json", headers={"If-None-Match": first.headers["ETag"]}
        )
        assert changed.status_code == 200
        assert changed.json()["signed"]["version"] > first.json()["signed"]["version"]


def test_caches_keep_what_has_a_number_and_ask_about_the_timestamp(repository_service: Service) -> None:
    with repository_service.client() as client:
        root = client.get("repository/metadata/1.root.json").headers["Cache-Control"]
        timestamp = client.get("repository/metadata/timestamp.json").headers["Cache-Control"]
        missing = client.get("repository/metadata/2.root.json")
    assert "immutable" in root
    assert timestamp == "public, no-cache"
    assert (missing.status_code, missing.headers["Cache-Control"]) == (404, "no-store")


@pytest.mark.parametrize(
    "path",
    [
        "repository/../secret.json",
        "repository/metadata/../../secret.json",
        "repository/metadata/..%2f..%2fsecret.json",
        "repository/metadata/%2e%2e/%2e%2e/secret.json",
        "repository/targets/../../cookie_secret",
        "repository/targets/..%5c..%5csecret.json",
        "repository/metadata//etc/passwd",
        "repository/.lock",
        "repository/metadata/.hidden.json",
        "repository/metadata/",
        "repository/targets",
        "repository/metadata/1.root.json%00.json",
    ],
)
def test_nothing_outside_the_repository_is_sent(repository_service: Service, path: str) -> None:
    """Sent as it stands: clients of good manners take the dots out before they ask."""
    address = ("127.0.0.1", int(repository_service.url.split(":")[2].partition("/")[0]))
    with socket.create_connection(address, 30) as connection:
        connection.sendall(f"GET {PREFIX}{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    assert int(answer.split()[1]) in (400, 403, 404)


def test_who_waits_hears_of_a_change_within_seconds(repository_service: Service) -> None:
    repository = repository_service.context.repository
    assert repository is not None
    known = repository.timestamp_version()
    answers: list[tuple[int, float]] = []

    def wait() -> None:
        with repository_service.client() as client:
            answer = client.get("repository/wait", params={"timestamp": known})
            answers.append((answer.json()["timestamp"], time.monotonic()))

    threads = [threading.Thread(target=wait) for _ in range(20)]
    for thread in threads:
        thread.start()
    watch = repository_service.context.watch
    assert watch is not None
    deadline = time.monotonic() + 30
    while watch.waiting < 20:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    changed = time.monotonic()
    repository.change_release(lambda release: steps.in_mode(release, Mode.MONITOR))
    for thread in threads:
        thread.join(30)
    assert {version for version, _ in answers} == {known + 1}
    assert len(answers) == 20
    assert max(moment for _, moment in answers) - changed < 10


def test_who_waits_for_something_else_than_there_is_is_answered_at_once(repository_service: Service) -> None:
    with repository_service.client() as client:
        started = time.monotonic()
        assert client.get("repository/wait", params={"timestamp": 99}).status_code == 200
        assert client.get("repository/wait", params={"timestamp": "x"}).status_code == 422
        assert time.monotonic() - started < 20


def test_waiting_ends_by_itself(repository_service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_tos_guard.central.web.repository.LONGEST_WAIT", 0.2)
    repository = repository_service.context.repository
    assert repository is not None
    known = repository.timestamp_version()
    with repository_service.client() as client:
        assert client.get("repository/wait", params={"timestamp": known}).status_code == 204


def test_so_many_may_wait_and_no_more(repository_service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = repository_service.context.watch
    assert watch is not None
    monkeypatch.setattr(watch, "_most", 0)
    with repository_service.client() as client:
        answer = client.get("repository/wait", params={"timestamp": watch.version()})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1


def test_readiness_looks_at_the_repository_too(
    repository_service: Service,
    make_service: Callable[..., Service],
    sqlite_database: Database,
    tmp_path: Path,
) -> None:
    with repository_service.client() as client:
        assert client.get("ready").json() == {"status": "ok", "problems": []}
    empty = make_service(sqlite_database, repository_folder=str(tmp_path / "empty"))
    with empty.client() as client:
        answer = client.get("ready")
    assert answer.status_code == 503
    assert "no published policy" in answer.json()["problems"][0]
