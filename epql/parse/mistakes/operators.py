"""Operators, and parts of a query, that other SQLs have."""

from __future__ import annotations

from epql.engine.errors import Error
from epql.engine.spelling import closest
from epql.parse.lexer import END, NAME
from epql.parse.mistakes.mistake import Mistake, Recogniser, quoted

WORDS: dict[str, tuple[str, str]] = {
    "ILIKE": ("there is no ILIKE", "LIKE does not heed capitals: subject LIKE 's%'"),
    "RLIKE": ("there is no RLIKE", "write subject REGEXP '^s'"),
    "SIMILAR": ("there is no SIMILAR TO", "write subject REGEXP '^s'"),
    "CONTAINS": ("there is no CONTAINS", "write subject LIKE '%part%'"),
    "STARTS": ("there is no STARTS WITH", "write subject LIKE 'start%'"),
    "ENDS": ("there is no ENDS WITH", "write subject LIKE '%end'"),
    "EQUALS": ("there is no EQUALS", "write subject = 'text'"),
    "MOD": ("there is no MOD between two values", "the remainder is written 7 % 2"),
    "DIV": ("there is no DIV", "whole numbers are divided with /: 7 / 2 is 3"),
    "XOR": ("there is no XOR", "write (a OR b) AND NOT (a AND b)"),
    "TOP": ("there is no TOP", "write LIMIT 10 at the end of the query"),
    "FETCH": ("there is no FETCH", "write LIMIT 5 at the end of the query"),
    "QUALIFY": ("there is no QUALIFY", "write SELECT … FROM (SELECT …) WHERE rank = 1"),
    "PIVOT": ("there is no PIVOT", "write count(*) FILTER (WHERE subject = 'a') for each column"),
    "UNPIVOT": ("there is no UNPIVOT", "write one SELECT for each column, with UNION ALL between"),
    "TABLESAMPLE": ("there is no TABLESAMPLE", "write ORDER BY random() LIMIT 10"),
    "LATERAL": ("there is no LATERAL", "write a scalar subquery, or json_each(x) in FROM"),
    "APPLY": ("there is no APPLY", "write a join: … JOIN assertions b ON b.subject = a.subject"),
    "MINUS": ("there is no MINUS", "write EXCEPT"),
    "INTO": ("there is no SELECT INTO", "write CREATE TEMP TABLE x AS SELECT …"),
    "SORT": ("there is no SORT BY", "write ORDER BY object"),
    "ASCENDING": ("there is no ASCENDING", "write ASC, or nothing"),
    "DESCENDING": ("there is no DESCENDING", "write DESC"),
    "UNLESS": ("there is no UNLESS", "write WHERE NOT …"),
    "ISNOT": ("there is no ISNOT", "write IS NOT NULL"),
}  # fmt: skip
"""A word: what is said of it, and the hint."""

PAIRS: dict[tuple[str, str], tuple[str, str]] = {
    ("&", "&"): ("there is no &&", "write AND"),
    ("*", "*"): ("there is no **", "a power is pow(x, y)"),
    ("/", "/"): ("there is no //", "a comment is -- to the end of the line, or /* … */"),
    ("=", ">"): ("there is no =>", "write >="),
    ("=", "<"): ("there is no =<", "write <="),
    (">", "<"): ("there is no ><", "write <>"),
    ("==", "="): ("there is no ===", "write ="),
    ("*", "/"): ("*/ ends a comment, and none is open", "a comment is /* … */"),
}
"""Two marks that directly follow each other, of which the second has no place."""


def foreign_word(m: Mistake) -> Error | None:
    """A word of another SQL, also where it was taken for an alias or a name before."""
    for offset in (0, -1, -2):
        token = m.at(offset)
        if token is None or m.up(offset) not in WORDS or m.wrong + offset == 0:
            continue
        if offset and (token.kind != NAME or m.up(offset - 1) in (".", "AS")):
            continue
        if m.up(offset) in ("MINUS", "INTO") and not _in_select(m):
            continue
        message, hint = WORDS[m.up(offset)]
        return m.error(message, hint, span=m.span(offset))
    return None


def foreign_pair(m: Mistake) -> Error | None:
    found = PAIRS.get((m.up(-1), m.up(0)))
    if found is None or not m.adjoins(0):
        return None
    return m.error(*found, span=m.span(-1, 0))


