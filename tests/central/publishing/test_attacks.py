"""What somebody with some of the keys, or with the files, can do. Named after the attack."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import DownloadError
from tuf.api.exceptions import RepositoryError as Unverified
from tuf.api.metadata import Delegations, Metadata, MetaFile, Snapshot, TargetFile, Targets, Timestamp

from jupyter_tos_guard.central.publishing import release as steps
from jupyter_tos_guard.central.publishing import signing
from jupyter_tos_guard.central.publishing.keys import read_key
from jupyter_tos_guard.central.publishing.repository import Repository, RepositoryError
from jupyter_tos_guard.policy.model import Mode, Verdict
from jupyter_tos_guard.policy.release import ReleaseError, parse

from .conftest import Hub

#: What a TUF client raises when it does not take what it got.
ClientRefuses = (Unverified, DownloadError)


class Thief:
    """Has the three online keys and may write the repository's files. Not the offline keys."""

    def __init__(self, hub: Hub) -> None:
        self.metadata = hub.folder / "metadata"
        self.targets = hub.folder / "targets"
        self.now = hub.now[0]
        self.number = 1000
        self.keys = {
            role: read_key(hub.online / f"{role}.pem") for role in ("snapshot", "timestamp", "release")
        }

    def load(self, name: str) -> Metadata:
        return Metadata.from_file(str(self.metadata / name))

    def put_target(self, name: str, content: bytes) -> TargetFile:
        target = TargetFile.from_data(name, content, ["sha256"])
        path = self.targets / target.get_prefixed_paths()[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return target

    def release_role(self, *targets: TargetFile, delegations: Delegations | None = None) -> int:
        """Sign the release role over any targets."""
        number = 1000
        role = Targets(
            number,
            expires=signing.ends("release", self.now),
            targets={target.path: target for target in targets},
            delegations=delegations,
        )
        self.write(f"{number}.release.json", Metadata(role), self.keys["release"])
        return number

    def write(self, name: str, metadata: Metadata, *keys: CryptoSigner) -> None:
        for key in keys:
            metadata.sign(key, append=True)
        (self.metadata / name).write_bytes(metadata.to_bytes())

    def commit(self, **versions: int) -> None:
        """Sign a snapshot with these versions of the roles, and a timestamp."""
        timestamp = self.load("timestamp.json").signed
        snapshot = self.load(f"{timestamp.snapshot_meta.version}.snapshot.json").signed
        for role, version in versions.items():
            snapshot.meta[f"{role}.json"] = MetaFile(version)
        self.number += 1
        made = Snapshot(self.number, expires=signing.ends("snapshot", self.now), meta=snapshot.meta)
        self.write(f"{self.number}.snapshot.json", Metadata(made), self.keys["snapshot"])
        final = Timestamp(
            timestamp.version + 1,
            expires=signing.ends("timestamp", self.now),
            snapshot_meta=MetaFile(self.number),
        )
        self.write("timestamp.json", Metadata(final), self.keys["timestamp"])


@pytest.fixture
def thief(hub: Hub) -> Thief:
    return Thief(hub)


# --- the online keys alone cannot approve ---


def test_bundle_listed_by_the_online_key_itself(hub: Hub, thief: Thief) -> None:
    evil = thief.put_target("policy/evil.bundle", hub.bundle("evil"))
    release = hub.repository.release()._replace(current="policy/evil.bundle")
    document = thief.put_target("release.json", release.to_bytes())
    thief.commit(release=thief.release_role(document, evil))
    reader = hub.reader()
    assert reader.release().current == "policy/evil.bundle", "he can write the name"
    assert not reader.has("policy/evil.bundle"), "but no client gets the bundle"


def test_bundle_put_in_the_place_of_an_approved_one(hub: Hub, thief: Thief) -> None:
    evil = hub.bundle("1")
    for path in (hub.folder / "targets" / "policy").iterdir():
        path.write_bytes(evil.ljust(path.stat().st_size, b"\0")[: path.stat().st_size])
    with pytest.raises(ClientRefuses):
        hub.reader().get("policy/1.bundle")


def test_online_role_delegating_further_to_a_key_of_the_thief(hub: Hub, thief: Thief) -> None:
    own = CryptoSigner.generate_ed25519()
    delegations = signing.delegations([own])
    roles = delegations.roles or {}
    roles["release"].paths = ["*", "*/*"]
    evil = thief.put_target("policy/evil.bundle", hub.bundle("evil"))
    document = thief.put_target("release.json", hub.repository.release().to_bytes())
    thief.commit(release=thief.release_role(document, evil, delegations=delegations))
    assert not hub.reader().has("policy/evil.bundle")


def test_targets_signed_by_online_keys(hub: Hub, thief: Thief) -> None:
    targets = thief.load("1.targets.json").signed
    targets.targets["policy/evil.bundle"] = thief.put_target("policy/evil.bundle", hub.bundle("evil"))
    targets.version = 1000
    thief.write("1000.targets.json", Metadata(targets), *thief.keys.values())
    thief.commit(targets=1000)
    with pytest.raises(ClientRefuses):
        hub.reader().release()


def test_targets_signed_by_online_keys_are_not_taken_up_by_an_honest_write(hub: Hub, thief: Thief) -> None:
    targets = thief.load("1.targets.json").signed
    targets.targets["policy/evil.bundle"] = thief.put_target("policy/evil.bundle", hub.bundle("evil"))
    targets.version = 1000
    thief.write("1000.targets.json", Metadata(targets), *thief.keys.values())
    assert hub.repository.waiting() == []
    hub.repository.resign(force=True)
    assert not hub.reader().has("policy/evil.bundle")
    with pytest.raises(RepositoryError, match="not approved"):
        hub.repository.change_release(lambda release: release._replace(current="policy/evil.bundle"))


def test_root_naming_other_keys_signed_by_online_keys(hub: Hub, thief: Thief) -> None:
    root = thief.load("1.root.json").signed
    root.version = 2
    root.add_key(thief.keys["release"].public_key, "targets")
    thief.write("2.root.json", Metadata(root), *thief.keys.values())
    with pytest.raises(ClientRefuses):
        hub.reader().release()


def test_going_back_behind_what_is_still_approved(hub: Hub, thief: Thief) -> None:
    hub.repository.publish(
        hub.bundle("2"), hub.targets_keys, keep=1, then=lambda r, name: steps.with_current(r, name)
    )
    hub.repository.publish(
        hub.bundle("3"), hub.targets_keys, keep=1, then=lambda r, name: steps.with_current(r, name)
    )
    hub.repository.publish(hub.bundle("4"), hub.targets_keys, keep=1)
    reader = hub.reader()
    reader.release()
    release = hub.repository.release()._replace(current="policy/1.bundle")
    document = thief.put_target("release.json", release.to_bytes())
    thief.commit(release=thief.release_role(document))
    assert not reader.has("policy/1.bundle")
    thief.commit(targets=1)  # an old list of targets, rightly signed in its time
    with pytest.raises(ClientRefuses):
        reader.release()


# --- the online keys alone cannot make anything stricter ---


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("softened", {"some-rule": "block"}),
        ("softened", {"some-rule": "warn"}),
        ("softened", {"some-rule": "BLOCK"}),
        ("softened", {"some-rule": 3}),
        ("mode", "enforce"),
        ("mode", "ENFORCE"),
        ("mode", True),
        ("poll_seconds", 0),
        ("poll_seconds", 10**9),
        ("candidate", {"bundle": "../../etc/passwd", "share": 100}),
        ("current", "https://evil.example/x.bundle"),
    ],
)
def test_release_that_raises_a_verdict_or_points_elsewhere(
    hub: Hub, thief: Thief, field: str, value: object
) -> None:
    data = json.loads(hub.repository.release().to_bytes()) | {field: value}
    document = thief.put_target("release.json", json.dumps(data).encode())
    thief.commit(release=thief.release_role(document))
    with pytest.raises(ReleaseError, match=field):
        hub.reader().release()


