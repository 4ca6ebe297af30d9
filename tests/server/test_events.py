"""Events of a live server, as a listener of its event log receives them."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket

from jupyter_tos_guard.policy.compile import compile_policy
from tests.server.conftest import POLICY, TIMEOUT, Server, Start

SCHEMA = "https://schema.jupyter-tos-guard.dev/{}/v1"


class Listener:
    """A client of ``/api/events/subscribe``: jupyter_server passes on what its event log's listener hears."""

    def __init__(self, server: Server) -> None:
        self.received: list[dict[str, Any]] = []
        self._socket = websocket.create_connection(
            f"{server.url.replace('http', 'ws', 1)}/api/events/subscribe",
            header=[f"Authorization: token {server.token}"],
            timeout=TIMEOUT,
        )

    def wait_for(self, kind: str, wanted: Callable[[dict[str, Any]], bool] = lambda event: True) -> Any:
        until = time.monotonic() + TIMEOUT
        while time.monotonic() < until:
            for event in self.received:
                if event["schema_id"] == SCHEMA.format(kind) and wanted(event):
                    return event
            self.received.append(json.loads(self._socket.recv()))
        raise TimeoutError([event["schema_id"] for event in self.received])

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def own_policy(policy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy file of its own, to be replaced."""
    return shutil.copy(policy, tmp_path_factory.mktemp("own") / "own.bundle")


@pytest.fixture(scope="module")
def server(start: Start, own_policy: Path) -> Server:
    return start(JUPYTER_TOS_GUARD_POLICY=str(own_policy), JUPYTER_TOS_GUARD_WATCH_SECONDS="1")


@pytest.fixture
def listener(server: Server) -> Iterator[Listener]:
    listening = Listener(server)
    yield listening
    listening.close()


def test_a_refusal_is_a_decision_and_a_strike_without_the_code(server: Server, listener: Listener) -> None:
    kernel = server.start_kernel("bare")
    outcome = server.connect(kernel).run("import tosblocked  # of_the_user")
    assert outcome.refused
    decision = listener.wait_for("decision", lambda event: event["kernel"] == kernel)
    strike = listener.wait_for("strike", lambda event: event["kernel"] == kernel)
    assert (decision["effect"], decision["request"]) == ("block", outcome.request)
    assert (strike["request"], strike["action"], strike["counts"]) == (outcome.request, "block", True)
    assert decision["rules"] == [strike["rule"]]
    assert strike["id"] in {each.id for each in server.strikes}
    assert "of_the_user" not in json.dumps(listener.received)


def test_another_policy_in_force_is_told(
    server: Server, listener: Listener, own_policy: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(POLICY, tmp_path / "policy")
    about = folder / "policy.yml"
    about.write_text(about.read_text().replace("2026.11.1", "2026.11.2"))
    new = tmp_path / "new.bundle"
    new.write_bytes(compile_policy(folder))
    new.replace(own_policy)
    event = listener.wait_for("policy-activated", lambda event: event["version"] == "2026.11.2")
    assert event["serial"] == 0


def test_a_kernel_that_stops_saying_that_it_is_guarded_is_told(server: Server, listener: Listener) -> None:
    kernel = server.start_kernel("guarded")
    client = server.connect(kernel)

    def state() -> str:
        return {each["id"]: each["state"] for each in server.get("/jupyter-tos-guard/status")["kernels"]}[
            kernel
        ]

    until = time.monotonic() + TIMEOUT
    while state() != "guarded" and time.monotonic() < until:
        client.run("pass")
    assert state() == "guarded"
    hidden = "type(get_ipython().kernel).kernel_info = property(lambda self: {'status': 'ok'})"
    assert client.run(hidden).reply["status"] == "ok"
    event = listener.wait_for("sensor-tampered")
    assert (event["what"], event["kernel"]) == ("kernel", kernel)
    assert "was guarded" in event["detail"]
