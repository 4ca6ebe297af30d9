"""What the guard does to requests of a real kernel."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from jupyter_tos_guard.gate.notice import MIME_TYPE, SENTENCE
from jupyter_tos_guard.strikes.strike import Action

from .conftest import Outcome, Session, Start

BLOCKED = "import tosblocked"
WARNED = "import toswarned"
OBSERVED = "import tosobserved"


def digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


def ran(kernel: Session, name: str) -> bool:
    """Whether a cell has set ``name``; unsets it."""
    outcome = kernel.run(f"print(globals().pop({name!r}, None) is not None)")
    assert outcome.text in ("True\n", "False\n")
    return outcome.text == "True\n"


def test_a_blocked_cell_does_not_run_even_in_part(kernel: Session) -> None:
    assert kernel.run(f"part = 1\n{BLOCKED}").refused
    assert not ran(kernel, "part")


def test_the_refusal_is_a_proper_error(kernel: Session) -> None:
    outcome = kernel.run(f"part = 1\n{BLOCKED}")
    reply = outcome.reply
    assert reply["evalue"] == "Clause 3.1 (Forbidden tests), line 2, column 1"
    assert SENTENCE in reply["traceback"]
    assert len(reply["traceback"]) == 2
    (error,) = outcome.of("error")
    assert error == {name: reply[name] for name in ("ename", "evalue", "traceback")}
    assert (reply["user_expressions"], reply["payload"]) == ({}, [])


def test_the_notice_comes_in_three_forms(kernel: Session) -> None:
    (display,) = kernel.run(BLOCKED).of("display_data")
    assert set(display["data"]) == {MIME_TYPE, "text/html", "text/plain"}
    assert all(SENTENCE in display["data"][form] for form in ("text/html", "text/plain"))
    assert display["data"][MIME_TYPE]["findings"][0]["clause"]["number"] == "3.1"


def test_messages_come_in_the_order_of_any_error(kernel: Session) -> None:
    kinds = [kind for kind, _ in kernel.run(BLOCKED).messages]
    assert kinds == ["status", "execute_input", "display_data", "error", "status"]


def test_numbering_goes_on_as_after_any_error(kernel: Session) -> None:
    before = kernel.run("1").reply["execution_count"]
    refused = kernel.run(BLOCKED)
    assert refused.reply["execution_count"] == before + 1
    assert refused.of("execute_input")[0]["execution_count"] == before + 1
    after = kernel.run("print(In[-2]); print(len(In))")
    assert after.reply["execution_count"] == before + 2
    assert after.text == f"{BLOCKED}\n{before + 3}\n"


@pytest.mark.parametrize(
    "request_fields",
    [
        {"silent": True},
        {"store_history": False},
        {"silent": True, "store_history": True},
        {"stop_on_error": True},
        {"metadata": {"cellId": "x", "tos_guard": {"acknowledge": True}}},
        {"metadata": {"tos_guard": "acknowledge"}},
        {"user_expressions": {"x": "1"}},
    ],
    ids=str,
)
def test_no_kind_of_request_gets_around(kernel: Session, request_fields: dict[str, Any]) -> None:
    before = kernel.run("1").reply["execution_count"]
    assert kernel.run(f"part = 1\n{BLOCKED}", **request_fields).refused
    assert not ran(kernel, "part")
    counted = request_fields.get(
        "store_history", not request_fields.get("silent")
    ) and not request_fields.get("silent")
    assert kernel.run("1").reply["execution_count"] == before + (3 if counted else 2)


def test_control_channel(kernel: Session) -> None:
    assert kernel.run(f"part = 1\n{BLOCKED}", "control").refused
    assert not ran(kernel, "part")


def test_user_expressions(kernel: Session) -> None:
    source = "__import__('tosblocked')"
    outcome = kernel.run("part = 1", user_expressions={"honest": "1", "<b>x": source})
    assert outcome.refused
    assert "user_expressions['<b>x']" in outcome.reply["evalue"]
    assert not ran(kernel, "part")


def test_subshell(kernel: Session) -> None:
    subshell = kernel.control("create_subshell_request", {})["subshell_id"]
    try:
        assert kernel.run(f"part = 1\n{BLOCKED}", subshell_id=subshell).refused
        assert kernel.run("print(3)", subshell_id=subshell).text == "3\n"
    finally:
        kernel.control("delete_subshell_request", {"subshell_id": subshell})
    assert not ran(kernel, "part")


@pytest.mark.parametrize(
    "line", ["%run {}", "run {}", "%time %run {}", "%run -i '{}'", 'path = r"{}"\n%run $path']
)
def test_run_magic_is_judged_by_the_file(kernel: Session, tmp_path: Path, line: str) -> None:
    file = tmp_path / "honest name.py" if "'" in line else tmp_path / "honest.py"
    file.write_text(f"part = 1\n{BLOCKED}\n")
    if "$path" in line:
        kernel.run(line.format(file).split("\n")[0])
        line = "%run $path"
    outcome = kernel.run(line.format(file))
    assert outcome.refused
    assert "line 2" in outcome.reply["evalue"]
    assert not ran(kernel, "part")


def test_run_magic_of_a_notebook(kernel: Session, tmp_path: Path) -> None:
    cells = [{"cell_type": "code", "source": [f"{BLOCKED}\n"]}, {"cell_type": "markdown", "source": "x"}]
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": cells}))
    assert kernel.run(f"%run {tmp_path / 'n.ipynb'}").refused


def test_run_magic_of_a_pipe_does_not_hang_the_decision(kernel: Session, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    assert kernel.run(f"# %run {tmp_path / 'pipe.py'}").reply["status"] == "ok"
    assert kernel.run(f"if 0:\n    %run {tmp_path / 'pipe.py'}").reply["status"] == "ok"


def test_code_that_a_cell_runs_as_a_cell(kernel: Session) -> None:
    outcome = kernel.run(
        "x = 'part = 1; im' + input.__name__[:0] + 'port tosblocked'\nget_ipython().run_cell(x)\nlater = 1"
    )
    assert outcome.refused
    assert not ran(kernel, "part")
    assert not ran(kernel, "later")


def test_a_cell_from_the_history(kernel: Session) -> None:
    number = kernel.run(f"part = 1\n{BLOCKED}").reply["execution_count"]
    assert kernel.run(f"%rerun {number}").refused
    assert not ran(kernel, "part")


def test_debugger_evaluation(kernel: Session) -> None:
    for arguments in (
        {"expression": "__import__('tosblocked')"},
        {"breakpoints": [{"condition": "__import__('tosblocked')"}]},
    ):
        reply = kernel.control(
            "debug_request", {"type": "request", "seq": 7, "command": "evaluate", "arguments": arguments}
        )
        assert (reply["success"], reply["request_seq"]) == (False, 7)
        assert "DisallowedCodeError" in reply["message"]


def test_run_all_stops(kernel: Session, tmp_path: Path) -> None:
    sent = tmp_path / "sent"  # a kernel aborts what has reached it: so it begins when all has been sent
    first = f"import pathlib, time\nwhile not pathlib.Path({str(sent)!r}).exists(): time.sleep(0.01)"
    requests = [kernel.send(source, stop_on_error=True) for source in (first, BLOCKED, "after = 1")]
    sent.touch()
    replies = [kernel.client.get_shell_msg(timeout=30)["content"]["status"] for _ in requests]
    assert replies == ["ok", "error", "aborted"]
    kernel.published(requests[-1])
    assert not ran(kernel, "after")


def test_a_warned_cell_does_not_run(kernel: Session) -> None:
    outcome = kernel.run(f"part = 1\n{WARNED}")
    assert outcome.refused
    assert outcome.of("display_data")[0]["data"][MIME_TYPE]["run_anyway"]["magic"] == "%tos run"
    assert not ran(kernel, "part")


def runs_anyway(kernel: Session, outcome: Outcome, source: str) -> bool:
    strike = [strike for strike in kernel.strikes if strike.cell_digest == digest(source)][-1]
    return outcome.reply.get("ename") == "ModuleNotFoundError" and strike.action is Action.ACKNOWLEDGE


def test_tos_run_runs_the_warned_cell_as_it_is(kernel: Session) -> None:
    source = f"import asyncio; await asyncio.sleep(0)\nparted = 1\n{WARNED}"
    kernel.run(source)
    assert runs_anyway(kernel, kernel.run("%tos run"), source)
    assert kernel.run("print(parted); del parted; print(In[-2])").text == f"1\n{source}\n"


def test_tos_run_after_a_block_does_not_reach_back_to_an_older_warned_cell(kernel: Session) -> None:
    kernel.run(f"parted = 4\n{WARNED}")
    assert kernel.run(BLOCKED).refused
    assert "There is no cell to run" in kernel.run("%tos run").text
    assert not ran(kernel, "parted")


def test_tos_run_on_top_runs_the_cell(kernel: Session) -> None:
    source = f"parted = 2\n{WARNED}"
    assert runs_anyway(kernel, kernel.run(f"%%tos run\n{source}"), source)
    assert kernel.run("print(parted); del parted").text == "2\n"


def test_a_request_may_acknowledge_what_the_user_was_asked_about(kernel: Session) -> None:
    source = f"parted = 3\n{WARNED}"
    metadata = {"tos_guard": {"acknowledge": digest(source)}}
    # A notebook file may hold this, and front ends send it along: nobody was asked yet.
    assert kernel.run(source, metadata=metadata).refused
    assert not ran(kernel, "parted")
    assert runs_anyway(kernel, kernel.run(source, metadata=metadata), source)
    assert kernel.run("print(parted); del parted").text == "3\n"


@pytest.mark.parametrize("ours", [{"acknowledge": "*"}, {"acknowledge": "*", "request": ""}], ids=str)
def test_a_request_cannot_acknowledge_whatever_it_holds(kernel: Session, ours: dict[str, str]) -> None:
    assert kernel.run(f"parted = 5\n{WARNED}", metadata={"tos_guard": ours}).refused
    assert not ran(kernel, "parted")


@pytest.mark.parametrize("source", [f"%%tos run\n{BLOCKED}", f"{BLOCKED} #"])
def test_a_block_cannot_be_acknowledged(kernel: Session, source: str) -> None:
    assert kernel.run(source, metadata={"tos_guard": {"acknowledge": digest(source)}}).refused
    assert kernel.run(BLOCKED).refused


@pytest.mark.parametrize("separator", ["\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_nothing_hides_behind_a_tos_line(kernel: Session, separator: str) -> None:
    kernel.run(f"%tos check x{separator}part = 1{separator}{BLOCKED}")
    assert not ran(kernel, "part")


@pytest.mark.parametrize("separator", ["\r", "\v", "\f", "\x1c", "\x85", "\u2028"])
def test_nothing_hides_behind_a_line_break_that_only_ipython_sees(kernel: Session, separator: str) -> None:
    for magic in ("%tos check x", "%pwd x", "%env A=1"):
        assert kernel.run(f"{magic}{separator}%time import tosblocked").refused


def test_a_tos_line_evaluates_nothing(kernel: Session) -> None:
    kernel.run("%tos check {globals().update(part=1)} $(touch part)")
    assert not ran(kernel, "part")
    assert not (kernel.folder / "part").exists()


@pytest.mark.parametrize(
    "line", ["%tos status", "%tos terms", "%tos strikes", "%tos help", "%tos", "%tos nonsense", "%tos?"]
)
def test_tos_lines_are_answered(kernel: Session, line: str) -> None:
    assert kernel.run(line).reply["status"] == "ok"


def test_asking_earns_no_strike(kernel: Session) -> None:
    before = kernel.strikes
    assert "would not be run" in kernel.run(f"%tos check {BLOCKED}").text
    assert "Clause 3.1" in kernel.run(f"%%tos check\nx = 1\n{BLOCKED}").text
    assert "would run" in kernel.run("%tos check 1 + 1").text
    assert kernel.strikes == before


def test_a_replaced_tos_magic_is_not_exempt(start: Start) -> None:
    kernel = start()
    kernel.run(
        "get_ipython().register_magic_function(lambda line: get_ipython().ex(line[6:]), 'line', 'tos')"
    )
    kernel.run(f"%tos check {BLOCKED}; part = 1")
    assert not ran(kernel, "part")


def test_an_observed_cell_runs_and_is_recorded_in_silence(kernel: Session) -> None:
    outcome = kernel.run(f"try: {OBSERVED}\nexcept ImportError: print('ran')")
    assert outcome.text == "ran\n"
    assert not outcome.of("display_data")
    assert kernel.strikes[-1].action is Action.OBSERVE


def test_strikes_say_who_where_what(start: Start) -> None:
    kernel = start(JUPYTERHUB_USER="ann", JUPYTERHUB_SERVER_NAME="gpu", JPY_SESSION_NAME="work/a.ipynb")
    request = kernel.send(f"x = 1\n{BLOCKED}")
    kernel.collect(request)
    (strike,) = kernel.strikes
    assert (strike.user, strike.server, strike.notebook, strike.request) == (
        "ann",
        "gpu",
        "work/a.ipynb",
        request,
    )
    assert (strike.clause, strike.line, strike.policy_version) == ("testing", 2, "2026.11.1")
    assert (strike.evidence, strike.sensor) == (BLOCKED, "kernel")


@pytest.mark.parametrize(("setting", "evidence"), [("none", ""), ("cell", f"x = 1\n{BLOCKED}")])
def test_evidence_by_setting(start: Start, setting: str, evidence: str) -> None:
    kernel = start(JUPYTER_TOS_GUARD_EVIDENCE=setting)
    kernel.run(f"x = 1\n{BLOCKED}")
    assert [strike.evidence for strike in kernel.strikes] == [evidence]


def test_monitor_mode_shows_nothing(start: Start) -> None:
    kernel = start(JUPYTER_TOS_GUARD_MODE="monitor")
    outcome = kernel.run(BLOCKED)
    assert outcome.reply["ename"] == "ModuleNotFoundError"
    assert not outcome.of("display_data")
    assert [strike.action for strike in kernel.strikes] == [Action.OBSERVE]


def test_a_record_that_cannot_be_written_breaks_no_cell(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kernel = start(JUPYTER_TOS_GUARD_STRIKES=str(tmp_path / "file" / "strikes"))
    assert kernel.run(BLOCKED).refused
    assert kernel.run("print(1)").text == "1\n"
    assert "failed" in kernel.run("%tos status").text


def test_kill_9_between_decision_and_reply_keeps_the_strike(start: Start, tmp_path: Path) -> None:
    # The kernel is killed when the notice is about to be made: after the decision, before any message.
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util, os, sys\n"
        "class Killer:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'jupyter_tos_guard.gate.notice' and os.path.exists(os.environ['ARMED']):\n"
        f"            os.kill(os.getpid(), {int(signal.SIGKILL)})\n"
        "sys.meta_path.insert(0, Killer())\n"
    )
    kernel = start(
        PYTHONPATH=f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}", ARMED=str(tmp_path / "armed")
    )
    kernel.run("import sys; sys.modules.pop('jupyter_tos_guard.gate.notice', None)")
    (tmp_path / "armed").write_text("")
    kernel.send(BLOCKED)
    assert kernel.manager.provisioner is not None
    status = kernel.manager.provisioner.process.wait(30)
    assert status == -signal.SIGKILL
    assert [strike.action for strike in kernel.strikes] == [Action.BLOCK]


def test_an_interrupt_during_the_decision_is_answered(start: Start, tmp_path: Path) -> None:
    kernel = start()
    kernel.run(
        "import _thread\n"
        "gate = get_ipython().kernel._gate\n"
        "class Interrupted:\n"
        "    def check(self, *a, **k):\n"
        "        gate.guard = real; _thread.interrupt_main(); return real.check(*a, **k)\n"
        "    source = gate.guard.source\n"
        "real = gate.guard; gate.guard = Interrupted()"
    )
    assert kernel.run("part = 1").reply["ename"] == "KeyboardInterrupt"
    assert kernel.run("print(2)").text == "2\n"


def test_a_language_of_a_wrapper_kernel_is_kept_and_guarded(start: Start, tmp_path: Path) -> None:
    script = tmp_path / "echo.py"
    script.write_text(
        "from ipykernel.kernelapp import IPKernelApp\n"
        "from ipykernel.kernelbase import Kernel\n"
        "class Echo(Kernel):\n"
        "    implementation = 'echo'; implementation_version = '1'; banner = 'echo'\n"
        "    language_info = {'name': 'echo', 'mimetype': 'text/plain', 'file_extension': '.txt'}\n"
        "    def do_execute(self, code, silent, store_history=True, expressions=None, allow_stdin=False):\n"
        "        self.send_response(self.iopub_socket, 'stream', {'name': 'stdout', 'text': code})\n"
        "        return {'status': 'ok', 'execution_count': self.execution_count}\n"
        "IPKernelApp.launch_instance(kernel_class=Echo)\n"
    )
    import sys

    kernel = start(argv=[sys.executable, str(script)])
    assert (kernel.info()["implementation"], kernel.info()["tos_guard"]["state"]) == ("echo", "guarded")
    assert kernel.run("hello").text == "hello"
