"""The cursor of PEP 249: rows, counts, parameters of every kind, half-read cursors."""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, date, datetime
from enum import IntEnum
from typing import Any

import pytest

import epql
from tests.clock import TestClock


@pytest.fixture
def connection(clock: TestClock) -> epql.Connection:
    """Five slots: s0 … s4, p, 0 … 4; committed."""
    made = epql.connect(":memory:", agent="me", clock=clock)
    made.executemany("ASSERT (?, 'p', ?)", [(f"s{n}", n) for n in range(5)])
    made.commit()
    clock.move(hours=1)
    return made


SELECT = "SELECT subject, object FROM beliefs ORDER BY subject"
ROWS = [(f"s{n}", n) for n in range(5)]


# ---------------------------------------------------------------- rows


def test_a_new_cursor_has_nothing(connection: epql.Connection) -> None:
    cursor = connection.cursor()
    assert cursor.description is None and cursor.rowcount == -1 and cursor.arraysize == 1
    assert cursor.basis is None and cursor.messages == []
    with pytest.raises(epql.InterfaceError) as caught:
        cursor.fetchone()
    assert caught.value.code == "cursor.no_rows"


def test_description_names_each_column(connection: epql.Connection) -> None:
    cursor = connection.execute("SELECT subject, object AS o, 1 + 1, count(*) OVER () FROM beliefs")
    assert cursor.description is not None
    assert [column[0] for column in cursor.description] == [
        "subject", "o", "1 + 1", "count(*) OVER ()",
    ]  # fmt: skip
    assert all(len(column) == 7 and set(column[2:]) == {None} for column in cursor.description)
    assert [column[1] for column in cursor.description] == [epql.STRING, None, None, None]
    assert cursor.rowcount == -1


def test_description_is_there_without_rows(connection: epql.Connection) -> None:
    cursor = connection.execute("SELECT * FROM beliefs LIMIT 0")
    assert cursor.description is not None and len(cursor.description) == 16
    assert cursor.fetchone() is None and cursor.fetchmany() == [] and cursor.fetchall() == []


def test_a_verb_has_a_count_and_no_rows(connection: epql.Connection) -> None:
    cursor = connection.execute("ASSERT ('x', 'p', 1), ('y', 'p', 2)")
    assert cursor.rowcount == 2 and cursor.description is None
    with pytest.raises(epql.InterfaceError):
        cursor.fetchall()
    assert connection.execute("ASSERT ('x', 'p', 1)").rowcount == 0
    assert connection.execute("PROMOTE (SELECT id FROM assertions)").rowcount == 7


def test_returning_gives_rows(connection: epql.Connection) -> None:
    cursor = connection.execute("ASSERT ('x', 'p', 1), ('y', 'p', 2) RETURNING subject, lifecycle")
    assert cursor.fetchall() == [("x", "proposed"), ("y", "proposed")] and cursor.rowcount == 2


def test_fetching_takes_up_where_the_last_stopped(connection: epql.Connection) -> None:
    cursor = connection.execute(SELECT)
    assert cursor.fetchone() == ROWS[0]
    assert cursor.fetchmany(2) == ROWS[1:3]
    assert next(cursor) == ROWS[3]
    assert cursor.fetchall() == ROWS[4:]
    assert cursor.fetchall() == [] and cursor.fetchone() is None


@pytest.mark.parametrize(("size", "expected"), [(0, []), (-1, []), (3, ROWS[:3]), (99, ROWS)])
def test_fetchmany_gives_at_most_its_size(
    connection: epql.Connection, size: int, expected: list[Any]
) -> None:
    assert connection.execute(SELECT).fetchmany(size) == expected


def test_arraysize_is_what_fetchmany_takes(connection: epql.Connection) -> None:
    cursor = connection.cursor()
    cursor.arraysize = 2
    assert cursor.execute(SELECT).fetchmany() == ROWS[:2]


def test_a_cursor_is_its_own_iterator(connection: epql.Connection) -> None:
    cursor = connection.execute(SELECT)
    assert iter(cursor) is cursor
    assert list(cursor) == ROWS


def test_a_cursor_can_be_used_again(connection: epql.Connection) -> None:
    cursor = connection.execute(SELECT)
    cursor.fetchone()
    assert cursor.execute("SELECT 1").fetchall() == [(1,)]
    with pytest.raises(epql.ProgrammingError):
        cursor.execute("SELECT nope FROM beliefs")
    assert cursor.description is None
    assert cursor.execute(SELECT).fetchall() == ROWS


