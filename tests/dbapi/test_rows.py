"""Row factories: of a connection, of a cursor, and what becomes of odd names."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import epql
from epql.rows import class_row, dict_row, namedtuple_row, scalar_row, tuple_row

TEXT = "SELECT subject, object FROM beliefs ORDER BY subject"


@dataclass
class Fact:
    subject: str
    object: str | int | float


@pytest.fixture
def con() -> epql.Connection:
    connection = epql.connect(":memory:", autocommit=True)
    connection.execute("ASSERT ('a', 'p', 1), ('b', 'p', 'x'), ('c', 'p', 3)")
    return connection


def test_every_way_to_fetch_makes_rows(con: epql.Connection) -> None:
    cursor = con.cursor(row_factory=class_row(Fact)).execute(TEXT)
    assert cursor.fetchone() == Fact("a", 1)
    assert cursor.fetchmany(1) == [Fact("b", "x")]
    assert list(cursor) == [Fact("c", 3)]
    assert cursor.execute(TEXT).fetchall()[2] == Fact("c", 3)
    assert cursor.rownumber == 3


def test_the_factories(con: epql.Connection) -> None:
    assert con.cursor(row_factory=dict_row).execute(TEXT).fetchone() == {
        "subject": "a",
        "object": 1,
    }
    assert con.cursor(row_factory=scalar_row).execute(TEXT).fetchall() == ["a", "b", "c"]
    assert con.cursor(row_factory=tuple_row).execute(TEXT).fetchone() == ("a", 1)
    row = con.cursor(row_factory=namedtuple_row).execute(TEXT).fetchone()
    assert row == ("a", 1) and row._fields == ("subject", "object")


def test_a_connection_has_one_for_all_its_cursors() -> None:
    with epql.connect(":memory:", row_factory=dict_row) as con:
        found = con.execute("ASSERT ('a', 'p', 1) RETURNING subject, object").fetchall()
        assert found == [{"subject": "a", "object": 1}]
        con.assert_("b", "p", 2)  # typed methods do not mind
        assert con.why("b", "p")[0].object == 2
        con.row_factory = scalar_row
        assert con.execute("SELECT count(*) FROM beliefs").fetchone() == 2
        con.close()


def test_odd_names_become_fields(con: epql.Connection) -> None:
    text = (
        'SELECT 1 AS a, 2 AS a, count(*), 3 AS "1st", 4 AS class, 5 AS _x, 6 AS "é w" FROM beliefs'
    )
    row = con.cursor(row_factory=namedtuple_row).execute(text).fetchone()
    assert row is not None
    assert row._fields == ("a", "a_1", "count_", "column_1st", "_4", "x", "é_w")
    with pytest.raises(epql.InterfaceError) as raised:
        con.cursor(row_factory=class_row(dict)).execute(text)
    assert raised.value.code == "row.names"


def test_statements_without_rows_ask_no_factory(con: epql.Connection) -> None:
    cursor = con.cursor(row_factory=class_row(Fact)).execute("ASSERT ('d', 'p', 1)")
    assert cursor.rowcount == 1 and cursor.description is None


def test_an_error_of_the_class_is_its_own(con: epql.Connection) -> None:
    cursor = con.cursor(row_factory=class_row(Fact)).execute("SELECT 1 AS other")
    with pytest.raises(TypeError, match="other"):
        cursor.fetchone()
    assert con.execute("SELECT 1").fetchone() == (1,)
