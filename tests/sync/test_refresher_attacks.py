"""Whoever stands between a hub and its servers: what can they make a server believe?

Each attack is named as The Update Framework names it. What was in force stays in force.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_tos_guard.guard import Guard
from jupyter_tos_guard.inspection import Cell
from jupyter_tos_guard.policy.decision import Reason
from jupyter_tos_guard.policy.model import Verdict
from jupyter_tos_guard.sync import refresher as refresher_module
from jupyter_tos_guard.sync.cache import ACTIVE, PolicyCache, read_active
from jupyter_tos_guard.sync.refresher import RefreshError
from jupyter_tos_guard.sync.transport import Transport

from .conftest import Central, Machine, Publisher


def refused(machine: Machine, says: str = "", **changes: Any) -> RefreshError:
    """The refresh fails, and what was in force stays there to the byte."""
    before = (machine.cache / ACTIVE).read_bytes() if (machine.cache / ACTIVE).exists() else b""
    with pytest.raises(RefreshError) as caught:
        machine.refresher(**changes).refresh()
    assert says in str(caught.value)
    assert len(str(caught.value)) < 700
    after = (machine.cache / ACTIVE).read_bytes() if (machine.cache / ACTIVE).exists() else b""
    assert after == before
    if before:
        assert decides(machine) is Verdict.BLOCK, "the policy in force still decides"
    return caught.value


def decides(machine: Machine, cell: str = "import forbidden") -> Verdict:
    return Guard(PolicyCache(machine.cache)).check(Cell(cell)).verdict


def test_rollback_attack(machine: Machine, publisher: Publisher, central: Central) -> None:
    """Older files, all of them correctly signed, come back."""
    old = publisher.copy("old")
    publisher.publish("2")
    assert machine.refresher().refresh().active.version == "2"
    central.folder = old
    assert refused(machine, "version").is_refused
    assert read_active(machine.cache).version == "2"


def test_freeze_attack(machine: Machine, publisher: Publisher, central: Central, monkeypatch) -> None:
    """The same files are sent for ever: when their time is over they are refused, and the policy goes stale."""
    machine.refresher().refresh()
    later = time.time() + 400 * 86_400

    class Later(refresher_module.Updater):
        def refresh(self) -> None:
            import datetime

            self._trusted_set.reference_time = datetime.datetime.fromtimestamp(later, datetime.timezone.utc)
            super().refresh()

    monkeypatch.setattr(refresher_module, "Updater", Later)
    assert "clock here is wrong" in str(refused(machine))


def test_mix_and_match_attack(machine: Machine, publisher: Publisher, central: Central) -> None:
    """A new timestamp with the snapshot of before, under its new name."""
    machine.refresher().refresh()
    old = publisher.copy("old")
    publisher.publish("2")
    metadata = central.folder / "metadata"
    for role in ("snapshot", "targets", "release"):
        newest = max(metadata.glob(f"*.{role}.json"), key=lambda path: int(path.name.split(".")[0]))
        before = max((old / "metadata").glob(f"*.{role}.json"), key=lambda path: int(path.name.split(".")[0]))
        if newest.name != before.name:
            shutil.copy(before, newest)
    assert refused(machine).is_refused


def endless(handler: Any) -> None:
    """As a web server that never stops sending."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" " * 65_536)
    except OSError:
        handler.close_connection = True


def on(path: str, answer: Callable[[Any], None]) -> Callable[[Any], bool]:
    def misbehave(handler: Any) -> bool:
        if path not in handler.path:
            return False
        answer(handler)
        return True

    return misbehave


@pytest.mark.parametrize(
    "path", ["2.root.json", "timestamp.json", "snapshot.json", "release.json", ".bundle", "1.root.json"]
)
def test_endless_data_attack(machine: Machine, central: Central, publisher: Publisher, path: str) -> None:
    if path != "1.root.json":
        machine.refresher().refresh()
    publisher.publish("2")
    central.misbehave = on(path, endless)
    begun = time.monotonic()
    refused(machine)
    assert time.monotonic() - begun < 30
    central.misbehave = lambda handler: False
    assert machine.refresher().refresh().active.version == "2"


