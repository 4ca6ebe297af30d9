"""The repository as it is on disk: the chain of roots, one state, what waits to be taken up.

Reads and verifies, signs and writes nothing; see :mod:`.repository`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from jupyter_tos_guard.central.publishing.signing import DAY, RELEASE_TARGET, is_signed
from jupyter_tos_guard.central.publishing.store import RepositoryError, Store
from jupyter_tos_guard.policy.release import Release, ReleaseError, parse

#: Days before the end at which offline keys are asked for.
NOTICE_DAYS: Final = 60

_Document = TypeVar("_Document", Root, Targets, Snapshot, Timestamp)


class SignedTargets(NamedTuple):
    """The targets for the next snapshot, and their file."""

    metadata: Metadata[Targets]
    raw: bytes


class View(NamedTuple):
    """One state of the repository."""

    root: Root
    targets: Metadata[Targets]
    release_role: Metadata[Targets]
    snapshot: Metadata[Snapshot]
    timestamp: Metadata[Timestamp]
    release: Release


class Reading:
    """Reads one repository.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def look(self) -> View:
        """Return one state without a lock: again when a writer pruned what the first look named.

        Raises
        ------
        RepositoryError
        """
        try:
            return self.view()
        except RepositoryError:
            return self.view()

    def view(self) -> View:
        """Return the state that clients see, root verified; to be called under the lock.

        Raises
        ------
        RepositoryError
        """
        root = self.root()
        timestamp = self.load(Timestamp, "timestamp.json")
        snapshot = self.load(Snapshot, f"{timestamp.signed.snapshot_meta.version}.snapshot.json")
        versions = snapshot.signed.meta
        targets = self.load(Targets, f"{versions['targets.json'].version}.targets.json")
        release_role = self.load(Targets, f"{versions['release.json'].version}.release.json")
        document = self.target(release_role.signed, RELEASE_TARGET)
        try:
            release = parse(document)
        except ReleaseError as error:
            raise RepositoryError(f"{self.store.folder}: {error}") from None
        return View(root, targets, release_role, snapshot, timestamp, release)

    def root(self) -> Root:
        """Return the newest root, after following the chain from the first."""
        versions = self.store.versions("root")
        if not versions or versions[0] != 1:
            raise RepositoryError(
                f"there is no repository at {self.store.folder}. Make one: jupyter tos-guard central init"
            )
        root: Root | None = None
        for number in range(1, len(versions) + 1):
            metadata = self.load(Root, f"{number}.root.json")
            payload, signatures = metadata.signed_bytes, metadata.signatures
            if (
                metadata.signed.version != number
                or not metadata.signed.get_root_verification_result(root, payload, signatures).verified
            ):
                raise RepositoryError(
                    f"{self.path_of(number, 'root')} is not signed by the root before it. "
                    "Take the repository from a backup, or the file away."
                )
            root = metadata.signed
        assert root is not None
        return root

    def newest_targets(self, root: Root, above: int) -> Metadata[Targets] | None:
        """Return the newest targets beyond a version that are rightly signed and whole."""
        for number in reversed(self.store.versions("targets")):
            if number <= above:
                return None
            try:
                metadata = self.load(Targets, f"{number}.targets.json")
            except RepositoryError:
                continue  # half a copy must not keep anybody from taking a rule back
            if (
                metadata.signed.version == number
                and is_signed(root, "targets", metadata)
                and self._is_whole(metadata.signed)
            ):
                return metadata
        return None

    def _is_whole(self, targets: Targets) -> bool:
        try:
            for name in targets.targets:
                self.target(targets, name)
        except RepositoryError:
            return False
        return True

    def adoptable(self, view: View) -> SignedTargets:
        """Return the targets for the next snapshot."""
        targets = self.newest_targets(view.root, view.targets.signed.version) or view.targets
        return SignedTargets(targets, self.raw(f"{targets.signed.version}.targets.json"))

    def target(self, targets: Targets, name: str) -> bytes:
        """Return a target's content, as it was signed.

        Raises
        ------
        RepositoryError
        """
        target = targets.targets.get(name)
        if target is None:
            raise RepositoryError(f"{name} is not among the approved targets of {self.store.folder}.")
        path = self.store.targets / target.get_prefixed_paths()[0]
        try:
            data = path.read_bytes()
            target.verify_length_and_hashes(data)
        except FileNotFoundError:
            raise RepositoryError(
                f"{path} is missing: copy the folder `targets` before `metadata`."
            ) from None
        except OSError as error:
            raise RepositoryError(f"{path} cannot be read: {error.strerror}.") from None
        except LengthOrHashMismatchError:
            raise RepositoryError(f"{path} is not what was signed: copy it again.") from None
        return data

    def load(self, kind: type[_Document], name: str) -> Metadata[_Document]:
        """Return a file of metadata; who signed it is another question.

        Raises
        ------
        RepositoryError
        """
        raw = self.raw(name)
        try:
            metadata: Metadata[_Document] = Metadata.from_bytes(raw)
        except DeserializationError:
            raise RepositoryError(f"{self.store.metadata / name} is damaged: copy it again.") from None
        if not isinstance(metadata.signed, kind):
            raise RepositoryError(f"{self.store.metadata / name} holds something else than its name says.")
        return metadata

    def raw(self, name: str) -> bytes:
        """Return the bytes of a file of metadata.

        Raises
        ------
        RepositoryError
        """
        try:
            return self.store.read(name)
        except FileNotFoundError:
            if name == "timestamp.json" and not self.store.exists():
                what = "there is no repository there. Make one: jupyter tos-guard central init"
            else:
                what = "the copy is not complete: copy the whole folder again"
            raise RepositoryError(f"{self.store.metadata / name} is missing: {what}.") from None

    def path_of(self, number: int, role: str) -> Path:
        """Return where a version of a role lies."""
        return self.store.metadata / f"{number}.{role}.json"


def warnings_of(view: View, now: float) -> list[str]:
    """Say what only the offline keys, or other online keys, can mend."""
    found = []
    for role, document in (("root", view.root), ("targets", view.targets.signed)):
        days = (document.expires.timestamp() - now) / DAY
        if days < NOTICE_DAYS:
            left = f"ends in {days:.0f} days" if days > 0 else "has ended, and clients refuse it"
            found.append(f"{role} {left}. Where its key is: jupyter tos-guard central resign --keys FOLDER")
    for role, metadata, delegator in (
        ("targets", view.targets, view.root),
        ("release", view.release_role, view.targets.signed),
        ("snapshot", view.snapshot, view.root),
        ("timestamp", view.timestamp, view.root),
    ):
        if not is_signed(delegator, role, metadata):
            found.append(f"{role} is not signed by the key that counts now. Bring the new key, then resign.")
        elif metadata.signed.expires.timestamp() < now:
            found.append(f"{role} has ended, and clients refuse it. Run: jupyter tos-guard central resign")
    return found
