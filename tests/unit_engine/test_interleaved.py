"""A reader beside a writer, in every order of their steps: no answer depends on who was faster.

The journal, the index and the note in LOCK are looked at one after the other, and another process
may change them in between. Here the writer runs in a thread that stands still before each of its
steps; the reader lets it go on when it is about to look at something (a file, the note, a
statement of SQLite). All places to go on are tried. One of the two stands at any moment, so that
nothing depends on timing.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

import epql
from epql.engine import check as checking
from epql.engine import usable
from epql.engine.check import check
from epql.engine.files import OsFiles, OsHandle
from epql.engine.index import schema
from epql.engine.ingest import catch_up
from epql.engine.journal.writer import Pending
from epql.engine.lock import WriterLock
from epql.engine.records import Assertion, CommitInfo, encode
from tests.clock import TestClock, text_of

FACTS = 3
ALL = sys.maxsize
LOOKS_MAX = 36
"""A reader that waits for the writer looks for ever: it has done so three times by then."""
SEEN = ("acquire", "note", "write", "second half", "sync", "COMMIT", "release")
"""The steps of the writer after which others can see something new."""


class Ticking(TestClock):
    """A clock that never says the same instant twice."""

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now


CLOCK = Ticking()


class Writer:
    """A thread that does `job` again and again, and stands before each step of it."""

    def __init__(self, path: Path, job: Callable[[epql.Connection], None]) -> None:
        self.labels: list[str] = []
        self.stands_between = True
        self._path, self._job = path, job
        self._turn, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._left = 0
        self._is_ending = False
        self._error: BaseException | None = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        self._wait()

    def go(self, steps: int) -> None:
        """So many steps further, into the next job if it stands between two."""
        self._left = steps
        self._turn.release()
        self._wait()

    def finish(self) -> None:
        """To the end of the job."""
        if not self.stands_between:
            self.go(ALL)

    def end(self) -> None:
        self.finish()
        self._is_ending = True
        self._turn.release()
        self.thread.join()

    def step(self, label: str) -> None:
        """Called in the thread, before each step."""
        if self.stands_between:
            return
        self.labels.append(label)
        if not self._left:
            self._stand()
        self._left -= 1

    def _run(self) -> None:
        try:
            with epql.connect(self._path, agent="w", autocommit=True, clock=CLOCK) as connection:
                while True:
                    self._stand()
                    if self._is_ending:
                        break
                    self.labels, self.stands_between = [], False
                    self._job(connection)
                    self.stands_between = True
                connection.close()
        except BaseException as error:  # handed to the test
            self._error = error
            self._back.release()

    def _stand(self) -> None:
        self._back.release()
        self._turn.acquire()

    def _wait(self) -> None:
        self._back.acquire()
        if self._error is not None:
            raise AssertionError("the writer failed") from self._error


class Stage:
    """Who is on it: the writer, and a reader that lets the writer end at one of its looks."""

    def __init__(self) -> None:
        self.writer: Writer | None = None
        self.looks = 0
        self.is_locked = False  # by the reader: the writer could not go on
        self._at = -1

    def take(self, label: str) -> None:
        """Called before each step of anybody."""
        writer = self.writer
        if writer is None:
            return
        if threading.current_thread() is writer.thread:
            writer.step(label)
        elif threading.current_thread() is threading.main_thread():
            if 0 <= self._at <= self.looks and not self.is_locked:
                writer.finish()
            self.looks += 1

    def orders(self, every: int = 1) -> Iterator[None]:
        """Each pair of a step where the writer stands first, and a look at which it goes on.

        `every`: only one of so many pairs.
        """
        assert self.writer is not None
        self.writer.go(ALL)
        places = [place for place, label in enumerate(self.writer.labels) if label in SEEN]
        for number, steps in enumerate([*places, ALL]):
            at, self.looks = number % every, ALL
            while at < min(self.looks, LOOKS_MAX):
                self.writer.go(steps)
                self.looks, self._at = 0, at
                yield
                self._at = -1
                self.writer.finish()
                at += every


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Every file read or written, every word with LOCK and every statement is a step."""
    stage = Stage()

    def before(owner: type, name: str) -> None:
        whole = getattr(owner, name)

        def stepwise(self: Any, *args: Any, **more: Any) -> Any:
            stage.take(name)
            return whole(self, *args, **more)

        monkeypatch.setattr(owner, name, stepwise)

    for owner, names in STEPS.items():
        for name in names:
            before(owner, name)
    acquire, release = WriterLock.acquire, WriterLock.release

    def acquired(self: WriterLock, timeout_s: float) -> Any:
        stage.take("acquire")
        is_reader = threading.current_thread() is threading.main_thread()
        try:
            stage.is_locked |= is_reader
            return acquire(self, timeout_s)
        finally:
            stage.is_locked &= self.held or not is_reader

    def released(self: WriterLock) -> None:
        stage.take("release")
        release(self)
        if threading.current_thread() is threading.main_thread():
            stage.is_locked = False

    write_all = OsHandle.write

    def write(self: OsHandle, data: bytes) -> None:
        stage.take("write")
        write_all(self, data[: len(data) // 2])  # a reader may meet half of a frame
        stage.take("second half")
        write_all(self, data[len(data) // 2 :])

    def opened(*args: Any, **more: Any) -> apsw.Connection:
        db = schema.open_index(*args, **more)
        db.exec_trace = lambda _cursor, sql, _bindings: stage.take(sql) or True
        return db

    monkeypatch.setattr(WriterLock, "acquire", acquired)
    monkeypatch.setattr(WriterLock, "release", released)
    monkeypatch.setattr(OsHandle, "write", write)
    monkeypatch.setattr(OsHandle, "sync", lambda self: stage.take("sync"))
    for module in (usable, checking):
        monkeypatch.setattr(module, "open_index", opened)
    yield stage
    if stage.writer is not None:
        stage.writer.end()


STEPS: dict[type, tuple[str, ...]] = {
    OsFiles: ("read", "stat", "list"),
    WriterLock: ("read_note", "note", "probe"),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with epql.connect(tmp_path / "kb", agent="w", autocommit=True, clock=CLOCK) as connection:
        one_commit(connection)
        connection.close()
    return tmp_path / "kb"


def one_commit(connection: epql.Connection) -> None:
    """A commit as of every day: in the index when its statement ends."""
    rows = [(f"s{number}", f"{CLOCK.us:020d}") for number in range(FACTS)]
    connection.execute("BEGIN")
    connection.executemany("ASSERT (?, 'p', ?)", rows)
    connection.execute("COMMIT")


def two_groups(connection: epql.Connection) -> None:
    """As history is loaded: groups of commits, the index behind the journal."""
    database = connection.runner.database
    with database.writing() as writer:
        for _ in range(2):
            writer.append([pending(writer.last_tx + number) for number in (1, 2)])
            catch_up(database.fold, database.files)
    database.forget()


def pending(tx: int) -> Pending:
    at = CLOCK.us + 1
    CLOCK.set_us(at)
    facts = [
        ("H", 1, encode(Assertion(f"s{number}", "p", f"{at:020d}", 1.0, "w", None)))
        for number in range(FACTS)
    ]
    return Pending(at, [("M", 0, encode(CommitInfo(tx, "w"))), *facts])


EVERY = pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.slow)])
JOBS = pytest.mark.parametrize("job", [one_commit, two_groups])


def answer(connection: epql.Connection, clause: str = "") -> list[tuple[Any, ...]]:
    text = f"SELECT object, count(*) FROM beliefs GROUP BY object {clause}"
    return connection.execute(text).fetchall()


@JOBS
def test_an_answer_as_of_an_instant_is_whole_and_never_changes(
    path: Path, stage: Stage, job: Callable[[epql.Connection], None]
) -> None:
    with epql.connect(path, clock=CLOCK) as reader:
        stage.writer = Writer(path, job)
        for _ in stage.orders():
            clause = f"AS OF '{text_of(CLOCK.us)}'"
            found = answer(reader, clause)
            stage.writer.finish()
            assert [number for _, number in found] == [FACTS]
            assert answer(reader, clause) == found


@EVERY
@JOBS
def test_a_reader_that_opens_takes_the_index_that_others_keep_up(
    path: Path, stage: Stage, job: Callable[[epql.Connection], None], every: int
) -> None:
    stage.writer = Writer(path, job)
    for _ in stage.orders(every):
        with epql.connect(path, clock=CLOCK, read_only=True) as reader:
            assert reader.notices == [], "a private index would stand still"
            (last,) = answer(reader)
            assert last[1] == FACTS
            stage.writer.finish()
            stage.writer.go(ALL)
            assert answer(reader) > [last]


@EVERY
@JOBS
def test_a_connection_that_opens_finds_all_in_order(
    path: Path, stage: Stage, job: Callable[[epql.Connection], None], every: int
) -> None:
    stage.writer = Writer(path, job)
    for _ in stage.orders(every):
        with epql.connect(path, agent="v", clock=CLOCK) as second:
            assert [number for _, number in answer(second)] == [FACTS]
            assert second.notices == []
            second.close()


@EVERY
def test_a_check_beside_a_writer_finds_no_fault(path: Path, stage: Stage, every: int) -> None:
    stage.writer = Writer(path, one_commit)
    for _ in stage.orders(every):
        verdict = check(path)
        assert verdict.is_sound, verdict
        assert verdict.faults == (), "the index is not behind: somebody keeps it up"
