from __future__ import annotations

import errno
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jupyter_tos_guard.strikes import spool as spool_module
from jupyter_tos_guard.strikes.spool import (
    Limits,
    Link,
    Spool,
    SpoolState,
    last_record,
    read,
    records,
    streams,
)

from .test_strike import a_strike

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from jupyter_tos_guard.strikes.spool import Spool
from tests.strikes.test_strike import a_strike
spool = Spool(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    spool.append([a_strike(id=f"{sys.argv[4]}-{number}")])
    print(number, flush=True)
"""


def write_in_process(folder: Path, number: int, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(number), str(ROOT), name],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_what_was_appended_is_read(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "strikes")
    assert spool.append([a_strike(id="a"), a_strike(id="b")]) is SpoolState.READY
    spool.append([a_strike(id="c")])
    assert [strike.id for strike in read(tmp_path / "strikes")] == ["a", "b", "c"]


def test_an_honest_kernel_leaves_no_trace(tmp_path: Path) -> None:
    Spool(tmp_path / "strikes").append([])
    assert list(tmp_path.iterdir()) == []


def test_nobody_else_may_read(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Spool(tmp_path / "strikes").append([a_strike()])
    finally:
        os.umask(before)
    (file,) = (tmp_path / "strikes").iterdir()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_records_are_numbered_without_gaps(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([a_strike(), a_strike()])
    spool.append([a_strike()])
    (file,) = tmp_path.iterdir()
    assert [json.loads(line)["seq"] for line in file.read_text().splitlines()] == [1, 2, 3]


def test_synced_before_append_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    sync = os.fsync
    monkeypatch.setattr(
        spool_module.os, "fsync", lambda file: (synced.append(os.fstat(file).st_size), sync(file))
    )
    Spool(tmp_path).append([a_strike()])
    (file,) = tmp_path.iterdir()
    assert synced[-1] == file.stat().st_size > 0


def test_kill_9_loses_nothing_that_was_reported(tmp_path: Path) -> None:
    writer = write_in_process(tmp_path, 10**6, "w")
    assert writer.stdout is not None
    reported = [int(writer.stdout.readline()) for _ in range(20)]
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    kept = {strike.id for strike in read(tmp_path)}
    assert {f"w-{number}" for number in reported} <= kept


def test_several_kernels_write_at_once(tmp_path: Path) -> None:
    writers = [write_in_process(tmp_path, 50, name) for name in "abcd"]
    for writer in writers:
        writer.communicate(timeout=60)
    assert {strike.id for strike in read(tmp_path)} == {f"{name}-{n}" for name in "abcd" for n in range(50)}


def test_a_forked_child_does_not_write_into_its_parents_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([a_strike(id="parent")])
    child = os.fork()
    if child == 0:
        spool.append([a_strike(id="child")])
        os._exit(0)
    os.waitpid(child, 0)
    spool.append([a_strike(id="parent-2")])
    assert len(list(tmp_path.iterdir())) == 2
    assert {strike.id for strike in read(tmp_path)} == {"parent", "child", "parent-2"}


@pytest.mark.parametrize("cut", [1, 10, 200])
def test_a_torn_last_record_is_left_out(tmp_path: Path, cut: int) -> None:
    spool = Spool(tmp_path)
    spool.append([a_strike(id="a")])
    spool.append([a_strike(id="b")])
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-cut])
    assert [strike.id for strike in read(tmp_path)] == ["a"]


@pytest.mark.parametrize(
    "junk", [b"{}\n", b"[1]\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n", b'{"v":1,"strike":3}\n']
)
def test_forged_lines_are_left_out(tmp_path: Path, junk: bytes) -> None:
    Spool(tmp_path).append([a_strike(id="a")])
    (file,) = tmp_path.iterdir()
    file.write_bytes(junk + file.read_bytes())
    assert [strike.id for strike in read(tmp_path)] == ["a"]


def test_a_pipe_in_the_folder_does_not_hang_the_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "0.jsonl")
    Spool(tmp_path).append([a_strike(id="a")])
    assert [strike.id for strike in read(tmp_path)] == ["a"]


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    Spool(tmp_path / "elsewhere").append([a_strike(id="a")])
    (file,) = (tmp_path / "elsewhere").iterdir()
    (tmp_path / "strikes").mkdir()
    (tmp_path / "strikes" / "0.jsonl").symlink_to(file)
    assert list(read(tmp_path / "strikes")) == []


def test_disk_full_is_a_state_and_leaves_whole_records_only(tmp_path: Path) -> None:
    # A real short write: the kernel lets this process make no file larger than this.
    script = WRITER + (
        "\nimport resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "(file,) = Path(sys.argv[1]).iterdir()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 100, resource.RLIM_INFINITY))\n"
        "print(spool.append([a_strike(id='lost')]), spool.detail)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "print(spool.append([a_strike(id='after')]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), "2", str(ROOT), "w"],
        capture_output=True,
        text=True,
        check=True,
    )
    full, after = done.stdout.splitlines()[2:]
    assert full.startswith("disk-full")
    assert str(tmp_path) in full
    assert after == "ready"
    assert [strike.id for strike in read(tmp_path)] == ["w-0", "w-1", "after"]
    assert all(json.loads(line) for file in tmp_path.iterdir() for line in file.read_text().splitlines())


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (errno.EROFS, SpoolState.READ_ONLY),
        (errno.EACCES, SpoolState.DENIED),
        (errno.EDQUOT, SpoolState.FULL),
        (errno.EIO, SpoolState.FAILED),
    ],
)
def test_what_the_disk_refuses_is_a_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, state: SpoolState
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    spool = Spool(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(spool_module.os, "write", refuse)
        assert spool.append([a_strike()]) is state
    assert spool.append([a_strike()]) is SpoolState.READY


def test_a_file_in_place_of_the_folder_is_a_state(tmp_path: Path) -> None:
    (tmp_path / "strikes").write_text("")
    assert Spool(tmp_path / "strikes").append([a_strike()]) is SpoolState.FAILED


def test_a_file_that_was_collected_is_not_written_to(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([a_strike(id="collected")])
    for file in tmp_path.iterdir():
        file.unlink()
    spool.append([a_strike(id="next")])
    assert [strike.id for strike in read(tmp_path)] == ["next"]


def test_the_folder_is_bounded_and_the_oldest_go_first(tmp_path: Path) -> None:
    limits = Limits(file_bytes=1000, total_bytes=5000, files=100)
    seconds = itertools.count()  # two files of one millisecond have no order
    spool = Spool(tmp_path, limits, clock=lambda: time.time() + next(seconds))
    for number in range(50):
        spool.append([a_strike(id=str(number))])
        for age, file in enumerate(sorted(tmp_path.iterdir(), reverse=True)):
            os.utime(file, (time.time() - age, time.time() - age))
    kept = [strike.id for strike in read(tmp_path, limits)]
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 5000
    assert kept
    assert kept == [str(number) for number in range(50 - len(kept), 50)]


def test_records_older_than_their_time_are_deleted(tmp_path: Path) -> None:
    Spool(tmp_path).append([a_strike(id="old")])
    (file,) = tmp_path.iterdir()
    os.utime(file, (0, 0))
    Spool(tmp_path, Limits(days=90)).append([a_strike(id="new")])
    assert [strike.id for strike in read(tmp_path)] == ["new"]


def test_evidence_with_lone_surrogates_is_recorded(tmp_path: Path) -> None:
    Spool(tmp_path).append([a_strike(evidence="\ud800\x00\u202e")])
    assert next(read(tmp_path)).evidence == "\ud800\x00\u202e"


# -- what a deleted or shortened file leaves behind


def links(folder: Path) -> list[Link | None]:
    return [found[0].after for path, _ in streams(folder) if (found := records(path, 0, 1 << 20)[0])]


def test_each_file_says_which_was_written_before_it_and_how_far(tmp_path: Path) -> None:
    ticks = itertools.count()
    clock = lambda: time.time() + next(ticks)  # noqa: E731
    spool = Spool(tmp_path, Limits(file_bytes=1500), clock)
    for number in range(7):
        spool.append([a_strike(id=str(number))])
    Spool(tmp_path, clock=clock).append([a_strike(id="of another process")])
    files = [path for path, _ in streams(tmp_path)]
    assert len(files) > 2
    assert links(tmp_path) == [None, *(last_record(path) for path in files[:-1])]
    assert all(link.seq > 1 for link in links(tmp_path)[1:-1])


def test_records_without_links_are_still_read(tmp_path: Path) -> None:
    old = tmp_path / "000000000000001-1-0.jsonl"
    old.write_text(json.dumps({"v": 1, "seq": 1, "strike": a_strike(id="old").to_json()}) + "\n")
    Spool(tmp_path).append([a_strike(id="new")])
    assert [strike.id for strike in read(tmp_path)] == ["old", "new"]
    assert links(tmp_path) == [None, Link(old.stem, 1)]


def test_a_file_that_holds_nothing_is_passed_over_by_links(tmp_path: Path) -> None:
    Spool(tmp_path).append([a_strike()])
    (first,) = tmp_path.iterdir()
    os.utime(first, (time.time() - 10,) * 2)
    (tmp_path / "000000000000009-1-0.jsonl").write_text('{"v": 1, "seq"')
    Spool(tmp_path).append([a_strike()])
    assert Link(first.stem, 1) in links(tmp_path)


def test_records_are_read_from_a_place_on_and_a_torn_one_waits(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([a_strike(id=str(number)) for number in range(10)])
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-5])
    place, numbers = 0, []
    while True:
        found, after = records(file, place, 1500)
        if after == place:
            break
        numbers += [record.seq for record in found]
        place = after
    assert numbers == list(range(1, 10))
    file.write_bytes(whole)
    assert [record.seq for record in records(file, place, 1500)[0]] == [10]


@pytest.mark.parametrize(
    "junk", [b"x" * (1 << 19), b"\n" * 1000, b'{"v":1,"seq":true,"strike":{}}\n', b"\0\n"]
)
def test_junk_neither_stops_nor_repeats_reading(tmp_path: Path, junk: bytes) -> None:
    Spool(tmp_path).append([a_strike(id="a")])
    (file,) = tmp_path.iterdir()
    file.write_bytes(junk + b"\n" + file.read_bytes())
    place, found = 0, []
    for _ in range(100):
        more, place = records(file, place, 1 << 16)
        found += more
    assert [record.strike["id"] for record in found] == ["a"]
    assert place == file.stat().st_size


# -- deleting while somebody appends


def test_a_file_that_grew_since_it_was_looked_at_is_not_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Spool(tmp_path)
    writer.append([a_strike(id="old")])
    (file,) = tmp_path.iterdir()
    os.utime(file, (0, 0))
    rename = Path.rename

    def appended_just_before(path: Path, target: Path) -> Path:
        if path.suffix == ".jsonl":
            writer.append([a_strike(id="late")])
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", appended_just_before)
        Spool(tmp_path).append([a_strike(id="new")])
    assert {strike.id for strike in read(tmp_path)} == {"old", "late", "new"}


def test_an_append_to_a_file_that_is_being_deleted_is_written_again_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Spool(tmp_path)
    writer.append([a_strike(id="old")])
    (file,) = tmp_path.iterdir()
    sync = os.fsync

    def taken_away(number: int) -> None:
        sync(number)
        if file.exists():
            file.unlink()

    monkeypatch.setattr(spool_module.os, "fsync", taken_away)
    assert writer.append([a_strike(id="late")]) is SpoolState.READY
    assert [strike.id for strike in read(tmp_path)] == ["late"]


def test_a_deletion_that_was_interrupted_is_taken_back(tmp_path: Path) -> None:
    Spool(tmp_path).append([a_strike(id="kept")])
    (file,) = tmp_path.iterdir()
    file.rename(file.with_suffix(".going"))
    Spool(tmp_path).append([a_strike(id="new")])
    assert {strike.id for strike in read(tmp_path)} == {"kept", "new"}
