"""SIGKILL during a bulk load, again and again on one database: no acknowledged commit is lost,
none is half there.

This tests the process, not the disk: the page cache survives a SIGKILL.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import epql
from tests.crash.writer import rows_of

WRITER = Path(__file__).with_name("writer.py")
ROOT = Path(__file__).resolve().parents[2]


def killed_run(database: Path, rnd: random.Random) -> int:
    """Start a writer, kill it at a random moment; the last commit it acknowledged, or 0."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        writer = subprocess.Popen(
            [sys.executable, str(WRITER), str(database), str(rnd.randrange(10**6))],
            stdout=out,
            stderr=err,
            cwd=ROOT,
        )
        if rnd.random() < 0.75:  # else it may die while it opens, recovers, or makes the database
            give_up = time.monotonic() + 20
            while not os.fstat(out.fileno()).st_size and time.monotonic() < give_up:
                if writer.poll() is not None:
                    break
                time.sleep(0.001)
            time.sleep(rnd.uniform(0, 0.08))
        else:
            time.sleep(rnd.uniform(0, 0.8))
        writer.send_signal(signal.SIGKILL)
        code = writer.wait()
        err.seek(0)
        assert code == -signal.SIGKILL, f"the writer ended by itself: {err.read().decode()}"
        out.seek(0)
        lines = out.read().split(b"\n")[:-1]  # what follows the last newline is no promise
        return int(lines[-1].split()[1]) if lines else 0


def check(database: Path, acknowledged: int, rebuild: bool = False) -> int:
    """The database is a whole prefix of the commits and holds all acknowledged; its length."""
    if rebuild:
        for file in database.glob("index.db*"):
            file.unlink()
    con = epql.connect(database, agent="checker")
    (count,) = con.execute("SELECT count(*) FROM commits").fetchall()[0]
    assert count >= acknowledged, f"{acknowledged} commits acknowledged, {count} there"
    rows = con.execute("SELECT subject, predicate, object, tx FROM assertions").fetchall()
    con.close()
    found: dict[int, set[tuple[str, str, str]]] = {}
    for subject, predicate, obj, tx in rows:
        found.setdefault(tx, set()).add((subject, predicate, obj))
    for number in range(1, count + 1):
        assert found.pop(number, set()) == set(rows_of(number)), f"commit {number} of {count}"
    assert not found, f"commits nobody made: {sorted(found)}"
    return int(count)


def kill_loop(folder: Path, cycles: int, fresh_every: int, seed: int) -> None:
    rnd = random.Random(seed)
    idle, total, acknowledged = 0, 0, 0
    database = folder / "none"
    for cycle in range(cycles):
        if cycle % fresh_every == 0:
            database, acknowledged = folder / f"kb{cycle}", 0
        told = killed_run(database, rnd)
        idle += not told
        total += max(0, told - acknowledged)
        acknowledged = max(acknowledged, told)
        if database.exists():
            acknowledged = check(database, acknowledged, rebuild=rnd.random() < 0.2)
    print(f"{cycles} cycles, {total} commits acknowledged, {idle} idle")
    assert idle <= cycles / 2, f"{idle} of {cycles} writers acknowledged nothing"


def test_killed_while_loading(tmp_path: Path) -> None:
    kill_loop(tmp_path, cycles=12, fresh_every=6, seed=12)


@pytest.mark.slow
def test_killed_while_loading_at_length(tmp_path: Path) -> None:
    kill_loop(tmp_path, cycles=240, fresh_every=20, seed=240)
