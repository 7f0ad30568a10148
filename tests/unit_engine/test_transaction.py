"""Transactions and the fold: all or nothing, own writes read, intervals as they were."""

from __future__ import annotations

from typing import Any

import pytest

import epql
from tests.clock import TestClock

ALL = "SELECT * FROM history(NULL, 'any', 'anytime') ORDER BY tx, subject, tx_from, valid_from"
SPANS = (
    "SELECT object, lifecycle, tx_from, tx_to, valid_from, valid_to"
    " FROM history(NULL, 'any', 'anytime') ORDER BY object, tx_from, valid_from"
)


@pytest.fixture
def connection(clock: TestClock) -> epql.Connection:
    return epql.connect(":memory:", agent="me", clock=clock, autocommit=True)


def spans(connection: epql.Connection) -> list[tuple[Any, ...]]:
    return connection.execute(SPANS).fetchall()


def hour(number: int) -> str:
    return f"2024-01-01T{number:02}:00:00.000000Z"


def dump(connection: epql.Connection) -> dict[str, list[Any]]:
    db = connection.runner.database.db
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type='table'")]
    return {name: db.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in tables}


# ---------------------------------------------------------------- all or nothing


@pytest.fixture
def begun(connection: epql.Connection) -> epql.Connection:
    """A commit, and a transaction that has one more assertion."""
    connection.execute("DEFINE PREDICATE 'n' TYPE integer")
    connection.execute("ASSERT ('a', 'p', 1), ('b', 'p', 2) LIFECYCLE APPROVED")
    connection.execute("ASSERT ('c', 'p', 3)")
    connection.execute("BEGIN")
    connection.execute("ASSERT ('d', 'p', 4)")
    return connection


@pytest.mark.parametrize(
    "text",
    [
        "ASSERT ('x', 'p', 1), ('y', 'p', 1), ('z', 'p', NULL)",
        "ASSERT ('x', 'n', 1), ('y', 'n', 2), ('z', 'n', 'three')",
        "ASSERT ('x', 'p', 1), ('y', 'p', 1) BECAUSE 'a:0000'",
        "ASSERT ('x', 'p', 1), ('a', 'p', 9) IF NONE",
        "ASSERT ('x', 'p', 1) RETURNING nope",
        "PROMOTE (SELECT id FROM assertions ORDER BY tx DESC)",
        "TRANSITION (SELECT id FROM assertions) TO deprecated",
        "RETRACT (SELECT 'a:0000' AS id UNION SELECT id FROM assertions ORDER BY id DESC)",
        "SUPERSEDE (SELECT id FROM assertions) WITH NULL",
        "SUPERSEDE (SELECT id FROM assertions) WITH 5 RETURNING nope",
        "DEFINE PREDICATE 'n' TYPE colour",
    ],
)
def test_a_failing_statement_leaves_nothing(begun: epql.Connection, text: str) -> None:
    before = dump(begun)
    with pytest.raises(epql.DatabaseError):
        begun.execute(text)
    assert dump(begun) == before
    begun.execute("COMMIT")
    assert begun.execute("SELECT count(*) FROM beliefs").fetchall() == [(4,)]
    rebuilt(begun)


@pytest.mark.parametrize(
    "text",
    [
        "ASSERT ('x', 'p', 1), ('a', 'p', 2) REASON 'why'",
        "PROMOTE ('c', 'p')", "RETRACT (SELECT id FROM assertions)", "SUPERSEDE ('a', 'p') WITH 9",
    ],
)  # fmt: skip
def test_a_dry_run_tells_and_leaves_nothing(begun: epql.Connection, text: str) -> None:
    before = dump(begun)
    cursor = begun.execute(text + " DRY RUN")
    assert cursor.rowcount > 0 and "DRY RUN: nothing was written" in cursor.notices
    assert dump(begun) == before
    begun.execute("COMMIT")
    rebuilt(begun)


