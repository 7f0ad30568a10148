"""threadsafety 2: threads may share the module and connections, whose calls take turns."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import epql


def together(count: int, run: Callable[[int], Any]) -> list[Any]:
    """Run something in many threads that start at once. Raises: what one of them raises."""
    barrier = threading.Barrier(count)

    def begin(number: int) -> Any:
        barrier.wait()
        return run(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


def test_many_threads_each_with_a_connection(tmp_path: Path) -> None:
    epql.connect(tmp_path / "kb").close()

    def work(number: int) -> int:
        with epql.connect(tmp_path / "kb", autocommit=True, timeout=60) as con:
            for step in range(20):
                con.execute("ASSERT (?, 'p', ?)", (f"t{number}/{step}", step))
                con.execute("SELECT count(*) FROM beliefs").fetchone()
            con.close()
        return 20

    assert sum(together(8, work)) == 160
    with epql.connect(tmp_path / "kb") as con:
        assert con.execute("SELECT count(*) FROM beliefs").fetchone() == (160,)
        con.close()


def test_many_threads_share_a_connection(tmp_path: Path) -> None:
    with epql.connect(tmp_path / "kb", autocommit=True) as con:

        def work(number: int) -> None:
            for step in range(25):
                subject = f"t{number}/{step}"
                con.execute("ASSERT (?, 'p', ?)", (subject, step))
                row = con.execute("SELECT object FROM beliefs WHERE subject = ?", (subject,))
                assert row.fetchone() == (step,)
                assert con.execute("SELECT count(*) FROM history").fetchall()[0][0] > 0

        together(8, work)
        assert con.execute("SELECT count(*) FROM beliefs").fetchone() == (200,)
        con.close()


def test_threads_share_a_cursor_and_each_row_comes_once() -> None:
    with epql.connect(":memory:", autocommit=True) as con:
        con.executemany("ASSERT (?, 'p', 1)", [(f"s{n}",) for n in range(2000)])
        cursor = con.execute("SELECT subject FROM assertions")

        def work(number: int) -> list[Any]:
            found = []
            while (row := cursor.fetchone()) is not None:
                found.append(row)
                found += cursor.fetchmany(3)
            return found

        rows = [row for found in together(6, work) for row in found]
        assert len(rows) == len(set(rows)) == 2000
        con.close()


def test_rows_may_be_collected_in_another_thread() -> None:
    """Half-read cursors in cycles, which whatever thread collects garbage lets go of."""
    with epql.connect(":memory:", autocommit=True) as con:
        con.executemany("ASSERT (?, 'p', 1)", [(f"s{n}",) for n in range(300)])

        def work(number: int) -> None:
            for _ in range(40):
                cursor: Any = con.execute("SELECT subject FROM beliefs, (SELECT 1)")
                cursor.fetchone()
                cycle = [cursor]
                cycle.append(cycle)
                del cursor, cycle
                if number == 0:
                    gc.collect()

        together(4, work)
        assert con.execute("SELECT count(*) FROM beliefs").fetchone() == (300,)
        con.close()


def test_a_connection_may_be_handed_from_thread_to_thread() -> None:
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        con = one.submit(epql.connect, ":memory:").result()
        other.submit(con.execute, "ASSERT ('a', 'b', 'c')").result()
        one.submit(con.commit).result()
        cursor = other.submit(con.execute, "SELECT object FROM beliefs").result()
        assert one.submit(cursor.fetchall).result() == [("c",)]
        other.submit(con.close).result()


def test_rows_of_a_cursor_feed_executemany_of_the_same_connection() -> None:
    with epql.connect(":memory:", autocommit=True) as con:
        con.executemany("ASSERT (?, 'p', 1)", [(f"s{n}",) for n in range(10)])
        cursor = con.execute("SELECT subject || '/copy' FROM assertions ORDER BY tx, id")
        con.executemany("ASSERT (?, 'p', 1)", cursor)
        assert con.execute("SELECT count(*) FROM beliefs").fetchone() == (20,)
        con.close()


def test_closing_while_another_thread_reads() -> None:
    """The one who closes waits for its turn; whoever comes later is told."""
    con = epql.connect(":memory:", autocommit=True)
    con.executemany("ASSERT (?, 'p', 1)", [(f"s{n}",) for n in range(200)])
    started = threading.Event()

    def work() -> str:
        while True:
            try:
                con.execute("SELECT count(*) FROM beliefs a, beliefs b").fetchall()
                started.set()
            except epql.InterfaceError as error:
                return error.code

    with ThreadPoolExecutor(2) as pool:
        codes = [pool.submit(work) for _ in range(2)]
        started.wait()
        con.close()
        assert {code.result() for code in codes} == {"connection.closed"}


@pytest.mark.slow
def test_everything_at_once(tmp_path: Path) -> None:
    """Writers, readers, interrupts and half-read rows on shared connections of one folder."""
    shared = [epql.connect(tmp_path / "kb", autocommit=True, timeout=60) for _ in range(3)]
    kept: list[str] = []
    ended = threading.Event()

    def interrupt() -> None:
        while not ended.wait(0.002):
            shared[0].interrupt()

    def work(number: int) -> None:
        con = shared[number % 3]
        for step in range(60):
            subject = f"t{number}/{step}"
            try:
                con.execute("ASSERT (?, 'p', ?)", (subject, step))
                kept.append(subject)
                cursor = con.execute("SELECT subject FROM beliefs")
                cursor.fetchone()
                con.execute("SELECT count(*) FROM history").fetchall()
            except epql.OperationalError as error:
                assert error.code == "statement.interrupted"  # noqa: PT017

    thread = threading.Thread(target=interrupt)
    thread.start()
    together(9, work)
    ended.set()
    thread.join()
    found = {row[0] for row in shared[1].execute("SELECT subject FROM beliefs").fetchall()}
    assert found == set(kept)
    for con in shared:
        con.close()
