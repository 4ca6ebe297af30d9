"""What an honest repository brings, and what it costs."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from jupyter_tos_guard.guard import Guard
from jupyter_tos_guard.inspection import Cell
from jupyter_tos_guard.policy.decision import Reason
from jupyter_tos_guard.policy.model import Mode, Verdict, Where
from jupyter_tos_guard.policy.release import Special
from jupyter_tos_guard.sync.cache import ACTIVE, PolicyCache, read_active
from jupyter_tos_guard.sync.lock import Lock, is_free
from jupyter_tos_guard.sync.refresher import RefreshError
from jupyter_tos_guard.sync.service import Exchange
from jupyter_tos_guard.sync.transport import Transport
from jupyter_tos_guard.sync.uploader import Circumstances

from .conftest import Central, Machine, Publisher, eventually


def test_before_the_first_refresh_there_is_no_policy_rather_than_the_packages_own(machine: Machine) -> None:
    guard = Guard(PolicyCache(machine.cache))
    decision = guard.check(Cell("import forbidden"))
    assert (decision.reason, decision.policy_version) == (Reason.NO_POLICY, "")


def test_a_new_policy_counts_in_a_running_session_from_the_next_cell_on(
    machine: Machine, publisher: Publisher
) -> None:
    now = [0.0]
    guard = Guard(PolicyCache(machine.cache), clock=lambda: now[0])
    machine.refresher().refresh()
    now[0] += 2
    assert guard.check(Cell("import forbidden")).effect is Verdict.BLOCK
    publisher.publish("2", module="outlawed")
    machine.refresher().refresh()
    now[0] += 2
    assert guard.check(Cell("import forbidden")).effect is Verdict.ALLOW
    assert guard.check(Cell("import outlawed")).policy_version == "2"


def test_nothing_new_is_asked_for_by_condition_and_changes_only_the_date(
    machine: Machine, central: Central
) -> None:
    times = iter([1000.0, 2000.0, 3000.0])
    refresher = machine.refresher(clock=lambda: next(times))
    assert refresher.refresh().is_new
    stamp = (machine.cache / read_active(machine.cache).bundle).stat()
    refresher.refresh()
    central.requests.clear()
    again = refresher.refresh()
    assert (again.is_new, again.active.checked) == (False, 3000.0)
    paths = [path.rpartition("/")[2] for _, path, _ in central.requests]
    assert paths == ["2.root.json", "timestamp.json"]
    assert "If-None-Match" in central.requests[1][2]
    assert (machine.cache / again.active.bundle).stat() == stamp


def test_the_token_never_goes_to_the_repository(machine: Machine, central: Central) -> None:
    machine.refresher().refresh()
    assert not [headers for _, _, headers in central.requests if "Authorization" in headers]


def test_softened_rules_and_the_hubs_monitor_mode_reach_the_guard(
    machine: Machine, publisher: Publisher
) -> None:
    now = [0.0]
    guard = Guard(PolicyCache(machine.cache), clock=lambda: now[0])
    machine.refresher().refresh()
    rule = guard.check(Cell("import forbidden")).findings[0].rule
    publisher.soften(softened={rule: Verdict.OBSERVE})
    machine.refresher().refresh()
    now[0] += 2
    assert guard.check(Cell("import forbidden")).verdict is Verdict.OBSERVE
    publisher.soften(softened={}, mode=Mode.MONITOR)
    machine.refresher().refresh()
    now[0] += 2
    decision = guard.check(Cell("import forbidden"))
    assert (decision.verdict, decision.effect) == (Verdict.BLOCK, Verdict.OBSERVE)
    publisher.soften(mode=None)
    machine.refresher().refresh()
    now[0] += 2
    assert guard.check(Cell("import forbidden")).effect is Verdict.BLOCK


def test_a_candidate_reaches_its_share_of_servers_and_can_be_withdrawn(
    machine: Machine, publisher: Publisher, tmp_path: Path, central: Central
) -> None:
    publisher.publish("2", share=40)
    machines = [
        Machine(tmp_path / f"m{number}", central.url, publisher.pin, Where(user=f"user-{number}"))
        for number in range(15)
    ]
    versions = [each.refresher().refresh().active.version for each in machines]
    assert 1 <= versions.count("2") <= 12
    publisher.soften(candidate=None)
    assert {each.refresher().refresh().active.version for each in machines} == {"1"}


def test_a_group_gets_a_bundle_of_its_own(machine: Machine, publisher: Publisher) -> None:
    data = publisher.folder / "policy-lab"
    from .conftest import bundle

    publisher.repository.publish(
        bundle(data, "lab-1", "other"),
        [publisher.targets_key],
        channel="lab",
        then=lambda release, name: release._replace(special=(Special(("lab",), (), name),)),
    )
    assert machine.refresher(where=Where("ann", ("lab",))).refresh().active.version == "lab-1"
    assert machine.refresher(where=Where("ann")).refresh().active.version == "1"


@pytest.mark.parametrize("damage", ["no bundle", "no rules", "torn"])
def test_a_policy_that_cannot_be_loaded_is_not_put_in_force(
    machine: Machine, publisher: Publisher, monkeypatch: pytest.MonkeyPatch, damage: str, tmp_path: Path
) -> None:
    """Signed by the right people, and unusable all the same."""
    from jupyter_tos_guard.central.publishing import approval, repository
    from jupyter_tos_guard.policy.compile import encode
    from tests.policy.policies import policy_of

    machine.refresher().refresh()
    empty = encode(policy_of(tmp_path / "empty", version="2"))
    from .conftest import bundle

    good = bundle(tmp_path / "good", "2")
    data = {"no bundle": b"#!/bin/sh\n", "no rules": empty, "torn": good[:-1] + b"\xff"}[damage]
    opened = approval.open_checked(good)
    monkeypatch.setattr(approval, "open_checked", lambda _: opened)
    monkeypatch.setattr(repository.approval, "salt_of", lambda _: "new")
    publisher.repository.publish(
        data, [publisher.targets_key], then=lambda release, name: release._replace(current=name)
    )
    with pytest.raises(RefreshError) as caught:
        machine.refresher().refresh()
    assert caught.value.is_refused
    assert read_active(machine.cache).version == "1"
    assert Guard(PolicyCache(machine.cache)).check(Cell("import forbidden")).verdict is Verdict.BLOCK
    assert not list((machine.cache / "targets").glob(".*"))


@pytest.mark.parametrize(("status", "seconds"), [(403, 120.0), (429, 30.0), (503, 0.0)])
def test_being_told_to_stay_away_is_passed_on(
    machine: Machine, central: Central, status: int, seconds: float
) -> None:
    machine.refresher().refresh()

    def away(handler) -> bool:
        if "timestamp" in handler.path:
            handler.reply(status, **({"Retry_After": str(int(seconds))} if seconds else {}))
            return True
        return False

    central.misbehave = away
    with pytest.raises(RefreshError) as caught:
        machine.refresher().refresh()
    assert caught.value.seconds == seconds


def test_the_old_policy_holds_while_the_server_is_down_and_then_is_stale(
    machine: Machine, publisher: Publisher, central: Central
) -> None:
    publisher.publish("2", refresh_days=3)
    machine.refresher(clock=lambda: 1_000_000.0).refresh()
    central.close()
    with pytest.raises(RefreshError) as caught:
        machine.refresher().refresh()
    assert (caught.value.is_refused, caught.value.seconds) == (False, None)
    source = PolicyCache(machine.cache)
    bundle, problem, _ = source.current(1_000_000.0 + 2.9 * 86_400)
    assert (bundle.version, problem) == ("2", None)
    bundle, problem, detail = source.current(1_000_000.0 + 3.1 * 86_400)
    assert (bundle.version, problem) == ("2", Reason.STALE_POLICY)
    assert "3 days" in detail


def test_disk_full_changes_nothing(
    machine: Machine, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno
    import os

    from jupyter_tos_guard.sync import files

    machine.refresher().refresh()
    publisher.publish("2")
    real = os.write

    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "write", full)
        with pytest.raises(RefreshError, match="No space"):
            machine.refresher().refresh()
    assert os.write is real
    assert read_active(machine.cache).version == "1"
    assert not list(machine.cache.glob(".*.new"))
    assert machine.refresher().refresh().active.version == "2"


def test_a_running_kernels_bundle_is_never_changed_under_it(machine: Machine, publisher: Publisher) -> None:
    """Kernels map the file: it may be replaced or deleted, not written to."""
    source = PolicyCache(machine.cache)
    machine.refresher().refresh()
    bundle, _, _ = source.current(0.0)
    path = machine.cache / read_active(machine.cache).bundle
    inode = path.stat().st_ino
    path.write_bytes(path.read_bytes())  # as it is
    damaged = path.read_bytes()[:-1] + b"?"
    other = path.with_suffix(".other")
    other.write_bytes(damaged)
    other.replace(path)
    machine.refresher().refresh()
    assert path.stat().st_ino != inode
    bundle.verify()
    for version in ("2", "3", "4"):
        publisher.publish(version)
        machine.refresher().refresh()
    bundle.verify()
    assert len(list((machine.cache / "targets").glob("*.bundle"))) == 2


def test_two_refreshers_over_one_cache(machine: Machine, publisher: Publisher) -> None:
    """A server's task and the command line, at once and many times."""
    problems: list[BaseException] = []

    def work() -> None:
        try:
            exchange = Exchange(machine.settings, Where(user="ann"), {})
            for _ in range(8):
                exchange.refresh()
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    source = PolicyCache(machine.cache, every=0.0)
    seen = set()
    version = 2
    while any(thread.is_alive() for thread in threads):
        if version < 6:
            publisher.publish(str(version))
            version += 1
        bundle, _, _ = source.current(0.0)
        if bundle:
            seen.add(bundle.version)
    assert not problems
    assert seen
    Exchange(machine.settings, Where(user="ann"), {}).refresh()
    assert read_active(machine.cache).version == str(version - 1)


