"""Kernel messages as they travel on a websocket, in both encodings.

Takes messages apart only as far as is needed to know that they are no execute
requests, and puts messages together. Pure: it decides nothing and sends nothing.

What is read here must be what the kernel will read. So a request that two readers
could read differently (a key twice, a key in other letters, a text where an object
belongs) is :class:`Malformed`; no real client sends such.
"""

from __future__ import annotations

import itertools
import json
import re
import struct
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from types import NoneType
from typing import Any, NamedTuple

from jupyter_client import protocol_version  # type: ignore[attr-defined]  # not in its __all__

V1 = "v1.kernel.websocket.jupyter.org"
EXECUTE = "execute_request"

Raw = str | bytes
Json = dict[str, Any]

_EXECUTE = EXECUTE.encode()
#: Escapes with which JSON can spell a letter or an underscore.
_SPELT = re.compile(r"\\u00[4-7]")
#: Characters within which a header that comes first ends.
_HEADER_WITHIN = 4000
_PARTS = ("header", "parent_header", "metadata", "content")
_NAMES = frozenset(
    "header parent_header metadata content channel msg_type msg_id session subshell_id date code silent "
    "store_history user_expressions stop_on_error".split()
)
#: All keys of most requests.
_USUAL = _NAMES | {"username", "version", "allow_stdin", "buffers"}


class Malformed(ValueError):
    """A message that is not to reach a kernel: it cannot be read, or be read in two ways."""


class Message(NamedTuple):
    """An execute request, taken apart.

    Attributes
    ----------
    raw : str or bytes
        As it came.
    v1 : bool
        Whether it came in the encoding :data:`V1`.
    channel : str
    header, parent, metadata, content : dict
    buffers : sequence of bytes
    id : str
        ``msg_id``.
    subshell : str
        Id of the subshell that it is for; empty for the main shell.
    code : str or None
        What is to run.
    silent : bool
        Whether it asks not to be shown or counted.
    stops : bool
        Whether an error in it aborts what is queued behind.
    """

    raw: Raw
    v1: bool
    channel: str
    header: Json
    parent: Json
    metadata: Json
    content: Json
    buffers: Sequence[bytes]
    id: str
    subshell: str
    code: str | None
    silent: bool
    stops: bool


class Seen(NamedTuple):
    """What a message on its way to a client says about a request.

    ``kind`` is ``execute_reply``, ``kernel_info_reply`` or ``idle``; ``request`` the
    request's id; ``session`` the kernel's.
    """

    kind: str
    request: str
    session: str
    content: Json


def execute_request(raw: Raw, v1: bool) -> Message | None:
    """Return the message if it is an execute request, None if it is anything else.

    Parameters
    ----------
    raw : str or bytes
        As it came from the client.
    v1 : bool
        Whether the connection speaks :data:`V1`.

    Raises
    ------
    Malformed
    """
    if isinstance(raw, str):
        if EXECUTE not in raw and not ("\\u00" in raw and _SPELT.search(raw)):
            return None
        return _message(raw, False, _loads(raw), ())
    if v1:
        offsets = _offsets(raw)
        header = raw[offsets[1] : offsets[2]]
        if _EXECUTE not in header and b"\\" not in header:
            return None
        loaded = _loads(header)
        if not _is_execute(loaded):
            return None  # its content may be large, and is nobody's business here
        channel, parts = _split(raw, offsets)
        parent, metadata, content = map(_loads, parts[1:4])
        whole = {"header": loaded, "parent_header": parent, "metadata": metadata, "content": content}
        return _message(raw, True, {**whole, "channel": channel}, parts[4:])
    first, *buffers = _blobs(raw)
    if _EXECUTE not in first and b"\\u00" not in first:
        return None
    return _message(raw, False, _loads(first), buffers)


def address(raw: Raw, v1: bool) -> tuple[str, str]:
    """Return the channel and the subshell that any message is for."""
    if isinstance(raw, bytes) and v1:
        channel, parts = split(raw)
        header = _loads(parts[0])
    else:
        whole = _loads(raw if isinstance(raw, str) else _blobs(raw)[0])
        channel, header = whole.get("channel") or "shell", whole.get("header")
    subshell = header.get("subshell_id") if isinstance(header, dict) else None
    return str(channel), str(subshell or "")


