"""The central server as a process of its own: started, stopped, killed, started again. Not a fixture itself."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.tokens import make_token

PREFIX = "/services/tos-guard/"


class Process:
    """One replica.

    Its log goes to a file, in which the port stands that it took.
    """

    def __init__(self, folder: Path, database_url: str, *options: str, name: str = "a") -> None:
        self._folder = folder
        self._command = [
            sys.executable,
            "-m",
            "jupyter_tos_guard.cli",
            "central",
            "serve",
            "--bind=http://127.0.0.1:0",
            f"--state={folder / 'state'}",
            f"--database={database_url}",
            *options,
        ]
        self.log = folder / f"service-{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> Process:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "JUPYTER_CONFIG_DIR": str(self._folder / "jupyter"),
            "JUPYTER_PLATFORM_DIRS": "1",
        }
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                self._command, stdout=output, stderr=output, env=environment, cwd=self._folder
            )
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            found = re.search(r"Listening at (\S+)", self.log.read_text(errors="replace"))
            if found:
                self.url = found[1]
                return self
            assert self._process.poll() is None, self.log.read_text(errors="replace")
            time.sleep(0.05)
        raise AssertionError(self.log.read_text(errors="replace"))

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()


def token_for(database_url: str, user: str, *scopes: str) -> str:
    """Make a token in the database of a service."""
    database = Database(database_url)
    try:
        with database.transaction() as session:
            return make_token(session, user, scopes, time.time())
    finally:
        database.close()


def client(url: str, token: str) -> httpx.Client:
    """Return an HTTP client for one user."""
    return httpx.Client(
        base_url=url, headers={"Authorization": f"token {token}"}, timeout=60, trust_env=False
    )
