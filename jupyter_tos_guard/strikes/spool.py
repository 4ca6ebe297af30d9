"""The durable local record of strikes, until somebody collects them.

Append-only JSON lines, **one file per process**, made durable (``fsync``)
before the caller tells the user anything. It judges nothing and sends nothing.

Why not SQLite: home folders on hubs are often NFS, where write-ahead
logging does not work and a lock can hang; a kernel stopped by a signal while it
holds a lock would hang all others. Why not one shared file: it needs such a
lock too. A file of one's own needs none, costs no import that the kernel has
not made already, and the uploader reads complete lines while the writer goes on.

A record is ``{"v": 1, "seq": N, "strike": {…}}``; ``seq`` counts from 1 in each
file without gaps, so that a missing line is seen. The first record of a file
has ``"after": {"stream": NAME, "seq": N}`` besides: the file written last before this
one, and how far it had got. So a deleted or shortened file is seen as long as a later one
is there. A torn last line (power cut, ``kill -9`` in the middle of a write) is left out when reading.

Who may delete a file that somebody else may still append to? Only
:meth:`Spool._prune`, and only so that nothing is lost that an append has called durable: it
gives the file another name first, and brings it back when it has grown since it was
looked at; a writer looks after each append whether its file still has its name, and
writes the record again, elsewhere, if not. So an append that happens before the
renaming is seen by the one, and one that happens after it by the other; in between a
record may be written twice, and counts once, by its id.

The user owns these files and can delete or change them: they are a record
for honest failures, not proof against their owner (``docs/limitations.md``).
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_tos_guard.strikes.strike import Strike

VERSION = 1
_SUFFIX = ".jsonl"
#: Of a file that is about to be deleted.
_GOING = ".going"
#: Longest record that is read, in bytes: several times what :meth:`Strike.to_json` can make.
MAX_RECORD = 1 << 18


class SpoolState(str, Enum):
    """How recording goes; the last append decides."""

    READY = "ready"
    FULL = "disk-full"
    READ_ONLY = "read-only"
    DENIED = "permission-denied"
    FAILED = "failed"

    __str__ = str.__str__


class Limits(NamedTuple):
    """How much may lie in the folder, and for how long.

    ``file_bytes`` and ``total_bytes`` in bytes; ``days`` counts from the last
    write to a file. What is over the bounds goes oldest file first.
    """

    file_bytes: int = 1 << 20
    total_bytes: int = 16 << 20
    files: int = 512
    days: float = 90.0


#: What holds unless the operator says otherwise.
LIMITS = Limits()


class Link(NamedTuple):
    """A file of the record by its name without suffix, and the number of its last known record."""

    stream: str
    seq: int


class Record(NamedTuple):
    """One line of a file; ``after`` is there on first lines only."""

    seq: int
    strike: dict[str, Any]
    after: Link | None


class Spool:
    """Where one process puts its strikes.

    Nothing is opened or made before the first strike, so a kernel whose
    cells are all honest leaves no trace and pays nothing.

    Parameters
    ----------
    folder : Path
        Made with mode 0700 when missing; files in it have mode 0600.
    limits : Limits, optional
    clock : callable, optional
        Seconds since the epoch.
    """

    def __init__(self, folder: Path, limits: Limits = LIMITS, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self.state = SpoolState.READY
        self.detail = ""
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._file = -1
        self._path = folder
        self._pid = 0
        self._seq = 0
        self._after: Link | None = None

    def append(self, strikes: Sequence[Strike]) -> SpoolState:
        """Put strikes on disk; they are durable when this returns ``READY``.

        Never raises for what the disk does: the outcome is :attr:`state`, its
        reason in words :attr:`detail`.

        Parameters
        ----------
        strikes : sequence of Strike
            Written together: all of them or none.
        """
        if not strikes:
            return self.state
        with self._lock:
            try:
                while not self._write(strikes):
                    self._close()  # taken away during the append; the name of the next file is new
            except OSError as error:
                self.state = _STATES.get(error.errno or 0, SpoolState.FAILED)
                self.detail = f"{self.folder}: {error.strerror or error}"
            else:
                self.state, self.detail = SpoolState.READY, ""
        return self.state

    def _write(self, strikes: Sequence[Strike]) -> bool:
        """Append; False when the file was taken away meanwhile, so that the append counts for nothing."""
        file = self._open()
        lines = []
        for number, strike in enumerate(strikes, self._seq + 1):
            record = {"v": VERSION, "seq": number, "strike": strike.to_json()}
            if number == 1 and self._after:
                record["after"] = self._after._asdict()
            lines.append(json.dumps(record, allow_nan=False))
        # json.dumps escapes everything beyond ASCII, lone surrogates too, so this cannot fail.
        data = ("\n".join(lines) + "\n").encode("ascii")
        before = os.fstat(file).st_size
        try:
            written = os.write(file, data)
            if written != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(file, before)
            self._close()  # whatever happened to this file, the next record starts a clean one
            raise
        self._seq += len(lines)
        return self._is_named()

    def _is_named(self) -> bool:
        """Whether the open file is the one that its name leads to."""
        try:
            return os.path.samestat(os.fstat(self._file), os.stat(self._path, follow_symlinks=False))
        except OSError:
            return False

    def _open(self) -> int:
        """File to append to: the present one if it is ours, linked and small enough."""
        if self._file >= 0 and self._pid == os.getpid():
            if self._is_named() and os.fstat(self._file).st_size < self._limits.file_bytes:
                return self._file
            self._close()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._prune()
        self._after = self._latest()
        now = self._clock()
        name = f"{int(now * 1e6):018d}-{os.getpid()}-{os.urandom(4).hex()}{_SUFFIX}"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        self._path = self.folder / name
        self._file = os.open(self._path, flags, 0o600)
        self._pid, self._seq = os.getpid(), 0
        with contextlib.suppress(OSError):  # not every file system lets a folder be synced
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        return self._file

    def _close(self) -> None:
        file, self._file = self._file, -1
        if self._pid == os.getpid():  # after a fork the number may be somebody else's
            with contextlib.suppress(OSError):
                os.close(file)

    def _latest(self) -> Link | None:
        """Return the file written last before the one about to be made: our own, else anybody's."""
        if self._seq and self._pid == os.getpid():
            return Link(self._path.stem, self._seq)
        files = sorted(_files(self.folder), key=lambda each: (each[1].st_mtime, each[0].name), reverse=True)
        for path, _ in files[:4]:  # files of processes that were killed at once may be empty
            link = last_record(path)
            if link:
                return link
        return None

    def _prune(self) -> None:
        """Delete what is too old, then the oldest until there is room."""
        _bring_back(self.folder)
        oldest_kept = self._clock() - self._limits.days * 86400
        total, kept = self._limits.file_bytes, 1  # room for the file about to be made
        for path, status in sorted(_files(self.folder), key=lambda each: each[1].st_mtime, reverse=True):
            total, kept = total + status.st_size, kept + 1
            if status.st_mtime < oldest_kept or total > self._limits.total_bytes or kept > self._limits.files:
                with contextlib.suppress(OSError):
                    _delete(path, status)


