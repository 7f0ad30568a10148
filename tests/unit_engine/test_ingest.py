"""The background ingestor: what it applies, whom it keeps waiting, how it ends and fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import apsw
import pytest

import epql
from epql.engine.database import Database
from epql.engine.files import OsFiles
from epql.engine.index.schema import open_index
from epql.engine.ingest import Ingestor, applied, catch_up
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
    made = Ingestor(lambda: index_of(database), database.files)
    made.start()
    yield made
    made.stop()


def test_what_is_announced_is_applied(database: Database, ingestor: Ingestor) -> None:
    last = append(database, 5)
    ingestor.announce(last)
    ingestor.wait_for(last, 5)
    assert applied(database.db)[0] == last


def test_no_more_than_what_is_announced(database: Database, ingestor: Ingestor) -> None:
    last = append(database, 5)
    ingestor.announce(last - 2)
    ingestor.wait_for(last - 2, 5)
    time.sleep(0.02)
    assert applied(database.db)[0] == last - 2
    with pytest.raises(epql.OperationalError) as caught:
        ingestor.wait_for(last, 0.02)
    assert caught.value.code == "ingest.timeout" and caught.value.retryable


def test_what_is_applied_already_is_not_waited_for(database: Database, ingestor: Ingestor) -> None:
    last = append(database, 2)
    for _ in range(3):
        ingestor.announce(last)
        ingestor.wait_for(last, 5)
        ingestor.wait_for(1, 0)


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
    ingestor.wait_for(last, 10)


def test_stopping_finishes_what_was_announced(database: Database) -> None:
    ingestor = Ingestor(lambda: index_of(database), database.files)
    ingestor.start()
    last = append(database, 50)
    ingestor.announce(last)
    ingestor.stop()
    assert applied(database.db)[0] == last


def test_a_failure_is_told_to_everybody_who_comes(database: Database) -> None:
    def refuse() -> apsw.Connection:
        raise epql.OperationalError("planted", code="index.open")

    ingestor = Ingestor(refuse, database.files)
    ingestor.start()
    for use in (
        lambda: ingestor.wait_for(1, 5), lambda: ingestor.announce(1), lambda: ingestor.stop(),
    ):  # fmt: skip
        with pytest.raises(epql.OperationalError) as caught:
            use()
        assert caught.value.code == "index.open"


def test_an_error_of_sqlite_is_told_in_our_words(database: Database) -> None:
    def refuse() -> apsw.Connection:
        raise apsw.IOError("disk I/O error")

    ingestor = Ingestor(refuse, database.files)
    ingestor.start()
    with pytest.raises(epql.OperationalError) as caught:
        ingestor.wait_for(1, timeout_s=5)
    assert caught.value.code == "index.failed"


def test_damage_ends_it_with_the_place(database: Database) -> None:
    ingestor = Ingestor(lambda: index_of(database), database.files)
    ingestor.start()
    last = append(database, 2)
    assert isinstance(database.files, OsFiles)
    (segment,) = (database.files.root / "journal").glob("*.log")
    data = bytearray(segment.read_bytes())
    data[300] ^= 1
    segment.write_bytes(data)
    ingestor.announce(last)
    for use in (lambda: ingestor.wait_for(last, 5), lambda: ingestor.stop()):
        with pytest.raises(epql.InternalError) as caught:
            use()
        assert caught.value.code == "journal.damaged"


def test_a_commit_that_is_not_there_is_a_failure_and_no_hang(database: Database) -> None:
    ingestor = Ingestor(lambda: index_of(database), database.files)
    ingestor.start()
    last = append(database, 2)
    ingestor.announce(last + 1)
    for use in (lambda: ingestor.wait_for(last + 1, 5), lambda: ingestor.stop()):
        with pytest.raises(epql.InternalError) as caught:
            use()
        assert caught.value.code == "journal.damaged"
    assert applied(database.db)[0] == last


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
