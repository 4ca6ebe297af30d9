from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from jupyter_tos_guard.strikes import spool as spool_module
from jupyter_tos_guard.strikes.history import History
from jupyter_tos_guard.strikes.spool import Limits, Spool, read
from jupyter_tos_guard.strikes.standing import MAX_STRIKES
from jupyter_tos_guard.strikes.strike import Action, Strike

from .test_strike import a_strike


def strikes(count: int, first: int = 0, **changes: Any) -> list[Strike]:
    return [
        a_strike(**{"id": f"{number}", "time": float(number), "action": Action.BLOCK, **changes})
        for number in range(first, first + count)
    ]


def ids(history: History, user: str) -> list[str]:
    return sorted(history.of(user), key=int)


@pytest.fixture
def user() -> str:
    return a_strike().user


def test_it_goes_on_where_it_ended(tmp_path: Path, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spool, history = Spool(tmp_path), History(tmp_path)
    spool.append(strikes(100))
    assert len(ids(history, user)) == 100
    sizes: list[int] = []
    whole = spool_module._bytes

    def counted(*arguments: Any) -> bytes:
        data = whole(*arguments)
        sizes.append(len(data))
        return data

    monkeypatch.setattr(spool_module, "_bytes", counted)
    spool.append(strikes(1, 100))
    assert ids(history, user) == [str(number) for number in range(101)]
    (size,) = sizes
    assert size < 2000
    history.of(user)
    assert len(sizes) == 1  # nothing new, nothing read


def test_it_knows_what_reading_everything_finds(tmp_path: Path, user: str) -> None:
    small = Limits(file_bytes=4000, total_bytes=40_000, files=8)
    writers, history = [Spool(tmp_path, small) for _ in range(3)], History(tmp_path, small)
    for number in range(60):
        writers[number % 3].append(strikes(1, number))
        assert set(history.of(user)) == {each.id for each in read(tmp_path, small)}


def test_only_what_counts_and_of_whom(tmp_path: Path, user: str) -> None:
    spool = Spool(tmp_path)
    spool.append([*strikes(1, 1, action=Action.OBSERVE), *strikes(1, 2, action=Action.WARN)])
    spool.append([*strikes(1, 3, user="somebody else"), *strikes(1, 4), *strikes(1, 4)])
    history = History(tmp_path)
    assert ids(history, user) == ["4"]
    assert ids(history, "somebody else") == ["3"]
    assert ids(history, "nobody") == []


def test_a_flood_is_bounded_and_pushes_out_nobody_else(tmp_path: Path, user: str) -> None:
    spool, history = Spool(tmp_path), History(tmp_path)
    spool.append(strikes(1, user="quiet"))
    spool.append(strikes(MAX_STRIKES + 50, 1))
    found = ids(history, user)
    assert len(found) == MAX_STRIKES
    assert found[-1] == str(MAX_STRIKES + 50)
    assert ids(history, "quiet") == ["0"]


def test_an_unfinished_line_is_read_when_it_is_whole(tmp_path: Path, user: str) -> None:
    spool, history = Spool(tmp_path), History(tmp_path)
    spool.append(strikes(2))
    (file,) = tmp_path.iterdir()
    data = file.read_bytes()
    file.write_bytes(data[:-30])
    assert ids(history, user) == ["0"]
    file.write_bytes(data)
    assert ids(history, user) == ["0", "1"]


def test_a_file_that_was_cut_replaced_or_deleted_is_known_as_it_is(tmp_path: Path, user: str) -> None:
    history = History(tmp_path)
    Spool(tmp_path).append(strikes(3))
    (file,) = tmp_path.iterdir()
    assert len(history.of(user)) == 3
    lines = file.read_bytes().splitlines(keepends=True)
    os.truncate(file, len(lines[0]))
    assert ids(history, user) == ["0"]
    other = tmp_path / "other"
    other.write_bytes(b"".join(lines))
    other.replace(file)
    assert ids(history, user) == ["0", "1", "2"]
    file.unlink()
    assert ids(history, user) == []


def test_without_a_folder_there_is_nothing(tmp_path: Path) -> None:
    assert History(tmp_path / "missing").of("ann") == {}
