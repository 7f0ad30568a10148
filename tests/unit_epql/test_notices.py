"""What a read tells besides its rows: what its times became, what a default hid."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import epql
from tests.clock import TestClock

LATER = "2026-01-12T22:00:00Z"


@pytest.fixture
def con() -> Iterator[epql.Connection]:
    clock = TestClock("2026-01-12T09:00:00Z")
    connection = epql.connect(":memory:", autocommit=True, agent="a", clock=clock)
    for statement in (
        "ASSERT ('s', 'p', 'A')",
        "ASSERT ('s', 'p', 'B') LIFECYCLE APPROVED",
        "REJECT ('s', 'p', 'A')",
        "ASSERT ('s', 'q', 'A') VALID FROM '2019-01-01' TO '2020-01-01'",
        "ASSERT ('t', 'q', 'A')",
        "RETRACT ('t', 'q')",
        "ASSERT ('t', 'r', 'A') VALID TO '2020-01-01'",
        "RETRACT ('t', 'r', 'A')",
        "MARK EPOCH 'audit'",
    ):
        connection.execute(statement)
    clock.set(LATER)
    yield connection
    connection.close()


def told(con: epql.Connection, text: str, *params: object) -> list[str]:
    cursor = con.execute(text, params)
    cursor.fetchall()
    return cursor.notices


STATES = "hidden by LIFECYCLE LIVE, the default: LIFECYCLE ANY shows"
OF_T = "SELECT * FROM beliefs WHERE subject = 't'"
BOTH = "1 row is hidden by both: LIFECYCLE ANY VALID ANYTIME shows it"
TIMES = "hidden, not valid at that instant: VALID ANYTIME shows"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{OF_T} AND predicate = 'q'", [f"1 row is {STATES} it"]),
        ("SELECT * FROM beliefs WHERE predicate = 'p'", []),
        ("SELECT object FROM assertions WHERE predicate = 'p'", [f"1 row is {STATES} it"]),
        ("SELECT * FROM beliefs WHERE subject = 's'", [f"1 row is {TIMES} it"]),
        (
            "SELECT * FROM assertions WHERE subject = 't'",
            [
                f"1 row is {STATES} it",
                BOTH,
            ],
        ),
        ("SELECT * FROM beliefs", [f"1 row is {STATES} it", f"1 row is {TIMES} it", BOTH]),
        ("SELECT * FROM beliefs LIFECYCLE LIVE VALID ANYTIME", []),
        ("SELECT * FROM assertions LIFECYCLE ANY VALID ANYTIME", []),
        ("SELECT count(*) FROM assertions", []),
        ("SELECT DISTINCT agent FROM assertions", []),
        ("SELECT agent FROM assertions LIMIT 1", []),
        ("SELECT tx FROM commits", []),
    ],
)  # fmt: skip
def test_rows_that_a_default_hid(con: epql.Connection, text: str, expected: list[str]) -> None:
    assert told(con, text) == expected


@pytest.mark.parametrize(
    ("text", "params", "expected"),
    [
        ("AS OF '-12h'", (), "AS OF '-12h' is 2026-01-12T10:00:00Z, TX 9"),
        ("AS OF ?", (1,), "AS OF TX 1 is 2026-01-12T09:00:00Z, TX 1"),
        ("AS OF EPOCH 'audit'", (), "AS OF EPOCH 'audit' is 2026-01-12T09:00:00.000008Z, TX 9"),
        ("AS OF '2026-01-12 10:00'", (), "AS OF '2026-01-12 10:00' is 2026-01-12T10:00:00Z, TX 9"),
        ("AS OF '2026-01-12T10:00:00Z'", (), None),
        ("AS OF '2026-01-12 10:00+02:00' VALID ANYTIME", (), "TX 0"),
        ("DIFF SINCE '-12h'", (), "SINCE '-12h' is 2026-01-12T10:00:00Z, TX 9"),
        ("HISTORY", (), None),
        ("VALID AT 'yesterday'", (), "VALID AT 'yesterday' is 2026-01-11T00:00:00Z"),
    ],
)
def test_what_a_time_became(
    con: epql.Connection, text: str, params: tuple[object, ...], expected: str | None
) -> None:
    notices = [
        text for text in told(con, f"SELECT 1 FROM beliefs {text}", *params) if " is " in text
    ]
    notices = [text for text in notices if "hidden" not in text]
    if expected == "TX 0":
        expected = None
    assert notices == ([] if expected is None else [expected])


def test_times_are_told_in_one_notice_and_no_more_than_a_person_reads(con: epql.Connection) -> None:
    joined = " JOIN ".join(f"beliefs AS OF '-{n}h' AS t{n}" for n in range(1, 8))
    times = [text for text in told(con, f"SELECT 1 FROM {joined}") if text.startswith("AS OF")]
    assert len(times) == 1
    assert times[0].count(" is ") == 4 and times[0].endswith("; and 3 more")


def test_a_policy_is_named_as_what_hid_rows(con: epql.Connection) -> None:
    con.execute("SET LIFECYCLE APPROVED")
    assert told(con, "SELECT * FROM beliefs WHERE subject = 't' AND predicate = 'q'") == []


def test_live_as_a_parameter_chooses_no_states_either(con: epql.Connection) -> None:
    con.execute("ASSERT ('s', 'p', 'C')")
    asked = "SELECT object FROM beliefs WHERE subject = 's' AND predicate = 'p' LIFECYCLE "
    (written,) = told(con, asked + "LIVE")
    assert "'C'" in written and "LIFECYCLE APPROVED asks for it" in written
    assert told(con, asked + "?", "live") == [written]
    assert told(con, asked + "?", "proposed") == []


def test_notices_can_be_turned_off(con: epql.Connection) -> None:
    con.execute("SET NOTICES off")
    assert told(con, "SELECT * FROM assertions AS OF '-1h'") == []
    con.execute("SET NOTICES on")
    assert told(con, "SELECT * FROM assertions AS OF '-1h'") != []


def test_hidden_rows_of_a_large_database_are_counted_only_where_the_query_is_narrow() -> None:
    con = epql.connect(":memory:", autocommit=True)
    con.executemany("ASSERT (?, 'p', 1)", [(f"s{n}",) for n in range(2100)])
    con.execute("REJECT (SELECT id FROM assertions WHERE subject IN ('s1', 's2'))")
    assert told(con, "SELECT * FROM assertions WHERE subject = 's1'") == [f"1 row is {STATES} it"]
    assert told(con, "SELECT * FROM assertions WHERE predicate = 'p'") == []
    assert told(con, "SELECT * FROM assertions WHERE subject = object || ''") == []
    con.close()


@pytest.mark.parametrize(
    "text",
    [
        "SELECT subject FROM beliefs WHERE subject = predicate",
        "SELECT subject FROM beliefs WHERE lifecycle = 'review'",
        "SELECT subject FROM beliefs WHERE subject = 's7'",
    ],
)
def test_notices_of_a_large_database_cost_no_more_than_those_of_a_smaller_one(text: str) -> None:
    small, large = (_steps_of_notices(slots, text) for slots in (2500, 10_000))
    assert large < 1.2 * small + 1000


def _steps_of_notices(slots: int, text: str) -> int:
    con = epql.connect(":memory:", autocommit=True, audit="off")
    con.executemany("ASSERT (?, 'p', 1)", [(f"s{n}",) for n in range(slots)])
    cursor = con.execute(text)
    cursor.fetchall()
    steps = [0]

    def look() -> bool:
        steps[0] += 10
        return False

    for db in (con.runner.session.db, con.runner.session.sql):
        db.set_progress_handler(look, 10, id=look)
    assert cursor.notices is not None
    con.close()
    return steps[0]
