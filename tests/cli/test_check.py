from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import EXAMPLE, MINER, TOOLKIT, Tos


def test_a_breach_is_explained(tos: Tos, policy: Path) -> None:
    cell = (
        "import os\nowner = 'xm' + 'rig'\nos.system('git clone https://github.com/%s/%s' % (owner, owner))\n"
    )
    outcome = tos("check", "--policy", policy, "--mode", "enforce", stdin=cell)
    assert outcome.code == 1
    assert "block" in outcome.out
    assert "line 3" in outcome.out
    assert "1 Cryptocurrency mining" in outcome.out
    assert "decoded   repository github.com/xmrig/xmrig" in outcome.out


def test_a_breach_as_json_names_rule_clause_place_and_decoding(tos: Tos, policy: Path) -> None:
    outcome = tos("check", "--policy", policy, "--mode", "enforce", "--json", stdin=f"x = 1\n{MINER}")
    [finding] = outcome.json["findings"]
    assert outcome.json["verdict"] == "block"
    assert finding["rule"] == "3f6c1c52-6b0e-4a57-9d3d-5f4e9f6d8a11"
    assert finding["clause"] == "mining"
    assert finding["line"] == 2
    assert finding["facts"][0]["value"] == "github.com/xmrig/xmrig"


def test_in_monitor_mode_nothing_is_worse_than_observe(tos: Tos, policy: Path) -> None:
    outcome = tos("check", "--policy", policy, "--mode", "monitor", "--json", stdin=MINER)
    assert outcome.code == 0
    assert outcome.json["verdict"] == "observe"
    assert outcome.json["under_enforce"] == "block"


def test_a_mention_may_run(tos: Tos, policy: Path) -> None:
    outcome = tos("check", "--policy", policy, "--mode", "enforce", stdin="# xmrig\nprint('xmrig')")
    assert outcome.code == 0
    assert outcome.out.startswith("allow")


def test_a_file_is_a_cell_in_the_language_of_its_name(tos: Tos, policy: Path, tmp_path: Path) -> None:
    script = tmp_path / "setup.sh"
    script.write_text(TOOLKIT.removeprefix("!"))
    assert tos("check", "--policy", policy, "--mode", "enforce", script).code == 1


def test_a_folder_of_rules_is_compiled_on_the_way(tos: Tos) -> None:
    assert tos("check", "--policy", EXAMPLE, "--mode", "enforce", stdin=MINER).code == 1


def test_what_the_user_wrote_cannot_reach_the_terminal(tos: Tos, policy: Path) -> None:
    hostile = f"{MINER} '\x1b]0;owned\x07\x1b[2J\u202e'"
    outcome = tos("check", "--policy", policy, "--mode", "enforce", stdin=hostile)
    assert outcome.code == 1
    assert "\x1b]" not in outcome.out
    assert "\u202e" not in outcome.out


def test_settings_of_the_environment_hold_unless_options_say_otherwise(
    tos: Tos, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_TOS_GUARD_MODE", "enforce")
    monkeypatch.setenv("JUPYTER_TOS_GUARD_POLICY", str(policy))
    assert tos("check", stdin=MINER).code == 1
    assert tos("check", "--mode", "monitor", stdin=MINER).code == 0


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (["--mode", "strict"], 2, "monitor"),
        (["--mod=enforce"], 2, "no option --mod"),
        (["--enable", "minning"], 2, "no such clause. It has: deepfake, mining, all"),
        (["a", "b"], 2, "exactly one file"),
        (["missing.py"], 3, "missing.py cannot be read: No such file"),
        (["x.ipynb"], 2, "jupyter tos-guard scan"),
        (["--policy", "missing.bundle"], 4, "no policy at missing.bundle"),
    ],
)
def test_wrong_usage_says_what_and_how_to_mend_it(
    tos: Tos, policy: Path, argv: list[str], code: int, says: str
) -> None:
    if "--policy" not in argv:
        argv = ["--policy", str(policy), *argv]
    outcome = tos("check", *argv, stdin="x = 1")
    assert outcome.code == code
    assert says in outcome.err
    assert "Traceback" not in outcome.err


def test_a_damaged_policy_is_refused_by_name(tos: Tos, tmp_path: Path) -> None:
    broken = tmp_path / "broken.bundle"
    broken.write_bytes(b"not a bundle")
    outcome = tos("check", "--policy", broken, stdin="x = 1")
    assert outcome.code == 4
    assert "broken.bundle cannot be used" in outcome.err


def test_an_unknown_verb_is_refused_with_those_that_exist(tos: Tos) -> None:
    outcome = tos("chekc")
    assert outcome.code == 2
    assert "check, scan, policy" in outcome.err


def test_a_configuration_file_that_is_no_python_ends_the_program_in_words(
    tos: Tos, policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jupyter_tos_guard_config.py").write_text("c.Verb.as_json = (")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    outcome = tos("check", "--policy", policy, stdin="x = 1")
    assert outcome.code == 2
    assert "SyntaxError" in outcome.err
    assert "jupyter_tos_guard_config.py" in outcome.err
    assert "Traceback" not in outcome.err + outcome.out


def test_a_part_that_is_not_installed_is_named_with_what_to_install() -> None:
    program = (
        "import sys; sys.modules['sqlalchemy'] = None; from jupyter_tos_guard.cli.app import run; "
        "sys.exit(run(['central', 'serve']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "jupyter_tos_guard[central]" in done.stderr
    assert "Traceback" not in done.stderr
