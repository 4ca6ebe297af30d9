"""Every route and every role, in one table. A route that is not in it fails the test."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest

from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.web.application import ROUTES, rules
from tests.central.conftest import Service
from tests.central.intake.reports import report, strike

#: What a caller needs, and so who is let in.
LETS_IN = {
    "public": {"nobody", "user", "reader", "reviewer", "publisher", "admin", "service"},
    "user": {"user", "reader", "reviewer", "publisher", "admin"},
    "read": {"reader", "reviewer", "publisher", "admin"},
    "review": {"reviewer", "admin"},
    "publish": {"publisher", "admin"},
    "admin": {"admin"},
}
SCOPES = {
    "user": [],
    "reader": ["read"],
    "reviewer": ["review"],
    "publisher": ["publish"],
    "admin": ["admin"],
}

#: The API: method, path, what it needs.
API = """
POST api/v1/reports user
GET api/v1/account user
POST api/v1/messages/{id}/read user
GET api/v1/strikes user
GET api/v1/strikes/{id} user
GET api/v1/appeals user
POST api/v1/appeals user
POST api/v1/appeals/{id}/withdraw user
GET api/v1/terms user
POST api/v1/terms/acceptance user
GET api/v1/data user
GET api/v1/admission/{user} read
GET api/v1/admin/strikes read
GET api/v1/admin/people read
GET api/v1/admin/people/{name} read
GET api/v1/admin/rules read
GET api/v1/admin/policies read
GET api/v1/admin/policies/{version} read
GET api/v1/admin/exemptions read
GET api/v1/admin/appeals read
GET api/v1/admin/clients read
GET api/v1/admin/audit admin
GET api/v1/admin/tokens admin
POST api/v1/admin/uphold review
POST api/v1/admin/overturn review
POST api/v1/admin/reverse admin
POST api/v1/admin/exempt review
POST api/v1/admin/end-exemption review
POST api/v1/admin/restrict review
POST api/v1/admin/lift review
POST api/v1/admin/answer-appeal review
POST api/v1/admin/soften publish
POST api/v1/admin/share publish
POST api/v1/admin/mode publish
POST api/v1/admin/purge admin
POST api/v1/admin/tokens admin
POST api/v1/admin/revoke-token admin
GET api/v1/export/strikes.csv admin
GET api/v1/export/strikes.jsonl admin
GET api/v1/export/audit.csv admin
GET api/v1/export/audit.jsonl admin
GET api/v1/export/acceptances.csv admin
GET api/v1/export/acceptances.jsonl admin
"""
#: What is no API and no page: method, path, what it needs.
OTHER = """
GET health public
GET ready public
GET metrics read
GET api/v1/openapi.json public
GET repository/metadata/timestamp.json public
GET repository/targets/none.bundle public
GET repository/wait public
GET login public
POST login public
POST logout public
"""
TABLE = [tuple(line.split()) for line in (API + OTHER).strip().splitlines() if line.strip()]
ROLES = sorted(LETS_IN["public"])
#: What a request that is let in may be answered with beside 200: it is not about a real thing.
LET_IN = {200, 204, 302, 304, 400, 404, 409, 415, 422, 503}


@pytest.mark.parametrize(("method", "path", "needs"), TABLE, ids=lambda part: str(part))
def test_every_route_lets_in_whom_it_says_and_nobody_else(
    sqlite_service: Service, method: str, path: str, needs: str
) -> None:
    path = (
        path.replace("{id}", "1").replace("{user}", "bob").replace("{name}", "bob").replace("{version}", "1")
    )
    if path == "repository/wait":
        path += "?timestamp=99"  # another than there is: answered at once
    wrong = []
    for role in ROLES:
        if role == "service":
            continue  # services are a Hub's: tests/central/web/test_hub_tokens.py
        scopes = SCOPES.get(role, [])
        who = () if role == "nobody" else (role, *scopes)
        with sqlite_service.client(*who) as client:
            if method == "POST" and path.startswith("api/"):
                answer = client.post(path, json={})
            else:
                answer = client.request(method, path)
        let_in = answer.status_code in LET_IN
        if path in ("login", "logout") and method == "POST":
            let_in = answer.status_code == 403 and "_xsrf" in answer.text  # no form was shown before
        if let_in is not (role in LETS_IN[needs]):
            wrong.append((role, answer.status_code, answer.text[:200]))
        elif not let_in:
            expected = 401 if role == "nobody" else 403
            assert answer.status_code == expected, (role, answer.text)
            assert answer.json()["error"]["message"]
    assert wrong == []


def test_the_table_has_every_route_of_the_api() -> None:
    assert {(r.method, r.path, r.access) for r in ROUTES} == {
        tuple(line.split()) for line in API.strip().splitlines()
    }


def test_the_table_has_every_other_route_but_pages(sqlite_service: Service) -> None:
    """Pages are in their own table, tests/central/pages; what is no page has to be in this one."""
    paths = {path.partition("?")[0] for _, path, _ in TABLE}
    missing = []
    for pattern, handler, _ in rules(sqlite_service.context):
        if handler.__module__.startswith("jupyter_tos_guard.central.web.pages"):
            continue
        if not any(re.fullmatch(pattern, path.replace("{", "").replace("}", "")) for path in paths):
            missing.append(pattern)
    assert missing == []


def test_methods_that_no_route_has_are_refused(sqlite_service: Service) -> None:
    with sqlite_service.client("admin", "admin") as client:
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"):
            assert client.request(method, "api/v1/strikes").status_code == 405, method
        assert client.request("PROPFIND", "api/v1/strikes").headers["Connection"] == "close"
        answer = client.post("api/v1/strikes", json={})
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


# -- whose ------------------------------------------------------------------------------------


def send(client: httpx.Client, *numbers: int) -> None:
    answer = client.post("api/v1/reports", json=report([strike(number) for number in numbers]))
    assert answer.status_code == 200, answer.text


def test_nobody_sees_or_touches_anothers_record(service: Service) -> None:
    with service.client("alice") as alice, service.client("mallory") as mallory:
        send(alice, 1, 2, 3, 4)
        own = alice.get("api/v1/strikes").json()["strikes"]
        appeal = alice.post("api/v1/appeals", json={"strike": own[0]["id"], "text": "It was a test."}).json()
        message = alice.get("api/v1/account").json()["messages"][0]["id"]

        assert mallory.get("api/v1/strikes").json()["strikes"] == []
        assert mallory.get("api/v1/appeals").json()["appeals"] == []
        assert mallory.get("api/v1/data").json()["known"] is False
        assert mallory.get(f"api/v1/strikes/{own[0]['id']}").status_code == 404
        assert mallory.get("api/v1/strikes/act-1").status_code == 404
        for number in (own[0]["id"], "act-1"):
            stolen = mallory.post("api/v1/appeals", json={"strike": number, "text": "Mine."})
            assert stolen.status_code == 404
        assert mallory.post(f"api/v1/appeals/{appeal['id']}/withdraw", json={}).status_code in (404, 422)
        assert mallory.post(f"api/v1/appeals/{appeal['id']}/withdraw").status_code == 404
        assert mallory.post(f"api/v1/messages/{message}/read").status_code == 404

        assert [each["state"] for each in alice.get("api/v1/appeals").json()["appeals"]] == ["open"]
        assert message in [each["id"] for each in alice.get("api/v1/account").json()["messages"]]


def test_what_a_user_sees_names_no_reviewer(service: Service) -> None:
    with service.client("alice") as alice, service.client("rita-the-reviewer", "review") as reviewer:
        send(alice, 1, 2)
        ids = [each["id"] for each in reviewer.get("api/v1/admin/strikes").json()["strikes"]]
        assert reviewer.post("api/v1/admin/uphold", json={"strikes": ids[:1]}).status_code == 200
        done = reviewer.post("api/v1/admin/overturn", json={"strikes": ids[1:], "reason": "A test."})
        assert done.json()["changed"] == 1
        for path in ("strikes", "data", "account", "appeals"):
            assert "rita-the-reviewer" not in alice.get(f"api/v1/{path}").text


def test_a_cookie_alone_does_nothing_that_a_foreign_page_could_make_it_do(sqlite_service: Service) -> None:
    from tests.central.web.test_login import login

    with sqlite_service.client("alice") as alice:
        send(alice, 1)
    with sqlite_service.client() as browser:
        login(browser, sqlite_service.token("alice", "admin"))
        body = {"strike": "act-1", "text": "From elsewhere."}
        forged = browser.post("api/v1/appeals", json=body)
        assert forged.status_code == 403
        as_form = browser.post("api/v1/appeals", data=body)
        assert as_form.status_code == 403
        guessed = browser.post("api/v1/appeals", json=body, headers={"X-XSRFToken": "guess"})
        assert guessed.status_code == 403
        xsrf = {"X-XSRFToken": browser.cookies["_xsrf"]}
        assert browser.post("api/v1/appeals", json=body, headers=xsrf).status_code == 200


def test_an_action_that_is_replayed_does_nothing_twice(service: Service) -> None:
    with service.client("alice") as alice, service.client("rita", "review") as reviewer:
        send(alice, 1)
        (own,) = alice.get("api/v1/strikes").json()["strikes"]
        body = {"strike": own["id"], "text": "It was a test."}
        assert alice.post("api/v1/appeals", json=body).status_code == 200
        assert alice.post("api/v1/appeals", json=body).status_code == 409
        answer = {"id": alice.get("api/v1/appeals").json()["appeals"][0]["id"], "grant": True, "text": "Yes."}
        assert reviewer.post("api/v1/admin/answer-appeal", json=answer).status_code == 200
        assert reviewer.post("api/v1/admin/answer-appeal", json=answer).status_code == 409
        again = {"strikes": [own["id"]], "reason": "Again."}
        assert reviewer.post("api/v1/admin/overturn", json=again).json()["changed"] == 0


def test_requests_of_one_user_are_limited_and_others_are_not_harmed(
    make_service: Callable[..., Service], sqlite_database: Database
) -> None:
    service = make_service(sqlite_database, requests_per_second=5.0)
    with service.client("mallory") as mallory, service.client("alice") as alice:
        codes = [mallory.get("api/v1/strikes").status_code for _ in range(150)]
        assert codes[0] == 200
        assert 429 in codes
        refused = mallory.get("api/v1/strikes")
        assert int(refused.headers["Retry-After"]) >= 1
        assert alice.get("api/v1/strikes").status_code == 200


def test_answers_carry_the_headers_that_keep_browsers_from_harm(sqlite_service: Service) -> None:
    with sqlite_service.client("alice") as client:
        for path in ("api/v1/account", "api/v1/strikes/999", "nothing-here", "login"):
            headers = client.get(path).headers
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Cache-Control"] == "no-store"
            assert "Server" not in headers


def test_a_defect_is_not_shown_to_callers(sqlite_service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise RuntimeError("secret-of-the-stack")

    monkeypatch.setattr("jupyter_tos_guard.central.casework.account.account_of", broken)
    with sqlite_service.client("alice") as client:
        answer = client.get("api/v1/account")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["error"]["code"] == "defect"
