from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tuf.ngclient import Updater

from jupyter_tos_guard.central.publishing import release as steps
from jupyter_tos_guard.central.publishing import store
from jupyter_tos_guard.central.publishing.mirror import copy_repository
from jupyter_tos_guard.central.publishing.repository import (
    KEEP,
    LIFE,
    ReleaseChanged,
    Repository,
    RepositoryError,
    create,
    pin_of,
)
from jupyter_tos_guard.policy.bundle import Bundle
from jupyter_tos_guard.policy.model import Mode, Verdict
from jupyter_tos_guard.policy.release import Release

from .conftest import Hub, Reader

DAY = 86_400.0


def to_everybody(release: Release, name: str) -> Release:
    return steps.with_current(release, name)


def offline(hub: Hub) -> Repository:
    """The repository as a machine without the online keys has it."""
    return Repository(hub.folder, None, hub.repository.now)


# --- what clients get ---


def test_a_client_that_trusts_the_first_root_gets_policy_terms_and_release(hub: Hub) -> None:
    reader = hub.reader()
    assert Bundle.from_bytes(reader.current()).version == "1"
    assert b'"clauses"' in reader.get("terms/1.json")
    release = reader.release()
    assert (release.current, release.candidate, release.mode) == ("policy/1.bundle", None, None)


def test_a_real_web_server_can_carry_the_files(hub: Hub, tmp_path: Path) -> None:
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(hub.folder))
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        for name in ("m", "t"):
            (tmp_path / name).mkdir()
        url = f"http://127.0.0.1:{server.server_port}"
        root = (hub.folder / "metadata" / "1.root.json").read_bytes()
        updater = Updater(
            str(tmp_path / "m"), f"{url}/metadata/", str(tmp_path / "t"), f"{url}/targets/", bootstrap=root
        )
        info = updater.get_targetinfo("policy/1.bundle")
        assert info is not None
        with Bundle.open(updater.download_target(info)) as bundle:
            assert bundle.version == "1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)


def test_publishing_approves_and_changes_nothing_for_clients_until_it_is_released(hub: Hub) -> None:
    reader = hub.reader()
    before = reader.release()
    approved = hub.repository.publish(hub.bundle("2"), hub.targets_keys)
    assert (approved.name, approved.version, approved.terms_version) == ("policy/2.bundle", "2", "1")
    assert reader.release() == before
    assert Bundle.from_bytes(reader.get("policy/2.bundle")).version == "2"
    assert [each.version for each in hub.repository.approved()] == ["2", "1"]


def test_a_candidate_is_shared_promoted_and_withdrawn(hub: Hub) -> None:
    reader = hub.reader()
    hub.repository.publish(
        hub.bundle("2"), hub.targets_keys, then=lambda r, name: steps.with_candidate(r, name, 10)
    )
    candidate = reader.release().candidate
    assert candidate is not None
    assert (candidate.bundle, candidate.share) == ("policy/2.bundle", 10)
    hub.repository.change_release(lambda release: steps.with_share(release, 50))
    assert reader.release().candidate == candidate._replace(share=50)
    hub.repository.change_release(steps.withdrawn)
    assert reader.release().candidate is None
    hub.repository.change_release(lambda release: steps.with_candidate(release, "policy/2.bundle", 100))
    hub.repository.change_release(steps.promoted)
    assert reader.release().current == "policy/2.bundle"
    assert Bundle.from_bytes(reader.current()).version == "2"
    hub.repository.change_release(lambda release: steps.with_current(release, "policy/1.bundle"))
    assert Bundle.from_bytes(reader.current()).version == "1"


def test_softening_and_monitor_mode_reach_clients_and_end_again(hub: Hub) -> None:
    reader = hub.reader()
    hub.repository.change_release(lambda release: steps.softened(release, "some-rule", Verdict.OBSERVE))
    hub.repository.change_release(lambda release: steps.in_mode(release, Mode.MONITOR))
    assert reader.release().softened == {"some-rule": Verdict.OBSERVE}
    assert reader.release().mode is Mode.MONITOR
    hub.repository.change_release(lambda release: steps.restored(release, "some-rule"))
    hub.repository.change_release(lambda release: steps.in_mode(release, None))
    assert reader.release().softened == {}
    assert reader.release().mode is None