def test_a_lock_is_free_again_when_its_holder_is_killed(tmp_path: Path) -> None:
    import os
    import signal
    import subprocess
    import sys

    path = tmp_path / "lock"
    script = (
        "import sys, time; from pathlib import Path; from jupyter_tos_guard.sync.lock import Lock\n"
        "lock = Lock(Path(sys.argv[1])); print(lock.take(), flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "True\n"
    assert not Lock(path).take()
    assert not is_free(path)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    eventually(lambda: Lock(path).take())


def test_one_exchange_says_what_happened(machine: Machine, central: Central) -> None:
    exchange = Exchange(machine.settings, machine.where, {})
    outcome = exchange.once(Circumstances())
    assert outcome.refreshed.is_new
    assert (outcome.refresh_problem, outcome.report_problem, outcome.waiting) == ("", "", 0)
    central.close()
    outcome = exchange.once(Circumstances())
    assert outcome.refreshed is None
    assert "cannot be reached" in outcome.refresh_problem
    assert "cannot be reached" in PolicyCache(machine.cache).contact().problem


def test_a_mirror_on_a_file_servers_copy_serves_the_policy_alone(
    machine: Machine, publisher: Publisher, tmp_path: Path
) -> None:
    """An air-gapped hub: a copy of the folder behind any web server, and no central server at all."""
    import functools
    import http.server

    copy = publisher.copy("usb-stick")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(copy))
    handler.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        from jupyter_tos_guard.gate.settings import configuration

        variables = machine.variables | {
            "JUPYTER_TOS_GUARD_CENTRAL": "http://127.0.0.1:9",
            "JUPYTER_TOS_GUARD_MIRROR": f"http://127.0.0.1:{server.server_address[1]}",
        }
        transport = Transport(configuration(variables), {})
        assert machine.refresher(transport=transport).refresh().active.version == "1"
    finally:
        server.shutdown()
        server.server_close()


def test_active_file_is_what_the_contract_says(machine: Machine) -> None:
    machine.refresher(clock=lambda: 5.0).refresh()
    data = json.loads((machine.cache / ACTIVE).read_text())
    assert data["bundle"].startswith("targets/")
    assert (data["v"], data["version"], data["checked"]) == (1, "1", 5.0)
    assert data["release"] == {"serial": 1, "softened": {}, "mode": None}
