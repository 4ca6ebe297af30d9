"""Sends the local record to the central server, and brings the account back.

What is on disk stays there until the server has said that it has it, in an answer that
it gives after its commit; and goes on lying there, for ``%tos strikes``, until it is too old.
How far that has got is in one small file that is replaced in one step. Losing it only means
that everything is sent again, which the server knows by each act's id. So there
is no moment at which a crash, here or there, loses a record or counts one twice:

=============================================  =====================================
killed …                                       then …
=============================================  =====================================
before a strike is on disk                     the cell has not been answered either
before the request, or while it is sent        it is sent later
after the server's commit, before its answer   it is sent again, and counts once
after the answer, before the state is written  it is sent again, and counts once
=============================================  =====================================

One at a time for each cache folder: the caller sees to that. Nothing here deletes a file
of the record, since a writer may still append to it (:mod:`jupyter_tos_guard.strikes.spool`).
"""

from __future__ import annotations

import gzip
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from jupyter_tos_guard.strikes.spool import Record, records, streams
from jupyter_tos_guard.sync.account import MAX_BYTES, AccountError, parse
from jupyter_tos_guard.sync.cache import ACCOUNT, read_active
from jupyter_tos_guard.sync.files import read_json, replace
from jupyter_tos_guard.sync.transport import NoAnswer, Refused, Transport

STATE: Final = "upload.json"
CLIENT: Final = "client.json"
#: One report holds no more than this: well within what the server and proxies take.
MAX_RECORDS: Final = 500
MAX_BYTES_SENT: Final = 512 << 10
MAX_ANNOUNCED: Final = 500
MAX_GUARDS: Final = 200
#: Reports sent in one go at most, so that a large backlog does not keep the policy waiting.
MAX_REPORTS: Final = 20
_STREAM = re.compile(r"[A-Za-z0-9._-]{1,100}")
_MAX_NUMBER = 2**53 - 1


class GuardState(NamedTuple):
    """One kernel, as it says about itself; reported to the central server."""

    kernel: str
    name: str
    state: str
    detail: str = ""


class Circumstances(NamedTuple):
    """What a report says beside the record."""

    server: str = ""
    mode: str = ""
    guards: Sequence[GuardState] = ()


class Reported(NamedTuple):
    """What came of reporting.

    Attributes
    ----------
    confirmed : int
        Records that the server has now and had not confirmed before.
    rejected : tuple of str
        What it said about records that it can never take.
    more : bool
        Whether there is more to send at once.
    account : Mapping or None
        Its answer about the user, checked and stored; None when it was not usable.
    problem : str
        What was wrong with the answer, though the records are there.
    next_seconds : float or None
        When it wants the next report.
    """

    confirmed: int
    rejected: tuple[str, ...]
    more: bool
    account: Mapping[str, Any] | None
    problem: str
    next_seconds: float | None


@dataclass
class _Stream:
    """How far one file has got.

    Attributes
    ----------
    offset : int
        Bytes that need not be read again.
    seq : int
        Number of the last record that the server has confirmed.
    whole : int
        Up to this number nothing is missing in the file itself.
    seen : int
        Highest number that is known to have been given, from the file or from a link to it.
    announced : int
        Highest number that the server was told of.
    """

    offset: int = 0
    seq: int = 0
    whole: int = 0
    seen: int = 0
    announced: int = 0


#: How the state file lists them.
_FIELDS: Final = ("offset", "seq", "whole", "seen", "announced")


@dataclass
class _Batch:
    """What goes into one report."""

    records: list[dict[str, Any]] = field(default_factory=list)
    #: For each stream, what it will be when this is confirmed.
    after: dict[str, _Stream] = field(default_factory=dict)
    size: int = 0
    more: bool = False

    @property
    def is_full(self) -> bool:
        return len(self.records) >= MAX_RECORDS or self.size >= MAX_BYTES_SENT


