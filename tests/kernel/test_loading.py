"""A guard that cannot be loaded, set up or asked: the kernel goes on, and says so."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from .conftest import SWITCH, Start

BROKEN = """
import sys
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            raise {error}
sys.meta_path.insert(0, Broken())
"""


def breaking(folder: Path, name: str, error: str = "ImportError('broken on purpose')") -> str:
    """PYTHONPATH of a process in which importing ``name`` fails."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(BROKEN.format(name=name, error=error))
    return str(folder)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("jupyter_tos_guard.guard", "ImportError('broken on purpose')"),
        ("jupyter_tos_guard.gate.ruling", "RuntimeError('broken on purpose')"),
        ("jupyter_tos_guard.gate.settings", "SyntaxError('broken on purpose')"),
        ("jupyter_tos_guard.kernel.magics", "MemoryError('broken on purpose')"),
    ],
)
def test_a_guard_that_cannot_be_imported_leaves_a_running_kernel_that_says_so(
    start: Start, tmp_path: Path, name: str, error: str
) -> None:
    kernel = start(PYTHONPATH=breaking(tmp_path, name, error))
    assert kernel.run("print(1)").text == "1\n"
    info = kernel.info()
    assert info["tos_guard"]["state"] == "unguarded"
    assert "broken on purpose" in info["tos_guard"]["detail"]
    assert "jupyter_tos_guard: unguarded" in info["banner"]
    assert "broken on purpose" in kernel.run("%tos status").text
    assert "pip install --force-reinstall jupyter_tos_guard" in kernel.log


@pytest.mark.parametrize("name", ["jupyter_tos_guard", "jupyter_tos_guard.kernel.hook"])
def test_a_package_that_is_gone_leaves_a_running_kernel(start: Start, tmp_path: Path, name: str) -> None:
    kernel = start(PYTHONPATH=breaking(tmp_path, name))
    assert kernel.run("print(1)").text == "1\n"
    assert "tos_guard" not in kernel.info()
    assert "jupyter_tos_guard is not active in this kernel" in kernel.log


@pytest.mark.parametrize(
    "name", ["jupyter_tos_guard.inspection.python.evaluation", "jupyter_tos_guard.inspection.python.magics"]
)
def test_inspection_that_cannot_be_loaded_is_said_at_the_start(
    start: Start, tmp_path: Path, name: str
) -> None:
    kernel = start(PYTHONPATH=breaking(tmp_path, name))
    assert kernel.info()["tos_guard"]["state"] == "failing"
    assert "inspection-failed" in kernel.info()["banner"]
    assert kernel.run("print(1)").text == "1\n"


def test_a_mistyped_exemption_is_said_and_the_kernel_guarded(start: Start) -> None:
    kernel = start(JUPYTER_TOS_GUARD_EXEMPTIONS='[{"subject": "user:ann", "until": "tomorrow"}]')
    assert kernel.run("import tosblocked").refused
    assert "exemption 1 must hold subject and target" in kernel.run("%tos status").text


def test_an_operator_may_close_kernels_without_a_guard(start: Start, tmp_path: Path) -> None:
    kernel = start(
        PYTHONPATH=breaking(tmp_path, "jupyter_tos_guard.guard"),
        JUPYTER_TOS_GUARD_MODE="enforce",
        JUPYTER_TOS_GUARD_FAIL_CLOSED="inspection-failed",
    )
    assert kernel.info()["tos_guard"]["state"] == "closed"
    outcome = kernel.run("part = 1")
    assert outcome.refused
    assert "does not work" in outcome.reply["evalue"]


FAIL = (
    "gate = get_ipython().kernel._gate\n"
    "class Failing:\n"
    "    source, settings = gate.guard.source, gate.guard.settings\n"
    "    def check(self, *a, **k): 1 / 0\n"
    "gate.guard = Failing()"
)


def test_a_guard_that_fails_costs_nobody_a_cell(start: Start) -> None:
    kernel = start()
    kernel.run(FAIL)
    assert kernel.run("print(2)").text == "2\n"
    assert kernel.info()["tos_guard"]["state"] == "failing"
    assert "ZeroDivisionError" in kernel.info()["tos_guard"]["detail"]


