"""An allowed cell behaves byte for byte as without the guard."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.sync.conftest import eventually

from .conftest import TIMEOUT, Session, Start

CELLS = [
    "",
    "   \n",
    "# only a comment",
    "1 + 1",
    "x = 3; x",
    "print('out'); import sys; print('err', file=sys.stderr)",
    "1 / 0",
    "def f(:",
    "raise SystemExit",
    "raise KeyboardInterrupt",
    "def deep():\n    return {}['key']\ndeep()",
    "from IPython.display import display, HTML, clear_output\ndisplay(HTML('<b>x</b>'), display_id='a')",
    "display(HTML('<i>y</i>'), display_id='a', update=True)\nclear_output(wait=True)",
    "class R:\n    def _repr_mimebundle_(self, **kw): return {'text/plain': 'r', 'a/x': {'a': 1}}\nR()",
    "class B:\n    def __repr__(self): raise ValueError('no repr')\nB()",
    "import asyncio\nawait asyncio.sleep(0)\nx",
    "async def g():\n    await asyncio.sleep(0)\n    raise ValueError('async')\nawait g()",
    "%time y = 1",
    "%%capture out\nprint('captured')",
    "out.stdout",
    "%%timeit -n1 -r1\npass",
    "!echo shell",
    "files = !echo a b\nfiles",
    "len?",
    "%lsmagic_not_there",
    "%%nothing_like_that\nbody",
    "In[-1], _ , __name__, get_ipython().__class__.__name__",
    "import threading; t = threading.Thread(target=lambda: print('thread')); t.start(); t.join()",
    "%load_ext not_an_extension",
    "import warnings; warnings.warn('careful')",
    "%run -i /nowhere/at/all.py",
    "get_ipython().run_cell('z = 5; z')",
    "get_ipython().set_next_input('next')",
    "import inspect; len(inspect.signature(get_ipython().run_cell).parameters)",
    "naïve = 'ünï ☃'; naïve",
]


@pytest.fixture(scope="module")
def pair(start: Start) -> tuple[Session, Session]:
    return start(), start(bare=True)


def trace(session: Session, source: str, **content: Any) -> list[Any]:
    outcome = session.run(source, **content)
    return [neutral(("reply", outcome.reply)), *(neutral(message) for message in outcome.messages)]


def neutral(value: Any) -> Any:
    """Without what differs between any two kernels: addresses, times, process and thread numbers."""
    if isinstance(value, dict):
        return {name: neutral(each) for name, each in value.items() if name not in ("engine_uuid", "started")}
    if isinstance(value, (list, tuple)):
        return [neutral(each) for each in value]
    if isinstance(value, str):
        value = re.sub(r"0x[0-9a-f]+|\bat [0-9a-f]{8,}", "0x", value)
        value = re.sub(r"ipykernel_\d+/\d+", "ipykernel_N", value)
        value = re.sub(r"[\d.]+(?:e\+\d+)? (?:[nµμm]?s|us|min)\b", "T", value)
    return value


def merged(messages: list[Any]) -> list[Any]:
    """Text of neighbouring stream messages together: where a flush falls is chance in any kernel."""
    found: list[Any] = []
    for kind, content in messages:
        if (
            kind == "stream"
            and found
            and found[-1][0] == "stream"
            and found[-1][1]["name"] == content["name"]
        ):
            found[-1][1]["text"] += content["text"]
        else:
            found.append([kind, content])
    return found


@pytest.mark.parametrize("source", CELLS)
def test_same_messages_in_the_same_order(pair: tuple[Session, Session], source: str) -> None:
    ours, theirs = (merged(trace(session, source)) for session in pair)
    assert ours == theirs


@pytest.mark.parametrize(
    "content",
    [{"silent": True}, {"store_history": False}, {"user_expressions": {"a": "x + 1", "b": "nope", "c": 3}}],
    ids=str,
)
def test_same_answers_to_other_requests(pair: tuple[Session, Session], content: dict[str, Any]) -> None:
    ours, theirs = (merged(trace(session, "x = 3; x", **content)) for session in pair)
    assert ours == theirs


@pytest.mark.parametrize("source", [None, 3, ["print(1)"], {"a": 1}])
def test_same_answers_to_what_is_no_code(pair: tuple[Session, Session], source: Any) -> None:
    replies = []
    for session in pair:
        session.published(session.send(source))
        replies.append(neutral(session.run("1").reply))
    assert replies[0] == replies[1]


def test_input_is_asked_for_and_answered(pair: tuple[Session, Session]) -> None:
    traces = []
    for session in pair:
        request = session.send("input('name? ') + '!'", allow_stdin=True)
        prompt = session.client.get_stdin_msg(timeout=TIMEOUT)["content"]
        session.client.input("ann")
        outcome = session.collect(request)
        traces.append((prompt, neutral(outcome.reply), merged([neutral(m) for m in outcome.messages])))
    assert traces[0] == traces[1]


# Not with ``await``: ipykernel 7.4 itself does not answer an interrupt there.
def test_interrupts_interrupt(pair: tuple[Session, Session], tmp_path: Path) -> None:
    traces = []
    # Said by a file: an interrupt that arrives while output is being sent hits ipykernel's own code.
    sleeping = tmp_path / "sleeping"
    source = f"import pathlib, time\npathlib.Path({str(sleeping)!r}).touch()\ntime.sleep(60)"
    for session in pair:
        request = session.send(source)
        eventually(sleeping.exists)
        sleeping.unlink()
        session.manager.interrupt_kernel()
        reply = session.collect(request).reply
        traces.append({name: reply[name] for name in ("status", "ename", "evalue", "execution_count")})
    assert traces[0] == traces[1]
    assert traces[0]["ename"] == "KeyboardInterrupt"


def test_comms_open_and_answer(pair: tuple[Session, Session]) -> None:
    source = (
        "from comm import create_comm, get_comm_manager\n"
        "def opened(comm, message):\n"
        "    comm.on_msg(lambda message: comm.send({'echo': message['content']['data']}))\n"
        "get_comm_manager().register_target('t', opened)"
    )
    traces = []
    for session in pair:
        trace(session, source)
        for kind, content in (
            ("comm_open", {"comm_id": "c", "target_name": "t", "data": {}}),
            ("comm_msg", {"comm_id": "c", "data": 5}),
        ):
            message = session.client.session.msg(kind, content)
            session.client.shell_channel.send(message)
        while (answer := session.client.get_iopub_msg(timeout=TIMEOUT))["msg_type"] != "comm_msg":
            pass
        traces.append(answer["content"])
    assert traces[0] == traces[1]
    assert traces[0]["data"] == {"echo": 5}


def test_completion_inspection_history_are_untouched(pair: tuple[Session, Session]) -> None:
    answers = []
    for session in pair:
        client = session.client
        for request in (
            client.complete("x.bit_l", 7),
            client.inspect("len", 3),
            client.is_complete("for x in y:"),
            client.history(hist_access_type="tail", n=2),
        ):
            reply = client.get_shell_msg(timeout=TIMEOUT)
            while reply["parent_header"].get("msg_id") != request:
                reply = client.get_shell_msg(timeout=TIMEOUT)
            answers.append(neutral(reply["content"]))
    half = len(answers) // 2
    assert answers[: half - 1] == answers[half:-1]
    assert [entry[2] for entry in answers[half - 1]["history"]] == [
        entry[2] for entry in answers[-1]["history"]
    ]
