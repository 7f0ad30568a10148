"""Constructors, kinds of columns, and that a kind is true of the values that come."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

import pytest

import epql


@pytest.fixture
def con() -> epql.Connection:
    connection = epql.connect(":memory:", agent="a", autocommit=True)
    connection.execute("ASSERT ('s', 'p', 1) VALID FROM '2024-01-01' LIFECYCLE APPROVED")
    connection.execute("CORRECT ('s', 'p') TO 'x' FORBID REASON 'r'")
    connection.execute(
        "CREATE TEMP TABLE t (a TEXT, b varchar(9), c INTEGER, d REAL, e BLOB, f, g DATE)"
    )
    return connection


def kinds(cursor: epql.Cursor) -> dict[str, epql.dbapi.TypeObject | None]:
    assert cursor.description is not None
    return {column[0]: column[1] for column in cursor.description}


def test_relations_say_the_kinds_of_their_columns(con: epql.Connection) -> None:
    found = kinds(con.execute("SELECT *, 1 + 1, upper(subject) FROM beliefs"))
    assert found["subject"] == epql.STRING
    assert found["confidence"] == found["tx"] == found["disputed"] == epql.NUMBER
    assert found["recorded_at"] == found["valid_from"] == epql.DATETIME
    assert found["object"] is found["1 + 1"] is found["upper(subject)"] is None


def test_kinds_are_seen_through_joins_and_subqueries(con: epql.Connection) -> None:
    text = (
        "WITH q AS (SELECT b.recorded_at AS at, c.records FROM beliefs b JOIN commits c USING (tx))"
        " SELECT at, records FROM q"
    )
    assert kinds(con.execute(text)) == {"at": epql.DATETIME, "records": epql.NUMBER}


def test_scratch_tables_have_their_own(con: epql.Connection) -> None:
    found = list(kinds(con.execute("SELECT * FROM t")).values())
    string, number = epql.STRING, epql.NUMBER
    assert found == [string, string, number, number, epql.BINARY, None, epql.DATETIME]


QUERIES = [
    *(f"SELECT * FROM {name}" for name in (
        "beliefs", "assertions", "history", "commits", "transitions", "corrections",
        "constraints", "journal", "predicates", "agents", "policies", "trust", "queries", "reads",
    )),
    "WHY ('s', 'p')", "WHY NOT ('s', 'p', 1)", "BLAME ('s', 'p')", "HISTORY OF ('s', 'p')",
    "CHECK ('s', 'p', 1)", "IMPACT OF ('s', 'p')", "TRACE QUERIES",
    "SELECT * FROM beliefs DIFF SINCE '2000-01-01'",
    "ASSERT ('n', 'p', 2) RETURNING *", "PROMOTE ('n', 'p') RETURNING id, subject, object, tx",
]  # fmt: skip


def test_a_kind_is_true_of_the_values(con: epql.Connection) -> None:
    seen = set()
    for text in QUERIES:
        cursor = con.execute(text)
        given = kinds(cursor).values()
        for row in cursor:
            for kind, value in zip(given, row, strict=True):
                if value is None or kind is None:
                    continue
                seen.add(kind)
                if kind == epql.DATETIME:
                    assert datetime.fromisoformat(value).tzinfo is not None
                else:
                    assert isinstance(value, str if kind == epql.STRING else (int, float)), text
    assert seen == {epql.STRING, epql.NUMBER, epql.DATETIME}


def test_constructors_make_what_parameters_take(con: epql.Connection) -> None:
    assert epql.Date(2002, 12, 25) == date(2002, 12, 25)
    assert epql.Binary(b"x") == b"x"
    ticks = time.mktime((2002, 12, 25, 13, 45, 30, 0, 0, 0))
    assert epql.DateFromTicks(ticks) == date(2002, 12, 25)
    assert epql.TimeFromTicks(ticks) == epql.Time(13, 45, 30)
    at = epql.TimestampFromTicks(ticks)
    assert at.timestamp() == ticks and at.replace(tzinfo=None) == datetime(2002, 12, 25, 13, 45, 30)
    rows = con.execute("SELECT ?, ?", (at.astimezone(UTC), epql.Date(2002, 12, 25))).fetchone()
    assert rows is not None and datetime.fromisoformat(rows[0]) == at and rows[1] == "2002-12-25"
    con.execute("ASSERT ('d', 'p', 1) VALID FROM ?", (epql.Timestamp(2020, 1, 1),))
