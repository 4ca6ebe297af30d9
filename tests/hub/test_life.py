"""A guarded hub over its life: who may do what, restarts, a suspension with a running server."""

from __future__ import annotations

import os
import signal

import httpx
import pytest

from tests.hub.conftest import StartHub
from tests.hub.guarded import Guarded
from tests.hub.hubs import text_of, wait_for

CONFIG = """
c.JupyterHub.cleanup_servers = False
from jupyter_tos_guard.central.hub import guard_hub
guard_hub(
    c,
    reviewers={"group:desk"},
    url="http://127.0.0.1:SERVICE_PORT",
    settings={"grace_minutes": 0.01, "effects": {"suspended": ["refuse-spawn", "stop-servers"]}},
)
c.JupyterHub.load_groups = {"desk": {"users": ["rita"]}}
"""


@pytest.fixture(scope="module")
def guarded(start_hub: StartHub) -> Guarded:
    return Guarded(start_hub(CONFIG))


def limited_token(guarded: Guarded, user: str, *scopes: str) -> dict[str, str]:
    hub = guarded.hub
    hub.api("POST", f"/users/{user}", ok=False)
    token = hub.api("POST", f"/users/{user}/tokens", {"scopes": list(scopes)})["token"]
    return {"Authorization": f"token {token}"}


def test_a_token_without_the_services_scope_is_not_let_in_and_one_with_it_is(guarded: Guarded) -> None:
    url = f"{guarded.hub.service_url}/api/v1/account"
    without = httpx.get(url, headers=limited_token(guarded, "bert", "access:servers!user=bert"))
    assert without.status_code == 403
    scope = "access:services!service=tos-guard"
    assert httpx.get(url, headers=limited_token(guarded, "bert", scope)).json()["user"] == "bert"


@pytest.mark.parametrize(
    ("user", "strikes", "audit"), [("ada", 200, 200), ("rita", 200, 403), ("bert", 403, 403)]
)
def test_staff_may_do_what_their_role_says(guarded: Guarded, user: str, strikes: int, audit: int) -> None:
    assert guarded.api(user, "GET", "admin/strikes").status_code == strikes
    assert guarded.api(user, "GET", "admin/audit").status_code == audit


def test_being_an_admin_of_the_hub_is_not_enough_to_review(guarded: Guarded) -> None:
    hub = guarded.hub
    hub.api("POST", "/users", {"usernames": ["zoe"], "admin": True}, token=hub.user_token("ada"))
    assert guarded.api("zoe", "GET", "account").status_code == 200
    assert guarded.api("zoe", "GET", "admin/strikes").status_code == 403


def test_the_token_of_a_users_own_server_reports_for_that_user_and_may_nothing_else(guarded: Guarded) -> None:
    guarded.hub.start_server("bert")
    with guarded.hub.kernel("bert") as kernel:
        code = """
import json, os, urllib.request, urllib.error
def ask(path):
    url = os.environ["JUPYTER_TOS_GUARD_CENTRAL"] + "/api/v1/" + path
    request = urllib.request.Request(url, headers={"Authorization": "token " + os.environ["JUPYTERHUB_API_TOKEN"]})
    try:
        return json.load(urllib.request.urlopen(request)).get("user")
    except urllib.error.HTTPError as error:
        return error.code
print(ask("account"), ask("admin/strikes"), ask("admission/ada?groups="))
"""
        _, shown = kernel.run(code)
    assert "".join(each["text"] for each in shown if "text" in each).split() == ["bert", "403", "403"]
    guarded.hub.stop_server("bert")


def test_a_suspension_outlives_service_and_hub_and_stops_the_running_server(guarded: Guarded) -> None:
    hub = guarded.hub
    hub.start_server("emil")
    body = {"user": "emil", "level": "suspended", "until": None, "reason": "Mining <b>for</b> weeks."}
    guarded.api("ada", "POST", "admin/restrict", body).raise_for_status()

    # The service is killed, and the Hub starts it again.
    (pid,) = service_processes(hub.folder)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: service_processes(hub.folder) - {pid}, "the Hub to start the service again")
    # It looks for servers to stop as soon as it runs.
    wait_for(lambda: not hub.api("GET", "/users/emil")["servers"], "the server of emil to be stopped")

    # The Hub is restarted, and with it the service, the token with which they speak, the browser's session.
    hub.restart()
    page = hub.spawn(hub.browser("emil"))
    assert page.status_code == 403
    assert "suspended until an admin ends it" in text_of(page.text)
    assert "Mining &lt;b&gt;for&lt;/b&gt; weeks." in page.text
    account = guarded.api("emil", "GET", "account").json()
    assert account["standing"]["level"] == "suspended"
    assert any("was stopped" in message["text"] for message in account["messages"])

    # Lifted: the server starts.
    guarded.api("ada", "POST", "admin/lift", {"user": "emil", "reason": "Settled."}).raise_for_status()
    hub.start_server("emil")
    hub.stop_server("emil")
    assert "Traceback" not in hub.log


def service_processes(folder: os.PathLike[str]) -> set[int]:
    """Processes of the central service that this hub started."""
    found = set()
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
                if (
                    b"central" in words
                    and b"serve" in words
                    and os.readlink(f"/proc/{name}/cwd") == str(folder)
                ):
                    found.add(int(name))
            except OSError:
                continue  # it has ended
    return found
