"""REGEXP on a connection: what is found, NULL, numbers, and patterns that are none."""

from __future__ import annotations

import pytest

import epql
from epql.engine.regexp import matches


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("^auth/", "auth/jwt", 1), ("jwt", "auth/jwt", 1), ("^jwt", "auth/jwt", 0),
        ("^80", 8080, 1), (None, "x", None), ("x", None, None), ("", "", 1), ("a", b"a", 0),
    ],
)  # fmt: skip
def test_a_pattern_is_found_anywhere(pattern: object, value: object, expected: object) -> None:
    assert matches(pattern, value) == expected


def test_a_query_may_ask_for_a_pattern() -> None:
    with epql.connect(":memory:", autocommit=True) as connection:
        connection.execute("ASSERT ('auth/jwt', 'algorithm', 'RS256'), ('db', 'port', 5432)")
        found = connection.execute(
            "SELECT subject FROM beliefs WHERE object REGEXP '^RS[0-9]+$' AND subject NOT REGEXP ?",
            ("^db",),
        )
        assert found.fetchall() == [("auth/jwt",)]
