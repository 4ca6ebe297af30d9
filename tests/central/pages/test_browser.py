"""A real browser walks all pages: by keyboard and pointer, in both themes, on phone and desktop.

``TOS_GUARD_SCREENSHOTS=FOLDER`` keeps a picture of each page.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.central.postgresql import missing
from tests.hub.hubs import BROWSER, install_from_npm

from .conftest import HOSTILE_NAME, Seeded
from .test_pages import PAGES, filled

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
#: WCAG 2.2 A and AA, and what axe calls best practice.
AXE = """async () => (await axe.run(document, {resultTypes: ["violations"]%s})).violations
    .map(v => v.id + ": " + v.nodes.map(n => n.target.join(" ") + " " + n.failureSummary).join(" | "))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    if not CHROMIUM.exists():
        missing(f"{CHROMIUM} is missing")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def axe() -> str:
    """The accessibility checker, as a script."""
    install_from_npm()
    return (BROWSER / "node_modules" / "axe-core" / "axe.min.js").read_text()


class Walk:
    """One browser window of somebody who is logged in. What goes wrong in a page fails the test."""

    def __init__(self, browser: Browser, seeded: Seeded, user: str, *scopes: str, **options: object) -> None:
        self.seeded = seeded
        self.context: BrowserContext = browser.new_context(bypass_csp=False, **options)  # type: ignore[arg-type]  # by name
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on(
            "console",
            lambda message: (
                self.problems.append(f"console: {message.text}") if message.type == "error" else None
            ),
        )
        self.page.goto(seeded.service.url + "login")
        self.page.emulate_media(reduced_motion="reduce")
        self.page.get_by_label("Token").fill(seeded.service.token(user, *scopes))
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(re.compile("/(overview|me)$"))

    def go(self, path: str) -> Page:
        answer = self.page.goto(self.seeded.service.url + path)
        assert answer is not None
        assert answer.status == 200, (path, answer.status)
        return self.page

    def said(self, text: str) -> None:
        expect(self.page.get_by_role("status")).to_contain_text(text)

    def end(self) -> None:
        hacked = self.page.evaluate("window.hacked")
        self.context.close()
        assert not self.problems
        assert hacked is None


@pytest.fixture
def walk(browser: Browser, seeded: Seeded) -> Iterator[Walk]:
    """An admin's window."""
    made = Walk(browser, seeded, "root", "admin")
    yield made
    made.end()


class Judge:
    """Looks at pages in one size and both themes, and notes what is wrong with them."""

    def __init__(self, axe: str, size: str) -> None:
        self.axe = axe
        self.size = size
        self.viewport = dict(zip(("width", "height"), SIZES[size], strict=True))
        self.wrong: list[str] = []
        self.pictures = os.environ.get("TOS_GUARD_SCREENSHOTS")

    def look(self, page: Page, name: str) -> None:
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            self.wrong.append(f"{name}: {wide} pixels too wide")
        here = page.locator(".bar nav [aria-current]")
        if here.count() and not 0 <= (here.bounding_box() or {"x": -1})["x"] < self.viewport["width"] - 40:
            self.wrong.append(f"{name}: where one is cannot be seen in the bar")
        # By the debugger, so that the page's own policy against scripts stays in force.
        session = page.context.new_cdp_session(page)
        session.send("Runtime.evaluate", {"expression": self.axe})
        session.detach()
        for theme, rules in (("light", ""), ("dark", ', runOnly: ["color-contrast"]')):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of two words
            self.wrong += [f"{name} {theme}: {each}" for each in page.evaluate(AXE % rules)]
            if self.pictures:
                file = re.sub(r"\W+", "-", name)[:50]
                page.screenshot(path=Path(self.pictures) / f"{file}-{self.size}-{theme}.png", full_page=True)
        page.emulate_media(color_scheme="light")
        assert page.evaluate("window.hacked") is None, name


@pytest.mark.parametrize("size", list(SIZES))
def test_no_page_violates_accessibility_overflows_or_executes_what_users_wrote(
    browser: Browser, seeded: Seeded, axe: str, size: str
) -> None:
    judge = Judge(axe, size)
    pages = [path for path, needs in PAGES if needs != "user"]
    own = ["me", f"me/strikes/{seeded.ids['hostile']}", "me/terms"]
    for user, scopes, paths in (
        ("root", ("admin",), pages),
        (HOSTILE_NAME, (), own),
        ("ann", (), ["me", "me/strikes/{ann-1}", "me/terms"]),
        ("nobody", (), ["me"]),
    ):
        walk = Walk(browser, seeded, user, *scopes, viewport=judge.viewport)
        for path in paths:
            judge.look(walk.go(filled(path, seeded.ids)), f"{'' if scopes else user[:4] + '-'}{path}")
        walk.end()
    assert judge.wrong == []


