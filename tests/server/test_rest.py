"""REST for the front end, on a real server without a central one."""

from __future__ import annotations

import pytest

from tests.server.conftest import Server, Start

PATHS = ("status", "strikes", "terms", "appeals", "messages")
BASE = "/jupyter-tos-guard"
MIME = "application/vnd.jupyter-tos-guard.notice.v1+json"


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_answered_without_a_login(server: Server, path: str) -> None:
    status, _ = server.request("GET", f"{BASE}/{path}", token="wrong")
    assert status == 403


def test_status_says_what_is_in_force(server: Server) -> None:
    status = server.get(f"{BASE}/status")
    assert status["guarded"]
    assert status["mode"] == "enforce"
    assert status["policy"]["version"] == "2026.11.1"
    assert status["policy"]["problem"] == ""
    assert status["standing"]["level"] == "good"
    assert status["central"] == {"configured": False, "reachable": False, "last_contact": None}
    assert status["check"] == {"cells": True, "notebooks": True}


def test_a_cell_is_checked_as_it_would_be_decided_and_nothing_is_recorded(server: Server) -> None:
    before = server.strikes
    cells = [
        {"id": "a", "source": "x = 1"},
        {"id": "b", "source": "name = 'tosblocked'"},
        {"id": "c", "source": "__import__(name)"},
    ]
    status, body = server.request("POST", f"{BASE}/check", {"cells": cells, "language": "python"})
    assert status == 200, body
    assert [each["id"] for each in body["results"]] == ["a", "b", "c"]
    assert [each["notice"] and each["notice"]["effect"] for each in body["results"]] == [None, None, "block"]
    assert server.strikes == before


def test_strikes_of_the_local_record_are_answered_as_the_central_server_answers_them(server: Server) -> None:
    client = server.connect(server.start_kernel("bare"))
    notice = client.run("import tosblocked").of("display_data")[0]["data"][MIME]
    (strike, *_) = server.get(f"{BASE}/strikes")["strikes"]
    assert strike["act"] == notice["findings"][0]["strike"]
    assert strike["clause"]["number"] == "3.1"
    assert strike["counts"] is True
    assert server.get(f"{BASE}/status")["standing"]["level"] == "warned"
    assert {"id", "name", "state"} <= server.get(f"{BASE}/status")["kernels"][0].keys()


@pytest.mark.parametrize("body", [{}, {"cells": "x"}, {"cells": [{"id": "a"}]}, {"cells": [1]}])
def test_a_question_that_makes_no_sense_is_refused_in_words(server: Server, body: object) -> None:
    status, answer = server.request("POST", f"{BASE}/check", body)
    assert status == 400
    assert "cell" in answer["message"]


def test_what_only_a_central_server_can_do_is_refused_in_words(server: Server) -> None:
    status, answer = server.request("POST", f"{BASE}/appeals", {"strike": "x", "text": "a mistake"})
    assert status == 404
    assert "no central server" in answer["message"]


def test_asking_is_limited_and_can_be_switched_off(start: Start) -> None:
    server = start(JUPYTER_TOS_GUARD_CHECKS_PER_MINUTE="2", JUPYTER_TOS_GUARD_CHECK_NOTEBOOKS="false")
    one = {"cells": [{"id": "a", "source": "1"}]}
    two = {"cells": one["cells"] * 2}
    assert server.get(f"{BASE}/status")["check"] == {"cells": True, "notebooks": False}
    assert server.request("POST", f"{BASE}/check", two)[0] == 403
    assert server.request("POST", f"{BASE}/check", {**two, "occasion": "open"})[0] == 403
    # Cells that are about to be run together are no notebook that is merely open.
    assert server.request("POST", f"{BASE}/check", {**two, "occasion": "run"})[0] == 200
    assert [server.request("POST", f"{BASE}/check", one)[0] for _ in range(2)] == [200, 429]


def test_the_servers_own_check_finds_no_endpoint_without_authentication(start: Start) -> None:
    server = start("--ServerApp.allow_unauthenticated_access=False")
    assert server.get(f"{BASE}/status")["guarded"]
    assert "endpoints without" not in server.log
    assert "could not be loaded" not in server.log


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", path) for path in PATHS),
        ("POST", "check"),
        ("POST", "appeals"),
        ("POST", "terms/acceptance"),
    ],
)
def test_an_authorizer_can_refuse_this_resource_alone(refusing: Server, method: str, path: str) -> None:
    status, answer = refusing.request(method, f"{BASE}/{path}", {} if method == "POST" else None)
    assert status == 403
    assert "jupyter_tos_guard" in answer["message"]


@pytest.fixture(scope="module")
def refusing(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Server:
    folder = tmp_path_factory.mktemp("authorizer")
    (folder / "refusing_authorizer.py").write_text(
        "from jupyter_server.auth import Authorizer\n"
        "class Refusing(Authorizer):\n"
        "    def is_authorized(self, handler, user, action, resource):\n"
        "        return resource != 'jupyter_tos_guard'\n"
    )
    return start("--ServerApp.authorizer_class=refusing_authorizer.Refusing", PYTHONPATH=str(folder))
