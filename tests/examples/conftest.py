"""The database that the examples ask: the history of the PEPs, made as a reader makes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with peps.epql in it."""
    folder = tmp_path_factory.mktemp("examples")
    subprocess.run(
        [sys.executable, "-m", "epql.cli.main", "demo", "peps.epql"],
        cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=300,
    )  # fmt: skip
    return folder
