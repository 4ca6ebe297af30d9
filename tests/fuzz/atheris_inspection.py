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
    from jupyter_tos_guard.guard import Cell, Guard, Settings
    from jupyter_tos_guard.policy.compile import compile_policy
    from jupyter_tos_guard.policy.decision import Reason
    from jupyter_tos_guard.policy.model import Mode

DEFAULT_PACK = Path(__file__).parents[2] / "jupyter_tos_guard" / "policy" / "default"
#: Instrumented code is several times slower than the 50 ms that a cell may take.
PATIENCE = 5.0


def main() -> None:
    """Fuzz until told to stop."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "default.bundle"
        bundle.write_bytes(compile_policy(DEFAULT_PACK))
        settings = Settings(mode=Mode.ENFORCE, enable=frozenset(["all"]))

        def check(data: bytes) -> None:
            provider = atheris.FuzzedDataProvider(data)
            guard = Guard.load(bundle, settings)
            for _ in range(provider.ConsumeIntInRange(1, 3)):
                language = provider.PickValueInList(["python", "python", "python", "bash", "r"])
                source = provider.ConsumeUnicode(provider.ConsumeIntInRange(0, 4000))
                began = time.perf_counter()
                decision = guard.check(Cell(source, language))
                if decision.reason is Reason.INSPECTION_FAILED:
                    raise AssertionError(f"{decision.detail}: {source!r}")
                if time.perf_counter() - began > PATIENCE:
                    raise AssertionError(f"took longer than {PATIENCE} s: {source!r}")

        atheris.Setup(sys.argv, check)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
