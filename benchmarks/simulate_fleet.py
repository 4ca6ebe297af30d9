"""What 100,000 servers ask of one central place, and where the first wall is.

``python benchmarks/simulate_fleet.py [--servers N] [--bundle MB] [--json]``

Nothing is guessed that can be run: when servers ask comes from :mod:`jupyter_tos_guard.sync.pace`,
on a simulated clock; how often and how much from one real client that refreshes a
real repository through a proxy that counts bytes. Guessed are the capacities that the figures are held
against (``--requests-per-second``, ``--gigabits``, ``--connections``): put in what you have measured.
"""

from __future__ import annotations

import argparse
import contextlib
import heapq
import json
import random
import runpy
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_tos_guard.policy.model import Verdict, Where
from jupyter_tos_guard.strikes.spool import Spool
from jupyter_tos_guard.strikes.strike import Action, Strike
from jupyter_tos_guard.sync.pace import Pace
from jupyter_tos_guard.sync.service import LONGEST_WAIT, POLL, REPORT, Exchange
from jupyter_tos_guard.sync.transport import Reply, Transport
from jupyter_tos_guard.sync.uploader import Circumstances, GuardState, Uploader

HEADERS = 350  # bytes of an answer's headers behind a proxy, where they are not counted
DAY = 86_400
#: As the central server spreads them (central/web/repository.py): clients a second.
FETCH_AT_ONCE = 1000
bench = runpy.run_path(str(Path(__file__).with_name("bench_refresh.py")))


class Cost(NamedTuple):
    """One exchange of one client: requests, and bytes in both directions."""

    requests: int
    bytes: int


def main() -> None:
    """Simulate and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--servers", type=int, default=100_000)
    options.add_argument("--bundle", type=float, default=1.0, help="MB")
    options.add_argument("--strikes", type=float, default=0.2, help="records per server and day")
    options.add_argument("--outage", type=float, default=2.0, help="hours")
    options.add_argument("--requests-per-second", type=float, default=5_000, help="that static files take")
    options.add_argument(
        "--reports-per-second", type=float, default=400, help="that one replica on two cores takes"
    )
    options.add_argument("--look-ups-per-second", type=float, default=150, help="of tokens, by the Hub")
    options.add_argument("--connections", type=int, default=20_000, help="long polls that one replica holds")
    options.add_argument("--gigabits", type=float, default=1.0, help="of the link")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    costs = measure(chosen.bundle)
    rows = simulate(chosen, costs)
    if chosen.json:
        print(json.dumps(rows))
        return
    print(f"{chosen.servers:,} servers, bundle {chosen.bundle} MB; one client, measured:")
    for name, cost in costs.items():
        print(f"  {name:32}{cost.requests:6} requests{cost.bytes:14,} bytes")
    print(f"\n{'':54}{'figure':>14}  {'capacity':>12}{'used':>8}")
    for row in rows:
        used = f"{row['figure'] / row['capacity']:8.0%}" if row["capacity"] else ""
        capacity = f"{row['capacity']:12,.0f}" if row["capacity"] else " " * 12
        print(f"{row['what']:54}{row['figure']:14,.1f}  {capacity}{used}")
    wall = max((row for row in rows if row["capacity"]), key=lambda row: row["figure"] / row["capacity"])
    print(f"\nThe first wall: {wall['what']}, at {wall['figure'] / wall['capacity']:.0%} of what there is.")


# ---- one client


def measure(megabytes: float) -> dict[str, Cost]:
    """Return what one client sends and gets."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        publisher = bench["Publisher"](folder, int(megabytes * 1e6 / bench["PER_INDICATOR"]))
        repository = publisher._repository
        with bench["serving"](folder / "repository") as (url, requests), counting(url) as (proxied, count):
            settings = bench["configuration"](
                {
                    "JUPYTER_TOS_GUARD_CENTRAL": proxied,
                    "JUPYTER_TOS_GUARD_MIRROR": proxied,
                    "JUPYTER_TOS_GUARD_ROOT": publisher.pin,
                    "JUPYTER_TOS_GUARD_CACHE": str(folder / "cache"),
                    "JUPYTER_TOS_GUARD_STRIKES": str(folder / "strikes"),
                }
            )
            exchange = Exchange(settings, Where(user="ann"), {})

            def cost(function: Callable[[], Any]) -> Cost:
                before, sent = requests.value, count()
                function()
                return Cost(requests.value - before, count() - sent)

            costs = {"first refresh": cost(exchange.refresh)}
            exchange.refresh()
            costs["nothing new"] = cost(exchange.refresh)
            release = repository.release()
            repository.set_release(release._replace(softened={"some-rule": Verdict.OBSERVE}))
            costs["a rule softened"] = cost(exchange.refresh)
            publisher.publish("2")
            costs["a new bundle"] = cost(exchange.refresh)
            costs["report, nothing to say"] = report(settings, folder, 0)
            costs["report, 10 strikes"] = report(settings, folder, 10)
            return costs


