"""The connection of PEP 249: opening, transactions, errors; sessions of EPQL."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import epql
from tests.clock import TestClock

COUNT = "SELECT count(*) FROM beliefs"


@pytest.fixture
def connection(clock: TestClock) -> epql.Connection:
    return epql.connect(":memory:", agent="me", clock=clock)


def count(connection: epql.Connection, clause: str = "") -> int:
    return int(connection.execute(f"{COUNT} {clause}").fetchall()[0][0])


# ---------------------------------------------------------------- opening


def test_the_module_says_what_pep_249_asks() -> None:
    assert (epql.apilevel, epql.threadsafety, epql.paramstyle) == ("2.0", 2, "qmark")
    assert issubclass(epql.DataError, epql.DatabaseError) and issubclass(epql.Error, Exception)
    assert not issubclass(epql.InterfaceError, epql.DatabaseError)
    assert not issubclass(epql.Warning, epql.Error)


def test_errors_are_attributes_of_the_connection(connection: epql.Connection) -> None:
    for name in (
        "Warning", "Error", "InterfaceError", "DatabaseError", "DataError", "OperationalError",
        "IntegrityError", "InternalError", "ProgrammingError", "NotSupportedError",
    ):  # fmt: skip
        assert getattr(connection, name) is getattr(epql, name)


@pytest.mark.parametrize("path", ["", "a\x00b", "\ud800", None, 5])
def test_what_is_no_path_is_refused(path: Any) -> None:
    with pytest.raises(epql.ProgrammingError) as caught:
        epql.connect(path)
    assert caught.value.code == "database.path"


@pytest.mark.parametrize("kind", [str, Path, lambda path: str(path).encode()])
def test_a_path_is_text_or_bytes_or_a_path(tmp_path: Path, kind: Any) -> None:
    with epql.connect(kind(tmp_path / "kb")) as connection:
        assert count(connection) == 0


def test_a_relative_path_is_that_of_the_moment_of_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "then").mkdir()
    (tmp_path / "now").mkdir()
    monkeypatch.chdir(tmp_path / "then")
    with epql.connect("kb", autocommit=True) as connection:
        monkeypatch.chdir(tmp_path / "now")
        connection.execute("ASSERT ('a', 'b', 'c')")
        assert count(connection) == 1
    connection.close()
    assert [path.name for path in tmp_path.glob("*/kb")] == ["kb"]
    assert (tmp_path / "then" / "kb" / "audit").exists() and not list((tmp_path / "now").iterdir())


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"agent": ""}, "value.empty"), ({"agent": 5}, "value.type"),
        ({"durability": "most"}, "connect.durability"),
        ({"durability": None}, "connect.durability"),
        ({"audit": "x"}, "connect.audit"), ({"clock": 5}, "connect.clock"),
        ({"clock": lambda: 5}, "clock.naive"), ({"clock": datetime.now}, "clock.naive"),
    ],
)  # fmt: skip
def test_options_are_checked(options: dict[str, Any], code: str) -> None:
    with pytest.raises(epql.Error) as caught:
        count(epql.connect(":memory:", **options))
    assert caught.value.code == code


@pytest.mark.parametrize("timeout", [0, 0.5, 1e300, float("inf")])
def test_a_timeout_may_be_any_length(tmp_path: Path, timeout: float) -> None:
    with epql.connect(tmp_path / "kb", timeout=timeout) as connection:
        assert count(connection) == 0


# ---------------------------------------------------------------- transactions


def test_a_write_begins_a_transaction(connection: epql.Connection) -> None:
    assert not connection.in_transaction
    connection.execute(COUNT)
    assert not connection.in_transaction
    connection.execute("ASSERT ('a', 'p', 1)")
    assert connection.in_transaction and count(connection) == 1
    connection.rollback()
    assert not connection.in_transaction and count(connection) == 0


def test_commit_and_rollback_without_a_transaction_do_nothing(connection: epql.Connection) -> None:
    connection.commit()
    connection.rollback()
    connection.execute("COMMIT")
    assert connection.execute("SELECT count(*) FROM commits").fetchall() == [(0,)]


def test_a_failed_statement_leaves_what_came_before(connection: epql.Connection) -> None:
    connection.execute("ASSERT ('a', 'p', 1)")
    with pytest.raises(epql.DataError):
        connection.execute("ASSERT ('b', 'p', 1), ('c', 'p', ?)", (float("nan"),))
    connection.commit()
    assert connection.execute("SELECT subject FROM beliefs").fetchall() == [("a",)]


def test_close_rolls_back(tmp_path: Path) -> None:
    connection = epql.connect(tmp_path / "kb")
    connection.execute("ASSERT ('a', 'p', 1)")
    connection.close()
    connection.close()
    assert count(epql.connect(tmp_path / "kb")) == 0


def test_with_commits_and_leaves_it_open(connection: epql.Connection) -> None:
    with connection as same:
        assert same is connection
        connection.execute("ASSERT ('a', 'p', 1)")
    assert not connection.in_transaction and count(connection) == 1


def test_with_rolls_back_after_an_error(connection: epql.Connection) -> None:
    def fail() -> None:
        with connection:
            connection.execute("ASSERT ('a', 'p', 1)")
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert not connection.in_transaction and count(connection) == 0


def test_with_may_close_inside(connection: epql.Connection) -> None:
    with connection:
        connection.close()


@pytest.mark.parametrize(
    "use",
    [
        lambda connection: connection.commit(),
        lambda connection: connection.rollback(),
        lambda connection: connection.cursor(),
        lambda connection: connection.execute("SELECT 1"),
        lambda connection: connection.in_transaction,
    ],
)
def test_a_closed_connection_refuses(connection: epql.Connection, use: Any) -> None:
    connection.close()
    with pytest.raises(epql.InterfaceError) as caught:
        use(connection)
    assert caught.value.code == "connection.closed"


def test_autocommit_commits_each_statement(connection: epql.Connection) -> None:
    connection.autocommit = True
    connection.execute("ASSERT ('a', 'p', 1)")
    assert not connection.in_transaction
    connection.execute("BEGIN")
    connection.execute("ASSERT ('b', 'p', 1)")
    with pytest.raises(epql.ProgrammingError) as caught:
        connection.autocommit = False
    assert caught.value.code == "transaction.open"
    connection.execute("ROLLBACK")
    assert count(connection) == 1


def test_a_failed_statement_under_autocommit_leaves_no_transaction(
    connection: epql.Connection,
) -> None:
    connection.autocommit = True
    for text in ("ASSERT ('a', 'p', NULL)", "PROMOTE ('nope', 'p')", "COMMIT"):
        with pytest.raises(epql.DatabaseError):
            connection.execute(text)
        assert not connection.in_transaction
    connection.execute("ASSERT ('a', 'p', 1)")


def test_begin_inside_a_transaction_is_refused(connection: epql.Connection) -> None:
    connection.execute("ASSERT ('a', 'p', 1)")
    with pytest.raises(epql.ProgrammingError) as caught:
        connection.execute("BEGIN")
    assert caught.value.code == "transaction.open"


# ---------------------------------------------------------------- standing in the past


@pytest.fixture
def grown(connection: epql.Connection, clock: TestClock) -> epql.Connection:
    """TX 1 has one belief, TX 2 two; an hour between and after."""
    for subject in ("a", "b"):
        clock.move(hours=1)
        with connection:
            connection.execute("ASSERT (?, 'p', 1)", (subject,))
    clock.move(hours=1)
    return connection


@pytest.mark.parametrize(
    "text",
    [
        "ASSERT ('c', 'p', 1)", "RETRACT ('a', 'p')", "PROMOTE ('a', 'p')", "MARK EPOCH 'x'",
        "SUPERSEDE ('a', 'p') WITH 2", "DEFINE PREDICATE 'p'", "ASSERT ('c', 'p', 1) DRY RUN",
        "IMPORT HISTORY FROM '/dev/null'",
    ],
)  # fmt: skip
def test_the_past_is_not_written(grown: epql.Connection, text: str) -> None:
    for begin, end, code in (
        ("SET AS OF TX 1", "SET AS OF NOW", "transaction.in_the_past"),
        ("BEGIN AS OF TX 1", "ROLLBACK", "transaction.in_the_past"),
        ("BEGIN READ ONLY", "COMMIT", "transaction.read_only"),
    ):
        grown.execute(begin)
        with pytest.raises(epql.ProgrammingError) as caught:
            grown.execute(text)
        assert caught.value.code == code
        grown.execute(end)
    assert grown.execute("SELECT count(*) FROM commits").fetchall() == [(2,)]


def test_an_import_does_not_join_a_transaction(grown: epql.Connection) -> None:
    grown.execute("BEGIN")
    with pytest.raises(epql.InterfaceError) as caught:
        grown.import_history("/dev/null")
    assert caught.value.code == "transaction.open"


def test_a_standing_as_of_is_where_it_was_set(grown: epql.Connection, clock: TestClock) -> None:
    grown.execute("SET AS OF '-2h'")
    assert count(grown) == 1
    clock.move(hours=5)
    assert count(grown) == 1
    assert count(grown, "AS OF NOW") == 2
    grown.execute("SET AS OF NOW")
    assert count(grown) == 2


def test_read_only_pins_the_snapshot(tmp_path: Path) -> None:
    writer = epql.connect(tmp_path / "kb", autocommit=True)
    reader = epql.connect(tmp_path / "kb", autocommit=True)
    writer.execute("ASSERT ('a', 'p', 1)")
    reader.execute("BEGIN READ ONLY")
    writer.execute("ASSERT ('b', 'p', 1)")
    assert (count(reader), count(writer)) == (1, 2)
    reader.execute("COMMIT")
    assert count(reader) == 2


def test_rollback_brings_back_what_was_superseded(grown: epql.Connection, clock: TestClock) -> None:
    before = grown.execute("SELECT * FROM assertions LIFECYCLE ANY VALID ANYTIME").fetchall()
    grown.execute("SUPERSEDE ('a', 'p') WITH 2")
    grown.execute("SUPERSEDE ('a', 'p') WITH 3")
    clock.move(seconds=1)
    assert grown.execute("SELECT object FROM beliefs WHERE subject = 'a'").fetchall() == [(3,)]
    grown.rollback()
    after = grown.execute("SELECT * FROM assertions LIFECYCLE ANY VALID ANYTIME").fetchall()
    assert after == before


def test_session_clauses_hold_until_a_statement_says_others(grown: epql.Connection) -> None:
    grown.execute("SET LIFECYCLE APPROVED")
    assert count(grown) == 0
    assert count(grown, "LIFECYCLE ANY") == 2
    grown.execute("SET LIFECYCLE LIVE")
    assert count(grown) == 2


@pytest.mark.parametrize("text", ["SET TIME ZONE 'x'", "SET LIFECYCLE x", "SET AS OF '2999-01-01'"])
def test_a_setting_that_cannot_be_is_refused_at_once(grown: epql.Connection, text: str) -> None:
    with pytest.raises(epql.DataError) as caught:
        grown.execute(text)
    assert caught.value.span is not None and count(grown) == 2


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize("text", ["SELECT nope FROM beliefs", "ASSERT ('a', 'p', NULL)", "SELEC 1"])
def test_an_error_survives_pickling(connection: epql.Connection, text: str) -> None:
    with pytest.raises(epql.Error) as caught:
        connection.execute(text)
    for again in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value)):
        assert type(again) is type(caught.value) and str(again) == str(caught.value)
        assert again.code == caught.value.code and again.position == caught.value.position


def test_an_error_keeps_the_connection_usable(connection: epql.Connection) -> None:
    for text in ("", ";", "SELECT", "SELECT * FROM x", "\x00", "SELECT 1 1", None, 5, b"SELECT 1"):
        with pytest.raises(epql.ProgrammingError):
            connection.execute(text)  # type: ignore[arg-type]
    assert count(connection) == 0


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("SELECT 1;", (1,)), ("SELECT 1 -- comment", (1,)), ("SELECT 1 /* c */ ; -- x", (1,)),
        ("-- c\nSELECT 1", (1,)), ("SELECT '%d;%s', ';'", ("%d;%s", ";")),
        ("SELECT 'a\x00b'", ("a\x00b",)), ("SELECT " + "(" * 50 + "1" + ")" * 50, (1,)),
    ],
)  # fmt: skip
def test_odd_texts_are_one_statement(connection: epql.Connection, text: str, row: Any) -> None:
    assert connection.execute(text).fetchall() == [row]


def test_a_statement_of_a_megabyte_is_no_traceback(connection: epql.Connection) -> None:
    assert connection.execute("SELECT length('" + "x" * 900_000 + "')").fetchall() == [(900_000,)]
    for text in ("x" * 2_000_000, "(" * 500_000, "SELECT " + "(" * 5_000 + "1" + ")" * 5_000):
        with pytest.raises(epql.ProgrammingError) as caught:
            connection.execute(text)
        assert caught.value.code.startswith("parse.")


RELATIONS = [
    "beliefs", "assertions", "history", "commits", "journal", "transitions", "epochs",
    "predicates", "agents", "changes(0)", "assertion_changes(0)", "beliefs HISTORY",
    "beliefs DIFF SINCE TX 0", "assertions DIFF SINCE NOW",
]  # fmt: skip


@pytest.mark.parametrize("relation", RELATIONS)
def test_an_empty_database_has_no_rows(connection: epql.Connection, relation: str) -> None:
    assert connection.execute(f"SELECT * FROM {relation}").fetchall() == []


@pytest.mark.parametrize("instant", ["TX 0", "'1999-01-01'", "'-1h'", "NOW", "BEFORE TX 0"])
def test_an_empty_database_can_be_asked_as_of_any_past(
    connection: epql.Connection, instant: str
) -> None:
    assert count(connection, f"AS OF {instant}") == 0


def test_the_basis_says_what_an_answer_stands_on(grown: epql.Connection) -> None:
    cursor = grown.execute("SELECT * FROM beliefs AS OF TX 1 LIFECYCLE APPROVED")
    assert cursor.basis is not None
    assert (cursor.basis.tx, cursor.basis.lifecycle, cursor.basis.resolve) == (
        1, ("approved",), "latest",
    )  # fmt: skip
    at = datetime(2024, 1, 1, 1, tzinfo=UTC)
    assert cursor.basis.clock == at.timestamp() * 1e6
