"""Coverage-guided fuzzing of the inspection, by hand: not run by pytest.

``pip install atheris``, then ``python tests/fuzz/atheris_inspection.py -max_total_time=3600 CORPUS``. A crash, a cell
that takes longer than it may, and a defect of the inspection (which the guard answers, but should not have
to) all end the run and leave the input in a file.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["jupyter_tos_guard"]):
    # The guard imports the evaluator and the shell when it first needs them, which is too late here.
    from jupyter_tos_guard.guard import Cell, Guard, Settings
    from jupyter_tos_guard.inspection.python import evaluation  # noqa: F401
    from jupyter_tos_guard.policy.compile import compile_policy
    from jupyter_tos_guard.policy.decision import Reason
    from jupyter_tos_guard.policy.model import Mode
    from jupyter_tos_guard.policy.rules import load_policy

DEFAULT_PACK = Path(__file__).parents[2] / "jupyter_tos_guard" / "policy" / "default"
#: Instrumented code is several times slower than the 50 ms that a cell may take.
PATIENCE = 5.0


def main() -> None:
    """Fuzz until told to stop."""
    policy, _ = load_policy(DEFAULT_PACK)
    assert policy is not None
    examples = [cell for rule in policy.rules for session in rule.examples.match for cell in session]
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "default.bundle"
        bundle.write_bytes(compile_policy(DEFAULT_PACK))
        settings = Settings(mode=Mode.ENFORCE, enable=frozenset(["all"]))

        def check(data: bytes) -> None:
            provider = atheris.FuzzedDataProvider(data)
            guard = Guard.load(bundle, settings)
            for _ in range(provider.ConsumeIntInRange(1, 3)):
                language = provider.PickValueInList(["python", "python", "python", "bash", "r"])
                source = _cell(provider, examples)
                began = time.perf_counter()
                decision = guard.check(Cell(source, language))
                if decision.reason is Reason.INSPECTION_FAILED:
                    raise AssertionError(f"{decision.detail}: {source!r}")
                if time.perf_counter() - began > PATIENCE:
                    raise AssertionError(f"took longer than {PATIENCE} s: {source!r}")

        atheris.Setup(sys.argv, check)
        atheris.Fuzz()


def _cell(provider: atheris.FuzzedDataProvider, examples: list[str]) -> str:
    """Pieces of cells that reach deep, cut and glued together with anything."""
    parts = []
    for _ in range(provider.ConsumeIntInRange(1, 4)):
        example = provider.PickValueInList(examples)
        begin = provider.ConsumeIntInRange(0, len(example))
        parts.append(example[begin : provider.ConsumeIntInRange(begin, len(example))])
        parts.append(provider.ConsumeUnicode(provider.ConsumeIntInRange(0, 40)))
    return "".join(parts)


if __name__ == "__main__":
    main()
