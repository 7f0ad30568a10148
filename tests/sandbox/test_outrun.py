"""Row S2: nothing outruns its limits: time + 0.5 s, 256 MiB above the start.

Each statement runs in a process of its own, forked from one that has everything loaded. Time is
that of its processor, so a busy machine changes nothing. A process that never ends is killed.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import time
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
HANG_S = 120.0


class Run(NamedTuple):
    """What a statement took: processor's seconds, MiB above the start, and what became of it."""

    seconds: float
    mib: float
    outcome: str


@pytest.mark.row("S2", "one statement")
def test_no_statement_outruns_its_limits(row: Row, tmp_path: Path) -> None:
    folder = tmp_path / "kb"
    with epql.connect(folder, autocommit=True) as con:
        setup(con)
        con.close()
    _load(folder)
    texts = {**HEAVY, **{f"sqlite {n}": text for n, text in enumerate(lists.heavy_of_sqlite())}}
    runs: dict[str, Run] = {}
    for name, text in texts.items():
        if row.is_over():
            break
        runs[name] = run_alone(folder, text)
        row.ran += 1
    overruns = [
        f"{name}: {run}"
        for name, run in runs.items()
        if run.seconds > TIME_S + GRACE_S or run.mib > MIB_MAX or not run.outcome
    ]
    row.tell("overruns", len(overruns))
    row.tell("longest s", max(run.seconds for run in runs.values()))
    row.tell("most MiB", max(run.mib for run in runs.values()))
    wrong = [f"{name}: {run}" for name, run in runs.items() if run.outcome.startswith("!")]
    assert not wrong, "\n".join(wrong)
    assert not overruns, "\n".join(overruns)


def _load(folder: Path) -> None:
    """Have everything loaded before a process is forked: a few statements of each kind."""
    with epql.connect(folder, read_only=True, limits=limits()) as con:
        for text in ("SELECT 'a' REGEXP 'b'", "WHY ('s1', 'p1')", "EXPLAIN SELECT 1", "SELECT !"):
            try:
                con.execute(text).fetchall()
            except epql.Error:
                continue
        con.close()


def limits() -> epql.Limits:
    """Those for strangers, with less time."""
    return epql.Limits(TIME_S, 10_000, 1_000_000, 100_000, 128_000_000, 100, files=False)


def run_alone(folder: Path, text: str) -> Run:
    """Run a statement in a process of its own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            os.write(writer, json.dumps(_measured(folder, text)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    try:
        is_done = select.select([reader], [], [], HANG_S)[0]
        found = os.read(reader, 10_000) if is_done else b""
    finally:
        os.close(reader)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if not found:
        return Run(HANG_S, 0.0, "! it never ended, or died")
    return Run(*json.loads(found))


def _measured(folder: Path, text: str) -> Run:
    con = epql.connect(folder, read_only=True, autocommit=True, audit="off", limits=limits())
    con.execute("SELECT count(*) FROM beliefs").fetchall()
    before, began = _peak_mib(), time.process_time()
    try:
        cursor = con.execute(text)
        outcome = f"{len(cursor.fetchall())} rows" if cursor.description else "done"
    except epql.Error as error:
        outcome = str(error.code)
    except BaseException as error:
        outcome = f"! {type(error).__name__}: {error!s:.200}"
    taken = round(time.process_time() - began, 3)
    return Run(taken, round(_peak_mib() - before, 1), outcome)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.row("S2", "many statements")
def test_many_statements_leave_no_memory_behind(row: Row) -> None:
    """Texts that differ, of the greatest length: nothing of them is kept."""
    con = epql.connect(":memory:", autocommit=True, limits=limits())
    con.limits = epql.Limits(60.0, 10_000, 1_000_000, 100_000, 128_000_000, 100)
    _say(con, 0)
    before = _peak_mib()
    for number in row.rounds():
        _say(con, number)
    row.tell("MiB", round(_peak_mib() - before, 1))
    assert _peak_mib() - before < MIB_MAX
    con.close()


def _say(con: epql.Connection, number: int) -> None:
    items = ",".join(str(1_000_000 + number * 10_000 + n) for n in range(10_000))
    assert con.execute(f"SELECT {number} IN ({items})").fetchone() == (0,)
