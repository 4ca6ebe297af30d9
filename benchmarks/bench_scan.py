"""How many cells a second and core ``jupyter tos-guard scan --jsonl`` judges.

``python benchmarks/bench_scan.py [SESSIONS.jsonl]``: real sessions if a file is
given (one ``{"id": …, "cells": […]}`` a line), else made-up ones of a like shape.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

#: Honest cells of the sizes that real ones have: median 175 characters, p90 860, p99 3,500.
LINES = (
    "import numpy as np",
    "import pandas as pd",
    "df = pd.read_csv('data/measurements.csv')",
    "df.groupby('station').temperature.mean().sort_values()",
    "plt.plot(x, y, label='model')",
    "for epoch in range(10):\n    loss = step(batch)\n    print(epoch, loss)",
    "model = Sequential([Dense(128, activation='relu'), Dense(10)])",
    "# a comment that says what the next line is for, and why it is done this way",
    "!pip install -q seaborn",
    "%matplotlib inline",
    "accuracy = (prediction.argmax(1) == target).float().mean().item()",
    "def normalise(frame):\n    return (frame - frame.mean()) / frame.std()",
)


def main() -> None:
    """Run the command with one process and with all, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sessions", nargs="?", type=Path)
    parser.add_argument("--policy", default="", help="bundle or folder of rules; default: the one in force")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--made-up", type=int, default=2000, help="sessions to make up")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.sessions or make_up(Path(folder) / "sessions.jsonl", options.made_up)
        sources = [cell for line in path.open() for cell in json.loads(line)["cells"]]
        sizes = sorted(map(len, sources))
        print(
            f"{len(sources)} cells, median {statistics.median(sizes):.0f} characters, "
            f"p90 {sizes[len(sizes) * 9 // 10]}, p99 {sizes[len(sizes) * 99 // 100]}"
        )
        print(f"{'jobs':>4} {'wall s':>8} {'cpu s':>8} {'cells/s':>9} {'cells/cpu s':>12}")
        for jobs in sorted({1, len(os.sched_getaffinity(0))}):
            walls, cpus = zip(
                *(measure(path, jobs, options.policy) for _ in range(options.repeat)), strict=True
            )
            wall, cpu = min(walls), min(cpus)
            print(f"{jobs:4} {wall:8.2f} {cpu:8.2f} {len(sources) / wall:9.0f} {len(sources) / cpu:12.0f}")


def measure(path: Path, jobs: int, policy: str) -> tuple[float, float]:
    """Wall and processor seconds of one run, start of Python and of the workers included."""
    command = [
        sys.executable,
        "-m",
        "jupyter_tos_guard.cli",
        "scan",
        "--jsonl",
        str(path),
        "--jobs",
        str(jobs),
    ]
    command += ["--mode", "enforce", "--enable", "all", "--fail-on", "never"]
    if policy:
        command += ["--policy", policy]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def make_up(path: Path, count: int) -> Path:
    """Write sessions of honest cells, the same each time."""
    draw = random.Random(7)
    with path.open("w") as file:
        for number in range(count):
            cells = []
            for _ in range(draw.randint(5, 35)):
                length = min(80, max(1, round(draw.lognormvariate(1.2, 1.1))))
                lines = (draw.choice(LINES) for _ in range(length))
                cells.append("\n".join(line.replace("x", f"x{draw.randint(0, 99)}") for line in lines))
            file.write(json.dumps({"id": number, "cells": cells}) + "\n")
    return path


if __name__ == "__main__":
    main()