def test_a_channel_is_for_its_groups(hub: Hub) -> None:
    hub.repository.publish(
        hub.bundle("lab-1"),
        hub.targets_keys,
        channel="lab",
        then=lambda release, name: steps.assigned(release, name, ["physics"], []),
    )
    [special] = hub.reader().release().special
    assert (special.groups, special.bundle) == (("physics",), "policy/lab/lab-1.bundle")
    assert Bundle.from_bytes(hub.reader().get("policy/lab/lab-1.bundle")).version == "lab-1"


def test_every_change_gives_the_timestamp_a_new_number(hub: Hub) -> None:
    before = hub.repository.timestamp_version()
    hub.repository.change_release(lambda release: release._replace(poll_seconds=60))
    assert hub.repository.timestamp_version() == before + 1
    assert hub.reader().release().poll_seconds == 60


def test_a_release_made_from_an_old_one_is_refused(hub: Hub) -> None:
    mine = hub.repository.release()
    hub.repository.set_release(mine._replace(poll_seconds=60))
    with pytest.raises(ReleaseChanged, match="Look again"):
        hub.repository.set_release(mine._replace(poll_seconds=90))
    assert hub.repository.release().poll_seconds == 60
    assert hub.repository.release().serial == mine.serial + 1


def test_the_pin_is_the_digest_of_the_first_root_whatever_comes_later(hub: Hub) -> None:
    pin = hub.repository.root_pin()
    assert pin == pin_of((hub.folder / "metadata" / "1.root.json").read_bytes())
    hub.repository.resign(hub.root_keys)
    assert hub.repository.root_pin() == pin


# --- refusals ---


def refused(hub: Hub, bundle: bytes, match: str, **how: object) -> None:
    before = hub.files()
    with pytest.raises(RepositoryError, match=match):
        hub.repository.publish(bundle, hub.targets_keys, **how)
    assert hub.files() == before


def test_a_version_is_never_published_twice(hub: Hub) -> None:
    refused(hub, hub.bundle("1"), "version 1 was published before")


def test_a_version_that_was_retired_is_still_taken(hub: Hub) -> None:
    for number in range(2, KEEP + 3):
        hub.repository.publish(hub.bundle(str(number)), hub.targets_keys)
    assert "2" not in {each.version for each in hub.repository.approved()}
    refused(hub, hub.bundle("2"), "version 2 was published before")


def test_a_version_of_one_channel_cannot_be_that_of_another(hub: Hub) -> None:
    refused(hub, hub.bundle("1"), "version 1 was published before", channel="lab")


def test_a_salt_is_never_used_twice(hub: Hub) -> None:
    salt = os.urandom(16)
    hub.repository.publish(hub.bundle("2", salt=salt), hub.targets_keys)
    refused(hub, hub.bundle("3", salt=salt), "salt was used")


def test_an_empty_policy_is_refused(hub: Hub) -> None:
    refused(hub, hub.bundle("2", rules=()), "no rule.*--mode monitor")


def test_a_damaged_bundle_is_refused(hub: Hub) -> None:
    good = hub.bundle("2")
    refused(hub, good[:-1] + bytes([good[-1] ^ 1]), "cannot be published")
    refused(hub, good[:100], "cannot be published")


@pytest.mark.parametrize("version", ["../../etc/x", "a/b", "a b", "é", ".hidden", "x" * 65])
def test_a_version_that_cannot_be_a_file_name_is_refused(hub: Hub, version: str) -> None:
    refused(hub, hub.bundle(version), "cannot be part of a file's name")


def test_terms_that_changed_need_a_new_version(hub: Hub) -> None:
    terms = hub.policy.terms._replace(title="Other terms")
    refused(hub, hub.bundle("2", terms=terms), "Give terms.version in policy.yml a new one")
    hub.repository.publish(hub.bundle("3", terms=terms._replace(version="2")), hub.targets_keys)
    assert b"Other terms" in hub.reader().get("terms/2.json")