def test_release_made_stricter_through_the_honest_program(hub: Hub) -> None:
    before = hub.files()
    with pytest.raises(RepositoryError, match="only soften"):
        hub.repository.change_release(lambda release: steps.softened(release, "rule", Verdict.WARN))
    with pytest.raises(RepositoryError, match="only set monitor"):
        hub.repository.change_release(lambda release: steps.in_mode(release, Mode.ENFORCE))
    with pytest.raises(ReleaseError):
        hub.repository.change_release(lambda release: release._replace(mode=Mode.ENFORCE))
    assert hub.files() == before


# --- the files alone ---


def test_bundle_slipped_into_the_repository_before_an_honest_publish(
    hub: Hub, make_hub: Callable[..., Hub]
) -> None:
    """Who can write the files puts a root and targets of his own, and waits for the offline key."""
    stranger = make_hub("stranger")
    # His own root, which names the honest targets key beside his own.
    root = Metadata.from_file(str(stranger.folder / "metadata" / "1.root.json")).signed
    root.add_key(hub.targets_keys[0].public_key, "targets")
    forged = Metadata(root)
    forged.sign(stranger.root_keys[0])
    stranger_root = stranger.folder / "metadata" / "1.root.json"
    stranger_root.write_bytes(forged.to_bytes())
    with pytest.raises(RepositoryError, match="was not signed by the key that you give"):
        stranger.repository.publish(hub.bundle("2"), hub.targets_keys)


