"""Other keys take the place of old ones while clients of every age look on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import RepositoryError as ClientRefuses

from jupyter_tos_guard.central.publishing import release as steps
from jupyter_tos_guard.central.publishing.keys import make_key
from jupyter_tos_guard.central.publishing.repository import Repository, RepositoryError
from jupyter_tos_guard.policy.bundle import Bundle

from .conftest import Hub
from .test_repository import laptop, push


def new_key(hub: Hub, role: str, name: str = "new") -> CryptoSigner:
    folder = hub.offline if role in ("root", "targets") else hub.online
    return make_key(folder / f"{role}-{name}.pem")


def rotate(hub: Hub, role: str) -> CryptoSigner:
    key = new_key(hub, role)
    hub.repository.replace_keys(role, [key], root_keys=hub.root_keys, targets_keys=hub.targets_keys)
    if role == "root":
        hub.root_keys = [key]
    if role == "targets":
        hub.targets_keys = [key]
    return key


ROLES = ["root", "targets", "snapshot", "timestamp", "release"]


@pytest.mark.parametrize("role", ROLES)
def test_clients_old_and_new_follow_when_a_key_is_replaced(hub: Hub, role: str) -> None:
    old = hub.reader("old")
    old.release()
    key = rotate(hub, role)
    [status] = [each for each in hub.repository.roles() if each.role == role]
    assert status.keys == (key.public_key.keyid,)
    for reader in (old, hub.reader("new")):
        assert reader.release().current == "policy/1.bundle"
    hub.repository.publish(
        hub.bundle("2"), hub.targets_keys, then=lambda r, name: steps.with_current(r, name)
    )
    for reader in (old, hub.reader("newer")):
        assert Bundle.from_bytes(reader.current()).version == "2"
    assert hub.repository.resign().warnings == ()


@pytest.mark.parametrize("role", ROLES)
def test_the_old_key_signs_nothing_any_more(hub: Hub, role: str) -> None:
    old_files = {path.name: path.read_bytes() for path in hub.online.iterdir()}
    old_root, old_targets = hub.root_keys, hub.targets_keys
    rotate(hub, role)
    if role == "root":
        with pytest.raises(RepositoryError, match="present root keys"):
            hub.repository.resign(old_root)
    elif role == "targets":
        with pytest.raises(RepositoryError, match="--keys"):
            hub.repository.publish(hub.bundle("2"), old_targets)
    else:
        (hub.online / f"{role}-new.pem").unlink()
        assert (hub.online / f"{role}.pem").read_bytes() == old_files[f"{role}.pem"]
        with pytest.raises(RepositoryError, match="online keys"):
            hub.repository.change_release(lambda release: release)


def test_a_client_that_slept_through_ten_roots_follows_the_chain(hub: Hub) -> None:
    sleeper = hub.reader("sleeper")
    sleeper.release()
    for number in range(10):
        key = make_key(hub.offline / f"root-{number + 10}.pem")
        hub.repository.replace_keys("root", [key], root_keys=hub.root_keys)
        hub.root_keys = [key]
    hub.repository.replace_keys("timestamp", [new_key(hub, "timestamp")], root_keys=hub.root_keys)
    assert sleeper.release().current == "policy/1.bundle"
    assert sleeper.updater()._trusted_set.root.version == 12
    fresh = hub.reader("fresh")
    assert fresh.release().current == "policy/1.bundle", "it knows only the first root"
    assert [name for name in fresh.fetcher.asked if name.endswith("root.json")][:11] == [
        f"metadata/{number}.root.json" for number in range(2, 13)
    ]


def test_a_root_that_the_one_before_did_not_sign_stops_writers_and_clients(
    hub: Hub, make_hub: Callable[..., Hub]
) -> None:
    stranger = make_hub("stranger")
    stranger.repository.resign(stranger.root_keys)
    forged = (stranger.folder / "metadata" / "2.root.json").read_bytes()
    (hub.folder / "metadata" / "2.root.json").write_bytes(forged)
    with pytest.raises(ClientRefuses):
        hub.reader().release()
    with pytest.raises(RepositoryError, match="not signed by the root before it"):
        hub.repository.change_release(lambda release: release)


def test_two_of_three_root_keys_are_needed_and_enough(make_hub: Callable[..., Hub]) -> None:
    hub = make_hub(roots=3, root_threshold=2)
    reader = hub.reader()
    reader.release()
    before = hub.files()
    with pytest.raises(RepositoryError, match="2 of the present root keys"):
        hub.repository.replace_keys("timestamp", [new_key(hub, "timestamp")], root_keys=hub.root_keys[:1])
    assert hub.files() == before
    (hub.online / "timestamp-new.pem").unlink()
    hub.repository.replace_keys("timestamp", [new_key(hub, "timestamp")], root_keys=hub.root_keys[1:])
    assert reader.release().current == "policy/1.bundle"


def test_two_of_three_targets_keys_are_needed_and_enough(make_hub: Callable[..., Hub]) -> None:
    hub = make_hub(targets=3, targets_threshold=2)
    with pytest.raises(RepositoryError, match="2 of the keys"):
        hub.repository.publish(hub.bundle("2"), hub.targets_keys[:1])
    hub.repository.publish(hub.bundle("2"), hub.targets_keys[:2])
    hub.repository.publish(hub.bundle("3"), hub.targets_keys[1:])
    assert hub.reader().has("policy/2.bundle")
    assert hub.reader().has("policy/3.bundle")


def test_a_threshold_can_be_raised(hub: Hub) -> None:
    reader = hub.reader()
    reader.release()
    keys = [new_key(hub, "root", str(number)) for number in range(10, 13)]
    hub.repository.replace_keys("root", keys, root_keys=hub.root_keys, threshold=2)
    with pytest.raises(RepositoryError, match="2 of the present root keys"):
        hub.repository.resign(keys[:1])
    hub.repository.resign(keys[:2])
    assert reader.updater()._trusted_set.root.version == 3


def test_a_threshold_beyond_the_keys_is_refused(hub: Hub) -> None:
    with pytest.raises(RepositoryError, match="give more keys"):
        hub.repository.replace_keys("root", hub.root_keys, root_keys=hub.root_keys, threshold=2)


def test_lost_targets_keys_can_be_replaced_with_the_root_alone(hub: Hub) -> None:
    reader = hub.reader()
    reader.release()
    key = new_key(hub, "targets")
    hub.repository.replace_keys("targets", [key], root_keys=hub.root_keys)
    assert reader.release().current == "policy/1.bundle"
    hub.repository.publish(hub.bundle("2"), [key])
    assert reader.has("policy/2.bundle")


def test_lost_online_keys_can_be_replaced_with_the_offline_ones(hub: Hub) -> None:
    reader = hub.reader()
    reader.release()
    for role in ("snapshot", "timestamp", "release"):
        (hub.online / f"{role}.pem").unlink()
    for role in ("snapshot", "timestamp", "release"):
        hub.repository.replace_keys(
            role, [new_key(hub, role)], root_keys=hub.root_keys, targets_keys=hub.targets_keys
        )
    assert hub.repository.resign().warnings == ()
    assert reader.release().current == "policy/1.bundle"


def test_keys_replaced_on_a_laptop_are_taken_up_where_the_service_runs(hub: Hub, tmp_path: Path) -> None:
    reader = hub.reader()
    reader.release()
    mine = laptop(hub, tmp_path)
    bag = tmp_path / "bag"
    for role in ("snapshot", "timestamp", "release"):
        mine.replace_keys(
            role,
            [make_key(bag / f"{role}.pem")],
            root_keys=hub.root_keys,
            targets_keys=hub.targets_keys,
        )
    for path in bag.iterdir():
        path.rename(hub.online / path.name)  # over the stolen ones
    push(mine, hub, "targets/**/*", "metadata/*.targets.json", "metadata/*.root.json")
    assert hub.repository.problems(), "until the service looks, clients keep what they have"
    assert hub.repository.resign() == (("release", "snapshot", "timestamp"), ())
    assert reader.release().current == "policy/1.bundle"
    assert hub.reader("fresh").release().current == "policy/1.bundle"


def test_a_publish_that_takes_up_a_new_release_key_signs_the_release_with_it(
    hub: Hub, tmp_path: Path
) -> None:
    reader = hub.reader()
    reader.release()
    mine = laptop(hub, tmp_path)
    mine.replace_keys("release", [make_key(tmp_path / "release.pem")], targets_keys=hub.targets_keys)
    (tmp_path / "release.pem").rename(hub.online / "release.pem")
    push(mine, hub, "metadata/*.targets.json")
    hub.repository.publish(hub.bundle("2"), hub.targets_keys)
    assert reader.release().current == "policy/1.bundle"
    assert hub.repository.problems() == []


def test_a_thief_who_ran_ahead_with_version_numbers_is_forgotten_with_his_keys(hub: Hub) -> None:
    """Fast-forward: with stolen online keys, numbers so high that honest ones would look old."""
    reader = hub.reader()
    thief = Repository(hub.folder, hub.online)
    honest = hub.files()
    for _ in range(20):
        thief.change_release(lambda release: release)
    reader.release()  # it has seen the high numbers
    for name in hub.files().keys() - honest.keys():
        (hub.folder / name).unlink()
    (hub.folder / "metadata" / "timestamp.json").write_bytes(honest["metadata/timestamp.json"])
    with pytest.raises(ClientRefuses):
        reader.release()
    # As docs/publishing.md has it: all three online keys are replaced.
    for role in ("snapshot", "timestamp", "release"):
        (hub.online / f"{role}.pem").unlink()
    for role in ("snapshot", "timestamp", "release"):
        hub.repository.replace_keys(
            role, [new_key(hub, role)], root_keys=hub.root_keys, targets_keys=hub.targets_keys
        )
    hub.repository.resign()
    assert reader.release().current == "policy/1.bundle"
