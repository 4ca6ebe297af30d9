from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from jupyter_tos_guard.cli import demo

DEMO = [sys.executable, "-m", "jupyter_tos_guard.cli", "demo"]


@pytest.fixture
def guarded() -> None:
    """Skip where the package is on the path only: then no kernel is guarded."""
    switch = Path(sys.prefix, "etc", "ipython", "ipython_kernel_config.py")
    if not switch.exists():
        pytest.skip("jupyter_tos_guard is not installed in this environment: pip install -e '.[demo,test]'")


def test_the_sample_has_an_honest_cell_a_breach_a_disguised_one_and_a_false_friend() -> None:
    sample = json.loads(Path(demo.__file__).with_name("demo.ipynb").read_text())
    code = ["".join(cell["source"]) for cell in sample["cells"] if cell["cell_type"] == "code"]
    assert sum("DeepFaceLab" in cell for cell in code) == 2
    assert sum("b64decode" in cell for cell in code) == 1


@pytest.mark.usefixtures("guarded")
def test_the_demo_stops_the_breaches_and_runs_the_rest() -> None:
    done = subprocess.run([*DEMO, "--no-lab"], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("DisallowedCodeError") == 2
    assert "285" in done.stdout
    assert "How DeepFaceLab works" in done.stdout
    assert "base64" in done.stdout
    assert "Cloning into" not in done.stdout


@pytest.mark.usefixtures("guarded")
def test_the_demo_serves_the_notebook_and_cleans_up_when_it_is_stopped(tmp_path: Path) -> None:
    pytest.importorskip("jupyterlab")
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([*DEMO, "--port", "0"], stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout
        url = next(found.group() for line in process.stdout if (found := re.search(r"http://127\S+", line)))
        try:
            server, token = url.split("/lab/tree/demo.ipynb?token=")
            with urllib.request.urlopen(
                f"{server}/api/contents/demo.ipynb?token={token}", timeout=60
            ) as reply:
                notebook = json.load(reply)["content"]
            with urllib.request.urlopen(f"{server}/api/contents?token={token}", timeout=60) as reply:
                listed = [entry["name"] for entry in json.load(reply)["content"]]
            assert list(tmp_path.glob("tos-guard-demo-*"))
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert any("DisallowedCodeError" in json.dumps(cell) for cell in notebook["cells"])
    assert listed == ["demo.ipynb"]
    assert not list(tmp_path.iterdir())


def test_without_a_policy_that_stops_the_breaches_nothing_is_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import pathlib, jupyter_tos_guard.guard as g\ng.DEFAULT_POLICY = pathlib.Path('/gone.bundle')\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([*DEMO, "--no-lab"], capture_output=True, text=True, timeout=180, env=environ)
    assert done.returncode == 4
    assert "Nothing was executed" in done.stderr
    assert "285" not in done.stdout
