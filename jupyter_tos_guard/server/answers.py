"""What a kernel would have said: the answers to requests that are not passed on.

Pure: a request in, the messages of its answer out, in the order of a
kernel's. Who gets them is the :mod:`.kernel_gate`'s part.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from jupyter_tos_guard.server.encoding import Json, Message, now

ERROR_NAME = "DisallowedCodeError"


class Answer(NamedTuple):
    """One message of an answer; ``everyone``: all clients of the kernel get it, not only who asked."""

    kind: str
    content: Json
    everyone: bool = True
    metadata: Mapping[str, Any] = MappingProxyType({})


def refusal(
    message: Message, notice: Json | None, value: str, traceback: list[str], count: int
) -> list[Answer]:
    """Return the answer to a request of which nothing ran, as after an error in its first line.

    Parameters
    ----------
    message : Message
    notice : dict or None
        MIME bundle; None when there is none to show.
    value : str
        ``evalue``.
    traceback : list of str
    count : int
        ``execution_count`` that the kernel would have given.
    """
    error: dict[str, Any] = {"ename": ERROR_NAME, "evalue": value, "traceback": traceback}
    answers = [_status("busy")]
    if not message.silent:
        answers.append(Answer("execute_input", {"code": message.code, "execution_count": count}))
    if notice is not None:
        answers.append(Answer("display_data", {"data": notice, "metadata": {}, "transient": {}}))
    answers.append(Answer("error", error))
    content = {
        "status": "error",
        **error,
        "execution_count": count,
        "user_expressions": {},
        "payload": [],
    }
    metadata = {"started": now(), "dependencies_met": True, "status": "error"}
    return [*answers, Answer("execute_reply", content, False, metadata), _status("idle")]


def unguarded(why: str) -> tuple[str, list[str]]:
    """Return ``evalue`` and traceback where nothing is to run without somebody deciding."""
    value = f"cells do not run on this hub while its guard does not work: {why}"
    return value, [f"{ERROR_NAME}: {value}"]


def aborted() -> list[Answer]:
    """Return the answer to a request that was queued behind one that failed."""
    metadata = {"started": now(), "status": "aborted"}
    return [
        _status("busy"),
        Answer("execute_reply", {"status": "aborted"}, False, metadata),
        _status("idle"),
    ]


def _status(state: str) -> Answer:
    return Answer("status", {"execution_state": state})
