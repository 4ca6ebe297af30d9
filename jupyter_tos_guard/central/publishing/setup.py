"""A repository where there was none: for the first start of a service on one machine.

The careful way, with the offline keys elsewhere, is ``jupyter tos-guard central init``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from securesystemslib.signer import Signer

from jupyter_tos_guard.central.publishing.document import document_of, write_document
from jupyter_tos_guard.central.publishing.keys import ONLINE, KeyProblem, key_files, make_key, read_keys
from jupyter_tos_guard.central.publishing.reading import NOTICE_DAYS
from jupyter_tos_guard.central.publishing.repository import (
    Repository,
    RepositoryError,
    Resigned,
    create,
)
from jupyter_tos_guard.central.publishing.signing import DAY
from jupyter_tos_guard.policy import release as release_document
from jupyter_tos_guard.policy.rules import load_policy

_POLICY = Path(release_document.__file__).parent
#: The policy that comes with the package; its readable rules are there in a clone, not in a wheel.
DEFAULT_BUNDLE: Final = _POLICY / "default.bundle"
DEFAULT_FOLDER: Final = _POLICY / "default"

#: For the log and the terminal, after keys were made where the service runs.
ADVICE: Final = (
    "The keys of the policy repository were made in {keys}. Those in {offline} approve policies: whoever has "
    "them decides what your users may run. Keep a copy where you keep backups; for a hub that needs it, move "
    "them off this machine (docs/publishing.md)."
)


class Places(NamedTuple):
    """Where things lie, below one state folder unless said otherwise."""

    repository: Path
    online: Path
    offline: Path
    documents: Path

    @classmethod
    def below(cls, state: Path) -> Places:
        """Return the usual places in a state folder."""
        return cls(
            state / "repository", state / "keys" / "online", state / "keys" / "offline", state / "documents"
        )


def ensure_repository(
    state: Path,
    *,
    repository: Path | None = None,
    online: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
    clock: Callable[[], float] = time.time,
) -> Repository:
    """Return the repository, made with keys and the default policy when there is none.

    Several processes may call this at once on one state folder: one of them makes it.

    Parameters
    ----------
    state : pathlib.Path
    repository, online : pathlib.Path, optional
        When they are not where :class:`Places` has them.
    say : callable, optional
        Takes sentences for the log.

    Raises
    ------
    RepositoryError
    KeyProblem
    """
    places = Places.below(state)
    places = places._replace(repository=repository or places.repository, online=online or places.online)
    found = Repository(places.repository, places.online, clock)
    if found.exists():
        return found
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(state / ".setup.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise RepositoryError(f"the state folder {state} cannot be written: {error.strerror}.") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.exists():
            _make(places, clock)
            say(f"Made a policy repository in {places.repository}, with the default policy (monitor mode).")
            say(ADVICE.format(keys=places.offline.parent, offline=places.offline))
            say(f"Its root has the pin {found.root_pin()}")
    finally:
        os.close(lock)
    return found


def keep_signed(repository: Repository, offline: Path | None = None) -> Resigned:
    """Renew what is due; to be called at least daily.

    Parameters
    ----------
    repository : Repository
    offline : pathlib.Path, optional
        Where the offline keys lie if they are on this machine, unencrypted: they renew their own roles
        in good time. Without them somebody has to, and the warnings say so.

    Raises
    ------
    RepositoryError
    KeyProblem
    """
    keys: dict[str, list[Signer]] = {"root": [], "targets": []}
    for status in repository.roles():
        soon = status.expires - repository.now() < NOTICE_DAYS * DAY
        if status.role in keys and soon and offline and key_files(offline, status.role):
            with contextlib.suppress(KeyProblem):  # encrypted: the operator keeps it for the ceremony
                keys[status.role] = [*read_keys(offline, status.role)]
    return repository.resign(keys["root"], keys["targets"])


def own_or_new(
    folder: Path, role: str, count: int = 1, ask: Callable[[Path], str] | None = None, passphrase: str = ""
) -> tuple[list[Signer], list[Path]]:
    """Return a role's keys in a folder, made if there are none, and the files that were made.

    Raises
    ------
    KeyProblem
    """
    if key_files(folder, role):
        return [*read_keys(folder, role, ask)], []
    names = [role] if count == 1 else [f"{role}-{number}" for number in range(1, count + 1)]
    paths = [folder / f"{name}.pem" for name in names]
    return [make_key(path, passphrase) for path in paths], paths


def _make(places: Places, clock: Callable[[], float]) -> None:
    if not DEFAULT_BUNDLE.is_file():
        raise RepositoryError(
            f"the default policy {DEFAULT_BUNDLE} is missing: this package was not built. Install it with "
            "pip, or publish a folder of your own: jupyter tos-guard central init --policy FOLDER"
        )
    bundle = DEFAULT_BUNDLE.read_bytes()
    for role in ONLINE:
        own_or_new(places.online, role)
    root_keys, _ = own_or_new(places.offline, "root")
    targets_keys, _ = own_or_new(places.offline, "targets")
    made = create(
        places.repository,
        bundle,
        root_keys=root_keys,
        targets_keys=targets_keys,
        online_keys=places.online,
        clock=clock,
    )
    policy, _ = load_policy(DEFAULT_FOLDER) if DEFAULT_FOLDER.is_dir() else (None, [])
    if policy is not None and policy.version == made.approved()[0].version:
        try:
            write_document(places.documents, document_of(policy))
        except OSError as error:
            raise RepositoryError(f"{places.documents} cannot be written: {error.strerror}.") from None
