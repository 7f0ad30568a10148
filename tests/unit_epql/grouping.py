"""Threads whose statements meet in one group: they stand in line while somebody holds LOCK."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import epql
from epql.engine import group
from epql.engine.journal.writer import JournalWriter
from epql.engine.lock import LOCK_NAME, WriterLock

Job = Callable[[], Any]
GIVE_UP_S = 60


def connect(folder: Path, **arguments: Any) -> epql.Connection:
    given = {"durability": "group", "autocommit": True, "timeout": 60.0, "audit": "off"}
    return epql.connect(folder, **given | arguments)


def writer_of(con: epql.Connection) -> group.SharedWriter:
    """What a connection shares with others; it has written already."""
    grouped = con.runner._grouped
    assert grouped is not None and grouped._writer is not None
    return grouped._writer


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + GIVE_UP_S
    while not is_so():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.001)


class Running:
    """A job in a thread, and what became of it."""

    def __init__(self, job: Job) -> None:
        self.found: Any = None
        self._job = job
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.found = self._job()
        except BaseException as error:
            self.found = error

    def result(self) -> Any:
        """What the job gave, or the error it raised."""
        self.thread.join(GIVE_UP_S)
        assert not self.thread.is_alive(), "it hangs"
        return self.found


@contextmanager
def held(folder: Path) -> Iterator[WriterLock]:
    """LOCK, as another process has it."""
    lock = WriterLock(folder / LOCK_NAME)
    lock.acquire(GIVE_UP_S)
    try:
        yield lock
    finally:
        lock.close()


def in_line(writer: group.SharedWriter) -> int:
    """How many stand in line, the one whose turn it is included."""
    line = writer._line
    return len(line._waiting) + (line._holder is not None)


def lined_up(writer: group.SharedWriter, jobs: list[Job]) -> list[Running]:
    """Jobs that stand in line, in this order; while LOCK is held."""
    running = []
    for number, job in enumerate(jobs, in_line(writer) + 1):
        running.append(Running(job))
        until(lambda number=number: in_line(writer) == number)  # type: ignore[misc]
    return running


def together(folder: Path, writer: group.SharedWriter, jobs: list[Job]) -> list[Any]:
    """What statements give that meet in one group, in this order; an error is given, not raised."""
    with held(folder):
        running = lined_up(writer, jobs)
    return [one.result() for one in running]


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many commits each append of the journal had."""
    sizes: list[int] = []
    append = JournalWriter.append

    def counted(self: JournalWriter, frames: Any) -> Any:
        sizes.append(len(frames))
        return append(self, frames)

    monkeypatch.setattr(JournalWriter, "append", counted)
    return sizes
