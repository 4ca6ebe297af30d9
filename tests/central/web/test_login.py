"""Tokens without a Hub: the login page, its cookie, and what a foreign page cannot do with it."""

from __future__ import annotations

import re

import httpx
import pytest

from jupyter_tos_guard.central.storage.tables import Token
from jupyter_tos_guard.central.web.auth import TokenAuth
from tests.central.conftest import PREFIX, Service


def test_the_service_lives_and_says_so_to_anybody(service: Service) -> None:
    with service.client() as client:
        assert client.get("health").json() == {"status": "ok"}


def login(client: httpx.Client, token: str, next_page: str = "") -> httpx.Response:
    page = client.get("login", params={"next": next_page}, headers={"Accept": "text/html"})
    assert page.status_code == 200
    xsrf = re.search(r'name="_xsrf" value="([^"]+)"', page.text)
    assert xsrf
    return client.post("login", data={"token": token, "_xsrf": xsrf[1], "next": next_page})


def test_a_token_opens_the_pages_until_it_is_revoked(sqlite_service: Service) -> None:
    with sqlite_service.client() as client:
        answer = login(client, sqlite_service.token("alice", "read"), f"{PREFIX}metrics")
        assert (answer.status_code, answer.headers["Location"]) == (302, f"{PREFIX}metrics")
        assert client.get("metrics").status_code == 200
        with sqlite_service.context.database.transaction() as session:
            session.query(Token).delete()
        sqlite_service.context.auth._known.clear()  # instead of waiting ten seconds
        assert client.get("metrics").status_code == 401


def test_the_cookie_holds_no_token_and_scripts_cannot_read_it(sqlite_service: Service) -> None:
    token = sqlite_service.token("alice")
    with sqlite_service.client() as client:
        cookie = login(client, token).headers["Set-Cookie"]
    assert token not in cookie
    assert "HttpOnly" in cookie
    assert f"Path={PREFIX}" in cookie


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", f"{PREFIX}\\evil", "/hub/home", "javascript:1"]
)
def test_logging_in_leads_nowhere_else(sqlite_service: Service, target: str) -> None:
    with sqlite_service.client() as client:
        answer = login(client, sqlite_service.token("alice"), target)
    assert answer.headers["Location"] == PREFIX


def test_an_unknown_token_opens_nothing(sqlite_service: Service) -> None:
    with sqlite_service.client() as client:
        assert login(client, "tosguard_nobody").status_code == 403
        assert client.get("metrics").status_code == 401


def test_a_login_without_xsrf_is_refused(sqlite_service: Service) -> None:
    with sqlite_service.client() as client:
        answer = client.post("login", data={"token": sqlite_service.token("alice")})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_a_script_of_the_same_origin_cannot_read_with_the_cookie_alone(sqlite_service: Service) -> None:
    with sqlite_service.client() as client:
        login(client, sqlite_service.token("alice", "read"))
        script = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
        assert client.get("metrics", headers=script).status_code == 403


def test_unknown_tokens_are_slowed_down(sqlite_service: Service) -> None:
    with sqlite_service.client() as client:
        answers: list[int] = []
        while 429 not in answers and len(answers) < 600:  # the limit refills while a slow machine asks
            headers = {"Authorization": f"token wrong{len(answers)}"}
            answers.append(client.get("metrics", headers=headers).status_code)
    assert answers[0] == 401
    assert answers[-1] == 429


def test_who_tries_out_tokens_shuts_out_nobody_who_was_known(
    sqlite_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TokenAuth, "REMEMBERED", 0.0)  # so that each request is asked about anew
    with sqlite_service.client() as client, sqlite_service.client("ann") as ann:
        assert ann.get("api/v1/account").status_code == 200
        last, tries = 401, 0
        while last != 429 and tries < 600:
            tries += 1
            last = client.get("metrics", headers={"Authorization": f"token wrong{tries}"}).status_code
        assert last == 429
        assert ann.get("api/v1/account").status_code == 200


def test_markup_in_the_next_page_is_shown_as_text(sqlite_service: Service) -> None:
    with sqlite_service.client() as client:
        page = client.get("login", params={"next": '"><script>alert(1)</script>'})
    assert "<script>" not in page.text


def test_the_address_without_its_last_slash_leads_to_the_pages(service: Service) -> None:
    with service.client() as client:
        answer = client.get(service.url.rstrip("/"), follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (301, service.context.prefix)
