"""Hypothesis profiles: ``HYPOTHESIS_PROFILE=ci`` fuzzes for a minute, ``long`` for about an hour."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

settings.register_profile("default", max_examples=50, deadline=None, suppress_health_check=_SLOW)
settings.register_profile("ci", max_examples=1500, deadline=None, suppress_health_check=_SLOW)
settings.register_profile("long", max_examples=100_000, deadline=None, suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