def percent_at_end(m: Mistake) -> Error | None:
    """`CONFIDENCE 90%`, `LIKE s%`."""
    if m.up(-1) != "%" or m.kind(0) not in (END, "RPAR") or not m.takes("STRING"):
        return None
    if m.kind(-2) == "NUMBER":
        return m.error(
            "% takes the remainder, it is no unit", "0.9 stands for 90 %", span=m.span(-1)
        )
    text = quoted(m.written(-2, -1))
    return m.error("a value is missing after %", f"a pattern is a string: {text}", span=m.span(-1))


def tilde(m: Mistake) -> Error | None:
    if m.up(0) != "~" or not m.takes("REGEXP"):
        return None
    return m.error("~ does not compare", "write subject REGEXP '^s'")


def offset_alone(m: Mistake) -> Error | None:
    if m.up(-1) != "OFFSET" or m.kind(0) not in ("NUMBER", "PARAMETER") or m.takes("NUMBER"):
        return None
    return m.error(
        "OFFSET stands without LIMIT", f"write LIMIT -1 OFFSET {m.written(0)}", span=m.span(-1)
    )


def limit_forms(m: Mistake) -> Error | None:
    if m.up(-1) == "LIMIT" and m.up(0) == "ALL":
        return m.error("there is no LIMIT ALL", "leave LIMIT out to have all rows")
    if m.up(-2) == "LIMIT" and m.kind(0) == "NUMBER" and m.kind(-1) == "NUMBER":
        return m.error(
            f"unexpected {m.shown()}",
            f"write LIMIT {m.written(-1)} OFFSET {m.written(0)}",
            expected="expected OFFSET",
        )
    return None


def distinct_on(m: Mistake) -> Error | None:
    if (m.up(-1), m.up(0)) == ("DISTINCT", "ON"):
        return m.error(
            "there is no DISTINCT ON", "a slot has one row in beliefs; else GROUP BY, with max(…)"
        )
    if (m.up(-1), m.up(0)) == ("UNION", "DISTINCT"):
        return m.error("UNION is distinct already", "write UNION, or UNION ALL")
    if m.up(-1) == "EXCEPT" and m.up(0) == "(":
        return m.error(
            "there is no * EXCEPT (columns)",
            "name the columns: SELECT subject, object",
            span=m.span(-1),
        )
    return None


def time_zone(m: Mistake) -> Error | None:
    if (m.up(-1), m.up(0), m.up(1)) != ("AT", "TIME", "ZONE"):
        return None
    return m.error(
        "there is no AT TIME ZONE",
        "the session's zone is set with SET TIME ZONE 'Europe/Berlin'",
        span=m.span(-1, 1),
    )


def table_hint(m: Mistake) -> Error | None:
    """`WITH (NOLOCK)`, `USE INDEX (x)`."""
    if m.kind(0) == "LPAR" and m.up(-1) == "WITH" and m.wrong > 1 and _in_select(m):
        return m.error(
            "there are no table hints", "leave it out: a read locks nothing", span=m.span(-1)
        )
    if m.up(-1) in ("USE", "FORCE") and m.up(0) == "INDEX":
        return m.error(
            "there are no table hints", "leave it out: the engine chooses", span=m.span(-1)
        )
    return None


def format_parameter(m: Mistake) -> Error | None:
    """`= %s`, `= %(name)s`: a driver's parameters; `IN []`."""
    if m.up(0) != "%":
        return None
    if m.up(1) == "S":
        return m.error(
            "a parameter is not written %s", "write ?, and give the values apart", span=m.span(0, 1)
        )
    if m.up(1) == "(":
        return m.error(
            "a parameter is not written %(name)s",
            f"write :{m.written(2)}, and give the values apart",
            span=m.span(0, 4),
        )
    return None


def placeholder(m: Mistake) -> Error | None:
    if m.up(0) != "<" or m.kind(1) != NAME or m.up(2) != ">" or not m.takes("STRING"):
        return None
    return m.error(
        "this is a place to fill in, not a value",
        f"write ? for a parameter, or 'text' for {m.written(0, 2)}",
        span=m.span(0, 2),
    )


