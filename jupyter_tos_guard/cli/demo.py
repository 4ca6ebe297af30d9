"""``jupyter tos-guard demo``: shows a guarded notebook, in the terminal and in JupyterLab.

Everything is in a temporary folder, also the strikes that it earns: nobody's
record is touched.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.error
import urllib.request
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.syntax import Syntax
from rich.text import Text
from traitlets import Bool, Int

from jupyter_tos_guard.cli.judging import judge_session
from jupyter_tos_guard.cli.reading import read_cells
from jupyter_tos_guard.cli.status import ask
from jupyter_tos_guard.cli.verb import Exit, Refusal, Verb
from jupyter_tos_guard.gate.settings import configuration
from jupyter_tos_guard.guard import DEFAULT_POLICY, Guard, Settings
from jupyter_tos_guard.policy.model import Mode, Verdict

KERNEL = "python3"
#: Code cells of the sample that a guarded kernel must block.
BREACHES = 2
#: Seconds until JupyterLab must answer. A cold disk takes its time.
START_LIMIT = 120
#: Seconds that it has to stop its kernels.
STOP_LIMIT = 15
_STOPPING = (signal.SIGINT, signal.SIGTERM)


class DemoApp(Verb):
    """Show a guarded notebook."""

    name = "jupyter-tos-guard-demo"
    description = """Execute a sample notebook in a guarded kernel and print what came out; then start
    JupyterLab on it. The policy is the one in this package, in enforce mode. Ctrl-C ends it and
    removes everything.

    Exit codes: 0 shown, 2 something that the demo needs is not installed, 4 the kernel is not guarded."""
    examples = """
    jupyter tos-guard demo
    jupyter tos-guard demo --no-lab
    """
    lab = Bool(True, help="Start JupyterLab after the notebook was shown in the terminal.").tag(config=True)
    port = Int(8888, min=0, max=65535, help="JupyterLab's port, or the next free one.").tag(config=True)
    aliases = {**Verb.aliases, "port": "DemoApp.port"}
    flags = {**Verb.flags, "no-lab": ({"DemoApp": {"lab": False}}, "Only show it in the terminal.")}

    def run(self) -> Exit:
        """Show the notebook."""
        self.no_arguments()
        if find_spec("nbclient") is None:
            raise Refusal("nbclient is not installed. Try: pip install 'jupyter_tos_guard[demo]'")
        for number in _STOPPING:
            signal.signal(number, _interrupt)
        with tempfile.TemporaryDirectory(prefix="tos-guard-demo-", ignore_cleanup_errors=True) as name:
            folder = Path(name).resolve()
            os.environ.update(_surroundings(folder))
            shown = folder / "notebooks"  # the rest of the folder would only puzzle in a file browser
            shown.mkdir()
            notebook = shown / "demo.ipynb"
            shutil.copyfile(str(files("jupyter_tos_guard.cli") / "demo.ipynb"), notebook)
            _refuse_unguarded(notebook)
            executed = execute(notebook)
            show(executed, Console(highlight=False))
            if self.lab:
                self._start_lab(folder, notebook)
        return Exit.OK

    def _start_lab(self, folder: Path, notebook: Path) -> None:
        if find_spec("jupyterlab") is None:
            print("JupyterLab is not installed. For the rest: pip install 'jupyter_tos_guard[demo]'")
            return
        port = _free_port(self.port)
        token = secrets.token_hex(16)
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1"),
            *(
                f"--ServerApp.port={port}",
                "--ServerApp.port_retries=0",
                f"--ServerApp.root_dir={notebook.parent}",
            ),
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--allow-root")  # a fresh container has no other user
        log = folder / "jupyterlab.log"
        with log.open("wb") as output:
            lab = subprocess.Popen(  # noqa: S603 - our own command line
                command,
                cwd=notebook.parent,
                env={**os.environ, "JUPYTER_TOKEN": token},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for this process, which then stops that one
            )
        try:
            if not _answers(f"http://127.0.0.1:{port}/api", lab):
                last = log.read_text(errors="replace")[-2000:]
                raise Refusal(f"JupyterLab did not start. Its last words:\n{last}")
            print(
                f"\nThe same notebook in JupyterLab:\n\n    http://127.0.0.1:{port}/lab/tree/{notebook.name}?token={token}"
            )
            print(
                "\nRun a cell there: what is not allowed gets a notice and a mark in the cell. The shield"
                "\nin the status bar says how the guard is; a click on it shows your standing and the terms."
            )
            print("\nCtrl-C stops it and removes everything.", flush=True)
            lab.wait()
        finally:
            _stop(lab)


def _refuse_unguarded(notebook: Path) -> None:
    """Stop unless the breaches would be stopped: the notebook means what it says."""
    settings = configuration()
    if settings.traits.mode != "enforce":
        raise Refusal("this machine's settings keep the guard in monitor mode.", Exit.POLICY)
    guard = Guard.load(settings.policy_path, Settings(mode=Mode.ENFORCE))
    stopped = sum(each.effect is Verdict.BLOCK for each in judge_session(guard, read_cells(notebook)))
    if stopped < BREACHES:
        raise Refusal(
            f"the policy {settings.policy_path} stops {stopped} of the {BREACHES} cells that it "
            "has to stop. Nothing was executed. See: jupyter tos-guard status",
            Exit.POLICY,
        )
    state, detail = asyncio.run(ask(KERNEL, 60))
    if state != "guarded":
        raise Refusal(
            f"the kernel of {sys.prefix} is {state}: {detail}\nNothing was executed. "
            "Is the package installed (not only on the path)? See: jupyter tos-guard status",
            Exit.POLICY,
        )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a server, which ends its kernels."""
    process.terminate()
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def execute(path: Path) -> Any:
    """Execute a notebook in place, going on after cells that were stopped, and return it."""
    import nbformat
    import nbformat.sign
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(
        notebook,
        kernel_name=KERNEL,
        timeout=120,
        allow_errors=True,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute(stderr=subprocess.DEVNULL)  # warnings about the transport
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
    # Without a signature JupyterLab would leave the notices' HTML out.
    nbformat.sign.NotebookNotary().sign(notebook)  # type: ignore[no-untyped-call]
    return notebook


def show(notebook: Any, console: Console) -> None:
    """Print a notebook with what came out of it."""
    for cell in notebook.cells:
        console.print()
        if cell.cell_type == "markdown":
            console.print(Markdown(cell.source))
            continue
        code = Syntax(cell.source, "python", theme="ansi_dark", background_color="default", word_wrap=True)
        console.print(code)
        for output in cell.outputs:
            text = textwrap.indent(_output_text(output).rstrip("\n"), "  | ")
            console.print(Text.from_ansi(text), soft_wrap=True)


def _output_text(output: Any) -> str:
    if output.output_type == "stream":
        return str(output.text)
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return str(output.data.get("text/plain", ""))


def _surroundings(folder: Path) -> dict[str, str]:
    """Variables that keep the demo apart from the user's settings, kernels and record."""
    return {
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_TOS_GUARD_MODE": "enforce",
        "JUPYTER_TOS_GUARD_POLICY": str(DEFAULT_POLICY),
    }


def _free_port(wanted: int) -> int:
    """Return the port if it is free, else the next one that is."""
    candidates = (*range(wanted, min(wanted + 50, 65536)), 0)
    return next(filter(None, map(_bound, candidates)), wanted)


def _bound(port: int) -> int:
    """Return the port that could be listened on, 0 if none; for port 0 the system's choice."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
        return int(probe.getsockname()[1])


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the server answers; False when it ended or took too long."""
    deadline = time.monotonic() + START_LIMIT
    while process.poll() is None and time.monotonic() < deadline:
        if _answers_now(url):
            return True
        time.sleep(0.2)
    return False


def _answers_now(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own server
    except urllib.error.HTTPError:
        return True  # it answers, if only to ask for the token
    except OSError:
        return False
    return True


def _interrupt(signum: int, frame: FrameType | None) -> None:
    # Once is enough: a second signal must not stop the clearing up.
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