@pytest.mark.parametrize("size", list(SIZES))
def test_login_errors_and_confirmations_are_as_good(
    browser: Browser, seeded: Seeded, axe: str, size: str
) -> None:
    judge = Judge(axe, size)
    window = browser.new_context(viewport=judge.viewport, reduced_motion="reduce")
    page = window.new_page()
    page.goto(seeded.service.url + "login")
    judge.look(page, "login")
    page.get_by_label("Token").fill("tosguard_of-nobody")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    judge.look(page, "login-refused")
    window.close()

    admin = Walk(browser, seeded, "root", "admin", viewport=judge.viewport)
    page = admin.page
    page.goto(seeded.service.url + f"people/{quote('<b>' * 80, safe='')}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    judge.look(page, "not-found")
    admin.go("rules/r-deepfake").get_by_role("button", name="Reverse everything").click()
    expect(page.get_by_label("Reason")).to_be_visible()
    judge.look(page, "confirm-with-reason")
    admin.go("rules").get_by_role("button", name="Switch to monitor").click()
    expect(page.get_by_role("link", name="Cancel")).to_be_visible()
    judge.look(page, "confirm")
    admin.problems.clear()  # the browser reports the answer 404
    admin.end()

    user = Walk(browser, seeded, "ann", viewport=judge.viewport)
    user.page.goto(seeded.service.url + "queue")
    expect(user.page.get_by_role("heading", level=1)).to_have_text("Not allowed")
    judge.look(user.page, "not-allowed")
    user.problems.clear()
    user.end()
    assert judge.wrong == []


def test_an_admin_reviews_by_keyboard_and_in_bulk(walk: Walk) -> None:
    page = walk.go("queue?state=open&rule=r-mining")
    before = page.locator("tr[data-row]").count()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("tr[data-row]").nth(1).locator("a[data-open]")).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(page.locator("[data-chosen]")).to_have_text("1 chosen")
    page.keyboard.press("u")
    walk.said("1 strike upheld.")
    expect(page.locator("tr[data-row]")).to_have_count(before - 1)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_label("Use these keys").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('tr')") is None, "keys are switched off"
    page.get_by_role("button", name="Overturn all that match").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        re.compile(rf"Overturn {before - 1} strikes of \d+ people\?")
    )
    page.get_by_label("Reason").fill("The rule met a lecture")
    page.get_by_role("button", name=f"Overturn {before - 1} strikes").click()
    walk.said(f"{before - 1} strikes overturned.")
    expect(page.get_by_text("No strike matches")).to_be_visible()


def test_one_strike_is_overturned_with_a_reason_and_upheld_again(walk: Walk) -> None:
    page = walk.go(f"strikes/{walk.seeded.ids['ann-0']}")
    expect(page.locator("mark")).to_have_text("!wget https://example.org/mine")
    page.get_by_role("button", name="Overturn").click()
    expect(page.get_by_label("Reason")).to_be_focused()  # the browser asks for it
    page.get_by_label("Reason").fill("Teaching")
    page.get_by_role("button", name="Overturn").click()
    walk.said("1 strike overturned. 1 person was told.")
    page.get_by_role("button", name="Uphold").click()
    walk.said("1 strike upheld.")
    page.get_by_role("link", name="Next open strike").click()
    expect(page.get_by_role("heading", name="Review")).to_be_visible()


def test_a_rule_is_softened_and_everything_that_it_did_is_reversed(walk: Walk) -> None:
    page = walk.go("rules/r-deepfake")
    page.get_by_role("button", name="Only observe").click()
    walk.said("The rule only observes now.")
    assert walk.seeded.repository.release().softened["r-deepfake"].label == "observe"
    page.get_by_role("button", name="Reverse everything").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Reverse everything that the rule")
    expect(page.locator("main li").first).to_have_text(
        re.compile(r"^\d+ strikes of \d+ people will be overturned")
    )
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Reverse everything").click()
    page.get_by_label("Reason").fill("The rule was wrong")
    page.get_by_role("button", name="Reverse").click()
    walk.said("people were told")
    expect(page.get_by_text("There is nothing to reverse")).to_be_visible()
    walk.go("people/cyd")
    expect(page.locator("h1 + .badge")).to_have_text("good")


def test_a_candidate_is_rolled_out_and_the_hub_switched_to_monitor(walk: Walk) -> None:
    page = walk.go("policies")
    page.get_by_label("Share of servers, percent", exact=True).fill("50")
    page.get_by_role("button", name="Set share").click()
    walk.said("The candidate goes to 50 % of servers now.")
    page.get_by_role("button", name="Give it to everybody").click()
    page.get_by_role("button", name="Give the candidate to everybody").click()
    walk.said("Done.")
    release = walk.seeded.repository.release()
    assert (release.current, release.candidate) == ("policy/2026.3.bundle", None)
    walk.go("rules")
    page.get_by_role("button", name="Switch to monitor").click()
    page.get_by_role("button", name="Switch to monitor").click()
    walk.said("The hub is in monitor mode.")
    assert walk.seeded.repository.release().mode == "monitor"
    page.get_by_role("button", name="As published").click()
    page.get_by_role("button", name="As published").click()
    walk.said("The mode is as published again.")


