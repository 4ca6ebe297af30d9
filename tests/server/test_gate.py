"""The gate in a real Jupyter server, seen from plain websocket clients in both encodings."""

from __future__ import annotations

import pytest

from tests.server.conftest import Client, Server


@pytest.fixture(scope="module", params=[False, True], ids=["json", "v1"])
def v1(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def bare(server: Server) -> str:
    """A Python kernel without our hook."""
    return server.start_kernel("bare")


@pytest.fixture
def client(server: Server, bare: str, v1: bool) -> Client:
    return server.connect(bare, v1)


def test_a_cell_that_is_allowed_runs(client: Client) -> None:
    outcome = client.run("print(6 * 7)")
    assert outcome.text == "42\n"
    assert outcome.reply["status"] == "ok"


def test_a_refused_cell_is_answered_as_a_failed_one_complete_and_in_order(client: Client) -> None:
    before = client.run("1").reply["execution_count"]
    outcome = client.run("import tosblocked")
    assert outcome.kinds == ["busy", "execute_input", "display_data", "error", "execute_reply", "idle"]
    assert outcome.refused
    assert outcome.reply["execution_count"] == before + 1
    assert {each["parent_header"]["session"] for each in outcome.messages} == {client.session}
    (notice,) = outcome.of("display_data")
    assert "application/vnd.jupyter-tos-guard.notice.v1+json" in notice["data"]
    assert client.run("print('next')").text == "next\n"
