"""What the gate costs a Jupyter server: round trip and flood of output, with and without, in one run.

``python benchmarks/bench_gate.py [--trips N] [--rounds N] [--megabytes N] [--json]``

Two servers, each with a kernel of its own without our hook; requests go to them in
turns, so that what the machine does meanwhile meets both.
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

sys.path.insert(0, str(Path(__file__).parents[1]))

from jupyter_tos_guard.guard import DEFAULT_POLICY
from tests.server.conftest import EXTENSIONS, OTHERS, Client, Server

FLOOD = "import sys\nfor _ in range({}): sys.stdout.write('x' * 1023 + '\\n')"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--trips", type=int, default=3000)
    options.add_argument("--rounds", type=int, default=3, help="floods of each kind")
    options.add_argument("--megabytes", type=int, default=100)
    options.add_argument("--v1", action="store_true", help="the encoding with a name")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()

    servers: list[Server] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            clients = {}
            for kind in ("bare", "gate"):
                servers.append(server(Path(folder, kind), gate=kind == "gate"))
                clients[kind] = servers[-1].connect(servers[-1].start_kernel("bare"), chosen.v1)
            report = [*trips(clients, chosen.trips), *floods(clients, chosen.rounds, chosen.megabytes)]
        finally:
            for each in servers:
                each.close()
    if chosen.json:
        print(json.dumps(report))
        return
    print(f"{'':24}{'bare':>10}{'gate':>10}{'ratio':>8}")
    for row in report:
        print(f"{row['name']:24}{row['bare']:10.3f}{row['gate']:10.3f}{row['gate'] / row['bare']:8.3f}")


def server(folder: Path, gate: bool) -> Server:
    """Start one server."""
    folder.mkdir()
    config = EXTENSIONS if gate else {"ServerApp": {"jpserver_extensions": dict.fromkeys(OTHERS, False)}}
    if not gate:
        config["ServerApp"]["jpserver_extensions"]["jupyter_tos_guard"] = False
    command = ["-m", "jupyter_server", "--no-browser", "--port=0", "--allow-root"]
    command += ["--ZMQChannelsWebsocketConnection.limit_rate=False"]
    return Server(folder, DEFAULT_POLICY, command, {"jupyter_server_config": config}).wait()


def trips(clients: dict[str, Client], number: int) -> list[dict[str, object]]:
    """Milliseconds from sending ``pass`` to its reply."""
    samples: dict[str, list[float]] = {kind: [] for kind in clients}
    for count in range(number + 50):
        for kind in sorted(clients, reverse=count % 2 == 0):
            client = clients[kind]
            begin = time.perf_counter()
            client.run("pass")
            elapsed = (time.perf_counter() - begin) * 1e3
            client.received.clear()
            if count >= 50:
                samples[kind].append(elapsed)
    rows: list[dict[str, object]] = [
        {"name": "pass, median ms", **{kind: statistics.median(taken) for kind, taken in samples.items()}}
    ]
    p99 = {kind: statistics.quantiles(taken, n=100)[98] for kind, taken in samples.items()}
    return [*rows, {"name": "pass, p99 ms", **p99}]


def floods(clients: dict[str, Client], rounds: int, megabytes: int) -> list[dict[str, object]]:
    """Seconds until a flood of output has been received."""
    samples: dict[str, list[float]] = {kind: [] for kind in clients}
    for count in range(rounds):
        for kind in sorted(clients, reverse=count % 2 == 0):
            client = clients[kind]
            begin = time.perf_counter()
            request = client.execute(FLOOD.format(megabytes * 1024))
            while not ends(client.receive(), request):
                client.received.clear()
            samples[kind].append(time.perf_counter() - begin)
            client.received.clear()
    if not rounds:
        return []
    return [
        {"name": f"{megabytes} MiB of output, s", **{kind: min(taken) for kind, taken in samples.items()}}
    ]


def ends(message: dict[str, Any], request: str) -> bool:
    """Whether this is the last message of a request's."""
    state = message["content"].get("execution_state")
    return state == "idle" and message["parent_header"].get("msg_id") == request


if __name__ == "__main__":
    main()
