"""What keeping up to date costs a client.

``python benchmarks/bench_refresh.py [--rounds N] [--size MB] [--json]``

A real repository behind a real HTTP server in another process; the client is this one. Times are
processor time of this process unless they say otherwise, medians of the rounds:

nothing new
    a refresh that finds what it has: the bound of the issue is 10 ms;
changed bundle
    a refresh that fetches, checks and activates a bundle of that size;
swap in a kernel
    how much longer the first cell takes after a new bundle was activated: bound 5 ms (wall time);
look
    what a cell pays for looking whether there is something new (wall time).
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import json
import multiprocessing
import runpy
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_tos_guard.central.publishing.keys import ONLINE, make_key
from jupyter_tos_guard.central.publishing.repository import Repository, create, pin_of
from jupyter_tos_guard.gate.settings import configuration
from jupyter_tos_guard.guard import Guard
from jupyter_tos_guard.inspection import Cell
from jupyter_tos_guard.policy.compile import encode
from jupyter_tos_guard.policy.model import Where
from jupyter_tos_guard.sync.cache import PolicyCache
from jupyter_tos_guard.sync.service import Exchange

#: Bytes that one indicator takes in a bundle, about.
PER_INDICATOR = 24
make_policy = runpy.run_path(str(Path(__file__).with_name("bench_bundle.py")))["make_policy"]


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=50)
    options.add_argument("--size", type=float, default=1.0, help="of the changed bundle, MB")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        report = measure(Path(name), chosen.rounds, chosen.size)
    if chosen.json:
        print(json.dumps(report))
        return
    for what, value in report.items():
        print(f"{what:44}{value:12.3f}")


def measure(folder: Path, rounds: int, size: float) -> dict[str, float]:
    """Return all figures."""
    publisher = Publisher(folder, int(size * 1e6 / PER_INDICATOR))
    changes = max(3, rounds // 10)
    with serving(folder / "repository") as (url, requests):
        settings = configuration(
            {
                "JUPYTER_TOS_GUARD_CENTRAL": url,
                "JUPYTER_TOS_GUARD_MIRROR": url,
                "JUPYTER_TOS_GUARD_ROOT": publisher.pin,
                "JUPYTER_TOS_GUARD_CACHE": str(folder / "cache"),
                "JUPYTER_TOS_GUARD_STRIKES": str(folder / "strikes"),
            }
        )
        exchange = Exchange(settings, Where(user="ann"), {})
        exchange.refresh()
        exchange.refresh()
        before = requests.value
        nothing = [cost(exchange.refresh) for _ in range(rounds)]
        asked = (requests.value - before) / rounds
        guard = Guard(PolicyCache(folder / "cache", every=0.0))
        plain, swapped, changed = [], [], []
        for number in range(changes):
            publisher.publish(str(number + 2))
            changed.append(cost(exchange.refresh))
            cell = Cell(f"import os\nos.getcwd()  # {number}")
            guard.asked()
            swapped.append(cost(lambda cell=cell: guard.check(cell), time.perf_counter))
            same = Cell(f"import os\nos.getcwd()  # again {number}")
            plain.append(cost(lambda same=same: guard.check(same), time.perf_counter))
        source = PolicyCache(folder / "cache", every=0.0)
        source.current(0.0)
        looks = [cost(lambda: source.current(0.0), time.perf_counter) for _ in range(1000)]
        once = PolicyCache(folder / "cache")
        once.current(0.0)
        idle = [cost(lambda: once.current(0.5), time.perf_counter) for _ in range(1000)]
    bundle = max((folder / "cache" / "targets").glob("*.bundle"), key=lambda path: path.stat().st_mtime)
    return {
        "nothing new, CPU ms": statistics.median(nothing),
        "nothing new, CPU ms, 95th percentile": sorted(nothing)[int(len(nothing) * 0.95)],
        "nothing new, requests": asked,
        "bundle, MB": bundle.stat().st_size / 1e6,
        "changed bundle, CPU ms": statistics.median(changed),
        "cell after a swap, ms": statistics.median(swapped),
        "cell without a swap, ms": statistics.median(plain),
        "swap in a kernel, ms": statistics.median(
            after - before for after, before in zip(swapped, plain, strict=True)
        ),
        "look, once a second, ms": statistics.median(looks),
        "look, in between, ms": statistics.median(idle),
    }


def cost(function: Callable[[], Any], timer: Callable[[], float] = time.process_time) -> float:
    """Milliseconds of one call."""
    start = timer()
    function()
    return (timer() - start) * 1e3


class Publisher:
    """A repository of bundles of a size."""

    def __init__(self, folder: Path, indicators: int) -> None:
        self._indicators = indicators
        keys = folder / "keys"
        keys.mkdir()
        root_key, self._key = make_key(keys / "root.pem"), make_key(keys / "targets.pem")
        for role in ONLINE:
            make_key(keys / f"{role}.pem")
        self._repository: Repository = create(
            folder / "repository",
            self._bundle("1"),
            root_keys=[root_key],
            targets_keys=[self._key],
            online_keys=keys,
        )
        self.pin = pin_of((folder / "repository" / "metadata" / "1.root.json").read_bytes())

    def publish(self, version: str) -> None:
        """Put another version in force for all."""
        self._repository.publish(
            self._bundle(version),
            [self._key],
            then=lambda release, name: release._replace(current=name),
        )

    def _bundle(self, version: str) -> bytes:
        policy = make_policy(self._indicators)
        return encode(replace(policy, version=version, salt=int(version).to_bytes(16, "big")))


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[tuple[str, Any]]:
    """Serve a folder from another process, so that its work is not counted here."""
    port, requests = multiprocessing.Value("i", 0), multiprocessing.Value("i", 0)
    process = multiprocessing.Process(target=serve, args=(folder, port, requests), daemon=True)
    process.start()
    try:
        while not port.value:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port.value}", requests
    finally:
        process.terminate()
        process.join()


def serve(folder: Path, port: Any, requests: Any) -> None:
    """Answer with files, with tags and 304 as any web server does."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            requests.value += 1
            path = Path(self.translate_path(self.path))
            tag = f'"{path.stat().st_mtime_ns}"' if path.is_file() else ""
            if not tag or self.headers.get("If-None-Match") == tag:
                self.send_response(304 if tag else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            data = path.read_bytes()
            self.send_response(200)
            self.send_header("ETag", tag)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    handler = functools.partial(Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    port.value = server.server_address[1]
    server.serve_forever()


if __name__ == "__main__":
    main()
