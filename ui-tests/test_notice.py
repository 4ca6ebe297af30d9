"""The notice below a cell, its mark in the editor, and what can be done there."""

from __future__ import annotations

import re

import nbformat
from conftest import WELL, Answers, Notebook, Open, Server
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, expect

BLOCKED = "import tosblocked"
WARNED = "try:\n    import toswarned\nexcept ImportError:\n    print('it ran')"
NAME = "application/vnd.jupyter-tos-guard.notice.v1+json"


def test_a_blocked_cell_shows_its_notice_and_marks_the_place(notebook: Open, answers: Answers) -> None:
    book = notebook(f"x = '😀'; {BLOCKED}", "print('after')")
    text = book.cells.first.locator(".cm-line").first
    before = text.bounding_box()
    cell = book.run(0)
    notice = cell.locator(".jp-TosGuard-notice")
    expect(notice).to_be_visible()
    expect(notice.locator("h3")).to_contain_text("was not run")
    expect(notice).to_contain_text("Clause 3.1, Forbidden tests")
    expect(cell.locator(".jp-TosGuard-mark")).to_have_text(BLOCKED)
    expect(cell.locator(".jp-TosGuard-edge")).to_have_attribute("data-effect", "block")
    expect(notice.get_by_role("button", name="Run anyway")).to_have_count(0)
    expect(cell.get_by_text("DisallowedCodeError")).to_be_hidden()
    after = text.bounding_box()
    assert before is not None
    assert after is not None
    assert (after["x"], after["height"]) == (before["x"], before["height"]), "the text has moved"
    # Marks go when the cell is edited, the notice when it runs.
    cell.locator(".cm-content").click()
    book.page.keyboard.press("End")
    book.page.keyboard.type(" ")
    expect(cell.locator(".jp-TosGuard-mark")).to_have_count(0)
    expect(cell.locator(".jp-TosGuard-edge")).to_have_count(0)
    book.write(0, "print('now fine')")
    book.run(0)
    expect(cell.locator(".jp-OutputArea-output")).to_have_text("now fine\n")
    expect(book.notices).to_have_count(0)


def test_a_warned_cell_runs_anyway_when_told_to_unless_it_was_edited(
    notebook: Open, answers: Answers
) -> None:
    book = notebook(WARNED)
    cell = book.run(0)
    expect(cell.locator("h3")).to_contain_text("was not run yet")
    cell.get_by_role("button", name="Run anyway").click()
    expect(cell.locator(".jp-OutputArea-output")).to_have_text("it ran\n")
    expect(book.notices).to_have_count(0)
    book.expect_counts("[1]:")  # the kernel never saw the first
    cell = book.run(0)
    button = cell.get_by_role("button", name="Run anyway")
    expect(button).to_be_enabled()
    book.write(0, WARNED + "  # and more")
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(cell.locator(".jp-TosGuard-notice")).to_contain_text("was edited")


def test_a_notebook_file_acknowledges_nothing(notebook: Open, answers: Answers, server: Server) -> None:
    from jupyter_tos_guard.inspection.digests import exact_digest

    book = notebook(WARNED)
    file = nbformat.read(book.path, as_version=4)
    file.cells[0].metadata["tos_guard"] = {"acknowledge": exact_digest(WARNED)}
    nbformat.write(file, book.path)
    book.reload()
    cell = book.run(0)
    expect(cell.locator("h3")).to_contain_text("was not run yet")


def test_a_saved_notice_is_shown_again_and_can_no_longer_run_anything(
    notebook: Open, answers: Answers
) -> None:
    book = notebook(WARNED, BLOCKED)
    for index in (0, 1):
        book.run(index)
        expect(book.cells.nth(index).locator(".jp-TosGuard-notice")).to_be_visible()
    book.save()
    book.reload()
    expect(book.notices).to_have_count(2)
    first = book.notices.first
    button = first.get_by_role("button", name="Run anyway")
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(first).to_contain_text("saved with the notebook")
    expect(book.cells.nth(1).locator(".jp-TosGuard-mark")).to_have_text(BLOCKED)
    button.click(force=True)
    expect(book.cells.nth(0).locator(".jp-InputPrompt")).to_have_text("[1]:")
    # nbconvert, which knows nothing of us, shows the plain form.
    text, _ = HTMLExporter().from_filename(str(book.path))
    assert "This cell was not run." in text
    assert "Forbidden tests" in text


HOSTILE = {
    "effect": "warn",
    "headline": "<img src=x onerror='window.hit=1'>\u202egnihton",
    "sentence": "<script>window.hit=1</script>",
    "next": "x" * 100_000,
    "findings": [
        {
            "clause": {"number": 1, "title": "<b>bold</b>"},
            "message": "m",
            "fragment": "import",
            "decoded": "<iframe>",
            "line": 1,
            "column": -1,
            "provenance": "no list",
        },
        None,
        "text",
    ],
    "run_anyway": {"acknowledge": "not a digest"},
    "terms": {"title": "terms", "url": "javascript:window.hit=1"},
}


