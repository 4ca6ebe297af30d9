"""What the guard costs a kernel: start, round trip, memory; with and without, in one run.

``python benchmarks/bench_kernel.py [--starts N] [--trips N] [--json]``

Guarded and bare kernels take turns, so that what the machine does meanwhile
meets both. A start is counted from starting the process to the first reply to
``kernel_info_request``; the processor time of the same says more on a busy
machine. Memory is what the kernel's process has for itself (USS), and RSS.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.manager import KernelManager

SWITCH = Path(__file__).parents[1] / "jupyter-config" / "ipython_kernel_config.py"
BARE = (
    "import IPython.core.application as a; a.ENV_CONFIG_DIRS.clear(); a.SYSTEM_CONFIG_DIRS.clear(); "
    "from ipykernel import kernelapp; kernelapp.launch_new_instance()"
)
CELLS = {"pass": "pass", "expression": "1 + 1", "honest shell": "!true"}


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--starts", type=int, default=15)
    options.add_argument("--trips", type=int, default=300)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()

    samples: dict[str, dict[str, list[float]]] = {"bare": {}, "guarded": {}}
    with tempfile.TemporaryDirectory() as folder:
        for kind in samples:
            measure(kind, Path(folder), 1, {})  # fills the caches
        for number in range(chosen.starts):
            order = ("bare", "guarded") if number % 2 else ("guarded", "bare")
            for kind in order:
                measure(kind, Path(folder), chosen.trips // chosen.starts, samples[kind])
    report = [row(name, samples) for name in samples["bare"]]
    if chosen.json:
        print(json.dumps(report))
        return
    print(f"{'':24}{'bare':>10}{'guarded':>10}{'more':>10}{'ratio':>8}   (medians)")
    for each in report:
        print(
            f"{each['name']:24}{each['bare']:10.2f}{each['guarded']:10.2f}"
            f"{each['guarded'] - each['bare']:+10.2f}{each['guarded'] / each['bare']:8.3f}"
        )


def row(name: str, samples: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    """Medians of one quantity."""
    return {"name": name, **{kind: statistics.median(samples[kind][name]) for kind in samples}}


def measure(kind: str, folder: Path, trips: int, samples: dict[str, list[float]]) -> None:
    """Start one kernel, use it, stop it."""
    manager = KernelManager()
    home = folder / kind
    profile = home / "profile_default"
    if not profile.exists():
        profile.mkdir(parents=True)
        if kind == "guarded":
            shutil.copy(SWITCH, profile)
    spec = manager.kernel_spec
    assert spec is not None
    # Both by -c, both without the environment's configuration: the same but for the profile's file.
    spec.argv = [sys.executable, "-c", BARE, "-f", "{connection_file}"]
    environ = {**os.environ, "IPYTHONDIR": str(home), "JUPYTER_DATA_DIR": str(home / "data")}
    # An installed package is compiled; a work tree need not be.
    environ["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    begin = time.perf_counter()
    manager.start_kernel(env=environ, stderr=-3)
    client = manager.blocking_client()
    client.start_channels()
    try:
        while True:
            client.kernel_info()
            try:
                info = client.get_shell_msg(timeout=1)["content"]
                break
            except Exception:
                continue
        samples.setdefault("start, ms", []).append((time.perf_counter() - begin) * 1e3)
        state = info.get("tos_guard", {})
        assert state.get("state") == ("guarded" if kind == "guarded" else None), state
        client.wait_for_ready(timeout=30)
        process = psutil.Process(manager.provisioner.pid)
        used = process.cpu_times()
        samples.setdefault("start, CPU ms", []).append((used.user + used.system) * 1e3)
        memory = process.memory_full_info()
        samples.setdefault("USS after start, MiB", []).append(memory.uss / 2**20)
        samples.setdefault("RSS after start, MiB", []).append(memory.rss / 2**20)
        for name, source in CELLS.items():
            trip(client, source)
            for _ in range(max(5, trips)):
                samples.setdefault(f"{name}, ms", []).append(trip(client, source))
        memory = process.memory_full_info()
        samples.setdefault("USS after cells, MiB", []).append(memory.uss / 2**20)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def trip(client: Any, source: str) -> float:
    """Milliseconds from sending a cell to its reply."""
    begin = time.perf_counter()
    request = client.execute(source)
    while client.get_shell_msg(timeout=30)["parent_header"].get("msg_id") != request:
        pass
    return (time.perf_counter() - begin) * 1e3


if __name__ == "__main__":
    main()
