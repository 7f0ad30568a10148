"""Row S2: nothing outruns its limits: time + 0.5 s, 256 MiB above the start.

The statements run in a process of their own (worker.py), which is started anew when one ends it.
Time is that of its processor, so a busy machine changes nothing. One that never ends is killed.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

import epql
from tests.rows import Row
from tests.sandbox import lists
from tests.sandbox.heavy import HEAVY, setup

TIME_S = 0.25
GRACE_S = 0.5
MIB_MAX = 256
MIB_LEFT_MAX = 32
"""Behind many statements; one such text and its plan take more than ten."""
HANG_S = 120.0


class Run(NamedTuple):
    """What a statement took: processor's seconds, MiB above the start, and what became of it."""

    seconds: float
    mib: float
    outcome: str
    all_mib: float = 0.0
    """What the process has behind it."""

    def is_within(self) -> bool:
        """Whether it ended in time and memory, with an answer or one of our errors."""
        is_small = self.seconds <= TIME_S + GRACE_S and self.mib <= MIB_MAX
        return is_small and not self.outcome.startswith("!")


class Worker:
    """The process that runs them; a new one where the last is gone."""

    def __init__(self, folder: Path) -> None:
        self._command = [sys.executable, "-m", "tests.sandbox.worker", str(folder)]
        self._process: subprocess.Popen[str] | None = None

    def run(self, text: str, time_s: float = TIME_S, is_kept: bool = False) -> Run:
        """Run one, on a connection of its own or on the one that was kept."""
        process = self._process = self._process or self._started()
        assert process.stdin is not None and process.stdout is not None
        asked = json.dumps({"text": text, "time": time_s, "kept": is_kept})
        process.stdin.write(asked + "\n")
        process.stdin.flush()
        is_told = select.select([process.stdout], [], [], HANG_S)[0]
        line = process.stdout.readline() if is_told else ""
        if line:
            return Run(**json.loads(line))
        self.end()
        died = f"! the process ended: {process.returncode}"
        return Run(HANG_S, 0.0, died if is_told else "! it never ended")

    def end(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _started(self) -> subprocess.Popen[str]:
        root = Path(__file__).parents[2]
        piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        return subprocess.Popen(self._command, cwd=root, **piped)  # type: ignore[call-overload,no-any-return]


@contextmanager
def worker(folder: Path) -> Iterator[Worker]:
    """One that is ended in the end."""
    one = Worker(folder)
    try:
        yield one
    finally:
        one.end()


@pytest.mark.row("S2", "one statement")
def test_no_statement_outruns_its_limits(row: Row, tmp_path: Path) -> None:
    folder = tmp_path / "kb"
    with epql.connect(folder, autocommit=True) as con:
        setup(con)
        con.close()
    texts = {**HEAVY, **{f"sqlite {n}": text for n, text in enumerate(lists.heavy_of_sqlite())}}
    runs: dict[str, Run] = {}
    with worker(folder) as one:
        for name, text in texts.items():
            if row.is_over():
                break
            runs[name] = one.run(text)
            row.ran += 1
    overruns = [f"{name}: {run}" for name, run in runs.items() if not run.is_within()]
    row.tell("overruns", len(overruns))
    row.tell("longest s", max(run.seconds for run in runs.values()))
    row.tell("most MiB", max(run.mib for run in runs.values()))
    assert not overruns, "\n".join(overruns)


@pytest.mark.row("S2", "many statements")
def test_many_statements_leave_no_memory_behind(row: Row, tmp_path: Path) -> None:
    """Texts that differ, of the greatest length, on one connection: nothing of them is kept."""
    folder = tmp_path / "kb"
    epql.connect(folder).close()
    with worker(folder) as one:
        for number in range(3):
            before = _say(one, number)
        after = before
        for number in row.rounds():
            after = _say(one, 3 + number)
    row.tell("MiB left behind", round(after.all_mib - before.all_mib, 1))
    row.tell("most MiB", after.mib)
    assert after.all_mib - before.all_mib < MIB_LEFT_MAX


def _say(one: Worker, number: int) -> Run:
    items = ",".join(str(1_000_000 + number * 10_000 + n) for n in range(12_000))
    run = one.run(f"SELECT {number} IN ({items})", 60.0, is_kept=True)
    assert run.outcome == "1 rows", run
    return run
