"""Hidden columns and arguments of relations: they say what clauses say, or are refused."""

from __future__ import annotations

from typing import Any

import pytest

import epql
from tests.clock import TestClock


@pytest.fixture
def connection(clock: TestClock) -> epql.Connection:
    """TX 1: a/1 is old. TX 2: a/2 is two, b/1 is 5. TX 3: a/1 is new."""
    made = epql.connect(":memory:", agent="me", clock=clock, autocommit=True)
    for text in (
        "ASSERT ('a/1', 'p', 'old') LIFECYCLE APPROVED",
        "ASSERT ('a/2', 'p', 'two'), ('b/1', 'q', 5)",
        "SUPERSEDE ('a/1', 'p') WITH 'new'",
    ):
        clock.move(hours=1)
        made.execute(text)
    clock.move(hours=1)
    return made


def rows(connection: epql.Connection, text: str, params: Any = ()) -> list[tuple[Any, ...]]:
    return sorted(connection.execute(text, params).fetchall(), key=repr)


@pytest.mark.parametrize(
    ("hidden", "clause"),
    [
        ("beliefs WHERE as_of = 1", "beliefs AS OF TX 1"),
        ("beliefs WHERE as_of = '-2h'", "beliefs AS OF '-2h'"),
        ("beliefs WHERE '-2h' = as_of AND tx = 1", "beliefs AS OF '-2h' WHERE tx = 1"),
        ("beliefs(1)", "beliefs AS OF TX 1"),
        ("beliefs('-2h', 'approved')", "beliefs AS OF '-2h' LIFECYCLE APPROVED"),
        ("beliefs(NULL, 'approved')", "beliefs LIFECYCLE APPROVED"),
        ("beliefs('now', 'proposed, approved')", "beliefs LIFECYCLE IN (proposed, approved)"),
        ("beliefs(NULL, NULL, 'anytime', 'none')", "beliefs VALID ANYTIME RESOLVE BY NONE"),
        ("beliefs WHERE valid_at = '2020-01-01'", "beliefs VALID AT '2020-01-01'"),
        ("history(NULL, 'any', 'anytime')", "beliefs HISTORY LIFECYCLE ANY VALID ANYTIME"),
        ("changes('-3h')", "beliefs DIFF SINCE '-3h'"),
        ("changes(1, 2)", "beliefs DIFF SINCE TX 1 UNTIL TX 2"),
        ("changes WHERE since = 1 AND until = 2", "beliefs DIFF SINCE TX 1 UNTIL TX 2"),
        ("commits(2)", "commits AS OF TX 2"),
    ],
)  # fmt: skip
def test_a_parameter_says_what_the_clause_says(
    connection: epql.Connection, hidden: str, clause: str
) -> None:
    assert rows(connection, f"SELECT * FROM {hidden}") == rows(
        connection, f"SELECT * FROM {clause}"
    )


def test_a_parameter_may_come_from_another_table(connection: epql.Connection) -> None:
    text = "SELECT c.tx, b.object FROM commits c {} b {} ORDER BY c.tx"
    expected = [(1, "old"), (2, "old"), (3, "new")]
    for join, on in [
        ("JOIN beliefs", "ON b.as_of = c.tx WHERE b.subject = 'a/1'"),
        ("LEFT JOIN beliefs", "ON b.as_of = c.tx AND b.subject = 'a/1'"),
        ("LEFT JOIN beliefs(c.tx)", "ON b.subject = 'a/1'"),
        (", beliefs(c.tx)", "WHERE b.subject = 'a/1'"),
    ]:
        assert connection.execute(text.format(join, on)).fetchall() == expected


def test_a_left_join_keeps_what_its_relation_has_no_row_for(connection: epql.Connection) -> None:
    text = (
        "SELECT c.tx, b.object FROM commits c LEFT JOIN beliefs b"
        " ON b.as_of = c.tx AND b.subject = 'a/2' ORDER BY 1"
    )
    assert connection.execute(text).fetchall() == [(1, None), (2, "two"), (3, "two")]


