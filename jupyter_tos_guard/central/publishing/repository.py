"""The signed repository: what is approved, what is released, and who signed it.

Two kinds of keys. **Offline** ones (root, targets) approve bundles and terms and say
which other keys count. **Online** ones (snapshot, timestamp, release) sign every day, and
can only choose among what was approved and make it milder, see
:mod:`jupyter_tos_guard.policy.release`. The files are those of The Update Framework
with consistent snapshots; any TUF client can read them.

The last file written is always ``timestamp.json``, or a new root. Until then
clients see the old state, whole, so a write that is interrupted changes nothing for
them. What an interrupted or an offline write left behind (targets that are signed but not
yet in a snapshot) is taken up by the next one who holds the online keys.
"""

from __future__ import annotations

import copy
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Signer
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Targets, Timestamp

from jupyter_tos_guard.central.publishing import approval, signing
from jupyter_tos_guard.central.publishing.approval import Approved
from jupyter_tos_guard.central.publishing.keys import ONLINE, read_keys
from jupyter_tos_guard.central.publishing.reading import (
    Reading,
    SignedTargets,
    View,
    warnings_of,
)
from jupyter_tos_guard.central.publishing.signing import (
    DAY,
    LIFE,
    RELEASE_TARGET,
    ends,
    is_signed,
    sign,
    those,
)
from jupyter_tos_guard.central.publishing.store import RepositoryError, Store
from jupyter_tos_guard.policy.bundle import Bundle
from jupyter_tos_guard.policy.release import Release

__all__ = [
    "LIFE",
    "Approved",
    "ReleaseChanged",
    "Repository",
    "RepositoryError",
    "Resigned",
    "RoleStatus",
    "create",
    "pin_of",
]

#: Versions of the policy that stay approved, so that one can go back; older ones are
#: taken out, so that a thief of the online keys cannot go back further.
KEEP: Final = 8
#: Old online metadata that stays: whoever is in the middle of a refresh needs it.
_KEEP_FILES: Final = 20
_KEEP_SECONDS: Final = DAY


class ReleaseChanged(RepositoryError):
    """Somebody else changed the release in the meantime."""


class RoleStatus(NamedTuple):
    """One role: its newest version, when that ends, and by which keys it may be signed."""

    role: str
    version: int
    expires: float
    keys: tuple[str, ...]
    threshold: int


class Resigned(NamedTuple):
    """What :meth:`Repository.resign` wrote, and what it could not mend."""

    roles: tuple[str, ...]
    warnings: tuple[str, ...]


