"""The durable local record of strikes, until somebody collects them.

Append-only JSON lines, **one file per process**, made durable (``fsync``)
before the caller tells the user anything. It judges nothing and sends nothing.

Why not SQLite: home folders on hubs are often NFS, where write-ahead
logging does not work and a lock can hang; a kernel stopped by a signal while it
holds a lock would hang all others. Why not one shared file: it needs such a
lock too. A file of one's own needs none, costs no import that the kernel has
not made already, and a server-side uploader can take whole files: it reads
complete lines, and may unlink a file at any time, since a writer looks before
each append whether its file is still linked and starts another if not.

A record is ``{"v": 1, "seq": N, "strike": {…}}``; ``seq`` counts from 1 in each
file without gaps, so that a missing line is seen. A torn last line (power
cut, ``kill -9`` in the middle of a write) is left out when reading.

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
from typing import NamedTuple

from jupyter_tos_guard.strikes.strike import Strike

VERSION = 1
_SUFFIX = ".jsonl"


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
        self._pid = 0
        self._seq = 0

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
                self._write(strikes)
            except OSError as error:
                self.state = _STATES.get(error.errno or 0, SpoolState.FAILED)
                self.detail = f"{self.folder}: {error.strerror or error}"
            else:
                self.state, self.detail = SpoolState.READY, ""
        return self.state

    def _write(self, strikes: Sequence[Strike]) -> None:
        file = self._open()
        lines = [
            json.dumps({"v": VERSION, "seq": self._seq + n, "strike": strike.to_json()}, allow_nan=False)
            for n, strike in enumerate(strikes, 1)
        ]
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

    def _open(self) -> int:
        """File to append to: the present one if it is ours, linked and small enough."""
        if self._file >= 0 and self._pid == os.getpid():
            status = os.fstat(self._file)
            if status.st_nlink and status.st_size < self._limits.file_bytes:
                return self._file
            self._close()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._prune()
        now = self._clock()
        name = f"{int(now * 1e3):015d}-{os.getpid()}-{os.urandom(4).hex()}{_SUFFIX}"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        self._file = os.open(self.folder / name, flags, 0o600)
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

    def _prune(self) -> None:
        """Delete what is too old, then the oldest until there is room."""
        oldest_kept = self._clock() - self._limits.days * 86400
        total, kept = self._limits.file_bytes, 1  # room for the file about to be made
        for path, status in sorted(_files(self.folder), key=lambda each: each[1].st_mtime, reverse=True):
            total, kept = total + status.st_size, kept + 1
            if status.st_mtime < oldest_kept or total > self._limits.total_bytes or kept > self._limits.files:
                with contextlib.suppress(OSError):
                    path.unlink()


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
    files = sorted(_files(folder), key=lambda each: each[1].st_mtime)[-limits.files :]
    room = limits.total_bytes
    chosen: list[Path] = []
    for path, status in reversed(files):
        room -= min(status.st_size, 2 * limits.file_bytes)
        if room < 0:
            break
        chosen.append(path)
    for path in reversed(chosen):
        yield from _strikes(path, 2 * limits.file_bytes)


def _strikes(path: Path, limit: int) -> Iterator[Strike]:
    # O_NONBLOCK: a pipe put there under our suffix must not hang the reader.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        with open(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return
            data = file.read(limit)
    except OSError:
        return
    for line in data.split(b"\n")[:-1]:  # what follows the last newline is torn
        strike = _strike(line)
        if strike is not None:
            yield strike


def _strike(line: bytes) -> Strike | None:
    try:
        record = json.loads(line)
        return Strike.from_json(record["strike"]) if record["v"] == VERSION else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _files(folder: Path) -> list[tuple[Path, os.stat_result]]:
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(_SUFFIX):
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
