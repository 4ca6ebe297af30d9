from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from jupyter_tos_guard.policy.bundle import Bundle

from .conftest import EXAMPLE, Tos


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(EXAMPLE, tmp_path / "policy")


def spoil(folder: Path, old: str, new: str) -> None:
    rule = folder / "rules" / "mining" / "example-miner-run.yml"
    text = rule.read_text()
    assert old in text
    rule.write_text(text.replace(old, new))


def test_the_example_policy_is_fine(tos: Tos) -> None:
    linted = tos("policy", "lint", EXAMPLE)
    assert (linted.code, linted.out) == (0, "no problems\n")
    tested = tos("policy", "test", EXAMPLE)
    assert (tested.code, tested.out) == (0, "all 9 examples of 2 rules hold\n")


def test_lint_names_file_line_and_mend(tos: Tos, folder: Path) -> None:
    spoil(folder, "level: high", "level: hihg")
    outcome = tos("policy", "lint", folder)
    assert outcome.code == 1
    assert outcome.out.startswith("rules/mining/example-miner-run.yml:5: error: ")
    [problem] = [each for each in tos("policy", "lint", "--json", folder).json if each["line"] == 5]
    assert problem["mend"]


def test_an_example_that_does_not_hold_fails_the_test(tos: Tos, folder: Path) -> None:
    spoil(folder, "print('xmrig is a miner')", "import os; os.system('xmrig')")
    outcome = tos("policy", "test", folder)
    assert outcome.code == 1
    assert "the rule matches its example" in outcome.out


def test_an_example_is_tried_whatever_scope_and_rollout(tos: Tos, folder: Path) -> None:
    spoil(folder, "clause: mining\n", "clause: mining\nscope: [group:nobody]\nrollout: 0\n")
    assert tos("policy", "test", folder).code == 0


def test_compiling_replaces_the_file_and_is_the_same_each_time(
    tos: Tos, folder: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "a.bundle", tmp_path / "b.bundle"
    second.write_text("old")
    for path in (first, second):
        outcome = tos("policy", "compile", folder, "--output", path, "--json")
        assert outcome.code == 0
        assert outcome.json["rules"] == 2
    assert first.read_bytes() == second.read_bytes()
    assert Bundle.open(first).version == "1"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.bundle", "b.bundle", "policy"]


def test_a_folder_with_errors_does_not_compile(tos: Tos, folder: Path, tmp_path: Path) -> None:
    spoil(folder, "clause: mining\n", "clause: minning\n")
    output = tmp_path / "a.bundle"
    outcome = tos("policy", "compile", folder, "--output", output)
    assert outcome.code == 4
    assert "minning" in outcome.err
    assert not output.exists()


def test_a_folder_without_policy_is_refused(tos: Tos, tmp_path: Path) -> None:
    for verb in ("lint", "test", "compile", "docs"):
        outcome = tos("policy", verb, tmp_path)
        assert outcome.code == 3
        assert "has no file policy.yml" in outcome.err


def test_a_bundle_explains_clauses_and_rules_without_what_they_look_for(tos: Tos, policy: Path) -> None:
    outcome = tos("policy", "explain", "--policy", policy, "--json")
    assert outcome.json["rules_by_clause"] == {"mining": 1, "deepfake": 1}
    rule = tos("policy", "explain", "--policy", policy, "3f6c1c52-6b0e-4a57-9d3d-5f4e9f6d8a11")
    assert "software that earns cryptocurrency" in rule.out
    assert "xmrig" not in rule.out
    assert tos("policy", "explain", "--policy", policy, "example-miner-run").code == 2


def test_a_folder_explains_a_rule_whole(tos: Tos) -> None:
    outcome = tos("policy", "explain", "--policy", EXAMPLE, "example-miner-run")
    assert outcome.code == 0
    assert "xmrig" in outcome.out
    assert "Research on malware" in outcome.out


def test_pages_tell_every_rule_and_stay_untouched_when_nothing_changed(tos: Tos, tmp_path: Path) -> None:
    output = tmp_path / "rules"
    assert tos("policy", "docs", EXAMPLE, "--output", output).code == 0
    page = output / "mining.md"
    text = page.read_text()
    for part in (
        "## example-miner-run",
        "`stratum+tcp://`",
        "Research on malware",
        "<https://github.com/xmrig/xmrig>",
    ):
        assert part in text
    before = page.stat().st_mtime_ns
    tos("policy", "docs", EXAMPLE, "--output", output)
    assert page.stat().st_mtime_ns == before


def test_a_new_rule_is_whole_and_tests_fine(tos: Tos, folder: Path) -> None:
    outcome = tos("policy", "new", "--policy", folder, "mining/another-miner-run")
    assert outcome.code == 0
    assert tos("policy", "test", folder).code == 0
    again = tos("policy", "new", "--policy", folder, "mining/another-miner-run")
    assert again.code == 2
    assert "exists" in again.err
    assert tos("policy", "new", "--policy", folder, "../../etc/x").code == 2


def test_a_fingerprint_is_printed_as_rules_take_it_and_survives_changes(tos: Tos, tmp_path: Path) -> None:
    path = tmp_path / "tool.py"
    text = "\n".join(f"def step{n}(value):\n    return value * {n} + len(str(value))" for n in range(20))
    path.write_text(text)
    first = tos("policy", "fingerprint", "--json", path).json
    path.write_text(text.replace("value", "amount"))
    renamed = tos("policy", "fingerprint", "--json", path).json
    assert first["digest"][0] != renamed["digest"][0]
    assert first["digest"][2] == renamed["digest"][2]
    path.write_text("print('hello')\n" + text + "\nprint('bye')")
    grown = set(tos("policy", "fingerprint", "--json", path).json["fingerprint"].split())
    assert len(grown & set(first["fingerprint"].split())) > 0.9 * len(grown)


def test_what_is_too_short_for_a_fingerprint_is_told(tos: Tos, tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text("x = 1")
    outcome = tos("policy", "fingerprint", path)
    assert outcome.code == 1
    assert "too short" in outcome.out
    assert len(json.dumps(outcome.out)) > 100
