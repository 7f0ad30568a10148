"""Interrupting a statement: from another thread, from a signal, while anything runs or waits."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import epql
from epql.engine.journal.writer import JournalWriter

FOR_EVER = "WITH c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c"
CROSSED = (
    "SELECT count(*) FROM assertions a, assertions b, assertions c, assertions d, assertions e"
)


@pytest.fixture
def con(tmp_path: Path) -> Iterator[epql.Connection]:
    with epql.connect(tmp_path / "kb", autocommit=True) as connection:
        rows = [(f"s{n}", "p", n) for n in range(60)]
        connection.executemany("ASSERT (?, ?, ?) LIFECYCLE APPROVED", rows)
        yield connection
        connection.close()


def interrupted(con: epql.Connection, run: Callable[[], Any]) -> epql.OperationalError:
    """Run something that takes for ever and interrupt it, again until it has ended."""
    ended = threading.Event()

    def interrupt() -> None:
        while not ended.wait(0.05):
            con.interrupt()

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(epql.OperationalError) as raised:
            run()
    finally:
        ended.set()
        thread.join()
    assert raised.value.code == "statement.interrupted"
    return raised.value


def count(con: epql.Connection) -> int:
    found = con.execute("SELECT count(*) FROM beliefs").fetchone()
    assert found is not None
    return int(found[0])


@pytest.mark.parametrize("text", [FOR_EVER, CROSSED], ids=["sqlite", "relations"])
def test_a_query_ends_and_the_session_goes_on(con: epql.Connection, text: str) -> None:
    interrupted(con, lambda: con.execute(text).fetchall())
    assert count(con) == 60


def test_a_fetch_ends(con: epql.Connection) -> None:
    rows = con.execute(f"SELECT 1 UNION ALL SELECT * FROM ({FOR_EVER})")
    assert rows.fetchone() == (1,)
    interrupted(con, rows.fetchone)
    assert rows.fetchall() == []


def test_half_read_rows_of_others_are_not_touched(con: epql.Connection) -> None:
    rows = con.execute("SELECT object FROM assertions ORDER BY object")
    assert rows.fetchone() == (0,)
    interrupted(con, lambda: con.execute(FOR_EVER).fetchall())
    assert [row[0] for row in rows] == list(range(1, 60))


def test_an_interrupt_of_nothing_does_not_linger(con: epql.Connection) -> None:
    rows = con.execute("SELECT object FROM assertions")
    rows.fetchone()
    con.interrupt()
    assert count(con) == 60
    assert len(rows.fetchall()) == 59


def test_an_interrupt_of_a_closed_connection_is_nothing() -> None:
    con = epql.connect(":memory:")
    con.close()
    con.interrupt()


def test_a_write_is_undone_and_the_transaction_stays_open(con: epql.Connection) -> None:
    con.execute("BEGIN")
    con.execute("ASSERT ('kept', 'p', 1) LIFECYCLE APPROVED")
    endless = FOR_EVER.replace("count(*)", "n")
    interrupted(con, lambda: con.execute(f"ASSERT SELECT 'lost' || n, 'p', n FROM ({endless})"))
    assert con.in_transaction
    con.execute("COMMIT")
    assert count(con) == 61


def test_many_rows_are_undone(con: epql.Connection) -> None:
    def rows() -> Iterator[tuple[str, str, int]]:
        number = 0
        while True:
            number += 1
            yield f"many{number}", "p", number

    interrupted(con, lambda: con.executemany("ASSERT (?, ?, ?)", rows()))
    assert not con.in_transaction
    assert con.execute("SELECT count(*) FROM assertions").fetchone() == (60,)


def test_scratch_rows_are_undone(con: epql.Connection) -> None:
    con.execute("CREATE TEMP TABLE t (n)")
    interrupted(con, lambda: con.execute(f"INSERT INTO t {FOR_EVER.replace('count(*)', 'n')}"))
    assert con.execute("SELECT count(*) FROM t").fetchone() == (0,)
    con.execute("INSERT INTO t VALUES (1)")


def test_waiting_for_another_writer_ends(con: epql.Connection, tmp_path: Path) -> None:
    with epql.connect(tmp_path / "kb", timeout=600) as other:
        con.execute("BEGIN")
        con.execute("ASSERT ('a', 'b', 'c')")
        interrupted(other, lambda: other.execute("ASSERT ('d', 'e', 'f')"))
        con.execute("ROLLBACK")
        other.execute("ASSERT ('d', 'e', 'f')")
        other.rollback()
        other.close()


def test_an_import_ends_and_what_was_loaded_stays(con: epql.Connection, tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    lines = [f'{{"at": {n}, "agent": "a", "facts": [["h/{n}", "p", {n}]]}}' for n in range(200_000)]
    path.write_text("\n".join(lines))
    fresh = epql.connect(tmp_path / "fresh")
    interrupted(fresh, lambda: fresh.import_history(path))
    found = fresh.execute("SELECT count(*), count(DISTINCT tx) FROM assertions").fetchone()
    assert found is not None and found[0] == found[1] < 200_000
    fresh.close()


@pytest.mark.parametrize(
    "text",
    [
        f"BISECT ({CROSSED}) BETWEEN '-1h' AND NOW",
        f"SELECT subject FROM beliefs DIFF SINCE '-1h' WHERE change IN ({CROSSED})",
        f"ASSERT ('a', 'b', ({CROSSED}))",
    ],
    ids=["bisect", "diff", "value"],
)
def test_a_question_ends(con: epql.Connection, text: str) -> None:
    interrupted(con, lambda: con.execute(text).fetchall())
    assert count(con) == 60


def test_a_replay_ends(con: epql.Connection) -> None:
    interrupted(con, lambda: con.execute(CROSSED).fetchall())
    (query,) = con.execute("SELECT id FROM queries WHERE text = ?", (CROSSED,)).fetchall()[0]
    interrupted(con, lambda: con.execute("REPLAY QUERY ?", (query,)).fetchall())
    assert count(con) == 60


def test_tending_ends_and_is_finished_later(
    con: epql.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What follows from a correction is a commit of its own: the correction stands."""

    def endless(database: Any, case: Any) -> Any:
        while True:
            con.interrupt()
            database.turns.check()

    monkeypatch.setattr("epql.engine.governance.gardener.careless", endless)
    done = con.execute("CORRECT ('s1', 'p') TO 2 REASON 'r'")
    assert "epql garden finishes it" in done.notices[-1]
    monkeypatch.undo()
    assert len(con.garden()) == 1


