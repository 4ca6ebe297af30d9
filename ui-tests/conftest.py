"""A real JupyterLab (and Notebook 7) with guarded kernels, in a real browser.

One server for all tests of a worker; a notebook, a browser context and a workspace for each. Where the
server's part has to say something special, its answers are given at the network's edge (:class:`Answers`).
"""

from __future__ import annotations

import gzip
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import nbformat.v4 as v4
import pytest
from playwright.sync_api import Browser, Locator, Page, Response, Route, expect, sync_playwright

from jupyter_tos_guard.policy.compile import compile_policy
from tests.kernel.conftest import environment
from tests.ports import free_port
from tests.processes import end

ROOT = Path(__file__).parents[1]
POLICY = ROOT / "tests" / "kernel" / "policy"
EXTENSION = Path(sys.prefix) / "share" / "jupyter" / "labextensions" / "jupyter-tos-guard"
#: Seconds. Starting JupyterLab or a kernel on a busy machine takes its time.
TIMEOUT = 40.0
REQUIRE = "TOS_GUARD_TESTS_REQUIRE"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=TIMEOUT * 1000)


def needed(what: str) -> None:
    """Skip, or fail where everything is required."""
    if os.environ.get(REQUIRE):
        pytest.fail(f"{what} is missing, and {REQUIRE} is set")
    pytest.skip(f"{what} is missing")


@pytest.fixture(scope="module")  # as long as one is open, no other test of its worker can run an event loop
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        needed("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Server:
    """A Jupyter server with JupyterLab and Notebook 7."""

    url: str
    token: str
    folder: Path
    policy: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def notebooks(self) -> Path:
        return self.folder / "notebooks"

    def publish(self, folder: Path) -> None:
        """Put another policy in the place of the one in force."""
        new = self.policy.with_suffix(".new")
        new.write_bytes(compile_policy(folder))
        new.replace(self.policy)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests of a worker; modules that need another have their own in its place."""
    with lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@contextmanager
def lab(folder: Path, **variables: str) -> Iterator[Server]:
    """Run a Jupyter server with such variables."""
    if not (EXTENSION / "package.json").is_file():
        needed("the built lab extension (pip install -e .)")
    policy = folder / "policy.bundle"
    policy.write_bytes(compile_policy(POLICY))
    environ = {
        **environment(folder, policy),
        "HOME": str(folder),
        "JUPYTER_TOKEN": secrets.token_hex(16),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        **variables,
    }
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    (folder / "notebooks").mkdir()
    port = free_port()
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"),
        *(f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        f"--ServerApp.root_dir={folder / 'notebooks'}",
        *("--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True"),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environ, cwd=folder, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, process, folder / "log")
        yield Server(url, environ["JUPYTER_TOKEN"], folder, policy, process)
    finally:
        end(process)


#: What the server's part says when all is well.
WELL: dict[str, Any] = {
    "guarded": True,
    "mode": "enforce",
    "policy": {"version": "2026.11.1", "checked": 1, "age_seconds": 240, "problem": ""},
    "standing": {"level": "good", "live": 0, "until": None, "next_level": "warned", "strikes_left": 1},
    "effects": {"paused": False, "blocked_clauses": [], "until": None, "reason": ""},
    "central": {"configured": True, "reachable": True, "last_contact": 1},
    "kernels": [],
    "check": {"cells": True, "notebooks": True},
    "terms": {"version": "7", "accepted": "7", "required": True},
}


@dataclass
class Answers:
    """Answers in place of the server's part, for what cannot be brought about here."""

    page: Page
    base: str
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)

    def give(self, path: str, answer: Any, status: int = 200) -> None:
        """Answer requests for a path (below our own) so from now on."""
        self.answers[path] = (status, answer)

    def install(self) -> None:
        self.page.route(f"{self.base}/jupyter-tos-guard/**", self._answer)

    def posted(self, path: str) -> list[Any]:
        return [body for method, asked, body in self.asked if asked == path and method == "POST"]

    def _answer(self, route: Route) -> None:
        path = route.request.url.split("/jupyter-tos-guard/")[1].split("?")[0]
        body = json.loads(route.request.post_data) if route.request.post_data else None
        self.asked.append((route.request.method, path, body))
        status, answer = self.answers.get(path, (404, {"message": "Not Found", "reason": None}))
        if callable(answer):
            answer = answer(body)
        route.fulfill(status=status, json=answer)


