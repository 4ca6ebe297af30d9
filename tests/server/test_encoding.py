"""Messages on the websocket: what is looked at, what never is, and what two readers could read differently."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_server.services.kernels.connection.base import (
    deserialize_binary_message,
    deserialize_msg_from_ws_v1,
    serialize_binary_message,
    serialize_msg_to_ws_v1,
)

from jupyter_tos_guard.server import encoding
from jupyter_tos_guard.server.encoding import (
    Malformed,
    address,
    changed,
    encode,
    execute_request,
    join,
    may_matter,
    seen,
    split,
)

HEADER = {"msg_id": "1", "msg_type": "execute_request", "session": "s", "username": "u", "version": "5.3"}
CONTENT = {"code": "x = '☃'", "silent": False}


def v1(header: dict[str, object], content: dict[str, object], *buffers: bytes) -> bytes:
    parts = [json.dumps(part).encode() for part in (header, {}, {}, content)]
    return serialize_msg_to_ws_v1([*parts, *buffers], "shell")


def legacy(header: dict[str, object], content: dict[str, object], *buffers: bytes) -> bytes | str:
    message = {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content}
    if buffers:
        return serialize_binary_message({**message, "buffers": list(buffers)})
    return json.dumps(message)


@pytest.mark.parametrize("buffers", [(), (b"\x00" * 9, b"")])
def test_requests_are_read_in_each_encoding(buffers: tuple[bytes, ...]) -> None:
    for raw, named in ((v1(HEADER, CONTENT, *buffers), True), (legacy(HEADER, CONTENT, *buffers), False)):
        message = execute_request(raw, named)
        assert message is not None
        assert (message.code, message.id, message.channel) == (CONTENT["code"], "1", "shell")
        assert tuple(message.buffers) == buffers
        assert address(raw, named) == ("shell", "")


@pytest.mark.parametrize("buffers", [(), (b"\x00" * 9, b"")])
def test_a_changed_request_differs_in_what_was_changed_alone(buffers: tuple[bytes, ...]) -> None:
    raw = v1(HEADER, CONTENT, *buffers)
    message = execute_request(raw, True)
    assert message is not None
    channel, parts = deserialize_msg_from_ws_v1(changed(message, "y", {"a": 1}))
    before = deserialize_msg_from_ws_v1(raw)[1]
    assert channel == "shell"
    assert [parts[0], parts[1], *parts[4:]] == [before[0], before[1], *before[4:]]
    assert json.loads(parts[2]) == {"a": 1}
    assert json.loads(parts[3]) == {**CONTENT, "code": "y"}
    message = execute_request(legacy(HEADER, CONTENT, *buffers), False)
    assert message is not None
    other = changed(message, "y", {"a": 1})
    whole = deserialize_binary_message(other) if isinstance(other, bytes) else json.loads(other)
    assert whole["content"] == {**CONTENT, "code": "y"}
    assert whole["header"] == HEADER
    assert tuple(whole["buffers"]) == buffers


def test_what_is_no_request_is_never_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    header = {**HEADER, "msg_type": "comm_msg"}
    content = {"data": "execute_reply" * 1000}
    raws = [(v1(header, content, b"x" * 10**6), True), (legacy(header, content, b"x" * 10**6), False)]
    raws.append((legacy(header, content), False))

    def refuse(*args: object, **keywords: object) -> object:
        raise AssertionError("decoded")

    monkeypatch.setattr(encoding.json, "loads", refuse)
    for raw, named in raws:
        assert execute_request(raw, named) is None
    assert not may_matter(raws[0][0], statuses=True)


@pytest.mark.parametrize("named", [False, True])
def test_output_about_replies_is_not_taken_for_one(named: bool) -> None:
    content = {"name": "stdout", "text": 'an "execute_reply" and a kernel_info_reply\n'}
    raw = encode("stream", content, HEADER, channel="iopub", session="k", metadata={}, v1=named)
    assert not may_matter(raw, statuses=True)


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_read_or_refused(raw: bytes, named: bool) -> None:
    try:
        message = execute_request(raw, named)
    except Malformed:
        return
    assert message is None or message.header


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(raw: str) -> None:
    try:
        message = execute_request(raw, False)
    except Malformed:
        return
    assert message is None


@given(st.text(max_size=5), st.lists(st.binary(max_size=20), min_size=4, max_size=7))
def test_joining_is_what_jupyter_server_does_and_splitting_its_inverse(
    channel: str, parts: list[bytes]
) -> None:
    try:
        raw = serialize_msg_to_ws_v1(parts, channel)
    except UnicodeEncodeError:
        return
    assert join(channel, parts) == raw
    assert split(raw) == (channel, parts)
    assert deserialize_msg_from_ws_v1(raw) == (channel, parts)


@pytest.mark.parametrize("named", [False, True])
def test_what_is_sent_to_a_client_is_seen_again(named: bool) -> None:
    for kind, content, wanted in (
        ("execute_reply", {"status": "ok"}, "execute_reply"),
        ("status", {"execution_state": "idle"}, "idle"),
    ):
        raw = encode(kind, content, HEADER, channel="shell", session="k", metadata={}, v1=named)
        assert may_matter(raw, statuses=True)
        assert may_matter(raw, statuses=False) is (kind != "status")
        found = seen(raw)
        assert found is not None
        assert (found.kind, found.request, found.session, found.content) == (wanted, "1", "k", content)
    busy = encode(
        "status", {"execution_state": "busy"}, HEADER, channel="iopub", session="k", metadata={}, v1=named
    )
    assert seen(busy) is None


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        '{"code": "import tosblocked"}',
        ["import tosblocked"],
        {"code": ["import tosblocked"]},
        {"code": {"1": "import tosblocked"}},
        {"code": "1", "user_expressions": 5},
        {"code": "1", "user_expressions": ["import tosblocked"]},
        {"code": "1", "user_variables": ["__import__('tosblocked')"]},
        {"code": "1", "user_variables": {"__import__('tosblocked')": 1}},
    ],
)
def test_a_request_that_a_kernel_may_run_otherwise_than_it_says_is_refused(content: Any, named: bool) -> None:
    raw = v1(HEADER, content) if named else legacy(HEADER, content)
    with pytest.raises(Malformed):
        execute_request(raw, v1=named)
