"""``jupyter tos-guard sync`` and what ``status`` says about the exchange."""

from __future__ import annotations

import pytest

from jupyter_tos_guard.cli.verb import Exit
from jupyter_tos_guard.strikes.spool import Spool
from tests.cli.conftest import Tos, tos  # noqa: F401 - a fixture
from tests.strikes.test_strike import a_strike

from .conftest import Central, Machine, good_account


@pytest.fixture
def command(request: pytest.FixtureRequest, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Tos:
    call: Tos = request.getfixturevalue("tos")
    for name, value in machine.variables.items():
        monkeypatch.setenv(name, value)
    return call


def test_sync_says_what_happened(command: Tos, machine: Machine, central: Central) -> None:
    Spool(machine.strikes).append([a_strike(id="a")])
    outcome = command("sync")
    assert outcome.code == Exit.OK
    assert "policy    1, release 1: new" in outcome.out
    assert "1 confirmed, 0 waiting" in outcome.out
    assert "nothing new" in command("sync").out
    assert command("sync", "--json").json["policy"]["is_new"] is False


def test_sync_that_reaches_nobody_says_so_without_a_traceback(
    command: Tos, machine: Machine, central: Central
) -> None:
    Spool(machine.strikes).append([a_strike(id="a")])
    central.close()
    outcome = command("sync")
    assert outcome.code == Exit.FLAGGED
    assert outcome.out.count("cannot be reached") == 2
    assert "0 confirmed, 1 waiting" in outcome.out
    assert "Traceback" not in outcome.out + outcome.err


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CENTRAL", "", "no central server is set"),
        ("CENTRAL", "hub.example", "no central server is set"),
        ("ROOT", "", "set root"),
        ("ROOT", "sha256:00", "is not the root"),
        ("CA_BUNDLE", "/nowhere.pem", "ca_bundle"),
        ("PROXY", "http://[::1", "proxy"),
    ],
)
def test_mistyped_settings_are_explained(
    command: Tos, monkeypatch: pytest.MonkeyPatch, central: Central, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(f"JUPYTER_TOS_GUARD_{name}", value)
    if name == "CA_BUNDLE":
        monkeypatch.setenv("JUPYTER_TOS_GUARD_MIRROR", "https://127.0.0.1:9")
    outcome = command("sync")
    assert outcome.code in (Exit.USAGE, Exit.FLAGGED)
    assert says in outcome.out + outcome.err
    assert "Traceback" not in outcome.out + outcome.err


def test_a_central_url_that_is_none_is_said(command: Tos, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_TOS_GUARD_CENTRAL", "hub.example")
    assert "must be an http:// or https:// URL" in command("status", "--no-kernels").out


def test_status_without_the_hubs_policy_says_what_to_do(command: Tos) -> None:
    outcome = command("status", "--no-kernels")
    assert outcome.code == Exit.POLICY
    assert "jupyter tos-guard sync" in outcome.out


def test_status_says_policy_contact_and_standing(command: Tos, machine: Machine, central: Central) -> None:
    central.account = good_account(
        standing={
            "level": "restricted",
            "live": 3,
            "until": 4e9,
            "next_level": "suspended",
            "strikes_left": 2,
        },
        effects={"paused": True, "blocked_clauses": ["mining"], "until": 4e9, "reason": ""},
    )
    Spool(machine.strikes).append([a_strike(id="a")])
    command("sync")
    outcome = command("status", "--no-kernels")
    assert outcome.code == Exit.OK
    for part in (
        "last answer",
        "1 records confirmed, 0 waiting",
        "restricted: no code runs",
        "mining",
        machine.central,
    ):
        assert part in outcome.out
    data = command("status", "--no-kernels", "--json").json
    assert (data["policy"]["version"], data["policy"]["release"]) == ("1", 1)
    assert (data["central"]["waiting"], data["central"]["paused"]) == (0, True)


def test_the_token_is_shown_nowhere(command: Tos, machine: Machine) -> None:
    for words in (("sync",), ("sync", "--json"), ("status", "--no-kernels"), ("sync", "--debug")):
        outcome = command(*words)
        assert machine.variables["JUPYTER_TOS_GUARD_TOKEN"] not in outcome.out + outcome.err
