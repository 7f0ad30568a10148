"""R5: each failing file call leads to the documented error, no hang, no traceback, no lost promise;
after it the journal is read-only until it is opened again (work.py looks at that).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.faults import MODES, Sweep, all_runs
from tests.crash.forks import Forks
from tests.crash.power import RAM
from tests.crash.tools.faultsweep import build
from tests.rows import Row

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")


@pytest.fixture(scope="module")
def sweep() -> Iterator[Sweep]:
    with (
        tempfile.TemporaryDirectory(prefix="epql-faults-", dir=RAM) as folder,
        Forks(Path(build(folder))) as forks,
    ):
        yield Sweep(forks, Path(folder))


@pytest.mark.parametrize(
    "mode", [pytest.param(mode, marks=pytest.mark.row("R5", mode)) for mode in MODES]
)
def test_each_failing_call(sweep: Sweep, row: Row, mode: str) -> None:
    failures = []
    for kind, number in all_runs(sweep, mode, row.count, row.seed):
        if row.is_over():
            break
        try:
            sweep.run(kind, mode, number)
        except AssertionError as error:
            failures.append(str(error))
        row.ran += 1
    assert not failures, "\n".join([f"{len(failures)} (--seed {row.seed}):", *failures[:20]])


@pytest.mark.parametrize("mode", ["EIO", "torn", "gate", "readshort"])
def test_some_failing_calls(sweep: Sweep, mode: str) -> None:
    for kind in ("append", "rotation"):
        for number in sweep.chosen(kind, mode, 5, seed=5):
            sweep.run(kind, mode, number)