class Notebook:
    """A notebook that is open in a page."""

    def __init__(self, server: Server, page: Page, name: str) -> None:
        self.server = server
        self.page = page
        self.name = name

    @property
    def path(self) -> Path:
        return self.server.notebooks / self.name

    @property
    def cells(self) -> Locator:
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell")

    @property
    def notices(self) -> Locator:
        return self.page.locator(".jp-TosGuard-notice")

    @property
    def status(self) -> Locator:
        return self.page.locator("#jupyter-tos-guard-status")

    def open(self, lab: bool = True) -> Notebook:
        where = f"lab/workspaces/w{secrets.token_hex(4)}/tree" if lab else "notebooks"
        self.page.goto(f"{self.server.url}/{where}/{self.name}?token={self.server.token}")
        expect(self.cells.first).to_be_visible()
        return self.ready()

    def reload(self) -> Notebook:
        self.page.reload()
        expect(self.cells.first).to_be_visible()
        return self.ready()

    def ready(self) -> Notebook:
        """Wait until the kernel can run cells."""
        self.page.wait_for_function(
            """() => {
                const panel = window.jupyterapp && [...window.jupyterapp.shell.widgets('main')]
                    .find(each => each.sessionContext);
                return panel && panel.sessionContext.kernelDisplayStatus === 'idle';
            }""",
            timeout=TIMEOUT * 1000,
        )
        return self

    def select(self, index: int) -> Locator:
        """Make a cell the active one, as a click beside it does."""
        cell = self.cells.nth(index)
        cell.locator(".jp-InputPrompt").click()
        return cell

    def run(self, index: int) -> Locator:
        cell = self.select(index)
        self.page.keyboard.press("Control+Enter")
        return cell

    def command(self, name: str) -> None:
        """Run a command of the application, and do not wait for what it does."""
        self.page.evaluate("name => void window.jupyterapp.commands.execute(name)", name)

    def write(self, index: int, source: str) -> None:
        self.cells.nth(index).locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(source)

    def save(self) -> None:
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    def expect_counts(self, *counts: str) -> None:
        """Wait until the code cells show these execution counts: output comes before the count does."""
        expect(self.cells.locator(".jp-InputPrompt")).to_have_text(list(counts))


Open = Callable[..., Notebook]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(TIMEOUT * 1000)
    page = context.new_page()
    yield page
    context.close()


@pytest.fixture
def answers(page: Page, server: Server) -> Answers:
    """The server's part says that all is well; tests change what they are about."""
    answers = Answers(page, server.url)
    answers.give("status", WELL)
    answers.give("check", {"results": []})
    for name in ("strikes", "appeals", "messages"):
        answers.give(name, {name: []})
    answers.give(
        "terms", {"title": "Test terms", "version": "7", "accepted": "7", "clauses": [], "changes": []}
    )
    answers.install()
    return answers


#: Where JupyterLab serves the files of the extension.
OURS = "extensions/jupyter-tos-guard/"


def loaded_by(page: Page) -> set[str]:
    """Return the files of the extension that a page loads from now on; the set grows as it does."""
    files: set[str] = set()

    def note(response: Response) -> None:
        if OURS in response.url:
            files.add(response.url.split(OURS)[1].split("?")[0])

    page.on("response", note)
    return files


def size_of(files: set[str]) -> int:
    """Return the bytes of files of the extension, gzipped."""
    return sum(len(gzip.compress((EXTENSION / name).read_bytes())) for name in files)


def new_notebook(
    server: Server, *sources: str, kernel: str = "python3", outputs: dict[int, list[Any]] | None = None
) -> str:
    """Write a file with such cells; return its name."""
    name = f"n{secrets.token_hex(4)}.ipynb"
    cells = [v4.new_code_cell(source) for source in sources]
    for index, each in (outputs or {}).items():
        cells[index].outputs = each
    language = "bash" if kernel == "bash" else "python"
    metadata = {
        "kernelspec": {"name": kernel, "display_name": kernel, "language": language},
        "language_info": {"name": language},
    }
    nbformat.write(v4.new_notebook(cells=cells, metadata=metadata), server.notebooks / name)
    return name


@pytest.fixture
def write(server: Server) -> Iterator[Callable[..., str]]:
    """Write a notebook file, and end its kernel after the test."""
    names: list[str] = []

    def writer(*sources: str, **options: Any) -> str:
        names.append(new_notebook(server, *sources, **options))
        return names[-1]

    yield writer
    for session in _request(server, "GET", "api/sessions"):
        if session["path"] in names:
            _request(server, "DELETE", f"api/sessions/{session['id']}")


@pytest.fixture
def notebook(server: Server, page: Page, write: Callable[..., str]) -> Open:
    """Open a notebook of such cells; ``lab=False`` in Notebook 7."""

    def opener(*sources: str, lab: bool = True, **options: Any) -> Notebook:
        return Notebook(server, page, write(*sources, **options)).open(lab)

    return opener


def _request(server: Server, method: str, path: str) -> Any:
    request = urllib.request.Request(
        f"{server.url}/{path}", method=method, headers={"Authorization": f"token {server.token}"}
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        body = response.read()
    return json.loads(body) if body else None


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + TIMEOUT
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/api", timeout=5).close()
            return
        except urllib.error.HTTPError:
            return  # it answers, if only to ask for the token
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-4000:]}")