def test_somebody_is_restricted_exempt_and_lifted_with_a_name_that_is_an_attack(walk: Walk) -> None:
    page = walk.go("people?level=all&search=eve")
    page.get_by_role("link", name=HOSTILE_NAME).click()
    page.get_by_role("combobox", name="Standing").select_option("suspended")
    page.get_by_role("button", name="Restrict").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        f"Set the standing of {HOSTILE_NAME} to suspended?"
    )
    page.get_by_label("Reason").fill("<b>So it is</b>\nreally")
    page.get_by_role("button", name="Set to suspended").click()
    walk.said("is suspended now")
    page.get_by_text("Exempt from…").click()
    page.get_by_label("Rule or clause").select_option("clause:mining")
    page.get_by_label("Until the end of (UTC)").last.fill("2027-06-30")
    page.get_by_label("Reason").fill("A thesis")
    page.get_by_role("button", name="Exempt", exact=True).click()
    walk.said("is exempt now")
    page.get_by_role("button", name="Lift").click()
    page.get_by_label("Reason").fill("We talked")
    page.get_by_role("button", name="Lift").click()
    walk.said("is good now")
    walk.go("exemptions")
    page.get_by_role("button", name="End").first.click()
    page.get_by_role("button", name="End the exemption").click()
    walk.said("The exemption was ended.")
    walk.go("audit?actor=root&action=end-exemption")
    expect(page.get_by_role("row")).to_have_count(2)


def test_a_user_appeals_and_another_reviewer_answers(browser: Browser, seeded: Seeded) -> None:
    user = Walk(browser, seeded, "bob", viewport={"width": 390, "height": 844})
    page = user.page
    page.get_by_role("link", name="A tunnel is opened").nth(1).click()
    page.get_by_label("What should the reviewer know?").fill("It was <i>my own</i> server.")
    page.get_by_role("button", name="Send the appeal").click()
    user.said("Your appeal is in.")
    expect(page.get_by_text("An answer is due")).to_be_visible()

    first = Walk(browser, seeded, "rachel", "review")
    first.go("appeals")
    first.page.get_by_role("link", name="A tunnel is opened").click()
    expect(first.page.get_by_text("Somebody else has to answer: you upheld this strike.")).to_be_visible()
    expect(first.page.get_by_role("button", name="Grant")).to_have_count(0)
    first.end()

    second = Walk(browser, seeded, "rosa", "review")
    second.go("appeals")
    second.page.get_by_role("link", name="A tunnel is opened").click()
    expect(second.page.get_by_text("It was <i>my own</i> server.")).to_be_visible()
    second.page.get_by_role("textbox", name="Answer").fill("You are right.")
    second.page.get_by_role("button", name="Grant").click()
    second.said("The appeal was granted")
    second.end()

    user.go("me")
    expect(page.get_by_text("was granted: You are right.")).to_be_visible()
    expect(page.get_by_text("rosa")).to_have_count(0)
    page.get_by_role("button", name="Mark all as read").click()
    user.said("Marked as read.")
    user.go("me/terms")
    page.get_by_role("button", name="Accept version 2").click()
    user.said("You accepted version 2")
    user.go("me")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download everything").click()
    assert '"known": true' in Path(download.value.path()).read_text()
    user.end()


def test_the_theme_is_chosen_once_and_everything_works_without_scripts(
    browser: Browser, seeded: Seeded
) -> None:
    walk = Walk(browser, seeded, "root", "admin")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = walk.page.evaluate(ground)
    walk.page.get_by_role("button", name="Dark colours").click()
    assert walk.page.evaluate(ground) != light
    walk.go("queue")
    assert walk.page.evaluate(ground) != light
    walk.page.keyboard.press("Tab")
    expect(walk.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    walk.page.keyboard.press("Enter")
    expect(walk.page.locator("main")).to_be_focused()
    walk.end()

    plain = browser.new_context(java_script_enabled=False).new_page()
    plain.goto(seeded.service.url + "login")
    plain.get_by_label("Token").fill(seeded.service.token("root", "admin"))
    plain.get_by_role("button", name="Log in").click()
    plain.goto(seeded.service.url + "queue?state=open")
    plain.locator("input[name=strike]").first.check()
    plain.get_by_role("button", name="Uphold chosen").click()
    expect(plain.get_by_role("status")).to_contain_text("1 strike upheld.")
    plain.context.close()
