"""What counts as the user's own answer to a warning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_tos_guard.gate.ruling import Gate, Questions, acknowledgement
from jupyter_tos_guard.guard import BundleFile, Guard, Settings
from jupyter_tos_guard.inspection.digests import exact_digest
from jupyter_tos_guard.policy.model import Where
from jupyter_tos_guard.strikes.spool import Spool

DIGEST = exact_digest("doubtful")


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """A gate whose policy does not matter."""
    where = Where("me", (), "", "", "", "")
    guard = Guard(BundleFile(tmp_path / "none.bundle"), Settings(), where)
    return Gate(guard, Spool(tmp_path / "strikes"), where)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        [],
        {"tos_guard": None},
        {"tos_guard": {"acknowledge": None, "request": "r"}},
        {"tos_guard": {"acknowledge": [], "request": "r"}},
        {"tos_guard": {"acknowledge": "*", "request": "r"}},
        {"tos_guard": {"acknowledge": DIGEST}},
        {"tos_guard": {"acknowledge": DIGEST, "request": "another"}},
    ],
    ids=str,
)
def test_nobody_acknowledges_what_was_not_asked(gate: Gate, metadata: Any) -> None:
    assert gate.acknowledged(metadata, "r") == ""


def test_the_word_of_a_sensor_before_this_one_counts_for_its_own_request_only(gate: Gate) -> None:
    metadata = acknowledgement("doubtful", "r")
    assert gate.acknowledged(metadata, "r") == DIGEST
    assert gate.acknowledged(metadata, "r2") == ""
    assert gate.acknowledged(acknowledgement("doubtful", ""), "") == ""


def test_a_question_is_known_to_all_gates_of_a_server(gate: Gate) -> None:
    other = gate.beside(gate.where, kernel="k", folder=lambda: None, language="python", sensor="server")
    other.questions.put("doubtful")
    assert gate.acknowledged({"tos_guard": {"acknowledge": DIGEST}}, "r") == DIGEST


def test_the_oldest_questions_are_forgotten_first() -> None:
    questions = Questions(most=2)
    for text in ("a", "b", "a", "c"):
        questions.put(text)
    assert [exact_digest(text) in questions for text in "abc"] == [True, False, True]
