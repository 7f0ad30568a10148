"""SQLAlchemy's own suite for dialects passes, and every test that is skipped has its reason.

It runs in a process of its own: its pytest plugin takes over how tests are collected.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

HERE = Path(__file__).parent / "compliance"
CORE = (
    "AutocommitIsolationTest or CompoundSelectTest or CTETest or ExistsTest or ExpandingBoundInTest"
    " or FetchLimitOffsetTest or HasTableTest or InsertBehaviorTest or JoinTest or LastrowidTest"
    " or LikeFunctionsTest or OrderByLabelTest or RowFetchTest or SimpleUpdateDeleteTest"
    " or UnicodeVarcharTest or WindowFunctionTest"
)
"""What is run each time; the whole suite takes a quarter of a minute."""
UNSAID = ("marked as skip", "[]", "")
"""What the suite says of tests that are skipped for no reason of ours."""


@pytest.mark.parametrize(
    ("chosen", "passed_min"),
    [
        pytest.param(CORE, 120, id="core"),
        pytest.param("test", 600, id="whole", marks=pytest.mark.slow),
    ],
)
def test_the_suite_passes_and_says_why_what_is_skipped(
    tmp_path: Path, chosen: str, passed_min: int
) -> None:
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-c", HERE / "setup.cfg", "--rootdir", HERE, HERE]
    ran = subprocess.run(
        [*command, "-p", "no:xdist", "-k", chosen, "--junitxml", report],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-2000:]
    suite = ElementTree.parse(report).getroot()[0]
    skipped = [one.get("message", "") for one in suite.iter("skipped")]
    assert int(suite.get("tests", 0)) - len(skipped) > passed_min
    reasons = {message.rpartition(" : ")[2] for message in skipped}
    assert not reasons & {*UNSAID}, reasons & {*UNSAID}
