"""Many kernels on one server, cells in a steady stream: nothing lost, reordered or answered twice.

By default 10 kernels get 10 cells a second for 5 seconds. ``TOS_GUARD_KERNELS=100
TOS_GUARD_SECONDS=60`` is the full number.
"""

from __future__ import annotations

import os
import threading
import time

from tests.server.conftest import Client, Start

KERNELS = int(os.environ.get("TOS_GUARD_KERNELS", "10"))
SECONDS = int(os.environ.get("TOS_GUARD_SECONDS", "5"))
EACH_SECOND = 10


def test_nothing_is_lost_reordered_or_answered_twice(start: Start) -> None:
    server = start("--ZMQChannelsWebsocketConnection.limit_rate=False")
    clients = [server.connect(server.start_kernel("bare"), bool(number % 2)) for number in range(KERNELS)]
    problems: list[str] = []
    threads = [
        threading.Thread(target=stream, args=(client, n, problems)) for n, client in enumerate(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems[:10]


def stream(client: Client, number: int, problems: list[str]) -> None:
    """Send cells at a steady rate, each tenth one refused; count what comes back."""
    try:
        requests = []
        begin = time.monotonic()
        for count in range(SECONDS * EACH_SECOND):
            pause = begin + count / EACH_SECOND - time.monotonic()
            if pause > 0:
                threading.Event().wait(pause)
            refused = count % 10 == 5
            code = "import tosblocked" if refused else f"print({count})"
            requests.append(client.execute(code, stop_on_error=False))
        outcomes = client.collect(*requests)
        for count, outcome in enumerate(outcomes):
            kinds = outcome.kinds
            once = [kinds.count(kind) for kind in ("busy", "execute_input", "execute_reply", "idle")]
            right = outcome.refused if count % 10 == 5 else outcome.text == f"{count}\n"
            if once != [1, 1, 1, 1] or not right:
                problems.append(f"kernel {number}, cell {count}: {kinds}")
        replies = [
            m["parent_header"]["msg_id"]
            for m in client.received
            if m["header"]["msg_type"] == "execute_reply"
        ]
        if replies != requests:
            problems.append(
                f"kernel {number}: {len(replies)} replies to {len(requests)} requests, or reordered"
            )
    except Exception as error:
        problems.append(f"kernel {number}: {type(error).__name__}: {error}")
