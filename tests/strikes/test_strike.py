from __future__ import annotations

import json

import pytest

from jupyter_tos_guard.strikes.strike import MAX_EVIDENCE, MAX_TEXT, Action, Strike, strike_id


def a_strike(**changes: object) -> Strike:
    strike = Strike(
        id="0" * 32,
        time=1000.0,
        user="ann",
        server="",
        kernel="k1",
        notebook="a.ipynb",
        request="r1",
        rule="rule-1",
        clause="mining",
        level="high",
        policy_version="1",
        severe=False,
        action=Action.BLOCK,
        sensor="kernel",
        cell_digest="d1",
        line=2,
        column=3,
        evidence="!miner",
    )
    return strike._replace(**changes)  # type: ignore[arg-type]


def test_two_sensors_name_one_act_alike() -> None:
    assert strike_id("r1", "k1", "rule", "digest") == strike_id("r1", "k1", "rule", "digest")


@pytest.mark.parametrize(
    "other",
    [
        ("r2", "k1", "rule", "digest"),
        ("r1", "k2", "rule", "digest"),
        ("r1", "k1", "elur", "digest"),
        ("r1", "k1", "rule", "tsegid"),
        ("r1k1", "", "rule", "digest"),
    ],
)
def test_other_acts_have_other_names(other: tuple[str, str, str, str]) -> None:
    assert strike_id(*other) != strike_id("r1", "k1", "rule", "digest")


def test_a_request_id_with_lone_surrogates_is_still_named() -> None:
    assert len(strike_id("\ud800", "k", "r", "d")) == 32


def test_json_gives_the_strike_back() -> None:
    strike = a_strike()
    assert Strike.from_json(json.loads(json.dumps(strike.to_json()))) == strike


def test_texts_are_bounded() -> None:
    data = a_strike(evidence="x" * 10**6, notebook="y" * 10**6).to_json()
    assert (len(data["evidence"]), len(data["notebook"])) == (MAX_EVIDENCE, MAX_TEXT)


@pytest.mark.parametrize(
    ("field", "value"),
    [("time", "soon"), ("severe", 1), ("line", True), ("line", 1.5), ("action", "shrug"), ("user", None)],
)
def test_a_forged_record_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Strike.from_json({**a_strike().to_json(), field: value})


def test_only_what_was_done_counts() -> None:
    assert {action for action in Action if action.counts} == {Action.BLOCK, Action.ACKNOWLEDGE}