def test_several_values_give_the_rows_of_each(connection: epql.Connection) -> None:
    counted = "SELECT as_of, count(*) FROM beliefs WHERE {} GROUP BY as_of ORDER BY 1"
    for condition in ("as_of IN (1, 2)", "as_of = 1 OR as_of = 2"):
        found = connection.execute(counted.format(condition)).fetchall()
        assert found == [(1, 1), (2, 3)]


@pytest.mark.parametrize("source", ["beliefs", "beliefs(NULL, 'any')", "beliefs('now')"])
def test_or_over_two_columns_gives_each_row_once(connection: epql.Connection, source: str) -> None:
    text = (
        f"SELECT subject FROM {source} WHERE subject = 'a/2' OR predicate = 'q' OR object = 'two'"
    )
    assert rows(connection, text) == [("a/2",), ("b/1",)]


def test_null_compared_with_a_parameter_gives_no_row(connection: epql.Connection) -> None:
    assert rows(connection, "SELECT * FROM beliefs WHERE as_of = NULL") == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT * FROM beliefs WHERE as_of > '-1h'", "hidden.comparison"),
        ("SELECT * FROM beliefs WHERE as_of IS NULL", "hidden.comparison"),
        ("SELECT * FROM beliefs WHERE as_of LIKE '-1h'", "hidden.comparison"),
        ("SELECT * FROM beliefs WHERE as_of BETWEEN 1 AND 2", "hidden.comparison"),
        ("SELECT * FROM beliefs WHERE NOT (as_of = '-1h')", "hidden.not_given"),
        ("SELECT * FROM beliefs WHERE as_of = 1 OR subject = 'a/2'", "hidden.not_given"),
        ("SELECT * FROM beliefs WHERE ifnull(as_of, 1) = 1", "hidden.not_given"),
        ("SELECT as_of FROM beliefs", "hidden.not_given"),
        ("SELECT 1 FROM beliefs b RIGHT JOIN commits c ON b.as_of = c.tx", "hidden.outer_join"),
        ("SELECT 1 FROM commits c FULL JOIN beliefs b ON as_of = c.tx", "hidden.outer_join"),
        ("SELECT 1 FROM commits c RIGHT JOIN beliefs(c.tx) b ON 1", "hidden.outer_join"),
        ("SELECT * FROM commits(1, 2)", "hidden.arguments"),
        ("SELECT * FROM changes", "diff.since_missing"),
        ("SELECT * FROM beliefs WHERE lifecycle_in = 'aproved'", "lifecycle.unknown"),
        ("SELECT * FROM beliefs WHERE resolve_by = 'luck'", "resolve.unknown"),
        ("SELECT * FROM beliefs WHERE as_of = '2999-01-01'", "instant.future"),
        ("SELECT * FROM beliefs WHERE as_of = 99", "instant.unknown_tx"),
        ("SELECT * FROM beliefs WHERE as_of = 1.5", "instant.bare_integer"),
    ],
)
def test_what_a_parameter_cannot_say_is_refused(
    connection: epql.Connection, text: str, code: str
) -> None:
    with pytest.raises(epql.Error) as caught:
        connection.execute(text).fetchall()
    assert caught.value.code == code


def test_a_column_of_that_name_elsewhere_is_no_parameter(connection: epql.Connection) -> None:
    joined = "x RIGHT JOIN commits c ON x.as_of = c.tx"
    text = f"WITH x(as_of) AS (SELECT 1) SELECT c.tx, x.as_of FROM {joined}"
    assert rows(connection, text) == [(1, 1), (2, None), (3, None)]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT epql_scope FROM beliefs",
        'SELECT "EPQL_Scope" FROM beliefs',
        "SELECT * FROM beliefs WHERE epql_scope = 0",
        "SELECT * FROM beliefs b JOIN beliefs c USING (epql_scope)",
        "SELECT scope FROM beliefs",
    ],
)
def test_the_planners_own_column_does_not_exist_for_a_person(
    connection: epql.Connection, text: str
) -> None:
    with pytest.raises(epql.ProgrammingError) as caught:
        connection.execute(text)
    assert caught.value.code == "name.unknown_column"
