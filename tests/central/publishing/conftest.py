"""A repository with an example policy, and real TUF clients that read its files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from jupyter_tos_guard.central.publishing.keys import ONLINE, make_key
from jupyter_tos_guard.central.publishing.repository import Repository, create
from jupyter_tos_guard.policy.compile import encode
from jupyter_tos_guard.policy.release import Release, parse
from jupyter_tos_guard.policy.rules import Policy, load_policy

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "policy"


class FolderFetcher(FetcherInterface):
    """Reads what a web server would send, from the repository's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = unquote(urlsplit(url).path).lstrip("/")
        self.asked.append(name)
        try:
            yield (self.folder / name).read_bytes()
        except OSError:
            raise DownloadHTTPError("not found", 404) from None


@dataclass
class Reader:
    """A client that keeps its cache between refreshes, as a server does."""

    folder: Path
    cache: Path
    root: bytes
    fetcher: FolderFetcher = field(init=False)

    def __post_init__(self) -> None:
        self.fetcher = FolderFetcher(self.folder)
        for name in ("metadata", "targets"):
            (self.cache / name).mkdir(parents=True, exist_ok=True)

    def updater(self) -> Updater:
        updater = Updater(
            str(self.cache / "metadata"),
            "https://hub.invalid/metadata/",
            str(self.cache / "targets"),
            "https://hub.invalid/targets/",
            fetcher=self.fetcher,
            config=UpdaterConfig(),
            bootstrap=self.root,
        )
        updater.refresh()
        return updater

    def get(self, name: str) -> bytes:
        updater = self.updater()
        info = updater.get_targetinfo(name)
        assert info is not None, f"{name} is not a target"
        return Path(updater.download_target(info)).read_bytes()

    def has(self, name: str) -> bool:
        return self.updater().get_targetinfo(name) is not None

    def release(self) -> Release:
        return parse(self.get("release.json"))

    def current(self) -> bytes:
        return self.get(self.release().current)


@dataclass
class Hub:
    """A repository and everything that belongs to it."""

    folder: Path
    online: Path
    offline: Path
    root_keys: list[CryptoSigner]
    targets_keys: list[CryptoSigner]
    repository: Repository
    policy: Policy
    now: list[float]
    base: Path

    def bundle(self, version: str, **changes: object) -> bytes:
        """The example policy under another version, with a salt of its own."""
        return encode(replace(self.policy, **{"version": version, "salt": os.urandom(16), **changes}))

    def reader(self, name: str = "reader") -> Reader:
        return Reader(self.folder, self.base / name, (self.folder / "metadata" / "1.root.json").read_bytes())

    def files(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and path.name != ".lock"
        }


@pytest.fixture(scope="session")
def example() -> Policy:
    policy, problems = load_policy(EXAMPLE)
    assert policy is not None
    assert not problems
    return policy


@pytest.fixture
def make_hub(tmp_path: Path, example: Policy) -> Callable[..., Hub]:
    def make(
        name: str = "hub",
        *,
        roots: int = 1,
        root_threshold: int = 1,
        targets: int = 1,
        targets_threshold: int = 1,
    ) -> Hub:
        import time

        base = tmp_path / name
        online, offline = base / "online", base / "offline"
        for role in ONLINE:
            make_key(online / f"{role}.pem")
        root_keys = [make_key(offline / f"root-{number}.pem") for number in range(roots)]
        targets_keys = [make_key(offline / f"targets-{number}.pem") for number in range(targets)]
        now = [time.time()]

        def clock() -> float:
            now[0] += 0.001
            return now[0]

        repository = create(
            base / "repository",
            encode(replace(example, version="1")),
            root_keys=root_keys,
            targets_keys=targets_keys,
            online_keys=online,
            root_threshold=root_threshold,
            targets_threshold=targets_threshold,
            clock=clock,
        )
        return Hub(
            base / "repository", online, offline, root_keys, targets_keys, repository, example, now, base
        )

    return make


@pytest.fixture
def hub(make_hub: Callable[..., Hub]) -> Hub:
    return make_hub()
