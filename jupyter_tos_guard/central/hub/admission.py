"""Asks the central service whether somebody's server may start.

Only the question and the answer; what follows from it is :mod:`.spawning`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode


class Answer(NamedTuple):
    """What the central service says about one user.

    Attributes
    ----------
    allowed : bool
        Whether a server may start.
    message, message_html : str
        Why not, how long, and the way to appeal.
    cpu_only : bool
        Whether only profiles without accelerators are offered.
    level : str
        Standing, for the log.
    terms_missing : bool
        Whether the terms have to be accepted first.
    terms_version : str
    pages : str
        The service as a browser sees it; empty when it does not know.
    """

    allowed: bool
    message: str = ""
    message_html: str = ""
    cpu_only: bool = False
    level: str = "good"
    terms_missing: bool = False
    terms_version: str = ""
    pages: str = ""


class UnansweredError(Exception):
    """There was no answer that can be used; the text says why, for the log."""


class Admissions:
    """The central service, as the Hub asks it.

    Parameters
    ----------
    token : str
        The service's own token at the Hub.
    timeout : float
        Seconds that one question may take, with everything that is tried again.
    """

    #: Seconds between two tries while nobody listens: the service may just be restarting.
    PAUSE = 0.5

    def __init__(self, token: str, timeout: float) -> None:
        self._token = token
        self._timeout = timeout

    async def ask(self, base: str, user: str, groups: Iterable[str]) -> Answer:
        """Return what the service at ``base`` says about a user.

        Raises
        ------
        UnansweredError
        """
        query = urlencode({"groups": ",".join(groups)})
        url = f"{base}/api/v1/admission/{quote(user, safe='')}?{query}"
        return _answer(await self._fetch(url))

    async def _fetch(self, url: str) -> bytes:
        from tornado.httpclient import AsyncHTTPClient, HTTPClientError

        deadline = time.monotonic() + self._timeout
        while True:
            left = deadline - time.monotonic()
            try:
                response = await AsyncHTTPClient().fetch(
                    url,
                    headers={"Authorization": f"token {self._token}", "Accept": "application/json"},
                    connect_timeout=left,
                    request_timeout=left,
                    follow_redirects=False,
                )
            except HTTPClientError as error:
                problem = f"answered {error.code}" if error.code != 599 else "did not answer in time"
                if error.code in (401, 403):
                    problem += ": the Hub's token for it is not right. Is guard_hub called last?"
                retry = error.code in (429, 502, 503)
            except Exception as error:
                # No listener, a name that does not resolve, a broken connection: whatever it is, a
                # spawn must not fail of it with a traceback.
                problem, retry = f"cannot be reached: {error}", True
            else:
                return bytes(response.body)
            if not retry or deadline - time.monotonic() <= self.PAUSE:
                raise UnansweredError(f"{url.partition('/api/')[0]} {problem}")
            await asyncio.sleep(self.PAUSE)


def _answer(body: bytes) -> Answer:
    try:
        data: dict[str, Any] = json.loads(body)
        terms = data.get("terms") or {}
        if not isinstance(data["allowed"], bool):
            raise TypeError("allowed is neither true nor false")
        return Answer(
            data["allowed"],
            str(data.get("message") or ""),
            str(data.get("message_html") or ""),
            bool(data.get("cpu_only")),
            str(data.get("level") or "good"),
            bool(terms.get("required")),
            str(terms.get("version") or ""),
            str(terms.get("url") or ""),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnansweredError(f"its answer cannot be read: {type(error).__name__}: {error}") from None