def test_data_of_a_hostile_file_is_shown_as_text(notebook: Open, answers: Answers) -> None:
    kinds = [HOSTILE, [], "text", {"effect": "block"}]
    outputs = {
        index: [nbformat.v4.new_output("display_data", data={NAME: data, "text/plain": "plain <b>words</b>"})]
        for index, data in enumerate(kinds)
    }
    book = notebook(*["import os"] * len(kinds), outputs=outputs)
    notice = book.notices.first
    expect(notice.locator("h3")).to_contain_text("<img src=x")
    expect(notice.locator("h3")).to_contain_text("\\u202e")
    expect(notice.locator("a, img, script, iframe, b")).to_have_count(0)
    expect(notice.get_by_role("button", name="Run anyway")).to_have_count(0)
    assert len(notice.inner_text()) < 5000
    for index in (1, 2, 3):
        expect(book.cells.nth(index).locator(".jp-TosGuard-output")).to_have_text("plain <b>words</b>")
    assert book.page.evaluate("() => window.hit") is None


def test_an_appeal_keeps_its_words_until_it_is_sent_with_the_strike(notebook: Open, answers: Answers) -> None:
    answers.give("appeals", {"message": "The central server cannot be reached.", "reason": None}, 503)
    book = notebook(BLOCKED)
    cell = book.run(0)
    cell.get_by_role("button", name="This is a mistake").click()
    dialog = book.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Clause 3.1")
    expect(dialog.locator("textarea")).to_be_focused()
    book.page.keyboard.type("It is a lecture about names.")
    dialog.get_by_role("button", name="Send").click()
    expect(book.page.locator(".jp-Dialog")).to_contain_text("The central server cannot be reached.")
    expect(book.page.locator(".jp-Dialog")).to_contain_text("It is a lecture about names.")
    answers.give("appeals", {"id": "1"}, 201)
    book.page.keyboard.press("Escape")
    cell.get_by_role("button", name="This is a mistake").click()
    dialog.locator("textarea").fill("It is a lecture about names.")
    dialog.get_by_role("button", name="Send").click()
    expect(cell.locator(".jp-TosGuard-notice")).to_contain_text("Your appeal was sent.")
    body = answers.posted("appeals")[-1]
    assert re.fullmatch("[0-9a-f]{32}", body["strike"])
    assert body["text"] == "It is a lecture about names."


def test_without_a_central_server_the_contact_is_named(notebook: Open, answers: Answers) -> None:
    answers.give("status", {**WELL, "central": {"configured": False, "reachable": False}})
    book = notebook(BLOCKED)
    notice = book.run(0).locator(".jp-TosGuard-notice")
    button = notice.get_by_role("button", name="This is a mistake")
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(notice).to_contain_text("write to abuse@hub.example.org, quoting")


def test_without_the_servers_part_notices_work(notebook: Open, answers: Answers) -> None:
    answers.give("status", {"message": "Not Found", "reason": None}, 404)
    answers.give("check", {"message": "Not Found", "reason": None}, 404)
    book = notebook(WARNED, "print('second')")
    expect(book.status).to_have_text("Guard: kernels only")
    cell = book.run(0)
    cell.get_by_role("button", name="Run anyway").click()
    expect(cell.locator(".jp-OutputArea-output")).to_have_text("it ran\n")


def test_two_tabs_on_one_notebook_decide_each_for_itself(
    notebook: Open, answers: Answers, browser: Browser, server: Server
) -> None:
    book = notebook(WARNED)
    context = browser.new_context()
    try:
        other = Notebook(server, context.new_page(), book.name)
        second = Answers(other.page, server.url)
        second.give("status", WELL)
        second.give("check", {"results": []})
        second.install()
        other.open()
        cell = book.run(0)
        expect(cell.locator(".jp-TosGuard-notice")).to_be_visible()
        mirrored = other.run(0)
        expect(mirrored.locator(".jp-TosGuard-notice")).to_be_visible()
        mirrored.get_by_role("button", name="Run anyway").click()
        expect(mirrored.locator(".jp-OutputArea-output")).to_have_text("it ran\n")
        # The first tab's question stands: it was asked about the same text.
        cell.get_by_role("button", name="Run anyway").click()
        expect(cell.locator(".jp-OutputArea-output")).to_have_text("it ran\n")
    finally:
        context.close()


def test_a_restarted_kernel_is_guarded_and_takes_the_answer(notebook: Open, answers: Answers) -> None:
    book = notebook(WARNED)
    cell = book.run(0)
    expect(cell.locator(".jp-TosGuard-notice")).to_be_visible()
    book.page.evaluate(
        """async () => {
            const panel = [...jupyterapp.shell.widgets('main')].find(each => each.sessionContext);
            await panel.sessionContext.restartKernel();
        }"""
    )
    book.ready()
    cell.get_by_role("button", name="Run anyway").click()
    expect(cell.locator(".jp-OutputArea-output")).to_have_text("it ran\n")
    cell = book.run(0)
    expect(cell.locator(".jp-TosGuard-notice")).to_be_visible()
