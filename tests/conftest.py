"""What all tests share.

Hypothesis profiles: ``HYPOTHESIS_PROFILE=ci`` fuzzes for a minute, ``long`` for about an hour.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from jupyter_tos_guard.policy.compile import compile_policy

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

settings.register_profile("default", max_examples=50, deadline=None, suppress_health_check=_SLOW)
settings.register_profile("ci", max_examples=4_000, deadline=None, suppress_health_check=_SLOW)
settings.register_profile("long", max_examples=800_000, deadline=None, suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def default_policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default policy as its rules stand now, whenever the package was last built."""
    folder = Path(__file__).parents[1] / "jupyter_tos_guard" / "policy" / "default"
    path = tmp_path_factory.mktemp("default") / "default.bundle"
    path.write_bytes(compile_policy(folder))
    return path
