"""An index in doubt is checked, and made anew unless it is sound (rule I8); errors of SQLite are
ours; the journal must have what the index was made of (rule I2)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import apsw
import pytest

import epql
from epql.engine import doubt
from epql.engine.check import check
from epql.engine.files import OsFiles
from epql.engine.index import schema
from epql.engine.index.contents import content_fault
from epql.engine.journal.segments import segment_name


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "kb"
    with epql.connect(path, autocommit=True) as connection:
        for number in range(40):
            connection.execute("ASSERT (?, 'p', ?)", (f"s{number}", number))
        connection.close()
    return path


def opened(path: Path, **options: Any) -> tuple[list[str], int]:
    """What opening tells, and how many beliefs there are."""
    with epql.connect(path, **options) as connection:
        count = connection.execute("SELECT count(*) FROM beliefs").fetchone()[0]
        notices = connection.notices
        connection.close()
    return notices, count


def rewrite(path: Path, sql: str) -> None:
    db = apsw.Connection(str(path / "index.db"))
    db.execute(sql)
    db.close()


# ---------------------------------------------------------------- marked


def test_a_sound_index_is_believed_again_and_told_once(path: Path) -> None:
    doubt.put_in_doubt(OsFiles(path))
    notices, count = opened(path)
    assert count == 40 and notices == [
        "an error had put the index in doubt: it was checked, and is sound"
    ]
    assert opened(path) == ([], 40)


def test_the_mark_outlives_the_process_and_leaves_the_note_alone(path: Path) -> None:
    before = (path / "LOCK").read_bytes()[:128]
    doubt.put_in_doubt(OsFiles(path))
    doubt._remembered.clear()
    assert doubt.is_in_doubt(OsFiles(path))
    assert (path / "LOCK").read_bytes()[:128] == before
    opened(path)
    assert not doubt.is_in_doubt(OsFiles(path))


def test_where_no_mark_can_be_written_the_process_remembers(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(30, "read-only")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", refuse)
        doubt.put_in_doubt(OsFiles(path))
    assert doubt.is_in_doubt(OsFiles(path))
    assert len(opened(path)[0]) == 1


@pytest.mark.parametrize("sql", [
    "UPDATE assertion SET object=7 WHERE (id >> 20) % 2 = 0",
    "PRAGMA writable_schema=1; UPDATE sqlite_schema SET rootpage=2 WHERE name='slot'",
    "UPDATE slot SET subject='other ' || id",
])  # fmt: skip
def test_one_that_is_not_sound_is_made_anew(path: Path, sql: str) -> None:
    rewrite(path, sql)
    doubt.put_in_doubt(OsFiles(path))
    notices, count = opened(path)
    assert count == 40 and "made anew from the journal after an error" in notices[0]
    assert opened(path) == ([], 40)


def test_read_only_takes_a_private_index_instead(path: Path) -> None:
    doubt.put_in_doubt(OsFiles(path))
    assert "a private one was made" in opened(path, read_only=True)[0][0]
    assert doubt.is_in_doubt(OsFiles(path))  # whoever may write looks closer


def test_an_index_that_says_something_else_than_the_journal_is_found_at_opening(path: Path) -> None:
    rewrite(path, "UPDATE assertion SET object=-1")
    notices, count = opened(path)
    assert count == 40 and "is not what the journal says" in notices[0]
    assert opened(path) == ([], 40)


def test_damage_of_the_journal_is_not_taken_for_the_indexs(path: Path) -> None:
    segment = path / segment_name(1)
    data = bytearray(segment.read_bytes())
    data[300] ^= 1
    segment.chmod(0o600)
    segment.write_bytes(data)
    db = schema.open_index(str(path / "index.db"), read_only=True)
    assert content_fault(db, OsFiles(path), 100) is None
    db.close()


# ---------------------------------------------------------------- errors of SQLite


class Failing(apsw.Connection):
    """A connection to the index whose statements fail once they are told to."""

    error: type[apsw.Error] | None = None

    def execute(self, *args: Any, **options: Any) -> Any:
        if Failing.error is not None:
            raise Failing.error("made up")
        return super().execute(*args, **options)

    def executemany(self, *args: Any, **options: Any) -> Any:
        if Failing.error is not None:
            raise Failing.error("made up")
        return super().executemany(*args, **options)


@pytest.fixture
def failing(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[epql.Connection]:
    with monkeypatch.context() as patched:
        patched.setattr(schema.apsw, "Connection", Failing)
        connection = epql.connect(path, autocommit=True)
    yield connection
    Failing.error = None
    with suppress(epql.Error):
        connection.close()


CALLS: tuple[Callable[[epql.Connection], Any], ...] = (
    lambda con: con.execute("SELECT * FROM beliefs").fetchall(),
    lambda con: con.execute("SELECT count(*) FROM commits AS OF '2020-01-01'").fetchone(),
    lambda con: con.execute("WHY ('s1', 'p')").fetchall(),
    lambda con: con.execute("HISTORY OF ('s1', 'p')").fetchall(),
    lambda con: con.execute("ASSERT ('x', 'p', 1)"),
    lambda con: con.execute("CORRECT ('s1', 'p') REASON 'r'"),
    lambda con: con.executemany("ASSERT (?, 'p', 1)", [("x",), ("y",)]),
    lambda con: con.execute("DESCRIBE beliefs").fetchall(),
    lambda con: con.execute("SHOW ALL").fetchall(),
    lambda con: con.garden(),
    lambda con: con.execute("BEGIN READ ONLY"),
)


@pytest.mark.parametrize("error", [
    apsw.IOError, apsw.CorruptError, apsw.NotADBError, apsw.FullError, apsw.ReadOnlyError,
    apsw.CantOpenError,
])  # fmt: skip
def test_no_error_of_sqlite_comes_out_as_it_is(
    failing: epql.Connection, path: Path, error: type[apsw.Error]
) -> None:
    codes = []
    for call in CALLS:
        Failing.error = error
        try:
            call(failing)
        except epql.Error as told:
            codes.append(told.code)
        Failing.error = None
        failing.rollback()
    is_damage = error in (apsw.CorruptError, apsw.NotADBError)
    assert set(codes) == {"index.corrupt" if is_damage else "index.failed"}
    assert len(codes) >= 8
    assert doubt.is_in_doubt(OsFiles(path)) == issubclass(error, doubt.DOUBTFUL)


def test_rows_that_fail_on_the_way_are_told_and_put_the_index_in_doubt(path: Path) -> None:
    connection = epql.connect(path)
    rows = connection.execute("SELECT * FROM beliefs")
    rows.fetchone()
    rewrite(path, "PRAGMA writable_schema=1; UPDATE sqlite_schema SET rootpage=99999")
    again = epql.connect(path, read_only=True)  # it cannot read the file, and folds the journal
    assert "a private one was made" in again.notices[0]
    again.close()
    connection.close()
    assert opened(path)[1] == 40


def test_a_commit_that_the_index_cannot_take_is_acknowledged(
    failing: epql.Connection, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold = failing.runner.database.fold
    finish = fold.finish

    def fail(*args: Any) -> None:
        finish(*args)
        Failing.error = apsw.IOError

    monkeypatch.setattr(fold, "finish", fail)
    failing.execute("ASSERT ('x', 'p', 1)")
    Failing.error = None
    monkeypatch.undo()
    failing.close()
    notices, count = opened(path)
    assert count == 41 and "checked, and is sound" in notices[0]


# ---------------------------------------------------------------- the journal's witness


def cut_back(path: Path, tmp_path: Path) -> None:
    """A journal that ends earlier than the index, in order as far as it goes."""
    with epql.connect(tmp_path / "kb", autocommit=True) as connection:
        segment = path / segment_name(1)
        kept, note = segment.read_bytes(), (path / "LOCK").read_bytes()
        connection.execute("ASSERT ('last', 'p', 1)")
        connection.close()
    segment.write_bytes(kept)
    (path / "LOCK").write_bytes(note)


@pytest.mark.parametrize("options", [{}, {"read_only": True}])
@pytest.mark.parametrize("version", [None, 1])
def test_a_journal_that_ends_before_the_index_opens_by_the_explicit_word_only(
    path: Path, tmp_path: Path, options: dict[str, Any], version: int | None
) -> None:
    cut_back(path, tmp_path)
    if version is not None:
        rewrite(path, f"PRAGMA user_version={version}")
    before = (path / "index.db").read_bytes()
    for _ in range(2):
        with pytest.raises(epql.InternalError) as caught:
            epql.connect(path, **options)
        assert caught.value.code == "index.diverged" and "epql rebuild" in str(caught.value)
    doubt.put_in_doubt(OsFiles(path))
    if not options:
        with pytest.raises(epql.InternalError):
            epql.connect(path)
    doubt.end_doubt(OsFiles(path))
    assert (path / "index.db").read_bytes()[100:] == before[100:]
    from epql.engine.clock import system_clock
    from epql.engine.opening import Options
    from epql.engine.rebuild import rebuild

    assert rebuild(str(path), Options(system_clock)) == 40
    assert opened(path) == ([], 40)


def test_a_torn_tail_behind_a_clean_note_is_told_at_opening(path: Path) -> None:
    segment = path / segment_name(1)
    segment.write_bytes(segment.read_bytes() + b"half a frame")
    notices, count = opened(path)
    assert count == 40 and notices[0].startswith("12 bytes of an unfinished commit were cut off")
    assert [file.read_bytes() for file in (path / "journal").glob("torn-*")] == [b"half a frame"]


def test_a_failed_write_is_not_noted_as_clean_afterwards(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the note 'failed' could not be written, and the next one could."""
    connection = epql.connect(path, autocommit=True)
    database = connection.runner.database
    writer_note = database.lock.note
    connection.execute("ASSERT ('x', 'p', 1)")

    def note(state: str, *rest: Any) -> None:
        if state == "failed":
            raise epql.OperationalError("no", code="journal.io")
        writer_note(state, *rest)

    def fail(*_: Any) -> None:
        raise epql.OperationalError("refused", code="journal.io")

    monkeypatch.setattr(database.lock, "note", note)
    writer = database._writer
    assert writer is not None
    monkeypatch.setattr(writer, "_write", fail)
    with pytest.raises(epql.OperationalError):
        connection.execute("ASSERT ('y', 'p', 1)")
    left = database.lock.read_note()
    assert left is not None and left.state == "writing"
    connection.close()
    shutil.rmtree(path)


# ---------------------------------------------------------------- texts that are none


def test_a_text_that_is_no_utf_8_is_found_and_the_index_made_anew(path: Path) -> None:
    rewrite(path, "UPDATE slot SET subject = CAST(CAST(x'ff' || id AS BLOB) AS TEXT)")
    assert [fault.code for fault in check(path).faults] == ["index.corrupt"]
    notices, count = opened(path)
    assert count == 40 and "made anew" in notices[0]
    assert check(path).is_sound


def test_a_schema_that_is_no_utf_8_is_refused(path: Path) -> None:
    rewrite(
        path,
        "PRAGMA writable_schema=1; UPDATE sqlite_schema"
        " SET sql = CAST(replace(sql, 'confidence', 'confidenc' || x'a0') AS TEXT)",
    )
    assert [fault.code for fault in check(path).faults] == ["index.unreadable"]
    with pytest.raises(epql.DatabaseError) as caught:
        opened(path)
    assert caught.value.code in ("index.corrupt", "index.open")
