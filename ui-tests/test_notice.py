"""The notice below a cell, its mark in the editor, and what can be done there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
from conftest import POLICY, WELL, Answers, Notebook, Open, Server
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, expect

BLOCKED = "import tosblocked"
WARNED = "try:\n    import toswarned\nexcept ImportError:\n    print('it ran')"
NAME = "application/vnd.jupyter-tos-guard.notice.v1+json"


def test_a_blocked_cell_shows_its_notice_and_marks_the_place(notebook: Open, answers: Answers) -> None:
    book = notebook(f"x = '😀'; {BLOCKED}", "print('after')")
    cell = book.run(0)
    notice = cell.locator(".jp-TosGuard-notice")
    expect(notice).to_be_visible()
    expect(notice.locator("h3")).to_contain_text("was not run")
    expect(notice).to_contain_text("Clause 3.1, Forbidden tests")
    expect(cell.locator(".jp-TosGuard-mark")).to_have_text(BLOCKED)
    expect(cell.locator(".jp-TosGuard-edge")).to_have_attribute("data-effect", "block")
    expect(notice.get_by_role("button", name="Run anyway")).to_have_count(0)
    expect(cell.get_by_text("DisallowedCodeError")).to_be_hidden()


def test_the_text_does_not_move_when_it_is_marked(notebook: Open, answers: Answers) -> None:
    book = notebook(BLOCKED)
    line = book.cells.first.locator(".cm-line").first
    before = line.bounding_box()
    cell = book.run(0)
    expect(cell.locator(".jp-TosGuard-edge")).to_have_count(1)
    after = line.bounding_box()
    assert before is not None
    assert after is not None
    assert (after["x"], after["height"]) == (before["x"], before["height"])


def test_the_mark_goes_when_the_cell_is_edited(notebook: Open, answers: Answers) -> None:
    book = notebook(BLOCKED)
    cell = book.run(0)
    expect(cell.locator(".jp-TosGuard-mark")).to_have_count(1)
    cell.locator(".cm-content").click()
    book.page.keyboard.press("End")
    book.page.keyboard.type(" ")
    expect(cell.locator(".jp-TosGuard-mark")).to_have_count(0)
    expect(cell.locator(".jp-TosGuard-edge")).to_have_count(0)


def test_mark_and_notice_go_when_the_cell_runs(notebook: Open, answers: Answers) -> None:
    book = notebook(BLOCKED)
    book.run(0)
    expect(book.notices).to_have_count(1)
    book.write(0, "print('now fine')")
    book.run(0)
    expect(book.cells.first.locator(".jp-OutputArea-output")).to_have_text("now fine\n")
    expect(book.notices).to_have_count(0)
    expect(book.page.locator(".jp-TosGuard-mark")).to_have_count(0)


def test_a_warned_cell_runs_anyway_when_told_to(notebook: Open, answers: Answers) -> None:
    book = notebook(WARNED)
    cell = book.run(0)
    expect(cell.locator("h3")).to_contain_text("was not run yet")
    cell.get_by_role("button", name="Run anyway").click()
    expect(cell.locator(".jp-OutputArea-output")).to_have_text("it ran\n")
    expect(book.notices).to_have_count(0)
    assert book.counts() == ["[2]:"]


def test_an_edited_cell_is_not_run_anyway(notebook: Open, answers: Answers) -> None:
    book = notebook(WARNED)
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
    assert book.counts()[0] == "[1]:"


def test_nbconvert_shows_the_plain_notice(notebook: Open, answers: Answers) -> None:
    book = notebook(BLOCKED)
    book.run(0)
    expect(book.notices).to_have_count(1)
    book.save()
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


def test_an_appeal_is_sent_with_the_strike(notebook: Open, answers: Answers) -> None:
    answers.give("appeals", {"id": "1"}, 201)
    book = notebook(BLOCKED)
    cell = book.run(0)
    cell.get_by_role("button", name="This is a mistake").click()
    dialog = book.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Clause 3.1")
    expect(dialog.locator("textarea")).to_be_focused()
    book.page.keyboard.type("It is a lecture about names.")
    dialog.get_by_role("button", name="Send").click()
    expect(cell.locator(".jp-TosGuard-notice")).to_contain_text("Your appeal was sent.")
    (body,) = answers.posted("appeals")
    assert re.fullmatch("[0-9a-f]{32}", body["strike"])
    assert body["text"] == "It is a lecture about names."


def test_an_appeal_that_cannot_be_sent_keeps_its_words(notebook: Open, answers: Answers) -> None:
    answers.give("appeals", {"message": "The central server cannot be reached.", "reason": None}, 503)
    book = notebook(BLOCKED)
    cell = book.run(0)
    cell.get_by_role("button", name="This is a mistake").click()
    book.page.locator(".jp-Dialog textarea").fill("Many words.")
    book.page.locator(".jp-Dialog").get_by_role("button", name="Send").click()
    error = book.page.locator(".jp-Dialog")
    expect(error).to_contain_text("The central server cannot be reached.")
    expect(error).to_contain_text("Many words.")


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


def test_a_policy_that_arrives_while_a_notebook_is_open_decides_the_next_cell(
    notebook: Open, answers: Answers, server: Server, tmp_path: Path
) -> None:
    book = notebook("print('tosnew')", "try:\n    import tosnew\nexcept ImportError:\n    print('it ran')")
    cell = book.run(1)
    expect(cell.locator(".jp-OutputArea-output")).to_have_text("it ran\n")
    expect(book.status).to_have_attribute("title", re.compile("2026.11.1"))
    changed = shutil.copytree(POLICY, tmp_path / "policy")
    for file in changed.rglob("*.yml"):
        text = file.read_text().replace("tosblocked", "tosnew").replace('"2026.11.1"', '"2026.12.1"')
        file.write_text(text)
    answers.give("status", {**WELL, "policy": {**WELL["policy"], "version": "2026.12.1"}})
    server.publish(changed)
    try:
        cell = book.run(1)
        for _ in range(20):  # the kernel looks for a new policy at most once a second
            if cell.locator(".jp-TosGuard-notice").count():
                break
            book.run(0)
            cell = book.run(1)
            book.page.wait_for_timeout(500)
        expect(cell.locator(".jp-TosGuard-notice")).to_contain_text("This module is forbidden.")
        expect(book.status).to_have_attribute("title", re.compile("2026.12.1"))
    finally:
        server.publish(POLICY)


def test_notices_of_a_kernel_of_another_language(notebook: Open, answers: Answers, server: Server) -> None:
    spec = server.folder / "data" / "kernels" / "bash"
    spec.mkdir(parents=True, exist_ok=True)
    (spec / "kernel.json").write_text(
        '{"argv": ["python3", "-m", "bash_kernel", "-f", "{connection_file}"], "display_name": "Bash", "language": "bash"}'
    )
    book = notebook("python3 -c 'import tosblocked'", "echo fine", kernel="bash")
    cell = book.run(0)
    expect(cell.locator(".jp-TosGuard-notice h3")).to_contain_text("was not run")
    fine = book.run(1)
    expect(fine.locator(".jp-OutputArea-output")).to_contain_text("fine")