def report(settings: Any, folder: Path, strikes: int) -> Cost:
    """Return what one report sends; the answer is one as the central server gives it."""
    account = {
        "v": 1,
        "user": "a" * 20,
        "standing": {"level": "good", "live": 0, "until": None, "next_level": "warned", "strikes_left": 1},
        "effects": {"paused": False, "blocked_clauses": [], "until": None, "reason": ""},
        "exemptions": [],
        "terms": {"version": "1", "accepted": "1", "required": False},
        "messages": [],
        "contact": "help@hub.example",
    }
    answer = {"v": 1, "acknowledged": {}, "rejected": [], "account": account, "next_report_seconds": 900}
    sent = 0

    class Recording(Transport):
        def ask(self, method: str, path: str, **options: Any) -> Reply:
            nonlocal sent
            sent = len(options["content"]) + 2 * HEADERS + len(json.dumps(answer))
            return Reply(200, answer)

    where = folder / f"strikes-{strikes}"
    Spool(where).append([example(number) for number in range(strikes)])
    guards = [GuardState(f"{number:032x}", "python3", "guarded") for number in range(2)]
    Uploader(where, folder / f"cache-{strikes}", Recording(settings, {})).report(
        Circumstances("", "enforce", guards)
    )
    return Cost(1, sent)


def example(number: int) -> Strike:
    """Return a strike as kernels record it."""
    return Strike(
        id=f"{number:032x}",
        time=1.7e9 + number,
        user="ann",
        server="",
        kernel="0f" * 16,
        notebook="work/analysis.ipynb",
        request=f"{number:036x}",
        rule=f"{number:08x}-0000-4000-8000-000000000000",
        clause="mining",
        level="high",
        policy_version="2026.12.01",
        severe=False,
        action=Action.BLOCK,
        sensor="kernel",
        cell_digest=f"{number:064x}",
        line=3,
        column=0,
        evidence="!./miner --algo randomx -o pool.example:3333 " * 3,
        verdict="block",
        facts=(("command", "miner"), ("host", "pool.example")),
    )


@contextlib.contextmanager
def counting(url: str) -> Iterator[tuple[str, Callable[[], int]]]:
    """Pass connections on to a server, and count the bytes in both directions."""
    host, _, port = url.removeprefix("http://").partition(":")
    total = [0]
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                total[0] += len(data)
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection((host, int(port)))
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", lambda: total[0]
    finally:
        listener.close()


# ---- all of them


