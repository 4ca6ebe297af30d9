"""What the extension costs before anything of it is shown."""

from __future__ import annotations

import gzip

from conftest import EXTENSION, Answers, Notebook, Server
from playwright.sync_api import Page, Response

MAX_BYTES = 60_000
MAX_SECONDS = 0.050
OURS = "extensions/jupyter-tos-guard/"


def test_the_start_costs_little(server: Server, page: Page, answers: Answers, write: object) -> None:
    assert callable(write)
    loaded: list[str] = []

    def note(response: Response) -> None:
        if OURS in response.url:
            loaded.append(response.url.split(OURS)[1].split("?")[0])

    page.on("response", note)
    profiler = page.context.new_cdp_session(page)
    profiler.send("Profiler.enable")
    profiler.send("Profiler.setSamplingInterval", {"interval": 200})
    profiler.send("Profiler.start")
    Notebook(server, page, write("1")).open()
    profile = profiler.send("Profiler.stop")["profile"]
    ours = {node["id"] for node in profile["nodes"] if OURS in node["callFrame"]["url"]}
    samples = zip(profile["samples"], profile["timeDeltas"], strict=True)
    seconds = sum(delta for node, delta in samples if node in ours) / 1e6
    size = sum(len(gzip.compress((EXTENSION / name).read_bytes())) for name in set(loaded))
    print(
        f"start: {size} bytes (gzipped) in {len(set(loaded))} files, {seconds * 1000:.1f} ms of the main thread"
    )
    assert loaded
    assert size <= MAX_BYTES
    assert seconds <= MAX_SECONDS
