"""Limits.untrusted(): what was found to outrun limits, and what SQLite lets through by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

import epql

BIG = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r LIMIT 10000) "
LONG = "WITH a(s) AS (SELECT replace(hex(zeroblob(400000)), '0', 'a')) "


@pytest.fixture
def con() -> Iterator[epql.Connection]:
    connection = epql.connect(":memory:", autocommit=True, limits=epql.Limits.untrusted())
    connection.execute("ASSERT ('s', 'p', 1)")
    yield connection
    assert connection.execute("SELECT count(*) FROM beliefs").fetchone() == (1,)
    connection.close()
    assert apsw.hard_heap_limit(-1) == 0


def code(con: epql.Connection, text: str) -> str:
    with pytest.raises(epql.Error) as raised:
        con.execute(text).fetchall()
    return str(raised.value.code)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT hex(zeroblob(490000)) FROM r",
        "SELECT length(y) FROM (SELECT hex(zeroblob(400000 + x)) y FROM r ORDER BY y) LIMIT 1",
    ],
    ids=["rows", "sorter"],
)
def test_memory_ends_a_statement(con: epql.Connection, text: str) -> None:
    con.limits = epql.Limits(length=1_000_000, memory=20_000_000)
    assert code(con, BIG + text) == "limit.memory"


def test_rows_that_are_taken_one_by_one_do_not_add_up(con: epql.Connection) -> None:
    con.limits = epql.Limits(memory=20_000_000)
    found = con.execute(BIG + "SELECT zeroblob(900000) FROM r LIMIT 40")
    assert sum(1 for _ in found) == 40


def test_a_database_larger_than_the_memory_is_read(tmp_path: Path) -> None:
    with epql.connect(tmp_path / "kb.epql", autocommit=True) as writer:
        rows = [(f"s/{number}", "o" * 1000) for number in range(6000)]
        writer.cursor().executemany("ASSERT (?, 'p', ?)", rows)
    limits = epql.Limits(memory=2_000_000)
    with epql.connect(tmp_path / "kb.epql", limits=limits, audit="off") as reader:
        found = reader.execute("SELECT count(*), sum(length(object)) FROM beliefs")
        assert found.fetchall() == [(6000, 6_000_000)]


def test_scratch_tables_stay_within_the_memory(con: epql.Connection) -> None:
    con.limits = epql.Limits(memory=5_000_000)
    con.execute("CREATE TEMP TABLE x (a)")
    for _ in range(4):
        con.execute("INSERT INTO x SELECT zeroblob(1000000)")
    assert code(con, "INSERT INTO x SELECT zeroblob(1000000)") == "limit.memory"
    assert con.execute("SELECT count(*) FROM x").fetchone() == (4,)
    con.execute("DROP TABLE x")


def test_an_unlimited_neighbour_is_not_held_to_the_limits_of_others(con: epql.Connection) -> None:
    other = epql.connect(":memory:", autocommit=True)
    con.limits = epql.Limits(memory=1_000_000)
    rows = con.execute("SELECT * FROM beliefs")
    assert other.execute("SELECT length(hex(zeroblob(20000000)))").fetchone() == (40_000_000,)
    assert len(rows.fetchall()) == 1
    other.close()


def test_a_program_s_own_heap_limit_stays(con: epql.Connection) -> None:
    apsw.hard_heap_limit(500_000_000)
    try:
        con.execute("SELECT * FROM beliefs").fetchall()
        assert apsw.hard_heap_limit(-1) == 500_000_000
    finally:
        apsw.hard_heap_limit(0)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT instr(s, substr(s, 1, length(s) / 2) || 'b') FROM a",
        "SELECT length(replace(s, substr(s, 1, length(s) / 4) || 'b', 'x')) FROM a",
        "SELECT length(rtrim(s, s || 'b')) FROM a",
    ],
)
def test_one_call_on_long_texts_is_short(con: epql.Connection, text: str) -> None:
    con.limits = epql.Limits(time=60.0, length=1_000_000)
    began = time.process_time()
    con.execute(LONG + text).fetchall()
    assert time.process_time() - began < 5


def test_the_functions_for_long_texts_answer_as_sqlite_does() -> None:
    limited = epql.connect(":memory:", limits=epql.Limits(time=60.0))
    plain = apsw.Connection(":memory:")
    values = (
        "NULL", "''", "'a'", "'abcab'", "'\u00e9a\u00e9'", "x''", "x'61'", "x'6162'", "12", "1.5",
        "-0.0", "1e300", "char(97, 0, 98)", "char(0)", "'aXbX'",
    )  # fmt: skip
    for x in values:
        for y in values:
            for call in (
                f"instr({x}, {y})", f"trim({x}, {y})", f"ltrim({x}, {y})", f"rtrim({x}, {y})",
                f"replace({x}, {y}, 'zz')", f"replace({x}, {y}, NULL)", f"replace({x}, {y}, 1.5)",
            ):  # fmt: skip
                sql = f"SELECT {call}, typeof({call})"
                assert limited.execute(sql).fetchall() == plain.execute(sql).fetchall(), sql
    limited.close()


def test_views_that_read_views_are_planned_within_the_time(con: epql.Connection) -> None:
    con.limits = epql.Limits()
    con.execute("DEFINE QUERY v0 AS SELECT subject FROM beliefs")
    for n in range(1, 11):
        text = f"SELECT a.subject FROM v{n - 1} a JOIN v{n - 1} b ON a.subject = b.subject"
        con.execute(f"DEFINE QUERY v{n} AS {text} LIMIT 5")
    con.limits = epql.Limits(time=0.05)
    assert code(con, "SELECT * FROM v10") == "limit.time"
    con.limits = epql.Limits()


def test_a_long_text_is_parsed_within_the_time(con: epql.Connection) -> None:
    con.limits = epql.Limits(time=0.01)
    assert code(con, "SELECT 1 IN (" + ",".join(["1"] * 50_000) + ")") == "limit.time"
    con.limits = epql.Limits()


def test_long_texts_are_not_kept(con: epql.Connection) -> None:
    con.limits = epql.Limits()
    con.execute("SELECT 1 IN (" + ",".join(["1"] * 10_000) + ")").fetchall()
    assert not any(len(text) > 10_000 for text in con.runner._parsed)


def test_statements_do_nothing_with_files(con: epql.Connection, tmp_path: Path) -> None:
    for text in (f"EXPORT TO '{tmp_path}/x'", "IMPORT FROM '/etc/passwd' FORMAT csv", "VERIFY"):
        assert code(con, text) == "limit.files"
    assert not list(tmp_path.iterdir())


def test_sqlite_itself_denies_what_is_not_listed(con: epql.Connection) -> None:
    db = con.runner.session.sql
    for text in (
        "SELECT * FROM sqlite_schema", "SELECT count(*) FROM sqlite_schema", "PRAGMA user_version",
        "SELECT count(*) FROM pragma_database_list", "SELECT count(*) FROM dbstat",
        "SELECT load_extension('x')", "SELECT sqlite_log(1, 'x')", "CREATE TABLE x (a)",
        "CREATE TEMP TABLE x (a)", "CREATE TEMP VIEW x AS SELECT 1", "ATTACH ':memory:' AS x",
        "SAVEPOINT x", "BEGIN", "VACUUM INTO '/tmp/x'", "DELETE FROM sqlite_temp_schema",
        "SELECT sql FROM sqlite_temp_schema", "ANALYZE",
    ):  # fmt: skip
        with pytest.raises(apsw.Error, match=r"authori[sz]|prohibited|may not be modified"):
            db.execute(text).fetchall()
    assert db.execute("WITH dbs AS (SELECT 1) SELECT count(*) FROM dbs").fetchall() == [(1,)]


@pytest.mark.parametrize(
    "named", [{"memory": 1}, {"memory": "1"}, {"depth": 1}, {"depth": None}, {"files": 0}]
)
def test_what_is_no_limit(named: dict[str, object]) -> None:
    with pytest.raises(epql.InterfaceError) as raised:
        epql.Limits(**named)  # type: ignore[arg-type]
    assert raised.value.code == "limit.value"
