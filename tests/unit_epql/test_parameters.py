"""Parameters whose meaning depends on the session, and arguments that are refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

import epql


def test_a_naive_datetime_is_of_the_sessions_zone_in_a_condition_too() -> None:
    with epql.connect(":memory:") as connection:
        connection.execute("SET TIME ZONE '+02:00'")
        (row,) = connection.execute("SELECT ?", (datetime(2026, 1, 5, 12),))
        assert row == ("2026-01-05T10:00:00.000000Z",)


@pytest.mark.parametrize("timeout", ["x", -1, None, float("nan"), True])
def test_a_timeout_is_a_number_of_seconds(timeout: Any) -> None:
    with pytest.raises(epql.InterfaceError) as caught:
        epql.connect(":memory:", timeout=timeout)
    assert caught.value.code == "connect.timeout"


def test_a_bad_hidden_column_points_nowhere() -> None:
    with epql.connect(":memory:") as connection:
        with pytest.raises(epql.DataError) as caught:
            connection.execute("SELECT object FROM beliefs WHERE as_of = 'nope'")
        assert caught.value.code == "instant.unreadable"
        assert caught.value.position is None


@pytest.mark.parametrize(
    ("text", "params", "shown"),
    [
        ("SET LIFECYCLE ?", ("approved",), "APPROVED"),
        ("SET LIFECYCLE IN (?, ?)", ("approved", "review"), "IN (APPROVED, REVIEW)"),
        ("SET VALID AT ?", (datetime(2026, 1, 1, tzinfo=UTC),), "AT '2026-01-01T00:00:00.000000Z'"),
        ("SET VALID AT ?", (1,), "AT TX 1"),
        ("SET VALID DURING ?", ("2026-03",), "DURING '2026-03'"),
        ("BEGIN READ ONLY LIFECYCLE ?", ("approved",), "APPROVED"),
    ],
)
def test_a_standing_clause_keeps_the_value_of_its_parameter(
    text: str, params: tuple[Any, ...], shown: str
) -> None:
    con = epql.connect(":memory:", autocommit=True)
    con.execute("ASSERT ('s', 'p', 1) LIFECYCLE APPROVED VALID FROM '2025-01-01'")
    con.execute(text, params)
    assert con.execute("SELECT object FROM beliefs").fetchall() == [(1,)]
    assert shown in [value for _, value, _ in con.execute("SHOW ALL").fetchall()]
    con.close()
