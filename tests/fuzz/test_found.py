"""What the fuzzer found once, and what became of it."""

from __future__ import annotations

from epql.parse import parse
from epql.sqlgen import to_sqlite


def test_a_comment_inside_the_size_of_a_type_is_no_part_of_the_type() -> None:
    query = parse("SELECT CAST(x AS decimal (10 -- digits\n , /* and */ - 2))").statement
    assert to_sqlite(query.select) == "SELECT CAST(x AS decimal(10,-2))"
