"""What a bundle costs: opening, memory, look-ups and matches, at three sizes in one run.

``python benchmarks/bench_bundle.py [--json]``. Each size has one indicator in
twenty in a list of its own, the rest in long lists, over all kinds of values. Figures are
medians; the ratio compares a size with the smallest.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_tos_guard.inspection.facts import Fact, Kind, Span
from jupyter_tos_guard.policy.bundle import Bundle
from jupyter_tos_guard.policy.compile import encode
from jupyter_tos_guard.policy.indicators import Modifier
from jupyter_tos_guard.policy.matching import match
from jupyter_tos_guard.policy.model import (
    Clause,
    Ladder,
    Mode,
    Status,
    Terms,
    Verdict,
    Where,
)
from jupyter_tos_guard.policy.rules import Examples, Policy, Predicate, Rule

SIZES = (1_000, 100_000, 1_000_000)
HONEST = [
    Fact(Kind.MODULE, "numpy.linalg", Span(1, 0, 1, 5)),
    Fact(Kind.PACKAGE, "pypi:pandas", Span(2, 0, 2, 5)),
    Fact(Kind.COMMAND, "pip", Span(2, 0, 2, 5)),
    Fact(Kind.REPOSITORY, "github.com/huggingface/transformers", Span(3, 0, 3, 5)),
    Fact(Kind.URL, "https://github.com/huggingface/transformers", Span(3, 0, 3, 5)),
    Fact(Kind.HOST, "github.com", Span(3, 0, 3, 5)),
]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for size in SIZES:
            path = Path(folder) / f"{size}.bundle"
            path.write_bytes(encode(make_policy(size)))
            rows.append(measure(path, size))
    if arguments.json:
        print(json.dumps(rows))
        return
    print(f"{'':32}" + "".join(f"{row['indicators']:>14,}" for row in rows) + f"{'ratio':>9}")
    for key in list(rows[0])[1:]:
        values = [row[key] for row in rows]
        ratio = f"{values[-1] / values[0]:9.2f}" if values[0] else ""
        print(f"{key:32}" + "".join(f"{value:14.3f}" for value in values) + ratio)


def make_policy(size: int) -> Policy:
    """Make a policy of so many values: lists of 1,000, and one rule in twenty values."""
    shapes = (
        (Kind.REPOSITORY, Modifier.EXACT, "github.com/owner{0}/name{0}"),
        (Kind.REPOSITORY, Modifier.ENDSWITH, "/tool{0}"),
        (Kind.REPOSITORY, Modifier.CONTAINS, "word{0} other"),
        (Kind.PACKAGE, Modifier.EXACT, "pypi:package{0}"),
        (Kind.HOST, Modifier.EXACT, "host{0}.example.org"),
        (Kind.HOST, Modifier.ENDSWITH, ".domain{0}.example"),
        (Kind.COMMAND, Modifier.EXACT, "program{0}"),
        (Kind.MODULE, Modifier.EXACT, "module{0}"),
        (Kind.URL, Modifier.STARTSWITH, "https://place{0}.example/"),
        (Kind.ARGUMENT, Modifier.EXACT, "program{0} --option=value"),
    )
    rules: list[Rule] = []
    left = size
    while left > 0:
        number = len(rules)
        kind, modifier, template = shapes[number % len(shapes)]
        count = min(left, 1 if number % 20 else max(1, size // 100))
        values = tuple(template.format(f"{number}x{index}") for index in range(count))
        rules.append(_rule(number, Predicate(kind, modifier, values)))
        left -= count
    terms = Terms("1", "Terms", (Clause("clause", "1", "Title", "Text"),))
    return Policy("bench", "Bench", "1", bytes(range(16)), Mode.ENFORCE, terms, Ladder(), tuple(rules))


def _rule(number: int, predicate: Predicate) -> Rule:
    return Rule(
        id=f"{number:08x}-0000-4000-8000-000000000000",
        name=f"rule-{number}",
        title="Something is fetched",
        message="This cell fetches something.",
        clause="clause",
        action=Verdict.BLOCK,
        status=Status.STABLE,
        level="high",
        condition=predicate,
        examples=Examples(),
    )


def measure(path: Path, size: int) -> dict[str, Any]:
    """Measure one bundle; each figure's unit is in its name."""
    bundle = Bundle.open(path)
    everywhere = {"where": Where(), "now": 0.0, "enabled": bundle.enabled}
    cold = [f"pypi:unheard-of-{number}" for number in range(40_000)]
    hosts = [f"host{20 * number}x0.example.org" for number in range(2_000)]
    # A rule that is there at every size: number 3 asks for this package.
    guilty = [*HONEST, Fact(Kind.PACKAGE, "pypi:package3x0", Span(4, 0, 4, 3))]
    assert len(match(bundle, guilty, **everywhere).findings) == 1
    row = {
        "indicators": bundle.indicator_count,
        "rules": float(bundle.rule_count),
        "file, MiB": path.stat().st_size / 2**20,
        "open, ms": _median(lambda: Bundle.open(path), 200) * 1e3,
        "verify, ms": _median(bundle.verify, 5) * 1e3,
        "private memory, KiB": private_memory(path, touch=False),
        "the same after 40,000 look-ups": private_memory(path, touch=True),
        "look-up, warm, µs": _each(bundle, Kind.HOST, ["github.com"] * 40_000),
        "look-up, cold, exact, µs": _cold(path, Kind.PACKAGE, cold),
        "look-up, cold, three ways, µs": _cold(path, Kind.HOST, hosts),
        "match, 6 honest facts, µs": _median(lambda: match(bundle, HONEST, **everywhere), 5_000) * 1e6,
        "match, the same cold, µs": _median(lambda: _forget_and_match(bundle, everywhere), 2_000) * 1e6,
        "match, with a finding, µs": _median(lambda: match(bundle, guilty, **everywhere), 5_000) * 1e6,
    }
    bundle.close()
    return row


