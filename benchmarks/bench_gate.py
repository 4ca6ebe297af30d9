"""What the gate costs a Jupyter server: round trip and flood of output, with and without, in one run.

``python benchmarks/bench_gate.py [--pairs N] [--trips N] [--floods N] [--megabytes N] [--v1] [--json]``

In each pair two servers are started, each with a kernel of its own without our hook; requests go to
them in turns, so that what the machine does meanwhile meets both. Two processes of the same program
differ by some hundredths all their lives, so there are several pairs, and the ratio is their median.
The processor time of the server itself is the steadiest figure: other work of the machine hardly changes it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from machine import stolen

from jupyter_tos_guard.guard import DEFAULT_POLICY
from tests.server.conftest import EXTENSIONS, OTHERS, Client, Server

FLOOD = "import sys\nfor _ in range({}): sys.stdout.write('x' * 1023 + '\\n')"
WARM_UP = 50

#: By row: a figure of the server without the gate and of the one with it, for each pair.
Report = dict[str, list[tuple[float, float]]]


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--pairs", type=int, default=8)
    options.add_argument("--trips", type=int, default=800, help="to each server of a pair")
    options.add_argument("--floods", type=int, default=3, help="pairs that are flooded, too")
    options.add_argument("--megabytes", type=int, default=100)
    options.add_argument("--v1", action="store_true", help="the encoding with a name")
    options.add_argument("--same", action="store_true", help="neither has the gate: what chance does")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()

    report: Report = {}
    machine = psutil.cpu_times()
    for number in range(max(chosen.pairs, chosen.floods)):
        megabytes = chosen.megabytes if number < chosen.floods else 0
        for name, figures in pair(chosen.trips, megabytes, chosen.v1, gate=not chosen.same).items():
            report.setdefault(name, []).append(figures)
    if chosen.json:
        print(json.dumps(report))
        return
    print(f"{'':24}{'bare':>10}{'gate':>10}{'ratio':>8}   of {len(report['pass, median ms'])} pairs")
    for name, figures in report.items():
        bare, gate = (statistics.median(column) for column in zip(*figures, strict=True))
        ratios = sorted(after / before for before, after in figures)
        middle = statistics.median(ratios)
        print(f"{name:24}{bare:10.3f}{gate:10.3f}{middle:8.3f}   ({ratios[0]:.3f} to {ratios[-1]:.3f})")
    print(f"taken from this machine by others: {stolen(machine):.0%}")


def pair(trips: int, megabytes: int, v1: bool, gate: bool) -> dict[str, tuple[float, float]]:
    """Measure two servers that are started for it."""
    servers: list[Server] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name, guarded in (("bare", False), ("gate", gate)):
                servers.append(server(Path(folder, name), guarded))
            kernels = [each.start_kernel("bare") for each in servers]
            clients = [each.connect(kernel, v1) for each, kernel in zip(servers, kernels, strict=True)]
            round_trips(clients, WARM_UP)
            before = [processor_time(each) for each in servers]
            samples = round_trips(clients, trips)
            spent = [processor_time(each) - b for each, b in zip(servers, before, strict=True)]
            rows = {
                "pass, median ms": tuple(map(statistics.median, samples)),
                "pass, p99 ms": tuple(statistics.quantiles(taken, n=100)[98] for taken in samples),
                "server's own, ms a trip": tuple(1e3 * each / trips for each in spent),
            }
            if megabytes:
                seconds = [0.0, 0.0]
                for number in (0, 1, 1, 0):  # what the machine does meanwhile meets both
                    # New clients: one that waits while the other is flooded answers no pings.
                    client = servers[number].connect(kernels[number], v1)
                    seconds[number] += flood(client, megabytes // 2)
                    client.close()
                rows[f"{megabytes} MiB of output, s"] = tuple(seconds)
            return rows  # type: ignore[return-value]  # two of each
        finally:
            for each in servers:
                each.close()


def server(folder: Path, gate: bool) -> Server:
    """Start one server."""
    folder.mkdir()
    extensions = {**dict.fromkeys(OTHERS, False), "jupyter_tos_guard": gate}
    config = {"ServerApp": {**EXTENSIONS["ServerApp"], "jpserver_extensions": extensions}}
    command = ["-m", "jupyter_server", "--no-browser", "--port=0", "--allow-root"]
    command += ["--ZMQChannelsWebsocketConnection.limit_rate=False"]
    return Server(folder, DEFAULT_POLICY, command, {"jupyter_server_config": config}).wait()


def processor_time(server: Server) -> float:
    """Return the seconds of processor time that a server has used."""
    times = psutil.Process(server.process.pid).cpu_times()
    return float(times.user + times.system)


def round_trips(clients: list[Client], number: int) -> list[list[float]]:
    """Return milliseconds from sending ``pass`` until it is done with, by client."""
    samples: list[list[float]] = [[] for _ in clients]
    turns = list(zip(clients, samples, strict=True))
    for count in range(number):
        for client, taken in turns if count % 2 else turns[::-1]:
            begin = time.perf_counter()
            client.run("pass")
            taken.append((time.perf_counter() - begin) * 1e3)
            client.received.clear()
    return samples


def flood(client: Client, megabytes: int) -> float:
    """Return the seconds until a flood of output, in messages of 1 KiB, has been received."""
    client.run("pass")
    begin = time.perf_counter()
    request = client.execute(FLOOD.format(megabytes * 1024))
    while not ends(client.receive(), request):
        client.received.clear()
    return time.perf_counter() - begin


def ends(message: dict[str, Any], request: str) -> bool:
    """Whether this is the last message of a request's."""
    state = message["content"].get("execution_state")
    return bool(state == "idle" and message["parent_header"].get("msg_id") == request)


if __name__ == "__main__":
    main()
