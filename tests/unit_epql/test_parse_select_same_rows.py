# ruff: noqa: E501
"""A SELECT means in EPQL what it means in SQLite: rows as written equal rows after a round trip."""

from __future__ import annotations

from collections.abc import Iterator

import apsw
import pytest

from epql.parse import parse
from epql.sqlgen import to_sqlite

SETUP = """
CREATE TABLE t(a INTEGER, b TEXT, c REAL, d);
INSERT INTO t VALUES (1,'one',1.5,NULL),(2,'two',-2.5,x'00ff'),(3,NULL,0.0,'3'),
  (4,'Four',4e10,4),(NULL,'five',NULL,'{"k":[1,2,{"z":"w"}]}'),(2,'zwei',2.0,'b%');
CREATE TABLE u(a INTEGER, e TEXT);
INSERT INTO u VALUES (1,'x'),(2,'y'),(5,'v'),(NULL,'n');
CREATE TABLE "order"("select" INTEGER, "a b" TEXT, key, valid, source);
INSERT INTO "order" VALUES (1,'q',10,20,30);
"""

CORPUS = r"""
SELECT 1
SELECT 1, 'it''s', NULL, 1.5, .5, 1., 1e3, 1.5E-2, 0x1F, 0XfF, 1_000, x'00FF', X'', TRUE, false
SELECT 0x7fffffffffffffff, 0xffffffffffffffff, 9223372036854775807, -9223372036854775808
SELECT '', 'a''''b', '--', '/* */', ';'
SELECT DISTINCT a FROM t ORDER BY a
SELECT ALL a FROM t ORDER BY 1
SELECT * FROM t ORDER BY a, b
SELECT t.* FROM t ORDER BY a, b
SELECT main.t.a FROM main.t ORDER BY 1
SELECT t.a, t.b AS x, c y FROM t ORDER BY x, y
SELECT a "A b", b AS 'q r', c AS [x y], d AS `z` FROM t ORDER BY 1, 2
SELECT "select", [a b], `key`, valid, source, key FROM "order"
SELECT valid AS valid, key AS lifecycle, source AS history FROM [order] AS agent
SELECT rowid, a FROM t ORDER BY rowid
SELECT 1 + 2 * 3, (1 + 2) * 3, 7 / 2, -7 / 2, 7 % 3, -7 % 3, 7.0 / 2, 1 - 2 - 3, 100 / 10 / 5
SELECT 1 || 2, 'a' || NULL, 'a' || 'b' || 'c', 1 + 2 || 3, 2 * 3 || 4, -1 || 2
SELECT 1 << 2 + 1, 1 | 2 & 4, 6 & 3 | 8, 16 >> 2 << 1, ~5, ~ - 1, - - 1, -(-1), + 1, - + - 3
SELECT 1 < 2 = 1, 1 = 1 < 2, 3 > 2 > 1, 1 = 2 = 0, 1 <> 2, 1 != 2, 1 == 1, 2 >= 2, 2 <= 1
SELECT NOT 1, NOT 0 = 1, NOT NULL, NOT NOT 2, NOT 1 IS NULL, 1 = NOT 0, 1 = NOT 0 = 1, 2 <> NOT 3
SELECT (NOT 1) = 0, (NOT 1) IS 0, NOT (1 IS 0), (1 IS NOT 2) = 2, 1 IS NOT 2 = 2
SELECT 1 AND 0 OR 1, 1 OR 1 AND 0, (1 OR 1) AND 0, NULL AND 0, NULL OR 1, NOT 1 AND 0
SELECT NULL IS NULL, NULL IS NOT NULL, 1 IS 1, 1 IS NOT 1, 1 IS NULL, 'a' IS 'a', 1 IS TRUE
SELECT 2 IS TRUE, 2 IS NOT TRUE, 0 IS FALSE, NULL IS NOT FALSE, 2 = TRUE
SELECT NULL IS DISTINCT FROM 1, 1 IS NOT DISTINCT FROM 1, NULL IS NOT DISTINCT FROM NULL
SELECT a IS b, a IS NOT b, b IS 'one' FROM t ORDER BY rowid
SELECT a ISNULL, a NOTNULL, a NOT NULL, NOT a NOTNULL FROM t ORDER BY rowid
SELECT a BETWEEN 2 AND 3, a NOT BETWEEN 2 AND 3, NOT a BETWEEN 2 AND 3 FROM t ORDER BY rowid
SELECT 5 BETWEEN 1 AND 3 OR 1, 2 BETWEEN 1 AND 3 = 1, 1 BETWEEN 0 = 0 AND 2
SELECT 1 BETWEEN 2 BETWEEN 0 AND 3 AND 4, a + 1 BETWEEN a AND a * 2 FROM t ORDER BY rowid
SELECT a IN (1, 2), a NOT IN (1, 2), a IN (), a NOT IN (), NOT a IN (1) FROM t ORDER BY rowid
SELECT a IN (SELECT a FROM u), a NOT IN (SELECT a FROM u WHERE a > 1) FROM t ORDER BY rowid
SELECT a FROM t WHERE a IN (SELECT a FROM u WHERE a IS NOT NULL) ORDER BY 1
SELECT 1 IN (SELECT 1), 1 IN ((SELECT 1)), 1 IN (VALUES (1), (2)), 'a' IN ('a') = 1
SELECT a FROM t WHERE e_in IN json_each('[1]') IS NULL
SELECT 'k' IN (SELECT value FROM json_each('["k"]'))
SELECT (1, 2) = (1, 2), (1, 2) < (1, 3), (1, 2) IN (VALUES (1, 2)), (1, 'a') IS NOT (1, 'b')
SELECT (a, b) IN (SELECT a, 'one' FROM u) FROM t ORDER BY rowid
SELECT (SELECT max(a) FROM u), (SELECT a FROM t WHERE a > 99)
SELECT EXISTS (SELECT 1), NOT EXISTS (SELECT 1 WHERE 0), EXISTS (SELECT a FROM t WHERE a = 1) + 1
SELECT b LIKE 'o%', b NOT LIKE '%o', 'a%b' LIKE 'a\%b' ESCAPE '\', NOT b LIKE 'x' FROM t ORDER BY rowid
SELECT 'ab' LIKE 'AB', 'ab' GLOB 'A*', 'ab' GLOB 'a*', 'ab' NOT GLOB 'a?', 'a_c' LIKE 'a!_c' ESCAPE '!'
SELECT 'a' LIKE 'a' = 1, 'a' LIKE 'a' < 2, 1 = 'a' LIKE 'a', 'x' || 'y' LIKE 'x%'
SELECT b REGEXP '^o', b NOT REGEXP 'o' FROM t WHERE b IS NOT NULL ORDER BY rowid
SELECT CASE a WHEN 1 THEN 'x' WHEN 2 THEN 'y' ELSE 'z' END FROM t ORDER BY rowid
SELECT CASE WHEN a > 1 THEN 'big' WHEN a IS NULL THEN 'none' END FROM t ORDER BY rowid
SELECT CASE WHEN CASE 1 WHEN 1 THEN 0 END THEN 1 ELSE CASE WHEN 1 THEN 2 END END + 1
SELECT CAST('12abc' AS INTEGER), CAST(1.9 AS INT), CAST('1e2' AS NUMERIC), CAST(3 AS NUMERIC)
SELECT CAST(1 AS TEXT), CAST(1 AS REAL), CAST('abc' AS BLOB), CAST(x'61' AS TEXT), CAST('7' AS DECIMAL(10, 2))
SELECT CAST('7.5' AS VARCHAR(10)), CAST('3' AS UNSIGNED BIG INT), CAST('x' AS "my type"), typeof(CAST('2026' AS DATE))
SELECT typeof(CAST('1' AS DATETIME)), typeof(CAST('1' AS BOOLEAN)), typeof(CAST(1 AS CHAR(3))), typeof(CAST('1.0' AS FLOAT))
SELECT typeof(1), typeof(1.0), typeof('1'), typeof(x'31'), typeof(NULL), typeof(1 + 1.0), typeof(TRUE)
SELECT 'a' = 'A' COLLATE nocase, 'a' COLLATE nocase = 'A', 'a' || 'B' COLLATE nocase = 'Ab'
SELECT b FROM t ORDER BY b COLLATE NOCASE DESC
SELECT b FROM t WHERE b COLLATE nocase = 'FOUR'
SELECT DISTINCT b COLLATE nocase FROM t ORDER BY 1
SELECT '{"a":{"b":[1,2]}}' -> 'a' -> 'b' ->> 1, '{"a":1}' ->> 'a' + 1, '{"a":"x"}' -> '$.a'
SELECT '[1,2,3]' ->> 2, '{"a b":1}' ->> '$."a b"', '{"k":{"x":1}}' -> 'k', '[10]' -> 0 ->> '$'
SELECT d ->> '$.k[2].z', d -> 'k' FROM t WHERE d LIKE '{%'
SELECT json_extract('{"a":1}', '$.a'), json_array(1, 'a', NULL), json_object('k', 1)
SELECT key, value, type, fullkey FROM json_each('{"a":1,"b":[2]}')
SELECT j.value FROM json_each('[3,1,2]') AS j ORDER BY j.value DESC
SELECT t.a, j.value FROM t, json_each('[1,2]') j WHERE t.a = j.value ORDER BY 1
SELECT t.a, value FROM t JOIN json_tree('{"k":1}') ON atom = a
SELECT value FROM json_each('[1,2,3]') WHERE value > 1
SELECT * FROM generate(1, 3)
SELECT substr('hello', 2, 3), substring('hello', 2), instr('hello', 'l'), replace('aaa', 'a', 'b')
SELECT iif(1, 'y', 'n'), ifnull(NULL, 2), nullif(1, 1), coalesce(NULL, NULL, 3), if(0, 1, 2)
SELECT abs(-1), round(2.567, 2), round(2.5), max(1, 2, 3), min(1, 2), length('abc'), upper('a'), lower('B')
SELECT date('2026-01-01', '+1 day'), time('12:00'), datetime('2026-01-01'), strftime('%Y', '2026-02-03'), julianday('2000-01-01'), unixepoch('1970-01-02')
SELECT printf('%05d', 3), format('%s', 'x'), char(65, 66), unicode('A'), hex(x'ff'), quote('it''s'), trim('  a '), ltrim('xa', 'x')
SELECT log(100), log(2, 8), log10(100), ln(1), exp(0), pow(2, 3), power(2, 2), sqrt(4), mod(7, 3), pi(), ceil(1.2), floor(-1.2), trunc(1.9)
SELECT like('a%', 'abc'), glob('a*', 'abc'), zeroblob(2), length(randomblob(2)), total(a) FROM t
SELECT last_insert_rowid() IS NOT NULL, changes() >= 0, sqlite_version() > '3', left(1) IS NULL
SELECT count(*), count(a), count(DISTINCT a), sum(a), avg(a), total(a), min(a), max(a) FROM t
SELECT group_concat(a), group_concat(b, '-'), string_agg(b, '+') FROM (SELECT a, b FROM t ORDER BY a, b)
SELECT group_concat(DISTINCT a) FROM (SELECT a FROM t ORDER BY a)
SELECT group_concat(b, ',' ORDER BY b DESC), string_agg(b, '' ORDER BY a, b) FROM t
SELECT json_group_array(a ORDER BY a DESC), json_group_object(b, a ORDER BY b) FROM t WHERE b IS NOT NULL
SELECT count(*) FILTER (WHERE a > 1), sum(a) FILTER (WHERE b LIKE 't%') FROM t
SELECT a, count(*) AS n FROM t GROUP BY a HAVING count(*) > 1 ORDER BY a
SELECT a, b, count(*) FROM t GROUP BY a, b ORDER BY a, b
SELECT a % 2, sum(c) FROM t GROUP BY a % 2 HAVING sum(c) IS NOT NULL ORDER BY 1
SELECT max(a) + 1 FROM t HAVING max(a) > 1
SELECT row_number() OVER (ORDER BY a, b), a FROM t ORDER BY 1
SELECT a, sum(a) OVER (PARTITION BY a % 2 ORDER BY rowid) FROM t ORDER BY rowid
SELECT a, rank() OVER w, dense_rank() OVER w FROM t WINDOW w AS (ORDER BY a) ORDER BY rowid
SELECT sum(a) OVER (w ORDER BY rowid) FROM t WINDOW w AS (PARTITION BY a) ORDER BY rowid
SELECT sum(a) OVER (ORDER BY rowid ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM t ORDER BY rowid
SELECT sum(a) OVER (ORDER BY rowid ROWS UNBOUNDED PRECEDING), sum(a) OVER (ORDER BY rowid ROWS 1 PRECEDING) FROM t ORDER BY rowid
SELECT sum(a) OVER (ORDER BY a RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t WHERE a IS NOT NULL ORDER BY rowid
SELECT sum(a) OVER (ORDER BY a RANGE CURRENT ROW), sum(a) OVER (ORDER BY a ROWS CURRENT ROW) FROM t WHERE a IS NOT NULL ORDER BY rowid
SELECT count(*) OVER (ORDER BY a GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM t ORDER BY rowid
SELECT count(*) OVER (ORDER BY a ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE TIES) FROM t ORDER BY rowid
SELECT count(*) OVER (ORDER BY a ROWS BETWEEN 1 + 1 PRECEDING AND CURRENT ROW EXCLUDE GROUP), count(*) OVER (ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE NO OTHERS) FROM t ORDER BY rowid
SELECT count(*) OVER () FROM t
SELECT lag(a, 1, 0) OVER (ORDER BY rowid), first_value(a) OVER (ORDER BY rowid), ntile(2) OVER (ORDER BY rowid) FROM t ORDER BY rowid
SELECT sum(a) FILTER (WHERE a > 1) OVER (ORDER BY rowid) FROM t ORDER BY rowid
SELECT sum(a) OVER w1, count(*) OVER w2 FROM t WINDOW w1 AS (ORDER BY rowid), w2 AS () ORDER BY rowid
SELECT a FROM t ORDER BY a NULLS FIRST
SELECT a FROM t ORDER BY a NULLS LAST, b DESC NULLS FIRST
SELECT a FROM t ORDER BY a DESC NULLS FIRST, rowid
SELECT a FROM t ORDER BY a DESC NULLS LAST, rowid
SELECT a FROM t ORDER BY a ASC NULLS LAST, rowid DESC
SELECT a FROM t ORDER BY a ASC, b DESC
SELECT a FROM t ORDER BY -a, rowid
SELECT a FROM t ORDER BY rowid LIMIT 2
SELECT a FROM t ORDER BY rowid LIMIT 2 OFFSET 1
SELECT a FROM t ORDER BY rowid LIMIT 1, 2
SELECT a FROM t ORDER BY rowid LIMIT -1 OFFSET 3
SELECT a FROM t ORDER BY rowid LIMIT 1 + 1 OFFSET (SELECT 1)
SELECT * FROM t, u ORDER BY t.rowid, u.rowid
SELECT * FROM t JOIN u ON t.a = u.a ORDER BY t.rowid
SELECT * FROM t INNER JOIN u USING (a) ORDER BY t.rowid
SELECT * FROM t LEFT JOIN u ON t.a = u.a ORDER BY t.rowid
SELECT * FROM t LEFT OUTER JOIN u USING (a) ORDER BY t.rowid
SELECT t.a, u.a FROM t RIGHT JOIN u ON t.a = u.a ORDER BY u.rowid, t.rowid
SELECT t.a, u.a FROM t FULL JOIN u ON t.a = u.a ORDER BY t.rowid, u.rowid
SELECT t.a, u.a FROM t FULL OUTER JOIN u USING (a) ORDER BY t.rowid, u.rowid
SELECT a, e FROM t RIGHT OUTER JOIN u USING (a) ORDER BY e, b
SELECT * FROM t NATURAL JOIN u ORDER BY t.rowid
SELECT * FROM t NATURAL LEFT JOIN u ORDER BY t.rowid
SELECT a, e FROM t NATURAL FULL OUTER JOIN u ORDER BY t.rowid, u.rowid
SELECT count(*) FROM t CROSS JOIN u
SELECT count(*) FROM t NATURAL INNER JOIN u
SELECT x.a, y.a FROM t x, t AS y WHERE x.a < y.a ORDER BY 1, 2
SELECT count(*) FROM t a1 JOIN u b1 ON a1.a = b1.a, t c1 LEFT JOIN u d1 ON c1.a = d1.a
SELECT t.a, u.e FROM t, u ON t.a = u.a ORDER BY t.rowid
SELECT * FROM (t JOIN u USING (a)) ORDER BY b
SELECT t.a, u.a, v.e FROM t LEFT JOIN (u JOIN u AS v ON u.a = v.a) ON t.a = u.a ORDER BY t.rowid
SELECT * FROM (t), (u) WHERE t.a = u.a ORDER BY t.rowid
SELECT * FROM ((SELECT 1 AS x) AS p JOIN (SELECT 2 AS y) AS q)
SELECT * FROM (SELECT a, b FROM t WHERE a > 1) ORDER BY 1, 2
SELECT q.a FROM (SELECT a FROM t) AS q WHERE q.a = 1
SELECT * FROM (SELECT 1 UNION SELECT 2) z ORDER BY 1
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v ORDER BY column1
SELECT column2 FROM (VALUES (1, 'a'), (2, 'b'))
VALUES (1, 2), (3, 4)
VALUES (1) UNION VALUES (2) UNION ALL SELECT 1 ORDER BY 1
SELECT 1 UNION SELECT 1 UNION ALL SELECT 1
SELECT a FROM t UNION SELECT a FROM u ORDER BY 1
SELECT a FROM t EXCEPT SELECT a FROM u ORDER BY 1
SELECT a FROM t INTERSECT SELECT a FROM u ORDER BY a
SELECT a FROM t UNION ALL SELECT a FROM u EXCEPT SELECT 2 ORDER BY 1 DESC LIMIT 2 OFFSET 1
SELECT 1 UNION ALL SELECT 2 INTERSECT SELECT 2 UNION SELECT 3
SELECT a AS n FROM t WHERE a = 1 UNION SELECT 5 ORDER BY n LIMIT 1
WITH x AS (SELECT 1 AS a) SELECT a FROM x
WITH x(a, b) AS (VALUES (1, 2)), y AS (SELECT b FROM x) SELECT * FROM x, y
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i), count(*) FROM n
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i * 2 FROM n LIMIT 6) SELECT * FROM n
WITH RECURSIVE n(i) AS (SELECT 3 UNION SELECT i - 1 FROM n WHERE i > 0 ORDER BY 1 DESC) SELECT i FROM n
WITH RECURSIVE e(a, b) AS (VALUES (1, 2), (2, 3), (3, 1)), r(n) AS (SELECT 1 UNION SELECT b FROM e JOIN r ON a = n) SELECT * FROM r ORDER BY 1
WITH x AS MATERIALIZED (SELECT 1), y AS NOT MATERIALIZED (SELECT 2) SELECT * FROM x, y
WITH x AS (SELECT a FROM t) SELECT a FROM x UNION SELECT 9 ORDER BY 1
SELECT * FROM (WITH x AS (SELECT 7 AS s) SELECT s FROM x)
SELECT (WITH x(v) AS (SELECT 5) SELECT v FROM x) + 1
SELECT a FROM t WHERE a = (SELECT max(a) FROM u WHERE u.a < 5) ORDER BY 1
SELECT a, (SELECT e FROM u WHERE u.a = t.a) FROM t ORDER BY rowid
SELECT a FROM t AS o WHERE EXISTS (SELECT 1 FROM u WHERE u.a = o.a) ORDER BY 1
SELECT a FROM t WHERE NOT EXISTS (SELECT * FROM u WHERE u.a = t.a) ORDER BY rowid
SELECT a FROM t WHERE a > 1 AND (b = 'two' OR b = 'zwei') AND NOT c = 2 ORDER BY 1
SELECT a FROM t WHERE +a = 2 ORDER BY rowid
SELECT count(*), '3' = 3 FROM t WHERE d = '3'
SELECT d = 4, d = '4', +d = '4', a = '2', b = 2 FROM t ORDER BY rowid
SELECT a AS x, x + 1 FROM t
SELECT "a" FROM t ORDER BY "a", rowid
SELECT a -- comment ; 'quote
FROM t /* more; " */ ORDER BY rowid
SELECT 1 /* */ + /**/ 2 --
SELECT CURRENT_DATE = date('now'), length(CURRENT_TIME), length(CURRENT_TIMESTAMP)
SELECT count(*) FROM t NOT INDEXED
SELECT a.a FROM t a JOIN u b ON a.a = b.a WHERE b.e <> 'x'
SELECT sum(a * 2) / count(*), sum(a) * 1.0 / count(*) FROM t
SELECT 1 WHERE 1 = 0
SELECT 5 AS n WHERE n > 3
SELECT max(a), b FROM t
SELECT DISTINCT a, b FROM t WHERE a = 2 ORDER BY b DESC
SELECT é FROM (SELECT 1 AS é)
SELECT 'naïve', '日本', "ünï" FROM (SELECT 1 AS "ünï")
SELECT a FROM t GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1
SELECT 2 * (3 + 4) - (5), ((1)), (((1 + 1)))
SELECT -a, -(a), - a * 2, -a || b FROM t ORDER BY rowid
SELECT a = 1 IS TRUE, (a = 1) IS NULL, a = (1 IS TRUE) FROM t ORDER BY rowid
SELECT a & 1 = 1, (a & 1) = 1, a | 1 < 4, 3 - 1 & 1 FROM t ORDER BY rowid
SELECT NOT a IN (1) AND b LIKE '%o%' OR c > 1 FROM t ORDER BY rowid
SELECT x'53514C697465' = CAST('SQLite' AS BLOB), hex(x'abcdef')
SELECT 1e400, -1e400, 1e-400, 123456789012345678901234567890
"""


