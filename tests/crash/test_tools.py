"""The tools themselves: each passes the sound sample and catches the bug planted in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parent / "tools"


@pytest.mark.slow
def test_each_tool_catches_its_bug() -> None:
    done = subprocess.run(
        ["bash", str(TOOLS / "selftest.sh")], env=os.environ | {"PYTHON": sys.executable},
        stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
