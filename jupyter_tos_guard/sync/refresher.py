"""Fetches the policy and puts it in force.

Whether it is the hub's own is decided by python-tuf, and by nothing here: signatures,
thresholds, versions that may not go back, dates, lengths, hashes. What is here: which of the
approved bundles is for this machine, that it can be used, and that the cache goes from
one whole state to the next. When anything is wrong, what was in force stays in force.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from tuf.api.exceptions import (
    DownloadError,
    ExpiredMetadataError,
    RepositoryError,
)
from tuf.api.metadata import TargetFile
from tuf.ngclient import Updater, UpdaterConfig

from jupyter_tos_guard.inspection.readable import readable
from jupyter_tos_guard.policy.bundle import Bundle, BundleError
from jupyter_tos_guard.policy.model import Where
from jupyter_tos_guard.policy.release import MAX_BYTES, Release, ReleaseError, parse
from jupyter_tos_guard.sync.cache import ACTIVE, METADATA, TARGETS, Active, read_active
from jupyter_tos_guard.sync.files import read_json, replace, sync_folder
from jupyter_tos_guard.sync.transport import Fetcher, RepositoryHttpError, Transport

#: Largest bundle that is fetched, in bytes: some three million indicators.
MAX_BUNDLE: Final = 128 << 20
_RELEASE = "release.json"
_ROOT = "root.json"
#: Bundles kept beside the one in force: kernels may be about to open the one before.
_KEPT = 2


class RefreshError(Exception):
    """The policy could not be refreshed; the text says why and what to do.

    Attributes
    ----------
    is_refused : bool
        Something came and was refused; else nothing came.
    seconds : float or None
        How long the repository wants to be left alone, 0 when it did not say.
    """

    def __init__(self, message: str, *, is_refused: bool, seconds: float | None = None) -> None:
        super().__init__(message)
        self.is_refused, self.seconds = is_refused, seconds


class Refreshed(NamedTuple):
    """What a refresh has brought.

    Attributes
    ----------
    active : Active
        In force now.
    is_new : bool
        Whether bundle, softened rules or mode are other than before.
    poll_seconds : int
        When the hub wants to be asked again.
    timestamp : int
        Version of the repository's timestamp: what a long poll waits on.
    """

    active: Active
    is_new: bool
    poll_seconds: int
    timestamp: int


class Refresher:
    """Keeps one cache folder up to date. One at a time for each folder: the caller sees to that.

    Parameters
    ----------
    cache : Path
    transport : Transport
    where : Where
        Which bundle of a release is for us.
    root : str
        Path of a root.json, or ``sha256:`` and the digest of version 1.
    clock : callable
        Seconds since the epoch, for the cache; python-tuf reads the system's clock.
    """

    def __init__(
        self,
        cache: Path,
        transport: Transport,
        where: Where,
        root: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._cache = cache
        self._transport = transport
        self._fetcher = Fetcher(transport)
        self._where = where
        self._root = root
        self._clock = clock
        self._config = UpdaterConfig(max_root_rotations=64, max_delegations=8, app_user_agent=None)
        #: The bundle that this process has verified last, and the file as it was then.
        self._verified: tuple[str, tuple[int, int, int]] | None = None

    def refresh(self) -> Refreshed:
        """Fetch what is new and put it in force.

        Raises
        ------
        RefreshError
            Nothing has changed.
        """
        try:
            return self._refresh()
        except ExpiredMetadataError as error:
            raise RefreshError(
                f"the hub's policy was not taken: {readable(str(error), 200)}. Either nobody has signed it "
                "lately (on the central server: jupyter tos-guard central resign), or the clock here is "
                f"wrong: it says {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}",
                is_refused=True,
            ) from error
        except RepositoryHttpError as error:
            is_told = error.status_code in (403, 429, 503)
            raise RefreshError(
                readable(str(error), 300), is_refused=False, seconds=error.seconds if is_told else None
            ) from error
        except DownloadError as error:
            raise RefreshError(readable(str(error), 300), is_refused=False) from error
        except (RepositoryError, ReleaseError, BundleError, ValueError) as error:
            raise RefreshError(
                f"the hub's policy was not taken: {readable(str(error), 300)}", is_refused=True
            ) from error
        except OSError as error:
            raise RefreshError(
                f"the policy could not be stored in {self._cache}: {error.strerror or error}",
                is_refused=False,
            ) from error

    def _refresh(self) -> Refreshed:
        targets = self._cache / TARGETS
        for folder in (self._cache, self._cache / METADATA, targets):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        updater = Updater(
            str(self._cache / METADATA),
            f"{self._transport.repository}/metadata/",
            str(targets),
            f"{self._transport.repository}/targets/",
            self._fetcher,
            self._config,
            bootstrap=self._trusted_root(),
        )
        updater.refresh()
        release = self._release(updater)
        name = release.bundle_for(self._where)
        info = updater.get_targetinfo(name)
        if info is None:
            raise ReleaseError(f"the release names {name}, which is not among the approved policies")
        bundle = self._bundle(updater, info)
        before = read_active(self._cache)
        version = before.version if before and before.bundle == bundle else ""
        active = Active(
            bundle,
            version or Bundle.open(self._cache / bundle).version,
            self._clock(),
            release.serial,
            dict(release.softened),
            release.mode,
        )
        is_new = before is None or before._replace(checked=0.0) != active._replace(checked=0.0)
        data = json.dumps(active.to_json()).encode()
        replace(self._cache / ACTIVE, data, durable=is_new)
        if is_new:
            self._clean(before)
        return Refreshed(active, is_new, release.poll_seconds, timestamp_of(self._cache))

    def _trusted_root(self) -> bytes:
        """Return the root that everything is trusted by: the operator's word, not the network's."""
        if not self._root:
            raise RefreshError(
                "nothing says what the hub's policy is trusted by: set root to a root.json, or to the "
                "sha256:… that jupyter tos-guard central status prints",
                is_refused=True,
            )
        kind, _, digest = self._root.partition(":")
        if kind != "sha256":
            path = Path(self._root).expanduser()
            try:
                return path.read_bytes()
            except OSError as error:
                raise RefreshError(
                    f"root: {path} cannot be read ({error.strerror})", is_refused=True
                ) from error
        known = self._cache / _ROOT
        with contextlib.suppress(OSError):
            data = known.read_bytes()
            if hashlib.sha256(data).hexdigest() == digest.lower():
                return data
        url = f"{self._transport.repository}/metadata/1.root.json"
        data = self._fetcher.download_bytes(url, self._config.root_max_length)
        found = hashlib.sha256(data).hexdigest()
        if found != digest.lower():
            raise RefreshError(
                f"{url} is not the root that the settings name: its sha256 is {found}, root says "
                f"{readable(digest, 64)}. Either root is wrong, or this is another hub's repository",
                is_refused=True,
            )
        replace(known, data)
        return data

    def _release(self, updater: Updater) -> Release:
        info = updater.get_targetinfo(_RELEASE)
        if info is None:
            raise ReleaseError(f"the repository has no {_RELEASE}")
        if info.length > MAX_BYTES:
            raise ReleaseError(f"{_RELEASE} has {info.length} bytes")
        path = str(self._cache / TARGETS / _RELEASE)
        if updater.find_cached_target(info, path) is None:
            updater.download_target(info, path)
        return parse(Path(path).read_bytes())

    def _bundle(self, updater: Updater, info: TargetFile) -> str:
        """Return the bundle's place in the cache; it is there, whole, signed and usable."""
        if info.length > MAX_BUNDLE:
            raise ReleaseError(f"{info.path} has {info.length} bytes, more than {MAX_BUNDLE}")
        digest = info.hashes.get("sha256")
        if not digest:
            raise ReleaseError(f"{info.path} is listed without its sha256")
        name = f"{TARGETS}/{digest}.bundle"
        path = self._cache / name
        # Hashing a bundle of 50 MB takes 60 ms: once for each process and file, not at each refresh.
        if self._verified and self._verified == (name, _stamp(path)):
            return name
        if updater.find_cached_target(info, str(path)) is None:
            # Beside its name: kernels may have the file of this name open, and must not see it change.
            new = path.with_name(f".{digest}.{os.getpid()}.new")
            try:
                updater.download_target(info, str(new))
                _try(new)
                with open(new, "rb") as file:
                    os.fsync(file.fileno())
                os.replace(new, path)
            finally:
                with contextlib.suppress(OSError):
                    new.unlink()
            sync_folder(path.parent)
        else:
            _try(path)
        self._verified = name, _stamp(path)
        return name

    def _clean(self, before: Active | None) -> None:
        """Delete bundles that nobody will open any more, and what killed processes have left."""
        active = read_active(self._cache)
        kept = {Path(each.bundle).name for each in (active, before) if each}
        bundles = sorted(
            (self._cache / TARGETS).glob("*.bundle"), key=lambda path: path.stat().st_mtime, reverse=True
        )
        old = time.time() - 3600
        leftover = [
            path
            for folder in (self._cache, self._cache / TARGETS)
            for path in folder.glob(".*.new")
            if path.stat().st_mtime < old
        ]
        for path in [*[each for each in bundles if each.name not in kept][_KEPT - len(kept) :], *leftover]:
            with contextlib.suppress(OSError):
                path.unlink()


def timestamp_of(cache: Path) -> int:
    """Return the version of the timestamp in the cache, 0 when there is none: for asking what is new only."""
    signed = (read_json(cache / METADATA / "timestamp.json") or {}).get("signed")
    version = signed.get("version") if isinstance(signed, dict) else None
    return version if isinstance(version, int) else 0


def _try(path: Path) -> None:
    """Load a bundle as kernels will, and read every byte of it.

    Raises
    ------
    BundleError
        It is damaged, of another format, or holds nothing that could ever decide.
    """
    with Bundle.open(path) as bundle:
        bundle.verify()
        if not bundle.rule_count or not bundle.terms.clauses:
            raise BundleError("corrupt", f"policy {bundle.version} holds no rules")


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0, 0
    return status.st_ino, status.st_size, status.st_mtime_ns
