"""R13: where memory runs out, a statement ends in the documented error; the database is sound and
the connection of use.

An interpreter may die of it inside a library that does not look at what an allocation returns
(apsw does so when it adds lines to a traceback). Then that is counted, nothing acknowledged may be
lost, and the next process goes on.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import epql
from tests.rows import Row

MAPPED = {"MALLOC_MMAP_THRESHOLD_": "65536"}
"""What is freed of large texts goes back to the system, so that the next one may find no room."""

PROGRAM = Path(__file__).with_name("memory.py")


def starve(row: Row, folder: Path, what: str, how: str, first: int, last: int) -> None:
    """Let memory run out at `row.count` points from first to last."""
    step = max(1, (last - first) // row.count)
    acknowledged: set[str] = set()
    outcomes: Counter[str] = Counter()
    died = 0
    while first < last and not row.is_over():
        until = min(last, first + 100 * step)  # so that the time is looked at now and then
        command = [sys.executable, str(PROGRAM), str(folder), what, how]
        run = subprocess.run(
            [*command, str(first), str(until), str(step)],
            capture_output=True, text=True, timeout=600, env=os.environ | MAPPED,
        )  # fmt: skip
        again = f"again: {' '.join(command)}"
        for line in run.stdout.splitlines():
            word, _, said = line.partition(" ")
            if word == "ACK":
                acknowledged.add(said)
            elif word == "BROKEN":
                raise AssertionError(f"after {first - step}: {said} {again}")
            else:
                outcomes[said] += 1
                row.ran, first = row.ran + 1, int(word) + step
        assert run.returncode <= 0, f"{first}: {run.stderr[-2000:]} {again}"
        if run.returncode < 0:
            died, row.ran, first = died + 1, row.ran + 1, first + step
    for outcome, number in outcomes.items():
        row.tell(outcome, number)
    row.tell("interpreter died in a library", died)
    assert outcomes.keys() - {"done, used again"}, "memory never ran out"
    con = epql.connect(folder, agent="checker", audit="off")
    found = con.execute("SELECT subject FROM beliefs WHERE predicate LIKE 'p%'").fetchall()
    assert acknowledged <= {subject for (subject,) in found}, "acknowledged, and lost"
    assert con.verify() == []
    con.close()


needs_testcapi = pytest.mark.skipif(
    importlib.util.find_spec("_testcapi") is None, reason="this interpreter has no _testcapi"
)


@needs_testcapi
@pytest.mark.row("R13", "allocations of an append")
def test_each_allocation_of_an_append(row: Row, tmp_path: Path) -> None:
    starve(row, tmp_path / "kb", "append", "one", 1, 2001)


@needs_testcapi
@pytest.mark.row("R13", "allocations of a query")
def test_each_allocation_of_a_query(row: Row, tmp_path: Path) -> None:
    starve(row, tmp_path / "kb", "query", "one", 1, 2001)


@needs_testcapi
@pytest.mark.row("R13", "bursts in an append")
def test_bursts_of_failing_allocations_in_an_append(row: Row, tmp_path: Path) -> None:
    starve(row, tmp_path / "kb", "append", "burst", 1, 2001)


@needs_testcapi
@pytest.mark.row("R13", "bursts in a query")
def test_bursts_of_failing_allocations_in_a_query(row: Row, tmp_path: Path) -> None:
    starve(row, tmp_path / "kb", "query", "burst", 1, 2001)


@pytest.mark.row("R13", "heap of SQLite, append")
def test_the_heap_is_full_in_an_append(row: Row, tmp_path: Path) -> None:
    starve(row, tmp_path / "kb", "append", "heap", 0, 500)


@pytest.mark.row("R13", "heap of SQLite, query")
def test_the_heap_is_full_in_a_query(row: Row, tmp_path: Path) -> None:
    starve(row, tmp_path / "kb", "query", "heap", 0, 400)


@pytest.mark.row("R13", "address space, append")
def test_the_process_may_not_grow_in_an_append(row: Row, tmp_path: Path) -> None:
    starve(row, tmp_path / "kb", "append", "space", 0, 1500)


@pytest.mark.row("R13", "address space, query")
def test_the_process_may_not_grow_in_a_query(row: Row, tmp_path: Path) -> None:
    starve(row, tmp_path / "kb", "query", "space", 0, 1000)