def test_wrong_key_attack(machine: Machine, central: Central, tmp_path: Path) -> None:
    """A whole repository, well made, by somebody else."""
    machine.refresher().refresh()
    central.folder = Publisher(tmp_path / "eve").folder / "repository"
    assert refused(machine).is_refused


def test_first_root_of_somebody_else_is_refused_by_its_pin(
    machine: Machine, central: Central, tmp_path: Path
) -> None:
    eve = Publisher(tmp_path / "eve")
    central.folder = eve.folder / "repository"
    assert "is not the root that the settings name" in str(refused(machine))
    assert Guard(PolicyCache(machine.cache)).check(Cell("x = 1")).reason is Reason.NO_POLICY


@pytest.mark.parametrize("root", ["", "sha256:", "sha256:zz", "/nowhere/root.json"])
def test_nothing_is_trusted_without_a_root(machine: Machine, root: str) -> None:
    refused(machine, "root", root=root)


def test_a_root_in_a_file_is_trusted(machine: Machine, publisher: Publisher, central: Central) -> None:
    path = central.folder / "metadata" / "1.root.json"
    assert machine.refresher(root=str(path)).refresh().is_new


@pytest.mark.parametrize("days", [-1.0, 1.0])
def test_clock_that_is_wrong_by_a_day_neither_stops_refreshing_nor_makes_stale(
    machine: Machine, publisher: Publisher, monkeypatch: pytest.MonkeyPatch, days: float
) -> None:
    import datetime

    class Skewed(refresher_module.Updater):
        def refresh(self) -> None:
            now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
            self._trusted_set.reference_time = now
            super().refresh()

    publisher.publish("2", refresh_days=2)
    monkeypatch.setattr(refresher_module, "Updater", Skewed)
    clock = lambda: time.time() + days * 86_400  # noqa: E731
    assert machine.refresher(clock=clock).refresh().active.version == "2"
    # The clock is put right afterwards.
    bundle, problem, _ = PolicyCache(machine.cache).current(time.time())
    assert (bundle is not None, problem) == (True, None)


def test_clock_that_is_wrong_by_a_year_is_said(machine: Machine, publisher: Publisher, monkeypatch) -> None:
    import datetime

    class Skewed(refresher_module.Updater):
        def refresh(self) -> None:
            now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3650)
            self._trusted_set.reference_time = now
            super().refresh()

    machine.refresher().refresh()
    monkeypatch.setattr(refresher_module, "Updater", Skewed)
    refused(machine, "clock here is wrong")


def test_slow_loris_server(machine: Machine, central: Central) -> None:
    """A byte of the headers, or of the body, now and then, for ever."""
    for part in ("headers", "body"):
        stop = threading.Event()

        def drip(handler: Any, part: str = part, stop: threading.Event = stop) -> None:
            try:
                if part == "headers":
                    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                else:
                    handler.send_response(200)
                    handler.end_headers()
                while not stop.wait(0.2):
                    handler.wfile.write(b"a")
                    handler.wfile.flush()
            except OSError:
                pass
            handler.close_connection = True

        central.misbehave = on("timestamp.json", drip)
        transport = Transport(machine.settings, {}, whole=1.0)
        begun = time.monotonic()
        error = refused(machine, transport=transport)
        stop.set()
        assert time.monotonic() - begun < 30
        assert not error.is_refused
        assert "slow" in str(error)