def test_a_wrong_key_approves_nothing(hub: Hub, make_hub: Callable[..., Hub]) -> None:
    other = make_hub("other")
    before = hub.files()
    for keys in ([], other.targets_keys, hub.root_keys):
        with pytest.raises(RepositoryError, match="--keys"):
            hub.repository.publish(hub.bundle("2"), keys)
    assert hub.files() == before


def test_a_release_of_what_is_not_approved_is_refused(hub: Hub) -> None:
    before = hub.files()
    with pytest.raises(RepositoryError, match=r"not approved.*Approved: 1\."):
        hub.repository.change_release(lambda release: release._replace(current="policy/9.bundle"))
    assert hub.files() == before


def test_there_is_no_repository(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="central init"):
        Repository(tmp_path / "nothing").release()
    with pytest.raises(RepositoryError, match="no repository"):
        Repository(tmp_path / "nothing").change_release(lambda release: release)


def test_a_repository_is_not_made_over_another(hub: Hub) -> None:
    before = hub.files()
    with pytest.raises(RepositoryError, match="not empty"):
        create(
            hub.folder,
            hub.bundle("5"),
            root_keys=hub.root_keys,
            targets_keys=hub.targets_keys,
            online_keys=hub.online,
        )
    assert hub.files() == before


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_takes_nothing_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """As root, which tests may run as, permissions stop nobody: the system's answer is put in its place."""
    before = hub.files()

    def refuse(*args: object, **kwargs: object) -> tuple[int, str]:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(store.tempfile, "mkstemp", refuse)
    with pytest.raises(RepositoryError, match=f"cannot be written: {os.strerror(number)}"):
        hub.repository.change_release(lambda release: release)
    assert hub.files() == before


@pytest.mark.parametrize("name", ["1.root.json", "1.targets.json", "timestamp.json"])
def test_a_damaged_file_is_named(hub: Hub, name: str) -> None:
    (hub.folder / "metadata" / name).write_bytes(b"{")
    with pytest.raises(RepositoryError, match=name):
        hub.repository.release()


# --- keeping versions ---


def test_old_versions_are_retired_but_never_those_in_use(hub: Hub) -> None:
    for number in range(2, KEEP + 4):
        hub.repository.publish(hub.bundle(str(number)), hub.targets_keys)
    versions = [each.version for each in hub.repository.approved()]
    assert versions == [*map(str, range(KEEP + 3, 3, -1)), "1"]
    assert Bundle.from_bytes(hub.reader().current()).version == "1"


def test_a_version_that_is_retired_reaches_nobody_whoever_releases_it(hub: Hub) -> None:
    hub.repository.publish(hub.bundle("2"), hub.targets_keys)
    assert hub.reader().has("policy/2.bundle")
    hub.repository.retire(["policy/2.bundle"], hub.targets_keys)
    assert not hub.reader().has("policy/2.bundle")
    with pytest.raises(RepositoryError, match="not approved"):
        hub.repository.change_release(lambda release: steps.with_current(release, "policy/2.bundle"))


@pytest.mark.parametrize("name", ["policy/1.bundle", "policy/9.bundle", "terms/1.json", "release.json"])
def test_what_is_released_or_no_version_is_not_retired(hub: Hub, name: str) -> None:
    before = hub.files()
    with pytest.raises(RepositoryError, match="not approved"):
        hub.repository.retire([name], hub.targets_keys)
    assert hub.files() == before


def test_old_snapshots_go_once_nobody_can_need_them(hub: Hub) -> None:
    for number in range(30):
        hub.repository.change_release(lambda release, n=number: release._replace(poll_seconds=60 + n))
    everything = len(list((hub.folder / "metadata").glob("*.snapshot.json")))
    assert everything == 31  # written today: somebody may be in the middle of a refresh
    for path in (hub.folder / "metadata").glob("*.snapshot.json"):
        os.utime(path, (1, 1))
    hub.repository.change_release(lambda release: release)
    assert len(list((hub.folder / "metadata").glob("*.snapshot.json"))) == 20
    hub.reader().release()


