"""What the files, the lock and the reader do where the operating system or another writer is in
the way: seldom, and so never met by chance."""

from __future__ import annotations

import os
from pathlib import Path

import apsw
import pytest

import epql
from epql.engine import ingest, lock
from epql.engine.digest import digest
from epql.engine.errors import InterfaceError, InternalError, OperationalError
from epql.engine.files import MemoryFiles, OsFiles
from epql.engine.ingest import catch_up
from epql.engine.journal import JournalWriter, Malformed, create, open_tail, read_frames, verify
from epql.engine.journal.scan import Scan, from_bytes
from epql.engine.journal.segments import list_segments, segment_name
from epql.engine.journal.tail import start_of
from epql.engine.lock import WriterLock
from tests.unit_engine.test_journal_faults import FaultyFiles, build, commit, stop
from tests.unit_engine.test_journal_witnesses import NAME, behind, frame_behind, header_of

# ---------------------------------------------------------------- files


@pytest.mark.parametrize("call", ["write", "sync", "truncate", "stat", "close"])
def test_a_handle_that_the_system_refuses_has_a_code(tmp_path: Path, call: str) -> None:
    handle = OsFiles(tmp_path).create("a")
    os.close(handle._fd)  # type: ignore[attr-defined]
    arguments = {"write": (b"x",), "truncate": (0,)}.get(call, ())
    with pytest.raises(OperationalError) as caught:
        getattr(handle, call)(*arguments)
    assert caught.value.code == "journal.io"
    handle._fd = -1  # type: ignore[attr-defined]


def test_names_that_the_system_refuses_have_a_code(tmp_path: Path) -> None:
    files = OsFiles(tmp_path)
    files.create("a").close()
    assert not files.exists("a/b")
    with pytest.raises(OperationalError) as caught:
        files.exists("x" * 1000)
    assert caught.value.code == "journal.io"
    with pytest.raises(OperationalError) as caught:
        files.mkdir("a/b")
    assert caught.value.code == "files.missing"
    with pytest.raises(OperationalError) as caught:
        list_segments(OsFiles(tmp_path / ("x" * 1000)))
    assert caught.value.code == "journal.io"


# ---------------------------------------------------------------- the lock


def test_a_lock_that_cannot_be_written_is_free_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = WriterLock(tmp_path / "LOCK")
    for wrote in (lambda *_: 5, lambda *_: os.fsync(10**6)):  # too short; an error
        monkeypatch.setattr(lock.os, "pwrite", wrote)
        with pytest.raises(OperationalError) as caught:
            one.acquire(0)
        monkeypatch.undo()
        assert caught.value.code == "journal.io" and not one.held and not one.probe()
    one.acquire(0)
    memory = WriterLock(None, MemoryFiles())
    monkeypatch.setattr(memory, "_write", lambda note: os.fsync(10**6))
    with pytest.raises(OSError, match="descriptor"):
        memory.acquire(0)
    assert not memory.held and not memory.probe()


def test_a_lock_that_is_a_folder_has_a_code(tmp_path: Path) -> None:
    (tmp_path / "LOCK").mkdir()
    one = WriterLock(tmp_path / "LOCK")
    with pytest.raises(OperationalError) as caught:
        one.read_note()
    assert caught.value.code == "files.not_a_file"
    strange = WriterLock(tmp_path / ("x" * 1000))
    with pytest.raises(OperationalError) as caught:
        strange.probe()
    assert caught.value.code == "journal.io"
    with pytest.raises(InterfaceError) as refused:
        WriterLock.of(FaultyFiles(MemoryFiles(), -1, stop))
    assert refused.value.code == "lock.files"


def test_where_the_system_has_no_boot_id(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_path: Path) -> str:
        raise FileNotFoundError

    lock._boot_id.cache_clear()
    monkeypatch.setattr(Path, "read_text", missing)
    assert lock._boot_id() == "0" * 16
    monkeypatch.undo()
    lock._boot_id.cache_clear()
    assert len(lock._boot_id()) == 16


# ---------------------------------------------------------------- reading beside a writer