def test_a_commit_is_not_ended(con: epql.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the frame is appended and synced, an interrupt comes too late."""
    append = JournalWriter.append

    def slow(self: JournalWriter, pending: Any) -> Any:
        con.interrupt()
        con.runner.turns.check()
        done = append(self, pending)
        con.interrupt()
        con.runner.turns.check()
        return done

    con.execute("BEGIN")
    con.execute("ASSERT ('late', 'p', 1) LIFECYCLE APPROVED")
    monkeypatch.setattr(JournalWriter, "append", slow)
    con.execute("COMMIT")
    monkeypatch.undo()
    assert count(con) == 61


def test_from_a_signal_handler(con: epql.Connection) -> None:
    before = signal.signal(signal.SIGALRM, lambda *_: con.interrupt())
    signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
    try:
        with pytest.raises(epql.OperationalError) as raised:
            con.execute(FOR_EVER).fetchall()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert raised.value.code == "statement.interrupted"
    assert count(con) == 60


def test_hammering_never_hurts(con: epql.Connection) -> None:
    """Interrupts at any moment: each statement is carried out or not at all, none lingers."""
    ended = threading.Event()

    def hammer() -> None:
        while not ended.is_set():
            con.interrupt()
            time.sleep(0.0002)

    thread = threading.Thread(target=hammer)
    thread.start()
    kept, codes = 60, {"statement.interrupted"}
    try:
        for number in range(150):
            try:
                con.execute("ASSERT (?, 'p', 1) LIFECYCLE APPROVED", (f"hammer{number}",))
                kept += 1
            except epql.OperationalError as error:
                codes.add(error.code)
    finally:
        ended.set()
        thread.join()
    assert count(con) == kept
    assert codes == {"statement.interrupted"}