# --- renewing ---


def test_resigning_does_nothing_before_it_is_time(hub: Hub) -> None:
    before = hub.files()
    assert hub.repository.resign() == ((), ())
    assert hub.files() == before


def test_the_timestamp_is_renewed_daily_and_the_others_when_half_their_time_is_gone(hub: Hub) -> None:
    hub.now[0] += DAY
    assert hub.repository.resign().roles == ("timestamp",)
    hub.now[0] += LIFE["snapshot"] / 2 * DAY
    assert hub.repository.resign().roles == ("release", "snapshot", "timestamp")
    assert hub.repository.release().serial == 1, "the same release, with a new signature"
    for role in hub.repository.roles():
        if role.role == "timestamp":
            assert role.expires - hub.now[0] == pytest.approx(LIFE["timestamp"] * DAY, abs=5)


def test_the_end_of_offline_signatures_is_told_two_months_before(hub: Hub) -> None:
    hub.now[0] += (LIFE["targets"] - 50) * DAY
    warnings = hub.repository.resign().warnings
    assert [warning.split()[0] for warning in warnings] == ["targets"]
    assert "ends in 50 days" in warnings[0]
    assert hub.repository.resign(hub.root_keys, hub.targets_keys).roles[:2] == ("root", "targets")
    assert hub.repository.resign().warnings == ()


def test_a_client_sees_the_renewed_offline_roles(hub: Hub) -> None:
    reader = hub.reader()
    reader.release()
    hub.repository.resign(hub.root_keys, hub.targets_keys)
    assert reader.updater()._trusted_set.root.version == 2
    assert reader.release().current == "policy/1.bundle"


def test_nothing_can_be_renewed_without_keys(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="online keys"):
        offline(hub).resign()
    with pytest.raises(RepositoryError, match="--online"):
        Repository(hub.folder, tmp_path).resign()


# --- approving on another machine ---


def laptop(hub: Hub, tmp_path: Path) -> Repository:
    shutil.copytree(hub.folder, tmp_path / "laptop", dirs_exist_ok=True)
    return Repository(tmp_path / "laptop", None, hub.repository.now)


def push(laptop: Repository, hub: Hub, *names: str) -> None:
    """Copy as the documentation says: nothing that is there already."""
    for name in names:
        for path in sorted(laptop.folder.glob(name)):
            there = hub.folder / path.relative_to(laptop.folder)
            if path.is_file() and not there.exists():
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, there)


def test_a_version_approved_on_a_laptop_is_taken_up_where_the_online_keys_are(
    hub: Hub, tmp_path: Path
) -> None:
    mine = laptop(hub, tmp_path)
    mine.publish(hub.bundle("2"), hub.targets_keys)
    mine.publish(hub.bundle("3"), hub.targets_keys)
    hub.repository.change_release(lambda release: release._replace(poll_seconds=60))  # life goes on
    push(mine, hub, "targets/**/*", "metadata/*.targets.json")
    assert [each.version for each in hub.repository.waiting()] == ["3", "2"]
    assert not hub.reader().has("policy/3.bundle")
    assert hub.repository.resign().roles == ("snapshot", "timestamp")
    assert hub.repository.waiting() == []
    assert hub.reader().release().poll_seconds == 60
    hub.repository.change_release(lambda release: steps.with_candidate(release, "policy/3.bundle", 10))
    assert Bundle.from_bytes(hub.reader().get("policy/3.bundle")).version == "3"


def test_a_copy_that_is_not_complete_is_not_taken_up(hub: Hub, tmp_path: Path) -> None:
    mine = laptop(hub, tmp_path)
    mine.publish(hub.bundle("2"), hub.targets_keys)
    push(mine, hub, "metadata/*.targets.json")  # the wrong way round
    assert hub.repository.resign().roles == ()
    assert hub.reader().release().current == "policy/1.bundle"
    push(mine, hub, "targets/**/*")
    assert hub.repository.resign().roles == ("snapshot", "timestamp")
    assert hub.reader().has("policy/2.bundle")


