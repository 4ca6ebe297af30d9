"""The gate in a real Jupyter server, seen from plain websocket clients in both encodings."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from jupyter_tos_guard.gate.notice import MIME_TYPE as MIME
from jupyter_tos_guard.inspection.digests import exact_digest
from jupyter_tos_guard.server.encoding import join
from tests.server.conftest import PARTS, Client, Server


@pytest.fixture(scope="module", params=[False, True], ids=["json", "v1"])
def v1(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def bare(server: Server) -> str:
    """A Python kernel without our hook."""
    (server.folder / "toswarned.py").touch()
    return server.start_kernel("bare")


@pytest.fixture
def client(server: Server, bare: str, v1: bool) -> Client:
    return server.connect(bare, v1)


def test_a_cell_that_is_allowed_runs(client: Client) -> None:
    outcome = client.run("print(6 * 7)")
    assert outcome.text == "42\n"
    assert outcome.reply["status"] == "ok"


def test_a_refused_cell_is_answered_as_a_failed_one_complete_and_in_order(client: Client) -> None:
    before = client.run("1").reply["execution_count"]
    outcome = client.run("import tosblocked")
    assert outcome.kinds == ["busy", "execute_input", "display_data", "error", "execute_reply", "idle"]
    assert outcome.refused
    assert outcome.reply["execution_count"] == before + 1
    assert {each["parent_header"]["session"] for each in outcome.messages} == {client.session}
    (notice,) = outcome.of("display_data")
    assert "application/vnd.jupyter-tos-guard.notice.v1+json" in notice["data"]
    assert client.run("print('next')").text == "next\n"


def test_run_all_stops_at_a_refused_cell(client: Client) -> None:
    requests = [
        client.execute("import time; time.sleep(0.5); print('first')"),
        client.execute("import tosblocked"),
        client.execute("print('third')"),
        client.execute("print('fourth')"),
    ]
    first, refused, third, fourth = client.collect(*requests)
    assert first.text == "first\n"
    assert refused.refused
    assert third.reply == fourth.reply == {"status": "aborted"}
    assert third.kinds == ["busy", "execute_reply", "idle"]
    replies = [
        m["parent_header"]["msg_id"] for m in client.received if m["header"]["msg_type"] == "execute_reply"
    ]
    assert replies == requests
    assert client.run("print('again')").text == "again\n"


def test_cells_that_arrive_in_a_trickle_after_a_refused_one_are_aborted_too(client: Client) -> None:
    requests = [client.execute("import tosblocked")]
    for number in range(20):
        threading.Event().wait(0.005)  # a browser that is busy making the next request
        requests.append(client.execute(f"print({number})"))
    refused, *others = client.collect(*requests)
    assert refused.refused
    assert {each.reply["status"] for each in others} == {"aborted"}


def test_a_late_cell_that_was_made_before_the_refusal_was_sent_is_aborted(client: Client) -> None:
    late = client.message("execute_request", {"code": "print('late')"})
    refused = client.message("execute_request", {"code": "import tosblocked"})
    refused["header"]["date"], late["header"]["date"] = late["header"]["date"], refused["header"]["date"]
    assert client.collect(client.send(refused))[0].refused
    assert client.collect(client.send(late))[0].reply == {"status": "aborted"}
    assert client.run("print('next')").text == "next\n"


def test_a_refused_cell_that_does_not_stop_on_error_lets_the_next_run(client: Client) -> None:
    requests = [client.execute("import tosblocked", stop_on_error=False), client.execute("print('ran')")]
    refused, other = client.collect(*requests)
    assert refused.refused
    assert other.text == "ran\n"
    replies = [
        m["parent_header"]["msg_id"] for m in client.received if m["header"]["msg_type"] == "execute_reply"
    ]
    assert replies == requests


def test_a_refused_cell_behind_one_that_fails_is_aborted_and_not_recorded(
    server: Server, client: Client
) -> None:
    before = len(server.strikes)
    requests = [
        client.execute("import time; time.sleep(0.3); 1 / 0"),
        client.execute("import tosblocked"),
        client.execute("print('third')"),
    ]
    failed, aborted, third = client.collect(*requests)
    assert failed.reply["ename"] == "ZeroDivisionError"
    assert aborted.reply == third.reply == {"status": "aborted"}
    assert len(server.strikes) == before


def test_an_interrupt_ends_what_a_refusal_waits_for(server: Server, bare: str, client: Client) -> None:
    requests = [
        client.execute("import time; print('go'); time.sleep(60)"),
        client.execute("import tosblocked"),
    ]
    client.wait_for_output("go\n")
    assert server.request("POST", f"/api/kernels/{bare}/interrupt")[0] == 204
    interrupted, aborted = client.collect(*requests)
    assert interrupted.reply["ename"] == "KeyboardInterrupt"
    assert aborted.reply == {"status": "aborted"}
    assert client.run("print('next')").text == "next\n"


def test_other_clients_see_the_refusal_and_are_not_held_up(server: Server, bare: str, v1: bool) -> None:
    mine, other = server.connect(bare, v1), server.connect(bare, not v1)
    request = mine.execute("import tosblocked")
    others = other.execute("print('mine')")
    assert mine.collect(request)[0].refused
    assert other.collect(others)[0].text == "mine\n"
    other.wait_for(
        lambda m: (
            m["parent_header"].get("msg_id") == request and m["content"].get("execution_state") == "idle"
        )
    )
    assert other.outcome(request).kinds == ["busy", "execute_input", "display_data", "error", "idle"]


def test_a_client_that_comes_back_gets_the_refusal_that_it_waited_for(
    server: Server, bare: str, v1: bool
) -> None:
    gone, watching = server.connect(bare, v1), server.connect(bare, v1)
    first = gone.execute("import time; print('go'); time.sleep(1)")
    request = gone.execute("import tosblocked")
    behind = gone.execute("print('behind')")
    gone.wait_for_output("go\n")
    gone.close()
    back = server.connect(bare, v1, gone.session)
    refused, aborted = back.collect(request, behind)
    assert refused.refused
    assert aborted.reply == {"status": "aborted"}
    watching.wait_for(
        lambda m: m["parent_header"].get("msg_id") == first and m["content"].get("execution_state") == "idle"
    )


def test_what_a_client_sent_before_it_left_runs_without_it(server: Server, bare: str, v1: bool) -> None:
    gone, watching = server.connect(bare, v1), server.connect(bare, v1)
    gone.execute("import time; print('go'); time.sleep(1)")
    gone.execute("import tosblocked", stop_on_error=False)
    gone.wait_for_output("go\n")
    gone.execute("print('sent before')")  # behind the refusal, which waits for the first
    asked = gone.send(gone.message("kernel_info_request", {}), "control")
    gone.wait_for(lambda m: m["parent_header"].get("msg_id") == asked and m["channel"] == "control")
    gone.close()  # all of it has arrived
    watching.wait_for_output("sent before\n")
    assert "could not be let go" not in server.log


def test_a_restart_while_a_refusal_is_held_leaves_a_kernel_that_works(server: Server, v1: bool) -> None:
    kernel = server.start_kernel("bare")
    client = server.connect(kernel, v1)
    client.execute("import time; print('go'); time.sleep(60)")
    client.execute("import tosblocked")
    client.wait_for_output("go\n")
    assert server.request("POST", f"/api/kernels/{kernel}/restart")[0] == 200
    fresh = server.connect(kernel, v1)
    assert fresh.run("print('new')").text == "new\n"
    assert fresh.run("import tosblocked").reply["execution_count"] == 2


def test_a_restart_makes_the_gate_forget_the_session(server: Server, v1: bool) -> None:
    kernel = server.start_kernel("bare")
    client = server.connect(kernel, v1)
    client.run("name = 'tosblocked'")
    assert client.run("__import__(name)").refused
    server.request("POST", f"/api/kernels/{kernel}/restart")
    assert server.connect(kernel, v1).run("__import__(name)").reply["ename"] == "NameError"


@pytest.mark.parametrize("content", [{"silent": True}, {"store_history": False}, {"allow_stdin": True}])
def test_quiet_requests_are_refused_too(client: Client, content: dict[str, bool]) -> None:
    assert client.run("import tosblocked", **content).refused


def test_user_expressions_are_decided_about(client: Client) -> None:
    outcome = client.run("1", user_expressions={"a": "1", "b": "__import__('tosblocked')"})
    assert outcome.refused
    assert client.run("1", user_expressions={"a": "2 + 2"}).reply["user_expressions"]["a"]["data"]


def test_the_control_channel_is_no_way_around(client: Client) -> None:
    assert client.run("import tosblocked", "control").refused


def test_a_subshell_is_no_way_around_and_is_not_held_up_by_the_main_shell(client: Client) -> None:
    request = client.send(client.message("create_subshell_request", {}), "control")
    reply = client.wait_for(
        lambda m: m["parent_header"].get("msg_id") == request and m["header"]["msg_type"].endswith("_reply")
    )
    subshell = reply["content"]["subshell_id"]
    busy = client.execute("import time; print('go'); time.sleep(2)")
    client.wait_for_output("go\n")
    outcome = client.run("import tosblocked", subshell=subshell)
    assert outcome.refused
    assert outcome.reply is not None
    assert not client.outcome(busy).done
    client.collect(busy)


def test_a_warned_cell_runs_after_tos_run_and_is_recorded_as_acknowledged(
    server: Server, client: Client
) -> None:
    assert client.run("import toswarned; print('ran')").refused
    outcome = client.run("%tos run")
    assert outcome.text == "ran\n"
    assert server.strikes[-1].action == "acknowledge"
    assert server.strikes[-1].request == outcome.request


def test_a_front_end_acknowledges_by_the_requests_metadata(client: Client) -> None:
    code = "import toswarned; print('ran', 2)"
    notice = client.run(code).of("display_data")[0]["data"][MIME]
    metadata = {"tos_guard": {"acknowledge": notice["run_anyway"]["acknowledge"]}}
    assert client.run(code, metadata=metadata).text == "ran 2\n"
    assert client.run("import tosblocked", metadata=metadata).refused


def acknowledging(source: str, **more: str) -> dict[str, Any]:
    return {"tos_guard": {"acknowledge": exact_digest(source), **more}}


def test_what_a_notebook_file_acknowledges_is_asked_about_first(
    server: Server, client: Client, v1: bool
) -> None:
    code = f"import toswarned; print('ran', 3 + {v1:d})"
    before = len(server.strikes)
    for metadata in (acknowledging(code), {"tos_guard": {"acknowledge": "*", "request": "x"}}):
        assert client.run(code + " ", metadata=metadata).refused  # another text, too
    refused = client.run(code, metadata=acknowledging(code))
    assert refused.refused
    assert refused.of("display_data")[0]["data"][MIME]["effect"] == "warn"
    assert [strike.action for strike in server.strikes[before:]] == ["warn"] * 3
    # Now the question was put, and the same server knows it at another kernel, too.
    other = server.connect(server.start_kernel("bare"), v1)
    for each in (client, other):
        assert each.run(code, metadata=acknowledging(code)).text == f"ran {3 + v1:d}\n"
    assert {strike.action for strike in server.strikes[before + 3 :]} == {"acknowledge"}


def test_a_refusal_that_nobody_saw_asks_nothing(client: Client, v1: bool) -> None:
    code = f"import toswarned; print('ran', 5 + {v1:d})"
    failed, aborted = client.collect(
        client.execute("import time; time.sleep(0.3); 1 / 0"), client.execute(code)
    )
    assert failed.reply["ename"] == "ZeroDivisionError"
    assert aborted.reply == {"status": "aborted"}
    assert client.run(code, metadata=acknowledging(code)).refused


def test_what_a_check_has_warned_about_may_be_acknowledged(server: Server, client: Client, v1: bool) -> None:
    code = f"import toswarned; print('ran', 7 + {v1:d})"
    body = {"cells": [{"id": "a", "source": code}], "language": "python"}
    _, answer = server.request("POST", "/jupyter-tos-guard/check", body)
    assert answer["results"][0]["notice"]["run_anyway"]["acknowledge"] == exact_digest(code)
    assert client.run(code, metadata=acknowledging(code)).text == f"ran {7 + v1:d}\n"


def test_tos_run_on_top_of_a_cell_works_in_a_kernel_without_the_magic(client: Client) -> None:
    assert client.run("%%tos run\nimport toswarned; print('ran')").text == "ran\n"


def test_tos_run_does_not_reach_past_a_blocked_cell(client: Client) -> None:
    assert client.run("import toswarned").refused
    assert client.run("import tosblocked").refused
    assert "ran" not in client.run("%tos run").text


ECHO = """
from comm import get_comm_manager
def opened(comm, message):
    comm.on_msg(lambda m: comm.send(m['content']['data'], buffers=m['buffers']))
