"""Signing keys in files: Ed25519, PEM, optionally encrypted. Not who may sign what.

A key's file is named after its role: ``timestamp.pem``, later ones
``timestamp-1a2b3c4d.pem``. Which of them counts is decided by the metadata, by key
id, so an old file that was left behind does no harm, except that it can be stolen.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner

from jupyter_tos_guard.central.publishing.store import RepositoryError

#: Roles whose keys belong on a machine that is not on the network, and those that sign every day.
OFFLINE: Final = ("root", "targets")
ONLINE: Final = ("snapshot", "timestamp", "release")

#: Asked for the passphrase of the file at a path.
AskPassphrase = Callable[[Path], str]


class KeyProblem(RepositoryError):
    """A key cannot be read or written; the text says which, why, and what to do."""


def make_key(path: Path, passphrase: str = "") -> CryptoSigner:
    """Make a key and write it where nothing is yet, readable by its owner only.

    Raises
    ------
    KeyProblem
    """
    private = Ed25519PrivateKey.generate()
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # O_EXCL: a key that is overwritten is a hub that can never publish again.
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise KeyProblem(f"there is a key at {path} already. Move it away, or use it.") from None
    except OSError as error:
        raise KeyProblem(f"the key {path} cannot be written: {error.strerror}.") from None
    return CryptoSigner(private)


def read_key(path: Path, ask: AskPassphrase | None = None) -> CryptoSigner:
    """Read a key; ``ask`` is called when it is encrypted.

    Raises
    ------
    KeyProblem
    """
    try:
        pem = path.read_bytes()
    except FileNotFoundError:
        raise KeyProblem(f"there is no key at {path}.") from None
    except OSError as error:
        raise KeyProblem(f"the key {path} cannot be read: {error.strerror}.") from None
    try:
        private = load_pem_private_key(pem, _passphrase(path, pem, ask))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        if _is_encrypted(pem):
            raise KeyProblem(f"the passphrase for {path} is wrong (or the file is damaged).") from None
        raise KeyProblem(f"{path} is no private key in PEM format.") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyProblem(f"{path} is no Ed25519 key. Make one with: openssl genpkey -algorithm ed25519")
    return CryptoSigner(private)


def key_files(folder: Path, role: str) -> list[Path]:
    """Return the files of a role's keys, by their names."""
    return sorted([*folder.glob(f"{role}.pem"), *folder.glob(f"{role}-*.pem")])


def read_keys(folder: Path, role: str, ask: AskPassphrase | None = None) -> list[CryptoSigner]:
    """Read all of a role's keys in a folder; there may be none.

    Raises
    ------
    KeyProblem
    """
    return [read_key(path, ask) for path in key_files(folder, role)]


def is_encrypted(path: Path) -> bool:
    """Whether a key's file needs a passphrase; False when it cannot be read."""
    try:
        return _is_encrypted(path.read_bytes())
    except OSError:
        return False


def exposed(files: Sequence[Path]) -> list[Path]:
    """Return those files that others than their owner can read."""
    found = []
    for path in files:
        with contextlib.suppress(OSError):
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                found.append(path)
    return found


def _passphrase(path: Path, pem: bytes, ask: AskPassphrase | None) -> bytes | None:
    if not _is_encrypted(pem):
        return None
    if ask is None:
        raise KeyProblem(f"the key {path} is encrypted, and there is nobody to ask for its passphrase.")
    return ask(path).encode()


def _is_encrypted(pem: bytes) -> bool:
    return b"ENCRYPTED" in pem
