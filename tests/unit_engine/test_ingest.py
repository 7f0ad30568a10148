"""The ingestor, a process: what it applies, who waits for it, how it ends and fails."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import apsw
import pytest

import epql
from epql.engine import bulk
from epql.engine.bulk import Fact
from epql.engine.database import Database
from epql.engine.files import OsFiles
from epql.engine.index.schema import open_index
from epql.engine.ingest import applied, catch_up
from epql.engine.ingestor import Ingestor, follow
from epql.engine.journal.writer import Pending
from epql.engine.records import Assertion, CommitInfo, encode

PER_COMMIT = 20


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    connection = epql.connect(tmp_path / "kb")
    yield connection.runner.database
    connection.close()


def append(database: Database, commits: int) -> int:
    """Commits of twenty assertions each, in the journal only; the last one's number."""
    database.lock.acquire(1)
    writer = database._ready_writer()
    for _ in range(commits):
        tx = writer.last_tx + 1
        records = [("M", 0, encode(CommitInfo(tx, "a")))]
        for number in range(PER_COMMIT):
            content = Assertion(f"s{number}", "p", tx, 1.0, "a", str(tx))
            records.append(("H", 1, encode(content)))
        writer.append([Pending(max(writer.last_recorded_at, 0) + 1, records)])
    database.lock.release()
    return writer.last_tx


def index_of(database: Database) -> apsw.Connection:
    assert isinstance(database.files, OsFiles)
    return open_index(str(database.files.root / "index.db"))


@pytest.fixture
def ingestor(database: Database) -> Iterator[Ingestor]:
    made = Ingestor(folder_of(database))
    made.start()
    yield made
    made.stop()


def folder_of(database: Database) -> Path:
    assert isinstance(database.files, OsFiles)
    return database.files.root


def test_what_is_announced_is_applied(database: Database, ingestor: Ingestor) -> None:
    last = append(database, 5)
    ingestor.announce(last)
    assert ingestor.wait_for(last, 60)
    assert applied(database.db)[0] == ingestor.applied == last
    assert ingestor.wait_for(1, 0)


def test_no_more_than_what_is_announced(database: Database) -> None:
    last = append(database, 5)
    announced = [b"1\n", b"%d\n" % (last - 2), b"1\n"]
    assert list(follow(folder_of(database), announced)) == [1, last - 2, last - 2]
    assert applied(database.db)[0] == last - 2


def test_what_was_not_announced_is_not_waited_for(database: Database, ingestor: Ingestor) -> None:
    append(database, 1)
    assert not ingestor.wait_for(1, 0.02)


def test_a_reader_sees_whole_commits_only(database: Database, ingestor: Ingestor) -> None:
    reader = index_of(database)
    seen = 0
    last = append(database, 150)
    for tx in range(1, last + 1, 7):
        ingestor.announce(tx)
        rows = reader.execute("SELECT source, count(*) FROM assertion GROUP BY source").fetchall()
        assert {number for _, number in rows} <= {PER_COMMIT}
        assert len(rows) >= seen
        seen = len(rows)
    ingestor.announce(last)
    assert ingestor.wait_for(last, 60)


def test_stopping_finishes_what_was_announced(database: Database) -> None:
    ingestor = Ingestor(folder_of(database))
    ingestor.start()
    last = append(database, 50)
    ingestor.announce(last)
    ingestor.stop()
    assert applied(database.db)[0] == last


def test_one_that_was_killed_is_not_waited_for(database: Database, ingestor: Ingestor) -> None:
    assert ingestor.pid is not None
    os.kill(ingestor.pid, signal.SIGKILL)
    last = append(database, 2)
    for _ in range(3):
        ingestor.announce(last)
    assert not ingestor.wait_for(last, 60)
    ingestor.stop()
    assert catch_up(database.fold, database.files) == last


def test_nothing_in_the_folder_at_hand_is_run(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "apsw.py").write_text("raise SystemExit('somebody else wrote this')")
    monkeypatch.chdir(tmp_path)
    ingestor = Ingestor(folder_of(database))
    ingestor.start()
    last = append(database, 1)
    ingestor.announce(last)
    assert ingestor.wait_for(last, 60)
    ingestor.stop()


