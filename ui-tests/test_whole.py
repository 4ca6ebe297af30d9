"""The extension with the server's own part and its REST: nothing stands in for anything."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import POLICY, Open, Server, lab
from playwright.sync_api import Page, expect
from test_notice import BLOCKED, WARNED

from jupyter_tos_guard.strikes.spool import read

ALL = "notebook:run-all-cells"
BARE_BASH = """{"argv": ["python3", "-m", "bash_kernel", "-f", "{connection_file}"],
"display_name": "Bash", "language": "bash"}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose record holds what these tests put there."""
    folder = tmp_path_factory.mktemp("whole")
    spec = folder / "data" / "kernels" / "bash"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(BARE_BASH)
    with lab(folder) as running:
        yield running


def refresh(page: Page) -> None:
    page.get_by_role("button", name="Refresh", exact=True).click()


def actions(server: Server) -> list[str]:
    strikes = {each.id: each for each in read(server.folder / "strikes")}.values()
    return [each.action.value for each in sorted(strikes, key=lambda each: each.time)]


def test_a_block_is_one_strike_in_the_record_the_panel_and_the_status(notebook: Open, server: Server) -> None:
    before = len(actions(server))
    book = notebook(BLOCKED, "print('after')")
    bar = book.page.locator(".jp-TosGuard-bar")
    expect(bar).to_contain_text("may be disallowed")
    assert len(actions(server)) == before  # opening asks, and records nothing
    expect(book.status).to_have_text("Guard on")
    book.command(ALL)
    notice = book.cells.first.locator(".jp-TosGuard-notice")
    expect(notice).to_contain_text("Clause 3.1, Forbidden tests")
    expect(bar).to_have_count(0)
    expect(notice.get_by_role("button", name="This is a mistake")).to_have_attribute("aria-disabled", "true")
    expect(book.cells.nth(1).locator(".jp-InputPrompt")).to_have_text("[ ]:")
    book.status.click()
    panel = book.page.locator(".jp-TosGuard-record")
    refresh(book.page)
    expect(panel).to_contain_text("Forbidden tests")
    expect(panel.get_by_text("import tosblocked")).to_have_count(1)
    expect(book.status).to_have_text("1 strike")
    assert actions(server)[before:] == ["block"]


def test_one_question_before_all_and_warned_cells_run(notebook: Open, server: Server) -> None:
    before = len(actions(server))
    book = notebook("print('a')", WARNED, "print('b')", WARNED + "\n#2", "print('c')", WARNED + "\n#3")
    expect(book.page.locator(".jp-TosGuard-bar")).to_be_visible()
    book.select(5)
    book.command("notebook:run-all-above")
    dialog = book.page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 cells may be disallowed")
    dialog.get_by_role("button", name="Run all anyway").click()
    expect(book.cells.nth(4).locator(".jp-OutputArea-output")).to_have_text("c\n")
    for index in (1, 3):
        expect(book.cells.nth(index).locator(".jp-OutputArea-output")).to_have_text("it ran\n")
    expect(book.notices).to_have_count(0)
    assert actions(server)[before:] == ["acknowledge"] * 2
    cell = book.run(5)
    expect(cell.locator("h3")).to_contain_text("was not run yet")
    cell.get_by_role("button", name="Run anyway").click()
    expect(cell.locator(".jp-OutputArea-output")).to_have_text("it ran\n")
    assert actions(server)[before + 2 :] == ["warn", "acknowledge"]


def test_a_shell_kernel_is_covered_and_a_new_policy_decides_at_once(
    notebook: Open, server: Server, tmp_path: Path
) -> None:
    new = "python3 -c 'import tosnew' 2>/dev/null || echo fine"
    book = notebook("python3 -c 'import tosblocked'", new, kernel="bash")
    notice = book.run(0).locator(".jp-TosGuard-notice")
    expect(notice.locator("h3")).to_contain_text("was not run")
    cell = book.run(1)
    expect(cell.locator(".jp-OutputArea-output")).to_contain_text("fine")
    expect(book.status).to_have_attribute("title", re.compile("2026.11.1"))
    book.status.click()
    changed = shutil.copytree(POLICY, tmp_path / "policy")
    for file in changed.rglob("*.yml"):
        text = file.read_text().replace("tosblocked", "tosnew").replace('"2026.11.1"', '"2026.12.1"')
        file.write_text(text)
    server.publish(changed)
    try:
        for _ in range(400):  # the server looks for a new file at most once a second
            refresh(book.page)
            if "2026.12.1" in (book.status.get_attribute("title") or ""):
                break
            book.page.wait_for_timeout(100)
        expect(book.status).to_have_attribute("title", re.compile("2026.12.1"))
        cell = book.run(1)
        expect(cell.locator(".jp-TosGuard-notice")).to_contain_text("This module is forbidden.")
    finally:
        server.publish(POLICY)
