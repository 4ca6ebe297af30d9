"""Callers whom a Hub knows: tokens with and without the service's scope, services, OAuth over two replicas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from jupyter_tos_guard.central.storage.database import Database
from tests.central.conftest import PREFIX, Service
from tests.central.intake.reports import report, strike

from .hub import Hub
from .test_access import LET_IN, TABLE


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    made.add("user-token", "alice", groups=("lab",))
    made.add("admin-token", "carol", "admin")
    made.add("service-token", "spawner", "read", kind="service")
    made.models["no-access"] = {"name": "eve", "kind": "user", "scopes": ["custom:tos-guard:admin"]}
    yield made
    made.stop()


@pytest.fixture
def make_hub_service(
    hub: Hub, make_service: Callable[..., Service], sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Service]:
    """Start services as a Hub would."""
    url = hub.start()
    monkeypatch.setenv("JUPYTERHUB_API_URL", url)
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "of-the-service")
    monkeypatch.setenv("JUPYTERHUB_CLIENT_ID", "service-tos-guard")
    monkeypatch.setenv("JUPYTERHUB_SERVICE_NAME", "tos-guard")
    monkeypatch.setenv("JUPYTERHUB_OAUTH_ACCESS_SCOPES", '["access:services!service=tos-guard"]')
    monkeypatch.setenv("JUPYTERHUB_HOST", url.partition("/hub")[0])
    return lambda: make_service(sqlite_database)


@pytest.fixture
def hub_service(make_hub_service: Callable[[], Service]) -> Service:
    return make_hub_service()


def client(service: Service, token: str) -> httpx.Client:
    return service.client(headers={"Authorization": f"token {token}"})


def test_a_hub_token_says_who_it_is_and_in_which_groups(hub_service: Service) -> None:
    with client(hub_service, "user-token") as alice, client(hub_service, "admin-token") as carol:
        answer = alice.post("api/v1/reports", json=report([strike(1, user="bob")]))
        assert answer.status_code == 200, answer.text
        (person,) = carol.get("api/v1/admin/people").json()["people"]
    assert (person["name"], person["groups"]) == ("alice", ["lab"])


#: Without those that are only there without a Hub.
WITH_HUB = [row for row in TABLE if row[1] not in ("login", "logout")]


@pytest.mark.parametrize(("method", "path", "needs"), WITH_HUB, ids=lambda part: str(part))
def test_a_token_without_the_services_scope_and_a_service_are_let_in_nowhere_else(
    hub_service: Service, method: str, path: str, needs: str
) -> None:
    """``no-access`` has every custom scope, but not the one to come to this service."""
    path = (
        path.replace("{id}", "1").replace("{user}", "bob").replace("{name}", "bob").replace("{version}", "1")
    )
    path = path.replace("repository/wait", "repository/wait?timestamp=99")
    body = {"json": {}} if method == "POST" else {}
    with client(hub_service, "no-access") as eve, client(hub_service, "service-token") as service:
        refused = eve.request(method, path, **body)
        assert (refused.status_code == 403) is (needs != "public"), refused.text
        answer = service.request(method, path, **body)
    assert (answer.status_code in LET_IN) is (needs in ("public", "read")), answer.text


def test_the_hubs_word_on_a_token_is_remembered_for_a_while(hub_service: Service, hub: Hub) -> None:
    with client(hub_service, "user-token") as alice:
        for _ in range(20):
            assert alice.get("api/v1/strikes").status_code == 200
    assert hub.asked == 1


def test_a_hub_that_is_broken_is_no_reason_to_let_anybody_in(hub_service: Service, hub: Hub) -> None:
    hub.broken = True
    with client(hub_service, "admin-token") as carol:
        assert carol.get("api/v1/admin/audit").status_code >= 500


def test_unknown_tokens_do_not_flood_the_hub(hub_service: Service, hub: Hub) -> None:
    codes: list[int] = []
    with client(hub_service, "wrong") as http:
        while 429 not in codes and len(codes) < 600:  # the limit refills while a slow machine asks
            headers = {"Authorization": f"token wrong-{len(codes)}"}
            codes.append(http.get("api/v1/strikes", headers=headers).status_code)
        asked = hub.asked
        assert http.get("api/v1/strikes").status_code == 429
    assert codes[0] == 401
    assert codes[-1] == 429
    assert hub.asked == asked


def test_a_browser_logs_in_by_the_hub_also_when_another_replica_is_called_back(
    make_hub_service: Callable[[], Service], hub: Hub, tmp_path: Path
) -> None:
    """The state of the login travels with the browser: no replica remembers it."""
    first, second = make_hub_service(), make_hub_service()
    with httpx.Client(timeout=60, trust_env=False) as browser:
        browser.cookies.set("as", "admin-token", domain="127.0.0.1", path="/hub")
        away = browser.get(f"{first.url}metrics", headers={"Accept": "text/html"})
        if away.status_code == 401:  # metrics is no page; the pages are
            away = browser.get(first.url, headers={"Accept": "text/html"})
        assert away.status_code == 302
        assert "/hub/api/oauth2/authorize" in away.headers["Location"]
        back = browser.get(away.headers["Location"])
        query = urlsplit(back.headers["Location"]).query
        done = browser.get(f"{second.url}oauth_callback?{query}")
        assert (done.status_code, done.headers["Location"]) == (302, PREFIX), done.text
        assert browser.get(f"{second.url}api/v1/account").json()["user"] == "carol"
        replayed = browser.get(f"{second.url}oauth_callback?{query}")
        assert replayed.status_code != 500
    with httpx.Client(timeout=60, trust_env=False) as other:  # a login that somebody else began
        assert other.get(f"{second.url}oauth_callback?{query}").status_code in (400, 403)
