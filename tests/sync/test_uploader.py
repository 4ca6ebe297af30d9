"""Every strike once, whatever happens between a kernel and the central server."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from jupyter_tos_guard.strikes.spool import Limits, Spool, streams
from jupyter_tos_guard.sync import uploader as uploader_module
from jupyter_tos_guard.sync.cache import ACCOUNT, PolicyCache, read_person
from jupyter_tos_guard.sync.transport import CoolDown, NoAnswer, Refused, Transport
from jupyter_tos_guard.sync.uploader import CLIENT, STATE, Circumstances, GuardState, Uploader
from tests.strikes.test_strike import a_strike

from .conftest import Central, Machine, good_account

ROOT = Path(__file__).parents[2]


@pytest.fixture
def uploader(machine: Machine) -> Uploader:
    return Uploader(machine.strikes, machine.cache, machine.transport)


def strike(machine: Machine, *names: str, **options: Any) -> None:
    spool = Spool(machine.strikes, **options)
    for name in names:
        spool.append([a_strike(id=name)])


def drain(uploader: Uploader) -> int:
    count = 0
    while True:
        reported = uploader.report(Circumstances())
        count += reported.confirmed
        if not reported.more:
            return count


def names(number: int) -> list[str]:
    return [f"act-{each}" for each in range(number)]


def test_strikes_arrive_in_order_and_stay_on_disk(
    machine: Machine, uploader: Uploader, central: Central
) -> None:
    strike(machine, *names(5))
    assert drain(uploader) == 5
    assert list(central.strikes) == names(5)
    assert [record["seq"] for record in central.reports[0]["records"]] == [1, 2, 3, 4, 5]
    assert len(streams(machine.strikes)) == 1, "kept for %tos strikes"
    assert (uploader.waiting(), uploader.sent) == (0, 5)
    assert not central.gaps


def test_what_was_confirmed_is_not_sent_again(machine: Machine, uploader: Uploader, central: Central) -> None:
    strike(machine, "a")
    drain(uploader)
    drain(uploader)
    strike(machine, "b")
    drain(Uploader(machine.strikes, machine.cache, machine.transport))
    assert central.deliveries == 2
    assert list(central.strikes) == ["a", "b"]


def test_reports_say_how_the_guards_are_and_who_only_by_the_token(
    machine: Machine, uploader: Uploader, central: Central
) -> None:
    guards = [GuardState("k1", "python3", "failing", "x" * 10_000)] * 300
    uploader.report(Circumstances("gpu", "enforce", guards))
    (report,) = central.reports
    assert (report["server"], report["mode"], len(report["guards"])) == ("gpu", "enforce", 200)
    assert len(report["guards"][0]["detail"]) == 500
    assert "user" not in report
    assert central.requests[-1][2]["Authorization"].startswith("token ")


def test_a_report_is_what_the_central_servers_own_reader_takes(
    machine: Machine, uploader: Uploader, central: Central
) -> None:
    from jupyter_tos_guard.central.intake.protocol import parse, strike_of

    strike(machine, *names(3), limits=Limits(file_bytes=100))
    uploader.report(Circumstances("gpu", "enforce", [GuardState("k", "python3", "guarded")]))
    read = parse(json.dumps(central.reports[0]).encode())
    assert len(read.records) == 3
    assert not [record for record in read.records if isinstance(strike_of(record), str)]


def test_a_large_backlog_goes_in_bounded_batches_in_its_order(
    machine: Machine, uploader: Uploader, central: Central
) -> None:
    spool = Spool(machine.strikes)
    for number in range(0, 3000, 100):
        spool.append(
            [a_strike(id=f"act-{each}", evidence="x" * 2000) for each in range(number, number + 100)]
        )
    assert drain(uploader) == 3000
    assert list(central.strikes) == names(3000)
    assert max(len(json.dumps(report)) for report in central.reports) < 2 * uploader_module.MAX_BYTES_SENT


def test_server_down_for_a_day(machine: Machine, central: Central) -> None:
    """Strikes pile up on disk, not in memory, and all arrive when it is back."""
    down = True

    def misbehave(handler: Any) -> bool:
        if not down:
            return False
        handler.reply(503, b"", Retry_After="60")
        return True  # what it is when the reply has left may be another

    central.misbehave = misbehave
    now = itertools.count(1_000_000, 600)
    uploader = Uploader(machine.strikes, machine.cache, machine.transport, clock=lambda: next(now))
    for hour in range(24):
        strike(machine, *(f"h{hour}-{number}" for number in range(10)))
        with pytest.raises(CoolDown) as caught:
            uploader.report(Circumstances())
        assert caught.value.seconds == 60
        assert uploader.waiting() == 10 * (hour + 1)
    down = False
    drain(uploader)
    assert len(central.strikes) == 240
    assert central.deliveries == 240
    assert not central.gaps


def test_duplicated_and_reordered_delivery(machine: Machine, uploader: Uploader, central: Central) -> None:
    """A proxy delivers reports twice and late; the answer to the first try is lost."""
    bodies: list[dict[str, Any]] = []
    fate = random.Random(7)

    def misbehave(handler: Any) -> bool:
        if not handler.path.endswith("/reports"):
            return False
        import gzip

        bodies.append(json.loads(gzip.decompress(handler.body)))
        if fate.random() < 0.5:
            central.commit(bodies[-1])
            handler.close_connection = True
            handler.connection.close()  # committed, and the answer is lost
            return True
        if fate.random() < 0.5:
            for body in fate.sample(bodies, len(bodies)):
                central.commit(body)
        return False

    central.misbehave = misbehave
    spool = Spool(machine.strikes, Limits(file_bytes=2000))
    for number in range(40):
        spool.append([a_strike(id=f"act-{number}")])
        try:
            uploader.report(Circumstances())
        except NoAnswer:
            continue
    central.misbehave = lambda handler: False
    drain(uploader)
    assert sorted(central.strikes) == sorted(names(40))
    assert central.deliveries > 40
    assert not central.gaps
    assert uploader.waiting() == 0


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"v": 2}',
        b'{"v": 1}',
        b'{"v": 1, "acknowledged": null, "account": []}',
        b'{"v": 1, "acknowledged": {"x": 1e99}}',
        b'{"v": 1, "acknowledged": {"%s": true}}',
        b'{"v": 1, "acknowledged": {"%s": -1}}',
        b'{"v": 1, "acknowledged": {"%s": "5"}}',
        b"[" * 100_000,
    ],
)
def test_nothing_is_confirmed_by_an_answer_that_does_not_say_so(
    machine: Machine, uploader: Uploader, central: Central, answer: bytes
) -> None:
    strike(machine, *names(3))
    name = streams(machine.strikes)[0][0].stem.encode()

    def misbehave(handler: Any) -> bool:
        handler.reply(200, answer.replace(b"%s", name))
        return True

    central.misbehave = misbehave
    with contextlib.suppress(NoAnswer):
        assert uploader.report(Circumstances()).confirmed == 0
    assert uploader.waiting() == 3
    central.misbehave = lambda handler: False
    assert drain(uploader) == 3


@pytest.mark.parametrize("status", [301, 400, 401, 404, 413, 422, 500, 502])
def test_a_refusal_confirms_nothing_and_is_said(
    machine: Machine, uploader: Uploader, central: Central, status: int
) -> None:
    strike(machine, "a")

    def misbehave(handler: Any) -> bool:
        error = {"error": {"code": "x", "message": "not\x1b[31m this", "hint": "do that"}}
        handler.reply(status, error, Location="http://127.0.0.1:9/elsewhere")
        return True

    central.misbehave = misbehave
    with pytest.raises(Refused) as caught:
        uploader.report(Circumstances())
    assert str(status) in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert uploader.waiting() == 1
    assert len(central.requests) == 1, "the token follows no redirect"


def test_a_proxy_that_takes_little_gets_smaller_reports(
    machine: Machine, uploader: Uploader, central: Central
) -> None:
    strike(machine, *names(200))

    def misbehave(handler: Any) -> bool:
        if handler.path.endswith("/reports") and len(handler.body) > 3000:
            handler.reply(413)
            return True
        return False

    central.misbehave = misbehave
    for _ in range(100):
        try:
            uploader.report(Circumstances())
        except Refused:
            continue
        if not uploader.waiting():
            break
    assert sorted(central.strikes) == sorted(names(200))


# -- tampering with the record


def test_a_deleted_file_is_visible(machine: Machine, uploader: Uploader, central: Central) -> None:
    spool = Spool(machine.strikes, Limits(file_bytes=100))
    for name in names(4):
        spool.append([a_strike(id=name)])
    # By what is in it: files that were made within a millisecond have no order.
    deleted = next(path for path, _ in streams(machine.strikes) if b'"act-1"' in path.read_bytes())
    deleted.unlink()
    drain(uploader)
    assert central.gaps == {deleted.stem: [1]}
    assert sorted(central.strikes) == ["act-0", "act-2", "act-3"]


def test_a_file_that_another_kernel_wrote_and_somebody_deleted_is_visible(
    machine: Machine, uploader: Uploader, central: Central
) -> None:
    strike(machine, "a", "b")
    ((first, _),) = streams(machine.strikes)
    strike(machine, "c")
    first.unlink()
    drain(uploader)
    assert central.gaps == {first.stem: [1, 2]}


def test_a_shortened_file_is_visible(machine: Machine, uploader: Uploader, central: Central) -> None:
    spool = Spool(machine.strikes)
    for name in names(3):
        spool.append([a_strike(id=name)])
    ((path, _),) = streams(machine.strikes)
    path.write_bytes(b"".join(path.read_bytes().splitlines(True)[:1]))
    strike(machine, "x")  # links to what is left: so only what was sent before can tell
    spool.append([a_strike(id="act-3")])
    drain(uploader)
    assert central.gaps == {path.stem: [2, 3]}
    assert set(central.strikes) == {"act-0", "act-3", "x"}


def test_a_line_taken_out_of_the_middle_is_visible_and_the_rest_is_not_sent_for_ever(
    machine: Machine, uploader: Uploader, central: Central
) -> None:
    strike(machine, *names(5))
    ((path, _),) = streams(machine.strikes)
    lines = path.read_bytes().splitlines(True)
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    drain(uploader)
    assert central.gaps == {path.stem: [3]}
    drain(uploader)
    assert central.deliveries == 4
    assert uploader.waiting() == 0


def test_what_was_sent_is_announced_even_when_it_is_shortened_later(
    machine: Machine, uploader: Uploader, central: Central
) -> None:
    strike(machine, *names(3))
    drain(uploader)
    ((path, _),) = streams(machine.strikes)
    path.write_bytes(b"")
    drain(uploader)
    assert central.announced[central.reports[0]["client"], path.stem] == 3
    assert not central.gaps


@pytest.mark.parametrize(
    "line",
    [
        b'{"v":1,"seq":9007199254740993,"strike":{"id":"x"}}\n',
        b'{"v":1,"seq":-1,"strike":{"id":"x"}}\n',
        b'{"v":1,"seq":2,"after":{"stream":"../../x","seq":5},"strike":{"id":"x"}}\n',
        b'{"v":1,"seq":2,"after":{"stream":"y","seq":1e400},"strike":{"id":"x"}}\n',
        b"\xff\n\0\n[]\n",
        b"{" * 5000 + b"\n",
    ],
)
def test_forged_lines_stop_nothing(
    machine: Machine, uploader: Uploader, central: Central, line: bytes
) -> None:
    strike(machine, "a")
    ((path, _),) = streams(machine.strikes)
    with open(path, "ab") as file:
        file.write(line)
    strike(machine, "b")
    drain(uploader)
    assert {"a", "b"} <= set(central.strikes)
    for report in central.reports:
        assert all(len(each["stream"]) <= 100 and each["announced"] < 2**53 for each in report["streams"])
    assert uploader.waiting() == 0


# -- losing state


@pytest.mark.parametrize("damage", [None, b"", b"{", b"[]", b'{"v":1,"streams":{"x":[1]}}'])
def test_without_its_state_everything_is_sent_again_and_counts_once(
    machine: Machine, uploader: Uploader, central: Central, damage: bytes | None
) -> None:
    strike(machine, *names(5))
    drain(uploader)
    (machine.cache / STATE).unlink()
    if damage is not None:
        (machine.cache / STATE).write_bytes(damage)
    strike(machine, "more")
    drain(Uploader(machine.strikes, machine.cache, machine.transport))
    assert sorted(central.strikes) == sorted([*names(5), "more"])
    assert central.deliveries == 11
    assert len({report["client"] for report in central.reports}) == 1
    assert not central.gaps


def test_a_server_that_lost_its_newest_records_gets_them_again(
    machine: Machine, uploader: Uploader, central: Central
) -> None:
    """Restored from last night's backup."""
    strike(machine, *names(3))
    drain(uploader)
    spool = Spool(machine.strikes, Limits(file_bytes=1 << 20))
    ((path, _),) = streams(machine.strikes)
    backup = dict(list(central.strikes.items())[:1]), {key: {1} for key in central.streams}
    with open(path, "ab") as file:
        record = json.loads(path.read_bytes().splitlines()[-1])
        record["seq"], record["strike"]["id"] = 4, "act-3"
        file.write(json.dumps(record).encode() + b"\n")
    del spool
    central.strikes, central.streams = backup
    drain(uploader)
    drain(uploader)
    assert sorted(central.strikes) == names(4)
    assert not central.gaps


