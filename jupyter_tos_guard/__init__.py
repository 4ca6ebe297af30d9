"""A hub's terms of use, enforced before a cell runs: decide, explain, record."""

from __future__ import annotations


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    """Tell Jupyter Server what to load."""
    from jupyter_tos_guard.server.app import (
        TosGuardExtension,
    )  # not in kernels, which import this package too

    return [{"module": "jupyter_tos_guard.server.app", "app": TosGuardExtension}]