def test_a_closed_cursor_refuses_everything(connection: epql.Connection) -> None:
    cursor = connection.execute(SELECT)
    cursor.close()
    cursor.close()
    for use in (
        lambda: cursor.execute("SELECT 1"), lambda: cursor.executemany("ASSERT ('a','b',?)", []),
        cursor.fetchone, cursor.fetchmany, cursor.fetchall, lambda: iter(cursor),
    ):  # fmt: skip
        with pytest.raises(epql.InterfaceError) as caught:
            use()
        assert caught.value.code == "cursor.closed"


def test_a_cursor_of_a_closed_connection_refuses(connection: epql.Connection) -> None:
    cursor = connection.execute(SELECT)
    connection.close()
    for use in (cursor.fetchone, lambda: cursor.execute("SELECT 1")):
        with pytest.raises(epql.InterfaceError) as caught:
            use()
        assert caught.value.code == "connection.closed"
    cursor.close()


def test_a_cursor_is_a_context_manager(connection: epql.Connection) -> None:
    with connection.execute(SELECT) as cursor:
        assert cursor.fetchone() == ROWS[0]
    with pytest.raises(epql.InterfaceError):
        cursor.fetchone()


def test_sizes_may_be_set_and_mean_nothing(connection: epql.Connection) -> None:
    cursor = connection.cursor()
    cursor.setinputsizes([1])
    cursor.setoutputsize(1, 1)


# ---------------------------------------------------------------- several cursors


def test_two_cursors_do_not_disturb_each_other(connection: epql.Connection) -> None:
    one, other = connection.execute(SELECT), connection.execute(SELECT)
    found = list(zip(one, other, strict=True))
    assert found == list(zip(ROWS, ROWS, strict=True))


@pytest.mark.parametrize("autocommit", [False, True])
def test_a_half_read_cursor_keeps_its_answer_when_something_is_written(
    connection: epql.Connection, clock: TestClock, autocommit: bool
) -> None:
    connection.autocommit = autocommit
    cursor = connection.execute(SELECT)
    read = [cursor.fetchone()]
    for text in (
        "ASSERT ('s2a', 'p', 9)", "RETRACT ('s3', 'p')", "SUPERSEDE ('s4', 'p') WITH 'other'",
    ):  # fmt: skip
        clock.move(seconds=1)
        connection.execute(text)
        read.append(cursor.fetchone())
    connection.rollback()
    assert read + cursor.fetchall() == ROWS


def test_asserting_while_reading_what_is_asserted_ends(connection: epql.Connection) -> None:
    for _ in range(2):  # the second time inside the transaction the first has begun
        subjects = connection.execute("SELECT subject FROM beliefs")
        for seen, (subject,) in enumerate(subjects):
            connection.execute("ASSERT (?, 'p', 0)", (subject + "z",))
            assert seen < 50, "reads its own writes for ever"


def test_the_rows_of_a_query_may_feed_executemany(connection: epql.Connection) -> None:
    rows = connection.execute("SELECT subject || '/copy', object FROM beliefs")
    assert connection.executemany("ASSERT (?, 'copy', ?)", rows).rowcount == 5


def test_an_error_in_rows_that_were_buffered_is_the_readers(connection: epql.Connection) -> None:
    text = "SELECT CASE subject WHEN 's3' THEN json('{') ELSE subject END FROM beliefs"
    cursor = connection.execute(text)
    assert connection.execute("ASSERT ('x', 'p', 1)").rowcount == 1
    with pytest.raises(epql.ProgrammingError):
        cursor.fetchall()


# ---------------------------------------------------------------- executemany


def test_executemany_is_all_or_nothing(connection: epql.Connection) -> None:
    rows = [("a", 1), ("b", 2), ("c", float("nan"))]
    with pytest.raises(epql.DataError, match=r"row 3"):
        connection.executemany("ASSERT (?, 'q', ?)", rows)
    connection.commit()
    text = "SELECT count(*) FROM assertions WHERE predicate = 'q'"
    assert connection.execute(text).fetchall() == [(0,)]