def records(path: Path, offset: int, limit: int) -> tuple[list[Record], int]:
    """Read whole records of one file from a place in it, for whoever sends them on.

    Parameters
    ----------
    path : Path
    offset : int
        In bytes: the start of a line.
    limit : int
        Bytes to read; a record that is longer is read all the same, up to :data:`MAX_RECORD`.

    Returns
    -------
    list of Record
        Lines that are no records are left out; the numbers show that they are missing.
    int
        Where to go on; what follows is no whole line yet.
    """
    data = _bytes(path, offset, max(limit, MAX_RECORD))
    if b"\n" not in data:
        # Not finished yet, or too long to be a record of ours.
        return [], offset + len(data) if len(data) >= MAX_RECORD else offset
    end = max(data.rfind(b"\n", 0, limit), data.find(b"\n")) + 1
    found = []
    for line in data[:end].split(b"\n")[:-1]:
        record = _record(line)
        if record:
            found.append(record)
    return found, offset + end


def last_record(path: Path) -> Link | None:
    """Return the number of a file's last whole record; None when there is none."""
    try:
        size = path.stat().st_size
    except OSError:
        return None
    data = _bytes(path, max(0, size - MAX_RECORD), MAX_RECORD)
    for line in reversed(data.split(b"\n")[:-1]):
        record = _record(line)
        if record:
            return Link(path.stem, record.seq)
    return None


