"""The verbs as an operator types them, also wrongly. Nobody who mistyped sees a traceback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.migrate import migrate
from jupyter_tos_guard.central.storage.tables import Audit, Person, PolicyVersion
from jupyter_tos_guard.central.storage.tables import Strike as StrikeRow
from jupyter_tos_guard.policy.bundle import Bundle
from tests.cli.conftest import EXAMPLE, Outcome, Tos, tos  # noqa: F401 - a fixture

from .conftest import Reader

MINER = "3f6c1c52-6b0e-4a57-9d3d-5f4e9f6d8a11"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example policy, which can be changed, with terms that are not those of the default policy."""
    folder = shutil.copytree(EXAMPLE, tmp_path / "policy")
    change(folder, terms='"example-1"')
    return folder


def change(folder: Path, *, version: str = "", terms: str = "", salt: str = "") -> None:
    path = folder / "policy.yml"
    lines = []
    for line in path.read_text().splitlines():
        if line.startswith("version:") and version:
            line = f'version: "{version}"'
        if line.startswith("salt:") and (salt or version):
            line = f'salt: "{salt or os.urandom(16).hex()}"'
        if line.startswith("  version:") and terms:
            line = f"  version: {terms}"
        lines.append(line)
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def state(tos: Tos, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    """A state folder with a repository whose first version is the example policy."""
    monkeypatch.chdir(tmp_path)
    done = tos("central", "init", f"--state={tmp_path / 'state'}", f"--policy={folder}")
    assert (done.code, done.err) == (0, "")
    return tmp_path / "state"


@pytest.fixture
def central(tos: Tos, state: Path) -> Callable[..., Outcome]:  # noqa: F811
    def call(verb: str, *words: object) -> Outcome:
        outcome = tos("central", verb, f"--state={state}", *words)
        assert "Traceback" not in outcome.out + outcome.err
        return outcome

    return call


def reader(state: Path) -> Reader:
    root = (state / "repository" / "metadata" / "1.root.json").read_bytes()
    return Reader(state / "repository", state.parent / "cache", root)


# --- init ---


def test_init_says_what_to_keep_where_and_the_pin(tos: Tos, folder: Path, tmp_path: Path) -> None:  # noqa: F811
    done = tos(
        "central", "init", "--policy", folder, "--repository", tmp_path / "r",
        "--keys", tmp_path / "k", "--online", tmp_path / "o", "--state", tmp_path / "s",
    )  # fmt: skip
    assert done.code == 0
    for word in ("root", "targets", "snapshot", "timestamp", "release", "sha256:", str(tmp_path / "k")):
        assert word in done.out
    assert "not encrypted" in done.out
    assert sorted(path.name for path in (tmp_path / "k").iterdir()) == ["root.pem", "targets.pem"]


def test_init_encrypts_offline_keys_and_publish_asks_for_the_passphrase(
    tos: Tos,  # noqa: F811
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = tmp_path / "state"
    monkeypatch.setenv("JUPYTER_TOS_GUARD_PASSPHRASE", "correct horse")
    done = tos("central", "init", "--state", state, "--policy", folder, "--encrypt")
    assert (done.code, "encrypted" in done.out) == (0, True)
    change(folder, version="2")
    monkeypatch.setenv("JUPYTER_TOS_GUARD_PASSPHRASE", "wrong")
    wrong = tos("central", "publish", folder, "--state", state)
    assert wrong.code == 3
    assert "passphrase for" in wrong.err
    assert "is wrong" in wrong.err
    monkeypatch.delenv("JUPYTER_TOS_GUARD_PASSPHRASE")
    nobody = tos("central", "publish", folder, "--state", state)
    assert nobody.code == 3
    assert "JUPYTER_TOS_GUARD_PASSPHRASE" in nobody.err
    monkeypatch.setenv("JUPYTER_TOS_GUARD_PASSPHRASE", "correct horse")
    assert tos("central", "publish", folder, "--state", state).code == 0


def test_init_twice_changes_nothing(central: Callable[..., Outcome], state: Path) -> None:
    before = {path: path.read_bytes() for path in state.rglob("*") if path.is_file()}
    again = central("init")
    assert again.code == 3
    assert "already" in again.err
    assert {path: path.read_bytes() for path in state.rglob("*") if path.is_file()} == before


def test_init_with_a_broken_policy_makes_nothing(tos: Tos, folder: Path, tmp_path: Path) -> None:  # noqa: F811
    (folder / "rules" / "mining" / "example-miner-run.yml").write_text("title: broken\n")
    done = tos("central", "init", "--state", tmp_path / "state", "--policy", folder)
    assert done.code == 4
    assert "example-miner-run.yml" in done.err
    assert not (tmp_path / "state" / "repository").exists()


def test_init_with_several_root_keys(tos: Tos, folder: Path, tmp_path: Path) -> None:  # noqa: F811
    state = tmp_path / "state"
    words = ("--state", state, "--policy", folder, "--root-keys=3")
    refused = tos("central", "init", *words, "--root-threshold=4")
    assert refused.code == 2
    assert tos("central", "init", *words, "--root-threshold=2").code == 0
    assert "2 of 3 keys" in tos("central", "status", "--state", state).out


# --- publish ---


def test_publishing_in_stages(central: Callable[..., Outcome], state: Path, folder: Path) -> None:
    change(folder, version="2")
    done = central("publish", folder, "--share=10")
    assert done.code == 0
    for text in ("Stage 1", "Stage 2", "Stage 3", "Stage 4", "policy/2.bundle for 10 % of servers"):
        assert text in done.out
    assert "release --promote" in done.out
    client = reader(state)
    assert client.release().current == "policy/1.bundle"
    assert central("release", "--share=50").code == 0
    assert central("release", "--promote").code == 0
    assert client.release().current == "policy/2.bundle"
    assert central("release", "--current=1").code == 0
    assert Bundle.from_bytes(client.current()).version == "1"


def test_an_emergency_goes_to_everybody_at_once(
    central: Callable[..., Outcome], state: Path, folder: Path
) -> None:
    change(folder, version="2")
    done = central("publish", folder, "--emergency")
    assert done.code == 0
    assert "left out (--emergency)" in done.out
    assert reader(state).release().current == "policy/2.bundle"


def test_a_dry_run_writes_nothing(central: Callable[..., Outcome], state: Path, folder: Path) -> None:
    before = {path: path.read_bytes() for path in state.rglob("*") if path.is_file()}
    change(folder, version="2")
    done = central("publish", folder, "--dry-run")
    assert done.code == 0
    assert {path: path.read_bytes() for path in state.rglob("*") if path.is_file()} == before


def test_a_version_a_salt_and_terms_are_refused_with_what_to_do(
    central: Callable[..., Outcome], folder: Path
) -> None:
    same = central("publish", folder)
    assert same.code == 3
    assert "version 1 was published before" in same.err
    salt = next(
        line.split()[1].strip('"')
        for line in (folder / "policy.yml").read_text().splitlines()
        if line.startswith("salt:")
    )
    change(folder, version="2", salt=salt)
    reused = central("publish", folder)
    assert "openssl rand -hex 16" in reused.err
    change(folder, version="3")
    path = folder / "policy.yml"
    path.write_text(path.read_text().replace("title: Terms of use", "title: New terms of use"))
    terms = central("publish", folder)
    assert terms.code == 3
    assert "terms.version" in terms.err


def test_an_example_that_does_not_hold_stops_the_publishing(
    central: Callable[..., Outcome], folder: Path
) -> None:
    change(folder, version="2")
    rule = folder / "rules" / "mining" / "example-miner-run.yml"
    rule.write_text(rule.read_text().replace("print('xmrig is a miner')", "import os; os.system('xmrig')"))
    done = central("publish", folder, "--emergency")
    assert done.code == 4
    assert "matches its example" in done.err
    assert "nothing was published" in done.err


def test_a_replay_of_sessions_says_what_would_change(
    central: Callable[..., Outcome], folder: Path, tmp_path: Path
) -> None:
    change(folder, version="2")
    (folder / "rules" / "mining" / "example-miner-run.yml").unlink()
    sessions = tmp_path / "sessions.jsonl"
    sessions.write_text('{"id": 1, "cells": ["!xmrig --donate-level 1", "print(1)"]}\n\n')
    done = central("publish", folder, "--dry-run", f"--replay={sessions}")
    assert done.code == 0
    assert "Replay of 2 cells: 0 would have been treated more strictly, 1 more mildly" in done.out
    assert "1 no longer hit" in done.out
    data = central("publish", folder, "--dry-run", f"--replay={sessions}", "--json").json
    assert data["replay"]["effects"][0]["rule"] == MINER
    assert [rule["id"] for rule in data["comparison"]["removed"]] == [MINER]
    sessions.write_text("no json\n")
    broken = central("publish", folder, "--dry-run", f"--replay={sessions}")
    assert broken.code == 3
    assert "sessions.jsonl:1" in broken.err
    missing = central("publish", folder, "--dry-run", f"--replay={tmp_path / 'none'}")
    assert missing.code == 3


def test_strikes_in_the_database_are_replayed_and_versions_recorded(
    central: Callable[..., Outcome], state: Path, folder: Path
) -> None:
    database = Database(f"sqlite:///{state / 'tos_guard.sqlite'}")
    migrate(database)
    with database.transaction() as session:
        session.add(Person(id=1, name="alice", first_seen=0.0))
        session.flush()
        for number in range(3):
            session.add(
                StrikeRow(
                    person_id=1, act=f"a{number}", time=time.time() - 60, received=0.0, server="", kernel="k",
                    notebook="", request=f"r{number}", rule=MINER, clause="mining", level="high",
                    policy_version="1", severe=False, verdict="block", action="block", sensor="kernel",
                    cell_digest="d", line=1, column=0, end_line=1, end_column=1, evidence="!xmrig", decoded="",
                    provenance=[], facts=[["command", "xmrig"]],
                )
            )  # fmt: skip
    change(folder, version="2")
    (folder / "rules" / "mining" / "example-miner-run.yml").unlink()
    done = central("publish", folder, "--all")
    assert done.code == 0
    assert "Replay of 3 cells" in done.out
    assert "3 no longer hit" in done.out
    assert "Recorded in the database: 1, 2" in done.out
    assert central("release", "--mode=monitor").code == 0
    with database.reading() as session:
        versions = {row.version: row for row in session.scalars(select(PolicyVersion))}
        assert versions["2"].document["readable"]
        assert versions["2"].in_force_since
        actions = [entry.action for entry in session.scalars(select(Audit).order_by(Audit.id))]
        assert actions == ["publish", "publish", "release"]
    database.close()


def test_a_channel_for_a_group(central: Callable[..., Outcome], state: Path, folder: Path) -> None:
    change(folder, version="lab-1")
    assert central("publish", folder, "--channel=lab").code == 0
    assert reader(state).release().special == ()
    assert central("release", "--assign=lab-1", "--groups=physics,chemistry").code == 0
    [special] = reader(state).release().special
    assert special.groups == ("chemistry", "physics")
    change(folder, version="lab-2")
    assert central("publish", folder, "--channel=lab", "--all").code == 0
    assert reader(state).release().special[0] == special._replace(bundle="policy/lab/lab-2.bundle")
    assert central("release", "--unassign=lab").code == 0
    assert reader(state).release().special == ()


def test_publishing_where_the_online_keys_are_not_and_releasing_where_they_are(
    central: Callable[..., Outcome], state: Path, folder: Path, tmp_path: Path
) -> None:
    laptop = shutil.copytree(state / "repository", tmp_path / "laptop" / "repository")
    (state / "keys" / "offline").rename(tmp_path / "laptop" / "keys")
    change(folder, version="2")
    words = (
        f"--repository={laptop}",
        f"--keys={tmp_path / 'laptop' / 'keys'}",
        f"--online={tmp_path / 'none'}",
    )
    done = central("publish", folder, *words, "--share=10")
    assert done.code == 0
    assert "The online keys are not here" in done.out
    assert "release --candidate 2 --share 10" in done.out
    for name in ("targets", "metadata"):
        for path in (laptop / name).rglob("*"):
            there = state / "repository" / path.relative_to(laptop)
            if path.is_file() and not there.exists():
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, there)
    status = central("status")
    assert status.code == 1
    assert "2 was approved elsewhere" in status.out
    assert central("resign").code == 0
    assert central("status").code == 0
    assert central("release", "--candidate=2", "--share=10").code == 0
    candidate = reader(state).release().candidate
    assert candidate is not None
    assert candidate.bundle == "policy/2.bundle"
    change(folder, version="3")
    missing = central("publish", folder)
    assert missing.code == 3
    assert "--keys" in missing.err


# --- release ---


def test_a_rule_is_softened_by_its_name_and_restored(central: Callable[..., Outcome], state: Path) -> None:
    done = central("release", "--soften=example-miner-run=observe")
    assert done.code == 0
    assert f"taken back to observe: example-miner-run ({MINER})" in done.out
    assert set(reader(state).release().softened) == {MINER}
    assert central("release", f"--restore={MINER}").code == 0
    assert reader(state).release().softened == {}


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--soften=example-miner-rum=observe"], 2, "Did you mean example-miner-run?"),
        (["--soften=example-miner-run=block"], 2, "cannot make a rule stricter"),
        (["--soften=example-miner-run"], 2, "RULE=observe"),
        (["--soften="], 2, "RULE=observe"),
        (["--restore=example-miner-run"], 3, "not softened"),
        (["--share=10"], 3, "there is no candidate"),
        (["--promote"], 3, "there is no candidate"),
        (["--withdraw"], 3, "there is no candidate"),
        (["--candidate=9"], 2, "'9' is not approved"),
        (["--candidate=1", "--share=5"], 3, "everybody already"),
        (["--current=../x"], 2, "is not approved"),
        (["--share=101"], 2, "101"),
        (["--share=ten"], 2, "ten"),
        (["--mode=enforce"], 2, "enforce"),
        (["--poll-seconds=1"], 2, "poll_seconds"),
        (["--assign=1", "--groups=x"], 2, "published for everybody"),
        (["--groups=x"], 2, "--assign"),
        (["--unassign=x"], 3, "nobody has"),
        (["--softn=x=observe"], 2, "softn"),
        (["extra"], 2, "extra"),
    ],
)
def test_a_mistyped_release_changes_nothing_and_says_what_is_wrong(
    central: Callable[..., Outcome], state: Path, words: list[str], code: int, says: str
) -> None:
    before = (state / "repository" / "metadata" / "timestamp.json").read_bytes()
    done = central("release", *words)
    assert (done.code, says in done.err) == (code, True), done.err
    assert (state / "repository" / "metadata" / "timestamp.json").read_bytes() == before


