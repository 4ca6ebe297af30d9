"""What a bundle of a million indicators may cost a kernel, measured as ``benchmarks/bench_bundle.py`` does."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "bench_bundle.py"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="private memory is read from /proc")
def test_a_million_indicators_open_in_5_ms_and_take_less_than_1_mib(tmp_path: Path) -> None:
    bench: dict[str, Any] = runpy.run_path(str(BENCHMARK))
    path = tmp_path / "million.bundle"
    path.write_bytes(bench["encode"](bench["make_policy"](1_000_000)))
    figures = bench["measure"](path, 1_000_000)
    assert figures["indicators"] >= 1_000_000
    assert figures["open, ms"] < 5
    assert figures["private memory, KiB"] < 1024
    assert figures["the same after 40,000 look-ups"] < 1024
