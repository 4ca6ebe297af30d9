"""The programs that people run notebooks with."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_tos_guard.gate.notice import MIME_TYPE, SENTENCE

from .conftest import console

ROOT = Path(__file__).parents[2]
HONEST, BLOCKED, AFTER = "print('honest')", "print('part')\nimport tosblocked", "print('after')"


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "sample.ipynb"
    cells = [nbformat.v4.new_code_cell(source) for source in (HONEST, BLOCKED, AFTER)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def run(environ: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)


def outputs(path: Path) -> list[list[dict[str, Any]]]:
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]


def stopped_at_the_blocked_cell(found: list[list[dict[str, Any]]]) -> None:
    honest, blocked, after = found
    assert honest[0]["text"] == "honest\n"
    assert [output["output_type"] for output in blocked] == ["display_data", "error"]
    assert set(blocked[0]["data"]) == {MIME_TYPE, "text/html", "text/plain"}
    assert blocked[1]["ename"] == "DisallowedCodeError"
    assert after == []


def test_nbconvert_execute_stops(environ: dict[str, str], notebook: Path) -> None:
    done = run(environ, "-m", "nbconvert", "--to", "notebook", "--execute", "--output", "out.ipynb", notebook)
    assert done.returncode != 0
    assert SENTENCE in done.stderr
    assert "Clause 3.1" in done.stderr


def test_nbconvert_shows_the_notice_in_html(environ: dict[str, str], notebook: Path) -> None:
    done = run(environ, "-m", "nbconvert", "--to", "html", "--execute", "--allow-errors", notebook)
    assert done.returncode == 0, done.stderr
    page = notebook.with_suffix(".html").read_text()
    section = re.search(r"<section ([^>]*)>", page)
    assert section
    assert 'role="alert"' in section[1]
    assert f">{SENTENCE}</p>" in page
    assert "part\n" not in page.split("<body")[1].replace("print('part')", "")


def test_nbclient_stops(environ: dict[str, str], notebook: Path) -> None:
    script = (
        "import sys, nbformat, nbclient\n"
        "notebook = nbformat.read(sys.argv[1], 4)\n"
        "try: nbclient.NotebookClient(notebook, kernel_name='python3').execute()\n"
        "except nbclient.exceptions.CellExecutionError as error: print(error.ename, error.evalue)\n"
        "nbformat.write(notebook, sys.argv[1])\n"
    )
    done = run(environ, "-c", script, notebook)
    assert done.stdout == "DisallowedCodeError Clause 3.1 (Forbidden tests), line 2, column 1\n", done.stderr
    stopped_at_the_blocked_cell(outputs(notebook))


def test_papermill_stops(environ: dict[str, str], notebook: Path, tmp_path: Path) -> None:
    done = run(environ, "-m", "papermill", notebook, tmp_path / "out.ipynb", "--kernel", "python3")
    assert done.returncode != 0
    assert "DisallowedCodeError" in done.stderr
    cells = nbformat.read(tmp_path / "out.ipynb", 4).cells
    stopped_at_the_blocked_cell([cell.outputs for cell in cells if cell.cell_type == "code"])


def test_jupyter_console_shows_the_plain_notice(environ: dict[str, str]) -> None:
    patient = "--ZMQTerminalInteractiveShell.kernel_timeout=60"
    with console(environ, patient, timeout=60) as terminal:
        terminal.expect(r"In \[1\]")
        terminal.sendline("import tosblocked")
        terminal.expect("THIS CELL WAS NOT RUN")
        terminal.expect(r"Clause 3\.1 \(Forbidden tests\)")
        terminal.expect("DisallowedCodeError")
        terminal.expect(r"In \[2\]")
        terminal.sendline("6 * 7")
        terminal.expect("42")


def test_installing_the_wheel_is_all_it_takes(environ: dict[str, str], tmp_path: Path) -> None:
    """A fresh environment: the wheel is installed, a kernel is started, it is guarded."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "venv", system_site_packages=False, with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    site = next((tmp_path / "venv" / "lib").glob("python*")) / "site-packages"
    ours = Path(nbformat.__file__).parents[1]
    (site / "dependencies.pth").write_text(f"{ours}\n")  # everything but the wheel, without the network
    subprocess.run(
        [
            python,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-deps",
            "--no-index",
            "--force-reinstall",
            "--prefix",
            tmp_path / "venv",
            wheel,
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    home = {**environ, "IPYTHONDIR": str(tmp_path / "ipython")}
    script = (
        "import json, sys\n"
        "from jupyter_client.manager import start_new_kernel\n"
        "manager, client = start_new_kernel()\n"
        "client.kernel_info()\n"
        "info = client.get_shell_msg(timeout=30)['content']['tos_guard']\n"
        "reply = client.execute_interactive('import tosblocked', timeout=30, output_hook=lambda m: None)\n"
        "client.stop_channels(); manager.shutdown_kernel(now=True)\n"
        "print(json.dumps([info['state'], reply['content']['ename'], sys.prefix]))\n"
    )
    done = subprocess.run([python, "-c", script], env=home, capture_output=True, text=True, timeout=120)
    assert json.loads(done.stdout.splitlines()[-1]) == [
        "guarded",
        "DisallowedCodeError",
        str(tmp_path / "venv"),
    ], done.stderr
    assert (tmp_path / "venv" / "etc" / "ipython" / "ipython_kernel_config.py").is_file()
