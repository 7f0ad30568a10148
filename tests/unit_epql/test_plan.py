"""Queries as people write them: clauses in every place, odd shapes, exact rows."""

from __future__ import annotations

from typing import Any

import pytest

import epql
from tests.clock import TestClock

SAID = [
    ["ASSERT ('auth/jwt', 'alg', 'HS256') LIFECYCLE APPROVED SOURCE 'rfc'"],  # TX 1
    ["ASSERT ('auth/jwt', 'ttl', 60), ('db/pg', 'port', 5432)"],  # TX 2
    ["MARK EPOCH 'it''s \"v1\"'"],  # TX 3
    ["SUPERSEDE ('auth/jwt', 'alg') WITH 'RS256'", "PROMOTE ('auth/jwt', 'ttl')"],  # TX 4
    ["DEFINE PREDICATE 'tag' CARDINALITY MANY", "ASSERT ('db/pg', 'tag', 'x')"],  # TX 5
    ["ASSERT ('db/pg', 'tag', 'y') AGENT 'eve'", "RETRACT ('db/pg', 'port')"],  # TX 6
]
"""What each commit says; one an hour from 01:00."""


@pytest.fixture(scope="module")
def connection() -> epql.Connection:
    clock = TestClock()
    made = epql.connect(":memory:", agent="ann", clock=clock)
    for statements in SAID:
        clock.move(hours=1)
        for text in statements:
            made.execute(text)
        made.commit()
    clock.move(hours=1)
    return made


def rows(connection: epql.Connection, text: str, params: Any = ()) -> list[tuple[Any, ...]]:
    return connection.execute(text, params).fetchall()


