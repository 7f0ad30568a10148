"""The scripts of examples/ run as they say they do, and tell what they told when written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

SCRIPTS = ("sqlalchemy_pandas", "polars_frames")


def run(name: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / f"{name}.py", "peps.epql"],
        cwd=folder, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_tells_what_it_told(name: str, folder: Path) -> None:
    told = [line.rstrip() for line in run(name, folder).splitlines()]
    expected = (Path(__file__).parent / f"{name}.txt").read_text().splitlines()
    assert told == expected


@pytest.mark.parametrize("name", SCRIPTS)
def test_without_the_database_it_says_so(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / f"{name}.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 1 and "database.missing" in done.stderr
    assert list(tmp_path.iterdir()) == []