def test_a_guard_that_fails_stops_cells_where_the_operator_wants_it(start: Start) -> None:
    kernel = start(JUPYTER_TOS_GUARD_MODE="enforce", JUPYTER_TOS_GUARD_FAIL_CLOSED="inspection-failed")
    kernel.run(FAIL)
    assert kernel.run("print(2)").refused


def test_a_notice_that_fails_still_runs_nothing(start: Start) -> None:
    kernel = start()
    kernel.run("get_ipython().kernel._gate.standing = None")
    outcome = kernel.run("part = 1; import tosblocked")
    assert outcome.refused
    assert outcome.reply["traceback"] == ["DisallowedCodeError: disallowed by this hub's terms of use"]


def test_a_missing_policy_is_a_named_state(start: Start, tmp_path: Path) -> None:
    kernel = start(JUPYTER_TOS_GUARD_POLICY=str(tmp_path / "none"))
    assert kernel.run("print(1)").text == "1\n"
    assert "no-policy" in kernel.run("%tos status").text
    assert kernel.info()["tos_guard"]["state"] == "failing"
    assert "no-policy" in kernel.info()["banner"]


def test_a_missing_policy_may_close(start: Start, tmp_path: Path) -> None:
    kernel = start(
        JUPYTER_TOS_GUARD_POLICY=str(tmp_path / "none"),
        JUPYTER_TOS_GUARD_MODE="enforce",
        JUPYTER_TOS_GUARD_FAIL_CLOSED="no-policy",
    )
    outcome = kernel.run("print(1)")
    assert outcome.refused
    assert "nothing is held against you" in outcome.of("display_data")[0]["data"]["text/html"]
    assert kernel.strikes == []
    assert kernel.run("%tos status").reply["status"] == "ok"


def test_a_mistyped_setting_is_said_and_the_kernel_guarded(start: Start) -> None:
    kernel = start(JUPYTER_TOS_GUARD_MODE="enforced")
    assert kernel.run("import tosblocked").refused
    assert "'enforced', but must be one of monitor, enforce" in kernel.run("%tos status").text
    assert "JUPYTER_TOS_GUARD_MODE" in kernel.log


def test_a_kernel_class_of_somebody_else_is_kept_and_guarded(start: Start, tmp_path: Path) -> None:
    (tmp_path / "other_kernel.py").write_text(
        "from ipykernel.ipkernel import IPythonKernel\n"
        "class Other(IPythonKernel):\n"
        "    implementation = 'other'\n"
    )
    profile = tmp_path / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    shutil.copy(SWITCH, profile)
    config = {"IPKernelApp": {"kernel_class": "other_kernel.Other"}}
    (profile / "ipython_kernel_config.json").write_text(json.dumps(config))
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    kernel = start(IPYTHONDIR=str(tmp_path / "ipython"), PYTHONPATH=path)
    info = kernel.info()
    assert (info["implementation"], info["tos_guard"]["state"]) == ("other", "guarded")
    assert kernel.run("import tosblocked").refused


def test_a_profile_that_names_the_plain_kernel_is_guarded_all_the_same(start: Start) -> None:
    kernel = start(
        argv=[
            sys.executable,
            "-m",
            "ipykernel_launcher",
            "--IPKernelApp.kernel_class=ipykernel.ipkernel.IPythonKernel",
        ]
    )
    assert kernel.run("import tosblocked").refused


def test_the_first_cell_pays_for_no_imports_of_ours(start: Start) -> None:
    kernel = start()
    loaded = "import sys; print(sorted(name for name in sys.modules if name.startswith('jupyter_tos_guard')))"
    before = kernel.run(loaded).text
    assert "jupyter_tos_guard.inspection.python.evaluation" in before
    kernel.run("import os; os.system('true')")
    assert kernel.run(loaded).text == before


def test_nothing_heavy_is_loaded(start: Start) -> None:
    kernel = start()
    kernel.run("import tosblocked")
    heavy = (
        "nbformat jupyter_events jupyter_server tuf httpx sqlalchemy sigma yaml rich requests jinja2".split()
    )
    assert kernel.run(f"import sys; print([name for name in {heavy} if name in sys.modules])").text == "[]\n"
