from __future__ import annotations

import multiprocessing
import stat
import subprocess
from pathlib import Path

import pytest

from jupyter_tos_guard.central.publishing import setup
from jupyter_tos_guard.central.publishing.document import read_document
from jupyter_tos_guard.central.publishing.keys import (
    KeyProblem,
    exposed,
    key_files,
    make_key,
    read_key,
    read_keys,
)
from jupyter_tos_guard.central.publishing.repository import LIFE, RepositoryError
from jupyter_tos_guard.central.publishing.setup import Places, ensure_repository, keep_signed
from jupyter_tos_guard.policy.bundle import Bundle

from .conftest import Hub, Reader

DAY = 86_400.0


# --- keys ---


def test_a_key_is_for_its_owner_only_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "root.pem"
    key = make_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert read_key(path).public_key == key.public_key


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "root.pem"
    make_key(path)
    before = path.read_bytes()
    with pytest.raises(KeyProblem, match="already"):
        make_key(path)
    assert path.read_bytes() == before


def test_an_encrypted_key_needs_its_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "root.pem"
    key = make_key(path, "correct horse")
    assert b"ENCRYPTED" in path.read_bytes()
    assert read_key(path, lambda _: "correct horse").public_key == key.public_key
    with pytest.raises(KeyProblem, match=r"passphrase for .*root\.pem is wrong"):
        read_key(path, lambda _: "wrong")
    with pytest.raises(KeyProblem, match="wrong"):
        read_key(path, lambda _: "")
    with pytest.raises(KeyProblem, match="nobody to ask"):
        read_key(path)


def test_a_key_of_openssl_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "targets.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True, timeout=60)
    assert read_key(path).public_key.keytype == "ed25519"


@pytest.mark.parametrize(
    "content",
    [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", b"\xff" * 100],
)
def test_what_is_no_key_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "root.pem"
    path.write_bytes(content)
    with pytest.raises(KeyProblem, match=r"root\.pem is no private key"):
        read_key(path)


def test_a_key_of_another_kind_is_told(tmp_path: Path) -> None:
    path = tmp_path / "root.pem"
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path],
        check=True,
        timeout=60,
    )
    with pytest.raises(KeyProblem, match="openssl genpkey -algorithm ed25519"):
        read_key(path)


def test_a_missing_key_is_told(tmp_path: Path) -> None:
    with pytest.raises(KeyProblem, match="there is no key"):
        read_key(tmp_path / "root.pem")


def test_keys_are_found_by_their_role(tmp_path: Path) -> None:
    for name in ("root.pem", "root-2.pem", "rootless.pem", "targets.pem", "old"):
        (tmp_path / name).touch() if name == "old" else make_key(tmp_path / name)
    assert [path.name for path in key_files(tmp_path, "root")] == ["root-2.pem", "root.pem"]
    assert len(read_keys(tmp_path, "targets")) == 1
    assert read_keys(tmp_path, "snapshot") == []


def test_a_key_that_others_can_read_is_noticed(tmp_path: Path) -> None:
    paths = [tmp_path / "root.pem", tmp_path / "targets.pem"]
    for path in paths:
        make_key(path)
    paths[1].chmod(0o640)
    assert exposed(paths) == paths[1:]


# --- the first start ---


def test_the_first_start_makes_everything_and_the_second_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    state = tmp_path / "state"
    repository = ensure_repository(state, say=said.append)
    assert "default policy" in said[0]
    assert any(repository.root_pin() in text for text in said)
    assert any(str(state / "keys" / "offline") in text for text in said)
    files = {path: path.read_bytes() for path in state.rglob("*") if path.is_file()}
    again = ensure_repository(state, say=said.append)
    assert {path: path.read_bytes() for path in state.rglob("*") if path.is_file()} == files
    assert len(said) == 3
    assert again.can_release()
    root = (state / "repository" / "metadata" / "1.root.json").read_bytes()
    bundle = Bundle.from_bytes(Reader(state / "repository", tmp_path / "cache", root).current())
    assert bundle.mode.value == "monitor"
    document = read_document(state / "documents", bundle.version)
    assert document is not None
    assert document["readable"]


def test_secrets_of_the_state_folder_are_not_for_others(tmp_path: Path) -> None:
    state = tmp_path / "state"
    ensure_repository(state)
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    for path in [*(state / "keys").rglob("*.pem"), *(state / "documents").iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for path in (state / "repository" / "metadata").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o644


def _start(state: str, ready: object, answers: object) -> None:
    ready.wait(60)  # type: ignore[attr-defined]
    try:
        answers.put(ensure_repository(Path(state)).root_pin())  # type: ignore[attr-defined]
    except BaseException as error:
        answers.put(repr(error))  # type: ignore[attr-defined]


def test_replicas_that_start_together_make_one_repository(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready, answers = context.Barrier(4), context.Queue()
    processes = [
        context.Process(target=_start, args=(str(tmp_path / "state"), ready, answers)) for _ in range(4)
    ]
    for process in processes:
        process.start()
    pins = {answers.get(timeout=60) for _ in processes}
    for process in processes:
        process.join(60)
    assert len(pins) == 1
    assert next(iter(pins)).startswith("sha256:")


def test_a_first_start_that_was_cut_off_is_finished_with_the_same_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*args: object, **kwargs: object) -> None:
        raise RepositoryError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(setup, "create", cut)
        with pytest.raises(RepositoryError, match="power cut"):
            ensure_repository(tmp_path)
    keys = {path: path.read_bytes() for path in tmp_path.rglob("*.pem")}
    assert len(keys) == 5
    ensure_repository(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.pem")} == keys


def test_a_package_that_was_not_built_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "DEFAULT_BUNDLE", tmp_path / "missing")
    with pytest.raises(RepositoryError, match="not built"):
        ensure_repository(tmp_path / "state")


# --- year after year ---


def test_a_service_with_all_keys_on_its_machine_runs_for_years_by_itself(hub: Hub) -> None:
    end = hub.now[0] + 2.5 * 365 * DAY
    while hub.now[0] < end:
        hub.now[0] += 6 * DAY
        assert keep_signed(hub.repository, hub.offline).warnings == ()
    roles = {role.role: role.version for role in hub.repository.roles()}
    assert roles["root"] >= 2
    assert roles["targets"] >= 3
    root = {path.name for path in (hub.folder / "metadata").glob("*.root.json")}
    assert len(root) == roles["root"]
    assert hub.repository.release().serial == 1
    assert hub.repository.problems() == []


def test_without_the_offline_keys_their_end_is_told_again_and_again(hub: Hub) -> None:
    hub.now[0] += (LIFE["targets"] - 10) * DAY
    assert "targets ends in 10 days" in keep_signed(hub.repository).warnings[0]
    hub.now[0] += 11 * DAY
    assert "clients refuse it" in keep_signed(hub.repository).warnings[0]


def test_encrypted_offline_keys_are_left_for_the_ceremony(hub: Hub) -> None:
    for path in hub.offline.iterdir():
        path.unlink()
    for role in ("root", "targets"):
        make_key(hub.offline / f"{role}.pem", "secret")
    hub.now[0] += (LIFE["targets"] - 10) * DAY
    assert "targets ends in 10 days" in keep_signed(hub.repository, hub.offline).warnings[0]


def test_places_are_below_the_state_folder(tmp_path: Path) -> None:
    places = Places.below(tmp_path)
    assert all(place.is_relative_to(tmp_path) for place in places)
    assert not places.online.is_relative_to(places.repository), "keys are never served"
    assert not places.documents.is_relative_to(places.repository), "readable rules are never served"