def table_parameter(m: Mistake) -> Error | None:
    if (
        m.kind(0) != "PARAMETER"
        or m.up(-1) not in ("FROM", "JOIN", "INTO")
        or m.takes("STRING", "PARAMETER")
    ):
        return None
    if m.takes("PARAMETER"):
        return None
    return m.error(
        "a table cannot be a parameter", "write its name: FROM beliefs", expected="expected a name"
    )


def between_forms(m: Mistake) -> Error | None:
    """`BETWEEN a, b`, `BETWEEN a TO b`."""
    if m.up(-2) != "BETWEEN" or m.up(0) not in (",", "TO") or not m.takes("AND"):
        return None
    return m.error(
        f"unexpected {m.shown()}",
        f"write BETWEEN {m.written(-1)} AND {m.written(1)}",
        expected="expected AND",
    )


def comma_between_conditions(m: Mistake) -> Error | None:
    """`WHERE a = 1, b = 2` and `WHERE a = 1 b = 2`."""
    if not m.takes("AND", "OR") or m.takes("COMMA") or m.kind(0) not in ("COMMA", NAME, "SELECT"):
        return None
    first = 1 if m.kind(0) == "COMMA" else 0
    if m.kind(first) == NAME and m.up(first + 1) in ("=", "<>", "!=", "<", ">", "IN", "LIKE", "IS"):
        return m.error(
            "two conditions without AND or OR between them",
            f"write AND {m.written(first, first + 2)}",
            expected="expected AND or OR",
        )
    return None


def list_without_parenthesis(m: Mistake) -> Error | None:
    """`IN 'a', 'b'`, `IN SELECT …`, `EXISTS SELECT …`."""
    if m.up(0) == "," and m.up(-2) == "IN" and m.kind(-1) == "STRING":
        return m.error(
            "IN takes a list in parentheses", f"write IN ({m.written(-1)}, {m.written(1)})"
        )
    words = ("IN", "EXISTS", "AS", "BISECT", "EXPORT")
    if m.up(-1) in words and m.up(0) in ("SELECT", "WITH", "VALUES") and m.takes("LPAR"):
        return m.error(
            "this query stands in parentheses",
            f"write {m.up(-1)} ({m.up(0)} …)",
            expected="expected (",
        )
    return None


def over_without_parenthesis(m: Mistake) -> Error | None:
    for offset in (0, -1, -2):
        if m.up(offset - 1) == "OVER" and m.up(offset) in ("ORDER", "PARTITION"):
            return m.error(
                "a window stands in parentheses",
                f"write OVER ({m.up(offset)} BY {m.written(offset + 2)})",
                span=m.span(offset),
                expected="expected (",
            )
    return None


def extract(m: Mistake) -> Error | None:
    if m.up(0) != "FROM" or m.up(-3) != "EXTRACT" or m.up(-2) != "(":
        return None
    return m.error("there is no EXTRACT", "write strftime('%Y', recorded_at)", span=m.span(-3))


def cast_forms(m: Mistake) -> Error | None:
    if m.up(0) != "," or m.up(-3) != "CAST":
        return None
    return m.error(
        "CAST says AS", f"write CAST({m.written(-1)} AS {m.written(1)})", expected="expected AS"
    )


def join_word(m: Mistake) -> Error | None:
    if (
        m.up(-1) not in ("LEFT", "RIGHT", "FULL", "INNER", "CROSS", "OUTER", "NATURAL")
        or m.kind(0) != NAME
    ):
        return None
    if not m.takes("JOIN") or m.up(0) == "APPLY" or closest(m.token.value, ["JOIN"]):
        return None
    return m.error(
        f"unexpected {m.shown()}",
        f"write {m.up(-1)} JOIN {m.written(0)}",
        expected="expected JOIN",
    )


def _in_select(m: Mistake) -> bool:
    return any(token.value.upper() in ("SELECT", "WITH", "EXPLAIN") for token in m.before[:3])


RECOGNISERS: tuple[Recogniser, ...] = (
    foreign_pair,
    foreign_word,
    percent_at_end,
    tilde,
    distinct_on,
    limit_forms,
    offset_alone,
    time_zone,
    table_hint,
    format_parameter,
    placeholder,
    table_parameter,
    between_forms,
    comma_between_conditions,
    list_without_parenthesis,
    over_without_parenthesis,
    extract,
    cast_forms,
    join_word,
)
