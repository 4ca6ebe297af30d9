from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jupyter_tos_guard.cli.app import run
from jupyter_tos_guard.policy.compile import compile_policy

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "policy"
MINER = "!git clone https://github.com/xmrig/xmrig.git"
TOOLKIT = "!git clone https://github.com/iperov/DeepFaceLab"


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Tos = Callable[..., Outcome]


@pytest.fixture
def tos(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Tos:
    """Run a command line in this process, apart from the user's settings and record."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(home / "config"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(home / "data"))
    monkeypatch.setenv("COLUMNS", "200")

    def call(*argv: object, stdin: str | bytes = "") -> Outcome:
        data = stdin.encode("utf-8", "surrogatepass") if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        capfd.readouterr()
        code = run([str(word) for word in argv])
        out, err = capfd.readouterr()
        return Outcome(code, out, err)

    return call


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example policy, compiled: `mining` blocks, `deepfake` warns."""
    path = tmp_path_factory.mktemp("policy") / "example.bundle"
    path.write_bytes(compile_policy(EXAMPLE))
    return path


def notebook(*sources: str, **metadata: Any) -> str:
    """A notebook of code cells, laid out as front ends do."""
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {},
            "outputs": [],
            "source": source.splitlines(keepends=True),
        }
        for source in sources
    ]
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 4}, indent=1)