@pytest.mark.parametrize(
    "name", ["timestamp.json", "snapshot.json", "targets.json", "release.json", "root.json"]
)
@pytest.mark.parametrize("damage", ["cut", "empty", "zeros", "gone", "other"])
def test_half_written_cache(machine: Machine, publisher: Publisher, name: str, damage: str) -> None:
    """Power was cut: any file of the metadata may be anything."""
    machine.refresher().refresh()
    publisher.publish("2")
    machine.refresher().refresh()
    path = machine.cache / "metadata" / name
    if path.is_symlink():
        path = path.resolve()
    data = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(
            {"cut": data[: len(data) // 2], "empty": b"", "zeros": bytes(len(data)), "other": b'{"a":1}'}[
                damage
            ]
        )
    assert machine.refresher().refresh().active.version == "2"
    assert decides(machine) is Verdict.BLOCK


@pytest.mark.parametrize("damage", ["cut", "empty", "zeros", "gone"])
@pytest.mark.parametrize("what", ["bundle", "release", "active", "root"])
def test_half_written_target_is_fetched_again(
    machine: Machine, publisher: Publisher, what: str, damage: str
) -> None:
    active = machine.refresher().refresh().active
    path = (
        machine.cache
        / {"bundle": active.bundle, "release": "targets/release.json", "active": ACTIVE, "root": "root.json"}[
            what
        ]
    )
    data = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes({"cut": data[: len(data) // 2], "empty": b"", "zeros": bytes(len(data))}[damage])
    machine.refresher().refresh()
    assert decides(machine) is Verdict.BLOCK


def test_compressed_answer_that_grows_without_bounds(machine: Machine, central: Central) -> None:
    import gzip

    machine.refresher().refresh()
    bomb = gzip.compress(b" " * 50_000_000)
    central.misbehave = on(
        "timestamp.json", lambda handler: handler.reply(200, bomb, Content_Encoding="gzip")
    )
    refused(machine, "larger")


@pytest.mark.parametrize("body", [b"", b"<html>log in</html>", b"{}", b"[" * 9000, b"\xff\xfe", b"null"])
@pytest.mark.parametrize("path", ["timestamp.json", "2.root.json"])
def test_garbage_in_place_of_metadata(machine: Machine, central: Central, body: bytes, path: str) -> None:
    """As a captive portal or a login page would send it."""
    machine.refresher().refresh()
    central.misbehave = on(path, lambda handler: handler.reply(200, body))
    refused(machine)


def test_an_online_key_cannot_bring_in_a_policy_of_its_own(
    machine: Machine, publisher: Publisher, central: Central
) -> None:
    """Whoever has the online keys signs a bundle as a target of the release role."""
    import hashlib
    from datetime import datetime, timedelta, timezone

    from tuf.api.metadata import Metadata, MetaFile, TargetFile

    from jupyter_tos_guard.central.publishing.keys import read_keys

    machine.refresher().refresh()
    keys = publisher.folder / "keys"
    metadata = central.folder / "metadata"

    def newest(role: str) -> Path:
        return max(metadata.glob(f"*.{role}.json"), key=lambda path: int(path.name.split(".")[0]))

    forged = b"forged"
    digest = hashlib.sha256(forged).hexdigest()
    (central.folder / "targets" / "policy").mkdir(exist_ok=True)
    (central.folder / "targets" / "policy" / f"{digest}.evil.bundle").write_bytes(forged)
    document = json.loads(next((central.folder / "targets").glob("*.release.json")).read_bytes()) | {
        "current": "policy/evil.bundle",
        "serial": 99,
    }
    raw = json.dumps(document).encode()
    name = f"{hashlib.sha256(raw).hexdigest()}.release.json"
    (central.folder / "targets" / name).write_bytes(raw)
    release = Metadata.from_file(str(newest("release")))
    release.signed.version += 1
    release.signed.expires = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=5)
    release.signed.targets = {
        "release.json": TargetFile.from_data("release.json", raw, ["sha256"]),
        "policy/evil.bundle": TargetFile.from_data("policy/evil.bundle", forged, ["sha256"]),
    }
    release.sign(read_keys(keys, "release")[0])
    release.to_file(str(metadata / f"{release.signed.version}.release.json"))
    snapshot = Metadata.from_file(str(newest("snapshot")))
    snapshot.signed.version += 1
    snapshot.signed.meta["release.json"] = MetaFile(release.signed.version)
    snapshot.sign(read_keys(keys, "snapshot")[0])
    snapshot.to_file(str(metadata / f"{snapshot.signed.version}.snapshot.json"))
    timestamp = Metadata.from_file(str(metadata / "timestamp.json"))
    timestamp.signed.version += 1
    timestamp.signed.snapshot_meta = MetaFile(snapshot.signed.version)
    timestamp.sign(read_keys(keys, "timestamp")[0])
    timestamp.to_file(str(metadata / "timestamp.json"))
    assert refused(machine, "not among the approved").is_refused
