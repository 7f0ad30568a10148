"""What tests of real disks need of the machine. Without it they are skipped, and say why."""

from __future__ import annotations

import importlib.util
import os
import shutil
from functools import cache
from pathlib import Path

import pytest

ROOT, LOOP, FUSE = "root", "loop devices", "FUSE"
"""Beside these, a need is the name of a program."""


def need(*needs: str) -> None:
    """Skip the test unless the machine has all of it."""
    lacking = [lack for lack in map(_lacking, needs) if lack is not None]
    if lacking:
        pytest.skip("; ".join(lacking))


@cache
def _lacking(what: str) -> str | None:
    if what == ROOT:
        return None if os.geteuid() == 0 else "not root"
    if what == LOOP:
        return None if Path("/dev/loop-control").exists() else "no loop devices"
    if what == FUSE:
        return _lacking_fuse()
    return None if shutil.which(what) else f"{what} is not installed"


def _lacking_fuse() -> str | None:
    if not Path("/dev/fuse").exists():
        return "no /dev/fuse"
    if importlib.util.find_spec("mfusepy") is None:
        return "mfusepy is not installed"
    return None if shutil.which("fusermount3") else "fuse3 is not installed"
