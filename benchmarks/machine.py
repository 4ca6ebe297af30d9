"""What else the machine does while a benchmark runs; read beside its figures."""

from __future__ import annotations

from typing import Any

import psutil


def stolen(before: Any) -> float:
    """Return the share of processor time that a virtual machine's host gave to others.

    Parameters
    ----------
    before : psutil._common.scputimes
        What ``psutil.cpu_times()`` said at the beginning.
    """
    spent = [after - earlier for after, earlier in zip(psutil.cpu_times(), before, strict=True)]
    return getattr(psutil.cpu_times(), "steal", 0.0) and spent[before._fields.index("steal")] / sum(spent)