def test_executemany_undoes_what_it_wrote_when_its_rows_fail(connection: epql.Connection) -> None:
    def rows() -> Any:
        yield ("a",)
        raise LookupError("mine")

    connection.execute("ASSERT ('kept', 'q', 1)")
    with pytest.raises(LookupError):
        connection.executemany("ASSERT (?, 'q', 1)", rows())
    text = "SELECT subject FROM assertions WHERE predicate = 'q'"
    assert connection.execute(text).fetchall() == [("kept",)]


def test_executemany_counts_what_is_new(connection: epql.Connection) -> None:
    rows = [("s0", 0), ("s0", 0), ("n", 1), ("n", 1)]
    assert connection.executemany("ASSERT (?, 'p', ?)", rows).rowcount == 1
    assert connection.executemany("ASSERT (?, 'p', ?)", []).rowcount == 0


def test_executemany_of_any_verb(connection: epql.Connection) -> None:
    cursor = connection.executemany("RETRACT (:s, 'p')", [{"s": "s0"}, {"s": "s1"}])
    assert cursor.rowcount == 2
    assert len(connection.execute(SELECT).fetchall()) == 3


def test_executemany_gives_the_rows_of_returning(connection: epql.Connection) -> None:
    cursor = connection.executemany("ASSERT (?, 'q', 1) RETURNING subject", [("a",), ("b",)])
    assert cursor.fetchall() == [("a",), ("b",)]


def test_executemany_of_a_dry_run_writes_nothing(connection: epql.Connection) -> None:
    connection.executemany("ASSERT (?, 'q', 1) DRY RUN", [("a",), ("b",)])
    connection.executemany("RETRACT (?, 'p') DRY RUN", [("s0",)])
    assert connection.execute(SELECT).fetchall() == ROWS


def test_executemany_of_a_query_is_refused(connection: epql.Connection) -> None:
    with pytest.raises(epql.ProgrammingError) as caught:
        connection.executemany("SELECT ?", [(1,)])
    assert caught.value.code == "executemany.query"


@pytest.mark.parametrize("rows", [None, 5, "ab", [5], [None], {"a": 1}, [{"a": 1}], [b"abc"]])
def test_executemany_takes_rows_of_parameters(connection: epql.Connection, rows: Any) -> None:
    with pytest.raises(epql.ProgrammingError) as caught:
        connection.executemany("ASSERT (?, 'q', 1)", rows)
    assert caught.value.code == "parameter.style"


# ---------------------------------------------------------------- parameters


class Colour(IntEnum):
    RED = 3


class Word(str):
    pass


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (None, None), (1, 1), (-(2**63), -(2**63)), (2**63 - 1, 2**63 - 1), (1.5, 1.5),
        (float("inf"), float("inf")), ("é", "é"), ("", ""), ("a\x00b", "a\x00b"),
        (b"\x00", b"\x00"),
        (True, 1), (Colour.RED, 3), (Word("w"), "w"), ("x" * 10_000, "x" * 10_000),
        (date(2024, 2, 29), "2024-02-29"),
        (datetime(2024, 2, 29, 12, tzinfo=UTC), "2024-02-29T12:00:00.000000Z"),
    ],
)  # fmt: skip
def test_a_parameter_comes_back_as_it_is(
    connection: epql.Connection, value: Any, seen: Any
) -> None:
    for text, params in (
        ("SELECT ?", (value,)), ("SELECT ?1", [value]), ("SELECT :a", {"a": value}),
        ("SELECT @a", {"a": value, "b": 0}), ("SELECT $a", OrderedDict(a=value)),
    ):  # fmt: skip
        assert connection.execute(text, params).fetchall() == [(seen,)]


