"""Any cell whatever: a decision comes back, in time, and the guard does not grow."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jupyter_tos_guard.guard import Cell, Guard, Settings
from jupyter_tos_guard.policy.decision import Reason
from jupyter_tos_guard.policy.model import Mode

#: Pieces that reach into every part of the inspection; what stands between them is anything.
PIECES = (
    "import os\n", "os.system(", "subprocess.run(", "exec(", "eval(", "base64.b64decode(", "'aW1wb3J0IG9z'",
    "codecs.decode(", "'rot13'", "bytes.fromhex(", "zlib.decompress(", "lambda x: ", "for i in range(9**9): ",
    "while True: ", "[x for x in ", "f'{", "}'", "'''", '"""', "%%bash\n", "%%writefile a.py\n", "!", "!!",
    "%run a.py", "%pip install ", "x = !", "$(", "`", "${", "<<EOF\n", "EOF\n", "| bash", "| base64 -d", "; ",
    "&& ", "git clone ", "https://github.com/a/b", "curl -sL ", "python -c ", "'", '"', "\\", "\n", "\t", "(",
    ")", "[", "]", "{", "}", "*" * 9, "10**10**10", "'a' * 10**9", "getattr(", "__import__(", "chr(", "ord(",
    ".join(", ".replace(", "[::-1]", "class A:\n def f(self): ", "async def f(): await ",
    "match x:\n case ",
    "\0", "\udc80", "\ufeff", "\U0010ffff", "\u202e", "a" * 300, "eval " * 50, "(" * 240, "$((",
    "case x in ", "function f() { ", "export A=", "alias ls=", "eval \"$", "xargs ", "sudo nohup env A=1 ",
    "%env A=", "%cd /",
)  # fmt: skip
cells = st.one_of(
    st.text(max_size=400),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=12)), max_size=40).map("".join),
)
languages = st.sampled_from(["python", "python", "python", "python", "bash", "r", "julia", "x"])
sessions = st.lists(st.builds(Cell, cells, languages), min_size=1, max_size=4)

#: What one cell may take on a machine that does other things too; the time limit is 50 ms, and a step
#: between two looks at the clock (parsing the cell) comes on top.
PATIENCE = 2.0


@given(session=sessions)
@example(session=[Cell("(" * 5000)])
@example(session=[Cell("x = " + "-" * 20_000 + "1")])
@example(session=[Cell("\n".join(["if x:"] + [" " * n + "if x:" for n in range(1, 200)]))])
@example(session=[Cell("x = 'a'\n" + "x = x + x\n" * 200 + "exec(x)")])
@example(session=[Cell("%%bash\n" + "$(" * 3000)])
@example(session=[Cell("!" + "eval " * 5000 + "ls")])
@example(session=[Cell("exec('exec(' * 500)")])
@example(session=[Cell("nil\neval('a' * 10**9" + " * 10**9" * 20 + ")", "julia")])
@example(
    session=[Cell("import json, os\nx = [f()]\nx.append(x)\nos.system(str(x))\nos.system(json.dumps(x))")]
)
def test_every_cell_gets_a_decision_in_time(default_policy: Path, session: list[Cell]) -> None:
    guard = Guard.load(default_policy, Settings(mode=Mode.ENFORCE, enable=frozenset(["all"])))
    for cell in session:
        began = time.perf_counter()
        decision = guard.check(cell)
        assert time.perf_counter() - began < PATIENCE
        assert decision.reason is not Reason.INSPECTION_FAILED, decision.detail
        for finding in decision.findings:
            span = finding.facts[0].span
            assert 1 <= span.line <= cell.source.count("\n") + cell.source.count("\r") + 1
            assert span.column >= 0


@settings(max_examples=10)
@given(sources=st.lists(cells, min_size=5, max_size=20))
def test_sessions_of_any_length_do_not_make_the_guard_grow(default_policy: Path, sources: list[str]) -> None:
    guard = Guard.load(default_policy, Settings(mode=Mode.ENFORCE, time_limit=0.005))

    def run() -> int:
        for number in range(40):
            for source in sources:
                guard.check(Cell(f"{source}\nx{number % 7} = {number % 7}"))
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        run()
        before = run()
        grown = run() - before
    finally:
        tracemalloc.stop()
    # History keeps sources up to bounds of its own; growth beyond a session's own text is a leak.
    assert grown < 4 << 20


@pytest.mark.parametrize(
    "source",
    [
        "x" * 10_000_000,
        "x = 1\n" * 1_000_000,
        "!" + "a" * 5_000_000,
        "[" * 100_000,
        "\0" * 1000,
        "\ud800" * 1000,
    ],
    ids=[
        "ten-megabytes",
        "a-million-lines",
        "one-long-shell-line",
        "deep-nesting",
        "null-bytes",
        "surrogates",
    ],
)
def test_cells_of_any_size_and_shape_get_a_decision(default_policy: Path, source: str) -> None:
    began = time.perf_counter()
    decision = Guard.load(default_policy).check(Cell(source))
    assert decision.reason is not Reason.INSPECTION_FAILED, decision.detail
    assert time.perf_counter() - began < PATIENCE
