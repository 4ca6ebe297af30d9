"""How metadata of the repository is signed: for how long, by which keys, and whether it is.

Over :mod:`tuf.api`; no files, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from securesystemslib.signer import Signer
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, Role, Root, Targets

from jupyter_tos_guard.central.publishing.store import RepositoryError

DAY: Final = 86_400.0
#: Days that a signature of each role is good for. Online ones bound how long clients can be
#: held back on old state; offline ones how long one may go without the ceremony.
LIFE: Final = {"root": 730, "targets": 365, "release": 30, "snapshot": 30, "timestamp": 7}
RELEASE_TARGET: Final = "release.json"


def ends(role: str, now: float) -> datetime:
    """Return when a signature made now ends."""
    return datetime.fromtimestamp(int(now), timezone.utc) + timedelta(days=LIFE[role])


def half_gone(role: str, expires: datetime, now: float) -> bool:
    """Whether it is time to renew a signature."""
    return expires.timestamp() - now < LIFE[role] * DAY / 2


def sign(
    metadata: Metadata[Any], keys: Sequence[Signer], delegator: Root | Targets | None, role: str
) -> bytes:
    """Sign with all keys and return the file; refuse when the delegator would not take it.

    Raises
    ------
    RepositoryError
    """
    metadata.signatures.clear()
    for key in keys:
        metadata.sign(key, append=True)
    if delegator is not None and not is_signed(delegator, role, metadata):
        needed = delegator.get_delegated_role(role)
        raise RepositoryError(
            f"{role} needs {needed.threshold} of the keys {short(needed.keyids)}; the keys given are "
            f"{ids(keys)}."
        )
    return metadata.to_bytes()


def is_signed(delegator: Root | Targets, role: str, metadata: Metadata[Any]) -> bool:
    """Whether enough of the right keys signed; says nothing of its end."""
    try:
        delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except UnsignedMetadataError:
        return False
    return True


def those(signers: Mapping[str, Signer], role: Role, also: Sequence[Signer] = ()) -> list[Signer]:
    """Return the signers that count for a role, and those that are to count soon."""
    chosen = {keyid: signers[keyid] for keyid in role.keyids if keyid in signers}
    chosen |= {signer.public_key.keyid: signer for signer in also}
    return list(chosen.values())


def set_keys(root: Root, role: str, keys: Sequence[Signer], threshold: int) -> None:
    """Let these keys, and only these, sign for a role."""
    for keyid in list(root.roles[role].keyids):
        root.revoke_key(keyid, role)
    for key in keys:
        root.add_key(key.public_key, role)
    root.roles[role].threshold = threshold


def delegations(keys: Sequence[Signer]) -> Delegations:
    """Return what the targets role leaves to an online key: one file, and nothing else."""
    role = DelegatedRole(
        "release",
        [key.public_key.keyid for key in keys],
        threshold=1,
        terminating=True,
        paths=[RELEASE_TARGET],
    )
    return Delegations({key.public_key.keyid: key.public_key for key in keys}, {"release": role})


def ids(keys: Sequence[Signer]) -> str:
    """Return key ids, shortened, for people."""
    return short([key.public_key.keyid for key in keys])


def short(keyids: Sequence[str]) -> str:
    """Return key ids, shortened, for people."""
    return ", ".join(keyid[:8] for keyid in keyids) or "none"
