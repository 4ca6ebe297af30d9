"""What is loaded before anything of the extension is shown; ``benchmarks/bench_lab.py`` measures the time."""

from __future__ import annotations

from conftest import Answers, Notebook, Server, loaded_by, size_of
from playwright.sync_api import Page

MAX_BYTES = 60_000


def test_little_is_loaded_at_the_start(server: Server, page: Page, answers: Answers, write: object) -> None:
    assert callable(write)
    loaded = loaded_by(page)
    Notebook(server, page, write("1")).open()
    assert loaded
    assert size_of(loaded) <= MAX_BYTES
