"""Ports for servers that tests start and have to name beforehand. Not a test."""

from __future__ import annotations

import os
import random
import socket
from pathlib import Path

LOWEST = 10_000
#: Of what the system hands out to whoever asks for any port, as each kernel does five times.
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """Return a port on which nobody listens, and which nobody else is given until it is used.

    A port that the system hands out may be handed out again, to a kernel of another test, before
    the server for which it was meant listens on it.
    """
    highest = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else 32_768
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    while True:
        port = random.randrange(LOWEST + worker, highest, workers)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
