"""A central service that somebody else starts than the Hub."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.hub.conftest import StartHub
from tests.hub.guarded import Guarded
from tests.hub.hubs import RealHub, text_of, wait_for
from tests.ports import free_port

TOKEN = "externally" * 6
CONFIG = """
from jupyter_tos_guard.central.hub import guard_hub
guard_hub(c, managed=False, url="http://127.0.0.1:PORT", token="TOKEN", root="ROOT")
"""


def start_service(folder: Path, hub_url: str, port: int) -> subprocess.Popen[bytes]:
    """What docs/central.md tells an operator to set."""
    variables = {
        "JUPYTERHUB_API_TOKEN": TOKEN,
        "JUPYTERHUB_API_URL": f"{hub_url}/hub/api",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_CLIENT_ID": "service-tos-guard",
        "JUPYTERHUB_SERVICE_NAME": "tos-guard",
        "JUPYTERHUB_SERVICE_PREFIX": "/services/tos-guard/",
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": '["access:services", "access:services!service=tos-guard"]',
    }
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "TOS_GUARD"))
    }
    with open(folder / "service.log", "ab") as log:
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyter_tos_guard.cli",
                "central",
                "serve",
                f"--state={folder / 'state'}",
            ],
            cwd=folder,
            env={**kept, **variables, "HOME": str(folder)},
            stdout=log,
            stderr=log,
        )


@pytest.fixture(scope="module")
def guarded(start_hub: StartHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder, port = tmp_path_factory.mktemp("external"), free_port()
    hub_port = free_port()
    service = start_service(folder, f"http://127.0.0.1:{hub_port}", port)

    def ready() -> bool:
        assert service.poll() is None, (folder / "service.log").read_text()
        try:
            return httpx.get(f"http://127.0.0.1:{port}/services/tos-guard/ready").status_code == 200
        except httpx.HTTPError:
            return False

    wait_for(ready, "the service to come up before the Hub")
    root = (folder / "state" / "repository" / "metadata" / "1.root.json").read_bytes()
    config = CONFIG.replace("PORT", str(port)).replace("TOKEN", TOKEN)
    config = config.replace("ROOT", f"sha256:{hashlib.sha256(root).hexdigest()}")
    yield Guarded(start_hub(config, port=hub_port))
    service.send_signal(signal.SIGTERM)
    service.wait(30)


def test_users_log_in_to_it_through_the_hub_and_the_hub_asks_it(guarded: Guarded) -> None:
    assert "bert" in text_of(guarded.page("bert", "me").text)
    body = {"user": "bert", "level": "suspended", "until": None, "reason": "For the test."}
    guarded.api("ada", "POST", "admin/restrict", body).raise_for_status()
    page = guarded.hub.spawn(guarded.browser("bert"))
    assert page.status_code == 403
    assert "For the test." in text_of(page.text)


def test_a_server_finds_it_and_gets_its_policy(guarded: Guarded) -> None:
    hub: RealHub = guarded.hub
    hub.start_server("carl")

    def reported() -> bool:
        clients = guarded.api("ada", "GET", "admin/clients").json()["clients"]
        return any(each["policy_version"] for each in clients)

    with hub.kernel("carl") as kernel:
        kernel.run("1 + 1")
        wait_for(reported, "a report with the policy's version", 90)


def test_a_class_that_begins_at_once_is_not_too_much_for_the_admission(guarded: Guarded) -> None:
    url = f"{guarded.hub.service_url}/api/v1/admission/bert?groups="
    with httpx.Client(headers={"Authorization": f"token {TOKEN}"}, timeout=60) as client:
        # More than one user may ask in this time: the limit is on people, not on the Hub.
        codes = {client.get(url).status_code for _ in range(300)}
    assert codes == {200}