def test_where_no_process_can_be_made_nobody_follows(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    ingestor = Ingestor(folder_of(database))
    ingestor.start()
    ingestor.announce(append(database, 1))
    assert not ingestor.wait_for(1, 60)
    ingestor.stop()


@pytest.mark.parametrize("damage", [True, False], ids=["damage", "nothing there"])
def test_what_cannot_be_applied_ends_it(database: Database, damage: bool) -> None:
    last = append(database, 2)
    if damage:
        (segment,) = (folder_of(database) / "journal").glob("*.log")
        data = bytearray(segment.read_bytes())
        data[300] ^= 1
        segment.write_bytes(data)
    ingestor = Ingestor(folder_of(database))
    ingestor.start()
    ingestor.announce(last + 1)
    assert not ingestor.wait_for(last + 1, 60)
    ingestor.stop()
    if damage:
        with pytest.raises(epql.InternalError) as caught:
            catch_up(database.fold, database.files)
        assert caught.value.code == "journal.damaged"


@pytest.mark.parametrize("killed_after", [None, 5, 11])
def test_a_bulk_load_is_in_the_index_whatever_becomes_of_it(
    database: Database, monkeypatch: pytest.MonkeyPatch, killed_after: int | None
) -> None:
    monkeypatch.setattr(bulk, "_GROUP_COMMITS", 2)
    with bulk.bulk_load(database) as loader:
        for number in range(1, 16):
            content = Assertion("s", f"p{number % 4}", number, 1.0, "a")
            loader.commit(number, "a", f"k{number}", [Fact("s", content.predicate, content)])
            if number == killed_after:
                ingestor = loader._appending.ingestor
                assert ingestor is not None and ingestor.pid is not None
                os.kill(ingestor.pid, signal.SIGKILL)
    assert applied(database.db)[0] == 15
    sql = "SELECT (SELECT count(*) FROM assertion), (SELECT count(*) FROM transition)"
    assert database.db.execute(sql).fetchall() == [(15, 11)]


# ---------------------------------------------------------------- in the foreground


def test_catching_up_tells_its_progress(database: Database) -> None:
    last = append(database, 4)
    told: list[int] = []
    assert catch_up(database.fold, database.files, progress=told.append) == last
    assert told == [1, 2, 3, 4]
    assert catch_up(database.fold, database.files, progress=told.append) == last
    assert told == [1, 2, 3, 4]


def test_catching_up_to_a_commit_stops_there(database: Database) -> None:
    append(database, 4)
    assert catch_up(database.fold, database.files, upto=2) == 2
    assert applied(database.db)[0] == 2
    assert catch_up(database.fold, database.files, upto=1) == 2


def test_a_failure_on_the_way_leaves_no_transaction_open(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(database, 4)

    def fail(tx: int) -> None:
        if tx == 3:
            raise LookupError

    with pytest.raises(LookupError):
        catch_up(database.fold, database.files, progress=fail)
    assert not database.db.in_transaction
    assert catch_up(database.fold, database.files) == 4
    assert database.db.execute("SELECT count(*) FROM slot").fetchall() == [(PER_COMMIT,)]


def test_rows_and_checkpoint_are_visible_together(database: Database) -> None:
    """At each statement of the ingestor another process sees whole commits and their checkpoint."""
    reader = index_of(database)
    last = append(database, 3)
    seen = set()

    def look(_cursor: object, _sql: str, _bindings: object) -> bool:
        sql = (
            "SELECT (SELECT value FROM meta WHERE key='applied_tx'), (SELECT max(tx) FROM txn),"
            " (SELECT count(*) FROM assertion)"
        )
        checkpoint, newest, rows = reader.execute(sql).fetchall()[0]
        assert checkpoint == newest and rows == PER_COMMIT * (checkpoint or 0)
        seen.add(checkpoint or 0)
        return True

    database.db.exec_trace = look
    for upto in range(1, last + 1):
        catch_up(database.fold, database.files, upto=upto)
    database.db.exec_trace = None
    assert seen == {0, 1, 2}
    assert applied(reader)[0] == last
    reader.close()


def test_a_stop_at_any_statement_loses_nothing(database: Database) -> None:
    """The process dies there: what it did not commit is rolled back, and it goes on from that."""
    last = append(database, 2)
    stops = 0

    def stop_at(wanted: int) -> None:
        count = 0

        def look(_cursor: object, sql: str, _bindings: object) -> bool:
            nonlocal count
            if not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
                count += 1
                if count == wanted:
                    raise KeyboardInterrupt
            return True

        database.db.exec_trace = look

    while applied(database.db)[0] < last:
        stops += 1
        stop_at(stops)
        with suppress(KeyboardInterrupt):
            catch_up(database.fold, database.files)
        database.db.exec_trace = None
        rows = database.db.execute("SELECT count(*) FROM assertion").fetchall()
        assert rows == [(PER_COMMIT * applied(database.db)[0],)]
    assert stops > 10
    assert database.db.execute("SELECT count(*) FROM assertion").fetchall() == [
        (PER_COMMIT * last,)
    ]
