"""Status, strikes, terms: what the machine knows."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path

import pytest

from jupyter_tos_guard.cli.status import spool_state
from jupyter_tos_guard.strikes.spool import Spool, SpoolState
from jupyter_tos_guard.strikes.strike import Action, Strike

from .conftest import EXAMPLE, Tos

STRIKE = Strike(
    id="0" * 32, time=0.0, user="alice", server="", kernel="k", notebook="a.ipynb", request="r",
    rule="3f6c1c52-6b0e-4a57-9d3d-5f4e9f6d8a11", clause="mining", level="high", policy_version="1",
    severe=False,
    action=Action.BLOCK, sensor="kernel", cell_digest="d", line=2, column=0, evidence="=cmd|'x'",
)  # fmt: skip


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A folder with a strike of today by alice, and an old one by bob."""
    spool = Spool(tmp_path / "strikes")
    now = time.time()
    spool.append([STRIKE._replace(time=now)])
    spool.append([STRIKE._replace(id="1" * 32, time=now - 40 * 86400, user="bob")])
    return tmp_path / "strikes"


def test_strikes_are_listed_with_the_standing_of_each_user(tos: Tos, record: Path) -> None:
    outcome = tos("strikes", "--folder", record, "--policy", EXAMPLE)
    assert outcome.code == 0
    assert "1 Cryptocurrency mining" in outcome.out
    assert "alice: warned standing, 1 live strikes" in outcome.out
    assert "bob: warned" in outcome.out


def test_strikes_can_be_chosen_by_age_and_user(tos: Tos, record: Path) -> None:
    assert [each["user"] for each in tos("strikes", "--folder", record, "--json").json] == ["bob", "alice"]
    assert [each["user"] for each in tos("strikes", "--folder", record, "--json", "--days", 7).json] == [
        "alice"
    ]
    assert [each["user"] for each in tos("strikes", "--folder", record, "--json", "--user", "bob").json] == [
        "bob"
    ]


def test_csv_is_safe_to_open_in_a_spreadsheet(tos: Tos, record: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(tos("strikes", "--folder", record, "--format", "csv").out)))
    assert [row["action"] for row in rows] == ["block", "block"]
    assert rows[0]["evidence"] == "'=cmd|'x'"


def test_no_strikes_is_no_error_and_no_folder_is(tos: Tos, tmp_path: Path) -> None:
    assert tos("strikes").out == "There are no strikes.\n"
    assert tos("strikes", "--folder", tmp_path / "gone").code == 2


def test_terms_are_printed_clause_by_clause(tos: Tos) -> None:
    outcome = tos("terms", "--policy", EXAMPLE)
    assert "1 Cryptocurrency mining\n  Do not use the hub's machines" in outcome.out
    assert "abuse@example.org" in outcome.out
    assert tos("terms", "--policy", EXAMPLE, "--json").json["clauses"][1]["severe"] is True


def test_status_tells_policy_settings_and_record(
    tos: Tos, policy: Path, record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_TOS_GUARD_POLICY", str(policy))
    monkeypatch.setenv("JUPYTER_TOS_GUARD_STRIKES", str(record))
    monkeypatch.setenv("JUPYTER_TOS_GUARD_DISABLE", "deepfake")
    monkeypatch.setenv("JUPYTER_TOS_GUARD_TIME_LIMIT", "soon")
    outcome = tos("status", "--json", "--no-kernels")
    assert outcome.code == 0
    status = outcome.json
    assert status["policy"]["version"] == "1"
    assert status["policy"]["mode"] == "monitor"
    assert status["policy"]["clauses"] == {"mining": "on", "deepfake": "off"}
    assert status["policy"]["age_seconds"] < 3600
    assert status["record"] == {"folder": str(record), "state": "ready", "strikes": 2}
    assert "time_limit" in status["settings"]["problems"][0]
    assert {kernel["state"] for kernel in status["kernels"]} <= {"not asked", "not guarded"}
    text = tos("status", "--no-kernels").out
    assert "policy    example 1, 0 hours old" in text


def test_status_without_a_policy_says_so(tos: Tos, tmp_path: Path) -> None:
    outcome = tos("status", "--policy", tmp_path / "gone.bundle", "--no-kernels")
    assert outcome.code == 4
    assert "there is no policy at" in outcome.out


def test_status_asks_each_python_kernel(tos: Tos, policy: Path) -> None:
    outcome = tos("status", "--policy", policy, "--json")
    kernels = {kernel["name"]: kernel for kernel in outcome.json["kernels"]}
    assert kernels["python3"]["state"] in ("guarded", "not guarded", "unguarded")
    python = [kernel["state"] for kernel in kernels.values() if kernel["language"] == "python"]
    assert outcome.code == (0 if set(python) == {"guarded"} else 1)


def test_a_kernel_that_does_not_start_is_told(
    tos: Tos, policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "kernels" / "broken"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(
        '{"argv": ["/gone/python"], "display_name": "Broken", "language": "python"}'
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    outcome = tos("status", "--policy", policy, "--json")
    assert outcome.code == 1
    assert [k["state"] for k in outcome.json["kernels"] if k["name"] == "broken"] == ["does not start"]


def test_the_record_of_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    assert spool_state(tmp_path / "not" / "there" / "yet") is SpoolState.READY
    file = tmp_path / "file"
    file.touch()
    assert spool_state(file / "below") is SpoolState.DENIED
