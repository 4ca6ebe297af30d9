"""What the gate does when something of ours does not work: a defect never eats a message."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_tos_guard.gate.ruling import Gate, open_gate
from jupyter_tos_guard.guard import ANSWERS
from jupyter_tos_guard.policy.compile import compile_policy
from jupyter_tos_guard.policy.decision import Reason
from jupyter_tos_guard.server.connection import guarded
from jupyter_tos_guard.server.encoding import Message, Raw, encode, execute_request
from jupyter_tos_guard.server.kernel_gate import SILENT_LOOKS, KernelGate
from tests.server.conftest import POLICY

LOG = logging.getLogger(__name__)


class Client:
    """A connection that keeps what goes either way."""

    v1 = False

    def __init__(self, session: str = "s") -> None:
        self.client_id = session
        self.forwarded: list[Raw] = []
        self.sent: list[dict[str, Any]] = []

    def forward(self, raw: Raw) -> None:
        self.forwarded.append(raw)

    def send(self, raw: Raw) -> None:
        self.sent.append(json.loads(raw))

    @property
    def replies(self) -> list[dict[str, Any]]:
        return [each["content"] for each in self.sent if each["msg_type"] == "execute_reply"]


def request(code: Any, date: str = "", **content: Any) -> str:
    header = {"msg_id": f"id of {code}", "msg_type": "execute_request", "session": "s", "date": date}
    content = {"code": code, "silent": False, **content}
    return json.dumps(
        {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content}
    )


def reply(request: str, v1: bool = False, **content: Any) -> Raw:
    return encode(
        "execute_reply",
        {"status": "ok", **content},
        {"msg_id": request},
        channel="shell",
        session="kernel",
        metadata={},
        v1=v1,
    )


def gate_of(tmp_path: Path, policy: Path | None, **variables: str) -> Gate:
    environ = {
        "JUPYTER_TOS_GUARD_STRIKES": str(tmp_path / "strikes"),
        "JUPYTER_TOS_GUARD_POLICY": str(policy or tmp_path / "missing"),
        "JUPYTER_TOS_GUARD_MODE": "enforce",
        "JUPYTER_TOS_GUARD_TIME_LIMIT": "5",
        **variables,
    }
    return open_gate("kernel-k.json", environ, "python", lambda name: None, lambda settings: None)


async def ask(open_this: Callable[[], Gate], raw: str, closes: bool = False) -> Client:
    """Send one request through a gate; return what its client saw when all is settled."""
    client = Client()
    gate = KernelGate(open_this, lambda: True, LOG, lambda: closes)
    await gate.open()
    gate.join(client)
    message = execute_request(raw, v1=False)
    assert isinstance(message, Message)
    if not gate.take(client, raw, message):
        client.forward(raw)
    await until(lambda: client.forwarded or client.replies)
    return client


async def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.001)


def broken() -> Gate:
    raise RuntimeError("no gate today")


def test_a_gate_that_cannot_be_made_lets_requests_through() -> None:
    raw = request("import tosblocked")
    assert asyncio.run(ask(broken, raw)).forwarded == [raw]


def test_a_gate_that_cannot_be_made_stops_requests_where_the_operator_wants_it() -> None:
    client = asyncio.run(ask(broken, request("1"), closes=True))
    assert not client.forwarded
    assert "no gate today" in client.replies[0]["evalue"]
    assert [each["msg_type"] for each in client.sent][-1] == "status"


@pytest.mark.parametrize("closes", [False, True])
def test_a_defect_while_deciding_is_answered_as_the_operator_wants(
    tmp_path: Path, policy: Path, closes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defective() -> Gate:
        gate = gate_of(tmp_path, policy)
        monkeypatch.setattr(gate, "decide", lambda request: 1 / 0)
        return gate

    raw = request("import tosblocked")
    client = asyncio.run(ask(defective, raw, closes=closes))
    if closes:
        assert not client.forwarded
        assert "ZeroDivisionError" in client.replies[0]["evalue"]
    else:
        assert client.forwarded == [raw]


def test_a_refusal_whose_notice_cannot_be_worded_is_still_a_refusal(
    tmp_path: Path, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defective() -> Gate:
        gate = gate_of(tmp_path, policy)
        monkeypatch.setattr(gate, "standing", lambda strikes: 1 / 0)
        return gate

    client = asyncio.run(ask(defective, request("import tosblocked")))
    assert not client.forwarded
    assert client.replies[0]["ename"] == "DisallowedCodeError"


def _policy(tmp_path: Path, reason: Reason) -> Path | None:
    """A policy in the state that a reason names."""
    path = tmp_path / "policy.bundle"
    if reason is Reason.NO_POLICY:
        return None
    if reason is Reason.CORRUPT_POLICY:
        path.write_bytes(b"not a bundle")
        return path
    folder = tmp_path / "source"
    shutil.copytree(POLICY, folder)
    text = (POLICY / "policy.yml").read_text()
    if reason is Reason.EXPIRED_POLICY:
        text += "expires: 2001-01-01\n"
    if reason is Reason.STALE_POLICY:
        text += "refresh_days: 1\n"
    (folder / "policy.yml").write_text(text)
    path.write_bytes(compile_policy(folder))
    if reason is Reason.STALE_POLICY:
        os.utime(path, (1_000_000_000, 1_000_000_000))
    return path


FAILURES = [Reason.NO_POLICY, Reason.CORRUPT_POLICY, Reason.STALE_POLICY, Reason.EXPIRED_POLICY]


@pytest.mark.parametrize("reason", FAILURES)
@pytest.mark.parametrize("closed", [False, True])
def test_a_policy_that_cannot_be_used_is_answered_by_the_table(
    tmp_path: Path, reason: Reason, closed: bool
) -> None:
    variables = {"JUPYTER_TOS_GUARD_FAIL_CLOSED": str(reason)} if closed else {}
    path = _policy(tmp_path, reason)
    raw = request("x = 1")
    client = asyncio.run(ask(lambda: gate_of(tmp_path, path, **variables), raw))
    answer = ANSWERS[reason]
    refused = (answer.opened if answer.default_open and not closed else answer.closed).label in (
        "warn",
        "block",
    )
    assert bool(client.forwarded) is not refused
    assert bool(client.replies) is refused


@pytest.mark.parametrize("closed", [False, True])
def test_a_cell_that_cannot_be_read_in_time_is_answered_by_the_table(
    tmp_path: Path, policy: Path, closed: bool
) -> None:
    variables = {"JUPYTER_TOS_GUARD_FAIL_CLOSED": "time-limit"} if closed else {}
    raw = request("import os\n" + "os.system('ls ' + str(1))\n" * 5000)
    client = asyncio.run(
        ask(lambda: gate_of(tmp_path, policy, JUPYTER_TOS_GUARD_TIME_LIMIT="0.001", **variables), raw)
    )
    assert bool(client.replies) is closed
    assert client.forwarded == ([] if closed else [raw])


def test_a_request_without_code_passes_as_it_came(tmp_path: Path, policy: Path) -> None:
    raw = request(None)
    assert asyncio.run(ask(lambda: gate_of(tmp_path, policy), raw)).forwarded == [raw]


def test_a_full_disk_stops_no_refusal_and_the_notice_says_so(tmp_path: Path, policy: Path) -> None:
    (tmp_path / "strikes").write_text("a file where the folder should be")
    client = asyncio.run(ask(lambda: gate_of(tmp_path, policy), request("import tosblocked")))
    (notice,) = [each["content"]["data"] for each in client.sent if each["msg_type"] == "display_data"]
    assert "could not be recorded" in notice["text/plain"]


class Handler:
    """A websocket that keeps what it is to write."""

    def __init__(self) -> None:
        self.written: list[dict[str, Any]] = []

    def write_message(self, message: str, binary: bool = False) -> None:
        self.written.append(json.loads(message))


class Plain:
    """A connection class that keeps what reaches the kernel."""

    subprotocol = ""
    log = LOG

    def __init__(self) -> None:
        self.websocket_handler = Handler()
        self.reached: list[Raw] = []

    async def connect(self) -> None:
        """Nothing to connect to."""

    def handle_incoming_message(self, raw: Raw) -> None:
        self.reached.append(raw)


@pytest.mark.parametrize("closes", [False, True])
def test_a_connection_without_a_gate_answers_where_it_lets_nothing_run(
    closes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_tos_guard.server.gates.gate_of", lambda connection: 1 / 0)
    monkeypatch.setattr(
        "jupyter_tos_guard.gate.settings.configuration", lambda: SimpleNamespace(closes_on_defects=closes)
    )
    connection = guarded(Plain)()
    asyncio.run(connection.connect())
    raw, other = request("1"), '{"channel": "shell", "header": {"msg_type": "kernel_info_request"}}'
    for each in (raw, other):
        connection.handle_incoming_message(each)
    written = connection.websocket_handler.written
    if closes:
        assert connection.reached == [other]
        kinds = [each["content"].get("execution_state", each["msg_type"]) for each in written]
        assert kinds == ["busy", "execute_input", "error", "execute_reply", "idle"]
        assert "ZeroDivisionError" in written[-2]["content"]["evalue"]
    else:
        assert connection.reached == [raw, other]
        assert not written


@pytest.mark.parametrize("closes", [False, True])
def test_a_defect_in_the_gate_lets_a_request_run_only_where_the_operator_lets_it(
    closes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "jupyter_tos_guard.gate.settings.configuration", lambda: SimpleNamespace(closes_on_defects=closes)
    )
    connection = guarded(Plain)()
    connection._tos_gate = SimpleNamespace(take=lambda *message: 1 / 0)
    raw = request("1")
    connection.handle_incoming_message(raw)
    assert connection.reached == ([] if closes else [raw])
    assert bool(connection.websocket_handler.written) is closes


def test_a_refusal_does_not_wait_for_a_request_that_is_remembered_no_longer(
    tmp_path: Path, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_tos_guard.server.kernel_gate.MAX_OUTSTANDING", 2)

    async def go() -> Client:
        client, other = Client(), Client("other")
        gate = KernelGate(lambda: gate_of(tmp_path, policy), lambda: False, LOG, lambda: False)
        await gate.open()
        for code, who in [("1", client), ("import tosblocked", client), ("2", other), ("3", other)]:
            raw = request(code)
            gate.join(who)
            gate.take(who, raw, execute_request(raw, v1=False))
        await until(lambda: client.replies)
        return client

    assert asyncio.run(go()).replies[0]["ename"] == "DisallowedCodeError"


class Looks:
    """A kernel that is idle whenever it is looked at, as one with quick cells is, and never replies."""

    def __init__(self, tmp_path: Path, policy: Path, stirs: bool) -> None:
        self.gate = KernelGate(lambda: gate_of(tmp_path, policy), self.look, LOG, lambda: False)
        self.stirs = stirs
        self.count = 0

    def look(self) -> bool:
        self.count += 1
        if self.stirs:  # something else is going on
            self.gate.note(reply(f"other {self.count}"))
        return True

    def take(self, client: Client, *codes: str) -> None:
        for code in codes:
            raw = request(code)
            self.gate.take(client, raw, execute_request(raw, v1=False))


@pytest.fixture
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_tos_guard.server.kernel_gate.WATCH", 0.001)


@pytest.mark.usefixtures("quick_looks")
def test_a_refusal_keeps_its_place_behind_cells_of_a_kernel_that_is_idle_between_them(
    tmp_path: Path, policy: Path
) -> None:
    async def go() -> tuple[int, Client]:
        kernel, client = Looks(tmp_path, policy, stirs=True), Client()
        await kernel.gate.open()
        kernel.gate.join(client)
        kernel.take(client, "1", "import tosblocked")
        await until(lambda: kernel.count > 10 * SILENT_LOOKS)
        too_early = len(client.replies)
        kernel.gate.note(reply("id of 1"))
        await until(lambda: client.replies)
        return too_early, client

    too_early, client = asyncio.run(go())
    assert not too_early
    assert client.replies[0]["ename"] == "DisallowedCodeError"


@pytest.mark.usefixtures("quick_looks")
@pytest.mark.parametrize("left", [False, True])
def test_a_refusal_does_not_wait_for_ever_for_a_reply_that_cannot_come(
    tmp_path: Path, policy: Path, left: bool
) -> None:
    """Nobody was there to see it, or the kernel, idle and silent, has sent none."""

    async def go() -> Client:
        kernel, client = Looks(tmp_path, policy, stirs=left), Client()
        await kernel.gate.open()
        kernel.gate.join(client)
        kernel.take(client, "1")
        if left:
            kernel.gate.leave(client)
            client = Client()
            kernel.gate.join(client)
        kernel.take(client, "import tosblocked")
        await until(lambda: client.replies)
        return client

    assert asyncio.run(go()).replies[0]["ename"] == "DisallowedCodeError"


@pytest.mark.parametrize("v1", [False, True])
def test_a_refusal_knows_of_replies_that_nobody_has_read_yet(tmp_path: Path, policy: Path, v1: bool) -> None:
    """Nor is it kept from its turn by something that cannot be read."""

    async def go() -> Client:
        client = Client()
        gate = KernelGate(lambda: gate_of(tmp_path, policy), lambda: False, LOG, lambda: True)
        await gate.open()
        gate.join(client)
        for number in range(3):
            raw = request(str(number))
            assert not gate.take(client, raw, execute_request(raw, v1=False))
            gate.note(b"execute_reply" if v1 else "execute_reply")
            gate.note(reply(f"id of {number}", v1, execution_count=number + 1))
        raw = request("import tosblocked")
        assert gate.take(client, raw, execute_request(raw, v1=False))
        await until(lambda: client.replies)
        return client

    client = asyncio.run(go())
    assert client.replies[0]["ename"] == "DisallowedCodeError"
    assert client.replies[0]["execution_count"] == 4
    assert client.sent[0]["header"]["session"] == "kernel"


def test_a_cell_that_the_kernel_stopped_is_not_mixed_up_with_one_that_the_gate_stopped(
    tmp_path: Path, policy: Path
) -> None:
    """``%tos run`` is about the one that was stopped last; the kernel knows its own."""

    async def go() -> Client:
        client = Client()
        gate = KernelGate(lambda: gate_of(tmp_path, policy), lambda: False, LOG, lambda: True)
        await gate.open()
        gate.join(client)
        raw = request("import toswarned")
        assert gate.take(client, raw, execute_request(raw, v1=False))
        await until(lambda: client.replies)
        raw = request("%run file.py")
        assert gate.take(client, raw, execute_request(raw, v1=False))
        await until(lambda: client.forwarded)
        gate.note(reply("id of %run file.py", status="error", ename="DisallowedCodeError"))
        raw = request("%tos run")
        if not gate.take(client, raw, execute_request(raw, v1=False)):
            client.forward(raw)
        await until(lambda: len(client.forwarded) > 1)
        return client

    assert asyncio.run(go()).forwarded[-1] == request("%tos run")


def test_a_client_that_is_quicker_than_we_are_is_not_taken_to_be_late(
    tmp_path: Path, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may read the end of a refusal, and make its next request, before we have gone on."""
    now = [0.0]
    monkeypatch.setattr(
        "jupyter_tos_guard.server.kernel_gate.time",
        SimpleNamespace(**{**vars(time), "monotonic": lambda: now[0]}),
    )

    class Quick(Client):
        def send(self, raw: Raw) -> None:
            super().send(raw)
            now[0] += 1

    async def go() -> Quick:
        client = Quick()
        gate = KernelGate(lambda: gate_of(tmp_path, policy), lambda: False, LOG, lambda: True)
        await gate.open()
        gate.join(client)
        raw = request("import tosblocked", date="2026-01-01T00:00:00Z")
        assert gate.take(client, raw, execute_request(raw, v1=False))
        now[0] += 1  # quiet
        await until(lambda: client.replies)
        for second in ("0.5", "2.0"):  # made while the refusal waited, and after it
            raw = request(second, date=f"2026-01-01T00:00:0{second}Z")
            if not gate.take(client, raw, execute_request(raw, v1=False)):
                client.forward(raw)
        return client

    client = asyncio.run(go())
    assert client.forwarded == [request("2.0", date="2026-01-01T00:00:02.0Z")]
