"""The default policy is compiled when the package is built."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from jupyter_tos_guard.policy.bundle import Bundle
from tests.policy.policies import rule, write

pytest.importorskip("hatchling")
SOURCE = Path(__file__).parents[2] / "hatch_build.py"


class Aborted(Exception):
    pass


class App:
    """Stands for hatch's application: remembers what it is told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def abort(self, message: str) -> None:
        raise Aborted(message)

    def display_warning(self, message: str) -> None:
        self.warnings.append(message)


def build(root: Path, version: str = "standard", target: str = "wheel") -> App:
    spec = importlib.util.spec_from_file_location("hatch_build", SOURCE)
    assert spec
    assert spec.loader
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app = App()
    # A lab extension that needs no building: it is made of nothing, and was.
    built = root / module.LAB / "dist"
    built.mkdir(parents=True, exist_ok=True)
    (built / "sources.sha256").write_text(hashlib.sha256().hexdigest())
    hook = module.BuildHook(str(root), {}, None, None, "", target, app)
    assert hook.dependencies() == []
    hook.initialize(version, {"shared_data": {}})
    return app


@pytest.mark.parametrize("version", ["standard", "editable"])
def test_a_build_compiles_the_pack(tmp_path: Path, version: str) -> None:
    write(tmp_path / "jupyter_tos_guard/policy/default", rule())
    build(tmp_path, version)
    Bundle.open(tmp_path / "jupyter_tos_guard/policy/default.bundle").verify()


def test_a_wheel_without_a_policy_is_not_built(tmp_path: Path) -> None:
    write(tmp_path / "jupyter_tos_guard/policy/default", rule(clause="third"))
    with pytest.raises(Aborted, match="third"):
        build(tmp_path)


def test_an_editable_install_keeps_the_last_good_policy(tmp_path: Path) -> None:
    pack = write(tmp_path / "jupyter_tos_guard/policy/default", rule())
    build(tmp_path, "editable")
    before = (tmp_path / "jupyter_tos_guard/policy/default.bundle").read_bytes()
    write(pack, rule(clause="third"))
    assert build(tmp_path, "editable").warnings
    assert (tmp_path / "jupyter_tos_guard/policy/default.bundle").read_bytes() == before


def test_a_source_distribution_carries_the_rules_only(tmp_path: Path) -> None:
    write(tmp_path / "jupyter_tos_guard/policy/default", rule())
    build(tmp_path, target="sdist")
    assert not (tmp_path / "jupyter_tos_guard/policy/default.bundle").exists()
