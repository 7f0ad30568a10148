"""What DESCRIBE and SHOW answer: columns with their meaning, settings with their origin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import epql
from epql.engine.errors import Span
from epql.engine.vtab.base import HIDDEN
from epql.engine.vtab.register import RELATIONS
from epql.explain import answers, show
from epql.nodes import Query
from epql.parse import parse
from epql.plan.catalog import DIFFS
from tests.clock import TestClock

SPAN = Span(0, 4)


@pytest.fixture
def con() -> Iterator[epql.Connection]:
    clock = TestClock("2026-01-05T10:00:00Z")
    connection = epql.connect(":memory:", agent="ann", clock=clock, autocommit=True)
    connection.execute("ASSERT ('svc/api', 'port', 8080)")
    yield connection
    connection.close()


def shown(con: epql.Connection, name: str) -> list[tuple[object, ...]]:
    return con.execute(f"SHOW {name}").fetchall()


@pytest.mark.parametrize("name", RELATIONS)
def test_a_relation_is_described_whole(con: epql.Connection, name: str) -> None:
    told = answers.describe_name(con.runner.queries, name.upper(), None)
    rows = list(told.rows)
    given = (
        "(1)" if name in DIFFS.values() else "('s', 'p', 'o')" if RELATIONS[name].arguments else ""
    )
    seen = con.execute(f"SELECT * FROM {name}{given}").description
    assert [row[0] for row in rows if not row[2]] == [column for column, *_ in seen or ()]
    assert [row[0] for row in rows if row[2]] == list(RELATIONS[name].hidden)
    assert all(row[3] for row in rows), "a column without a meaning"
    assert told.notices[0] == f"{name}: {RELATIONS[name].doc}"
    assert "AS OF" in told.notices[1]


def test_every_hidden_column_has_a_meaning() -> None:
    assert {name for one in RELATIONS.values() for name in one.hidden} == set(HIDDEN)


def test_the_columns_of_an_answer(con: epql.Connection) -> None:
    query = parse("SELECT subject, tx, object, tx + 1 AS next FROM beliefs").statement
    assert isinstance(query, Query)
    rows = answers.describe_query(con.runner.queries, query).rows
    assert rows == [
        ("subject", "TEXT", 0, None),
        ("tx", "INTEGER", 0, None),
        ("object", "any", 0, None),
        ("next", "any", 0, None),
    ]


def test_an_unknown_name_has_a_nearest(con: epql.Connection) -> None:
    with pytest.raises(epql.ProgrammingError) as raised:
        answers.describe_name(con.runner.queries, "belief", SPAN)
    assert raised.value.code == "name.unknown_relation"
    assert raised.value.hint == "did you mean beliefs?"


@pytest.mark.parametrize(
    ("statement", "name", "value", "origin"),
    [
        (None, "as of", "NOW", "default"),
        ("SET AS OF TX 1", "as of", "TX 1", "session"),
        ("BEGIN READ ONLY AS OF TX 1", "AS  OF", "TX 1", "transaction"),
        (None, "lifecycle", "LIVE", "default"),
        ("SET LIFECYCLE IN (approved, review)", "lifecycle", "IN (APPROVED, REVIEW)", "session"),
        ("SET RESOLVE BY NONE", "resolve", "NONE", "session"),
        ("SET VALID ANYTIME", "valid", "ANYTIME", "session"),
        (None, "agent", "ann", "session"),
        (None, "purpose", None, "default"),
        (None, "time zone", "UTC", "default"),
        ("SET TIME ZONE 'Europe/Berlin'", "zone", "Europe/Berlin", "session"),
        ("SET NOTICES off", "notices", "off", "session"),
        (None, "tx", "1", "database"),
        (None, "version", epql.__version__, "program"),
    ],
)
def test_a_setting_and_its_origin(
    con: epql.Connection, statement: str | None, name: str, value: str | None, origin: str
) -> None:
    if statement is not None:
        con.execute(statement)
    ((_, found, source),) = shown(con, name)
    assert (found, source) == (value, origin)


def test_all_settings(con: epql.Connection) -> None:
    assert [row[0] for row in shown(con, "all")] == list(show.SETTINGS)


@pytest.mark.parametrize("name", ["tables", "relations"])
def test_all_relations(con: epql.Connection, name: str) -> None:
    rows = shown(con, name)
    assert {row[0] for row in rows if row[1] == "relation"} == set(RELATIONS)
    assert all(row[2] for row in rows)


def test_columns_from_is_describe(con: epql.Connection) -> None:
    assert ("subject", "TEXT") in [row[:2] for row in shown(con, "columns from beliefs")]


def test_an_unknown_setting_has_a_nearest(con: epql.Connection) -> None:
    with pytest.raises(epql.ProgrammingError) as raised:
        shown(con, "lifecyle")
    assert raised.value.code == "show.unknown"
    assert raised.value.hint == "did you mean lifecycle?"