get_comm_manager().register_target('echo', opened)
"""


def test_comm_messages_with_buffers_pass_byte_for_byte_while_a_refusal_is_held_too(client: Client) -> None:
    client.run(ECHO)
    client.send(client.message("comm_open", {"comm_id": "c", "target_name": "echo", "data": {}}))
    data = {"text": "execute_request ☃ \\u0065"}
    for number in range(2):
        buffers = (b"\x00\xffexecute_request" * 100_000, bytes([number]))
        sent = client.message("comm_msg", {"comm_id": "c", "data": data})
        if number:
            client.execute("import time; time.sleep(0.3)")
            held = client.execute("import tosblocked")
        request = client.send(sent, "shell", buffers)
        echo = client.wait_for(
            lambda m, request=request: (
                m["parent_header"].get("msg_id") == request and m["header"]["msg_type"] == "comm_msg"
            )
        )
        assert tuple(bytes(each) for each in echo["buffers"]) == buffers
        assert echo["content"]["data"] == data
    assert client.outcome(held).refused


def test_input_is_answered_while_a_refusal_waits_for_it(client: Client) -> None:
    asking = client.execute("print('got', input('?'))", allow_stdin=True)
    refused = client.execute("import tosblocked")
    client.wait_for(lambda message: message["header"]["msg_type"] == "input_request")
    client.send(client.message("input_reply", {"value": "answer"}), "stdin")
    outcomes = client.collect(asking, refused)
    assert outcomes[0].text.endswith("got answer\n")
    assert outcomes[1].refused


def test_a_large_cell_keeps_its_place_before_a_small_one(client: Client) -> None:
    large = "print('large')\n" + "x = 1\n" * 5000
    requests = [client.execute(large), client.execute("print('small')"), client.execute("import tosblocked")]
    client.collect(*requests)
    order = [
        message["parent_header"]["msg_id"]
        for message in client.received
        if message["header"]["msg_type"] == "execute_reply"
    ]
    assert order == requests
    assert client.outcome(requests[0]).text == "large\n"


def test_a_file_is_looked_for_in_the_folder_that_the_kernel_is_in_now(server: Server, client: Client) -> None:
    folder = server.folder / "elsewhere"
    folder.mkdir(exist_ok=True)
    (folder / "script.py").write_text("import tosblocked")
    assert client.run(f"%cd {folder}").reply["status"] == "ok"
    outcome = client.run("%run script.py")
    assert outcome.refused
    assert "file script.py" in outcome.of("display_data")[0]["data"]["text/plain"]
    client.run(f"%cd {server.folder}")


def test_a_request_spelt_with_escapes_is_seen(server: Server, bare: str) -> None:
    client = server.connect(bare)
    message = {**client.message("execute_request", {"code": "import tosblocked"}), "channel": "shell"}
    client.socket.send(json.dumps(message).replace("execute_request", "\\u0065xecute\\u005frequest"))
    assert client.collect(message["header"]["msg_id"])[0].refused


@pytest.mark.parametrize(
    "change",
    [
        ('"msg_type": "execute_request"', '"msg_type": "execute_request", "msg_type": "comm_msg"'),
        ('"msg_type": "execute_request"', '"msg_type": "comm_msg", "MSG_TYPE": "execute_request"'),
        ('"code": "', '"Code": "1", "code": "'),
        ('"code": "', '"code": "1", "code": "'),
    ],
)
def test_a_request_that_can_be_read_in_two_ways_does_not_reach_the_kernel(
    server: Server, bare: str, v1: bool, change: tuple[str, str]
) -> None:
    client = server.connect(bare, v1)
    message = client.message("execute_request", {"code": "print('twice')"})
    if v1:
        parts = [json.dumps(message[part]).replace(*change).encode() for part in PARTS]
        client.socket.send_binary(join("shell", parts))
    else:
        client.socket.send(json.dumps({**message, "channel": "shell"}).replace(*change))
    assert client.run("print('once')").text == "once\n"
    assert not client.outcome(message["header"]["msg_id"]).messages
