"""The repository's files: one lock, atomic writes, and which versions there are.

Knows names, not meaning: what is signed by whom is :mod:`.repository`. All files but
``timestamp.json`` have names of their own for each version and are never written
again, so that they can be served and mirrored without any coordination.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

#: How long to wait for somebody else's write.
LOCK_SECONDS: Final = 30.0
_LOCK = ".lock"
#: Largest file of metadata that is read, in bytes.
_MAX_METADATA = 8 << 20


class RepositoryError(Exception):
    """The repository cannot be read or written; the text says what, where, and what to do."""


class Store:
    """The files below one folder.

    Parameters
    ----------
    folder : pathlib.Path
        Holds ``metadata`` and ``targets``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metadata = folder / "metadata"
        self.targets = folder / "targets"

    def exists(self) -> bool:
        """Whether there is a repository, finished or not."""
        return (self.metadata / "1.root.json").exists()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers out, of this process and of others.

        Raises
        ------
        RepositoryError
            Somebody else writes for longer than :data:`LOCK_SECONDS`, or nobody may write.
        """
        try:
            handle = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            raise RepositoryError(f"there is no repository at {self.folder}.") from None
        except OSError as error:
            raise RepositoryError(
                f"the repository {self.folder} cannot be written: {error.strerror}."
            ) from None
        try:
            deadline = time.monotonic() + LOCK_SECONDS
            while not _try_lock(handle):
                if time.monotonic() > deadline:
                    raise RepositoryError(
                        f"somebody else has been writing to {self.folder} for {LOCK_SECONDS:.0f} seconds. "
                        "Wait, or look who it is: fuser -v " + str(self.folder / _LOCK)
                    )
                time.sleep(0.02)
            yield
        finally:
            os.close(handle)

    def write(self, path: Path, data: bytes) -> None:
        """Put a file in its place in one step, durable when this returns.

        Raises
        ------
        RepositoryError
        """
        name = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            with open(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), 0o644)  # whatever server carries the files must read them
                os.fsync(file.fileno())
            os.replace(name, path)
            _sync_folder(path.parent)
        except OSError as error:
            if name is not None:
                with contextlib.suppress(OSError):
                    os.unlink(name)
            raise RepositoryError(f"{path} cannot be written: {error.strerror or error}.") from None

    def read(self, name: str) -> bytes:
        """Return a file of the metadata folder.

        Raises
        ------
        FileNotFoundError
        RepositoryError
        """
        path = self.metadata / name
        try:
            with open(path, "rb") as file:
                data = file.read(_MAX_METADATA + 1)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise RepositoryError(f"{path} cannot be read: {error.strerror}.") from None
        if len(data) > _MAX_METADATA:
            raise RepositoryError(f"{path} is larger than {_MAX_METADATA} bytes: no metadata is.")
        return data

    def versions(self, role: str) -> list[int]:
        """Return the version numbers of a role's files, ascending."""
        pattern = re.compile(rf"([1-9][0-9]*)\.{re.escape(role)}\.json")
        try:
            names = os.listdir(self.metadata)
        except OSError:
            return []
        return sorted(int(match.group(1)) for match in map(pattern.fullmatch, names) if match)

    def prune(self, role: str, keep: int, older_than: float) -> None:
        """Delete a role's files except the newest and those written lately."""
        for version in self.versions(role)[:-keep]:
            path = self.metadata / f"{version}.{role}.json"
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < older_than:
                    path.unlink()


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # Some network file systems have no locks. One writer at a time is then the operator's duty.
        return True
    return True


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every file system lets a folder be synced
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
