"""A copy of the repository, made in the order in which a client can use it at any moment."""

from __future__ import annotations

from pathlib import Path

from jupyter_tos_guard.central.publishing.store import RepositoryError, Store

_TIMESTAMP = "timestamp.json"


def copy_repository(source: Path, destination: Path) -> int:
    """Copy what is not there yet; return the number of files written.

    Targets first, then metadata with a number in its name, the timestamp last: its
    content is read before anything else, so that everything it leads to is copied.

    Raises
    ------
    RepositoryError
    """
    store = Store(source)
    if not store.exists():
        raise RepositoryError(f"there is no repository at {source}.")
    if destination.resolve().is_relative_to(source.resolve()):
        raise RepositoryError(f"{destination} is inside the repository itself: choose another folder.")
    copy = Store(destination)
    try:
        timestamp = store.read(_TIMESTAMP)
        targets = sorted(path for path in store.targets.rglob("*") if path.is_file())
        metadata = sorted(path for path in store.metadata.iterdir() if path.suffix == ".json")
    except OSError as error:
        raise RepositoryError(f"{source} cannot be read: {error.strerror}.") from None
    # Roots last among the numbered: a new one may ask for signatures that the others bring.
    metadata.sort(key=lambda path: path.name.endswith(".root.json"))
    copied = 0
    for path in [*targets, *metadata]:
        if path.name == _TIMESTAMP or path.name.startswith("."):
            continue
        there = copy.folder / path.relative_to(store.folder)
        if not _same(path, there):
            copy.write(there, _content(path))
            copied += 1
    there = copy.metadata / _TIMESTAMP
    if not there.exists() or there.read_bytes() != timestamp:
        copy.write(there, timestamp)
        copied += 1
    return copied


def _same(path: Path, there: Path) -> bool:
    """Whether a file that never changes is there already, whole."""
    try:
        return there.stat().st_size == path.stat().st_size
    except OSError:
        return False


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RepositoryError(f"{path} cannot be read: {error.strerror}.") from None
