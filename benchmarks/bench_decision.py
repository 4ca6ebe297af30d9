"""What a decision costs per cell, against ``ast.parse`` of the same cell, in one run.

Sessions are read from a JSONL file as ``scan --jsonl`` reads it (one
``{"id": …, "cells": [source, …]}`` a line); without one, chunks of the standard
library's modules stand in for cells. Every cell of a session is decided in order, by a
guard of its own per session, once with a small and once with a large policy.

Run ``python benchmarks/bench_decision.py --help``.
"""

from __future__ import annotations

import argparse
import ast
import gc
import json
import random
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

from jupyter_tos_guard.guard import BundleFile, Guard, Settings
from jupyter_tos_guard.inspection import Cell
from jupyter_tos_guard.policy.compile import compile_policy
from jupyter_tos_guard.policy.model import Mode

DEFAULT_PACK = Path(__file__).parents[1] / "jupyter_tos_guard" / "policy" / "default"


def main() -> None:
    """Run the benchmark and print its table."""
    arguments = parse_arguments()
    sessions = list(read_sessions(arguments.sessions, arguments.most))
    cells = [cell for session in sessions for cell in session]
    sizes = sorted(map(len, cells))
    print(
        f"{len(sessions)} sessions, {len(cells)} cells; characters: median {statistics.median(sizes):.0f}, "
        f"p90 {sizes[int(len(sizes) * 0.9)]}, p99 {sizes[int(len(sizes) * 0.99)]}"
    )
    with tempfile.TemporaryDirectory() as folder:
        policies = {n: grown_policy(Path(folder), n) for n in arguments.indicators}
        results: dict[str, list[float]] = {"ast.parse": time_cells(cells, parse, arguments.repeat)}
        for n, path in policies.items():
            results[f"decision, {n:,} indicators more"] = time_sessions(sessions, path, arguments.repeat)
        if arguments.compare:
            results |= comparisons(cells, arguments.repeat)
        report(results)
        if arguments.compare and (semgrep := shutil.which("semgrep")):
            report_semgrep(semgrep, cells, Path(folder))
        memory(sessions[: min(200, len(sessions))], policies[max(policies)])


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--sessions", type=Path, help="JSONL of sessions")
    parser.add_argument("--most", type=int, default=500, help="sessions to draw (default 500)")
    parser.add_argument("--repeat", type=int, default=3, help="passes; the fastest of each cell counts")
    parser.add_argument("--indicators", type=int, nargs="+", default=[1_000, 1_000_000])
    parser.add_argument("--compare", action="store_true", help="YARA-X, bandit, semgrep too, where installed")
    return parser.parse_args()


def read_sessions(path: Path | None, most: int) -> Iterator[list[str]]:
    """Yield up to ``most`` sessions, drawn with a fixed seed."""
    if path is None:
        yield from standard_library(most)
        return
    with path.open(encoding="utf-8") as lines:
        texts = list(lines)
    random.Random(0).shuffle(texts)
    for text in texts[:most]:
        yield [cell for cell in json.loads(text)["cells"] if cell.strip()]


def standard_library(most: int) -> Iterator[list[str]]:
    """Yield modules cut into chunks of top-level statements."""
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[:most]:
        source = path.read_text(encoding="utf-8", errors="replace")
        try:
            tree = ast.parse(source)
        except SyntaxError:
            continue
        lines = source.splitlines(keepends=True)
        yield ["".join(lines[node.lineno - 1 : node.end_lineno]) for node in tree.body]


