"""The fuzzer itself: what ends it, and what it says then."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import run
from tests.fuzz.child import read_current

CHILD = """
import os, signal, time
from tests.fuzz import child, targets

targets.TARGETS["own"] = targets.Target("", ("epql.nothing",))
child.found_in = lambda where: lambda data: {}
child.main()
"""


def _ended(what: str, found: Path) -> subprocess.CompletedProcess[str]:
    """A fuzzer that does this with its first input, the empty one, and with one more."""
    if not run.is_possible():
        pytest.skip("atheris is not installed")
    options = ("-runs=1", *run.LIMITS, f"-artifact_prefix={found}/")
    command = [sys.executable, "-c", CHILD.format(what), "own", str(found), *options]
    return subprocess.run(command, cwd=run.ROOT, capture_output=True, text=True, check=False)


def test_an_input_may_take_its_time(tmp_path: Path) -> None:
    """atheris takes -timeout=0 for one second: three targets of row S11 ended at their first input,
    for which they make a database, where other tests ran beside them."""
    ended = _ended("time.sleep(1.2)", tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_crash_says_where_it_was(tmp_path: Path) -> None:
    ended = _ended("os.kill(os.getpid(), signal.SIGSEGV)", tmp_path)
    assert ended.returncode not in (0, 77)
    assert "Segmentation fault" in ended.stderr and " in once" in ended.stderr
    assert read_current(tmp_path / "current") == (1, b"")