def test_half_a_copied_file_keeps_nobody_from_taking_a_rule_back(hub: Hub, tmp_path: Path) -> None:
    mine = laptop(hub, tmp_path)
    mine.publish(hub.bundle("2"), hub.targets_keys)
    push(mine, hub, "targets/**/*", "metadata/*.targets.json")
    path = hub.folder / "metadata" / "2.targets.json"
    path.write_bytes(path.read_bytes()[:300])
    hub.repository.change_release(lambda release: steps.softened(release, "rule", Verdict.ALLOW))
    assert hub.reader().release().softened == {"rule": Verdict.ALLOW}
    assert not hub.reader().has("policy/2.bundle")


def test_without_the_online_keys_nothing_is_released(hub: Hub, tmp_path: Path) -> None:
    mine = laptop(hub, tmp_path)
    before = {path.name for path in mine.folder.rglob("*")} | {".lock"}
    with pytest.raises(RepositoryError, match="online keys"):
        mine.publish(hub.bundle("2"), hub.targets_keys, then=to_everybody)
    assert {path.name for path in mine.folder.rglob("*")} == before
    with pytest.raises(RepositoryError, match="online keys"):
        mine.change_release(lambda release: release)


# --- interruptions ---


class PowerCut(OSError):
    """What the disk does at the chosen moment."""


def interrupted(monkeypatch: pytest.MonkeyPatch, at: int) -> Callable[[], int]:
    """Make the write with that number, counted from 0, fail before its file is in place."""
    real, count = os.replace, 0

    def replace(source: str, target: str) -> None:
        nonlocal count
        count += 1
        if count - 1 == at:
            raise PowerCut("power cut")
        real(source, target)

    monkeypatch.setattr(store.os, "replace", replace)
    return lambda: count


WRITES: dict[str, Callable[[Hub], object]] = {
    "publish": lambda hub: hub.repository.publish(hub.bundle("2"), hub.targets_keys, then=to_everybody),
    "release": lambda hub: hub.repository.change_release(lambda r: r._replace(poll_seconds=60)),
    "resign": lambda hub: hub.repository.resign(hub.root_keys, hub.targets_keys, force=True),
    "rotate": lambda hub: hub.repository.replace_keys(
        "targets", [*hub.targets_keys], root_keys=hub.root_keys, targets_keys=hub.targets_keys
    ),
}


@pytest.mark.parametrize("what", WRITES)
def test_a_write_interrupted_anywhere_leaves_old_and_new_clients_with_a_whole_state(
    make_hub: Callable[..., Hub], what: str
) -> None:
    at = 0
    while True:
        hub = make_hub(f"hub-{at}")
        old = hub.reader("old")
        before = old.release()
        with pytest.MonkeyPatch.context() as patch:
            count = interrupted(patch, at)
            failed = ""
            try:
                WRITES[what](hub)
            except RepositoryError as error:
                failed = str(error)
            if not failed:
                assert count() == at, "the last write was reached"
                break
            assert "power cut" in failed
        for reader in (old, hub.reader("new")):
            assert reader.release() == before
            assert Bundle.from_bytes(reader.current()).version == "1"
        assert not list(hub.folder.rglob(".new-*")), "nothing half-written stays"
        # Whoever comes next can work, and clients see it.
        hub.repository.resign()
        hub.repository.publish(hub.bundle("3"), hub.targets_keys, then=to_everybody)
        assert Bundle.from_bytes(old.current()).version == "3"
        at += 1
    assert at >= 3


def test_a_repository_appears_whole_or_not_at_all(make_hub: Callable[..., Hub], tmp_path: Path) -> None:
    hub = make_hub()
    for at in range(7):
        folder = tmp_path / f"fresh-{at}"
        with pytest.MonkeyPatch.context() as patch:
            interrupted(patch, at)
            with pytest.raises(RepositoryError, match="power cut"):
                create(
                    folder,
                    hub.bundle("1"),
                    root_keys=hub.root_keys,
                    targets_keys=hub.targets_keys,
                    online_keys=hub.online,
                )
        assert not folder.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["hub"], "nothing is left behind"


# --- several writers ---


