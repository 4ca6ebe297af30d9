"""Every page is there for whom it is, for nobody else, and shows hostile text as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import quote

import pytest

from jupyter_tos_guard.central.web.application import rules

from .conftest import HOSTILE, HOSTILE_NAME, HTML, Seeded

#: Page and what it needs; ``{ids}`` as in ``seed``.
PAGES = [
    ("me", "user"),
    ("me/terms", "user"),
    ("overview", "read"),
    ("queue", "read"),
    ("queue?by=rule", "read"),
    ("queue?by=user", "read"),
    ("queue?by=cell", "read"),
    ("queue?state=open&rule=r-mining&since=2020-01-01&until=2099-01-01", "read"),
    ("strikes/{hostile}", "read"),
    ("strikes/{ann-1}", "read"),
    ("people", "read"),
    ("people?level=all&search=eve", "read"),
    ("people/{eve}", "read"),
    ("people/ann", "read"),
    ("appeals", "read"),
    ("appeals?state=all", "read"),
    ("appeals/{appeal}", "read"),
    ("appeals/{late}", "read"),
    ("exemptions", "read"),
    ("exemptions?ended=yes&subject=user:{eve}&target=rule:r-tunnel", "read"),
    ("rules", "read"),
    ("rules/r-mining", "read"),
    ("policies", "read"),
    ("policies/2026.2", "read"),
    ("policies/2026.3?with=2026.1&replay=yes", "read"),
    ("clients", "read"),
    ("clients?which=all", "read"),
    ("audit", "admin"),
]
LETS_IN = {
    "user": {"user", "read", "review", "publish", "admin"},
    "read": {"read", "review", "publish", "admin"},
    "admin": {"admin"},
}
POSTS = [
    ("queue", "review"),
    ("strikes/{ann-1}", "review"),
    ("people/ann", "review"),
    ("exemptions", "review"),
    ("appeals/{appeal}", "review"),
    ("rules", "publish"),
    ("rules/r-mining", "publish"),
    ("policies", "publish"),
]
MAY_POST = {"review": {"review", "admin"}, "publish": {"publish", "admin"}}


def filled(path: str, ids: dict[str, int]) -> str:
    for name, number in ids.items():
        path = path.replace("{" + name + "}", str(number))
    return path.replace("{eve}", quote(HOSTILE_NAME, safe=""))


class Checked(HTMLParser):
    """Looks for whatever a page must not have."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.problems: list[str] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.fields: list[dict[str, str | None]] = []
        self.headings: list[int] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        self.problems += [f"never closed: {tag}" for tag in self.open]
        self.problems += [f"id twice: {each}" for each in set(self.ids) if self.ids.count(each) > 1]
        if self.headings.count(1) != 1:
            self.problems.append(f"{self.headings.count(1)} first headings")

    VOID = frozenset("meta link input img br hr".split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "script" and not (given.get("src") or "").startswith("/services/tos-guard/static/"):
            self.problems.append(f"script {given}")
        if tag in ("iframe", "object", "embed", "base", "style"):
            self.problems.append(tag)
        for name, value in given.items():
            if name.startswith("on") or name in ("style", "srcdoc"):
                self.problems.append(f"{tag} {name}={value!r}")
            if name in ("href", "src", "action") and (value or "").strip().lower().startswith(
                ("javascript", "data", "vbscript")
            ):
                self.problems.append(f"{tag} {name}={value!r}")
        if tag == "img" and not (given.get("src") or "").startswith("/services/tos-guard/static/"):
            self.problems.append(f"img {given}")
        if given.get("id"):
            self.ids.append(given["id"] or "")
        if tag in ("h1", "h2", "h3"):
            self.headings.append(int(tag[1]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> without its beginning")


def test_the_table_of_pages_holds_all_pages(seeded: Seeded) -> None:
    known = [filled(path, seeded.ids).partition("?")[0] for path, _ in PAGES]
    elsewhere = {"", "me/data", "me/messages", "me/strikes/1", "static/style.css"}
    missing = [
        pattern
        for pattern, handler, _ in rules(seeded.service.context)
        if handler.__module__.startswith("jupyter_tos_guard.central.web.pages")
        and not any(re.fullmatch(pattern, path) for path in {*known, *elsewhere})
    ]
    assert missing == []


@pytest.mark.parametrize(("path", "needs"), PAGES)
def test_a_page_is_for_whom_it_is_and_hostile_text_stays_text(seeded: Seeded, path: str, needs: str) -> None:
    path = filled(path, seeded.ids)
    for role in ("user", "read", "review", "publish", "admin"):
        scopes = () if role == "user" else (role,)
        with seeded.service.client("ann", *scopes, headers=HTML) as client:
            answer = client.get(path)
        assert answer.status_code == (200 if role in LETS_IN[needs] else 403), (role, answer.text[:2000])
        assert Checked(answer.text).problems == [], role
        assert "<script>window" not in answer.text
        assert "\u202e" not in answer.text
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
    with seeded.service.client(headers=HTML) as client:
        answer = client.get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/services/tos-guard/login?next=")


@pytest.mark.parametrize(("path", "needs"), POSTS)
def test_only_who_may_do_it_can_post(seeded: Seeded, path: str, needs: str) -> None:
    for role in ("user", "read", "review", "publish", "admin"):
        scopes = () if role == "user" else (role,)
        with seeded.service.client("somebody", *scopes, headers=HTML) as client:
            answer = client.post(filled(path, seeded.ids), data={"act": "nonsense", "mode": "nonsense"})
        assert answer.status_code == (422 if role in MAY_POST[needs] else 403), role


def test_the_hostile_person_sees_their_own_page_and_nothing_executes(seeded: Seeded) -> None:
    for path in ("me", f"me/strikes/{seeded.ids['hostile']}", "me/terms"):
        html = seeded.page(path, HOSTILE_NAME, "read")
        assert Checked(html).problems == []
        assert "\u202e" not in html
    assert "&lt;script&gt;window.hacked=1&lt;/script&gt;" in html or "hacked" not in html


def test_one_sees_neither_page_nor_strike_of_another(seeded: Seeded) -> None:
    with seeded.service.client("bob", headers=HTML) as client:
        for name in ("ann-1", "hostile"):
            answer = client.get(f"me/strikes/{seeded.ids[name]}")
            assert answer.status_code == 404
            assert "you have no such strike" in answer.text.lower()
            appeal = client.post(f"me/strikes/{seeded.ids[name]}", data={"text": "mine!"})
            assert appeal.status_code == 404
        withdrawn = client.post(
            f"me/strikes/{seeded.ids['bob-0']}", data={"act": "withdraw", "appeal": seeded.ids["appeal"]}
        )
        assert withdrawn.status_code == 404
        data = client.get("me/data").json()
        assert {each["rule"] for each in data["strikes"]} == {"r-tunnel"}
        assert "attachment" in client.get("me/data").headers["Content-Disposition"]


def test_reviewers_are_not_named_to_users(seeded: Seeded) -> None:
    html = seeded.page("me", "bob", "read") + seeded.page(f"me/strikes/{seeded.ids['bob-1']}", "bob", "read")
    assert "A reviewer has looked at it and agrees" in html
    assert "rachel" not in html


@pytest.mark.parametrize(
    "path",
    [
        "strikes/999999999",
        "people/nobody%2f..",
        "appeals/99999",
        "rules/none",
        "policies/none",
        "me/strikes/5",
        "nothing/here",
    ],
)
def test_what_is_not_there_is_said_in_a_page(seeded: Seeded, path: str) -> None:
    with seeded.service.client("root", "admin", headers=HTML) as client:
        answer = client.get(path)
    assert answer.status_code == 404
    if path != "nothing/here":
        assert "<h1>Not found</h1>" in answer.text
        assert Checked(answer.text).problems == []


@pytest.mark.parametrize(
    "path",
    [
        "queue?after=nonsense",
        "queue?since=yesterday",
        "queue?by=evidence",
        "queue?newest_id=x",
        "audit?before=x",
        "strikes/x",
        "queue?user=%00&rule=%ff",
        "queue?rule=" + "x" * 5000,
    ],
)
def test_a_damaged_address_is_no_defect(seeded: Seeded, path: str) -> None:
    with seeded.service.client("root", "admin", headers=HTML) as client:
        assert client.get(path).status_code in (200, 400, 404, 422)


def test_the_first_page_depends_on_who_comes(seeded: Seeded) -> None:
    with seeded.service.client("ann", headers=HTML) as client:
        assert client.get("").headers["Location"] == "/services/tos-guard/me"
    with seeded.service.client("root", "read", headers=HTML) as client:
        assert client.get("").headers["Location"] == "/services/tos-guard/overview"


def test_empty_pages_say_what_will_be_there(make_service, sqlite_database) -> None:  # type: ignore[no-untyped-def]  # fixtures
    seeded = Seeded(make_service(sqlite_database), {}, None)  # type: ignore[arg-type]  # no repository
    for path in (
        "overview",
        "queue",
        "queue?by=user",
        "people",
        "appeals",
        "exemptions",
        "rules",
        "policies",
        "clients",
        "audit",
        "me",
        "me/terms",
    ):
        html = seeded.page(path)
        assert 'class="empty"' in html or path == "me", path
        assert Checked(html).problems == [], path


def test_static_files_are_for_everybody_and_named_by_content(seeded: Seeded) -> None:
    html = seeded.page("me")
    files = re.findall(r'(?:src|href)="(/services/tos-guard/static/[^"]+)"', html)
    assert len(files) >= 4
    with seeded.service.client() as client:
        for each in files:
            answer = client.get(each.replace("/services/tos-guard/", ""))
            assert answer.status_code == 200, each
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert client.get("static/../base.py").status_code in (403, 404)
        assert client.get("static/%2e%2e/base.py").status_code in (403, 404)


def test_hostile_text_is_shown_and_not_swallowed(seeded: Seeded) -> None:
    html = seeded.page(f"strikes/{seeded.ids['hostile']}")
    assert html.count("&lt;script&gt;window.hacked=1&lt;/script&gt;") >= 5
    assert "\\u202e" in html
    assert "{{7*7}}" in html
    assert HOSTILE not in html


def test_a_foreign_page_cannot_post_with_the_admins_cookie(seeded: Seeded) -> None:
    with seeded.service.client(headers=HTML) as client:
        form = client.get("login").text
        token = re.search(r'name="_xsrf" value="([^"]+)"', form)
        assert token
        answer = client.post(
            "login", data={"token": seeded.service.token("root", "admin"), "_xsrf": token.group(1)}
        )
        assert answer.status_code == 302
        assert client.get("overview").status_code == 200
        fields = {"act": "overturn", "reason": "hacked", "strike": str(seeded.ids["ann-0"])}
        for path in ("queue", f"strikes/{seeded.ids['ann-0']}", "rules/r-mining", "people/ann", "logout"):
            answer = client.post(path, data=fields | {"confirmed": "yes"})
            assert answer.status_code == 403, path
        assert "overturned" not in client.get(f"strikes/{seeded.ids['ann-0']}").text.split("Review")[0]
        token = re.search(r'name="_xsrf" value="([^"]+)"', client.get(f"strikes/{seeded.ids['ann-0']}").text)
        assert token
        answer = client.post(f"strikes/{seeded.ids['ann-0']}", data=fields | {"_xsrf": token.group(1)})
        assert answer.status_code == 303


def test_a_long_text_is_refused_and_not_cut(seeded: Seeded) -> None:
    answer = seeded.post(f"me/strikes/{seeded.ids['bob-0']}", "bob", "read", text="x" * 5000)
    assert answer.status_code == 422
    assert "5000 characters" in answer.text
    answer = seeded.post(f"strikes/{seeded.ids['bob-0']}", act="overturn", reason="x" * 30_000)
    assert answer.status_code == 413
