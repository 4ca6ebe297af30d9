"""A real JupyterHub for tests: its proxy, its single-user servers, their kernels. Not a test."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx
import websocket

from tests.ports import free_port

T = TypeVar("T")
BROWSER = Path(__file__).parents[1] / "browser"
PROXY = BROWSER / "node_modules" / ".bin" / "configurable-http-proxy"
SINGLEUSER = Path(sys.executable).parent / "jupyterhub-singleuser"
SERVER_CONFIG = Path(__file__).parents[2] / "jupyter-config" / "server-config"
DEADLINE = 60.0

#: What every hub of the tests has; ``{…}`` are filled in. The operator's lines come after it.
BASE = """
c.JupyterHub.bind_url = "http://127.0.0.1:{port}{base_url}"
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = ["{proxy}"]
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {{"ada"}}
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/home/{{username}}"
c.Spawner.cmd = ["{singleuser}"]
c.Spawner.args = ["--allow-root"]
c.Spawner.http_timeout = 60
c.Spawner.environment = {{"JUPYTER_CONFIG_PATH": "{folder}/jupyter/shared"}}
c.JupyterHub.services = [{{"name": "tests", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [{{
    "name": "tests", "services": ["tests"],
    "scopes": ["admin:users", "admin:servers", "admin:groups", "tokens", "read:services", "list:services",
               "access:servers"],
}}]
"""


def install_from_npm() -> None:
    """Bring what package-lock.json names, once, whoever of several processes comes first."""
    with open(BROWSER / ".install.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = BROWSER / "node_modules" / ".package-lock.json"
        if done.exists() and done.stat().st_mtime >= (BROWSER / "package-lock.json").stat().st_mtime:
            return
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=BROWSER, check=True, timeout=300)
        done.touch()


def wait_for(question: Callable[[], T], what: str, seconds: float = DEADLINE) -> T:
    """Ask until there is an answer that is true."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.1)


class RealHub:
    """JupyterHub with an operator's configuration, in a folder of its own."""

    def __init__(
        self,
        folder: Path,
        config: str,
        base_url: str = "/",
        variables: Mapping[str, str] | None = None,
        port: int = 0,
    ) -> None:
        self.folder = folder
        self.variables = dict(variables or {})
        self.token = secrets.token_hex(16)
        self.base_url = base_url
        self.port, self.service_port = port or free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder / "jupyterhub_config.py"
        (folder / "home").mkdir()
        # What the wheel drops, which an editable installation may not have dropped yet.
        shutil.copytree(SERVER_CONFIG, folder / "jupyter" / "shared" / "jupyter_server_config.d")
        self.config.write_text(
            BASE.format(
                port=self.port,
                hub_port=free_port(),
                proxy_port=free_port(),
                proxy=PROXY,
                singleuser=SINGLEUSER,
                folder=folder,
                token=self.token,
                base_url=base_url,
            )
            + config.replace("SERVICE_PORT", str(self.service_port))
            .replace("PROXY_PORT", str(self.port))
            .replace("FOLDER", str(folder)),
            encoding="utf-8",
        )
        self.log_path = folder / "hub.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    @property
    def service_url(self) -> str:
        """Of the central service, through the proxy."""
        return f"{self.url}{self.base_url}services/tos-guard"

    def environ(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("JUPYTER", "TOS_GUARD", "IPYTHON", "CONFIGPROXY"))
        }
        own = self.folder / "jupyter"
        return {
            **kept,
            "HOME": str(self.folder / "home"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "JUPYTER_CONFIG_DIR": str(own / "config"),
            "JUPYTER_DATA_DIR": str(own / "data"),
            "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
            "IPYTHONDIR": str(own / "ipython"),
            **self.variables,
        }

    def start(self) -> RealHub:
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(self.config)],
                cwd=self.folder,
                env=self.environ(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self._up, "the hub to come up")
        return self

    def _up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the hub ended:\n{self.log[-5000:]}"
        try:
            return httpx.get(f"{self.url}{self.base_url}hub/api/", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Stop the hub with its servers and its service, as an operator does."""
        if self.process is None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)
        self.process = None
        # A hub that ended by itself leaves its proxy behind.
        left = self.folder / "jupyterhub-proxy.pid"
        if left.exists():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(left.read_text().split()[0]), signal.SIGTERM)

    def restart(self) -> None:
        self.stop()
        self.start()

    def api(self, method: str, path: str, body: object = None, token: str = "", ok: bool = True) -> Any:
        response = httpx.request(
            method,
            f"{self.url}{self.base_url}hub/api{path}",
            headers={"Authorization": f"token {token or self.token}"},
            json=body,
            timeout=60,
        )
        if ok:
            assert response.status_code < 400, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def browser(self, user: str) -> httpx.Client:
        """A browser in which that user is logged in."""
        client = httpx.Client(
            base_url=self.url + self.base_url,
            follow_redirects=True,
            timeout=60,
            headers={"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin", "Accept": "text/html"},
        )
        login = f"hub/login?next={self.base_url}hub/home"  # not to the server, which would be started
        client.get(login)
        form = {"username": user, "password": "x", "_xsrf": xsrf(client, "hub/")}
        client.post(login, data=form).raise_for_status()
        assert any(cookie.name.startswith("jupyterhub-hub-login") for cookie in client.cookies.jar)
        return client

    def spawn(self, browser: httpx.Client) -> httpx.Response:
        """What the user sees who presses Start."""
        return browser.get("hub/spawn")

    def server_ready(self, user: str) -> bool:
        servers = self.api("GET", f"/users/{user}")["servers"]
        return bool(servers.get("", {}).get("ready"))

    def start_server(self, user: str) -> None:
        """Start a server and wait until it answers."""
        self.api("POST", f"/users/{user}", ok=False)  # 409: known already
        self.api("POST", f"/users/{user}/server", {})
        wait_for(lambda: self.server_ready(user), f"the server of {user}")

    def stop_server(self, user: str) -> None:
        self.api("DELETE", f"/users/{user}/server")
        wait_for(lambda: not self.api("GET", f"/users/{user}")["servers"], f"the server of {user} to stop")

    def user_token(self, user: str) -> str:
        """A token that may do what the user may."""
        self.api("POST", f"/users/{user}", ok=False)  # 409: known already
        return str(self.api("POST", f"/users/{user}/tokens", {"note": "test"})["token"])

    @contextlib.contextmanager
    def kernel(self, user: str) -> Iterator[Kernel]:
        """A kernel in the user's server."""
        base = f"{self.url}{self.base_url}user/{user}"
        headers = {"Authorization": f"token {self.user_token(user)}"}
        response = httpx.post(f"{base}/api/kernels", headers=headers, json={}, timeout=60)
        response.raise_for_status()
        kernel_id = response.json()["id"]
        address = f"{base.replace('http', 'ws', 1)}/api/kernels/{kernel_id}/channels"
        socket = websocket.create_connection(address, header=headers, timeout=60)
        try:
            yield Kernel(socket, kernel_id)
        finally:
            socket.close()
            httpx.delete(f"{base}/api/kernels/{kernel_id}", headers=headers, timeout=60)


class Kernel:
    """A kernel, as a notebook page talks to it."""

    def __init__(self, connection: websocket.WebSocket, kernel_id: str) -> None:
        self.id = kernel_id
        self._socket = connection
        self._session = uuid.uuid4().hex

    def run(self, code: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Run a cell; return its reply and what was shown."""
        request = uuid.uuid4().hex
        header = {"msg_id": request, "msg_type": "execute_request", "session": self._session, "username": ""}
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
        content |= {"allow_stdin": False, "stop_on_error": True}
        message = {"header": header | {"version": "5.3", "date": ""}, "parent_header": {}, "metadata": {}}
        self._socket.send(json.dumps(message | {"content": content, "channel": "shell", "buffers": []}))
        reply: dict[str, Any] = {}
        shown: list[dict[str, Any]] = []
        idle = False
        while not (reply and idle):
            received = json.loads(self._socket.recv())
            if received["parent_header"].get("msg_id") != request:
                continue
            if received["msg_type"] == "execute_reply":
                reply = received["content"]
            elif received["msg_type"] == "status":
                idle = received["content"]["execution_state"] == "idle"
            elif received["channel"] == "iopub":
                shown.append(received["content"])
        return reply, shown


def xsrf(client: httpx.Client, path: str) -> str:
    """The token that a form on a page below ``path`` sends along."""
    found = [
        c.value
        for c in client.cookies.jar
        if c.name == "_xsrf" and c.path.rstrip("/").endswith(path.rstrip("/"))
    ]
    assert found, f"no _xsrf cookie for {path}: {list(client.cookies.jar)}"
    return str(found[0])


def text_of(html: str) -> str:
    """The words of a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<(script|style).*?</\1>", " ", html)).split())