def test_two_publishers_at_once_take_turns(hub: Hub) -> None:
    bundles = {f"v{number}": hub.bundle(f"v{number}") for number in range(6)}
    failures: list[BaseException] = []
    start = threading.Barrier(len(bundles))

    def publish(version: str) -> None:
        own = Repository(hub.folder, hub.online)  # another process has its own
        start.wait(30)
        try:
            own.publish(bundles[version], hub.targets_keys, keep=20)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=publish, args=(version,)) for version in bundles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    assert {each.version for each in hub.repository.approved()} == {"1", *bundles}
    reader = hub.reader()
    assert all(reader.has(f"policy/{version}.bundle") for version in bundles)


def test_readers_never_see_a_state_in_between(hub: Hub) -> None:
    done = threading.Event()
    problems: list[BaseException] = []

    def look() -> None:
        number = 0
        while not done.is_set():
            number += 1
            try:
                hub.repository.release()
                hub.reader(f"reader-{threading.get_ident()}-{number}").release()
            except BaseException as error:
                problems.append(error)
                return

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(40):
        hub.repository.change_release(lambda release, n=number: release._replace(poll_seconds=60 + n))
    done.set()
    for thread in threads:
        thread.join(60)
    assert not problems


def test_a_writer_that_hangs_is_told_to_the_next(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LOCK_SECONDS", 0.2)
    with (
        store.Store(hub.folder).locked(),
        pytest.raises(RepositoryError, match=r"somebody else has been writing.*fuser"),
    ):
        hub.repository.change_release(lambda release: release)


# --- mirrors ---


def test_a_mirror_is_a_copy_of_the_folder(hub: Hub, tmp_path: Path) -> None:
    shutil.copytree(hub.folder, tmp_path / "disk")
    root = (hub.folder / "metadata" / "1.root.json").read_bytes()
    assert Reader(tmp_path / "disk", tmp_path / "cache", root).release() == hub.repository.release()


def test_mirroring_again_copies_what_is_new_and_the_timestamp_last(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path / "mirror"
    assert copy_repository(hub.folder, mirror) == len(hub.files())
    assert copy_repository(hub.folder, mirror) == 0
    hub.repository.publish(hub.bundle("2"), hub.targets_keys, then=to_everybody)
    written: list[str] = []
    real = store.Store.write

    def write(self: store.Store, path: Path, data: bytes) -> None:
        written.append(path.name)
        real(self, path, data)

    monkeypatch.setattr(store.Store, "write", write)
    copied = copy_repository(hub.folder, mirror)
    assert copied == len(written) >= 5
    assert written[-1] == "timestamp.json"
    root = (hub.folder / "metadata" / "1.root.json").read_bytes()
    assert Bundle.from_bytes(Reader(mirror, tmp_path / "cache", root).current()).version == "2"


def test_a_mirror_interrupted_anywhere_serves_the_state_before(hub: Hub, tmp_path: Path) -> None:
    root = (hub.folder / "metadata" / "1.root.json").read_bytes()
    mirror = tmp_path / "mirror"
    copy_repository(hub.folder, mirror)
    hub.repository.publish(hub.bundle("2"), hub.targets_keys, then=to_everybody)
    for at in range(20):
        with pytest.MonkeyPatch.context() as patch:
            interrupted(patch, 0)
            try:
                copy_repository(hub.folder, mirror)
            except RepositoryError:
                pass
            else:
                break
        assert Bundle.from_bytes(Reader(mirror, tmp_path / f"c{at}", root).current()).version == "1"
        # One more file gets through.
        with pytest.MonkeyPatch.context() as patch:
            interrupted(patch, 1)
            try:
                copy_repository(hub.folder, mirror)
            except RepositoryError:
                continue
            break
    assert Bundle.from_bytes(Reader(mirror, tmp_path / "last", root).current()).version == "2"


def test_a_mirror_cannot_lie_in_the_repository_itself(hub: Hub) -> None:
    with pytest.raises(RepositoryError, match="inside the repository"):
        copy_repository(hub.folder, hub.folder / "targets" / "mirror")
