"""Several cells that are run together."""

from __future__ import annotations

from typing import Any

from conftest import Answers, Open
from playwright.sync_api import expect
from test_notice import BLOCKED, WARNED

from jupyter_tos_guard.inspection.digests import exact_digest

ALL = "notebook:run-all-cells"


def foreseen(body: dict[str, Any]) -> dict[str, Any]:
    """Answer as the server's part does: by what is in the cells."""
    return {"results": [{"id": cell["id"], "notice": _notice(cell["source"])} for cell in body["cells"]]}


def _notice(source: str) -> dict[str, Any] | None:
    effect = "block" if "tosblocked" in source else "warn" if "toswarned" in source else None
    if effect is None:
        return None
    digest = exact_digest(source)
    return {
        "effect": effect,
        "headline": "This cell was not run yet.",
        "sentence": "You may be executing code that is disallowed.",
        "next": "nothing.",
        "findings": [
            {
                "rule": "r",
                "message": "This module is doubtful.",
                "verdict": effect,
                "clause": {"id": "testing", "number": "3.1", "title": "Forbidden tests"},
                "line": 1,
                "column": 0,
                "end_line": 1,
                "end_column": 4,
                "fragment": source.split("\n")[0],
            }
        ],
        "run_anyway": {"magic": "%tos run", "acknowledge": digest} if effect == "warn" else None,
    }


def test_enter_runs_up_to_the_first_and_escape_runs_nothing(notebook: Open, answers: Answers) -> None:
    answers.give("check", foreseen)
    book = notebook("print('a')", WARNED, "print('b')")
    book.command(ALL)
    dialog = book.page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Run up to the first")).to_be_focused()
    book.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    book.expect_counts("[ ]:", "[ ]:", "[ ]:")
    book.command(ALL)
    expect(dialog.get_by_role("button", name="Run up to the first")).to_be_focused()
    book.page.keyboard.press("Enter")
    expect(book.cells.nth(1).locator(".jp-TosGuard-notice")).to_be_visible()
    expect(book.cells.nth(0).locator(".jp-OutputArea-output")).to_have_text("a\n")
    expect(book.cells.nth(2).locator(".jp-InputPrompt")).to_have_text("[ ]:")


def test_no_question_where_a_blocked_cell_comes_first(notebook: Open, answers: Answers) -> None:
    answers.give("check", foreseen)
    book = notebook(BLOCKED, WARNED, "print('b')")
    book.command(ALL)
    expect(book.cells.nth(0).locator(".jp-TosGuard-notice")).to_be_visible()
    expect(book.page.get_by_role("dialog")).to_have_count(0)
    expect(book.cells.nth(2).locator(".jp-InputPrompt")).to_have_text("[ ]:")
    assert len(answers.posted("check")) >= 1


def test_without_an_answer_the_run_stops_at_the_first(notebook: Open, answers: Answers) -> None:
    answers.give("check", {"message": "Asking is off.", "reason": "off"}, 403)
    book = notebook("print('a')", WARNED, "print('b')")
    book.command(ALL)
    expect(book.cells.nth(1).locator(".jp-TosGuard-notice")).to_be_visible()
    expect(book.cells.nth(2).locator(".jp-InputPrompt")).to_have_text("[ ]:")
    expect(book.page.get_by_role("dialog")).to_have_count(0)
