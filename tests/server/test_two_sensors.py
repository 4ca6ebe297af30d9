"""Gate and kernel hook on one request; kernels without the hook; other languages."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from jupyter_tos_guard.inspection.digests import exact_digest
from tests.server.conftest import TIMEOUT, Server, Start


@pytest.fixture(scope="module")
def kernel(server: Server) -> str:
    """A kernel with our hook."""
    (server.folder / "tosobserved.py").touch()
    (server.folder / "toswarned.py").touch()
    return server.start_kernel("guarded")


def past_the_server(server: Server, kernel: str, code: str) -> None:
    """Run code through the kernel's connection file, as ``jupyter console --existing`` does."""
    client = BlockingKernelClient(connection_file=str(server.folder / "runtime" / f"kernel-{kernel}.json"))
    client.load_connection_file()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=TIMEOUT)
        client.execute_interactive(code, timeout=TIMEOUT)
    finally:
        client.stop_channels()


def test_one_request_that_both_see_is_one_strike(server: Server, kernel: str) -> None:
    client = server.connect(kernel)
    outcome = client.run("import tosobserved")
    assert outcome.reply["status"] == "ok"
    until = time.monotonic() + TIMEOUT
    while len(server.strikes) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    kernels, servers = sorted(server.strikes, key=lambda strike: strike.sensor)
    assert (kernels.sensor, servers.sensor) == ("kernel", "server")
    assert kernels.id == servers.id
    assert len(server.get("/jupyter-tos-guard/strikes")["strikes"]) == 1


def test_what_the_gate_refuses_never_reaches_the_kernel_and_is_shown_once(
    server: Server, kernel: str
) -> None:
    client = server.connect(kernel)
    outcome = client.run("import tosblocked")
    assert len(outcome.of("display_data")) == 1
    assert outcome.kinds.count("execute_reply") == 1
    assert [s.sensor for s in server.strikes if s.request == outcome.request] == ["server"]


def test_what_only_the_kernel_can_know_is_refused_by_it_and_shown_once(server: Server, kernel: str) -> None:
    past_the_server(server, kernel, "secret = 'tosblocked'")
    client = server.connect(kernel)
    outcome = client.run("__import__(secret)")
    assert outcome.refused
    assert len(outcome.of("display_data")) == 1
    assert [s.sensor for s in server.strikes if s.request == outcome.request] == ["kernel"]


def test_tos_run_means_the_cell_that_was_stopped_last_whoever_stopped_it(server: Server, kernel: str) -> None:
    past_the_server(server, kernel, "doubtful = 'toswarned'")
    client = server.connect(kernel)
    assert client.run("import toswarned; print('the gate stopped this')").refused
    assert client.run("__import__(doubtful); print('the kernel stopped this')").refused
    assert client.run("%tos run").text == "the kernel stopped this\n"
    assert client.run("import toswarned; print('the gate stopped this too')").refused
    outcome = client.run("%tos run")
    assert outcome.text == "the gate stopped this too\n"
    acknowledged = {
        s.id for s in server.strikes if s.request == outcome.request and s.action == "acknowledge"
    }
    assert len(acknowledged) == 1


def test_the_kernel_takes_the_gates_word_that_the_user_was_asked_and_nobody_elses(
    server: Server, kernel: str
) -> None:
    client = server.connect(kernel)
    code = "import toswarned; print('both agree')"
    metadata = {"tos_guard": {"acknowledge": exact_digest(code)}}
    assert client.run(code, metadata=metadata).refused  # by the gate: the kernel never saw it
    assert client.run(code, metadata=metadata).text == "both agree\n"
    # What only the kernel can know: the gate asks nothing, and lets nobody say that it has.
    past_the_server(server, kernel, "dubious = 'toswarned'")
    code = "__import__(dubious); print('the kernel asked')"
    metadata = {"tos_guard": {"acknowledge": exact_digest(code)}}
    refused = client.run(code, metadata=metadata)
    assert refused.refused
    assert [s.sensor for s in server.strikes if s.request == refused.request] == ["kernel"]
    assert client.run(code, metadata=metadata).text == "the kernel asked\n"


def test_the_kernel_says_so_and_the_status_shows_which_kernels_are_guarded(
    server: Server, kernel: str
) -> None:
    bare = server.start_kernel("bare")
    for each in (kernel, bare):
        client = server.connect(each)
        request = client.send(client.message("kernel_info_request", {}))
        client.wait_for(lambda m, request=request: m["parent_header"].get("msg_id") == request)
        client.run("1")
    states = {each["id"]: each["state"] for each in server.get("/jupyter-tos-guard/status")["kernels"]}
    assert states[kernel] == "guarded"
    assert states[bare] == "gate-only"


@pytest.fixture(scope="module")
def enforcing(start: Start, default_policy: Path) -> Server:
    """A server with the default policy."""
    return start(JUPYTER_TOS_GUARD_POLICY=str(default_policy), JUPYTER_TOS_GUARD_MODE="enforce")


@pytest.mark.parametrize("v1", [False, True], ids=["json", "v1"])
def test_a_bash_kernel_is_covered_by_the_gate_alone_and_read_as_a_shell(enforcing: Server, v1: bool) -> None:
    client = enforcing.connect(enforcing.start_kernel("bash"), v1)
    assert client.run("echo $((6 * 7))").text == "42\n"
    assert client.run("echo xmrig  # ./xmrig is not run here").reply["status"] == "ok"
    requests = [client.execute("m=xm; r=rig; ./$m$r --donate-level 1"), client.execute("echo behind")]
    refused, behind = client.collect(*requests)
    assert refused.refused
    assert refused.of("display_data")[0]["data"]["text/plain"].startswith("THIS CELL WAS NOT RUN")
    assert behind.reply == {"status": "aborted"}
    assert client.run("echo next").text == "next\n"
