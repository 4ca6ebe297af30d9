"""One process at a time: by a lock that its holder's death lets go.

Never waits inside the system call, which on a network file system may hang.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nothing of the sort that its holder's death lets go
    fcntl = None  # type: ignore[assignment]


class Lock:
    """A lock on a file.

    Parameters
    ----------
    path : Path
        Made when missing, and never deleted: another process may have it open.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1
        self._pid = 0

    @property
    def is_held(self) -> bool:
        """Whether this very process holds it."""
        return self._file >= 0 and self._pid == os.getpid()

    def take(self) -> bool:
        """Take the lock if nobody has it.

        Raises
        ------
        OSError
            The file cannot be made, or the file system has no locks.
        """
        if self.is_held:
            return True
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        except OSError:
            os.close(file)
            raise
        self._file, self._pid = file, os.getpid()
        return True

    def give(self) -> None:
        """Let it go."""
        if self.is_held:
            os.close(self._file)
        self._file = -1

    @contextlib.contextmanager
    def held(self, seconds: float) -> Iterator[bool]:
        """Hold it for a while; yields False when somebody else has it for longer than ``seconds``."""
        until = time.monotonic() + seconds
        while not self.take():
            if time.monotonic() >= until:
                yield False
                return
            time.sleep(0.02)
        try:
            yield True
        finally:
            self.give()


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock: a look that takes it for a moment."""
    lock = Lock(path)
    try:
        return lock.take()
    except OSError:
        return False
    finally:
        lock.give()