@pytest.mark.parametrize(
    ("text", "params", "code"),
    [
        ("SELECT ?", (), "parameter.count"), ("SELECT ?", (1, 2), "parameter.count"),
        ("SELECT 1", (1,), "parameter.count"), ("SELECT ?3", (1, 2), "parameter.count"),
        ("SELECT :a", {}, "parameter.missing"), ("SELECT :a", (1,), "parameter.style"),
        ("SELECT ?", {"a": 1}, "parameter.style"), ("SELECT ?", "a", "parameter.style"),
        ("SELECT ?", b"a", "parameter.style"), ("SELECT ?", bytearray(b"a"), "parameter.style"),
        ("SELECT ?", 5, "parameter.style"), ("SELECT ?", None, "parameter.style"),
        ("SELECT ?", {1}, "parameter.style"), ("SELECT ?, :a", (1,), "parameter.mixed"),
        ("SELECT ?0", (), "parameter.number"), ("SELECT ?", (object(),), "parameter.type"),
        ("SELECT ?", ([1],), "parameter.type"), ("SELECT ?", (2**70,), "value.range"),
        ("SELECT ?", ("\ud800",), "value.text"), ("SELECT '\ud800'", (), "value.text"),
        ("SELECT CAST(x'ff' AS TEXT)", (), "value.text"),
    ],
)  # fmt: skip
def test_a_bad_parameter_is_refused(
    connection: epql.Connection, text: str, params: Any, code: str
) -> None:
    with pytest.raises(epql.Error) as caught:
        connection.execute(text, params).fetchall()
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (2**63, "value.range"), (-(2**63) - 1, "value.range"), (float("nan"), "value.range"),
        (float("inf"), "value.range"), ("\ud800", "value.text"), (b"x", "value.type"),
        (None, "value.null"), (datetime(2024, 1, 1), "value.type"),
        (date(2024, 1, 1), "value.type"),
        ("x" * 1_000_001, "value.too_long"), ([1], "value.type"),
    ],
)  # fmt: skip
def test_an_object_that_cannot_be_is_refused(
    connection: epql.Connection, value: Any, code: str
) -> None:
    with pytest.raises(epql.DataError) as caught:
        connection.execute("ASSERT ('s', 'q', ?)", (value,))
    assert caught.value.code == code and caught.value.span is not None


@pytest.mark.parametrize(
    "value",
    [2**63 - 1, -(2**63), 0.1, 1e308, "", "a\x00b", "x" * 1_000_000, "'; DROP TABLE x --%s"],
)
def test_an_object_comes_back_as_it_is(connection: epql.Connection, value: Any) -> None:
    connection.execute("ASSERT ('s', 'q', ?)", (value,))
    text = "SELECT object FROM beliefs WHERE subject = 's' AND object = ?"
    assert connection.execute(text, (value,)).fetchall() == [(value,)]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "value.empty"), ("  ", "value.empty"), ("a\x00", "value.text"),
        ("\ud800", "value.text"),
        ("x" * 10_000, "value.too_long"), (5, "value.type"), (None, "value.type"),
        (b"x", "value.type"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("text", ["ASSERT (?, 'p', 1)", "ASSERT ('s', ?, 1)", "MARK EPOCH ?"])
def test_a_name_that_cannot_be_is_refused(
    connection: epql.Connection, text: str, name: Any, code: str
) -> None:
    with pytest.raises(epql.DataError) as caught:
        connection.execute(text, (name,))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "instant",
    [1, datetime(2024, 1, 1, 0, 30, tzinfo=UTC), datetime(2024, 1, 1, 0, 30), "-30m", "TX"],
)
def test_an_instant_may_be_a_parameter(connection: epql.Connection, instant: Any) -> None:
    text, params = "SELECT count(*) FROM beliefs AS OF ?", (instant,)
    if instant == "TX":
        text, params = "SELECT count(*) FROM beliefs AS OF TX ?", (1,)
    assert connection.execute(text, params).fetchall() == [(5,)]


@pytest.mark.parametrize(
    "instant", [None, 1.5, b"x", "\ud800", "a\x00", "5", "", "nope", 2**70, -1, [1], True]
)
def test_what_is_no_instant_is_refused(connection: epql.Connection, instant: Any) -> None:
    for clause in ("AS OF ?", "VALID AT ?", "DIFF SINCE ?", "HISTORY FROM ? TO NOW"):
        with pytest.raises(epql.DatabaseError) as caught:
            connection.execute(f"SELECT * FROM beliefs {clause}", (instant,))
        assert caught.value.code.startswith(("instant.", "id."))


@pytest.mark.parametrize("name", [None, 5, 2**70, b"x", "\ud800", "nope"])
def test_what_is_no_epoch_is_refused(connection: epql.Connection, name: Any) -> None:
    with pytest.raises(epql.DatabaseError):
        connection.execute("SELECT * FROM beliefs AS OF EPOCH ?", (name,))


@pytest.mark.parametrize("length", ["999999999999d", "1mo", "0d", "-1d", "x", 5, None])
def test_what_is_no_half_life_is_refused(connection: epql.Connection, length: Any) -> None:
    with pytest.raises(epql.DataError):
        connection.execute("DEFINE PREDICATE 'p' HALF LIFE ?", (length,))