def may_matter(raw: Raw, statuses: bool) -> bool:
    """Whether a message to a client may be one of those that :func:`seen` tells of, by a look at its header.

    Parameters
    ----------
    raw : str or bytes
        Bytes are in the encoding :data:`V1`.
    statuses : bool
        Whether to look for ``idle`` too. Few messages are replies, half are statuses.
    """
    if isinstance(raw, str):
        # jupyter_server writes the header first; what follows may be megabytes of output. The quotation
        # mark is escaped in a text, so that only one that ends like this is taken for a reply.
        end = _HEADER_WITHIN if raw.startswith('{"header"') else len(raw)
        return raw.find('_reply"', 0, end) >= 0 or (statuses and raw.find('"status"', 0, end) >= 0)
    start, end = struct.unpack_from("<2Q", raw, 16)
    return raw.find(b'_reply"', start, end) >= 0 or (statuses and raw.find(b'"status"', start, end) >= 0)


def seen(raw: Raw) -> Seen | None:
    """Return what a message to a client says about a request; None when that does not matter to the gate.

    Parameters
    ----------
    raw : str or bytes
        One that :func:`may_matter`.
    """
    if isinstance(raw, str):
        whole = json.loads(raw)
    else:
        _, parts = split(raw)
        whole = dict(zip(_PARTS, map(json.loads, parts[:4]), strict=True))
    kind = whole["header"]["msg_type"]
    content = whole["content"]
    if kind == "status" and content.get("execution_state") == "idle":
        kind = "idle"
    elif kind not in ("execute_reply", "kernel_info_reply"):
        return None
    request = whole.get("parent_header") or {}
    return Seen(kind, str(request.get("msg_id", "")), str(whole["header"].get("session", "")), content)


def changed(message: Message, code: str, metadata: Mapping[str, Any]) -> Raw:
    """Return the request with other code and metadata, in the encoding in which it came."""
    content = {**message.content, "code": code}
    metadata = {**message.metadata, **metadata}
    if isinstance(message.raw, bytes) and message.v1:
        _, parts = split(message.raw)
        return join(message.channel, [*parts[:2], _dumps(metadata), _dumps(content), *parts[4:]])
    whole = {
        "channel": message.channel,
        "header": message.header,
        "parent_header": message.parent,
        "metadata": metadata,
        "content": content,
    }
    if isinstance(message.raw, str):
        return json.dumps({**whole, "buffers": []})
    blobs = [_dumps(whole), *message.buffers]
    offsets = [4 * (len(blobs) + 1)]
    for blob in blobs[:-1]:
        offsets.append(offsets[-1] + len(blob))
    return b"".join([struct.pack(f"!{len(blobs) + 1}I", len(blobs), *offsets), *blobs])


def encode(
    kind: str,
    content: Json,
    parent: Json,
    *,
    channel: str,
    session: str,
    metadata: Mapping[str, Any],
    v1: bool,
) -> Raw:
    """Return a message of a kernel's, ready for a client's websocket.

    Parameters
    ----------
    kind : str
        ``msg_type``.
    content, parent, metadata : dict
    channel : str
    session : str
        The kernel's: JupyterLab drops what it is about to show when a message of another session
        comes in between.
    v1 : bool
    """
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": kind,
        "username": "username",
        "session": session,
        "date": now(),
        "version": protocol_version,
    }
    if v1:
        return join(channel, [_dumps(part) for part in (header, parent, dict(metadata), content)])
    return json.dumps(
        {
            "header": header,
            "msg_id": header["msg_id"],
            "msg_type": kind,
            "parent_header": parent,
            "metadata": dict(metadata),
            "content": content,
            "buffers": [],
            "channel": channel,
        }
    )


def now() -> str:
    """Return the time as kernel messages write it."""
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")


def split(raw: bytes) -> tuple[str, list[bytes]]:
    """Return channel and parts of a message in the encoding :data:`V1`."""
    return _split(raw, _offsets(raw))


def _split(raw: bytes, offsets: tuple[int, ...]) -> tuple[str, list[bytes]]:
    parts = [raw[start:end] for start, end in itertools.pairwise(offsets[1:])]
    try:
        return raw[offsets[0] : offsets[1]].decode(), parts
    except UnicodeDecodeError as error:
        raise Malformed("the name of a channel is not text") from error


