"""Status item, side panel, the bar on opening; themes, narrow windows, keyboard, Notebook 7."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import ROOT, WELL, Answers, Open, needed
from playwright.sync_api import Locator, Page, expect
from test_notice import BLOCKED, WARNED
from test_run_all import foreseen

AXE = ROOT / "tests" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
STRIKES = [
    {
        "id": 7,
        "act": "ab" * 16,
        "time": 1_790_000_000,
        "rule": "blocked",
        "title": "A forbidden module is used",
        "clause": {"id": "testing", "number": "3.1", "title": "Forbidden tests"},
        "action": "block",
        "verdict": "block",
        "line": 2,
        "column": 0,
        "evidence": "import tosblocked",
        "state": "open",
        "reason": "",
        "appeal": None,
        "counts": True,
    }
]


STATES: list[tuple[dict[str, object], str, str]] = [
    ({}, "Guard on", "good"),
    ({"mode": "monitor"}, "Guard: records", "good"),
    (
        {"policy": {"version": "1", "age_seconds": 9e5, "problem": "stale-policy: x"}},
        "Policy is stale",
        "warning",
    ),
    ({"kernels": [{"id": "1", "name": "r", "state": "unguarded"}]}, "1 kernel unguarded", "warning"),
    ({"terms": {"version": "8", "accepted": "7", "required": True}}, "Terms to accept", "warning"),
    ({"standing": {"level": "warned", "live": 1}}, "1 strike", "warning"),
    ({"effects": {"paused": True, "reason": "Ask the hub."}}, "Access paused", "error"),
    ({"guarded": False}, "Not guarded", "warning"),
]


def test_the_status_bar_says_how_things_are(notebook: Open, answers: Answers) -> None:
    book = notebook("1")
    book.status.click()
    refresh = book.page.get_by_role("button", name="Refresh", exact=True)
    for change, label, tone in STATES:
        answers.give("status", {**WELL, **change})
        refresh.click()
        expect(book.status).to_have_text(label)
        expect(book.status).to_have_attribute("data-tone", tone)


def test_the_panel_shows_the_record_and_takes_acceptance(notebook: Open, answers: Answers) -> None:
    answers.give("status", {**WELL, "terms": {"version": "8", "accepted": "7", "required": True}})
    answers.give("strikes", {"strikes": STRIKES})
    answers.give(
        "appeals", {"appeals": [{"id": "3", "strike": 7, "state": "open", "due": 1_800_000_000, "text": "t"}]}
    )
    answers.give(
        "messages", {"messages": [{"id": 4, "time": 1, "kind": "notice", "text": "Mind <b>this</b>."}]}
    )
    clause = {"id": "testing", "number": "3.1", "title": "Forbidden tests", "text": "Do not."}
    answers.give(
        "terms", {"title": "Terms", "version": "8", "accepted": "7", "clauses": [clause], "changes": []}
    )
    for done in ("terms/acceptance", "appeals/3/withdraw", "messages/4/read"):
        answers.give(done, {})
    book = notebook("1")
    book.status.click()
    panel = book.page.locator(".jp-TosGuard-record")
    expect(panel).to_contain_text("A forbidden module is used")
    expect(panel).to_contain_text("Nothing is held against you.")
    expect(panel).to_contain_text("Mind <b>this</b>.")
    panel.get_by_role("button", name="I have read and accept version 8").click()
    expect(book.page.locator(".jp-TosGuard-unseen[role=status]")).to_have_text("Done.")
    assert answers.posted("terms/acceptance") == [{"version": "8"}]
    for button, path in (("Withdraw", "appeals/3/withdraw"), ("I have read it", "messages/4/read")):
        with book.page.expect_response(re.compile(path)):
            panel.get_by_role("button", name=button).click()


def test_each_section_says_what_is_missing(notebook: Open, answers: Answers) -> None:
    answers.give("strikes", {"message": "The central server cannot be reached.", "reason": None}, 503)
    book = notebook("1")
    book.status.click()
    panel = book.page.locator(".jp-TosGuard-record")
    expect(panel.locator(".jp-TosGuard-problem")).to_have_text("The central server cannot be reached.")
    expect(panel).to_contain_text("Test terms")


def test_opening_says_which_cells_would_be_stopped_and_runs_nothing(notebook: Open, answers: Answers) -> None:
    answers.give("check", foreseen)
    book = notebook("1", BLOCKED, WARNED)
    bar = book.page.locator(".jp-TosGuard-bar")
    expect(bar).to_contain_text("Cells 2, 3 may be disallowed")
    bar.get_by_role("button", name="Show next").click()
    expect(book.cells.nth(1)).to_have_class(re.compile("jp-mod-active"))
    bar.get_by_role("button", name="Dismiss").click()
    expect(bar).to_have_count(0)
    book.expect_counts("[ ]:", "[ ]:", "[ ]:")


def test_opening_asks_nothing_where_the_operator_does_not_want_it(notebook: Open, answers: Answers) -> None:
    answers.give("status", {**WELL, "check": {"cells": True, "notebooks": False}})
    book = notebook("1", BLOCKED)
    book.run(1)
    expect(book.notices).to_have_count(1)
    assert answers.posted("check") == []


def test_nothing_moves_when_the_bar_comes(notebook: Open, answers: Answers) -> None:
    answers.give("status", {**WELL, "check": {"cells": True, "notebooks": False}})
    book = notebook("1", BLOCKED)
    before = book.cells.first.bounding_box()
    answers.give("check", foreseen)
    answers.give("status", {**WELL, "policy": {**WELL["policy"], "version": "2"}})
    book.page.evaluate("() => jupyterapp.commands.execute('tos-guard:open-panel')")
    expect(book.page.locator(".jp-TosGuard-bar")).to_be_visible()
    after = book.cells.first.bounding_box()
    assert before is not None
    assert after is not None
    assert (after["x"], after["y"]) == (before["x"], before["y"])


def test_by_keyboard_alone(notebook: Open, answers: Answers) -> None:
    book = notebook(WARNED)
    book.select(0)
    keyboard = book.page.keyboard
    keyboard.press("Control+Enter")
    notice = book.notices.first
    expect(notice).to_be_visible()
    expect(book.page.locator(".jp-TosGuard-unseen[role=status]")).to_contain_text("was not run yet")
    button = notice.get_by_role("button", name="Run anyway")
    for _ in range(40):
        if button.evaluate("node => node === document.activeElement"):
            break
        keyboard.press("Tab")
    expect(button).to_be_focused()
    keyboard.press("Enter")
    expect(book.cells.first.locator(".jp-OutputArea-output")).to_have_text("it ran\n")


def test_in_notebook_7(notebook: Open) -> None:
    # Nothing is mocked: an answer to the dialog counts only when the server itself has asked.
    book = notebook(WARNED, "print('a')", WARNED + "\n#2", "print('b')", BLOCKED, lab=False)
    expect(book.status).to_be_visible()
    cell = book.run(0)
    cell.get_by_role("button", name="Run anyway").click()
    expect(cell.locator(".jp-OutputArea-output")).to_have_text("it ran\n")
    book.command("notebook:run-all-cells")
    book.page.get_by_role("dialog").get_by_role("button", name="Run all anyway").click()
    expect(book.cells.nth(3).locator(".jp-OutputArea-output")).to_have_text("b\n")
    blocked = book.cells.nth(4)
    expect(blocked.locator(".jp-TosGuard-mark")).to_have_text(BLOCKED)
    book.status.click()
    expect(book.page.locator(".jp-TosGuard-record")).to_contain_text("Your standing")


def theme(page: Page, name: str) -> None:
    page.evaluate("name => jupyterapp.commands.execute('apputils:change-theme', {theme: name})", name)
    light = "false" if "Dark" in name else "true"
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", light)


def violations(page: Page, part: Locator) -> list[str]:
    """Ask axe-core what is wrong with a part of the page."""
    part.evaluate("node => node.setAttribute('data-checked', '')")
    page.evaluate(AXE.read_text())
    found = page.evaluate("() => axe.run('[data-checked]', {resultTypes: ['violations']})")["violations"]
    part.evaluate("node => node.removeAttribute('data-checked')")
    return [
        f"{each['id']}: {node['html'][:200]} {node['failureSummary']}"
        for each in found
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("name", ["JupyterLab Light", "JupyterLab Dark"])
def test_notice_panel_bar_and_dialog_are_accessible(notebook: Open, answers: Answers, name: str) -> None:
    if not AXE.is_file():
        needed("axe-core (npm ci in tests/browser)")
    answers.give("check", foreseen)
    answers.give("strikes", {"strikes": STRIKES})
    book = notebook(BLOCKED, WARNED)
    theme(book.page, name)
    bar = book.page.locator(".jp-TosGuard-bar")
    expect(bar).to_be_visible()
    assert violations(book.page, bar) == []
    bar.get_by_role("button", name="Dismiss").click()
    for index in (0, 1):
        notice = book.run(index).locator(".jp-TosGuard-notice")
        expect(notice).to_be_visible()
        assert violations(book.page, notice) == []
    book.status.click()
    panel = book.page.locator(".jp-TosGuard-sidebar")
    expect(panel).to_contain_text("A forbidden module is used")
    assert violations(book.page, panel) == []
    book.notices.first.get_by_role("button", name="This is a mistake").click()
    dialog = book.page.locator(".jp-Dialog .jp-TosGuard-appeal")
    expect(dialog).to_be_visible()
    assert violations(book.page, dialog) == []


def test_a_narrow_window_cuts_nothing_off(notebook: Open, answers: Answers, tmp_path: Path) -> None:
    answers.give("check", foreseen)
    book = notebook(BLOCKED, WARNED)
    book.page.set_viewport_size({"width": 480, "height": 700})
    book.page.evaluate("() => jupyterapp.commands.execute('application:toggle-left-area')")
    bar = book.page.locator(".jp-TosGuard-bar")
    expect(bar).to_be_visible()
    assert bar.evaluate("node => node.scrollWidth <= node.clientWidth")
    notice = book.run(1).locator(".jp-TosGuard-notice")
    expect(notice).to_be_visible()
    expect(bar).to_have_count(0)  # the notice says more
    assert notice.evaluate("node => node.scrollWidth <= node.clientWidth")
    for button in notice.get_by_role("button").all():
        box, around = button.bounding_box(), notice.bounding_box()
        assert box is not None
        assert around is not None
        assert box["x"] + box["width"] <= around["x"] + around["width"]
