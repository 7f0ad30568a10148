"""How deep and how long a statement may be: it runs as in SQLite, or is refused at once."""

from __future__ import annotations

import time

import pytest

from epql.engine.errors import Error
from epql.parse import parse
from tests.select.compare import Pair
from tests.select.tables import NAMES, connect

RUNS = {
    "parentheses": "SELECT " + "(" * 190 + "1" + ")" * 190,
    "prefixes": "SELECT " + "- " * 230 + "NOT " * 10 + "1",
    "not after operators": "SELECT " + "1 + NOT " * 100 + "1",
    "case": "SELECT " + "CASE WHEN 1 THEN " * 100 + "1" + " END" * 100,
    "else": "SELECT " + "CASE 1 WHEN 2 THEN 3 ELSE " * 190 + "1" + " END" * 190,
    "calls": "SELECT " + "abs(" * 100 + "1" + ")" * 100,
    "derived tables": "SELECT * FROM " + "(SELECT * FROM " * 60 + "t1" + ")" * 60,
    "sums": "SELECT 1" + " + 1" * 900,
    "ands": "SELECT 1" + " AND 1" * 900,
    "likes": "SELECT 1" + " LIKE 1" * 200,
    "tests": "SELECT 1" + " ISNULL" * 900,
    "compounds": "SELECT 1" + " UNION ALL SELECT 1" * 499,
    "joins": "SELECT count(*) FROM one" + "".join(f" JOIN one o{n} USING (n)" for n in range(63)),
    "items of IN": f"SELECT 5 IN ({', '.join(map(str, range(10_000)))})",
    "columns": f"SELECT {', '.join(map(str, range(2000)))}",
    "rows of VALUES": f"VALUES {', '.join(f'({n})' for n in range(1900))}",
    "common tables": "WITH "
    + ", ".join(f"c{n} AS (SELECT 1)" for n in range(300))
    + " SELECT * FROM c7",
    "whens": "SELECT CASE" + " WHEN 0 THEN 1" * 2000 + " END",
}
DEEP = {
    "parentheses": "SELECT " + "(" * 300 + "1" + ")" * 300,
    "prefixes": "SELECT " + "NOT " * 5000 + "1",
    "subqueries": "SELECT " + "(SELECT " * 300 + "1" + ")" * 300,
    "derived tables": "SELECT * FROM " + "(SELECT * FROM " * 300 + "t1" + ")" * 300,
    "likes": "SELECT 1" + " LIKE 1" * 5000,
}


@pytest.mark.parametrize("name", RUNS)
def test_up_to_the_limits_it_runs_as_in_sqlite(name: str) -> None:
    connection = connect()
    pair = Pair(connection, NAMES)
    connection.set_progress_handler(None)
    assert pair.difference(RUNS[name]) is None
    assert pair.is_accepted


@pytest.mark.parametrize("name", DEEP)
def test_beyond_them_it_is_refused_at_once(name: str) -> None:
    begun = time.process_time()
    with pytest.raises(Error) as caught:
        parse(DEEP[name])
    assert caught.value.code == "parse.too_deep"
    assert time.process_time() - begun < 5