class Repository:
    """The repository in a folder.

    Reading needs no lock and no key. Every method that writes can be called from any
    thread and any process; they take turns.

    Parameters
    ----------
    folder : pathlib.Path
    online_keys : pathlib.Path, optional
        Folder with the keys of the online roles. It is read at each signature, so that a new
        key counts at once.
    clock : callable, optional
        Seconds since the epoch.
    """

    def __init__(
        self,
        folder: Path,
        online_keys: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self.online_keys = online_keys
        self._store = Store(folder)
        self._reading = Reading(self._store)
        self._clock = clock

    def now(self) -> float:
        """Return the time by the repository's clock."""
        return self._clock()

    # --- reading ---

    def exists(self) -> bool:
        """Whether there is a repository."""
        return self._store.exists()

    def release(self) -> Release:
        """Return the release that clients see.

        Raises
        ------
        RepositoryError
        """
        return self._reading.look().release

    def approved(self) -> list[Approved]:
        """Return the bundles that can be released, the newest first.

        Raises
        ------
        RepositoryError
        """
        view = self._reading.look()
        return approval.approved(view.targets.signed)

    def waiting(self) -> list[Approved]:
        """Return bundles that the targets key approved, but no snapshot holds yet."""
        view = self._reading.look()
        newest = self._reading.newest_targets(view.root, view.targets.signed.version)
        known = {each.name for each in approval.approved(view.targets.signed)}
        return [each for each in approval.approved(newest.signed) if each.name not in known] if newest else []

    def read(self, name: str) -> bytes:
        """Return an approved target's content.

        Raises
        ------
        RepositoryError
            There is none of this name, or the file is missing or changed.
        """
        view = self._reading.look()
        return self._reading.target(view.targets.signed, name)

    def problems(self) -> list[str]:
        """Return, in sentences, which signatures have ended, end soon, or are by the wrong key."""
        return warnings_of(self._reading.look(), self._clock())

    def can_release(self) -> bool:
        """Whether the online keys that count are here."""
        return self._can_sign(self._reading.look())

    def timestamp_version(self) -> int:
        """Return the number that grows with every change that clients can see."""
        return self._reading.load(Timestamp, "timestamp.json").signed.version

    def root_pin(self) -> str:
        """Return what clients are told to trust: the digest of the first root."""
        return pin_of(self._reading.raw("1.root.json"))

    def roles(self) -> list[RoleStatus]:
        """Return all roles, the offline ones first."""
        view = self._reading.look()
        release_role = view.targets.signed.get_delegated_role("release")
        found = []
        for name, document, role in (
            ("root", view.root, view.root.roles["root"]),
            ("targets", view.targets.signed, view.root.roles["targets"]),
            ("release", view.release_role.signed, release_role),
            ("snapshot", view.snapshot.signed, view.root.roles["snapshot"]),
            ("timestamp", view.timestamp.signed, view.root.roles["timestamp"]),
        ):
            expires = document.expires.timestamp()
            found.append(RoleStatus(name, document.version, expires, tuple(role.keyids), role.threshold))
        return found

    def used(self) -> tuple[set[str], set[str]]:
        """Return all versions and all salts (hex) that were ever approved here."""
        versions: set[str] = set()
        salts: set[str] = set()
        for number in self._store.versions("targets"):
            found = approval.used(self._reading.load(Targets, f"{number}.targets.json").signed)
            versions |= found[0]
            salts |= found[1]
        return versions, salts

    # --- offline: approving ---

    def publish(
        self,
        bundle: bytes,
        targets_keys: Sequence[Signer],
        *,
        channel: str = "",
        then: Callable[[Release, str], Release] | None = None,
        keep: int = KEEP,
    ) -> Approved:
        """Approve a bundle with its terms; release it in the same step if asked to.

        Parameters
        ----------
        bundle : bytes
            A compiled policy.
        targets_keys : sequence of Signer
            As many as the threshold asks for.
        channel : str, optional
            For a bundle that is meant for some groups or servers only.
        then : callable, optional
            Makes the next release of the present one and the bundle's name. Needs the online
            keys; without it, or without them, the bundle is approved and nothing else.
        keep : int, optional
            How many versions stay approved, the newest and those that are released.

        Raises
        ------
        RepositoryError
            Nothing was changed, unless the text says so.
        """
        opened = approval.open_checked(bundle)
        name = approval.name_of(opened.version, channel)
        now = self._clock()
        with self._store.locked():
            view = self._reading.view()
            base = self._reading.adoptable(view).metadata
            self._refuse_foreign(view.root, base, targets_keys)
            self._refuse_used(opened.version, approval.salt_of(bundle))
            targets = copy.deepcopy(base.signed)
            writes = self._add(targets, name, bundle, opened, now)
            release = then(view.release, name) if then else None
            approval.retire(
                targets, keep, {*view.release.bundles, *(release.bundles if release else ()), name}
            )
            signed = self._sign_targets(view.root, targets, targets_keys, now)
            writes.append((self._reading.path_of(targets.version, "targets"), signed.raw))
            if self._can_sign(view):
                writes += self._online_writes(view, signed, release, now)
            elif release:
                raise RepositoryError(self._no_online_keys("released"))
            self._write(writes)
            self._prune(now)
        return next(each for each in approval.approved(targets) if each.name == name)

    def retire(self, names: Iterable[str], targets_keys: Sequence[Signer]) -> None:
        """Take back the approval of bundles: no client gets them any more, whoever releases them.

        Raises
        ------
        RepositoryError
            One is not approved, or is released: release another first.
        """
        now = self._clock()
        with self._store.locked():
            view = self._reading.view()
            base = self._reading.adoptable(view).metadata
            self._refuse_foreign(view.root, base, targets_keys)
            targets = copy.deepcopy(base.signed)
            approval.take_out(targets, names)
            approval.refuse_unapproved(view.release, targets)
            signed = self._sign_targets(view.root, targets, targets_keys, now)
            writes = [(self._reading.path_of(targets.version, "targets"), signed.raw)]
            if self._can_sign(view):
                writes += self._online_writes(view, signed, None, now)
            self._write(writes)

    def refuse_unpublishable(self, bundle: bytes, channel: str = "") -> None:
        """Raise what :meth:`publish` would raise, keys aside, before time is spent on a replay.

        Raises
        ------
        RepositoryError
        """
        opened = approval.open_checked(bundle)
        name = approval.name_of(opened.version, channel)
        view = self._reading.look()
        self._refuse_used(opened.version, approval.salt_of(bundle))
        targets = copy.deepcopy(self._reading.adoptable(view).metadata.signed)
        self._add(targets, name, bundle, opened, self._clock())

    # --- online: releasing ---

    def set_release(self, release: Release) -> Release:
        """Publish the next release, made of the one that :meth:`release` returned.

        Returns
        -------
        Release
            As published: with the next serial and the time.

        Raises
        ------
        ReleaseChanged
            Somebody else was faster: look again.
        RepositoryError
        """

        def replaced(current: Release) -> Release:
            if current.serial != release.serial:
                raise ReleaseChanged("the release was changed by somebody else. Look again, then repeat.")
            return release

        return self.change_release(replaced)

    def change_release(self, change: Callable[[Release], Release]) -> Release:
        """Publish the next release, made of the present one while nobody else can change it."""
        now = self._clock()
        with self._store.locked():
            view = self._reading.view()
            if not self._can_sign(view):
                raise RepositoryError(self._no_online_keys("released"))
            targets = self._reading.adoptable(view)
            release = change(view.release)
            writes = self._online_writes(view, targets, release, now)
            self._write(writes)
            self._prune(now)
            return self._reading.view().release

    def resign(
        self, root_keys: Sequence[Signer] = (), targets_keys: Sequence[Signer] = (), *, force: bool = False
    ) -> Resigned:
        """Renew signatures, and take up what was approved elsewhere. To be called daily.

        Parameters
        ----------
        root_keys, targets_keys : sequence of Signer, optional
            Renew these offline roles too.
        force : bool, optional
            Renew the online roles whether or not it is time.

        Raises
        ------
        RepositoryError
        """
        now = self._clock()
        done: list[str] = []
        with self._store.locked():
            view = self._reading.view()
            writes: list[tuple[Path, bytes]] = []
            if root_keys:
                writes.append(self._renew_root(view.root, root_keys, now))
                done.append("root")
            targets = self._reading.adoptable(view)
            if targets_keys:
                self._refuse_foreign(view.root, targets.metadata, targets_keys)
                targets = self._sign_targets(
                    view.root, copy.deepcopy(targets.metadata.signed), targets_keys, now
                )
                writes.append(
                    (self._reading.path_of(targets.metadata.signed.version, "targets"), targets.raw)
                )
                done.append("targets")
            if self._can_sign(view):
                online = self._due(view, targets, now, force=force)
                if online:
                    release = view.release if "release" in online else None
                    writes += self._online_writes(
                        view, targets, release, now, same=True, snapshot="snapshot" in online
                    )
                done += online
            elif not done:
                raise RepositoryError(self._no_online_keys("renewed"))
            self._write(writes)
            self._prune(now)
            after = self._reading.view()
        return Resigned(tuple(done), tuple(warnings_of(after, now)))

    # --- rotation ---

    def replace_keys(
        self,
        role: str,
        new: Sequence[Signer],
        *,
        root_keys: Sequence[Signer] = (),
        targets_keys: Sequence[Signer] = (),
        threshold: int = 1,
    ) -> None:
        """Let other keys sign for a role, and only them.

        Parameters
        ----------
        role : str
        new : sequence of Signer
            All keys that are to count from now on; those to be kept among them.
        root_keys : sequence of Signer
            Present root keys, for every role but ``release``.
        targets_keys : sequence of Signer
            Present targets keys: for ``release``; for ``targets`` those that are still there.
        threshold : int, optional

        Raises
        ------
        RepositoryError
        """
        if not 1 <= threshold <= len(new):
            raise RepositoryError(f"{threshold} of {len(new)} keys cannot be asked for: give more keys.")
        now = self._clock()
        with self._store.locked():
            view = self._reading.view()
            if role == "release":
                self._write(self._replace_release_key(view, new, targets_keys, now))
                return
            root = copy.deepcopy(view.root)
            signing.set_keys(root, role, new, threshold)
            number, raw = self._sign_root(
                view.root, root, [*root_keys, *(new if role == "root" else ())], now
            )
            root_write = (self._reading.path_of(number, "root"), raw)
            before: list[tuple[Path, bytes]] = []
            after: list[tuple[Path, bytes]] = []
            if role == "targets":
                before, after = self._replace_targets_keys(view, root, new, targets_keys, now)
            elif role in ("snapshot", "timestamp") and self._can_sign(view):
                # Signed by the old key and the new one, so that there is no moment without a valid one.
                before = self._online_writes(
                    view, self._reading.adoptable(view), None, now, same=True, snapshot=True, also={role: new}
                )
            self._write([*before, root_write, *after])

    # --- signing ---

    def _online_signers(self) -> dict[str, Signer]:
        if self.online_keys is None:
            return {}
        return {
            signer.public_key.keyid: signer for role in ONLINE for signer in read_keys(self.online_keys, role)
        }

    def _can_sign(self, view: View) -> bool:
        """Whether every online role can be signed here."""
        signers = self._online_signers()
        roles = [
            view.root.roles["snapshot"],
            view.root.roles["timestamp"],
            self._reading.adoptable(view).metadata.signed.get_delegated_role("release"),
        ]
        return all(len(signers.keys() & set(role.keyids)) >= role.threshold for role in roles)

    def _no_online_keys(self, done: str) -> str:
        where = f"in {self.online_keys}" if self.online_keys else "here"
        return (
            f"nothing can be {done}: the online keys that the root names are not {where}. "
            "Do this where they are, or name their folder with --online."
        )

    def _online_writes(
        self,
        view: View,
        targets: SignedTargets,
        release: Release | None,
        now: float,
        *,
        same: bool = False,
        snapshot: bool = True,
        also: Mapping[str, Sequence[Signer]] | None = None,
    ) -> list[tuple[Path, bytes]]:
        """Sign release (if given or due), snapshot and timestamp; return what to write, in order.

        ``same`` renews the signature of the same release; ``also`` are keys that are to count soon.
        """
        signers = self._online_signers()
        also = also or {}
        writes: list[tuple[Path, bytes]] = []
        delegator = targets.metadata.signed
        if release is None and not is_signed(delegator, "release", view.release_role):
            release, same = view.release, True  # these targets leave it to another key
        if release is not None:
            if not same:
                release = release._replace(serial=view.release.serial + 1, issued=now)
            approval.refuse_unapproved(release, delegator)
            document = release.to_bytes()
            target = approval.plain_target(RELEASE_TARGET, document)
            writes.append((self._store.targets / target.get_prefixed_paths()[0], document))
            number = self._next("release", view.release_role.signed.version)
            role_metadata = Metadata(
                Targets(number, expires=ends("release", now), targets={RELEASE_TARGET: target})
            )
            release_raw = sign(
                role_metadata,
                those(signers, delegator.get_delegated_role("release"), also.get("release", ())),
                delegator,
                "release",
            )
            writes.append((self._reading.path_of(number, "release"), release_raw))
        else:
            number = view.release_role.signed.version
            release_raw = self._reading.raw(f"{number}.release.json")
        snapshot_meta = view.timestamp.signed.snapshot_meta
        if snapshot:
            metas = {
                "targets.json": MetaFile.from_data(targets.metadata.signed.version, targets.raw, ["sha256"]),
                "release.json": MetaFile.from_data(number, release_raw, ["sha256"]),
            }
            number = self._next("snapshot", view.snapshot.signed.version)
            raw = sign(
                Metadata(Snapshot(number, expires=ends("snapshot", now), meta=metas)),
                those(signers, view.root.roles["snapshot"], also.get("snapshot", ())),
                view.root,
                "snapshot",
            )
            writes.append((self._reading.path_of(number, "snapshot"), raw))
            snapshot_meta = MetaFile.from_data(number, raw, ["sha256"])
        timestamp = Timestamp(
            view.timestamp.signed.version + 1, expires=ends("timestamp", now), snapshot_meta=snapshot_meta
        )
        raw = sign(
            Metadata(timestamp),
            those(signers, view.root.roles["timestamp"], also.get("timestamp", ())),
            view.root,
            "timestamp",
        )
        writes.append((self._store.metadata / "timestamp.json", raw))
        return writes

    def _due(self, view: View, targets: SignedTargets, now: float, *, force: bool) -> list[str]:
        """Return the online roles that need a new signature, in order."""
        due = []
        delegator = targets.metadata.signed
        if (
            force
            or not is_signed(delegator, "release", view.release_role)
            or signing.half_gone("release", view.release_role.signed.expires, now)
        ):
            due.append("release")
        if (
            due
            or targets.metadata.signed.version != view.targets.signed.version
            or not is_signed(view.root, "snapshot", view.snapshot)
            or signing.half_gone("snapshot", view.snapshot.signed.expires, now)
        ):
            due.append("snapshot")
        left = view.timestamp.signed.expires.timestamp() - now
        if (
            due
            or not is_signed(view.root, "timestamp", view.timestamp)
            or left < (LIFE["timestamp"] - 1) * DAY + 3600
        ):
            due.append("timestamp")
        return due

    def _sign_targets(
        self, root: Root, targets: Targets, keys: Sequence[Signer], now: float
    ) -> SignedTargets:
        """Give the targets the next version and sign them."""
        targets.version = self._next("targets", targets.version)
        targets.expires = ends("targets", now)
        metadata = Metadata(targets)
        return SignedTargets(metadata, sign(metadata, keys, root, "targets"))

    def _renew_root(self, root: Root, keys: Sequence[Signer], now: float) -> tuple[Path, bytes]:
        number, raw = self._sign_root(root, copy.deepcopy(root), keys, now)
        return self._reading.path_of(number, "root"), raw

    def _sign_root(self, old: Root, root: Root, keys: Sequence[Signer], now: float) -> tuple[int, bytes]:
        root.version = old.version + 1
        root.expires = ends("root", now)
        metadata = Metadata(root)
        raw = sign(metadata, keys, None, "root")
        result = root.get_root_verification_result(old, metadata.signed_bytes, metadata.signatures)
        if not result.verified:
            raise RepositoryError(
                f"a new root needs {old.roles['root'].threshold} of the present root keys "
                f"({', '.join(key[:8] for key in old.roles['root'].keyids)}) and "
                f"{root.roles['root'].threshold} of the new ones; the keys given are "
                f"{signing.ids(keys)}. Give the missing ones with --keys."
            )
        return root.version, raw

    def _replace_targets_keys(
        self, view: View, root: Root, new: Sequence[Signer], old: Sequence[Signer], now: float
    ) -> tuple[list[tuple[Path, bytes]], list[tuple[Path, bytes]]]:
        """Return what to write before and after the new root."""
        targets = self._reading.adoptable(view).metadata.signed
        signed = self._sign_targets(root, copy.deepcopy(targets), [*old, *new], now)
        first = [(self._reading.path_of(signed.metadata.signed.version, "targets"), signed.raw)]
        online = self._online_writes(view, signed, None, now) if self._can_sign(view) else []
        if is_signed(view.root, "targets", signed.metadata):
            return [*first, *online], []
        # The old key is lost: there is no valid state until the timestamp is there; clients keep their last.
        return first, online

    def _replace_release_key(
        self, view: View, new: Sequence[Signer], targets_keys: Sequence[Signer], now: float
    ) -> list[tuple[Path, bytes]]:
        base = self._reading.adoptable(view).metadata
        self._refuse_foreign(view.root, base, targets_keys)
        targets = copy.deepcopy(base.signed)
        targets.delegations = signing.delegations(new)
        signed = self._sign_targets(view.root, targets, targets_keys, now)
        writes = [(self._reading.path_of(targets.version, "targets"), signed.raw)]
        if self._can_sign(view):
            writes += self._online_writes(view, signed, view.release, now, same=True, also={"release": new})
        return writes

    def _next(self, role: str, current: int) -> int:
        """Return a version that no file has: what an interrupted write left behind stays as it is."""
        return max([current, *self._store.versions(role)]) + 1

    # --- writing ---

    def _write(self, writes: Iterable[tuple[Path, bytes]]) -> None:
        for path, data in writes:
            self._store.write(path, data)

    def _prune(self, now: float) -> None:
        for role in ("snapshot", "release"):
            self._store.prune(role, _KEEP_FILES, now - _KEEP_SECONDS)

    # --- refusing ---

    def _refuse_foreign(self, root: Root, targets: Metadata[Targets], keys: Sequence[Signer]) -> None:
        """Refuse to sign on top of what these keys (or the root's others) did not sign.

        Else whoever can write to the repository could have his bundle approved with the
        next honest one. The root itself may be his too, hence the keys in hand are asked.
        """
        role = root.roles["targets"]
        if len({key.public_key.keyid for key in keys} & set(role.keyids)) < role.threshold:
            raise RepositoryError(
                f"the targets need {role.threshold} of the keys "
                f"{', '.join(key[:8] for key in role.keyids)}; the keys given are {signing.ids(keys)}. "
                "Give the right ones with --keys."
            )
        for key in keys:
            signature = targets.signatures.get(key.public_key.keyid)
            if signature is not None:
                try:
                    key.public_key.verify_signature(signature, targets.signed_bytes)
                except UnverifiedSignatureError:
                    break
                return
        raise RepositoryError(
            f"{self._reading.path_of(targets.signed.version, 'targets')} was not signed by the key that you "
            f"give ({signing.ids(keys)}). Nothing is signed on top of it: somebody else may have put it "
            "there. Compare it with a backup, and see docs/publishing.md, “A key was stolen”."
        )

    def _refuse_used(self, version: str, salt: str) -> None:
        versions, salts = self.used()
        if version in versions:
            raise RepositoryError(
                f"version {version} was published before, and a version is never changed. Give policy.yml a "
                "new version and a new salt; or release the one that is there: "
                f"jupyter tos-guard central release --candidate {version} --share 10"
            )
        if salt in salts:
            raise RepositoryError(
                "the salt was used by an earlier version, and versions with one salt show what was added. "
                "Write a new one into policy.yml: openssl rand -hex 16"
            )

    # --- targets ---

    def _add(
        self, targets: Targets, name: str, raw: bytes, bundle: Bundle, now: float
    ) -> list[tuple[Path, bytes]]:
        """Put a bundle and its terms among the targets; return their files."""
        target = approval.bundle_target(name, raw, bundle, now)
        targets.targets[name] = target
        writes = [(self._store.targets / target.get_prefixed_paths()[0], raw)]
        terms_name, terms_raw = approval.terms_target(bundle.terms)
        known = targets.targets.get(terms_name)
        terms = approval.terms_file(terms_name, terms_raw, bundle.terms, now)
        if known is None:
            targets.targets[terms_name] = terms
            writes.append((self._store.targets / terms.get_prefixed_paths()[0], terms_raw))
        elif known.hashes != terms.hashes:
            raise RepositoryError(
                f"the terms differ from those published as version {bundle.terms.version}, and users are "
                "asked again only when the version changes. Give terms.version in policy.yml a new one."
            )
        return writes

    # --- the first state ---

    def write_first(
        self,
        root: Root,
        root_keys: Sequence[Signer],
        targets_keys: Sequence[Signer],
        release_keys: Sequence[Signer],
        bundle: bytes,
        poll_seconds: int,
    ) -> None:
        """Write version 1 of everything; see :func:`create`."""
        now = self._clock()
        opened = approval.open_checked(bundle)
        name = approval.name_of(opened.version, "")
        targets = Targets(1, expires=ends("targets", now), delegations=signing.delegations(release_keys))
        writes = self._add(targets, name, bundle, opened, now)
        first_targets = Metadata(targets)
        targets_raw = sign(first_targets, targets_keys, root, "targets")
        writes.append((self._reading.path_of(1, "root"), sign(Metadata(root), root_keys, root, "root")))
        writes.append((self._reading.path_of(1, "targets"), targets_raw))
        nothing, no_snapshot, no_timestamp = Targets(), Snapshot(), Timestamp()
        nothing.version = no_snapshot.version = no_timestamp.version = 0  # the one before the first
        view = View(
            root,
            first_targets,
            Metadata(nothing),
            Metadata(no_snapshot),
            Metadata(no_timestamp),
            Release(0, now, name, poll_seconds=poll_seconds),
        )
        writes += self._online_writes(view, SignedTargets(first_targets, targets_raw), view.release, now)
        self._write(writes)


def create(
    folder: Path,
    bundle: bytes,
    *,
    root_keys: Sequence[Signer],
    targets_keys: Sequence[Signer],
    online_keys: Path,
    root_threshold: int = 1,
    targets_threshold: int = 1,
    poll_seconds: int = 300,
    clock: Callable[[], float] = time.time,
) -> Repository:
    """Make a repository whose current policy is the given one.

    It appears whole or not at all.

    Parameters
    ----------
    folder : pathlib.Path
        Must not exist yet, or be empty.
    bundle : bytes
        A compiled policy.
    root_keys, targets_keys : sequence of Signer
        All keys that are to count.
    online_keys : pathlib.Path
        Folder with keys for snapshot, timestamp and release.
    root_threshold, targets_threshold : int, optional
        How many of the keys are needed for a signature.

    Raises
    ------
    RepositoryError
    """
    for what, keys, threshold in (
        ("root", root_keys, root_threshold),
        ("targets", targets_keys, targets_threshold),
    ):
        if not 1 <= threshold <= len(keys):
            raise RepositoryError(
                f"{what}: {threshold} of {len(keys)} keys cannot be asked for: give more keys."
            )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RepositoryError(f"{folder} is not empty: a repository is made in a new folder.")
    now = clock()
    signers = {role: read_keys(online_keys, role) for role in ONLINE}
    for role, keys in signers.items():
        if not keys:
            raise RepositoryError(f"there is no key for {role} in {online_keys}.")
    root = Root(1, expires=ends("root", now), consistent_snapshot=True)
    signing.set_keys(root, "root", root_keys, root_threshold)
    signing.set_keys(root, "targets", targets_keys, targets_threshold)
    for role in ("snapshot", "timestamp"):
        signing.set_keys(root, role, signers[role], 1)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    except OSError as error:
        raise RepositoryError(f"{folder} cannot be made: {error.strerror}.") from None
    try:
        building = Repository(temporary, online_keys, clock)
        building.write_first(root, root_keys, targets_keys, signers["release"], bundle, poll_seconds)
        os.chmod(temporary, 0o755)  # noqa: S103 - any web server may carry what clients may read
        os.rename(temporary, folder)
    except OSError as error:
        raise RepositoryError(f"{folder} cannot be made: {error.strerror}.") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Repository(folder, online_keys, clock)


def pin_of(root: bytes) -> str:
    """Return the pin of a first root: what a client can be told instead of the file."""
    return f"sha256:{hashlib.sha256(root).hexdigest()}"