def _forget_and_match(bundle: Bundle, everywhere: dict[str, Any]) -> None:
    bundle._memory.clear()
    match(bundle, HONEST, **everywhere)


def _each(bundle: Bundle, kind: Kind, values: list[str]) -> float:
    predicates = bundle.predicates
    rounds = []
    for _ in range(7):
        begun = time.perf_counter()
        for value in values:
            predicates(kind, value)
        rounds.append((time.perf_counter() - begun) / len(values) * 1e6)
    return statistics.median(rounds)


def _cold(path: Path, kind: Kind, values: list[str]) -> float:
    """Time look-ups of values that were never asked for, once the file is in the page cache."""
    rounds = []
    for _ in range(5):
        with Bundle.open(path) as bundle:
            begun = time.perf_counter()
            for value in values:
                bundle.predicates(kind, value)
            rounds.append((time.perf_counter() - begun) / len(values) * 1e6)
    return statistics.median(rounds)


def _median(call: Callable[[], object], times: int) -> float:
    durations = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        durations.append(time.perf_counter() - begun)
    return statistics.median(durations)


PROBE = """
import sys
from jupyter_tos_guard.policy.bundle import Bundle
def private():
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Private_Dirty"))
import gc; gc.collect()
before = private()
bundle = Bundle.open(sys.argv[1])
if sys.argv[2] == "True":
    for number in range(40_000):
        bundle.predicates("package", f"pypi:unheard-of-{number}")
print(private() - before)
"""


def private_memory(path: Path, *, touch: bool) -> float:
    """KiB that opening adds to a process and that it shares with no other (Linux only)."""
    if not Path("/proc/self/smaps_rollup").exists():
        return 0.0
    runs = [
        int(
            subprocess.run(
                [sys.executable, "-c", PROBE, str(path), str(touch)], capture_output=True, check=True
            ).stdout
        )
        for _ in range(3)
    ]
    return float(statistics.median(runs))


if __name__ == "__main__":
    main()
