"""R11: a lock dies with its holder; a holder who is stopped is told by name after the timeout."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

import epql
from epql.engine.lock import WriterLock
from tests.crash.holder import HOLDERS, hold_lock, hold_transaction, start
from tests.rows import Row

HANG_S = 60.0
"""Longer than this is a hang, however busy the machine."""
FRESH_EVERY = 25


@contextmanager
def held(folder: Path, holder: Any, told: Path) -> Iterator[BaseProcess]:
    """A process that holds the lock."""
    process = start(holder, folder, told)
    try:
        give_up = time.monotonic() + HANG_S
        while not told.exists():
            assert process.is_alive() and time.monotonic() < give_up, "it never got the lock"
            time.sleep(0.001)
        yield process
    finally:
        process.kill()
        process.join()


def kill(process: BaseProcess) -> None:
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)


def seconds_to_write(folder: Path, process: BaseProcess, *, is_waiting: bool) -> float:
    """From the kill until somebody else has written: one who waits already, or one who comes."""
    con = epql.connect(folder, agent="next", audit="off", autocommit=True, timeout=HANG_S)
    took: list[float] = []

    def write() -> None:
        con.execute("ASSERT ('next', 'p', ?)", (time.monotonic_ns(),))
        took.append(time.monotonic())

    try:
        if is_waiting:
            writer = threading.Thread(target=write)
            writer.start()
            time.sleep(0.02)
            killed = time.monotonic()
            kill(process)
            writer.join(HANG_S)
        else:
            killed = time.monotonic()
            kill(process)
            process.join()
            with epql.connect(folder, audit="off", timeout=HANG_S) as fresh:
                fresh.execute("ASSERT ('fresh', 'p', ?)", (time.monotonic_ns(),))
            fresh.close()
            took.append(time.monotonic())
        assert took, f"no lock {HANG_S} s after its holder was killed"
        return max(0.0, took[0] - killed)
    finally:
        con.close()


@pytest.mark.row("R11", "the holder is killed")
def test_a_lock_dies_with_its_holder(row: Row, tmp_path: Path) -> None:
    rnd = random.Random(row.seed)
    waits: list[float] = []
    for number in row.rounds():
        folder = tmp_path / f"kb{number // FRESH_EVERY}"
        if number % FRESH_EVERY == 0:
            epql.connect(folder).close()
        with held(folder, rnd.choice(HOLDERS), tmp_path / f"told{number}") as process:
            time.sleep(rnd.uniform(0, 0.01))
            is_waiting = rnd.random() < 0.5
            waits.append(seconds_to_write(folder, process, is_waiting=is_waiting))
    row.tell("longest wait, s", round(max(waits), 3))
    row.tell("waits over 1 s", sum(wait > 1 for wait in waits))


@pytest.mark.row("R11", "the holder is stopped")
def test_a_stopped_holder_is_told_by_name(row: Row, tmp_path: Path) -> None:
    rnd = random.Random(row.seed)
    for number in row.rounds():
        folder = tmp_path / f"kb{number // FRESH_EVERY}"
        if number % FRESH_EVERY == 0:
            epql.connect(folder).close()
        holder, timeout = rnd.choice(HOLDERS), rnd.choice([0.0, 0.05, 0.2])
        check_stopped(folder, holder, tmp_path / f"told{number}", timeout)


def check_stopped(folder: Path, holder: Any, told: Path, timeout: float) -> None:
    """The next is refused after the timeout, naming the stopped holder; not once it is gone."""
    lock = WriterLock(folder / "LOCK")
    with held(folder, holder, told) as process:
        pid = process.pid or 0
        give_up = time.monotonic() + HANG_S
        while True:
            os.kill(pid, signal.SIGSTOP)
            _wait_until_stopped(pid)
            if lock.probe():
                break  # it holds the lock just now
            os.kill(pid, signal.SIGCONT)
            assert time.monotonic() < give_up
        con = epql.connect(folder, audit="off", autocommit=True, timeout=timeout)
        began = time.monotonic()
        with pytest.raises(epql.OperationalError) as refused:
            con.execute("ASSERT ('next', 'p', 'x')")
        assert began + timeout <= time.monotonic() < began + timeout + HANG_S
        assert (refused.value.code, refused.value.retryable) == ("lock.timeout", True)
        assert f"process {pid} " in str(refused.value)
        assert con.execute("SELECT 1 FROM commits LIMIT 1").fetchall() in ([], [(1,)])
        os.kill(pid, signal.SIGCONT)
        kill(process)
        process.join()
        con.execute("ASSERT ('next', 'p', 'x')")
        con.close()


def _wait_until_stopped(pid: int) -> None:
    """A signal takes its time; what is asked before the process stands does not count."""
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.0005)


def test_one_of_each(tmp_path: Path) -> None:
    """What the rows do many times."""
    folder = tmp_path / "kb"
    epql.connect(folder).close()
    with held(folder, hold_transaction, tmp_path / "1") as process:
        seconds_to_write(folder, process, is_waiting=True)
    check_stopped(folder, hold_lock, tmp_path / "2", 0.05)