def test_a_frame_that_was_half_written_is_read_again() -> None:
    """A reader meets half a frame; when it looks again, also behind it, all is there."""
    files = build(3)
    data = files.read(NAME)
    second = list(read_frames(files))[1]
    half = data[: second.offset + 50] + bytes(second.length - 50) + data[second.end :]
    for halves in range(4):
        given = [half] * halves

        def read(offset: int, length: int | None, given: list[bytes] = given) -> bytes:
            return from_bytes(given.pop() if given else data)(offset, length)

        scan = Scan(read, start_of(header_of(files, 1)))
        assert [frame.tx for frame in scan.frames()] == [1, 2, 3] and scan.problem is None


def test_a_body_that_is_not_what_its_header_says() -> None:
    """The writer's mistake: the hash holds. Verify tells it, and reads on."""
    files = build(1)
    tail = open_tail(files, repair=False).tail
    good = frame_behind(tail, records=[("H", 0, b"1234")])
    for at, byte in ((88, 200), (92, 1), (94, 9), (88, 0)):
        body = bytearray(good)
        body[at] = byte
        bad = behind(files, _sealed(bytes(body), tail.salt))
        with pytest.raises(Malformed):
            list(list(read_frames(bad))[-1].records())
        assert [f.code for f in verify(bad).findings] == ["journal.record"]


def _sealed(frame: bytes, salt: bytes) -> bytes:
    return frame[:-32] + digest(salt + frame[:-32])


def test_verify_of_no_journal_says_so() -> None:
    files = MemoryFiles()
    files.mkdir("journal")
    report = verify(files)
    assert [f.code for f in report.findings] == ["journal.damaged"] and not report.is_sound
    assert (report.last_tx, report.last_digest) == (0, b"")


def test_reading_up_to_a_place_whose_segment_is_gone() -> None:
    files = build(3, segment_bytes_max=200)
    end = open_tail(files, repair=False).tail
    files.remove(segment_name(3))
    with pytest.raises(InternalError, match="this segment is missing"):
        list(read_frames(files, tail=end))
    files.remove(segment_name(2))
    with pytest.raises(InternalError, match="this segment is missing"):
        list(read_frames(files, after_tx=1, tail=end))
    assert [frame.tx for frame in read_frames(files)] == [1]


def test_a_segment_that_ends_before_the_next_begins_is_damage() -> None:
    files = MemoryFiles()
    writer = JournalWriter(files, tail=create(files, bytes(16)))
    writer.append([commit(1)])
    files.create(segment_name(2)).write(files.read(NAME, 0, 120))
    with pytest.raises(InternalError, match="ends too early"):
        list(read_frames(files))


# ---------------------------------------------------------------- the ingestor


def assertions(connection: epql.Connection, count: int) -> None:
    for number in range(count):
        connection.execute("ASSERT (?, 'p', 1)", (f"s{number}",))


def test_a_long_journal_is_applied_in_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with epql.connect(tmp_path / "kb", autocommit=True) as connection:
        assertions(connection, 5)
        connection.close()
    for file in (tmp_path / "kb").glob("index.db*"):
        file.unlink()
    monkeypatch.setattr(ingest, "_BATCH_RECORDS", 4)
    with epql.connect(tmp_path / "kb", autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM beliefs").fetchall() == [(5,)]
        assert not connection.runner.database.db.in_transaction
        connection.close()


def test_a_failure_inside_a_transaction_leaves_it_to_its_owner() -> None:
    source, target = (epql.connect(":memory:", autocommit=True) for _ in range(2))
    assertions(source, 3)
    fold, files = target.runner.database.fold, source.runner.database.files

    def fail(tx: int) -> None:
        raise LookupError(tx)

    fold.db.execute("BEGIN")
    with pytest.raises(LookupError):
        catch_up(fold, files, progress=fail)
    assert fold.db.in_transaction
    fold.db.execute("ROLLBACK")
    fold.forget()
    assert catch_up(fold, files) == 3


def test_an_index_that_lost_its_last_commit_has_diverged() -> None:
    connection = epql.connect(":memory:", autocommit=True)
    assertions(connection, 2)
    database = connection.runner.database
    assert isinstance(database.db, apsw.Connection)
    database.db.execute("DELETE FROM txn WHERE tx=2")
    with pytest.raises(InternalError) as caught:
        catch_up(database.fold, database.files)
    assert caught.value.code == "index.diverged"
