"""Statements that would run or grow without end, or take long to read, by name.

Most are as long as `Limits.untrusted()` lets a statement be. `SETUP` makes what they ask about.
"""

from __future__ import annotations

import epql

LONGEST = 100_000


def fill(head: str, item: str, sep: str, tail: str = "", n: int = LONGEST) -> str:
    """As many items as there is room for."""
    k = (n - len(head) - len(tail)) // (len(item) + len(sep))
    return head + sep.join([item] * k) + tail


def setup(con: epql.Connection) -> None:
    """Three thousand assertions, and views that read views twice each."""
    con.executemany("ASSERT (?, ?, ?)", [(f"s{n % 500}", f"p{n % 7}", n) for n in range(3000)])
    con.execute("DEFINE QUERY v0 AS SELECT subject, predicate, object FROM beliefs")
    for i in range(1, 14):
        con.execute(
            f"DEFINE QUERY v{i} AS SELECT a.subject, a.predicate, b.object"
            f" FROM v{i - 1} a JOIN v{i - 1} b ON a.subject = b.subject LIMIT 5"
        )


HEAVY: dict[str, str] = {
    "in": fill("SELECT 1 IN (", "1", ",", ")"),
    "in_rel": fill("SELECT * FROM beliefs WHERE tx IN (", "1", ",", ")"),
    "in_text": fill("SELECT * FROM beliefs WHERE subject IN (", "'a'", ",", ")"),
    "or": fill("SELECT * FROM beliefs WHERE ", "tx=1", " OR "),
    "or900": "SELECT * FROM beliefs WHERE " + " OR ".join(["subject='a' AND predicate=:x"] * 900),
    "orcross": "SELECT * FROM beliefs a, beliefs b WHERE "
    + " OR ".join([f"a.subject=b.subject AND a.tx={n}" for n in range(300)]),
    "union": fill("", "SELECT 1", " UNION ALL "),
    "unionrel": fill("", "SELECT * FROM beliefs", " UNION ALL "),
    "unionrel2": fill("", "SELECT * FROM beliefs", " UNION "),
    "ctes": "WITH "
    + ",".join(f"c{n} AS (SELECT * FROM beliefs)" for n in range(3000))
    + " SELECT * FROM c1",
    "ctes_used": "WITH "
    + ",".join(f"c{n} AS (SELECT 1 x)" for n in range(3000))
    + " SELECT * FROM c1",
    "cte2": "WITH "
    + ",".join(
        "c%d AS (SELECT * FROM c%d a, c%d b)" % (i, i - 1, i - 1) if i else "c0 AS (SELECT 1 x)"
        for i in range(40)
    )
    + " SELECT count(*) FROM c39",
    "cte2b": "WITH c0 AS (SELECT subject FROM beliefs),"
    + ",".join(
        "c%d AS (SELECT a.subject FROM c%d a, c%d b)" % (i, i - 1, i - 1) for i in range(1, 40)
    )
    + " SELECT count(*) FROM c39",
    "joins": "SELECT * FROM " + ",".join(f"beliefs a{n}" for n in range(60)) + " LIMIT 1",
    "joins64": "SELECT * FROM "
    + " JOIN ".join(f"beliefs a{n} USING (subject)" if n else "beliefs a0" for n in range(64))
    + " LIMIT 1",
    "joinsnat": "SELECT * FROM "
    + " NATURAL JOIN ".join(f"beliefs a{n}" for n in range(30))
    + " LIMIT 1",
    "joinson": "SELECT * FROM beliefs a0 "
    + " ".join(f"JOIN beliefs a{n} ON a{n}.subject=a{n - 1}.object" for n in range(1, 60))
    + " LIMIT 1",
    "joinsleft": "SELECT * FROM beliefs a0 "
    + " ".join(
        f"LEFT JOIN beliefs a{n} ON a{n}.subject=a{n - 1}.object OR a{n}.predicate=a0.predicate"
        for n in range(1, 60)
    )
    + " LIMIT 1",
    "cols": fill("SELECT ", "subject", ",", " FROM beliefs"),
    "cols_expr": fill("SELECT ", "(SELECT count(*) FROM beliefs)", ",", ""),
    "ident": 'SELECT 1 AS "' + "a" * 99_000 + '"',
    "identunk": "SELECT " + "a" * 99_000 + " FROM beliefs",
    "manyunk": fill("SELECT ", "subjekt", ",", " FROM beliefs"),
    "tabunk": "SELECT * FROM " + "b" * 99_000,
    "fununk": "SELECT " + "b" * 99_000 + "(1)",
    "comment": "SELECT 1 /*" + "a" * 99_000 + "*/",
    "commentopen": "SELECT 1 /*" + "/*" * 49_000,
    "comments": fill("SELECT 1 ", "/**/", " "),
    "dashes": fill("SELECT 1 ", "--", "\n"),
    "plus": fill("SELECT ", "1", "+"),
    "plus900": "SELECT " + "+".join(["1"] * 900),
    "concat": fill("SELECT ", "'a'", "||"),
    "minus": "SELECT " + "- " * 49_000 + "1",
    "not": "SELECT " + "NOT " * 24_000 + "1",
    "paren": "SELECT " + "(" * 49_000 + "1" + ")" * 49_000,
    "paren190": "SELECT " + "(" * 190 + "1" + ")" * 190,
    "sub190": "SELECT * FROM " + "(SELECT * FROM " * 190 + "beliefs" + ")" * 190,
    "exists": "SELECT 1 WHERE " + "EXISTS (SELECT 1 FROM beliefs WHERE " * 95 + "1" + ")" * 95,
    "case": fill("SELECT CASE subject ", "WHEN 'a' THEN 1", " ", " END FROM beliefs"),
    "case_nested": "SELECT " + "CASE WHEN 1 THEN " * 190 + "1" + " END" * 190,
    "quote": "SELECT '" + "''" * 49_000 + "'",
    "quoteopen": "SELECT '" + "''" * 49_000,
    "quotes": "SELECT " + "'\"`[" * 24_000,
    "like": "SELECT '%s' LIKE '%sb'" % ("a" * 40000, "%a" * 24000),
    "glob": "SELECT '%s' GLOB '%sb'" % ("a" * 40000, "*a" * 200),
    "globrel": "SELECT * FROM beliefs WHERE subject GLOB '%sb'" % ("*s" * 20000),
    "likerel": "SELECT * FROM beliefs WHERE subject LIKE '%sb'" % ("%s" * 20000),
    "regexp": "SELECT '" + "a" * 40000 + "' REGEXP '(a+)+b'",
    "regexp2": "SELECT '" + "a" * 40000 + "' REGEXP '" + "(a?){100}" * 5 + "'",
    "regexpbig": "SELECT replace(hex(zeroblob(400000)),'0','a') REGEXP '((((a{1,30}){1,30})?b|a)*c|(a|b|ab)*d)'",
    "regexpmany": "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r) SELECT count('a' REGEXP ('((a{1,30}){1,30})' || x)) FROM r",
    "regexprel": "SELECT count(*) FROM beliefs a, beliefs b WHERE a.subject REGEXP ('(a|b)*' || b.subject)",
    "select_tail": fill("SELECT 1", "WHERE 1", " "),
    "values": fill("VALUES ", "(1)", ","),
    "valuesrel": fill("SELECT * FROM (VALUES ", "(1)", ",", ")"),
    "params": "SELECT " + ",".join("?" for _ in range(40_000)),
    "where_and": "SELECT * FROM beliefs WHERE " + " AND ".join(["subject>'a'"] * 800),
    "where_or_glob": "SELECT * FROM beliefs WHERE "
    + " OR ".join(f"subject GLOB 's{n}*'" for n in range(800)),
    "order": fill("SELECT * FROM beliefs ORDER BY ", "subject||'a'", ","),
    "order2000": "SELECT * FROM beliefs ORDER BY " + ",".join(f"subject||{n}" for n in range(1900)),
    "group2000": "SELECT count(*) FROM beliefs GROUP BY "
    + ",".join(f"subject||{n}" for n in range(1900)),
    "window": "SELECT "
    + ",".join(f"sum(tx) OVER (PARTITION BY subject||{n} ORDER BY tx)" for n in range(500))
    + " FROM beliefs",
    "windowdef": "SELECT sum(tx) OVER w499 FROM beliefs WINDOW "
    + ",".join(f"w{n} AS (w{n - 1})" if n else "w0 AS (PARTITION BY subject)" for n in range(500)),
    "views": "SELECT count(*) FROM v13",
    "views_many": "SELECT count(*) FROM " + ",".join("v6 a%d" % n for n in range(20)),
    "why": "WHY ('s1','p1')",
    "whymany": fill("WHY (SELECT id FROM assertions WHERE tx IN (", "1", ",", "))"),
    "bisect": "BISECT (SELECT count(*) FROM beliefs a, beliefs b, beliefs c) BETWEEN '-24h' AND NOW",
    "bisect2": "BISECT (SELECT object FROM beliefs) BETWEEN '-24h' AND NOW",
    "diff": "SELECT * FROM beliefs a, beliefs b, beliefs c DIFF SINCE '-24h'",
    "diff2": "SELECT count(*) FROM beliefs a, beliefs b DIFF SINCE '-24h'",
    "check": "CHECK (SELECT a.subject,b.predicate,c.object FROM beliefs a, beliefs b, beliefs c)",
    "impact": "IMPACT OF (SELECT id FROM assertions)",
    "historyof": "HISTORY OF (SELECT a.id FROM assertions a, assertions b)",
    "blame": "BLAME (SELECT a.id FROM assertions a, assertions b)",
    "trace": "TRACE QUERIES",
    "json": "SELECT json('" + "[" * 49000 + "]" * 49000 + "')",
    "jsonobj": "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r LIMIT 20000000) SELECT json_group_array(x) FROM r",
    "jsonset": "WITH RECURSIVE r(x,j) AS (SELECT 1,'[]' UNION ALL SELECT x+1,json_insert(j,'$[#]',x) FROM r) SELECT max(length(j)) FROM r",
    "jsoneach": "SELECT count(*) FROM json_each(replace(printf('[%.*c1]',300000,'x'),'x','1,')) a, json_each(replace(printf('[%.*c1]',300000,'x'),'x','1,')) b",
    "jsontree": "WITH RECURSIVE r(x,j) AS (SELECT 1,'[]' UNION ALL SELECT x+1,'['||j||']' FROM r WHERE x<900) SELECT count(*) FROM r, json_tree(j) a, json_tree(j) b, json_tree(j)",
    "series": "SELECT count(*) FROM generate_series(1,10000000000)",
    "seriesor": "SELECT sum(value) FROM generate_series(-9223372036854775808,9223372036854775807)",
    "rec_vtab": "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r) SELECT count(*) FROM r JOIN history_of(x'', 's1', 'p1')",
    "rec_why": "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r) SELECT count(*) FROM r JOIN why('s'||(x%500), 'p1')",
    "rec_blame": "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r) SELECT count(*) FROM r JOIN checked('s'||(x%500), 'p1', x)",
    "instr1M": "WITH a(s) AS (SELECT replace(hex(zeroblob(400000)),'0','a')) SELECT instr(s, substr(s,1,length(s)/2)||'b') FROM a",
    "instrloop": "WITH RECURSIVE a(s) AS (SELECT replace(hex(zeroblob(400000)),'0','a')), r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r) SELECT sum(instr(s, substr(s,1,length(s)/2)||'b')) FROM a, r",
    "rtrim1M": "WITH a(s) AS (SELECT replace(hex(zeroblob(400000)),'0','a')) SELECT length(rtrim(s, replace(hex(randomblob(200000)),'A','B')||'a')) FROM a",
    "replace1M": "WITH a(s) AS (SELECT replace(hex(zeroblob(400000)),'0','a')) SELECT length(replace(s, substr(s,1,length(s)/4)||'b','x')) FROM a",
    "like1M": "WITH a(s) AS (SELECT replace(hex(zeroblob(400000)),'0','a')) SELECT s LIKE '%a%a%a%a%a%a%a%ab' FROM a",
    "glob1M": "WITH a(s) AS (SELECT replace(hex(zeroblob(400000)),'0','a')) SELECT s GLOB '*a*a*a*a*a*ab' FROM a",
    "likevar": "WITH a(s) AS (SELECT replace(hex(zeroblob(400000)),'0','a')) SELECT s LIKE replace(hex(zeroblob(20000)),'0','%a')||'b' FROM a",
    "groupconcat": "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r) SELECT length(group_concat('aaaaaaaaaaaaaaaaaaaaaaaaa')) FROM r",
    "sortblob": "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r LIMIT 3000000) SELECT max(y) FROM (SELECT randomblob(100) y FROM r ORDER BY y)",
    "sortbig": "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r LIMIT 10000) SELECT y FROM (SELECT randomblob(900000) y FROM r ORDER BY y) LIMIT 1",
    "sortzero": "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r LIMIT 10000) SELECT length(y) FROM (SELECT hex(zeroblob(400000+x)) y FROM r ORDER BY y DESC) LIMIT 1",
    "rowsbig": "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r LIMIT 10000) SELECT hex(zeroblob(490000)) FROM r",
    "distinct": "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r LIMIT 3000000) SELECT count(DISTINCT hex(randomblob(50))) FROM r",
    "winframe": "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r LIMIT 100000) SELECT sum(s) FROM (SELECT sum(x) OVER (ORDER BY x ROWS BETWEEN 50000 PRECEDING AND CURRENT ROW) s FROM r)",
    "winnth": "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r LIMIT 100000) SELECT max(s) FROM (SELECT max(x) OVER (ORDER BY x ROWS BETWEEN 50000 PRECEDING AND 50000 FOLLOWING EXCLUDE TIES) s FROM r)",
    "strftime": "SELECT strftime('%" + "Y" * 5000 + "','now')",
    "strftime2": "SELECT strftime('" + "%Y%c" * 20000 + "','now')",
    "datemods": "SELECT datetime('now'" + ",'+1 day'" * 9000 + ")",
    "datemods2": "SELECT datetime('now'" + ",'+1 day'" * 100 + ")",
    "printf": "SELECT printf('%.*f', 900000, 1e300)",
    "printf2": "SELECT printf('" + "%900d" * 1000 + "',1)",
    "round": "SELECT round(1e300, 2147483647)",
    "nested_glob_opt": "SELECT " + ",".join(["subject GLOB '*a*'"] * 1900) + " FROM beliefs",
    "asof": fill("SELECT * FROM beliefs AS OF '", "2024-01-01", " ", "'"),
    "asofexpr": fill("SELECT * FROM beliefs AS OF (", "'2024-01-01'", "||", ")"),
    "uniasof": fill("", "SELECT 1 FROM beliefs AS OF NOW", " UNION ALL "),
    "set": "SET PURPOSE '" + "p" * 99_000 + "'",
    "settz": "SET TIME ZONE '" + "../" * 30_000 + "'",
    "setagent": "SET AGENT '" + "p" * 99_000 + "'",
    "explain": "EXPLAIN SELECT * FROM " + ",".join(f"beliefs a{n}" for n in range(60)),
    "explain_or": "EXPLAIN SELECT * FROM beliefs WHERE " + " OR ".join(["subject='a'"] * 900),
    "tempmany": "CREATE TEMP TABLE x (" + ",".join(f"c{n}" for n in range(15000)) + ")",
    "tempcheck": "CREATE TEMP TABLE x (a CHECK ("
    + " OR ".join(f"a={n}" for n in range(900))
    + "))",
    "describe": "DESCRIBE " + "x" * 90_000,
    "scratchsel": "CREATE TEMP TABLE y AS WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r) SELECT x, randomblob(1000) b FROM r",
    "likepattern": "SELECT replace(hex(zeroblob(400000)),'0','a') LIKE '%' || replace(hex(zeroblob(20000)),'0','a') || 'b'",
    "verify": "VERIFY",
    "explainviews": "EXPLAIN SELECT * FROM v13",
    "manyscratch": "CREATE TEMP TABLE big AS WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r) SELECT zeroblob(900000) b FROM r",
    "wide": "SELECT " + ",".join("zeroblob(900000)" for _ in range(1900)),
    "crossjson": "SELECT json_group_array(a.object || b.object) FROM beliefs a, beliefs b",
    "ordercross": "SELECT a.subject FROM beliefs a, beliefs b, beliefs c ORDER BY a.object + b.object + c.object",
}
