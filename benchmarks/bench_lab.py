"""What the lab extension costs the start of JupyterLab: bytes, and the browser's main thread.

``python benchmarks/bench_lab.py [--starts N]``

Each start is a new browser profile that opens a notebook in JupyterLab; a sampling profiler says how much of
the main thread's time went into files of the extension. Needs Chromium.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import psutil
from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "ui-tests"))

from conftest import FLAGS, OURS, Notebook, Server, lab, loaded_by, new_notebook, size_of
from machine import stolen


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--starts", type=int, default=5)
    starts = options.parse_args().starts
    machine = psutil.cpu_times()
    with (
        tempfile.TemporaryDirectory() as folder,
        lab(Path(folder)) as server,
        sync_playwright() as playwright,
    ):
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        found = [start(server, browser) for _ in range(starts)]
        browser.close()
    times = sorted(milliseconds for _, milliseconds in found)
    print(f"loaded at the start: {found[0][0]} bytes (gzipped)")
    low, middle, high = times[0], statistics.median(times), times[-1]
    print(f"main thread: {middle:.1f} ms ({low:.1f} to {high:.1f}) of {starts} starts")
    print(f"taken from this machine by others: {stolen(machine):.0%}")


def start(server: Server, browser: Browser) -> tuple[int, float]:
    """Return the bytes that are loaded, gzipped, and milliseconds of the main thread."""
    page = browser.new_context().new_page()
    loaded = loaded_by(page)
    profiler = page.context.new_cdp_session(page)
    profiler.send("Profiler.enable")
    profiler.send("Profiler.setSamplingInterval", {"interval": 200})
    profiler.send("Profiler.start")
    Notebook(server, page, new_notebook(server, "1")).open()
    profile = profiler.send("Profiler.stop")["profile"]
    page.context.close()
    ours = {node["id"] for node in profile["nodes"] if OURS in node["callFrame"]["url"]}
    samples = zip(profile["samples"], profile["timeDeltas"], strict=True)
    microseconds = sum(delta for node, delta in samples if node in ours)
    return size_of(loaded), microseconds / 1e3


if __name__ == "__main__":
    main()