def test_another_central_server_gets_everything(
    machine: Machine, uploader: Uploader, central: Central, tmp_path: Path
) -> None:
    strike(machine, *names(3))
    drain(uploader)
    other = Central(central.folder)
    try:
        moved = Machine(machine.folder, other.url, machine.pin)
        drain(Uploader(moved.strikes, moved.cache, moved.transport))
        assert list(other.strikes) == names(3)
    finally:
        other.close()


def test_disk_full_for_the_state_means_sending_again(
    machine: Machine, uploader: Uploader, central: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    strike(machine, *names(3))
    uploader.report(Circumstances())
    strike(machine, "more")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(uploader_module, "replace", full)
        with pytest.raises(OSError, match="No space"):
            uploader.report(Circumstances())
    assert drain(uploader) == 1
    assert sorted(central.strikes) == sorted([*names(3), "more"])


@pytest.mark.parametrize("hours", [-24, 24])
def test_clock_wrong_by_a_day_loses_nothing_and_is_visible(
    machine: Machine, central: Central, hours: int
) -> None:
    clock = lambda: time.time() + hours * 3600  # noqa: E731
    spool = Spool(machine.strikes, clock=clock)
    spool.append([a_strike(id="a", time=clock())])
    uploader = Uploader(machine.strikes, machine.cache, machine.transport, clock=clock)
    drain(uploader)
    assert list(central.strikes) == ["a"]
    # The server takes the difference off: it knows when the report came.
    assert abs(central.reports[0]["sent"] - central.strikes["a"]["time"]) < 60
    Spool(machine.strikes).append([a_strike(id="b")])  # the clock was put right
    drain(uploader)
    assert list(central.strikes) == ["a", "b"]
    assert not central.gaps


# -- killed at every step

STEPS = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
folder, central = Path(sys.argv[2]), sys.argv[3]
write, close = os.write, os.close

from jupyter_tos_guard.strikes.spool import Spool
from jupyter_tos_guard.sync.uploader import Circumstances, Uploader
from tests.strikes.test_strike import a_strike
from tests.sync.conftest import Machine

def child(kill_at, name):
    steps = 0

    def step():
        nonlocal steps
        steps += 1
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(thing, name):
        real = getattr(thing, name)
        def wrapped(*args, **kwargs):
            step()
            result = real(*args, **kwargs)
            step()
            return result
        setattr(thing, name, wrapped)

    machine = Machine(folder / name, central, "")
    for call in ("open", "write", "fsync", "replace", "close"):
        around(os, call)  # record and state
    around(machine.transport, "ask")
    around(machine.transport._client, "send")  # after it: the server has committed, its answer is on the way
    spool = Spool(machine.strikes)
    uploader = Uploader(machine.strikes, machine.cache, machine.transport)
    for number in range(2):
        act = f"{name}-{number}"
        if spool.append([a_strike(id=act)]).value == "ready":
            write(1, f"told {act}\\n".encode())  # from here on the user has been told
        uploader.report(Circumstances())
    write(1, f"end {steps}\\n".encode())

def run(kill_at, name):
    pid = os.fork()
    if pid == 0:
        try:
            child(kill_at, name)
        finally:
            os._exit(3 if sys.exc_info()[0] else 0)
    return os.waitpid(pid, 0)[1]

first, last = int(sys.argv[4]), int(sys.argv[5])
for kill_at in range(first, last + 1):
    status = run(kill_at, f"at{kill_at}")
    write(1, f"status {kill_at} {status}\\n".encode())
"""


def run_steps(machine: Machine, first: int, last: int) -> list[list[str]]:
    """Do the same work in one process for each step, each killed there."""
    done = subprocess.run(
        [sys.executable, "-c", STEPS, str(ROOT), str(machine.folder), machine.central, str(first), str(last)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def test_killed_at_every_write_rename_fsync_and_send(machine: Machine, central: Central) -> None:
    """Nothing that a user was told of is lost, nothing counts twice; from decision to acknowledgement."""
    whole = run_steps(machine, 0, 0)
    steps = next(int(words[1]) for words in whole if words[0] == "end")
    assert steps > 30
    lines = run_steps(machine, 1, steps)
    statuses = [int(words[2]) for words in lines if words[0] == "status"]
    assert statuses == [signal.SIGKILL] * steps
    told = {words[1] for words in whole + lines if words[0] == "told"}
    assert told > {"at0-0", "at0-1"}
    for kill_at in range(steps + 1):
        own = Machine(machine.folder / f"at{kill_at}", machine.central, machine.pin)
        uploader = Uploader(own.strikes, own.cache, own.transport)
        drain(uploader)
        assert uploader.waiting() == 0
    assert told <= set(central.strikes), "lost"
    assert set(central.strikes) <= {f"at{number}-{act}" for number in range(steps + 1) for act in (0, 1)}
    assert not central.gaps
    assert central.deliveries > len(central.strikes), "some were sent twice, and counted once"


# -- the account


def test_the_account_of_an_answer_is_stored_and_read_by_kernels(
    machine: Machine, uploader: Uploader, central: Central
) -> None:
    central.account = good_account(
        effects={"paused": True, "blocked_clauses": ["first"], "until": 2e9, "reason": "three strikes"},
        exemptions=[{"subject": "user:ann", "target": "*", "until": None, "reason": ""}],
    )
    reported = uploader.report(Circumstances())
    assert reported.account["effects"]["paused"] is True
    source = PolicyCache(machine.cache)
    source.current(0.0)
    assert source.account.paused.reason == "three strikes"
    assert source.account.blocked_clauses == {"first"}
    assert source.account.exemptions[0].until == float("inf")


GARBAGE = [
    None,
    [],
    "x",
    {},
    {"v": 2},
    good_account(standing={"level": "god"}),
    good_account(standing=[]),
    good_account(effects={"paused": "yes"}),
    good_account(effects={"paused": True, "until": "tomorrow"}),
    good_account(effects={"blocked_clauses": "first"}),
    good_account(effects={"blocked_clauses": [1]}),
    good_account(effects={"blocked_clauses": ["x"] * 5000}),
    good_account(effects={"until": float("nan"), "paused": False}),
    good_account(exemptions=[{"subject": 1}]),
    good_account(exemptions={}),
    good_account(standing={"level": "good", "live": -1}),
    good_account(messages=["x" * 1_000_000]),
]


@pytest.mark.parametrize("account", GARBAGE, ids=lambda account: repr(account)[:40])
def test_garbage_account_answer(machine: Machine, uploader: Uploader, central: Central, account: Any) -> None:
    """The last good account stays, the records are confirmed all the same, and it is said."""
    central.account = good_account(effects={"paused": True, "until": None, "reason": "kept"})
    uploader.report(Circumstances())
    before = (machine.cache / ACCOUNT).read_bytes()
    strike(machine, "a")
    central.account = account
    reported = uploader.report(Circumstances())
    assert (reported.confirmed, reported.account) == (1, None)
    assert reported.problem
    assert (machine.cache / ACCOUNT).read_bytes() == before
    assert read_person(machine.cache).account.paused.reason == "kept"


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"v":1}', b'{"v":1,"fetched":"x"}', b"\0" * 100])
def test_garbage_in_the_accounts_file_restricts_nobody(machine: Machine, data: bytes) -> None:
    machine.cache.mkdir(parents=True)
    (machine.cache / ACCOUNT).write_bytes(data)
    source = PolicyCache(machine.cache)
    source.current(0.0)
    assert source.account.paused is None


def test_the_account_can_be_asked_for_alone(machine: Machine, uploader: Uploader, central: Central) -> None:
    assert uploader.fetch_account()["user"] == "ann"
    central.account = []
    with pytest.raises(NoAnswer, match="no object"):
        uploader.fetch_account()
    assert read_person(machine.cache).contact == "ask@hub.example"


def test_the_clients_name_is_made_once(machine: Machine, uploader: Uploader, central: Central) -> None:
    uploader.report(Circumstances())
    other = Uploader(machine.strikes, machine.cache, Transport(machine.settings, {}))
    other.report(Circumstances())
    assert len({report["client"] for report in central.reports}) == 1
    (machine.cache / CLIENT).write_text("garbage")
    other.report(Circumstances())
    assert len({report["client"] for report in central.reports}) == 2
