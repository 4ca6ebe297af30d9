"""Clients that others wrote, and ways past the websocket, against a live server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_kernel_client import JupyterKernelClient

from tests.kernel.conftest import console
from tests.server.conftest import EXTENSIONS, TIMEOUT, Server, Start


def test_jupyter_kernel_client_sees_a_failed_cell_and_goes_on(server: Server) -> None:
    kernel = server.start_kernel("bare")
    with JupyterKernelClient(kernel_id=kernel, server_url=server.url, token=server.token) as client:
        assert client.execute("x = 6", timeout=TIMEOUT)["status"] == "ok"
        refused = client.execute("import tosblocked", timeout=TIMEOUT)
        assert refused["status"] == "error"
        kinds = [output["output_type"] for output in refused["outputs"]]
        assert kinds == ["display_data", "error"]
        assert refused["outputs"][1]["ename"] == "DisallowedCodeError"
        after = client.execute("print(x * 7)", timeout=TIMEOUT)
        assert (after["status"], after["outputs"][0]["text"]) == ("ok", "42\n")
        assert after["execution_count"] == refused["execution_count"]  # the kernel did not count it


def test_jupyter_run_with_a_running_kernel_goes_past_the_gate_and_is_stopped_by_the_hook(
    server: Server, tmp_path: Path
) -> None:
    kernel = server.start_kernel("guarded")
    server.connect(kernel).run("pass")
    script = tmp_path / "script.py"
    script.write_text("import tosblocked")
    before = len(server.strikes)
    file = server.folder / "runtime" / f"kernel-{kernel}.json"
    ran = subprocess.run(
        [sys.executable, "-m", "jupyter_client.runapp", f"--existing={file}", str(script)],
        cwd=tmp_path,
        env=server.environ,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert "DisallowedCodeError" in ran.stdout + ran.stderr
    (strike,) = server.strikes[before:]
    assert (strike.sensor, strike.kernel) == ("kernel", kernel)


def test_a_console_on_a_running_kernel_goes_past_the_gate_and_is_stopped_by_the_hook(server: Server) -> None:
    kernel = server.start_kernel("guarded")
    server.connect(kernel).run("x = 6")
    before = len(server.strikes)
    file = server.folder / "runtime" / f"kernel-{kernel}.json"
    with console(server.environ, f"--existing={file}", timeout=TIMEOUT) as terminal:
        terminal.expect(r"In \[\d+\]")
        terminal.sendline("import tosblocked")
        terminal.expect("THIS CELL WAS NOT RUN")
        terminal.expect("DisallowedCodeError")
        terminal.sendline("x * 7")
        terminal.expect("42")
    (strike,) = server.strikes[before:]
    assert (strike.sensor, strike.kernel) == ("kernel", kernel)


@pytest.mark.parametrize("closed", [False, True])
def test_an_operator_can_close_terminals_and_hide_kernels(start: Start, closed: bool) -> None:
    settings = ("--ServerApp.terminals_enabled=False", "--KernelSpecManager.allowed_kernelspecs=guarded")
    extensions = {**EXTENSIONS["ServerApp"]["jpserver_extensions"], "jupyter_server_terminals": True}
    server = start(
        *(settings if closed else ()),
        config={"jupyter_server_config": {"ServerApp": {"jpserver_extensions": extensions}}},
    )
    assert server.request("POST", "/api/terminals", {})[0] == (404 if closed else 200)
    assert ("bare" in server.get("/api/kernelspecs")["kernelspecs"]) is not closed
    # jupyter_client starts a hidden kernel whose name it is told: so the gate is what covers it.
    assert server.connect(server.start_kernel("bare")).run("import tosblocked").refused
