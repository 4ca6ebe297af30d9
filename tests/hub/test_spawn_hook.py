"""What a real Hub does with what the central service answers, or does not."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.hub.conftest import StartHub
from tests.hub.hubs import RealHub, text_of, wait_for

STUB = Path(__file__).with_name("stub_central.py")
CONFIG = f"""
import sys
from pathlib import Path

async def own_hook(spawner):
    with open("FOLDER/own_hook", "a") as file:
        file.write(spawner.user.name + "\\n")

c.KubeSpawner.environment = {{"OPERATORS_OWN": "kept"}}
c.Spawner.environment = {{"OPERATORS_OWN": "kept"}}
c.SimpleLocalProcessSpawner.pre_spawn_hook = own_hook
c.JupyterHub.load_groups = {{"lab": {{"users": ["bert"]}}, "a,b": {{"users": ["bert"]}}}}

from jupyter_tos_guard.central.hub import guard_hub
guard_hub(c, url="http://127.0.0.1:SERVICE_PORT", timeout=TIMEOUT, when_unreachable="WHEN", root="sha256:" + 64 * "a")
service = c.JupyterHub.services[-1]
service["command"] = [sys.executable, {str(STUB)!r}]
service["cwd"] = "FOLDER"
"""


def hub_with_stub(start_hub: StartHub, when: str, timeout: float = 5.0, base_url: str = "/") -> RealHub:
    return start_hub(CONFIG.replace("WHEN", when).replace("TIMEOUT", str(timeout)), base_url)


@pytest.fixture(scope="module")
def hub(start_hub: StartHub) -> RealHub:
    return hub_with_stub(start_hub, "open", base_url="/jupyter/")


def answer(hub: RealHub, **answers: Any) -> None:
    (hub.folder / "answers.json").write_text(json.dumps(answers), "utf-8")


def test_a_spawn_is_refused_with_reason_end_and_way_to_appeal(hub: RealHub) -> None:
    message = "Your use of this hub is suspended until 3 December 2026. You can appeal."
    answer(hub, anna={"allowed": False, "level": "suspended", "message": message})
    browser = hub.browser("anna")
    page = hub.spawn(browser)
    assert page.status_code == 403
    assert message in text_of(page.text)
    assert 'href="/jupyter/services/tos-guard/me"' in page.text
    assert "try restarting" not in page.text, "what the Hub says of servers that broke"
    assert "Traceback" not in hub.log


def test_markup_of_the_central_service_is_shown_as_such_and_text_is_not(hub: RealHub) -> None:
    answer(
        hub,
        anna={"allowed": False, "message": "<b>plain</b>"},
        carl={"allowed": False, "message": "x", "message_html": '<a href="/x">appeal</a>'},
    )
    assert "&lt;b&gt;plain&lt;/b&gt;" in hub.spawn(hub.browser("anna")).text
    assert '<a href="/x">appeal</a>' in hub.spawn(hub.browser("carl")).text


def test_a_refusal_through_the_api_has_its_reason(hub: RealHub) -> None:
    answer(hub, anna={"allowed": False, "message": "Suspended for mining."})
    response = httpx.post(
        f"{hub.url}/jupyter/hub/api/users/anna/server",
        headers={"Authorization": f"token {hub.token}"},
        json={},
        timeout=60,
    )
    assert response.status_code == 403
    assert response.json()["message"] == "Suspended for mining."


def test_the_terms_are_asked_for_and_the_server_starts_once_they_are_accepted(hub: RealHub) -> None:
    terms = {"version": "2026-12", "required": True, "url": "/jupyter/services/tos-guard/"}
    answer(hub, dora={"allowed": True, "terms": terms})
    browser = hub.browser("dora")
    page = hub.spawn(browser)
    assert page.status_code == 403
    assert "version 2026-12" in text_of(page.text)
    assert 'href="/jupyter/services/tos-guard/me/terms?next=%2Fjupyter%2Fhub%2Fspawn"' in page.text
    answer(hub, dora={"allowed": True, "terms": {**terms, "required": False}})
    assert hub.spawn(browser).status_code == 200
    wait_for(lambda: hub.server_ready("dora"), "the server of dora")
    hub.stop_server("dora")


def test_who_may_start_gets_a_server_that_knows_where_the_service_is(hub: RealHub) -> None:
    answer(hub)
    hub.start_server("bert")
    with hub.kernel("bert") as kernel:
        code = "import os, json; print(json.dumps({k: v for k, v in os.environ.items() if 'TOS_GUARD' in k or k == 'OPERATORS_OWN'}))"
        _, shown = kernel.run(code)
    found = json.loads("".join(each["text"] for each in shown if "text" in each))
    assert found == {
        "OPERATORS_OWN": "kept",
        "JUPYTER_TOS_GUARD_CENTRAL": f"http://127.0.0.1:{hub.service_port}/jupyter/services/tos-guard",
        "JUPYTER_TOS_GUARD_ROOT": "sha256:" + 64 * "a",
        "JUPYTER_TOS_GUARD_GROUPS": "lab",  # a name with a comma would be two others
    }
    hub.stop_server("bert")
    questions = [json.loads(line) for line in (hub.folder / "questions.jsonl").read_text().splitlines()]
    assert {"user": "bert", "groups": "lab"} in questions


def test_a_hook_of_the_operators_own_runs_for_those_who_are_let_start_only(hub: RealHub) -> None:
    answer(hub, carl={"allowed": False, "message": "no"})
    hub.spawn(hub.browser("carl"))
    hub.start_server("emil")
    hub.stop_server("emil")
    ran = (hub.folder / "own_hook").read_text().split()
    assert "emil" in ran
    assert "carl" not in ran


@pytest.mark.parametrize("broken", ["garbage", "error"])
def test_an_answer_that_cannot_be_used_lets_start_and_is_in_the_log(hub: RealHub, broken: str) -> None:
    answer(hub, fritz=broken)
    before = len(hub.log)
    hub.start_server("fritz")
    hub.stop_server("fritz")
    assert "the server of fritz is let start (when_unreachable='open')" in hub.log[before:]


def test_a_service_that_died_comes_back_and_the_spawn_waits_for_it(hub: RealHub) -> None:
    answer(hub, anna={"allowed": False, "message": "still suspended"})
    url = f"http://127.0.0.1:{hub.service_port}/jupyter/services/tos-guard/health"
    pid = httpx.get(url).json()["pid"]
    os.kill(pid, signal.SIGKILL)

    def another() -> bool:
        try:
            return bool(httpx.get(url).json()["pid"] != pid)
        except httpx.HTTPError:
            return False

    wait_for(another, "the Hub to start the service again")
    assert "still suspended" in hub.spawn(hub.browser("anna")).text


def test_closed_means_that_no_server_starts_while_the_service_is_silent(start_hub: StartHub) -> None:
    hub = hub_with_stub(start_hub, "closed", timeout=1.0)
    answer(hub, fritz="error")
    page = hub.spawn(hub.browser("fritz"))
    assert page.status_code == 503
    assert "does not answer. Please try again" in text_of(page.text)
    answer(hub)
    hub.start_server("fritz")
