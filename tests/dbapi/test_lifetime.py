"""Closing, forgetting to close, closing while rows are fetched, and forks."""

from __future__ import annotations

import gc
import os
import warnings
from pathlib import Path

import pytest

import epql


def test_an_unclosed_connection_is_told_and_lets_go_of_the_lock(tmp_path: Path) -> None:
    con = epql.connect(tmp_path / "kb")
    con.execute("ASSERT ('a', 'b', 'c')")
    with pytest.warns(ResourceWarning, match="kb.*was not closed"):  # noqa: PT031
        del con
        gc.collect()
    with epql.connect(tmp_path / "kb", timeout=0, autocommit=True) as other:
        other.execute("ASSERT ('d', 'e', 'f')")
        assert other.execute("SELECT subject FROM beliefs").fetchall() == [("d",)]
        other.close()


def test_a_closed_connection_is_not_told() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        con = epql.connect(":memory:")
        con.execute("SELECT 1")
        con.close()
        con.close()
        del con
        gc.collect()


def test_everything_after_close_is_refused() -> None:
    con = epql.connect(":memory:")
    cursor = con.execute("SELECT 1 UNION SELECT 2")
    con.close()
    calls = (
        con.cursor, con.commit, con.rollback, con.garden, cursor.fetchone, cursor.fetchall,
        cursor.fetchmany, lambda: next(cursor), lambda: cursor.execute("SELECT 1"),
        lambda: con.execute("SELECT 1"), lambda: con.limits, lambda: con.autocommit,
        lambda: con.assert_("a", "b", "c"),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(epql.InterfaceError) as raised:
            call()
        assert raised.value.code == "connection.closed"
    assert repr(con) == "<epql.Connection closed>"


def test_closing_in_the_middle_of_rows() -> None:
    con = epql.connect(":memory:", autocommit=True)
    con.executemany("ASSERT (?, 'p', 1)", [(f"s{n}",) for n in range(10)])
    seen = 0
    with pytest.raises(epql.InterfaceError) as raised:  # noqa: PT012
        for _ in con.execute("SELECT subject FROM beliefs"):
            seen += 1
            con.close()
    assert (raised.value.code, seen) == ("connection.closed", 1)


def test_a_cursor_that_is_left_alone_holds_nothing_up(tmp_path: Path) -> None:
    with epql.connect(tmp_path / "kb", autocommit=True) as con:
        con.executemany("ASSERT (?, 'p', 1)", [(f"s{n}",) for n in range(10)])
        rows = con.execute("SELECT subject FROM beliefs")
        rows.fetchone()
        with epql.connect(tmp_path / "kb", autocommit=True) as other:
            other.execute("ASSERT ('new', 'p', 1)")
            other.close()
        con.execute("ASSERT ('more', 'p', 1)")
        assert len(rows.fetchall()) == 9
        con.close()


def test_after_a_fork_the_parents_goes_on_and_the_childs_is_refused(tmp_path: Path) -> None:
    con = epql.connect(tmp_path / "kb", autocommit=True)
    con.execute("ASSERT ('before', 'p', 1)")
    rows = con.execute("SELECT subject FROM beliefs")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        codes = []
        for call in (
            lambda: con.execute("SELECT 1"), rows.fetchone, con.commit, con.close,
            lambda: con.execute("ASSERT ('child', 'p', 1)"),
        ):  # fmt: skip
            try:
                call()
                codes.append("allowed")
            except epql.InterfaceError as error:
                codes.append(error.code)
        with epql.connect(tmp_path / "kb", autocommit=True) as own:
            own.execute("ASSERT ('child', 'p', 1)")
            own.close()
        os.write(write, " ".join(codes).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert set(os.read(read, 1000).decode().split()) == {"connection.forked"}
    con.execute("ASSERT ('after', 'p', 1)")
    assert con.execute("SELECT count(*) FROM beliefs").fetchone() == (3,)
    con.close()
    os.close(read)
    os.close(write)
