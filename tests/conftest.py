"""What all tests share: a clock that only moves when told, hypothesis profiles, rows of the bar."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.clock import TestClock
from tests.rows import SIZES, Row

if not os.environ.get("XDG_CACHE_HOME"):  # also for processes with another HOME: to make the
    # parser's tables takes three seconds
    os.environ["XDG_CACHE_HOME"] = os.path.expanduser("~/.cache")

_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("quick", deadline=None, max_examples=25, suppress_health_check=_QUIET)
settings.register_profile("thorough", deadline=None, max_examples=400, suppress_health_check=_QUIET)
settings.load_profile(os.environ.get("EPQL_HYPOTHESIS", "quick"))


@pytest.fixture
def clock() -> TestClock:
    """A clock at 2024-01-01T00:00:00Z."""
    return TestClock()


def pytest_collection_finish() -> None:
    """No collection of garbage looks through all tests again."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("epql")
    group.addoption("--bar", choices=["quick", "nightly"], default="quick", help="sizes of rows")
    group.addoption("--row-seconds", type=float, default=None, help="time of each row's test")
    group.addoption("--seed", type=int, default=1, help="of what rows choose at random")


_OUTCOME = pytest.StashKey[pytest.TestReport]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if report.when == "call" or report.outcome != "passed":
        item.stash[_OUTCOME] = report
    return report


@pytest.fixture
def row(request: pytest.FixtureRequest) -> Iterator[Row]:
    """The row that the test is marked with; what it ran is kept for the table."""
    marker = request.node.get_closest_marker("row")
    name, part = (*marker.args, "")[:2]
    size = SIZES[name, part]
    options = request.config.option
    count = size.nightly if options.bar == "nightly" else size.quick
    one = Row(name, part, count, size.unit, options.row_seconds, options.seed)
    yield one
    report = request.node.stash.get(_OUTCOME, None)
    outcome = "error" if report is None else report.outcome
    reason = report.longrepr[2] if report is not None and outcome == "skipped" else ""
    one.write(outcome, reason)
