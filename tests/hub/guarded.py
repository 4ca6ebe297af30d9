"""A guarded hub, as tests use it. Not a test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.hub.hubs import RealHub, xsrf


class Guarded:
    """A guarded hub, as its users and admins see it."""

    def __init__(self, hub: RealHub) -> None:
        self.hub = hub
        self._tokens: dict[str, str] = {}
        self._known: dict[str, httpx.Client] = {}

    def browser(self, user: str) -> httpx.Client:
        """A browser in which the user is logged in, to the Hub and so to the service."""
        if user not in self._known:
            self._known[user] = self.hub.browser(user)
        return self._known[user]

    def page(self, user: str, path: str) -> httpx.Response:
        """A page of the service in the user's browser."""
        return self.browser(user).get(f"services/tos-guard/{path}")

    def post(self, user: str, path: str, **fields: str) -> httpx.Response:
        """A form of a page, sent."""
        browser = self.browser(user)
        browser.get(f"services/tos-guard/{path}")
        fields["_xsrf"] = xsrf(browser, "services/tos-guard")
        response = browser.post(f"services/tos-guard/{path}", data=fields)
        assert response.status_code == 200, response.text
        return response

    def api(self, user: str, method: str, path: str, body: object = None) -> httpx.Response:
        """The service's API with a token of the user's own."""
        if user not in self._tokens:
            self._tokens[user] = self.hub.user_token(user)
        return httpx.request(
            method,
            f"{self.hub.service_url}/api/v1/{path}",
            headers={"Authorization": f"token {self._tokens[user]}"},
            json=body,
            timeout=60,
        )

    def strikes(self, user: str) -> list[dict[str, Any]]:
        response = self.api(user, "GET", "strikes")
        assert response.status_code == 200, response.text
        return list(response.json()["strikes"])

    def publish(self, folder: Path, *options: str) -> str:
        """What an operator does at the command line of the Hub's machine."""
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "jupyter_tos_guard.cli",
                "central",
                "publish",
                str(folder),
                "--state=tos_guard_central",
                *options,
            ],
            cwd=self.hub.folder,
            env=self.hub.environ(),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
