"""How many strikes a second the central server takes in, each durable before it is acknowledged.

The service's processes, its database on this machine, and loaders in processes of their own over loopback:
all of them share the processors, as they would on a small hub. Two measurements: as fast as it goes
(closed loop), and the latency at a fixed share of a rate (open loop: a request is sent when it is due,
whatever became of the one before).

    python benchmarks/bench_intake.py --seconds 30
    python benchmarks/bench_intake.py --database sqlite --seconds 10
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from machine import stolen

from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.migrate import migrate
from jupyter_tos_guard.central.storage.tokens import make_token
from tests.central.intake.reports import report, strike
from tests.central.postgresql import cluster
from tests.central.running import Process

#: Rules, so that the tally has as many rows as on a hub.
RULES = [f"rule-{number}" for number in range(40)]


@contextmanager
def database_url(kind: str, folder: Path) -> Iterator[str]:
    """Give an empty database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'tos_guard.sqlite'}"
        return
    with cluster() as server:
        yield server.create()


def bodies(user: int, reports: int, strikes: int) -> list[bytes]:
    """Return a user's reports, ready to send: compressing is the clients' work, not measured here.

    Two of three strikes are observed only, as on a hub in monitor mode that starts to enforce.
    """
    client = uuid4().hex
    return [body_of(user, number, strikes, client) for number in range(reports)]


def body_of(user: int, number: int, strikes: int, client: str) -> bytes:
    """Return one report."""
    made = [
        strike(
            f"{user}-{number}-{n}",
            rule=RULES[(user + n) % len(RULES)],
            action="observe" if n % 3 else "block",
            cell_digest=f"{user:032x}{number * strikes + n:032x}",
            time=time.time() - 3600,
        )
        for n in range(strikes)
    ]
    data = report(made, first=number * strikes + 1, stream=f"stream-{user}", client=client)
    return gzip.compress(json.dumps(data).encode(), 6)


