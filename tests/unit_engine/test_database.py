"""Databases: made, opened, opened after anything that can have happened to them."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

import epql
from epql.engine.database import Database
from epql.engine.files import OsFiles
from epql.engine.folder import create_contents
from tests.clock import TestClock
from tests.unit_engine.test_journal_faults import FaultyFiles, Stopped


def count(connection: epql.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM beliefs").fetchall()[0][0])


def say(connection: epql.Connection, *subjects: str) -> None:
    for subject in subjects:
        connection.execute("ASSERT (?, 'p', 1)", (subject,))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with three commits, closed."""
    path = tmp_path / "kb"
    connection = epql.connect(path, autocommit=True)
    say(connection, "a", "b", "c")
    connection.close()
    return path


@pytest.fixture
def open_(path: Path) -> Iterator[Any]:
    """Opens the database; all it opened is closed at the end."""
    opened = []

    def open_it(**options: Any) -> epql.Connection:
        opened.append(epql.connect(path, autocommit=True, **options))
        return opened[-1]

    yield open_it
    for connection in opened:
        connection.close()


def without_index(path: Path) -> None:
    for file in path.glob("index.db*"):
        file.unlink()


# ---------------------------------------------------------------- made and opened


def test_a_database_is_a_folder_for_its_user_alone(path: Path) -> None:
    assert {"FORMAT", "LOCK", "journal", "index.db"} <= {file.name for file in path.iterdir()}
    assert path.stat().st_mode & 0o777 == 0o700
    assert all(file.stat().st_mode & 0o077 == 0 for file in path.rglob("*"))


def test_it_is_there_after_reopening(open_: Any) -> None:
    say(open_(), "d")
    assert count(open_()) == 4


def test_an_empty_folder_becomes_a_database(tmp_path: Path) -> None:
    with epql.connect(tmp_path, autocommit=True) as connection:
        say(connection, "a")
        assert count(connection) == 1


def test_a_creation_interrupted_anywhere_is_taken_up(tmp_path: Path) -> None:
    def stop(call: str) -> None:
        raise Stopped

    for at in range(100):
        folder = tmp_path / str(at)
        folder.mkdir()
        try:
            create_contents(FaultyFiles(OsFiles(folder), at, stop))
        except Stopped:
            with epql.connect(folder, autocommit=True) as connection:
                say(connection, "a")
                connection.close()
            with epql.connect(folder) as connection:
                assert count(connection) == 1
        else:
            assert at > 5
            return
    raise AssertionError("creation never ended")


def _file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("x")


def _dangling(path: Path) -> None:
    shutil.rmtree(path)
    path.symlink_to("nowhere")


def _foreign(path: Path) -> None:
    shutil.rmtree(path)
    path.mkdir()
    (path / "notes.txt").write_text("x")


def _format(text: str) -> Any:
    return lambda path: (path / "FORMAT").write_text(text)


def _flipped(data: bytes, at: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _segment(change: Any) -> Any:
    def spoil(path: Path) -> None:
        (segment,) = (path / "journal").glob("*.log")
        segment.chmod(0o600)
        segment.write_bytes(change(segment.read_bytes()))

    return spoil


def test_a_database_that_another_connection_is_making_is_not_foreign(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "index.db-journal").touch()  # SQLite's, until the index is in WAL mode
    with epql.connect(tmp_path / "db") as made:
        made.execute("ASSERT ('s', 'p', 'o')")


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (_file, "database.not_a_folder"), (_dangling, "database.missing"),
        (_foreign, "database.foreign"), (_format(""), "database.format"),
        (_format("EPQL database\n"), "database.format"),
        (_format("EPQL database\nversion x\n"), "database.format"),
        (_format("EPQL database\nversion 99\n"), "database.version"),
        (lambda path: shutil.rmtree(path / "journal"), "journal.damaged"),
        (_segment(lambda data: b"x" * 100 + data[100:]), "journal.damaged"),
        (_segment(lambda data: _flipped(data, 200)), "journal.damaged"),
        (_segment(lambda data: _flipped(data, -40)), "journal.damaged"),
        (_segment(lambda data: data[:120]), "index.diverged"),
    ],
)  # fmt: skip
def test_what_cannot_be_opened_says_why(path: Path, spoil: Any, code: str) -> None:
    spoil(path)
    with pytest.raises(epql.DatabaseError) as caught:
        epql.connect(path).execute("ASSERT ('x', 'p', 1)")
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda path: shutil.rmtree(path / "journal"), "journal.damaged"),
        (_segment(lambda data: b"x" * 100 + data[100:]), "journal.damaged"),
        (_segment(lambda data: b""), "journal.damaged"),
    ],
)
@pytest.mark.parametrize("read_only", [False, True])
def test_a_spoiled_journal_without_an_index_says_so(
    path: Path, spoil: Any, code: str, read_only: bool
) -> None:
    spoil(path)
    without_index(path)
    with pytest.raises(epql.DatabaseError) as caught:
        epql.connect(path, read_only=read_only)
    assert caught.value.code == code