def grown_policy(folder: Path, indicators: int) -> Path:
    """Compile the default pack with ``indicators`` made-up ones of several kinds added."""
    pack = folder / f"pack-{indicators}"
    shutil.copytree(DEFAULT_PACK, pack)
    kinds = ("repository", "package", "host", "command", "module")
    shapes = {
        "repository": "github.com/owner{n}/name{n}",
        "package": "pypi:made-up-{n}",
        "host": "host-{n}.example.org",
        "command": "made-up-{n}",
        "module": "made_up_{n}",
    }
    rules = max(1, indicators // 1000)
    clause = pack / "rules" / "mining"
    for rule in range(rules):
        kind = kinds[rule % len(kinds)]
        values = [shapes[kind].format(n=rule * 1000 + i) for i in range(min(1000, indicators))]
        document = {
            "title": f"Made-up indicators {rule}",
            "id": f"00000000-0000-4000-8000-{rule:012d}",
            "name": f"made-up-{rule}",
            "status": "stable",
            "level": "high",
            "description": "For measuring.",
            "references": ["https://example.org"],
            "falsepositives": ["None known"],
            "logsource": {"product": "jupyter", "category": "execution"},
            "detection": {"value": {kind: values}, "condition": "value"},
            "clause": "mining",
            "action": "block",
            "message": "For measuring.",
            "examples": {"match": ["!x"], "no_match": ["x"]},
        }
        (clause / f"made-up-{rule}.yml").write_text(json.dumps(document), encoding="utf-8")
    path = folder / f"{indicators}.bundle"
    path.write_bytes(compile_policy(pack))
    return path


def parse(source: str) -> None:
    """Do what the yardstick does; cells with magics end at their first error."""
    try:  # noqa: SIM105 - suppress() would be timed with the yardstick
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass


def time_cells(cells: list[str], function: Callable[[str], object], repeat: int) -> list[float]:
    """Microseconds of ``function`` for each cell, the fastest of ``repeat`` passes."""
    best = [float("inf")] * len(cells)
    clock = time.perf_counter
    for _ in range(repeat):
        gc.collect()
        for i, cell in enumerate(cells):
            start = clock()
            function(cell)
            best[i] = min(best[i], clock() - start)
    return [seconds * 1e6 for seconds in best]


def time_sessions(sessions: list[list[str]], policy: Path, repeat: int) -> list[float]:
    """Microseconds of a decision for each cell in its session."""
    best: list[float] = []
    clock = time.perf_counter
    source = BundleFile(policy, every=3600)
    for attempt in range(repeat):
        gc.collect()
        times = []
        for session in sessions:
            guard = Guard(source, Settings(mode=Mode.ENFORCE, enable=frozenset({"all"}), time_limit=1.0))
            guard.check(Cell("1"))  # the session's first look at the policy is not a cell's cost
            for source_text in session:
                cell = Cell(source_text)
                start = clock()
                guard.check(cell)
                times.append(clock() - start)
        best = times if not attempt else list(map(min, best, times))
    return [seconds * 1e6 for seconds in best]


def comparisons(cells: list[str], repeat: int) -> dict[str, list[float]]:
    """Time other engines on the same cells, in this process."""
    found: dict[str, list[float]] = {}
    try:
        import yara_x
    except ImportError:
        print("yara-x is not installed: not compared", file=sys.stderr)
    else:
        encoded = {cell: cell.encode("utf-8", "replace") for cell in cells}
        for n in (1_000, 10_000):
            rules = yara_x.compile(
                "\n".join(
                    f'rule r{i} {{ strings: $a = "made-up-{i}" nocase condition: $a }}' for i in range(n)
                )
            )
            found[f"YARA-X, {n:,} text rules"] = time_cells(
                cells, lambda cell, rules=rules: rules.scan(encoded[cell]), repeat
            )
    try:
        from bandit.core import config, manager
    except ImportError:
        print("bandit is not installed: not compared", file=sys.stderr)
    else:
        import io
        import logging

        logging.disable(logging.CRITICAL)
        settings = config.BanditConfig()

        def bandit(cell: str) -> None:
            run = manager.BanditManager(settings, "file")
            run._parse_file("<cell>", io.BytesIO(cell.encode("utf-8", "replace")), ["<cell>"])

        sample = [cell for cell in cells if _parses(cell)]  # it stops at the first magic
        sample = sample[:: max(1, len(sample) // 1000)]
        found["bandit, a sample of the cells"] = time_cells(sample, bandit, 1)
    return found


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def report(results: dict[str, list[float]]) -> None:
    """Print medians, percentiles and ratios to the first row."""
    base = next(iter(results.values()))
    print(f"\n{'µs per cell':40} {'median':>8} {'p90':>8} {'p99':>9} {'mean':>8}   ratio to ast.parse")
    print(
        f"{'':40} {'':>8} {'':>8} {'':>9} {'':>8}"
        "   of medians  of p99s  of means  | cell by cell: median, p99"
    )
    for name, values in results.items():
        own, yard = quantiles(values), quantiles(base)
        line = f"{name:40} {own[0]:8.1f} {own[1]:8.1f} {own[2]:9.1f} {own[3]:8.1f}"
        line += f"   {own[0] / yard[0]:10.2f} {own[2] / yard[2]:8.2f} {own[3] / yard[3]:9.2f}"
        if len(values) == len(base):
            each = quantiles([a / b for a, b in zip(values, base, strict=True)])
            line += f"  | {each[0]:.2f}, {each[2]:.2f}"
        print(line)


def quantiles(values: list[float]) -> tuple[float, float, float, float]:
    """Return median, 90th and 99th percentile, mean."""
    ordered = sorted(values)
    n = len(ordered)
    return ordered[n // 2], ordered[int(n * 0.9)], ordered[int(n * 0.99)], sum(ordered) / n


def report_semgrep(semgrep: str, cells: list[str], folder: Path) -> None:
    """Time one call over a folder of cells: it has no interface for one cell."""
    target = folder / "cells"
    target.mkdir()
    sample = cells[:: max(1, len(cells) // 1000)]
    for i, cell in enumerate(sample):
        (target / f"{i}.py").write_text(cell, encoding="utf-8", errors="replace")
    rule = folder / "rule.yml"
    rule.write_text(
        json.dumps(
            {
                "rules": [
                    {
                        "id": "r",
                        "pattern": "os.system(...)",
                        "message": "m",
                        "languages": ["python"],
                        "severity": "INFO",
                    }
                ]
            }
        )
    )
    start = time.perf_counter()
    subprocess.run(
        [
            semgrep,
            "scan",
            "--metrics=off",
            "--disable-version-check",
            "--quiet",
            "--config",
            str(rule),
            str(target),
        ],
        check=False,
        capture_output=True,
    )
    seconds = time.perf_counter() - start
    print(
        f"semgrep, 1 rule, one call for {len(sample)} cells: {seconds:.1f} s, "
        f"{seconds / len(sample) * 1e6:.0f} µs a cell"
    )


def memory(sessions: list[list[str]], policy: Path) -> None:
    """Print what the guards of ``sessions`` keep allocated, one by one."""
    tracemalloc.start()
    kept = []
    for session in sessions:
        before = tracemalloc.get_traced_memory()[0]
        guard = Guard(
            BundleFile(policy), Settings(mode=Mode.ENFORCE, enable=frozenset({"all"}), time_limit=1.0)
        )
        for source in session:
            guard.check(Cell(source))
        kept.append(tracemalloc.get_traced_memory()[0] - before)
        del guard
    tracemalloc.stop()
    own = quantiles([size / 1024 for size in kept])
    print(
        f"\nkept per session, KiB: median {own[0]:.0f}, p90 {own[1]:.0f}, p99 {own[2]:.0f}, "
        f"most {max(kept) / 1024:.0f}"
    )


if __name__ == "__main__":
    main()