def streams(folder: Path) -> list[tuple[Path, os.stat_result]]:
    """Return the files of a folder, in the order in which they were begun."""
    return sorted(_files(folder), key=lambda each: each[0].name)


def read(folder: Path, limits: Limits = LIMITS) -> Iterator[Strike]:
    """Yield every whole strike in the folder, file by file, oldest file first.

    Torn, foreign and unreadable records are left out; a missing folder is empty.

    Parameters
    ----------
    folder : Path
    limits : Limits, optional
        No more than ``files`` files and ``total_bytes`` bytes are looked at,
        the newest.
    """
    for path, _ in newest(folder, limits):
        yield from strikes_from(path, 0, 2 * limits.file_bytes)[0]


def newest(folder: Path, limits: Limits) -> list[tuple[Path, os.stat_result]]:
    """Return the files that are looked at within the limits, the one written last at the end."""
    files = sorted(_files(folder), key=lambda each: each[1].st_mtime)[-limits.files :]
    room = limits.total_bytes
    chosen: list[tuple[Path, os.stat_result]] = []
    for path, status in reversed(files):
        room -= min(status.st_size, 2 * limits.file_bytes)
        if room < 0:
            break
        chosen.append((path, status))
    return chosen[::-1]


def strikes_from(path: Path, offset: int, limit: int) -> tuple[list[Strike], int]:
    """Read the whole strikes of one file from a place in it.

    Parameters
    ----------
    path : Path
    offset : int
        In bytes: the start of a line.
    limit : int
        Nothing beyond this place is read, in bytes from the file's beginning.

    Returns
    -------
    list of Strike
        Foreign and unreadable records are left out.
    int
        Where to go on: what follows the last newline is torn, or not finished yet.
    """
    data = _bytes(path, offset, max(0, limit - offset))
    end = data.rfind(b"\n") + 1
    found = [strike for line in data[:end].split(b"\n")[:-1] if (strike := _strike(line)) is not None]
    return found, offset + end


def _strike(line: bytes) -> Strike | None:
    try:
        record = json.loads(line)
        return Strike.from_json(record["strike"]) if record["v"] == VERSION else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _record(line: bytes) -> Record | None:
    try:
        data = json.loads(line)
        seq, strike, after = data["seq"], data["strike"], data.get("after")
        if data["v"] != VERSION or type(seq) is not int or seq < 1 or not isinstance(strike, dict):
            return None
        link = None
        if isinstance(after, dict) and isinstance(after.get("stream"), str) and type(after.get("seq")) is int:
            link = Link(after["stream"][:200], after["seq"])
        return Record(seq, strike, link)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _bytes(path: Path, offset: int, limit: int) -> bytes:
    # O_NONBLOCK: a pipe put there under our suffix must not hang the reader.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        with open(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return b""
            file.seek(offset)
            return file.read(limit)
    except OSError:
        return b""


def _delete(path: Path, status: os.stat_result) -> None:
    """Delete a file, unless it has grown since it was looked at."""
    going = path.with_suffix(_GOING)
    path.rename(going)
    now = going.stat()
    if (now.st_size, now.st_mtime_ns, now.st_ino) == (status.st_size, status.st_mtime_ns, status.st_ino):
        going.unlink()
    else:
        going.rename(path)


def _bring_back(folder: Path) -> None:
    """Give files their name back whose deletion was interrupted."""
    for path, _ in _files(folder, _GOING):
        with contextlib.suppress(OSError):
            path.rename(path.with_suffix(_SUFFIX))


def _files(folder: Path, suffix: str = _SUFFIX) -> list[tuple[Path, os.stat_result]]:
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(suffix):
                    with contextlib.suppress(OSError):
                        status = entry.stat(follow_symlinks=False)
                        if stat.S_ISREG(status.st_mode):
                            found.append((Path(entry.path), status))
    except OSError:
        return []
    return found


_STATES = {
    errno.ENOSPC: SpoolState.FULL,
    errno.EDQUOT: SpoolState.FULL,
    errno.EFBIG: SpoolState.FULL,
    errno.EROFS: SpoolState.READ_ONLY,
    errno.EACCES: SpoolState.DENIED,
    errno.EPERM: SpoolState.DENIED,
}