def test_a_folder_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(epql.OperationalError) as caught:
        epql.connect(tmp_path / "no" / "kb")
    assert caught.value.code == "database.parent_missing"
    assert not (tmp_path / "no").exists()


# ---------------------------------------------------------------- read only


def test_read_only_reads_and_does_not_write(path: Path, open_: Any) -> None:
    reader = open_(read_only=True)
    assert count(reader) == 3
    with pytest.raises(epql.OperationalError) as caught:
        say(reader, "x")
    assert caught.value.code == "database.read_only"


def test_read_only_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(epql.OperationalError) as caught:
        epql.connect(tmp_path / "kb", read_only=True)
    assert caught.value.code == "database.missing" and not (tmp_path / "kb").exists()


def test_read_only_sees_what_is_written_later(open_: Any) -> None:
    writer, reader = open_(), open_(read_only=True)
    say(writer, "d")
    assert count(reader) == 4


def test_read_only_without_an_index_makes_a_private_one(path: Path, open_: Any) -> None:
    without_index(path)
    before = sorted(file.name for file in path.rglob("*"))
    reader = open_(read_only=True)
    assert count(reader) == 3 and "private" in reader.notices[0]
    assert sorted(file.name for file in path.rglob("*")) == before


def test_read_only_with_an_index_that_lags_makes_a_private_one(path: Path, open_: Any) -> None:
    old = (path / "index.db").read_bytes()
    connection = open_()
    say(connection, "d")
    connection.close()
    without_index(path)
    (path / "index.db").write_bytes(old)
    assert count(open_(read_only=True)) == 4


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(path: Path, open_: Any) -> None:
    path.chmod(0o500)
    try:
        assert count(open_(read_only=True)) == 3
        with pytest.raises(epql.OperationalError) as caught:
            open_()
        assert caught.value.code == "files.permission"
    finally:
        path.chmod(0o700)


# ---------------------------------------------------------------- index and journal apart


class Failing:
    """An SQLite connection whose COMMIT fails as often as it is told to."""

    def __init__(self, db: apsw.Connection, times: int) -> None:
        self._db, self._times = db, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def execute(self, sql: str, *params: Any, **more: Any) -> Any:
        if sql == "COMMIT" and self._times:
            self._times -= 1
            raise apsw.IOError("planted")
        return self._db.execute(sql, *params, **more)


def fail_commits(connection: epql.Connection, times: int) -> None:
    database = connection.runner.database
    database.db = Failing(database.db, times)  # type: ignore[assignment]


def test_a_commit_the_index_refuses_is_acknowledged_and_shown(path: Path, open_: Any) -> None:
    connection, other = open_(), open_()
    fail_commits(connection, 1)
    say(connection, "d")
    assert count(connection) == 4
    assert count(other) == 4, "caught up for everybody"
    say(connection, "e")
    assert count(open_()) == 5


def test_catching_up_outlives_a_rollback(path: Path, open_: Any) -> None:
    connection, other = open_(), open_()
    fail_commits(connection, 1)
    say(connection, "d")
    other.execute("BEGIN")
    say(other, "x")
    other.execute("ROLLBACK")
    assert count(other) == 4 and count(connection) == 4


def test_a_commit_of_a_process_that_died_before_the_index_is_applied_at_open(
    path: Path, open_: Any
) -> None:
    connection = open_()
    fail_commits(connection, 1)
    say(connection, "d")
    without = open_(read_only=True)
    assert count(without) == 4, "a private index has it"
    assert count(open_()) == 4


def test_a_deleted_index_is_made_anew_at_open(path: Path, open_: Any) -> None:
    without_index(path)
    connection = open_()
    assert count(connection) == 3
    say(connection, "d")
    assert count(open_()) == 4


def test_an_index_ahead_of_its_journal_is_told(path: Path, open_: Any) -> None:
    (segment,) = (path / "journal").glob("*.log")
    old = segment.read_bytes()
    lock = (path / "LOCK").read_bytes()
    connection = open_()
    say(connection, "d")
    connection.close()
    segment.write_bytes(old)
    (path / "LOCK").write_bytes(lock)
    with pytest.raises(epql.InternalError) as caught:
        say(open_(), "e")
    assert caught.value.code == "index.diverged"


def test_an_index_of_another_journal_is_told(path: Path, tmp_path: Path, open_: Any) -> None:
    with epql.connect(tmp_path / "other", autocommit=True) as other:
        say(other, "x", "y", "z")
        other.close()
    shutil.copy(tmp_path / "other" / "index.db", path / "index.db")
    with pytest.raises(epql.InternalError) as caught:
        open_()
    assert caught.value.code == "index.diverged"


def test_an_index_of_an_older_program_is_made_anew(path: Path, open_: Any) -> None:
    connection = open_()
    say(connection, "kept")
    before = connection.execute("SELECT id FROM assertions").fetchall()
    connection.close()
    db = apsw.Connection(str(path / "index.db"))
    db.execute("DROP TABLE flag; PRAGMA user_version=1")
    db.close()
    again = open_()
    assert again.execute("SELECT id FROM assertions").fetchall() == before
    assert any("made anew" in notice for notice in again.notices)
    assert again.execute("SELECT count(*) FROM flags").fetchall() == [(0,)]