def statements() -> Iterator[str]:
    """One statement a line; a line that does not begin with a first word goes on."""
    held: list[str] = []
    for line in CORPUS.strip().split("\n"):
        if held and line.split()[0] in ("SELECT", "VALUES", "WITH"):
            yield "\n".join(held)
            held = []
        held.append(line)
    yield "\n".join(held)


@pytest.fixture(scope="module")
def database() -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    connection.execute(SETUP)
    connection.create_scalar_function("left", lambda value: None, 1)
    connection.create_scalar_function(
        "regexp", lambda pattern, value: value is not None and pattern.strip("^") in value
    )
    return connection


def rows(database: apsw.Connection, sql: str) -> list[tuple[object, ...]] | str:
    """The rows, or the error's kind: what SQLite refuses it must refuse after the trip too."""
    try:
        return [tuple(map(repr, row)) for row in database.execute(sql)]
    except apsw.SQLError:
        return "SQLError"


@pytest.mark.parametrize("sql", list(statements()))
def test_rows_are_the_same(database: apsw.Connection, sql: str) -> None:
    expected = rows(database, sql)
    written = to_sqlite(parse(sql).statement.select)
    assert rows(database, written) == expected, written


@pytest.mark.parametrize("sql", list(statements()))
def test_what_is_written_is_read_the_same(sql: str) -> None:
    written = to_sqlite(parse(sql).statement.select)
    assert to_sqlite(parse(written).statement.select) == written


