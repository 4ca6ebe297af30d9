"""Stands in for the central service where a test is about the Hub's side only.

Started by the Hub as the real one is. Answers admission questions from ``answers.json`` in its working
folder and notes each question in ``questions.jsonl``. Not a test.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tornado.web import Application, RequestHandler


class Admission(RequestHandler):
    def get(self, user: str) -> None:
        if self.request.headers.get("Authorization") != f"token {os.environ['JUPYTERHUB_API_TOKEN']}":
            self.send_error(403)
            return
        with open("questions.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps({"user": user, "groups": self.get_query_argument("groups")}) + "\n")
        path = Path("answers.json")
        answers: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
        answer = answers.get(user, {"allowed": True})
        if answer == "garbage":
            self.write("<html>")
        elif answer == "error":
            self.send_error(500)
        else:
            self.write(answer)


class Health(RequestHandler):
    def get(self) -> None:
        self.write({"pid": os.getpid()})


async def main() -> None:
    prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
    url = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    Application([(prefix + "api/v1/admission/([^/]+)", Admission), (prefix + "health", Health)]).listen(
        url.port or 80, "127.0.0.1"
    )
    stopping = asyncio.Event()
    # The Hub's way to stop it; said, since a shell that puts the tests into the background has it ignored.
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stopping.set)
    await stopping.wait()


if __name__ == "__main__":
    asyncio.run(main())
