from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from jupyter_tos_guard.cli.judging import Bench, Pool
from jupyter_tos_guard.guard import Guard, Settings
from jupyter_tos_guard.policy.model import Where

from .conftest import MINER, TOOLKIT, Tos


def session(identity: Any, *cells: Any) -> str:
    return json.dumps({"id": identity, "cells": cells}) + "\n"


def test_one_line_for_each_session_in_exactly_the_documented_form(tos: Tos, policy: Path) -> None:
    outcome = tos(
        "scan",
        "--jsonl",
        "-",
        "--policy",
        policy,
        "--mode",
        "enforce",
        stdin=session("a", "x = 1", f"\n{MINER}"),
    )
    assert outcome.code == 1
    assert outcome.lines == [
        {
            "id": "a",
            "cells": [
                {"verdict": "allow", "findings": []},
                {
                    "verdict": "block",
                    "findings": [
                        {
                            "rule": "3f6c1c52-6b0e-4a57-9d3d-5f4e9f6d8a11",
                            "clause": "mining",
                            "line": 2,
                            "column": 1,
                        }
                    ],
                },
            ],
        }
    ]


def test_the_verdict_is_the_effect(tos: Tos, policy: Path) -> None:
    stdin = session(1, MINER, TOOLKIT)
    enforced, monitored = (
        tos("scan", "--jsonl", "-", "--policy", policy, "--mode", mode, stdin=stdin)
        for mode in ("enforce", "monitor")
    )
    assert [cell["verdict"] for cell in enforced.lines[0]["cells"]] == ["block", "warn"]
    assert [cell["verdict"] for cell in monitored.lines[0]["cells"]] == ["observe", "observe"]
    assert monitored.code == 0


def test_cells_of_a_session_share_a_kernel_and_sessions_do_not(tos: Tos, policy: Path) -> None:
    use = "!git clone https://github.com/{owner}/{owner}"
    outcome = tos(
        "scan", "--jsonl", "-", "--policy", policy, "--mode", "enforce", "--jobs", 1,
        stdin=session(1, "owner = 'xmrig'", use) + session(2, use),
    )  # fmt: skip
    first, second = outcome.lines
    assert first["cells"][1]["verdict"] == "block"
    assert second["cells"][0]["verdict"] != "block"


def test_a_stopped_cell_counts_as_executed(tos: Tos, policy: Path) -> None:
    cells = (f"{TOOLKIT}\nowner = 'xmrig'", "!git clone https://github.com/{owner}/{owner}")
    outcome = tos("scan", "--jsonl", "-", "--policy", policy, "--mode", "enforce", stdin=session(1, *cells))
    assert [cell["verdict"] for cell in outcome.lines[0]["cells"]] == ["warn", "block"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_order_is_kept_and_bad_lines_do_not_stop_the_rest(tos: Tos, policy: Path, jobs: int) -> None:
    bad = [
        "{",
        "[]",
        '{"id": 7}',
        '{"id": 8, "cells": "x"}',
        '{"id": 9, "cells": ["x", 3]}',
        "\xff",
        "[" * 100_000,
    ]
    stdin = ""
    for number in range(400):
        stdin += session(number, "x = 1", MINER if number % 7 == 0 else "y = 2")
        if number % 50 == 3:
            stdin += bad[number // 50 % len(bad)] + "\n"
    outcome = tos(
        "scan",
        "--jsonl",
        "-",
        "--policy",
        policy,
        "--mode",
        "monitor",
        "--jobs",
        jobs,
        stdin=stdin.encode("latin-1"),
    )
    assert outcome.code == 3
    good = [line for line in outcome.lines if "error" not in line]
    errors = [line for line in outcome.lines if "error" in line]
    assert [line["id"] for line in good] == list(range(400))
    assert len(errors) == 8
    assert errors[0] == {"id": None, "line": 5, "error": errors[0]["error"]}
    assert '"cells"[1] must be a string, not int' in {line["error"] for line in errors}
    assert {7, 8, 9} <= {line["id"] for line in errors}


def test_lone_surrogates_and_null_bytes_are_judged(tos: Tos, policy: Path) -> None:
    stdin = '{"id": "\\ud800", "cells": ["\\ud83d\\n!xmrig", "\\u0000"]}\n'
    [line] = tos("scan", "--jsonl", "-", "--policy", policy, "--mode", "enforce", stdin=stdin).lines
    assert line["id"] == "\ud800"
    assert len(line["cells"]) == 2


def test_a_last_line_without_newline_counts_and_blank_lines_do_not(tos: Tos, policy: Path) -> None:
    stdin = "\n" + session(1, "x") + "\n  \n" + session(2, "y").rstrip("\n")
    assert [line["id"] for line in tos("scan", "--jsonl", "-", "--policy", policy, stdin=stdin).lines] == [
        1,
        2,
    ]


def test_sessions_can_be_in_a_file(tos: Tos, policy: Path, tmp_path: Path) -> None:
    path = tmp_path / "sessions.jsonl"
    path.write_text(session(1, "x"))
    assert tos("scan", "--jsonl", path, "--policy", policy).lines[0]["id"] == 1
    missing = tos("scan", "--jsonl", tmp_path / "missing", "--policy", policy)
    assert missing.code == 3
    assert "cannot be read" in missing.err


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_answer_comes_before_the_next_session_is_sent(policy: Path, jobs: int) -> None:
    argv = [sys.executable, "-m", "jupyter_tos_guard.cli", "scan", "--jsonl", "-", "--policy", str(policy)]
    with subprocess.Popen(
        [*argv, "--jobs", str(jobs)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as scan:
        assert scan.stdin
        assert scan.stdout
        for number in range(3):
            scan.stdin.write(session(number, "x = 1"))
            scan.stdin.flush()
            assert json.loads(scan.stdout.readline())["id"] == number
        scan.stdin.close()
        assert scan.wait(60) == 0


def test_a_reader_that_has_seen_enough_is_no_error(policy: Path, tmp_path: Path) -> None:
    path = tmp_path / "sessions.jsonl"
    path.write_text(session(1, "x = 1") * 50_000)
    argv = [
        sys.executable,
        "-m",
        "jupyter_tos_guard.cli",
        "scan",
        "--jsonl",
        str(path),
        "--policy",
        str(policy),
    ]
    with subprocess.Popen([*argv, "--jobs", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as scan:
        assert scan.stdout
        assert scan.stderr
        scan.stdout.readline()
        scan.stdout.close()
        assert scan.stderr.read() == b""
        assert scan.wait(60) == 0


def die_on_13(guard: Guard, items: Sequence[int]) -> list[int]:
    if 13 in items:
        os._exit(1)
    return [item * 2 for item in items]


def test_a_worker_that_dies_costs_only_the_item_that_killed_it(policy: Path) -> None:
    pool = Pool(die_on_13, lambda item: -1, Bench(policy, Settings(), Where()), jobs=2)
    batches = [range(at, at + 5) for at in range(0, 40, 5)]
    results = [result for batch in pool.map(batches) for result in batch]
    assert results == [-1 if number == 13 else number * 2 for number in range(40)]