def test_a_dry_run_alone_is_no_commit(connection: epql.Connection) -> None:
    connection.execute("ASSERT ('x', 'p', 1) DRY RUN")
    assert connection.execute("SELECT count(*) FROM commits").fetchall() == [(0,)]


def test_rollback_leaves_nothing(begun: epql.Connection) -> None:
    for text in ("PROMOTE ('c', 'p')", "MARK EPOCH 'e'", "SUPERSEDE ('a', 'p') WITH 9"):
        begun.execute(text)
    begun.execute("ROLLBACK")
    assert begun.execute("SELECT count(*) FROM beliefs").fetchall() == [(3,)]
    assert begun.execute("SELECT * FROM epochs").fetchall() == []
    rebuilt(begun)


def test_a_transaction_reads_its_own_writes(connection: epql.Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("ASSERT ('a', 'p', 1)")
    connection.execute("PROMOTE ('a', 'p')")
    connection.execute("DEFINE PREDICATE 'm' CARDINALITY MANY")
    connection.execute("ASSERT ('a', 'm', 1), ('a', 'm', 2)")
    text = "SELECT predicate, object, lifecycle FROM beliefs ORDER BY 1, 2"
    expected = [("m", 1, "proposed"), ("m", 2, "proposed"), ("p", 1, "approved")]
    assert connection.execute(text).fetchall() == expected
    assert connection.execute("SELECT * FROM beliefs AS OF TX 0").fetchall() == []
    connection.execute("COMMIT")
    assert connection.execute(text).fetchall() == expected
    rebuilt(connection)


def rebuilt(connection: epql.Connection) -> None:
    """The index is what a fresh fold of the journal gives."""
    from epql.engine.index.fold import Fold
    from epql.engine.index.schema import open_index
    from epql.engine.ingest import catch_up

    fresh = open_index(":memory:")
    catch_up(Fold(fresh), connection.runner.database.files)
    mine = connection.runner.database.db
    for (name,) in fresh.execute("SELECT name FROM sqlite_schema WHERE type='table'").fetchall():
        sql = f"SELECT * FROM {name} ORDER BY 1, 2"
        assert mine.execute(sql).fetchall() == fresh.execute(sql).fetchall(), name


# ---------------------------------------------------------------- the instant of a commit


def test_supersede_takes_the_instant_of_its_commit(
    connection: epql.Connection, clock: TestClock
) -> None:
    clock.set(hour(1))
    connection.execute("ASSERT ('a', 'p', 'old')")
    clock.set(hour(2))
    connection.execute("BEGIN")
    connection.execute("SUPERSEDE ('a', 'p') WITH 'new'")
    connection.execute("SUPERSEDE ('a', 'p') WITH 'newer'")
    connection.execute("ASSERT ('b', 'p', 'beside')")
    clock.set(hour(5))
    connection.execute("COMMIT")
    text = "SELECT object, valid_from, recorded_at FROM beliefs WHERE subject = 'a'"
    assert connection.execute(text).fetchall() == [("newer", hour(5), hour(5))]
    assert ("old", "proposed", 2, None, None, hour(5)) in spans(connection)
    assert ("old", "superseded", 2, None, hour(5), None) in spans(connection)
    text = "SELECT superseded_from FROM transitions"
    assert connection.execute(text).fetchall() == [(hour(5),)] * 2
    rebuilt(connection)


def test_commits_never_share_an_instant_nor_go_back(
    connection: epql.Connection, clock: TestClock
) -> None:
    for number, instant in enumerate((hour(5), hour(5), hour(1), hour(6))):
        clock.set(instant)
        connection.execute("ASSERT ('s', 'p', ?)", (number,))
    stamps = [row[0] for row in connection.execute("SELECT recorded_at FROM commits ORDER BY tx")]
    assert stamps == sorted(set(stamps)) and stamps[0] == hour(5) and hour(6) in stamps


# ---------------------------------------------------------------- intervals


def test_asserting_again_makes_the_latest(connection: epql.Connection, clock: TestClock) -> None:
    for obj in ("A", "B", "A"):
        clock.move(hours=1)
        connection.execute("ASSERT ('s', 'p', ?)", (obj,))
    assert connection.execute("SELECT object, tx FROM beliefs").fetchall() == [("A", 3)]
    assert connection.execute("SELECT object FROM beliefs AS OF TX 2").fetchall() == [("B",)]
    assert spans(connection) == [
        ("A", "proposed", 1, 3, None, None), ("A", "proposed", 3, None, None, None),
        ("B", "proposed", 2, None, None, None),
    ]  # fmt: skip
    assert connection.execute("ASSERT ('s', 'p', 'A')").rowcount == 0


def test_moves_in_one_commit_leave_one_interval(connection: epql.Connection) -> None:
    connection.execute("BEGIN")
    for text in (
        "ASSERT ('s', 'p', 1)", "TRANSITION ('s', 'p') TO review", "PROMOTE ('s', 'p')",
        "TRANSITION ('s', 'p', 1) TO deprecated", "RETRACT ('s', 'p', 1)",
    ):  # fmt: skip
        connection.execute(text)
    connection.execute("COMMIT")
    assert spans(connection) == [(1, "retracted", 1, None, None, None)]
    assert connection.execute("SELECT count(*) FROM transitions").fetchall() == [(4,)]
    rebuilt(connection)


def test_a_move_after_a_cut_concerns_the_head(
    connection: epql.Connection, clock: TestClock
) -> None:
    clock.set(hour(9))
    connection.execute("ASSERT ('s', 'p', 'A') LIFECYCLE APPROVED")
    connection.execute("SUPERSEDE ('s', 'p') WITH 'B' FROM ?", (hour(5),))
    connection.execute("RETRACT ('s', 'p', 'A')")
    assert spans(connection)[:4] == [
        ("A", "approved", 1, 2, None, None), ("A", "approved", 2, 3, None, hour(5)),
        ("A", "superseded", 2, None, hour(5), None), ("A", "retracted", 3, None, None, hour(5)),
    ]  # fmt: skip
    rebuilt(connection)


@pytest.mark.parametrize("since", [hour(1), "2023-12-01"])
def test_superseding_from_the_start_or_before_leaves_no_head(
    connection: epql.Connection, clock: TestClock, since: str
) -> None:
    clock.set(hour(9))
    connection.execute("ASSERT ('s', 'p', 'A') VALID FROM ?", (hour(1),))
    connection.execute("SUPERSEDE ('s', 'p') WITH 'B' FROM ?", (since,))
    assert spans(connection)[:2] == [
        ("A", "proposed", 1, 2, hour(1), None), ("A", "superseded", 2, None, hour(1), None),
    ]  # fmt: skip


@pytest.mark.parametrize("since", [hour(5), hour(6)])
def test_superseding_behind_the_end_is_refused(
    connection: epql.Connection, clock: TestClock, since: str
) -> None:
    clock.set(hour(4))
    connection.execute("ASSERT ('s', 'p', 'A') VALID FROM ? TO ?", (hour(1), hour(5)))
    with pytest.raises(epql.DataError) as caught:
        connection.execute("SUPERSEDE ('s', 'p') WITH 'B' FROM ?", (since,))
    assert caught.value.code == "supersede.after_end"


@pytest.mark.parametrize("state", ["rejected", "retracted"])
def test_what_is_terminal_is_not_asserted_again(connection: epql.Connection, state: str) -> None:
    connection.execute("ASSERT ('s', 'p', 'A')")
    connection.execute(f"TRANSITION ('s', 'p') TO {state}")
    with pytest.raises(epql.IntegrityError) as caught:
        connection.execute("ASSERT ('s', 'p', 'A')")
    assert caught.value.code == "assert.terminal" and "REVIVE" in (caught.value.hint or "")
