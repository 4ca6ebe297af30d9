"""Many kernels on one server, cells in a steady stream: nothing lost, reordered or answered twice.

By default 10 kernels get 10 cells a second for 5 seconds. ``TOS_GUARD_KERNELS=100 TOS_GUARD_SECONDS=60``
is the full number. Where the machine cannot keep up with that rate, it takes longer for as many cells.
"""

from __future__ import annotations

import os
import threading
import time

import websocket

from tests.server.conftest import Client, Start

KERNELS = int(os.environ.get("TOS_GUARD_KERNELS", "10"))
SECONDS = int(os.environ.get("TOS_GUARD_SECONDS", "5"))
EACH_SECOND = 10
#: Cells of one kernel that wait for an answer, at most.
WINDOW = 20
#: Seconds without any message after which one is taken to be lost.
PATIENCE = 60.0


def test_nothing_is_lost_reordered_or_answered_twice(start: Start) -> None:
    server = start("--ZMQChannelsWebsocketConnection.limit_rate=False")
    clients = [server.connect(server.start_kernel("bare"), bool(number % 2)) for number in range(KERNELS)]
    problems: list[str] = []
    begin = time.monotonic()
    threads = [threading.Thread(target=stream, args=(client, problems)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - begin
    print(f"{KERNELS * SECONDS * EACH_SECOND} cells in {took:.0f} s")
    assert not problems, problems[:10]


class Counted:
    """What came back for one cell."""

    def __init__(self, count: int) -> None:
        self.refused = count % 10 == 5
        self.code = "import tosblocked" if self.refused else f"print({count})"
        self.text = "" if self.refused else f"{count}\n"
        self.kinds: list[str] = []
        self.printed = ""
        self.failed = ""

    @property
    def done(self) -> bool:
        return "idle" in self.kinds and "execute_reply" in self.kinds

    @property
    def right(self) -> bool:
        once = [self.kinds.count(kind) for kind in ("busy", "execute_input", "execute_reply", "idle")]
        failed = "DisallowedCodeError" if self.refused else ""
        return once == [1, 1, 1, 1] and (self.printed, self.failed) == (self.text, failed)


def stream(client: Client, problems: list[str]) -> None:
    """Send cells at a steady rate, each tenth one refused; count what comes back."""
    cells: dict[str, Counted] = {}
    replies: list[str] = []
    waiting: set[str] = set()
    total = SECONDS * EACH_SECOND + 1  # what belongs to earlier ones comes before the last one's answer
    begin = heard = time.monotonic()
    try:
        while len(cells) < total or waiting:
            now = time.monotonic()
            wait = PATIENCE
            if len(cells) < total and len(waiting) < WINDOW:
                wait = begin + len(cells) / EACH_SECOND - now
                if wait <= 0:
                    cell = Counted(len(cells))
                    request = client.execute(cell.code, stop_on_error=False)
                    cells[request] = cell
                    waiting.add(request)
                    continue
            try:
                message = client.receive(wait)
            except websocket.WebSocketTimeoutException:
                if waiting and time.monotonic() - heard > PATIENCE:
                    raise TimeoutError(f"nothing came for {len(waiting)} cells") from None
                continue
            client.received.clear()
            heard = time.monotonic()
            request = message["parent_header"].get("msg_id")
            if request not in cells:
                continue
            cell, kind, content = cells[request], message["header"]["msg_type"], message["content"]
            cell.kinds.append(content.get("execution_state", kind))
            if kind == "stream":
                cell.printed += content["text"]
            elif kind == "execute_reply":
                cell.failed = content.get("ename", "")
                replies.append(request)
            if cell.done:
                waiting.discard(request)
    except Exception as error:
        problems.append(f"{type(error).__name__}: {error}")
        return
    problems += [f"{cell.code}: {cell.printed!r}, {cell.kinds}" for cell in cells.values() if not cell.right]
    if replies != list(cells):
        problems.append(f"{len(replies)} replies to {len(cells)} cells, or in another order")
