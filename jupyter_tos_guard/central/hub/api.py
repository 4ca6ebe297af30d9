"""The Hub's REST API, as far as the service uses it: who is active, stop a server."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple
from urllib.parse import quote

from tornado.httpclient import AsyncHTTPClient, HTTPClientError


class Server(NamedTuple):
    """One running single-user server. Times are seconds since the epoch.

    ``last_activity`` is when somebody last did something in it.
    """

    user: str
    name: str
    started: float
    last_activity: float


class HubError(Exception):
    """The Hub did not do what it was asked; the text says what and why, for the log."""


class HubApi:
    """The Hub, with the service's own token.

    Parameters
    ----------
    url : str
        ``http://127.0.0.1:8081/hub/api``.
    token : str
    """

    #: Users asked for at once; the Hub's own limit is 200 unless the operator changed it.
    PAGE = 200
    TIMEOUT = 30.0

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> HubApi | None:
        """Return the Hub that runs or knows this service, None when there is none."""
        url, token = environ.get("JUPYTERHUB_API_URL"), environ.get("JUPYTERHUB_API_TOKEN")
        return cls(url, token) if url and token else None

    async def servers(self) -> list[Server]:
        """Return all servers that run and are not about to stop.

        Raises
        ------
        HubError
        """
        found: list[Server] = []
        offset: int | None = 0
        while offset is not None:
            page = await self._request(
                "GET",
                f"/users?state=active&offset={offset}&limit={self.PAGE}",
                accept="application/jupyterhub-pagination+json",
            )
            try:
                for user in page["items"]:
                    found += _servers(user)
                following = page["_pagination"]["next"]
                offset = int(following["offset"]) if following else None
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise HubError(f"the Hub's list of users cannot be read: {error!r}") from None
        return found

    async def stop(self, server: Server) -> None:
        """Stop a server.

        Raises
        ------
        HubError
        """
        path = f"/users/{quote(server.user, safe='')}"
        path += f"/servers/{quote(server.name, safe='')}" if server.name else "/server"
        await self._request("DELETE", path)

    async def _request(self, method: str, path: str, accept: str = "application/json") -> Any:
        try:
            response = await AsyncHTTPClient().fetch(
                self._url + path,
                method=method,
                headers={"Authorization": f"token {self._token}", "Accept": accept},
                request_timeout=self.TIMEOUT,
                follow_redirects=False,
            )
            return json.loads(response.body) if response.body else None
        except HTTPClientError as error:
            missing = " (the service has not the scopes that guard_hub gives it)" if error.code == 403 else ""
            raise HubError(f"the Hub answered {error.code} to {method} {path}{missing}") from None
        except (OSError, ValueError) as error:
            raise HubError(f"the Hub cannot be asked {method} {path}: {error}") from None


def _servers(user: Mapping[str, Any]) -> list[Server]:
    return [
        Server(str(user["name"]), str(name), _time(model.get("started")), _time(model.get("last_activity")))
        for name, model in (user.get("servers") or {}).items()
        if model.get("ready") and not model.get("pending")
    ]


def _time(text: str | None) -> float:
    if not text:
        return 0.0
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
