"""The public set of evasions: what is to be caught by reading is caught, and honest twins are left alone."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from jupyter_tos_guard.cli.judging import judge_session
from jupyter_tos_guard.guard import Cell, Guard, Settings
from jupyter_tos_guard.policy.model import Mode, Verdict

FILE = Path(__file__).parents[2] / "shared" / "evaluation" / "evasions.jsonl"

pytestmark = pytest.mark.skipif(
    not FILE.is_file(),
    reason=f"the evaluation set {FILE} is not on this machine; it is not part of the repository",
)


@pytest.fixture(scope="module")
def cases() -> list[dict[str, Any]]:
    return [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines() if line.strip()]


@pytest.fixture(scope="module")
def guard(default_policy: Path) -> Guard:
    # Whether a technique is seen through must not depend on how busy this machine is.
    return Guard.load(default_policy, Settings(mode=Mode.ENFORCE, enable=frozenset(["all"]), time_limit=2.0))


def stopped(guard: Guard, cells: Sequence[str]) -> list[int]:
    """Numbers of the cells that would not run just so."""
    decisions = judge_session(guard, map(Cell, cells))
    return [number for number, decision in enumerate(decisions) if decision.effect >= Verdict.WARN]


def test_evasions_that_reading_can_see_are_stopped_in_time(
    cases: list[dict[str, Any]], guard: Guard, capsys: pytest.CaptureFixture[str]
) -> None:
    by_class: dict[str, list[bool]] = defaultdict(list)
    missed = []
    for case in cases:
        if case["expected"] != "static":
            continue
        hits = stopped(guard, case["cells"])
        caught = any(number <= case["flag_by"] for number in hits)
        by_class[case["technique_class"]].append(caught)
        if not caught:
            missed.append(f"{case['id']}: {case['technique_name']}")
    total = [caught for results in by_class.values() for caught in results]
    with capsys.disabled():
        print(f"\n{'technique class':24} caught  of")
        for name, results in sorted(by_class.items()):
            print(f"{name:24} {sum(results):6} {len(results):3}")
        print(f"{'all':24} {sum(total):6} {len(total):3}")
        print(*(f"missed {name}" for name in missed), sep="\n")
    assert sum(total) >= 0.95 * len(total)


def test_honest_twins_are_left_alone(cases: list[dict[str, Any]], guard: Guard) -> None:
    twins = [case for case in cases if case["benign_twin"] and not case["twin_identical"]]
    wronged = [case["id"] for case in twins if stopped(guard, case["benign_twin"])]
    assert len(wronged) <= 0.01 * len(twins), wronged