def simulate(chosen: argparse.Namespace, costs: dict[str, Cost]) -> list[dict[str, Any]]:
    """Return a row for each figure."""
    servers = chosen.servers
    link = chosen.gigabits * 1e9 / 8
    polls, reports = steady(servers, POLL), steady(servers, REPORT)
    idle, quiet = costs["nothing new"], costs["report, nothing to say"]
    strike = (costs["report, 10 strikes"].bytes - quiet.bytes) / 10
    daily = servers * (
        DAY / POLL * idle.bytes
        + DAY / REPORT * quiet.bytes
        + chosen.strikes * strike
        + DAY / (LONGEST_WAIT - 20) * 2 * HEADERS
    )
    back = outage(servers, chosen.outage * 3600, POLL)
    rows = [
        row("polls, requests per second, mean", servers / POLL * idle.requests, chosen.requests_per_second),
        row("polls, requests per second, peak", polls * idle.requests, chosen.requests_per_second),
        row("reports per second, peak", reports, chosen.reports_per_second),
        # A replica remembers an answer for less long than a client waits between two reports.
        row("tokens looked up at the Hub per second, mean", servers / REPORT, chosen.look_ups_per_second),
        row("long polls held open", servers, chosen.connections),
        row(
            "long polls again after a restart, per second, peak", restart(servers), chosen.requests_per_second
        ),
        row("bytes per day, GB", daily / 1e9, link * DAY / 1e9),
        row("emergency, reports per second, peak", emergency(servers, 1), chosen.reports_per_second),
        row("after an outage, requests per second, peak", back * idle.requests, chosen.requests_per_second),
    ]
    for name, what in (("a rule softened", "rule softened"), ("a new bundle", "new bundle")):
        cost = costs[name]
        peak = emergency(servers, cost.requests)
        rows += [
            row(f"emergency, {what}: requests per second, peak", peak, chosen.requests_per_second),
            row(f"emergency, {what}: GB in all", servers * cost.bytes / 1e9, 0),
            row(f"emergency, {what}: seconds for the bytes", servers * cost.bytes / link, 60),
            row(
                f"emergency, {what}: seconds for the requests",
                servers * cost.requests / chosen.requests_per_second,
                60,
            ),
        ]
    return rows


def row(what: str, figure: float, capacity: float) -> dict[str, Any]:
    """Return one line of the table."""
    return {"what": what, "figure": figure, "capacity": capacity}


def steady(servers: int, interval: float) -> int:
    """Return the most exchanges in one second of an hour, a day after everybody started together."""
    seconds: Counter[int] = Counter()
    # Each is independent of the others: a tenth of them, ten times as tall, would hide the peak, so all.
    for number in range(servers):
        pace = Pace(interval, random.Random(number))
        now = pace.first(is_urgent=False)
        while now < 3 * interval:
            now += pace.succeeded()
        while now < 3 * interval + 600:
            seconds[int(now)] += 1
            now += pace.succeeded()
    return max(seconds.values(), default=0)


def outage(servers: int, duration: float, interval: float) -> float:
    """Return the most exchanges in one second after the server was away for so long."""
    scale = max(1, servers // 20_000)
    queue: list[tuple[float, int]] = []
    paces = [Pace(interval, random.Random(number)) for number in range(servers // scale)]
    chance = random.Random(1)
    for number in range(len(paces)):
        heapq.heappush(queue, (chance.uniform(0, interval), number))
    seconds: Counter[int] = Counter()
    while queue:
        now, number = heapq.heappop(queue)
        if now > duration + 1800:
            continue
        if now >= duration:
            seconds[int(now)] += 1
        pace = paces[number]
        heapq.heappush(queue, (now + (pace.failed() if now < duration else pace.succeeded()), number))
    return max(seconds.values()) * scale


def restart(servers: int) -> int:
    """Return the most held requests that come back in one second after all were cut at once."""
    return max(Counter(int(Pace(1.0, random.Random(number)).dropped()) for number in range(servers)).values())


def emergency(servers: int, requests: int) -> float:
    """Return the most requests in one second after everybody was told at once, and how to spread."""
    seconds: Counter[int] = Counter()
    for number in range(servers):
        told = number / 10_000
        start = told + Pace(1.0, random.Random(number)).woken(servers / FETCH_AT_ONCE)
        for step in range(requests):
            seconds[int(start + step * 0.02)] += 1
    return max(seconds.values())


if __name__ == "__main__":
    main()