def test_targets_of_the_thief_that_carry_a_copied_signature(hub: Hub) -> None:
    path = hub.folder / "metadata" / "1.targets.json"
    metadata = Metadata.from_file(str(path))
    targets = metadata.signed
    targets.targets["policy/evil.bundle"] = TargetFile.from_data("policy/evil.bundle", b"x", ["sha256"])
    path.write_bytes(metadata.to_bytes())  # the old signature, over something else
    with pytest.raises(RepositoryError, match="was not signed by the key that you give"):
        hub.repository.publish(hub.bundle("2"), hub.targets_keys)
    with pytest.raises(ClientRefuses):
        hub.reader().release()


def test_replay_of_yesterdays_files_on_a_mirror(hub: Hub, tmp_path: Path) -> None:
    yesterday = hub.files()
    reader = hub.reader()
    hub.repository.change_release(lambda release: steps.softened(release, "bad-rule", Verdict.ALLOW))
    reader.release()
    (hub.folder / "metadata" / "timestamp.json").write_bytes(yesterday["metadata/timestamp.json"])
    with pytest.raises(ClientRefuses):
        reader.release()


def test_mirror_that_is_frozen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The timestamp ends after days, so that clients notice when nothing new arrives any more."""
    past = Repository(hub.folder, hub.online, lambda: hub.now[0] - 8 * 86_400)
    past.resign(force=True)
    with pytest.raises(ClientRefuses, match="expired"):
        hub.reader().release()
    hub.repository.resign()
    hub.reader().release()


def test_parts_of_two_states_put_together(hub: Hub) -> None:
    """Mix and match: the snapshot holds the digests of what belongs together."""
    before = hub.files()
    hub.repository.publish(hub.bundle("2"), hub.targets_keys)
    (hub.folder / "metadata" / "2.targets.json").write_bytes(before["metadata/1.targets.json"])
    with pytest.raises(ClientRefuses):
        hub.reader().release()


# --- the document ---


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"v": 2}',
        b'{"v": 1, "serial": 1, "issued": NaN, "current": "policy/1.bundle"}',
        b'{"v": 1, "serial": 1, "issued": 1e999, "current": "policy/1.bundle"}',
        b'{"v": 1, "serial": true, "issued": 1, "current": "policy/1.bundle"}',
        b'{"v": 1, "serial": 1, "issued": 1, "current": "policy/../1.bundle"}',
        b'{"v": 1, "serial": 1, "issued": 1, "current": "policy/1.bundle", "special": [{"bundle": "policy/2.bundle"}]}',
        b'{"v": 1, "serial": 1, "issued": 1, "current": "policy/1.bundle", "candidate": {"bundle": "policy/2.bundle", "share": 101}}',
        b'{"v": 1, "serial": 1, "issued": 1, "current": "policy/1.bundle", "softened": []}',
        b" " * (1 << 20) + b"{}",
    ],
)
def test_release_document_that_is_malformed(raw: bytes) -> None:
    with pytest.raises(ReleaseError):
        parse(raw)


def test_release_document_with_text_that_would_act_on_a_terminal() -> None:
    raw = b'{"v": 1, "serial": 1, "issued": 1, "current": "\\u001b[2J\\u202e"}'
    with pytest.raises(ReleaseError) as caught:
        parse(raw)
    assert str(caught.value).isprintable()