# --- keys, signatures, mirrors ---


def test_a_version_is_retired(central: Callable[..., Outcome], state: Path, folder: Path) -> None:
    in_use = central("retire", "1")
    assert (in_use.code, "Release another first" in in_use.err) == (2, True)
    change(folder, version="2")
    assert central("publish", folder, "--all").code == 0
    done = central("retire", "1")
    assert (done.code, done.out) == (0, "Retired. Still approved: 2.\n")
    assert not reader(state).has("policy/1.bundle")
    assert central("retire", "1").code == 2
    assert central("retire").code == 2


def test_lost_targets_keys_are_replaced_with_the_root_alone(
    central: Callable[..., Outcome], state: Path, folder: Path
) -> None:
    client = reader(state)
    client.release()
    (state / "keys" / "offline" / "targets.pem").unlink()
    assert central("rotate-key", "targets").code == 3
    assert central("rotate-key", "targets", "--lost").code == 0
    change(folder, version="2")
    assert central("publish", folder, "--all").code == 0
    assert client.release().current == "policy/2.bundle"


@pytest.mark.parametrize("role", ["root", "targets", "snapshot", "timestamp", "release"])
def test_a_key_is_replaced_and_the_old_one_put_aside(
    central: Callable[..., Outcome], state: Path, folder: Path, role: str
) -> None:
    client = reader(state)
    client.release()
    done = central("rotate-key", role)
    assert (done.code, done.err) == (0, "")
    assert "shred -u" in done.out
    kind = "offline" if role in ("root", "targets") else "online"
    assert (state / "keys" / kind / "old" / f"{role}.pem").exists()
    assert not (state / "keys" / kind / f"{role}.pem").exists()
    change(folder, version="2")
    assert central("publish", folder, "--all").code == 0
    assert client.release().current == "policy/2.bundle"
    assert central("status").code == 0


