"""Who may import whom, and what the kernel process may not load."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import jupyter_tos_guard

PACKAGE = Path(jupyter_tos_guard.__file__).parent
#: What each part may import of this package, beside itself.
ALLOWED = {
    "__init__": {"server"},  # where Jupyter Server looks for what to load, inside a function
    "inspection": set(),
    "policy": {"inspection"},
    "strikes": {"policy", "inspection"},
    "guard": {"strikes", "policy", "inspection"},
    "gate": {"guard", "strikes", "policy", "inspection"},
    "sync": {"gate", "guard", "strikes", "policy", "inspection"},
    "kernel": {"sync", "gate", "guard", "strikes", "policy", "inspection"},
    "server": {"sync", "gate", "guard", "strikes", "policy", "inspection"},
    "central": {"strikes", "policy", "inspection"},
    "cli": {"central", "sync", "gate", "guard", "kernel", "strikes", "policy", "inspection"},
}
HEAVY = (
    "nbformat jupyter_events jupyter_server tuf httpx sqlalchemy sigma yaml rich requests jinja2 "
    "tree_sitter hypothesis numpy"
).split()
MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and part of this package of every import, those inside functions and for typing too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute in this package"
            module = node.module or ""
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "jupyter_tos_guard" and len(parts) > 1:
                yield node.lineno, parts[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_run_one_way(path: Path) -> None:
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    allowed = ALLOWED.get(part, set()) | {part}
    wrong = [f"line {line}: {other}" for line, other in imports(path) if other not in allowed]
    assert not wrong, f"{path} is in {part}, which may import {sorted(allowed)} only"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_module_says_what_it_is_and_annotates_from_the_future(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not tree.body or ast.get_docstring(tree) or path.name == "__init__.py"
    annotated = any(isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AnnAssign)) for node in tree.body)
    futures = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
    assert futures or not annotated


CHECK_A_CELL = """
import sys
from pathlib import Path
import jupyter_tos_guard.kernel.hook
import jupyter_tos_guard.gate.ruling, jupyter_tos_guard.gate.notice
import jupyter_tos_guard.sync.cache, jupyter_tos_guard.sync.companion
from jupyter_tos_guard.guard import Cell, Guard, Settings
guard = Guard.load(Path(sys.argv[1]))
for source in sys.argv[2:]:
    assert guard.check(Cell(source)).policy_version
print("\\n".join(sys.modules))
"""


def loaded(policy: Path, *cells: str) -> set[str]:
    """Top-level modules of a fresh process that did what a kernel does with these cells."""
    done = subprocess.run(
        [sys.executable, "-c", CHECK_A_CELL, str(policy), *cells],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_deciding_in_a_kernel_loads_nothing_heavy(default_policy: Path) -> None:
    found = loaded(
        default_policy, "x = 1", "import os\nos.getcwd()", "exec('print(1)')", "%pip install numpy", "!ls"
    )
    assert not found & set(HEAVY)
