"""What a statement reads twice it does not work out twice, and columns that are not read cost
nothing. That the rows are right is asked elsewhere (test_same_rows.py); here we count what ran.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import epql
from epql.engine import spelling
from epql.engine.explain import why_not
from epql.engine.index.diff import Differ
from epql.engine.vtab import again
from epql.engine.vtab.ledger import Journal
from tests.clock import TestClock

SLOTS = 8
Count = Callable[[Any, str], list[Any]]


@pytest.fixture
def connection(clock: TestClock) -> epql.Connection:
    made = epql.connect(":memory:", agent="ann", clock=clock, autocommit=True)
    made.execute("DEFINE PREDICATE 'tag' CARDINALITY MANY")
    for number in range(SLOTS):
        clock.move(hours=1)
        made.execute("ASSERT ('s', 'tag', ?)", (number,))
    return made


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Count:
    """Notes what a function of a class or module is called with from now on."""

    def count(owner: Any, name: str) -> list[Any]:
        calls: list[Any] = []
        original = getattr(owner, name)

        def called(*arguments: Any, **more: Any) -> Any:
            calls.append(arguments)
            return original(*arguments, **more)

        monkeypatch.setattr(owner, name, called)
        return calls

    return count


def rows(connection: epql.Connection, text: str) -> list[tuple[Any, ...]]:
    return connection.execute(text).fetchall()


# ---------------------------------------------------------------- the inner side of a join

JOIN = "SELECT c.tx, j.position FROM commits c LEFT JOIN journal j ON j.size > 10 * c.tx"


def _expected(connection: epql.Connection) -> list[tuple[Any, ...]]:
    outer = rows(connection, "SELECT tx FROM commits")
    inner = rows(connection, "SELECT size, position FROM journal")
    joined = []
    for (tx,) in outer:
        joined += [(tx, place) for size, place in inner if size > 10 * tx] or [(tx, None)]
    return sorted(joined, key=repr)


def test_it_is_read_twice_however_many_rows_the_outer_side_has(
    connection: epql.Connection, counted: Count
) -> None:
    expected = _expected(connection)
    assert len(expected) > SLOTS + 1
    reads = counted(Journal, "rows")
    assert sorted(rows(connection, JOIN), key=repr) == expected
    assert len(reads) == 2


def test_one_that_is_too_large_to_keep_is_read_each_time(
    connection: epql.Connection, counted: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = _expected(connection)
    monkeypatch.setattr(again, "KEPT_BYTES_MAX", 1000)
    reads = counted(Journal, "rows")
    assert sorted(rows(connection, JOIN), key=repr) == expected
    assert len(reads) == SLOTS + 1


def test_the_next_statement_reads_anew(connection: epql.Connection) -> None:
    before = rows(connection, JOIN)
    connection.execute("ASSERT ('t', 'p', ?)", ("x" * 500,))
    after = sorted(rows(connection, JOIN), key=repr)
    assert after == _expected(connection) != before
    assert len(after) > len(before)


def test_arguments_that_python_takes_for_the_same_are_not(connection: epql.Connection) -> None:
    assert again.asked("x", (1, "a")) == again.asked("x", (1, "a"))
    assert again.asked("x", (1,)) != again.asked("x", (1.0,))
    connection.execute("ASSERT ('s', 'tag', 1.0)")
    connection.execute("ASSERT ('s', 'tag', '1')")
    told = rows(
        connection,
        "SELECT v.column1, w.reason FROM (VALUES (1), (1.0), (1), (1.0), ('1'), ('1'), ('2')) v,"
        " why_not('s', 'tag', v.column1) w",
    )
    assert [reason for _, reason in told] == ["answer"] * 6 + ["never_asserted"]


def test_the_audit_sees_the_rows_that_are_handed_out_again(clock: TestClock) -> None:
    made = epql.connect(":memory:", agent="ann", clock=clock, autocommit=True, audit="lazy")
    made.execute("ASSERT ('s', 'p', 1), ('t', 'p', 2)")
    text = "SELECT t.value, b.object FROM json_each('[1,2,3,4]') t LEFT JOIN beliefs b ON +t.value"
    assert len(rows(made, text)) == 8
    query = "SELECT count(*) FROM reads r JOIN queries q ON q.id = r.query WHERE q.text = ?"
    assert made.execute(query, (text,)).fetchone() == (2,)


# ---------------------------------------------------------------- what is not read


def test_the_nearest_name_is_looked_for_only_where_it_is_told(
    connection: epql.Connection, counted: Count
) -> None:
    looked = counted(why_not, "nearest")
    assert rows(connection, "SELECT reason, agent FROM why_not('s', 'tog', 1)") == [
        ("never_asserted", None)
    ]
    assert looked == []
    ((sentence, name),) = rows(connection, "SELECT sentence, id FROM why_not('s', 'tog', 1)")
    assert sentence == "nobody asserted it; did you mean ('s', 'tag', 1)?"
    assert name.startswith("a:")
    assert len(looked) == 1


def test_words_of_other_lengths_are_not_compared_letter_by_letter(counted: Count) -> None:
    compared = counted(spelling, "distance")
    assert spelling.closest("abcdefgh", ["abcdefghijk", "zzzzzzzzzzzz", "abcdefgx"]) == [
        "abcdefgx",
        "abcdefghijk",
    ]
    assert compared == [("abcdefgh", "abcdefgx")]


@pytest.mark.parametrize("value", ["ab", b"12", "1 2", "0x1", ""])
def test_a_number_is_never_equal_to_such_a_text(
    connection: epql.Connection, counted: Count, value: Any
) -> None:
    reads = counted(Journal, "rows")
    assert connection.execute("SELECT * FROM journal WHERE tx = ?", (value,)).fetchall() == []
    assert reads == []


@pytest.mark.parametrize("value", [2, 2.0, "2", " 2 ", "2.0", "2e0", "+2"])
def test_but_to_one_that_is_read_as_it(connection: epql.Connection, value: Any) -> None:
    text = "SELECT DISTINCT tx FROM journal WHERE tx = ?"
    assert connection.execute(text, (value,)).fetchall() == [(2,)]


def test_a_commit_of_the_journal_is_read_from_its_place(
    connection: epql.Connection, counted: Count
) -> None:
    database = connection.runner.database
    every = rows(connection, "SELECT tx, position FROM journal")
    sql = "SELECT segment, offset FROM txn WHERE tx=?"
    (_, before) = database.db.execute(sql, (SLOTS - 1,)).fetchone()
    reads = counted(type(database.files), "read")
    found = rows(connection, f"SELECT tx, position FROM journal WHERE tx >= {SLOTS}")
    assert found == [row for row in every if row[0] >= SLOTS] != []
    places = [offset for _, name, offset, _ in reads if name.endswith(".log")]
    assert places != [] and all(offset == 0 or offset >= before for offset in places)


def test_it_is_found_where_the_index_says_a_wrong_place(connection: epql.Connection) -> None:
    db = connection.runner.database.db
    expected = rows(connection, "SELECT position FROM journal WHERE tx = 5")
    db.execute("UPDATE txn SET offset=offset+8 WHERE tx=4")
    assert rows(connection, "SELECT position FROM journal WHERE tx = 5") == expected != []


# ---------------------------------------------------------------- what led to a change

CAUSES = "SELECT after_object, cause, tx FROM beliefs DIFF SINCE TX 1"


def test_the_answers_of_a_slot_are_found_once_for_all_of_its_changes(
    connection: epql.Connection, counted: Count
) -> None:
    asked = counted(Differ, "answers")
    found = rows(connection, CAUSES)
    assert sorted(found) == [(number, "ASSERT", number + 2) for number in range(SLOTS)]
    assert len(asked) == SLOTS


def test_no_further_back_than_the_changes_go(connection: epql.Connection, counted: Count) -> None:
    connection.execute("RETRACT ('s', 'tag', 3)")
    asked = counted(Differ, "answers")
    text = "SELECT before_object, cause, tx FROM beliefs DIFF SINCE TX 9"
    assert rows(connection, text) == [(3, "RETRACT", SLOTS + 2)]
    assert len(asked) == 1
