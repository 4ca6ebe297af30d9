"""What is loaded before anything of the extension is shown; ``benchmarks/bench_lab.py`` measures the time."""

from __future__ import annotations

import gzip

from conftest import EXTENSION, Answers, Notebook, Server
from playwright.sync_api import Page, Response

MAX_BYTES = 60_000
OURS = "extensions/jupyter-tos-guard/"


def test_little_is_loaded_at_the_start(server: Server, page: Page, answers: Answers, write: object) -> None:
    assert callable(write)
    loaded: set[str] = set()

    def note(response: Response) -> None:
        if OURS in response.url:
            loaded.add(response.url.split(OURS)[1].split("?")[0])

    page.on("response", note)
    Notebook(server, page, write("1")).open()
    assert loaded
    assert sum(len(gzip.compress((EXTENSION / name).read_bytes())) for name in loaded) <= MAX_BYTES