NOW = [("alg", "RS256"), ("tag", "x"), ("tag", "y"), ("ttl", 60)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # one instant for all of a statement
        ("SELECT count(*) FROM beliefs", [(4,)]),
        ("SELECT count(*) FROM beliefs AS OF TX 2", [(3,)]),
        ("SELECT (SELECT count(*) FROM beliefs) AS n AS OF TX 1", [(1,)]),
        ("WITH a AS (SELECT * FROM beliefs) SELECT count(*) FROM a AS OF TX 1", [(1,)]),
        ("WITH a AS (SELECT * FROM beliefs AS OF TX 1) SELECT count(*) FROM a", [(1,)]),
        ("WITH a AS (SELECT * FROM beliefs AS OF TX 1), b AS (SELECT * FROM a) "
         "SELECT (SELECT count(*) FROM b), (SELECT count(*) FROM beliefs)", [(1, 4)]),
        ("WITH a AS (SELECT * FROM beliefs AS OF TX 1) "
         "SELECT (SELECT count(*) FROM a), count(*) FROM beliefs AS OF TX 2", [(1, 3)]),
        ("SELECT count(*) FROM (SELECT * FROM beliefs AS OF TX 1) AS OF TX 2", [(1,)]),
        ("SELECT predicate FROM beliefs EXCEPT SELECT predicate FROM beliefs AS b "
         "WHERE object = 'RS256' ORDER BY 1 AS OF TX 2", [("alg",), ("port",), ("ttl",)]),
        ("SELECT count(*) FROM beliefs UNION ALL SELECT count(*) FROM commits AS OF TX 2",
         [(3,), (2,)]),
        # two instants side by side
        ("SELECT o.object, n.object FROM beliefs AS OF TX 1 AS o "
         "JOIN beliefs AS n USING (subject, predicate)", [("HS256", "RS256")]),
        ("SELECT o.object, n.object FROM beliefs AS o AS OF TX 1 "
         "JOIN beliefs n AS OF TX 3 USING (subject, predicate)", [("HS256", "HS256")]),
        ("SELECT n.predicate FROM beliefs n LEFT JOIN beliefs AS OF TX 3 AS o "
         "ON o.subject = n.subject AND o.predicate = n.predicate "
         "WHERE o.id IS NULL ORDER BY n.object",
         [("tag",), ("tag",)]),
        ("SELECT o.predicate, n.object FROM beliefs AS OF TX 3 o FULL JOIN beliefs n "
         "ON o.subject = n.subject AND o.predicate = n.predicate ORDER BY 1, 2",
         [(None, "x"), (None, "y"), ("alg", "RS256"), ("port", None), ("ttl", 60)]),
        # correlated
        ("SELECT b.predicate, (SELECT count(*) FROM history(NULL, 'any', 'anytime') h "
         "WHERE h.subject = b.subject AND h.predicate = b.predicate) FROM beliefs b "
         "WHERE b.subject = 'auth/jwt' ORDER BY 1", [("alg", 4), ("ttl", 2)]),
        ("SELECT object FROM beliefs b WHERE EXISTS (SELECT 1 FROM changes(1) c "
         "WHERE c.subject = b.subject AND c.predicate = b.predicate) "
         "ORDER BY typeof(object), object",
         [(60,), ("RS256",), ("x",), ("y",)]),
        ("SELECT max(n) FROM (SELECT count(*) AS n FROM beliefs GROUP BY subject)", [(2,)]),
        # recursive
        ("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 6) "
         "SELECT i, (SELECT count(*) FROM beliefs WHERE as_of = i) FROM n",
         [(0, 0), (1, 1), (2, 3), (3, 3), (4, 3), (5, 4), (6, 4)]),
        # clauses
        ("SELECT predicate, object FROM beliefs ORDER BY predicate, object", NOW),
        ("SELECT count(*) FROM beliefs LIFECYCLE APPROVED", [(2,)]),
        ("SELECT count(*) FROM beliefs LIFECYCLE NOT IN (approved)", [(4,)]),
        ("SELECT count(*) FROM beliefs LIFECYCLE ANY", [(5,)]),
        ("SELECT count(*) FROM beliefs LIFECYCLE RETRACTED", [(1,)]),
        ("SELECT object FROM beliefs VALID AT '2024-01-01T02:00Z' WHERE predicate = 'alg'",
         [("HS256",)]),
        ("SELECT count(*) FROM assertions VALID ANYTIME", [(5,)]),
        ("SELECT support, disputed FROM beliefs WHERE predicate = 'tag'", [(1, 0), (1, 0)]),
        # odd shapes
        ("SELECT * FROM beliefs LIMIT 0", []),
        ("SELECT object FROM beliefs WHERE predicate = 'alg' LIMIT 1 OFFSET 0 AS OF TX 1",
         [("HS256",)]),
        ("SELECT count(*) FROM beliefs, beliefs b2, beliefs b3", [(64,)]),
        ("VALUES (1, 'a'), (2, 'b')", [(1, "a"), (2, "b")]),
        ("SELECT 1 WHERE 'x' IN (SELECT object FROM beliefs)", [(1,)]),
        ("SELECT predicate FROM beliefs WHERE (subject, predicate) IN (VALUES ('db/pg', 'tag'))",
         [("tag",), ("tag",)]),
        ("SELECT predicate FROM beliefs WHERE subject GLOB 'auth/*' ORDER BY 1",
         [("alg",), ("ttl",)]),
        ("SELECT predicate FROM beliefs WHERE subject LIKE 'AUTH/%' ORDER BY 1",
         [("alg",), ("ttl",)]),
        ("SELECT predicate FROM beliefs WHERE object = 60.0", [("ttl",)]),
        ("SELECT predicate FROM beliefs WHERE object = '60'", []),
        ("SELECT predicate FROM beliefs WHERE CAST(object AS TEXT) = '60'", [("ttl",)]),
        ("SELECT group_concat(object, ',') FILTER (WHERE predicate = 'tag') FROM beliefs",
         [("x,y",)]),
        ("SELECT predicate, row_number() OVER (ORDER BY predicate, object) FROM beliefs "
         "WHERE subject = 'db/pg'", [("tag", 1), ("tag", 2)]),
        ("SELECT json_extract(j.value, '$') FROM beliefs, json_each('[1,2]') j "
         "WHERE predicate = 'ttl'", [(1,), (2,)]),
        ("SELECT count(*) FROM beliefs AS OF EPOCH 'it''s \"v1\"'", [(3,)]),
        ("SELECT count(*) FROM beliefs AS OF EPOCH 'it''s \"v1\"' - '2h'", [(1,)]),
        ("SELECT count(*) FROM beliefs AS OF BEFORE TX 2", [(1,)]),
        ("SELECT count(*) FROM beliefs AS OF TX 0", [(0,)]),
        ("SELECT count(*) FROM beliefs AS OF '0001-01-01'", [(0,)]),
        ("SELECT count(*) FROM beliefs FOR SYSTEM_TIME AS OF '2024-01-01T02:30Z'", [(3,)]),
        ("SELECT count(*) FROM beliefs AS OF '2024-01-01 03:30+01:00'", [(3,)]),
        # changes
        ("SELECT change, predicate, before_object, after_object FROM beliefs DIFF SINCE TX 3 "
         "ORDER BY 2, 4", [("CHANGED", "alg", "HS256", "RS256"), ("REMOVED", "port", 5432, None),
                           ("ADDED", "tag", None, "x"), ("ADDED", "tag", None, "y"),
                           ("CHANGED", "ttl", 60, 60)]),
        ("SELECT change, count(*) FROM beliefs DIFF SINCE TX 3 GROUP BY change ORDER BY 1",
         [("ADDED", 2), ("CHANGED", 2), ("REMOVED", 1)]),
        ("SELECT count(*) FROM (SELECT * FROM beliefs DIFF SINCE TX 1 UNTIL TX 1)", [(0,)]),
        ("SELECT c.predicate FROM (SELECT * FROM beliefs DIFF SINCE TX 5) c",
         [("port",), ("tag",)]),
        ("SELECT subject, count(*) AS n FROM beliefs GROUP BY 1 DIFF SINCE TX 1",
         [("CHANGED", "auth/jwt", 1, 2), ("ADDED", "db/pg", None, 2)]),
        ("SELECT source, count(*) AS n FROM assertions GROUP BY source DIFF SINCE TX 1",
         [("ADDED", None, None, 3)]),
        ("SELECT predicate AS p, object AS o FROM beliefs GROUP BY 1, 2 DIFF SINCE TX 5 KEY (p)",
         [("REMOVED", "port", 5432, None), ("ADDED", "tag", None, "y")]),
    ],
)  # fmt: skip
def test_a_query_gives_these_rows(
    connection: epql.Connection, text: str, expected: list[tuple[Any, ...]]
) -> None:
    assert rows(connection, text) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT * FROM beliefs AS OF TX 99", "instant.unknown_tx"),
        ("SELECT * FROM beliefs AS OF TX 99999999999999999999", "instant.unreadable"),
        ("SELECT * FROM beliefs AS OF '2999-01-01'", "instant.future"),
        ("SELECT * FROM beliefs AS OF '0000-01-01'", "instant.out_of_range"),
        ("SELECT * FROM beliefs AS OF '-99999y'", "instant.out_of_range"),
        ("SELECT * FROM beliefs AS OF EPOCH 'zz'", "epoch.unknown"),
        ("SELECT * FROM beliefs AS OF 'a:0000'", "id.unknown"),
        ("SELECT * FROM beliefs AS OF TX 1 AS OF TX 2", "clause.duplicate"),
        ("SELECT * FROM commits LIFECYCLE ANY", "clause.meaningless"),
        ("SELECT * FROM json_each('[1]') AS OF TX 1", "clause.meaningless"),
        ("SELECT 1 AS OF TX 1", "clause.meaningless"),
        ("WITH beliefs AS (SELECT 1) SELECT * FROM beliefs AS OF TX 1", "clause.meaningless"),
        ("SELECT * FROM commits DIFF SINCE TX 1", "clause.meaningless"),
        ("SELECT * FROM beliefs DIFF SINCE TX 2 UNTIL TX 1", "diff.reversed"),
        ("SELECT * FROM assertions HISTORY FROM TX 2 TO TX 1", "history.reversed"),
        ("SELECT * FROM beliefs AS OF TX 2 DIFF SINCE TX 1 UNTIL TX 3", None),
        ("SELECT subject AS s FROM beliefs GROUP BY 1 DIFF SINCE TX 1 KEY (nope)", "diff.key"),
        ("SELECT * FROM beliefs HISTORY DIFF SINCE TX 1", "clause.both"),
        ("SELECT * FROM beleifs", "name.unknown_relation"),
        ("SELECT sbject FROM beliefs", "name.unknown_column"),
        ("SELECT x.subject FROM beliefs b", "name.unknown_column"),
        ("SELECT 1 FROM beliefs WHERE subject REGEXP '('", "value.pattern"),
        ("SELECT load_extension('x')", "name.unknown_function"),
        ("SELECT nofunction(1)", "name.unknown_function"),
        ("SELECT subject FROM beliefs a JOIN beliefs b", "name.ambiguous_column"),
        ("SELECT * FROM other.beliefs", "name.unknown_database"),
        ("SELECT * FROM beliefs ORDER BY 99", "sql.refused"),
        ("SELECT abs(-9223372036854775808)", "sql.refused"),
        ("SELECT json('x')", "sql.refused"),
        ("SELECT zeroblob(2000000000)", "limit.length"),
        ("SELECT 1; SELECT 2", "statement.several"),
        ("", "statement.empty"), ("-- nothing", "statement.empty"), (";", "statement.empty"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_answered_says_why(
    connection: epql.Connection, text: str, code: str | None
) -> None:
    with pytest.raises(epql.DatabaseError) as caught:
        rows(connection, text)
    assert code is None or caught.value.code == code
    str(caught.value)


def test_mixed_times_are_told(connection: epql.Connection) -> None:
    cursor = connection.execute("SELECT 1 FROM beliefs AS OF TX 1 a JOIN beliefs b")
    assert cursor.notices == [
        "mixed times: a AS OF 2024-01-01T01:00:00.000000Z (TX 1), b at now",
        "AS OF TX 1 is 2024-01-01T01:00:00Z, TX 1",
    ]


# ---------------------------------------------------------------- comparisons of mixed types


def test_numbers_in_text_are_compared_as_a_plain_table_compares_them(clock: TestClock) -> None:
    connection = epql.connect(":memory:", agent="1", clock=clock, autocommit=True)
    connection.execute("ASSERT ('1', 'p', '1'), ('2', 'p', 1), ('3', 'p', 1.0)")
    for text, expected in (
        ("SELECT b.object FROM commits c JOIN beliefs b ON b.object = c.tx", ["1", 1, 1.0]),
        ("SELECT b.object FROM commits c JOIN beliefs b ON b.subject = c.tx", ["1"]),
        ("SELECT b.object FROM commits c JOIN beliefs b ON b.agent = c.tx", ["1", 1, 1.0]),
        ("SELECT object FROM beliefs WHERE object IN (SELECT tx FROM commits)", ["1", 1, 1.0]),
        ("SELECT object FROM beliefs WHERE object IN (1)", [1, 1.0]),
        ("SELECT object FROM beliefs WHERE object = 1", [1, 1.0]),
        ("SELECT object FROM beliefs WHERE object = '1'", ["1"]),
        ("SELECT object FROM beliefs WHERE subject = 1", ["1"]),
        ("SELECT object FROM beliefs WHERE tx = '1'", ["1", 1, 1.0]),
        ("SELECT object FROM beliefs WHERE tx = 1.0", ["1", 1, 1.0]),
        ("SELECT object FROM beliefs WHERE confidence = '1'", ["1", 1, 1.0]),
    ):
        found = [row[0] for row in connection.execute(text)]
        assert sorted(map(repr, found)) == sorted(map(repr, expected)), text