class Loader:
    """Some connections that send reports of some users."""

    def __init__(self, url: str, tokens: list[str], queue: list[tuple[int, bytes]]) -> None:
        host, _, rest = url.removeprefix("http://").partition("/")
        self._address = host.partition(":")[0], int(host.partition(":")[2])
        self._path = f"/{rest}api/v1/reports"
        self._tokens = tokens
        self._queue = queue
        self.latencies: list[float] = []
        self.failures: dict[int, int] = {}
        self.sent = 0

    async def closed(self, connections: int, until: float) -> None:
        """Send as fast as answers come."""

        async def work() -> None:
            reader, writer = await asyncio.open_connection(*self._address)
            while self._queue and time.perf_counter() < until:
                await self._send(reader, writer, *self._queue.pop(), time.perf_counter())
            writer.close()

        await asyncio.gather(*(work() for _ in range(connections)))

    async def open(self, connections: int, until: float, per_second: float) -> None:
        """Send at a fixed rate; a latency counts from when the request was due."""
        free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        for _ in range(connections):
            free.put_nowait(await asyncio.open_connection(*self._address))
        started, tasks = time.perf_counter(), []

        async def one(due: float, user: int, body: bytes) -> None:
            pair = await free.get()
            await self._send(*pair, user, body, due)
            free.put_nowait(pair)

        number = 0
        while self._queue:
            due = started + number / per_second
            if due > until:
                break
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(one(due, *self._queue.pop())))
            number += 1
        await asyncio.gather(*tasks)

    async def _send(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, user: int, body: bytes, since: float
    ) -> None:
        writer.write(
            (
                f"POST {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                f"Authorization: token {self._tokens[user]}\r\n"
                "Content-Type: application/json\r\nContent-Encoding: gzip\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            ).encode()
            + body
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        status = int(head[9:12])
        if status == 200:
            self.sent += 1
            self.latencies.append(time.perf_counter() - since)
        else:
            self.failures[status] = self.failures.get(status, 0) + 1


def load(
    url: str,
    tokens: list[str],
    queue: list[tuple[int, bytes]],
    connections: int,
    seconds: float,
    rate: float,
    ready: multiprocessing.Barrier,
    results: multiprocessing.Queue,
) -> None:
    """Run one loader process."""
    loader = Loader(url, tokens, queue)
    ready.wait()
    started = time.perf_counter()
    work = (
        loader.open(connections, started + seconds, rate)
        if rate
        else loader.closed(connections, started + seconds)
    )
    asyncio.run(work)
    results.put((loader.sent, time.perf_counter() - started, loader.latencies, loader.failures, len(queue)))


def measure(
    urls: list[str],
    tokens: list[str],
    phase: int,
    options: argparse.Namespace,
    rate: float,
) -> tuple[float, list[float]]:
    """Return strikes a second, and latencies in seconds; ``phase`` makes the strikes new ones."""
    wanted = (rate or options.most) * options.seconds * 1.2 / options.strikes
    each = max(1, int(wanted / len(tokens)) + 1)
    queue = [
        (user, body)
        for user in range(len(tokens))
        for body in bodies(phase * options.users + user, each, options.strikes)
    ]
    queue.sort(key=lambda item: hash((item[0], len(item[1]))) % 7919)
    results: multiprocessing.Queue = multiprocessing.Queue()
    ready = multiprocessing.Barrier(options.loaders)
    processes = [
        multiprocessing.Process(
            target=load,
            args=(
                urls[number % len(urls)],
                tokens,
                queue[number :: options.loaders],
                options.connections // options.loaders,
                options.seconds,
                rate / options.strikes / options.loaders,
                ready,
                results,
            ),
        )
        for number in range(options.loaders)
    ]
    for process in processes:
        process.start()
    found = [results.get(timeout=options.seconds + 120) for _ in processes]
    for process in processes:
        process.join()
    failures = [failed for _, _, _, failed, _ in found if failed]
    if failures:
        print(f"  refused: {failures}")
    if not rate and not all(left for *_, left in found):
        print("  the prepared reports ran out: give a higher --most")
    took = max(took for _, took, _, _, _ in found)
    sent = sum(sent for sent, *_ in found)
    return (
        sent * options.strikes / took,
        sorted(latency for _, _, latencies, _, _ in found for latency in latencies),
    )


def show(name: str, per_second: float, latencies: list[float]) -> None:
    """Print one line."""
    cuts = [1e3 * latencies[min(len(latencies) - 1, int(len(latencies) * q))] for q in (0.5, 0.95, 0.99)]
    print(
        f"{name:<28} {per_second:8.0f} strikes/s   p50 {cuts[0]:6.0f} ms   p95 {cuts[1]:6.0f} ms   "
        f"p99 {cuts[2]:6.0f} ms   max {1e3 * latencies[-1]:6.0f} ms   ({len(latencies)} reports, "
        f"mean {1e3 * statistics.fmean(latencies):.0f} ms)"
    )


def cpu_of(process: Process) -> float:
    """Return the seconds of processor time that the service has used, its database's not included."""
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--users", type=int, default=400)
    parser.add_argument("--strikes", type=int, default=20, help="in one report")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--loaders", type=int, default=2, help="processes")
    parser.add_argument("--half", type=float, default=1000, help="strikes a second for the latency")
    parser.add_argument("--replicas", type=int, default=1, help="processes of the service")
    parser.add_argument("--rounds", type=int, default=3, help="of measuring the latency")
    parser.add_argument("--most", type=float, default=6000, help="strikes a second that are prepared")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tosg-bench-") as name:
        folder = Path(name)
        os.chmod(folder, 0o755)
        with database_url(options.database, folder) as url:
            database = Database(url)
            migrate(database)
            with database.transaction() as session:
                tokens = [make_token(session, f"user{n}", [], time.time()) for n in range(options.users)]
            database.close()
            traits = [
                f"--CentralApp.{name}=1000000" for name in ("reports_per_minute", "requests_per_second")
            ]
            processes = [
                Process(folder, url, *traits, name=f"{number}") for number in range(options.replicas)
            ]
            try:
                urls = [process.start().url for process in processes]
                print(
                    f"{options.database}, {os.cpu_count()} processors, {options.replicas} replicas, "
                    f"{options.users} users, "
                    f"{options.strikes} strikes a report, {options.connections} connections"
                )
                rates = [("as fast as it goes", 0.0)]
                rates += [(f"at {options.half:.0f} strikes/s", options.half)] * options.rounds
                for number, (name, rate) in enumerate(rates):
                    before, machine = sum(map(cpu_of, processes)), psutil.cpu_times()
                    per_second, latencies = measure(urls, tokens, number, options, rate)
                    show(name, per_second, latencies)
                    used = 1e6 * (sum(map(cpu_of, processes)) - before) / (len(latencies) * options.strikes)
                    print(
                        f"  the service's own processor time: {used:.0f} ms for 1,000 strikes; "
                        f"taken from this machine by others: {stolen(machine):.0%}"
                    )
            finally:
                for process in processes:
                    process.close()


if __name__ == "__main__":
    main()