def test_a_key_that_was_encrypted_is_replaced_by_one_that_is(
    tos: Tos,  # noqa: F811
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = tmp_path / "state"
    monkeypatch.setenv("JUPYTER_TOS_GUARD_PASSPHRASE", "correct horse")
    assert tos("central", "init", "--state", state, "--policy", folder, "--encrypt").code == 0
    assert tos("central", "rotate-key", "targets", "--state", state).code == 0
    [key] = (state / "keys" / "offline").glob("targets*.pem")
    assert b"ENCRYPTED" in key.read_bytes()


def test_rotation_that_fails_leaves_no_key_behind(central: Callable[..., Outcome], state: Path) -> None:
    shutil.rmtree(state / "keys" / "offline")
    before = sorted(path.name for path in (state / "keys").rglob("*"))
    done = central("rotate-key", "timestamp")
    assert done.code == 3
    assert "--keys" in done.err
    assert sorted(path.name for path in (state / "keys").rglob("*")) == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["rooot"], "There are: root, targets"),
        ([], "exactly one role"),
        (["timestamp", "--count=2"], "one key is enough"),
        (["root", "--threshold=2"], "cannot be met"),
        (["root", "--lost"], "--lost is for targets"),
    ],
)
def test_a_mistyped_rotation_is_told(central: Callable[..., Outcome], words: list[str], says: str) -> None:
    done = central("rotate-key", *words)
    assert (done.code, says in done.err) == (2, True), done.err


