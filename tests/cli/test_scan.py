from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import MINER, TOOLKIT, Tos, notebook


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "honest.ipynb").write_text(notebook("x = 1", "print('xmrig')"))
    (tmp_path / "breach.ipynb").write_text(
        notebook("owner = 'xm' + 'rig'", "!git clone https://github.com/{owner}/{owner}")
    )
    (tmp_path / "setup.sh").write_text(TOOLKIT.removeprefix("!"))
    return tmp_path


def test_files_are_judged_as_sessions_and_reported(tos: Tos, policy: Path, folder: Path) -> None:
    outcome = tos("scan", "--policy", policy, "--mode", "enforce", folder)
    assert outcome.code == 1
    assert "breach.ipynb:cell 2:1:2" in outcome.out.replace("\n", "")
    assert "3 files, 5 cells: 1 block, 1 warn" in outcome.out
    assert "honest.ipynb" not in outcome.out


def test_one_process_and_two_say_the_same(tos: Tos, policy: Path, folder: Path) -> None:
    for number in range(20):
        (folder / f"more{number:02}.py").write_text("import subprocess\nsubprocess.run(['xmrig'])")
    one, two = (
        tos("scan", "--policy", policy, "--mode", "enforce", "--json", "--jobs", jobs, folder)
        for jobs in (1, 2)
    )
    assert one.out == two.out
    assert len(one.json) == 23


def test_json_holds_all_there_is_to_say(tos: Tos, policy: Path, folder: Path) -> None:
    reports = {
        Path(report["path"]).name: report for report in tos("scan", "--policy", policy, "--json", folder).json
    }
    assert reports["honest.ipynb"]["flagged"] == []
    [flagged] = reports["breach.ipynb"]["flagged"]
    assert flagged["cell"] == 2
    assert flagged["verdict"] == "observe"
    assert flagged["under_enforce"] == "block"


def test_sarif_points_into_the_files(tos: Tos, policy: Path, folder: Path) -> None:
    outcome = tos("scan", "--policy", policy, "--mode", "enforce", "--format", "sarif", folder)
    log = outcome.json
    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    results = {Path(uri(result)).name: result for result in run["results"]}
    breach = results["breach.ipynb"]
    assert breach["level"] == "error"
    assert breach["ruleId"] in {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    line = breach["locations"][0]["physicalLocation"]["region"]["startLine"]
    assert "git clone" in (folder / "breach.ipynb").read_text().splitlines()[line - 1]
    region = results["setup.sh"]["locations"][0]["physicalLocation"]["region"]
    assert (region["startLine"], region["startColumn"]) == (1, 1)


def uri(result: Any) -> str:
    return str(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])


@pytest.mark.parametrize(
    ("fail_on", "mode", "code"),
    [("warn", "enforce", 1), ("block", "enforce", 0), ("never", "enforce", 0), ("observe", "monitor", 1)],
)
def test_the_exit_code_is_from_the_verdict_that_is_asked_for(
    tos: Tos, policy: Path, folder: Path, fail_on: str, mode: str, code: int
) -> None:
    argv = ["--policy", policy, "--mode", mode, "--fail-on", fail_on, folder / "setup.sh"]
    assert tos("scan", *argv).code == code


def test_a_file_that_cannot_be_read_is_told_and_the_rest_is_judged(
    tos: Tos, policy: Path, folder: Path
) -> None:
    (folder / "broken.ipynb").write_text("{")
    outcome = tos("scan", "--policy", policy, "--mode", "monitor", "--json", folder, folder / "gone.py")
    assert outcome.code == 3
    errors = {Path(report["path"]).name for report in outcome.json if "error" in report}
    assert errors == {"broken.ipynb", "gone.py"}
    assert len(outcome.json) == 5


def test_a_breach_outranks_an_unreadable_file(tos: Tos, policy: Path, folder: Path) -> None:
    assert tos("scan", "--policy", policy, "--mode", "enforce", folder, folder / "gone.py").code == 1


def test_nothing_named_is_wrong_usage(tos: Tos, policy: Path) -> None:
    assert tos("scan", "--policy", policy).code == 2


def test_ansi_in_a_notebook_does_not_reach_the_terminal(tos: Tos, policy: Path, tmp_path: Path) -> None:
    (tmp_path / "x.ipynb").write_text(notebook(f"{MINER} \x1b[2J"))
    outcome = tos("scan", "--policy", policy, "--mode", "enforce", tmp_path)
    assert outcome.code == 1
    assert "\x1b[2J" not in outcome.out


def test_a_sarif_log_without_findings_is_valid(tos: Tos, policy: Path, tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("x = 1")
    outcome = tos("scan", "--policy", policy, "--format", "sarif", tmp_path)
    assert outcome.code == 0
    assert json.loads(outcome.out)["runs"][0]["results"] == []
