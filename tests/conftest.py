"""What all tests share: a clock that only moves when told, and hypothesis profiles."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.clock import TestClock

_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("quick", deadline=None, max_examples=25, suppress_health_check=_QUIET)
settings.register_profile("thorough", deadline=None, max_examples=400, suppress_health_check=_QUIET)
settings.load_profile(os.environ.get("EPQL_HYPOTHESIS", "quick"))


@pytest.fixture
def clock() -> TestClock:
    """A clock at 2024-01-01T00:00:00Z."""
    return TestClock()