class Uploader:
    """Sends one folder of strikes.

    Parameters
    ----------
    spool : Path
        Folder of the record.
    cache : Path
        Folder for the state and the account.
    transport : Transport
    clock : callable
        Seconds since the epoch.
    """

    def __init__(
        self, spool: Path, cache: Path, transport: Transport, clock: Callable[[], float] = time.time
    ) -> None:
        self._spool = spool
        self._cache = cache
        self._transport = transport
        self._clock = clock
        self._sent = 0
        self._limit = MAX_RECORDS

    def report(self, now: Circumstances) -> Reported:
        """Send one report: as much of the record as fits, and how the guards are.

        Raises
        ------
        NoAnswer
            Nothing is confirmed; everything is still on disk.
        OSError
            The state cannot be written; what was sent will be sent again.
        """
        known = self._load()
        batch = self._collect(known)
        asked = self._clock()
        reply = self._send(batch, known, now, asked)
        acknowledged = reply.get("acknowledged")
        confirmed = self._confirm(batch, known, acknowledged if isinstance(acknowledged, dict) else {})
        account, problem = self._account(reply.get("account"), asked)
        seconds = reply.get("next_report_seconds")
        is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        return Reported(
            confirmed,
            _rejections(reply.get("rejected")),
            batch.more,
            account,
            problem,
            float(seconds) if is_number and seconds is not None else None,
        )

    def fetch_account(self) -> Mapping[str, Any] | None:
        """Ask how the user stands, and store it; None when the answer was not usable.

        Raises
        ------
        NoAnswer
        """
        asked = self._clock()
        reply = self._transport.ask("GET", "api/v1/account", limit=MAX_BYTES)
        account, problem = self._account(reply.body, asked)
        if problem:
            raise NoAnswer(problem)
        return account

    def waiting(self) -> int:
        """Count the records that the server has not confirmed."""
        known = self._load()
        count = 0
        for path, status in streams(self._spool):
            stream = known.get(path.stem) or _Stream()
            place = stream.offset if stream.offset <= status.st_size else 0
            if place < status.st_size:
                found, _ = records(path, place, status.st_size - place)
                count += sum(record.seq > stream.seq for record in found)
        return count

    @property
    def sent(self) -> int:
        """Records confirmed since the state was begun."""
        self._load()
        return self._sent

    # ---- what to send

    def _collect(self, known: dict[str, _Stream]) -> _Batch:
        """Read the next records, oldest file first."""
        batch = _Batch()
        files = streams(self._spool)
        for path, status in files:
            name = path.stem
            if not _STREAM.fullmatch(name):
                continue  # no file of ours
            stream = known.setdefault(name, _Stream())
            place = stream.offset if stream.offset <= status.st_size else 0  # it was shortened
            if place >= status.st_size:
                continue
            if batch.more or batch.is_full:
                batch.more = True  # in order: no later file before the rest of this one
                break
            here = _Stream(**{**vars(stream), "offset": place})
            self._read(path, status.st_size, here, batch, known)
        self._forget(known, {path.stem for path, _ in files})
        return batch

    def _read(self, path: Path, size: int, stream: _Stream, batch: _Batch, known: dict[str, _Stream]) -> None:
        name = path.stem
        room = max(1, MAX_BYTES_SENT - batch.size)
        found, end = records(path, stream.offset, room)
        for record in found:
            _take_link(record, known)
            if record.seq <= stream.seq or record.seq > _MAX_NUMBER:
                continue  # sent before, or forged
            if len(batch.records) >= self._limit:
                batch.more = True
                batch.after[name] = stream  # the rest of this piece is read again
                return
            batch.records.append({"stream": name, "seq": record.seq, "strike": record.strike})
            batch.size += len(json.dumps(record.strike))
            if record.seq == stream.whole + 1:
                stream.whole = record.seq
            stream.seq = record.seq
            stream.seen = max(stream.seen, record.seq)
        stream.offset = end
        batch.after[name] = stream
        batch.more = batch.more or bool(found and end < size)

    def _announcements(self, batch: _Batch, known: dict[str, _Stream]) -> dict[str, int]:
        """Streams of which the server does not know yet how far they have got."""
        found = {name: stream.seen for name, stream in batch.after.items() if stream.seen}
        for name, stream in known.items():
            if len(found) >= MAX_ANNOUNCED:
                break
            if stream.seen > stream.announced:
                found[name] = max(found.get(name, 0), stream.seen)
        return found

    # ---- sending

    def _send(
        self, batch: _Batch, known: dict[str, _Stream], now: Circumstances, asked: float
    ) -> dict[str, Any]:
        active = read_active(self._cache)
        announced = self._announcements(batch, known)
        body = {
            "v": 1,
            "client": self._client(),
            "server": now.server[:255],
            "sent": asked,
            "policy_version": (active.version if active else "")[:100],
            "mode": now.mode[:20],
            "serial": active.serial if active else 0,
            "guards": [
                {
                    "kernel": guard.kernel[:100],
                    "name": guard.name[:100],
                    "state": guard.state[:40],
                    "detail": guard.detail[:500],
                }
                for guard in now.guards[:MAX_GUARDS]
            ],
            "streams": [{"stream": name, "announced": seen} for name, seen in announced.items()],
            "records": batch.records,
        }
        packed = gzip.compress(json.dumps(body, separators=(",", ":")).encode("ascii"), 6, mtime=0)
        try:
            reply = self._transport.ask(
                "POST",
                "api/v1/reports",
                content=packed,
                headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
                limit=MAX_BYTES + (1 << 20),
            )
        except Refused as error:
            if error.status == 413 and self._limit > 1:
                self._limit = max(1, self._limit // 2)  # a proxy on the way may take less
            raise
        if not isinstance(reply.body, dict) or reply.body.get("v") != 1:
            raise NoAnswer(
                f"{self._transport.central} did not answer as a central server does; is this URL right?"
            )
        self._limit = min(MAX_RECORDS, self._limit * 2)
        for name, seen in announced.items():
            known.setdefault(name, _Stream()).announced = seen
            if name in batch.after:
                batch.after[name].announced = seen
        return reply.body

    def _confirm(self, batch: _Batch, known: dict[str, _Stream], acknowledged: Mapping[Any, Any]) -> int:
        """Take over what the server has; what it does not have is sent again from where it has it."""
        confirmed = 0
        by_stream: dict[str, int] = {}
        for record in batch.records:
            by_stream[record["stream"]] = by_stream.get(record["stream"], 0) + 1
        for name, stream in batch.after.items():
            number = by_stream.get(name, 0)
            if not number:
                known[name] = stream
                continue
            has = acknowledged.get(name)
            if isinstance(has, bool) or not isinstance(has, int) or has < 0:
                continue  # it says nothing about it: not confirmed
            # Where records are missing in the file itself, no server can have all up to the last one.
            if has >= stream.whole:
                known[name] = stream
                confirmed += number
            else:
                known[name] = _Stream(0, has, has, stream.seen, stream.announced)
        self._sent += confirmed
        self._save(known)
        return confirmed

    def _account(self, data: object, asked: float) -> tuple[Mapping[str, Any] | None, str]:
        """Store the answer about the user when it can be used; the last good one stays otherwise."""
        try:
            if not isinstance(data, dict):
                raise AccountError("the central server's answer about this account is no object")
            parse(data, asked)
            raw = json.dumps({**data, "fetched": asked}).encode("ascii")
            if len(raw) > MAX_BYTES:
                raise AccountError(f"the central server's answer about this account has {len(raw)} bytes")
        except AccountError as error:
            return None, str(error)
        replace(self._cache / ACCOUNT, raw)
        return data, ""

    # ---- the state

    def _load(self) -> dict[str, _Stream]:
        """Read the state from disk each time: another process may have sent something meanwhile."""
        data = read_json(self._cache / STATE, 8 << 20) or {}
        streams_, sent = data.get("streams"), data.get("sent")
        if data.get("v") != 1 or data.get("central") != self._transport.central:
            streams_, sent = {}, 0  # another central server has none of it
        self._sent = sent if isinstance(sent, int) else 0
        return {
            name: _Stream(*values)
            for name, values in (streams_ if isinstance(streams_, dict) else {}).items()
            if isinstance(values, list)
            and len(values) == len(_FIELDS)
            and all(type(value) is int and value >= 0 for value in values)
        }

    def _save(self, known: dict[str, _Stream]) -> None:
        data = {
            "v": 1,
            "central": self._transport.central,
            "sent": self._sent,
            "streams": {name: [getattr(stream, each) for each in _FIELDS] for name, stream in known.items()},
        }
        if data != read_json(self._cache / STATE, 8 << 20):
            replace(self._cache / STATE, json.dumps(data).encode("ascii"))

    def _forget(self, known: dict[str, _Stream], there: set[str]) -> None:
        """Drop what is said about files that are gone, once the server knows how far they had got."""
        for name in [name for name, stream in known.items() if name not in there]:
            if known[name].announced >= known[name].seen:
                del known[name]

    def _client(self) -> str:
        """Return this installation's own random name: sequence numbers are counted under it."""
        data = read_json(self._cache / CLIENT) or {}
        name = data.get("client")
        if not isinstance(name, str) or not re.fullmatch(r"[0-9a-f]{32}", name):
            name = secrets.token_hex(16)
            replace(self._cache / CLIENT, json.dumps({"client": name}).encode())
        return name


def _take_link(record: Record, known: dict[str, _Stream]) -> None:
    """Note how far the file before this one had got."""
    link = record.after
    if link and _STREAM.fullmatch(link.stream) and 0 < link.seq <= _MAX_NUMBER:
        before = known.setdefault(link.stream, _Stream())
        before.seen = max(before.seen, link.seq)


def _rejections(data: object) -> tuple[str, ...]:
    if not isinstance(data, list):
        return ()
    return tuple(str(each.get("problem"))[:300] for each in data[:100] if isinstance(each, dict))
