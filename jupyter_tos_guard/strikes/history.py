"""What the ladder counts of a local record, read on from where the last look ended.

A refusal says where the user stands now, so the record is looked at with each; a record of some
megabytes read from its beginning each time would make refusals slow for everybody on a server. This keeps
of each strike what the ladder asks, and of each file where to go on. It judges
nothing (see :mod:`.standing`); for whole strikes there is :func:`.spool.read`.
"""

from __future__ import annotations

import threading
from collections import deque
from heapq import nlargest
from pathlib import Path

from jupyter_tos_guard.strikes.spool import LIMITS, Limits, newest, strikes_from
from jupyter_tos_guard.strikes.standing import MAX_STRIKES, Counted
from jupyter_tos_guard.strikes.strike import Strike


class _File:
    """What has been read of one file: up to where, and the newest by user."""

    def __init__(self, inode: int) -> None:
        self.inode = inode
        self.offset = 0
        self.by_user: dict[str, deque[tuple[str, Counted]]] = {}

    def add(self, strike: Strike) -> None:
        if strike.action.counts:
            kept = self.by_user.setdefault(strike.user, deque(maxlen=MAX_STRIKES))
            counted = Counted(strike.time, strike.action, strike.severe, strike.cell_digest)
            kept.append((strike.id, counted))


class History:
    """The strikes of a record that the ladder counts. Threads may share it.

    Parameters
    ----------
    folder : Path
        Of the record; may be missing.
    limits : Limits, optional
        As for :func:`.spool.read`.
    """

    def __init__(self, folder: Path, limits: Limits = LIMITS) -> None:
        self._folder = folder
        self._limits = limits
        self._files: dict[Path, _File] = {}
        self._lock = threading.Lock()

    def of(self, user: str) -> dict[str, Counted]:
        """Return a user's newest strikes that count, by id, at most :data:`.standing.MAX_STRIKES`."""
        with self._lock:
            self._read_on()
            found = dict(each for file in self._files.values() for each in file.by_user.get(user, ()))
        return dict(nlargest(MAX_STRIKES, found.items(), key=lambda item: item[1].time))

    def _read_on(self) -> None:
        files: dict[Path, _File] = {}
        for path, status in newest(self._folder, self._limits):
            file = self._files.get(path)
            if file is None or file.inode != status.st_ino or status.st_size < file.offset:
                file = _File(status.st_ino)  # it is another file, or was cut
            if status.st_size > file.offset:
                strikes, file.offset = strikes_from(path, file.offset, 2 * self._limits.file_bytes)
                for strike in strikes:
                    file.add(strike)
            files[path] = file
        self._files = files  # what has been deleted is forgotten
