"""The notice below a cell, and its mark in the editor."""

from __future__ import annotations

from conftest import Answers, Open
from playwright.sync_api import expect


def test_a_blocked_cell_shows_its_notice_and_marks_the_place(notebook: Open, answers: Answers) -> None:
    book = notebook("x = '😀'; import tosblocked", "print('after')")
    cell = book.run(0)
    notice = cell.locator(".jp-TosGuard-notice")
    expect(notice).to_be_visible()
    expect(notice.locator("h3")).to_contain_text("was not run")
    expect(notice).to_contain_text("Clause 3.1, Forbidden tests")
    expect(cell.locator(".jp-TosGuard-mark")).to_have_text("import tosblocked")
    expect(cell.locator(".jp-TosGuard-edge")).to_have_count(1)
    expect(notice.get_by_role("button", name="Run anyway")).to_have_count(0)
    book.page.screenshot(path="/tmp/shots-lab/first.png")