def join(channel: str, parts: Sequence[bytes]) -> bytes:
    """Return a message in the encoding :data:`V1`; the other way round of :func:`split`."""
    pieces = [channel.encode(), *parts]
    offsets = [8 * (len(pieces) + 2)]
    for piece in pieces:
        offsets.append(offsets[-1] + len(piece))
    return b"".join([struct.pack(f"<{len(offsets) + 1}Q", len(offsets), *offsets), *pieces])


def _offsets(raw: bytes) -> tuple[int, ...]:
    try:
        (count,) = struct.unpack_from("<Q", raw)
        if not 6 <= count <= len(raw) // 8:
            raise Malformed(f"a message has {count} offsets")
        return struct.unpack_from(f"<{count}Q", raw, 8)
    except struct.error as error:
        raise Malformed("a message is too short") from error


def _blobs(raw: bytes) -> list[bytes]:
    """Return the parts of a message with buffers in the encoding without a name."""
    try:
        (count,) = struct.unpack_from("!i", raw)
        if not 1 <= count <= len(raw) // 4:
            raise Malformed(f"a message has {count} parts")
        offsets = [*struct.unpack_from(f"!{count}I", raw, 4), None]
    except struct.error as error:
        raise Malformed("a message is too short") from error
    return [raw[start:end] for start, end in itertools.pairwise(offsets)]


def _message(raw: Raw, v1: bool, whole: Any, buffers: Sequence[bytes]) -> Message | None:
    header = whole.get("header") if isinstance(whole, dict) else None
    if not isinstance(header, dict) or not _is_execute(header):
        return None
    parent, metadata, content = whole.get("parent_header"), whole.get("metadata"), whole.get("content")
    if not isinstance(content, dict):
        if content is not None:  # jupyter_client sends a text on as if it were JSON already
            raise Malformed("the content of a request is no object")
        content = {}
    code = content.get("code")
    if not isinstance(code, (str, NoneType)):  # some kernels run a list of lines, too
        raise Malformed("code in a request is no text")
    if not isinstance(content.get("user_expressions"), (dict, NoneType)):
        raise Malformed("user_expressions in a request is no object")
    if content.get("user_variables"):  # of protocol 4: kernels make expressions of them
        raise Malformed("a request has user_variables, which ended with version 5 of the protocol")
    for mapping in (whole, header, content):
        if mapping.keys() <= _USUAL:
            continue
        if any(key.casefold() in _NAMES for key in mapping.keys() - _NAMES):
            raise Malformed("a request has a key in other letters than it is written in")
    silent = bool(content.get("silent"))
    return Message(
        raw,
        v1,
        str(whole.get("channel") or "shell"),
        header,
        parent if isinstance(parent, dict) else {},
        metadata if isinstance(metadata, dict) else {},
        content,
        buffers,
        str(header.get("msg_id", "")),
        str(header.get("subshell_id") or ""),
        code,
        silent,
        not silent and bool(content.get("stop_on_error", True)),
    )


def _is_execute(header: object) -> bool:
    if not isinstance(header, dict):
        raise Malformed("a message has no header")
    if header.get("msg_type") == EXECUTE:
        return True
    return any(value == EXECUTE for key, value in header.items() if key.casefold() == "msg_type")


def _loads(text: Raw) -> Any:
    try:
        if isinstance(text, bytes):
            usual = text.startswith((b'{"', b"{}"))
            text = text.decode("utf-8" if usual else json.detect_encoding(text), "surrogatepass")
        text = text.strip(_SPACE)
        value, end = _decoder.raw_decode(text)
        if end != len(text):
            raise Malformed("a message has something behind its end")
        return value
    except (ValueError, RecursionError) as error:
        raise Malformed(f"a message cannot be read: {error}"[:200]) from error


def _unambiguous(pairs: list[tuple[str, Any]]) -> Json:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise Malformed("a message has a key twice")
    return mapping


#: As ``json.loads`` reads, which would make a new decoder for each part of each request.
_decoder = json.JSONDecoder(object_pairs_hook=_unambiguous)
_SPACE = " \t\n\r"


def _dumps(value: object) -> bytes:
    return json.dumps(value).encode()