def test_the_corpus_is_large_and_mostly_runs(database: apsw.Connection) -> None:
    corpus = list(statements())
    refused = [sql for sql in corpus if rows(database, sql) == "SQLError"]
    assert len(corpus) >= 150
    assert len(refused) <= 8, refused


@pytest.mark.parametrize(
    ("sql", "bindings"),
    [
        ("SELECT ?, ?, ?", (1, "a", None)),
        ("SELECT ?2, ?1", (1, 2)),
        ("SELECT ?2, ?, ?1", (1, 2, 3)),
        ("SELECT a FROM t WHERE a = ? AND b LIKE ? ORDER BY 1 LIMIT ?", (2, "%w%", 1)),
        ("SELECT (SELECT ? FROM (SELECT ?)), CASE ? WHEN ? THEN ? END", (1, 2, 3, 3, 5)),
    ],
)
def test_positional_parameters_count_from_the_left(
    database: apsw.Connection, sql: str, bindings: tuple[object, ...]
) -> None:
    parsed = parse(sql)
    named = {f"p{number}": value for number, value in enumerate(bindings)}
    written = to_sqlite(parsed.statement.select)
    assert parsed.positional == len(bindings)
    assert list(database.execute(written, named)) == list(database.execute(sql, bindings))


def test_named_parameters_keep_their_names(database: apsw.Connection) -> None:
    parsed = parse("SELECT :a, @b, $c, :a")
    assert list(parsed.named) == ["a", "b", "c"]
    written = to_sqlite(parsed.statement.select)
    values = {"n_a": 1, "n_b": 2, "n_c": 3}
    assert list(database.execute(written, values)) == [(1, 2, 3, 1)]
