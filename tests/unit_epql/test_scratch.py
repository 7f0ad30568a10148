"""Scratch tables: a connection's own, outside of transactions, never in the index's way."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import epql

INDEX_TABLES = [
    "meta", "kv", "txn", "agent", "slot", "assertion", "span", "touched", "bound", "transition",
    "epoch", "declaration", "aside", "main", "temp", "key", "as_of",
]  # fmt: skip


@pytest.fixture
def connection() -> epql.Connection:
    made = epql.connect(":memory:", agent="ann", autocommit=True)
    made.execute("ASSERT ('s', 'p', 'o')")
    return made


def rows(connection: epql.Connection, text: str, params: Any = ()) -> list[Any]:
    return connection.execute(text, params).fetchall()


def code(connection: epql.Connection, text: str, params: Any = ()) -> str:
    with pytest.raises(epql.Error) as caught:
        connection.execute(text, params).fetchall()
    return caught.value.code


def test_the_names_of_the_index_are_free(connection: epql.Connection) -> None:
    for name in INDEX_TABLES:
        connection.execute(f"CREATE TEMP TABLE {name} (id INTEGER PRIMARY KEY, a)")
        connection.execute(f"INSERT INTO {name} (a) VALUES ('mine')")
    connection.execute("SUPERSEDE ('s', 'p') WITH 'o2'")
    connection.execute("MARK EPOCH 'e'")
    assert rows(connection, "SELECT object FROM beliefs") == [("o2",)]
    assert rows(connection, "SELECT object FROM beliefs AS OF TX 1") == [("o",)]
    for name in INDEX_TABLES:
        assert rows(connection, f"SELECT a FROM temp.{name}") == [("mine",)]


def test_no_statement_reaches_what_is_not_scratch(connection: epql.Connection) -> None:
    for table in ("sqlite_schema", "temp.sqlite_schema", "main.span", "span", "json_each"):
        for text in ("INSERT INTO {} VALUES (1)", "DELETE FROM {}", "UPDATE {} SET a = 1",
                     "DROP TABLE {}", "CREATE INDEX i ON {} (a)"):  # fmt: skip
            found = code(connection, text.format(table))
            assert found in ("name.unknown_relation", "name.unknown_database"), text
    connection.execute("DROP TABLE IF EXISTS sqlite_sequence")


def test_a_conflict_leaves_what_sqlite_leaves(connection: epql.Connection) -> None:
    connection.execute("CREATE TEMP TABLE t (a UNIQUE)")
    connection.execute("INSERT INTO t VALUES (2)")
    left = {"FAIL": [1, 2], "ABORT": [2], "ROLLBACK": [2]}
    for word, expected in left.items():
        text = f"INSERT OR {word} INTO t VALUES (1), (2), (3)"
        assert code(connection, text) == "scratch.constraint"
        assert [a for (a,) in rows(connection, "SELECT a FROM t ORDER BY a")] == expected
        connection.execute("DELETE FROM t WHERE a <> 2")
    assert rows(connection, "INSERT OR IGNORE INTO t VALUES (2), (3) RETURNING a") == [(3,)]


@pytest.mark.parametrize("word", ["ABORT", "FAIL", "ROLLBACK"])
def test_executemany_is_all_or_nothing(connection: epql.Connection, word: str) -> None:
    connection.execute("CREATE TEMP TABLE t (a UNIQUE)")
    cursor = connection.cursor()
    with pytest.raises(epql.IntegrityError, match=r"\(row 3\)"):
        cursor.executemany(f"INSERT OR {word} INTO t VALUES (?)", [(1,), (2,), (1,)])
    with pytest.raises(epql.ProgrammingError, match=r"\(row 2\)"):
        cursor.executemany("INSERT INTO t VALUES (?)", [(1,), (2, 3)])
    assert rows(connection, "SELECT * FROM t") == []
    cursor.executemany("INSERT INTO t VALUES (?) RETURNING a", [(1,), (2,)])
    assert cursor.rowcount == 2 and cursor.fetchall() == [(1,), (2,)]
    cursor.executemany("UPDATE t SET a = :new WHERE a = :old", [{"new": 5, "old": 1}])
    assert cursor.rowcount == 1


def test_executemany_reads_beliefs_for_each_row(connection: epql.Connection) -> None:
    connection.execute("CREATE TEMP TABLE t (a)")
    cursor = connection.cursor()
    cursor.executemany("INSERT INTO t SELECT object FROM beliefs AS OF ?", [(1,), ("-1h",)])
    assert cursor.rowcount == 1 and rows(connection, "SELECT a FROM t") == [("o",)]


def test_rows_stay_whatever_becomes_of_a_transaction(connection: epql.Connection) -> None:
    connection.execute("CREATE TEMP TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT, b UNIQUE)")
    for end in ("ROLLBACK", "COMMIT"):
        connection.execute("BEGIN")
        connection.execute("SUPERSEDE ('s', 'p') WITH ?", (end,))
        connection.execute("INSERT INTO t (b) SELECT object FROM beliefs")
        connection.execute("DELETE FROM t WHERE b = 'ROLLBACK'")
        connection.execute(end)
    assert rows(connection, "SELECT * FROM t") == [(2, "COMMIT")]
    assert code(connection, "INSERT INTO t (b) VALUES ('COMMIT')") == "scratch.constraint"


def test_a_cursor_half_read_keeps_its_rows(connection: epql.Connection) -> None:
    connection.execute("CREATE TEMP TABLE t (a)")
    connection.cursor().executemany("INSERT INTO t VALUES (?)", [(i,) for i in range(100)])
    cursor = connection.execute("SELECT a FROM t")
    assert cursor.fetchone() == (0,)
    connection.execute("DELETE FROM t")
    connection.execute("DROP TABLE t")
    assert len(cursor.fetchall()) == 99


def test_a_table_made_anew_is_planned_anew(connection: epql.Connection) -> None:
    for columns in ("(a)", "(b, c)", "(a)"):
        connection.execute(f"CREATE TEMP TABLE t {columns}")
        found = connection.execute("SELECT * FROM t")
        assert [column[0] for column in found.description] == columns.strip("()").split(", ")
        connection.execute("DROP TABLE t")
        assert code(connection, "SELECT * FROM t") == "name.unknown_relation"


def test_each_connection_has_its_own(tmp_path: Path) -> None:
    path = str(tmp_path / "db")
    first = epql.connect(path, autocommit=True)
    first.execute("ASSERT ('s', 'p', 'o')")
    first.execute("CREATE TEMP TABLE t (a)")
    second = epql.connect(path, read_only=True)
    second.execute("CREATE TEMP TABLE t (b)")
    second.execute("INSERT INTO t SELECT object FROM beliefs")
    assert rows(second, "SELECT * FROM t") == [("o",)] and rows(first, "SELECT * FROM t") == []
    text = "INSERT INTO assertions (subject, predicate, object) VALUES ('s', 'p', 'x')"
    assert code(second, text) == "database.read_only"
    first.close()
    assert code(epql.connect(path), "SELECT * FROM t") == "name.unknown_relation"


def test_threads_have_connections_of_their_own(tmp_path: Path) -> None:
    path, found = str(tmp_path / "db"), []

    def work(number: int) -> None:
        mine = epql.connect(path, autocommit=True, timeout=30)
        mine.execute("CREATE TEMP TABLE t (a)")
        mine.execute("INSERT INTO t VALUES (?)", (number,))
        mine.execute("ASSERT (SELECT 's' || a, 'p', a FROM t)")
        found.append(rows(mine, "SELECT a FROM t") == [(number,)])
        mine.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 4
    assert rows(epql.connect(path), "SELECT count(*) FROM beliefs") == [(4,)]


def test_many_rows_are_inserted_about_as_fast_as_by_sqlite(connection: epql.Connection) -> None:
    given_rows = [(i, f"s{i}", i * 0.5) for i in range(50_000)]
    create = "CREATE TEMP TABLE t (a INTEGER PRIMARY KEY, b, c)"
    plain = apsw.Connection(":memory:")
    plain.execute(create)
    started = time.process_time()
    with plain:
        plain.executemany("INSERT INTO t VALUES (?, ?, ?)", given_rows)
    took = time.process_time() - started
    connection.execute(create)
    started = time.process_time()
    connection.cursor().executemany("INSERT INTO t VALUES (?, ?, ?)", given_rows)
    assert time.process_time() - started < 10 * took  # about 2.7; machines are shared


def test_insert_of_many_assertions_is_one_commit(connection: epql.Connection) -> None:
    text = (
        "INSERT INTO assertions (subject, predicate, object, confidence) VALUES (:s, 'p', :o, :c)"
    )
    many = [{"s": f"m{i}", "o": i, "c": None if i % 2 else 0.5} for i in range(50)]
    cursor = connection.cursor()
    cursor.executemany(text, many)
    assert cursor.rowcount == 50
    found = rows(connection, "SELECT count(DISTINCT tx), total(confidence) FROM beliefs"
                 " WHERE subject GLOB 'm*'")  # fmt: skip
    assert found == [(1, 37.5)]
    with pytest.raises(epql.DataError, match=r"\(row 2\)"):
        cursor.executemany(text, [{"s": "n", "o": 1, "c": 1}, {"s": "n", "o": 1, "c": 2}])
    assert rows(connection, "SELECT 1 FROM beliefs WHERE subject = 'n'") == []


# ---------------------------------------------------------------- any order of statements

TABLES = ("slot", "t")
VALUES = st.sampled_from([1, 2, "x", None, 2.5])
SCRATCH = st.one_of(
    st.tuples(st.just("INSERT OR IGNORE INTO {} VALUES (?, ?)"), st.tuples(VALUES, VALUES)),
    st.tuples(st.just("INSERT OR FAIL INTO {} VALUES (?, 1), (?, 2)"), st.tuples(VALUES, VALUES)),
    st.tuples(st.just("INSERT OR ROLLBACK INTO {} VALUES (?, ?)"), st.tuples(VALUES, VALUES)),
    st.tuples(st.just("INSERT OR REPLACE INTO {} VALUES (?, ?)"), st.tuples(VALUES, VALUES)),
    st.tuples(st.just("UPDATE {} SET a = ? WHERE b IS ?"), st.tuples(VALUES, VALUES)),
    st.tuples(st.just("DELETE FROM {} WHERE a IS ?"), st.tuples(VALUES)),
    st.tuples(st.just("DROP TABLE IF EXISTS {}"), st.just(())),
    st.tuples(st.just("CREATE TEMP TABLE IF NOT EXISTS {} (a UNIQUE, b)"), st.just(())),
)
BELIEFS = st.one_of(
    st.tuples(st.just("ASSERT ('s', ?, ?)"), st.tuples(st.sampled_from("pq"), st.integers(0, 3))),
    st.tuples(st.just("SUPERSEDE ('s', 'p') WITH ?"), st.tuples(st.integers(4, 6))),
    st.tuples(st.sampled_from(["BEGIN", "COMMIT", "ROLLBACK"]), st.just(())),
)
STEPS = st.lists(
    st.one_of(st.tuples(st.sampled_from(TABLES), SCRATCH), st.tuples(st.none(), BELIEFS)),
    max_size=25,
)


def told(run: Any, text: str, params: Any) -> bool:
    try:
        run(text, params)
    except (epql.Error, apsw.Error):
        return False
    return True


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_scratch_rows_and_beliefs_go_their_own_ways(steps: list[Any]) -> None:
    both = epql.connect(":memory:", agent="ann", autocommit=True)
    beliefs = epql.connect(":memory:", agent="ann", autocommit=True)
    scratch = apsw.Connection(":memory:")
    for table, (text, params) in steps:
        other = beliefs.execute if table is None else scratch.execute
        text = text.format(table)
        assert told(both.execute, text, params) == told(other, text, params), text
    for table in TABLES:
        query = f"SELECT rowid, * FROM temp.{table} ORDER BY rowid"
        assert told(both.execute, query, ()) == told(scratch.execute, query, ())
        if told(scratch.execute, query, ()):
            assert rows(both, query) == list(scratch.execute(query))
    query = "SELECT subject, predicate, object, lifecycle, tx_from, tx_to FROM assertions HISTORY"
    clauses = " VALID ANYTIME LIFECYCLE ANY"
    assert sorted(rows(both, query + clauses), key=repr) == sorted(
        rows(beliefs, query + clauses), key=repr
    )
    for connection in (both, beliefs):
        connection.close()
