"""What the lint minds, and what it must not mind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_tos_guard.policy.document import Problem
from jupyter_tos_guard.policy.lint import check_examples, lint_policy, main
from tests.policy.policies import detecting, lines, policy_of, rule, write


def linted(folder: Path, *rules: dict[str, Any], **changes: Any) -> list[Problem]:
    return lint_policy(write(folder, *rules, **changes))


@pytest.mark.parametrize(
    "selection",
    [
        {"module": "numpy"},
        {"package": ["pypi:zorbinator", "pypi:pandas"]},
        {"host": "github.com"},
        {"host|endswith": ".google.com"},
        {"repository|startswith": "github.com/huggingface/"},
        {"repository|contains": "stable diffusion"},  # a public model's name has these words
        {"repository|contains": "face recognition"},
        {"repository|startswith": "github.com/"},
        {"package|contains": "opencv"},
        {"package|startswith": "pypi:"},
        {"command": "ssh"},
        {"url|startswith": "https://"},
        {"call": "os.system"},
        {"module": "torch"},
        {"url|re": "https?://"},
    ],
)
def test_a_value_that_hits_honest_work_is_told(tmp_path: Path, selection: Any) -> None:
    if selection == {"repository|contains": "stable diffusion"}:
        selection = {"package|contains": "stable diffusion"}
    problems = linted(tmp_path, detecting("one-rule", one=selection))
    assert "so general that the rule would hit honest cells" in lines(problems)


def test_a_general_value_is_welcome_with_a_rarer_fact(tmp_path: Path) -> None:
    together = {"command": "ssh", "argument": "ssh -R"}
    assert not linted(tmp_path, detecting("one-rule", one=together))


def test_a_general_value_is_welcome_when_the_rule_observes(tmp_path: Path) -> None:
    assert not linted(tmp_path, detecting("one-rule", one={"module": "paramiko"}) | {"action": "observe"})


def test_a_general_value_behind_a_filter_is_still_general(tmp_path: Path) -> None:
    rules = detecting("one-rule", "one and not two", one={"command": "ssh"}, two={"argument": "ssh -v"})
    assert "so general" in lines(linted(tmp_path, rules))


def test_a_short_word_is_told(tmp_path: Path) -> None:
    assert "shorter than 4 letters" in lines(
        linted(tmp_path, detecting("one-rule", one={"file|contains": "zrq"}))
    )


def test_an_unknown_clause_is_told(tmp_path: Path) -> None:
    assert "clause `third` is not in policy.yml" in lines(linted(tmp_path, rule(clause="third")))


def test_a_repeated_id_and_name_are_told(tmp_path: Path) -> None:
    told = lines(linted(tmp_path, rule(), rule(clause="second")))
    assert "the id is that of rules/first/toolkit-fetched.yml too" in told
    assert "the name is that of rules/first/toolkit-fetched.yml too" in told


def test_a_file_in_the_wrong_place_is_told(tmp_path: Path) -> None:
    folder = write(tmp_path, rule())
    path = folder / "rules" / "first" / "toolkit-fetched.yml"
    (folder / "rules" / "second").mkdir()
    path.rename(folder / "rules" / "second" / "other.yml")
    told = lines(lint_policy(folder))
    assert "the file is not called toolkit-fetched.yml" in told
    assert "the file is not in rules/first" in told


@pytest.mark.parametrize("condition", ["not one", "not one or two", "not (one and two)", "not 1 of them"])
def test_a_condition_that_holds_for_an_empty_cell_is_told(tmp_path: Path, condition: str) -> None:
    selections = {"one": {"command": "zorb"}, "two": {"command": "quux"}}
    assert "does nothing" in lines(linted(tmp_path, detecting("one-rule", condition, **selections)))


@pytest.mark.parametrize(
    ("selection", "text"),
    [
        ({"repository": "github.com/zorblatt/Quux-Inator"}, "Uses quux-inator"),
        ({"repository": "github.com/zorblatt/quuxinator"}, "Software of Zorblatt is fetched"),
        ({"repository": "github.com/zorblatt/quuxinator"}, "The Quux Inator is fetched"),
        ({"package": "pypi:quuxinator"}, "The QUUXINATOR package"),
        ({"host|endswith": ".quuxinator.io"}, "Connects to quuxinator"),
        ({"host|endswith": ".quuxinator.io"}, "Connects to quuxinator.io"),
        ({"argument": "zorb --algo=quuxinator"}, "Uses the quuxinator algorithm"),
        ({"module": "quuxinator.tool"}, "Imports quuxinator"),
        ({"repository|contains": "quux inator"}, "A quux_inator"),
    ],
)
@pytest.mark.parametrize("key", ["title", "message"])
def test_a_text_for_clients_that_names_what_is_looked_for_is_told(
    tmp_path: Path, selection: Any, text: str, key: str
) -> None:
    problems = linted(tmp_path, detecting("one-rule", one=selection) | {key: text})
    assert [problem.severity for problem in problems] == ["error"], lines(problems)
    assert f"the {key} says" in problems[0].message


def test_words_that_the_terms_use_are_no_secret(tmp_path: Path) -> None:
    clauses = [{"id": "first", "number": "1", "title": "Torrents", "text": "None."}]
    torrent = detecting("one-rule", one={"repository|contains": "torrent"}) | {"title": "A torrent client"}
    terms = {"version": "1", "title": "Terms", "clauses": clauses}
    assert not linted(tmp_path, torrent, terms=terms)


def test_a_name_in_the_terms_or_in_another_rule_is_warned_of(tmp_path: Path) -> None:
    clauses = [{"id": "first", "number": "1", "title": "T", "text": "No quuxinator."}]
    problems = linted(
        tmp_path,
        rule(),
        detecting("other", one={"command": "zorb"}) | {"message": "Like quuxinator."},
        terms={"version": "1", "title": "Terms", "clauses": clauses},
    )
    assert {(problem.path, problem.severity) for problem in problems} == {
        ("policy.yml", "warning"),
        ("rules/first/other.yml", "warning"),
    }


def test_a_pattern_that_names_something_is_told(tmp_path: Path) -> None:
    pattern = detecting("other", one={"argument|re": "quuxinator=[0-9]{3}"})
    assert "the pattern names `quuxinator`" in lines(linted(tmp_path, rule(), pattern))


def test_a_pattern_alone_on_names_is_told(tmp_path: Path) -> None:
    alone = detecting("one-rule", one={"package|re": "-v[0-9]"})
    assert "stands on a pattern alone" in lines(linted(tmp_path, alone))
    helped = detecting("one-rule", one={"package|re": "-v[0-9]", "command": "zorb"})
    assert not linted(tmp_path / "helped", helped)


def test_an_action_beyond_the_status_is_warned_of(tmp_path: Path) -> None:
    (problem,) = linted(tmp_path, rule(status="experimental"))
    assert (problem.severity, "cannot block, only observe" in problem.message) == ("warning", True)


def test_blocking_on_opaque_code_alone_is_told(tmp_path: Path) -> None:
    opaque = detecting("one-rule", one={"opaque": "pipe-to-shell"})
    assert "honest installers" in lines(linted(tmp_path, opaque))
    assert not linted(tmp_path / "warns", opaque | {"action": "warn"})


@pytest.mark.parametrize(
    "changes",
    [
        {"detection": {"one": {"command": "zorb"}, "condition": "one"}},
        {"status": "test"},
        {"window": "kernel"},
    ],
)
def test_a_vetting_must_be_narrow(tmp_path: Path, changes: dict[str, Any]) -> None:
    good = detecting("one-rule", one={"digest": "exact:" + "0" * 64}) | {"action": "allow"}
    assert not linted(tmp_path / "good", good)
    assert "rule that allows" in lines(linted(tmp_path, good | changes))


def test_a_policy_without_rules_is_refused(tmp_path: Path) -> None:
    assert "the policy has no rule" in lines(linted(tmp_path))


def test_examples_that_do_not_hold_are_told_with_their_lines(tmp_path: Path) -> None:
    examples = {"match": ["good", "missed"], "no_match": ["fine", ["x", "noisy"]]}
    policy = policy_of(tmp_path, rule(examples=examples))
    (only,) = policy.rules
    problems = check_examples(policy, lambda cells: {only.id} if cells[-1] in ("good", "noisy") else set())
    text = (tmp_path / only.path).read_text().splitlines()
    assert ["missed" in text[problems[0].line - 1], "x" in text[problems[1].line - 1]] == [True, True]
    assert "does not match its example `missed`" in problems[0].message
    assert "matches its example `noisy`" in problems[1].message
    assert len(problems) == 2


def test_the_command_tells_problems_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(write(tmp_path / "good", rule()))]) == 0
    assert main([str(write(tmp_path / "bad", rule(clause="third")))]) == 1
    assert "rules/third/toolkit-fetched.yml:" in capsys.readouterr().out
    assert main([]) == 2
