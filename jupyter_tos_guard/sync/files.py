"""Writes the small files of this part: whole or not at all.

A name always leads to a complete file, the old one or the new one, whatever is
killed in between. Nothing here knows what the files mean.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from pathlib import Path
from typing import Any


def replace(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Put ``data`` at ``path`` in one step.

    Parameters
    ----------
    path : Path
        Its folder is made, with mode 0700, when it is missing; the file gets mode 0600.
    data : bytes
    durable : bool
        Whether it must outlast a power cut from when this returns.

    Raises
    ------
    OSError
        The disk does not take it; what was at ``path`` is untouched.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # One name per process: two writers never write into each other's file.
    new = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.new")
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            written = 0
            while written < len(data):
                written += os.write(file, data[written:])
            if durable:
                os.fsync(file)
        finally:
            os.close(file)
        os.replace(new, path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable, where the file system can."""
    with contextlib.suppress(OSError):
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def read_json(path: Path, limit: int = 1 << 20) -> dict[str, Any] | None:
    """Return the JSON object in a file; None when there is none that can be used.

    Parameters
    ----------
    path : Path
        May be anything: a pipe does not hang the reader.
    limit : int
        Largest file that is read, in bytes.
    """
    try:
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            data = json.loads(file.read(limit + 1))
    except (OSError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None