def test_renewing_and_its_warnings(central: Callable[..., Outcome], state: Path) -> None:
    assert central("resign").out.startswith("Nothing was due.")
    forced = central("resign", "--force", "--json").json
    assert forced == {"resigned": ["release", "snapshot", "timestamp"], "warnings": []}
    both = central("resign", f"--keys={state / 'keys' / 'offline'}")
    assert "root, targets" in both.out
    shutil.rmtree(state / "keys" / "online")
    alone = central("resign")
    assert alone.code == 3
    assert "--online" in alone.err


def test_status_warns_of_keys_that_others_can_read(central: Callable[..., Outcome], state: Path) -> None:
    assert central("status").code == 0
    path = state / "keys" / "online" / "release.pem"
    path.chmod(0o644)
    done = central("status")
    assert done.code == 1
    assert f"chmod 600 {path}" in done.out
    data = central("status", "--json").json
    assert data["can_release"] is True
    assert [role["role"] for role in data["roles"]] == ["root", "targets", "release", "snapshot", "timestamp"]


def test_a_mirror_is_made(central: Callable[..., Outcome], state: Path, tmp_path: Path) -> None:
    done = central("mirror", tmp_path / "www")
    assert done.code == 0
    root = (state / "repository" / "metadata" / "1.root.json").read_bytes()
    assert Reader(tmp_path / "www", tmp_path / "cache", root).release().current == "policy/1.bundle"
    assert central("mirror").code == 2
    (tmp_path / "file").write_text("")
    blocked = central("mirror", tmp_path / "file")
    assert blocked.code == 3


