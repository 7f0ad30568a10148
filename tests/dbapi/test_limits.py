"""What one statement may take: time, rows, lengths. An error, and the session goes on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import epql
from epql import Limits

FOR_EVER = "WITH c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT {} FROM c"
CROSSED = "SELECT count(*) FROM beliefs a, beliefs b, beliefs c, beliefs d, beliefs e, beliefs f"


@pytest.fixture
def con() -> Iterator[epql.Connection]:
    connection = epql.connect(":memory:", autocommit=True, limits=Limits(time=0.2, rows=50))
    connection.executemany("ASSERT (?, 'p', ?)", [(f"s{n}", n) for n in range(50)])
    yield connection
    assert connection.execute("SELECT count(*) FROM beliefs").fetchone() == (50,)
    connection.close()


def code(run: object, *given: object) -> str:
    assert callable(run)
    with pytest.raises(epql.Error) as raised:
        run(*given)
    return str(raised.value.code)


@pytest.mark.parametrize(
    "text", [FOR_EVER.format("count(*)"), CROSSED], ids=["sqlite", "relations"]
)
def test_time_ends_a_statement(con: epql.Connection, text: str) -> None:
    assert code(lambda: con.execute(text).fetchall()) == "limit.time"


def test_time_counts_what_a_statement_runs_not_what_is_done_between(con: epql.Connection) -> None:
    cursor = con.execute(FOR_EVER.format("n"))
    con.limits = Limits(time=0.2)
    cursor.execute(FOR_EVER.format("n"))
    each = iter(lambda: cursor.fetchmany(100), [])  # alone, each is short
    assert code(list, each) == "limit.time"


def test_time_undoes_a_write(con: epql.Connection) -> None:
    text = f"ASSERT SELECT 'n' || n, 'p', n FROM ({FOR_EVER.format('n')})"
    assert code(con.execute, text) == "limit.time"
    assert not con.in_transaction
    endless = ((f"n{number}", number) for number in iter(int, 1))
    assert code(con.executemany, "ASSERT (?, 'p', ?)", endless) == "limit.time"


def test_rows_end_an_answer(con: epql.Connection) -> None:
    text = "SELECT n FROM (" + FOR_EVER.format("n") + " LIMIT {})"
    assert len(con.execute(text.format(50)).fetchall()) == 50
    for fetch in (
        lambda cursor: cursor.fetchall(),
        lambda cursor: cursor.fetchmany(1000),
        lambda cursor: list(cursor),
        lambda cursor: [cursor.fetchone() for _ in range(51)],
    ):
        cursor = con.execute(text.format(51))
        assert code(fetch, cursor) == "limit.rows"
        assert code(cursor.fetchall) == "limit.rows"


def test_lengths(con: epql.Connection) -> None:
    con.limits = Limits(length=10_000, statement=100)
    assert code(con.execute, "SELECT length(zeroblob(10001))") == "limit.length"
    assert code(con.execute, "SELECT ?", ("x" * 10_001,)) == "limit.length"
    assert code(con.execute, "SELECT '" + "x" * 100 + "'") == "parse.too_long"


def test_the_longest_object_can_be_read(con: epql.Connection) -> None:
    con.limits = Limits()
    con.execute("ASSERT ('long', 'p', ?)", ("\U0001f40d" * 1_000_000,))
    found = con.execute("SELECT object FROM beliefs WHERE subject = 'long'").fetchone()
    assert found is not None and len(found[0]) == 1_000_000
    con.execute("RETRACT ('long', 'p')")


def test_limits_can_be_changed_and_taken_off(con: epql.Connection) -> None:
    con.limits = Limits(time=0.0)
    assert code(con.execute, FOR_EVER.format("count(*)")) == "limit.time"
    con.limits = Limits(time=0.2, rows=50)
    assert con.limits == Limits(time=0.2, rows=50)
    con.limits = Limits()
    assert len(con.execute(FOR_EVER.format("n") + " LIMIT 1000").fetchall()) == 1000


@pytest.mark.parametrize(
    "named",
    [{"time": -1}, {"time": float("nan")}, {"time": "1"}, {"rows": 1.5}, {"rows": True},
     {"length": None}, {"length": 10**10}, {"statement": 0}],
)  # fmt: skip
def test_what_is_no_limit(named: dict[str, object]) -> None:
    assert code(lambda: Limits(**named)) == "limit.value"  # type: ignore[arg-type]
    assert code(lambda: epql.connect(":memory:", limits=named)) == "limit.value"  # type: ignore[call-overload]