def test_an_index_of_a_newer_program_is_told(path: Path, open_: Any) -> None:
    db = apsw.Connection(str(path / "index.db"))
    db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(epql.InternalError) as caught:
        open_()
    assert caught.value.code == "index.version"


def test_after_a_failed_append_reads_go_on_and_writes_do_not(
    open_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = open_()
    say(connection, "d")
    writer = connection.runner.database._writer

    def refuse(data: bytes) -> None:
        raise epql.OperationalError("no space", code="files.full")

    monkeypatch.setattr(writer, "_write", refuse)
    with pytest.raises(epql.OperationalError) as caught:
        say(connection, "e")
    assert caught.value.code == "files.full" and not connection.in_transaction
    monkeypatch.undo()
    assert count(connection) == 4
    with pytest.raises(epql.OperationalError) as caught:
        say(connection, "e")
    assert caught.value.code == "journal.failed"
    assert count(connection) == 4
    connection.close()
    other = open_()
    say(other, "e")
    assert count(other) == 5


def test_a_note_that_cannot_be_written_undoes_the_commit(
    open_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = open_()
    connection.execute("BEGIN")
    say(connection, "d")

    def refuse(*_: Any) -> None:
        raise epql.OperationalError("no note", code="journal.io")

    with monkeypatch.context() as patched:
        patched.setattr(connection.runner.database.lock, "note", refuse)
        with pytest.raises(epql.OperationalError):
            connection.execute("COMMIT")
    assert not connection.in_transaction and count(connection) == 3
    say(connection, "e")
    assert count(open_()) == 4


# ---------------------------------------------------------------- a commit in flight


def in_flight(path: Path, clock: TestClock, step: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A reader's question as of now, asked while another connection is at a step of its commit."""
    writer = epql.connect(path, autocommit=True, clock=clock)
    reader = epql.connect(path, autocommit=True, clock=clock, timeout=0.05)
    say(writer, "d")
    clock.move(hours=1)
    answers: list[Any] = []

    def ask(*_: Any) -> None:
        try:
            text = "SELECT count(*) FROM beliefs AS OF ?"
            answers.append(reader.execute(text, (clock(),)).fetchall()[0][0])
        except epql.OperationalError as error:
            answers.append(error.code)

    database = writer.runner.database
    target, name = {
        "before": (database._writer, "append"), "after": (database.fold, "finish"),
    }[step]  # fmt: skip
    original = getattr(target, name)

    def asked(*args: Any) -> Any:
        ask()
        return original(*args)

    monkeypatch.setattr(target, name, asked)
    say(writer, "e")
    monkeypatch.undo()
    ask()
    reader.close()
    writer.close()
    return answers


@pytest.mark.parametrize("step", ["before", "after"])
def test_an_answer_as_of_now_waits_for_the_commit_in_flight(
    path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    clock = TestClock("2099-01-01T00:00:00Z")
    assert in_flight(path, clock, step, monkeypatch) == ["read.in_flight", 5]


def test_what_died_between_journal_and_index_is_applied_by_who_asks_as_of_now(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = TestClock("2099-01-01T00:00:00Z")
    reader = epql.connect(path, clock=clock)
    writer = epql.connect(path, autocommit=True, clock=clock)
    fail_commits(writer, 1)
    say(writer, "d")
    clock.move(hours=1)
    text = "SELECT count(*) FROM beliefs AS OF ?"
    assert reader.execute(text, (clock(),)).fetchall() == [(4,)]


def test_an_answer_as_of_before_does_not_wait(path: Path, open_: Any) -> None:
    writer, reader = open_(), open_(timeout=0.01)
    writer.execute("BEGIN")
    say(writer, "d")
    lock = writer.runner.database.lock
    lock.note("writing", 1, 0, 2**61)
    text = "SELECT count(*) FROM beliefs AS OF {}"
    for instant in ("TX 3", "NOW", "TX 1"):
        assert reader.execute(text.format(instant)).fetchall()
    lock.note("writing", 1, 0, 0)
    assert reader.execute(text.format("TX 3")).fetchall() == [(3,)]
    assert count(reader) == 3, "a plain read never waits"
    with pytest.raises(epql.OperationalError) as caught:
        reader.execute(text.format("NOW"))
    assert caught.value.code == "read.in_flight" and caught.value.retryable
    writer.execute("ROLLBACK")


def test_a_database_in_memory_is_of_one_connection() -> None:
    one, other = (epql.connect(":memory:", autocommit=True) for _ in range(2))
    say(one, "a")
    assert (count(one), count(other)) == (1, 0)


def test_closing_twice_and_closing_a_half_made_one(tmp_path: Path) -> None:
    connection = epql.connect(tmp_path / "kb")
    database: Database = connection.runner.database
    connection.close()
    database.close()


def test_an_old_index_that_cannot_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(epql.OperationalError) as caught:
        epql.connect(tmp_path / "kb")
    assert caught.value.code == "journal.io"