# --- wrong places ---


@pytest.mark.parametrize("verb", ["status", "resign", "release", "mirror", "rotate-key", "publish", "retire"])
def test_a_wrong_folder_is_told(tos: Tos, folder: Path, tmp_path: Path, verb: str) -> None:  # noqa: F811
    argument = {"mirror": [tmp_path / "m"], "rotate-key": ["root"], "publish": [folder], "retire": ["1"]}.get(
        verb, []
    )
    done = tos("central", verb, "--state", tmp_path / "nowhere", *argument)
    assert done.code == 3
    assert "there is no repository" in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    "verb", ["init", "publish", "release", "rotate-key", "resign", "mirror", "status", "retire"]
)
def test_a_misspelt_option_is_told(tos: Tos, verb: str) -> None:  # noqa: F811
    done = tos("central", verb, "--stat=x")
    assert done.code == 2
    assert "no option --stat" in done.err


def test_a_database_that_cannot_be_used_is_told(central: Callable[..., Outcome], folder: Path) -> None:
    change(folder, version="2")
    done = central("publish", folder, "--database=nonsense://x")
    assert done.code == 3
    assert "database_url" in done.err


def test_a_disk_that_is_full_is_told(central: Callable[..., Outcome], state: Path, tmp_path: Path) -> None:
    """In a process of its own: a limit on the size of files is the disk that takes nothing."""
    before = (state / "repository" / "metadata" / "timestamp.json").read_bytes()
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)); "
        "from jupyter_tos_guard.cli.app import run; "
        f"sys.exit(run(['central', 'release', '--state={state}', '--poll-seconds=60']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 3
    assert "cannot be written: File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert (state / "repository" / "metadata" / "timestamp.json").read_bytes() == before


def test_everything_is_json_when_asked(central: Callable[..., Outcome], folder: Path) -> None:
    change(folder, version="2")
    published = central("publish", folder, "--share=5", "--json")
    assert published.json["release"]["candidate"] == {"bundle": "policy/2.bundle", "share": 5}
    assert json.loads(central("release", "--json").out)["serial"] == 2
