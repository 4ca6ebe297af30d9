"""Clients that others wrote, and ways past the websocket, against a live server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from jupyter_kernel_client import JupyterKernelClient

from tests.server.conftest import TIMEOUT, Server


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
