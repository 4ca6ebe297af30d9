"""Reading policy folders: what is wrong is told with file, line and mend, all at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_tos_guard.policy.compile import compile_policy
from jupyter_tos_guard.policy.document import PolicyError
from jupyter_tos_guard.policy.lint import lint_policy
from jupyter_tos_guard.policy.model import Ladder, Mode, Verdict
from jupyter_tos_guard.policy.rules import load_policy
from tests.policy.policies import CLAUSES, detecting, head, lines, policy_of, rule, write


def test_a_good_folder_is_read_whole(tmp_path: Path) -> None:
    policy = policy_of(
        tmp_path,
        rule(
            window="kernel",
            scope=["group:students"],
            rollout=50,
            tags=["attack.t1496"],
            status="test",
            action="warn",
        ),
        ladder={"expire_days": 30},
    )
    (only,) = policy.rules
    assert (only.window, only.scope, only.rollout, only.verdict) == (
        "kernel",
        ("group:students",),
        50,
        Verdict.WARN,
    )
    assert only.examples.match == (("!git clone https://github.com/zorblatt/quuxinator",),)
    assert policy.mode is Mode.ENFORCE
    assert policy.ladder == Ladder(expire_days=30)
    assert [clause.enabled for clause in policy.terms.clauses] == [True, True, False]
    assert lint_policy(tmp_path) == []


def test_an_example_may_be_a_session_of_several_cells(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, rule(examples={"match": [["a = 1", "b"]], "no_match": ["c"]}))
    assert policy.rules[0].examples.match == (("a = 1", "b"),)


@pytest.mark.parametrize(
    "key",
    [
        "id", "name", "title", "message", "clause", "action", "status", "level", "description", "references",
        "falsepositives", "examples", "detection", "logsource",
    ],
)  # fmt: skip
def test_a_rule_without_a_required_key_does_not_compile(tmp_path: Path, key: str) -> None:
    write(tmp_path, {k: value for k, value in rule().items() if k != key})
    with pytest.raises(PolicyError) as caught:
        compile_policy(tmp_path)
    assert key in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("status", "deprecated"),
        ("level", "huge"),
        ("action", "ban"),
        ("window", "notebook"),
        ("scope", ["students"]),
        ("rollout", 101),
        ("rollout", True),
        ("id", "not-a-uuid"),
        ("name", "Has Capitals"),
        ("title", "two\nlines"),
        ("title", 5),
        ("references", []),
        ("falsepositives", [3]),
        ("examples", {"match": [], "no_match": ["x"]}),
        ("examples", {"match": ["x"]}),
        ("examples", {"match": [["x", 3]], "no_match": ["x"]}),
        ("logsource", {"product": "windows", "category": "execution"}),
        ("tags", ["nonsense"]),
        ("surprise", 1),
    ],
)
def test_a_wrong_value_is_told_with_its_line(tmp_path: Path, key: str, value: Any) -> None:
    folder = write(tmp_path, rule() | {key: value})
    (path,) = (folder / "rules").rglob("*.yml")
    path = path.rename(path.with_name("toolkit-fetched.yml"))
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if text.startswith(key))
    problems = lint_policy(folder)
    assert any(
        problem.path == "rules/first/toolkit-fetched.yml"
        and line <= problem.line <= line + 3
        and problem.mend
        for problem in problems
    ), lines(problems)


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"repo": "x"}, "unknown field `repo`"),
        ({"repository|cidr": "x"}, "unknown modifier in `repository|cidr`"),
        ({"repository|startswith|endswith": "/x/"}, "unknown modifier"),
        ({"repository|startswith": "github.com/owner"}, "does not end at a boundary"),
        ({"repository|endswith": "name"}, "does not start at a boundary"),
        ({"repository|contains": "one two three four five six"}, "is not 1 to 5 words"),
        ({"repository|contains": "---"}, "is not 1 to 5 words"),
        ({"package": "pypi:*"}, "has a wildcard"),
        ({"package": ""}, "empty"),
        ({"package": []}, "has no value"),
        ({"package": [["nested"]]}, "is no text"),
        ({"package": True}, "is no text"),
        ({"digest": "md5:00"}, "is no digest"),
        ({"digest|contains": "exact:00"}, "takes no modifier"),
        ({"fingerprint": "00 01"}, "not 8 to 4,096 hashes"),
        ({"argument|re": "(a+)+b"}, "ways"),
        ({"argument|re": "(a)\\1"}, "back-reference"),
        ({"argument|re": "(?=a)b"}, "look-around"),
        ({"argument|re": "(a"}, "does not parse"),
        (["keyword"], "is not `field: value`"),
        ({}, "is not `field: value`"),
        ([], "is empty"),
    ],
)
def test_a_wrong_selection_is_told(tmp_path: Path, selection: Any, message: str) -> None:
    _, problems = load_policy(write(tmp_path, detecting("one-rule", one=selection)))
    assert message in lines(problems)
    assert all(problem.path == "rules/first/one-rule.yml" and problem.line > 1 for problem in problems)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("one and", "does not parse"),
        ("one and two", "which is no selection"),
        ("1 of other*", "which is no selection"),
        ("2 of them", "does not parse"),
        ("one | count() > 5", "does not parse"),
        ("(" * 20 + "one" + ")" * 20, "nested too deep"),
        ("not " * 60 + "one", "too long or nested"),
    ],
)
def test_a_wrong_condition_is_told(tmp_path: Path, condition: str, message: str) -> None:
    _, problems = load_policy(write(tmp_path, detecting("one-rule", condition, one={"command": "zorb"})))
    assert message in lines(problems)


def test_a_selection_that_the_condition_forgets_is_told(tmp_path: Path) -> None:
    problems = lint_policy(
        write(tmp_path, detecting("one-rule", one={"command": "zorb"}, two={"command": "q"}))
    )
    assert [problem.severity for problem in problems] == ["warning"]
    assert "`two`" in problems[0].message


def test_problems_of_all_files_are_collected(tmp_path: Path) -> None:
    write(tmp_path, rule("one-rule", level=None), rule("two-rule", title=None), salt="short")
    problems = lint_policy(tmp_path)
    assert {problem.path for problem in problems} == {
        "policy.yml",
        "rules/first/one-rule.yml",
        "rules/first/two-rule.yml",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "No Spaces"},
        {"version": 3},
        {"salt": "zz" * 16},
        {"mode": "strict"},
        {"ladder": {"expire_days": 0}},
        {"ladder": {"unknown": 3}},
        {"ladder": {"first_is_warning": 1}},
        {"terms": {"version": "1", "title": "T", "clauses": []}},
        {"terms": {"version": "1", "title": "T", "clauses": [*CLAUSES, CLAUSES[0]]}},
        {"terms": {"version": "1", "title": "T", "clauses": CLAUSES, "url": "javascript:alert(1)"}},
        {"terms": {"version": "1", "title": "T", "clauses": [{"id": "x", "number": "1", "title": "T"}]}},
        {"terms": None},
        {"surprise": 1},
    ],
)
def test_a_wrong_policy_file_is_told(tmp_path: Path, changes: dict[str, Any]) -> None:
    problems = lint_policy(write(tmp_path, rule(), **changes))
    assert any(problem.path == "policy.yml" for problem in problems), lines(problems)
    assert all(problem.mend for problem in problems)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"a: [1, 2", "not valid YAML"),
        (b"a: 1\na: 2\n", "stands twice"),
        (b"a: &x [1]\nb: *x\n", "alias"),
        (b"a: 1\n---\nb: 2\n", "second document"),
        (b"- a\n", "not a mapping"),
        (b"", "not a mapping"),
        (b"[1]: 2\n", "not a word"),
        (b"? [a]\n: 2\n", "not a word"),
        (b"a: !!python/object/apply:os.system ['true']\n", ""),
        (b"a: " + b"[" * 5000 + b"]" * 5000, ""),
        (b"a: 2026-99-99\n", "cannot be read"),
        (b"a: \x00\n", "not valid YAML"),
    ],
)
def test_hostile_yaml_is_a_problem_and_no_traceback(tmp_path: Path, text: bytes, message: str) -> None:
    write(tmp_path, rule())
    (tmp_path / "rules" / "first" / "hostile.yml").write_bytes(text)
    problems = [p for p in lint_policy(tmp_path) if p.path.endswith("hostile.yml")]
    assert problems
    assert message in lines(problems)


def test_a_folder_without_a_policy_is_told(tmp_path: Path) -> None:
    policy, problems = load_policy(tmp_path / "missing")
    assert policy is None
    assert [problem.path for problem in problems] == ["policy.yml"]


def test_the_head_of_the_tests_is_good(tmp_path: Path) -> None:
    assert "salt" in head()
    policy_of(tmp_path, rule())
