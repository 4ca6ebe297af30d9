from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_tos_guard.gate import settings as module
from jupyter_tos_guard.gate.settings import FAILURES, FILE_NAME, TosGuard, configuration
from jupyter_tos_guard.guard import ANSWERS


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    found = {name: tmp_path / name for name in ("user", "prefix", "system")}
    for folder in found.values():
        folder.mkdir()
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(found["user"]))
    monkeypatch.setattr(module, "ENV_CONFIG_PATH", [str(found["prefix"])])
    monkeypatch.setattr(module, "SYSTEM_CONFIG_PATH", [str(found["system"])])
    return found


def put(folder: Path, **values: object) -> None:
    (folder / FILE_NAME).write_text(json.dumps({"TosGuard": values}))


def test_without_anything_the_policy_says(folders: dict[str, Path]) -> None:
    found = configuration({})
    assert (found.traits.mode, found.policy_path, found.problems) == (None, None, ())
    assert found.strikes_folder.parts[-2:] == ("tos_guard", "strikes")


def test_the_operators_word_beats_the_users(folders: dict[str, Path]) -> None:
    put(folders["user"], mode="monitor", evidence="none", time_limit=0.2, retention_days=3)
    assert configuration({}).traits.mode == "monitor"
    environ = {f"JUPYTER_TOS_GUARD_{name}": "enforce" for name in ("MODE",)} | {
        "JUPYTER_TOS_GUARD_EVIDENCE": "cell",
        "JUPYTER_TOS_GUARD_TIME_LIMIT": "0.3",
    }
    put(folders["prefix"], evidence="span", time_limit=0.4)
    put(folders["system"], time_limit=0.5)
    found = configuration(environ)
    traits = found.traits
    assert (traits.retention_days, traits.mode, traits.evidence, traits.time_limit) == (
        3,
        "enforce",
        "span",
        0.5,
    )
    assert found.origins["time_limit"] == str(folders["system"] / FILE_NAME)
    assert found.origins["mode"] == "environment variable JUPYTER_TOS_GUARD_MODE"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("enable", "torrents, mining", ["torrents", "mining"]),
        ("enable", '["all"]', ["all"]),
        ("fail_closed", "no-policy", ["no-policy"]),
        ("retention_days", "30", 30),
        (
            "exemptions",
            '[{"subject": "user:ann", "target": "*", "until": 2e9}]',
            [{"subject": "user:ann", "target": "*", "until": 2e9}],
        ),
        ("policy", "/etc/policy.bundle", "/etc/policy.bundle"),
        ("central", "https://hub.example/services/tos-guard/", "https://hub.example/services/tos-guard"),
        ("poll_seconds", "60", 60.0),
    ],
)
def test_variables_are_read(folders: dict[str, Path], name: str, text: str, value: object) -> None:
    found = configuration({f"JUPYTER_TOS_GUARD_{name.upper()}": text})
    assert (getattr(found.traits, name), found.problems) == (value, ())


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("mode", "enforced", "monitor, enforce"),
        ("mode", 3, "monitor, enforce"),
        ("evidence", "all", "none, span, cell"),
        ("time_limit", "fast", "float"),
        ("time_limit", -1, "-1"),
        ("retention_days", 0, "0"),
        ("fail_closed", ["time"], "no-policy"),
        ("enable", 3, "list"),
        ("enabled", ["torrents"], "did you mean 'enable'"),
        ("policy", None, "None"),
        ("central", "hub.example", "http:// or https://"),
        ("mirror", "ftp://hub.example", "http:// or https://"),
        ("proxy", 3128, "http:// or https://"),
        ("poll_seconds", -1, "-1"),
    ],
)
def test_a_mistyped_value_is_said_and_left_out(
    folders: dict[str, Path], name: str, value: object, says: str
) -> None:
    put(folders["prefix"], **{name: value, "mode": value if name == "mode" else "enforce"})
    found = configuration({"JUPYTER_TOS_GUARD_MODE": "enforce"})
    (problem,) = found.problems
    assert says in problem
    assert str(folders["prefix"] / FILE_NAME) in problem
    assert found.traits.mode == "enforce"


@pytest.mark.parametrize("text", ["{", "[]", '{"TosGuard": []}', "[" * 100_000, "\ufeff\x00"])
def test_a_broken_file_is_said_and_left_out(folders: dict[str, Path], text: str) -> None:
    (folders["system"] / FILE_NAME).write_text(text)
    (problem,) = configuration({}).problems
    assert str(folders["system"] / FILE_NAME) in problem


def test_a_file_for_the_server_alone_is_no_problem(folders: dict[str, Path]) -> None:
    (folders["system"] / FILE_NAME).write_text('{"TosGuardApp": {}}')
    assert configuration({}).problems == ()


def test_named_servers_have_caches_of_their_own_whatever_their_name(folders: dict[str, Path]) -> None:
    environ = {"JUPYTER_TOS_GUARD_CACHE": "/cache"}
    assert configuration(environ).cache_folder == Path("/cache")
    names = ["gpu", "../../etc", ".", "a/b", "x" * 300, "ü"]
    found = [configuration(environ | {"JUPYTERHUB_SERVER_NAME": name}).cache_folder for name in names]
    assert len(set(found)) == len(names)
    assert {path.parent for path in found} == {Path("/cache")}
    assert all(len(path.name) < 200 and path.name not in (".", "..") for path in found)


def test_failures_are_those_of_the_table() -> None:
    assert set(FAILURES) == {reason.value for reason in ANSWERS}


def test_every_setting_says_what_it_is() -> None:
    assert all(trait.help for trait in TosGuard.class_own_traits(config=True).values())
