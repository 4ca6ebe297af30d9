"""From a policy to a strike to a refused spawn to an appeal and back, on a real hub with both databases."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.central.postgresql import Cluster
from tests.hub.conftest import StartHub
from tests.hub.guarded import Guarded
from tests.hub.hubs import text_of, wait_for

EXAMPLE = Path(__file__).parents[2] / "examples" / "hub-managed" / "jupyterhub_config.py"
POLICY = Path(__file__).parent / "policy"
#: Seconds for what goes through kernel, server, service and back.
SOON = 90.0


def example_config() -> str:
    """The example as it is, at free ports."""
    text = EXAMPLE.read_text("utf-8")
    assert ":8000" in text
    assert ":10101" in text
    return text.replace(":8000", ":PROXY_PORT").replace(":10101", ":SERVICE_PORT")


@pytest.fixture(scope="module")
def guarded(postgresql: Cluster, start_hub: StartHub) -> Guarded:
    """On PostgreSQL; the other tests of this folder are on SQLite."""
    return Guarded(start_hub(example_config(), variables={"TOS_GUARD_DATABASE_URL": postgresql.create()}))


def accept_terms(guarded: Guarded, user: str) -> None:
    version = guarded.api(user, "GET", "terms").json()["version"]
    guarded.api(user, "POST", "terms/acceptance", {"version": version}).raise_for_status()


def refused(reply: dict[str, Any]) -> bool:
    return reply["status"] == "error" and reply["ename"] == "DisallowedCodeError"


def test_a_strike_its_consequence_its_appeal_and_a_new_rule(guarded: Guarded, tmp_path: Path) -> None:
    hub = guarded.hub
    guarded.publish(POLICY, "--all")

    # First spawn: the terms are asked for, read and accepted in the browser, and the server starts.
    page = hub.spawn(guarded.browser("bert"))
    assert page.status_code == 403
    assert "read the terms of use (version 2026-12)" in text_of(page.text)
    link = re.search(r'href="([^"]*me/terms[^"]*)"', page.text)
    assert link
    terms = guarded.browser("bert").get(link[1].replace("&amp;", "&"))
    assert "Do not import what is forbidden." in text_of(terms.text)
    guarded.post("bert", "me/terms", version="2026-12")
    assert hub.spawn(guarded.browser("bert")).status_code == 200
    wait_for(lambda: hub.server_ready("bert"), "the server of bert")

    # A cell is refused, and becomes a strike on the admin's page.
    with hub.kernel("bert") as kernel:
        reply: dict[str, Any] = {}

        def stopped() -> bool:
            nonlocal reply
            reply, _ = kernel.run("import tosblocked")
            return refused(reply)

        wait_for(stopped, "the policy to reach the kernel", SOON)
    (strike,) = wait_for(lambda: guarded.strikes("bert"), "the strike to reach the service", SOON)
    assert strike["action"] == "block"
    assert strike["clause"]["number"] == "3.1"
    queue = guarded.page("ada", "queue")
    assert queue.status_code == 200
    assert "bert" in text_of(queue.text)
    assert "A forbidden module is used" in text_of(queue.text)

    # The other user sees nothing of it.
    assert guarded.strikes("carl") == []
    assert guarded.api("carl", "GET", f"strikes/{strike['id']}").status_code == 404
    assert guarded.api("carl", "GET", "admin/strikes").status_code == 403
    assert guarded.page("carl", "queue").status_code == 403
    assert guarded.page("carl", f"me/strikes/{strike['id']}").status_code == 404

    # The ladder is at restricted: no new server, and the page says why, how long, and what to do.
    hub.stop_server("bert")
    page = hub.spawn(guarded.browser("bert"))
    assert page.status_code == 403
    said = text_of(page.text)
    assert "restricted until" in said
    assert "3.1" in said
    assert "appeal" in said
    assert hub.spawn(guarded.browser("carl")).status_code == 403, "the terms"
    accept_terms(guarded, "carl")
    assert hub.spawn(guarded.browser("carl")).status_code == 200, "the other's restriction is not carl's"

    # An appeal in the browser, overturned by an admin, and the server starts.
    guarded.post("bert", f"me/strikes/{strike['id']}", act="appeal", text="It was a typo.")
    appeals = guarded.api("ada", "GET", "admin/appeals").json()["appeals"]
    assert [(each["user"], each["text"]) for each in appeals] == [("bert", "It was a typo.")]
    body = {"id": appeals[0]["id"], "grant": True, "text": "Indeed."}
    answered = guarded.api("ada", "POST", "admin/answer-appeal", body)
    assert answered.status_code == 200, answered.text
    assert guarded.strikes("bert")[0]["state"] == "overturned"
    assert hub.spawn(guarded.browser("bert")).status_code == 200
    wait_for(lambda: hub.server_ready("bert"), "the server of bert")

    # A rule that is published while a kernel runs takes effect in it.
    newer = tmp_path / "policy"
    shutil.copytree(POLICY, newer)
    policy = newer / "policy.yml"
    policy.write_text(
        policy.read_text().replace('version: "1"', 'version: "2"').replace("salt: 1111", "salt: 2222")
    )
    rule = newer / "rules" / "testing" / "blocked.yml"
    rule.write_text(rule.read_text().replace("module: tosblocked", "module: [tosblocked, colorsys]"))
    with hub.kernel("bert") as kernel:
        reply, shown = kernel.run("x = 41\nimport colorsys")
        assert reply["status"] == "ok"
        began = time.monotonic()
        guarded.publish(newer, "--emergency")

        def new_rule() -> bool:
            return refused(kernel.run("import colorsys")[0])

        wait_for(new_rule, "the new rule to take effect in the running kernel", SOON)
        print(
            f"\na new rule took effect in a running kernel {time.monotonic() - began:.1f} s after publishing began"
        )
        reply, shown = kernel.run("print(x + 1)")
        assert shown[-1]["text"] == "42\n", "the kernel was not restarted"
    assert "Traceback" not in hub.log
