"""Clauses: what each says, and which level it governs (R1 to R5)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlglot import exp

from epql import nodes
from epql.engine.errors import Error, Span
from epql.parse import parse
from epql.sqlgen import to_sqlite


def query(text: str) -> nodes.Query:
    statement = parse(text).statement
    assert isinstance(statement, nodes.Query)
    return statement


def clauses(text: str) -> nodes.Clauses:
    return query(f"SELECT * FROM beliefs {text}").clauses


def tables(text: str) -> dict[str, nodes.Clauses]:
    found: dict[str, nodes.Clauses] = {}
    for table in query(text).select.find_all(exp.Table):
        found[table.alias_or_name] = table.meta.get("clauses", nodes.NO_CLAUSES)
    return found


def shown(instant: nodes.Instant) -> Any:
    value = None if instant.value is None else instant.value.this
    shifts = [(sign, length.this) for sign, length in instant.shift]
    return (instant.base, value, *shifts)


def code_of(text: str) -> tuple[str, int]:
    with pytest.raises(Error) as caught:
        parse(text)
    assert caught.value.span is not None
    assert caught.value.text == text
    return caught.value.code, caught.value.span.start


# ---------------------------------------------------------------- instants


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'2026-01-12'", ("text", "2026-01-12")),
        ("?", ("text", 0)),
        (":t", ("text", "t")),
        ("TX 42", ("tx", "42")),
        ("tx ?", ("tx", 0)),
        ("EPOCH 'release-1.4'", ("epoch", "release-1.4")),
        ("EPOCH 'x' - '1h'", ("epoch", "x", (-1, "1h"))),
        ("QUERY 'q:5d20'", ("query", "q:5d20")),
        ("NOW", ("now", None)),
        ("NOW - '24h' + ?", ("now", None, (-1, "24h"), (1, 0))),
    ],
)
def test_instants_are_kept_as_written(text: str, expected: Any) -> None:
    found = clauses(f"AS OF {text}").as_of
    assert found is not None
    assert shown(found.instant) == expected
    assert found.before is False


def test_before_is_kept() -> None:
    found = clauses("AS OF BEFORE TX 3").as_of
    assert found is not None and found.before


@pytest.mark.parametrize(
    "text",
    [
        "AS OF '-1d'",
        "as/* c */of '-1d'",
        "AS -- c\n OF '-1d'",
        "FOR SYSTEM_TIME AS OF '-1d'",
        "AS OF SYSTEM TIME '-1d'",
        "AS OF TIMESTAMP '-1d'",
    ],
)
def test_spellings_of_as_of(text: str) -> None:
    found = clauses(text).as_of
    assert found is not None
    assert shown(found.instant) == ("text", "-1d")


@pytest.mark.parametrize(
    ("text", "form", "start", "end"),
    [
        ("VALID AT '2026'", "at", "2026", None),
        ("FOR VALID_TIME AS OF '2026'", "at", "2026", None),
        ("VALID FROM 'a' TO 'b'", "from_to", "a", "b"),
        ("FOR VALID_TIME FROM 'a' TO 'b'", "from_to", "a", "b"),
        ("VALID FROM 'a'", "from_to", "a", None),
        ("VALID TO 'b'", "from_to", None, "b"),
        ("VALID ANYTIME", "anytime", None, None),
        ("FOR VALID_TIME ALL", "anytime", None, None),
    ],
)
def test_forms_of_valid(text: str, form: str, start: str | None, end: str | None) -> None:
    found = clauses(text).valid
    assert found is not None and found.form == form
    assert (found.start and shown(found.start)[1]) == start
    assert (found.end and shown(found.end)[1]) == end


def test_valid_during_keeps_its_period() -> None:
    found = clauses("VALID DURING '2026-03'").valid
    assert found is not None and found.period is not None
    assert (found.form, found.period.name) == ("during", "2026-03")


@pytest.mark.parametrize(
    ("text", "states", "negated"),
    [
        ("LIFECYCLE approved", ["approved"], False),
        ("LIFECYCLE 'Approved'", ["approved"], False),
        ("LIFECYCLE LIVE", ["live"], False),
        ("LIFECYCLE any", ["any"], False),
        ("LIFECYCLE ?", [0], False),
        ("LIFECYCLE IN (approved, 'review', :s)", ["approved", "review", "s"], False),
        ("LIFECYCLE NOT IN (rejected)", ["rejected"], True),
    ],
)
def test_forms_of_lifecycle(text: str, states: list[Any], negated: bool) -> None:
    found = clauses(text).lifecycle
    assert found is not None
    assert ([state.this for state in found.states], found.negated) == (states, negated)


def test_resolve_history_diff_and_purpose() -> None:
    resolve = clauses("RESOLVE BY Latest").resolve
    assert resolve is not None and resolve.strategy == "latest"
    purpose = clauses("PURPOSE 'audit'").purpose
    assert purpose is not None and purpose.name == "audit"
    diff = clauses("WHERE 1 DIFF SINCE 'a' UNTIL 'b' KEY (subject, \"p q\")").diff
    assert diff is not None and diff.until is not None
    assert (shown(diff.since)[1], shown(diff.until)[1], diff.key) == ("a", "b", ("subject", "p q"))


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("HISTORY", None),
        ("FOR SYSTEM_TIME ALL", None),
        ("HISTORY FROM 'a' TO 'b'", ("a", "b")),
        ("FOR SYSTEM_TIME FROM 'a' TO 'b'", ("a", "b")),
    ],
)
def test_forms_of_history(text: str, window: tuple[str, str] | None) -> None:
    found = tables(f"SELECT * FROM beliefs {text}")["beliefs"].history
    assert found is not None
    if window is None:
        assert found.start is None and found.end is None
    else:
        assert found.start is not None and found.end is not None
        assert (shown(found.start)[1], shown(found.end)[1]) == window


# ---------------------------------------------------------------- placement


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM beliefs {}",
        "SELECT * FROM beliefs b {}",
        "SELECT * FROM beliefs {} AS b",
        "SELECT * FROM beliefs {} b",
        "SELECT * FROM beliefs {} ORDER BY 1 LIMIT 1",
        "SELECT * FROM beliefs ORDER BY 1 {}",
        "SELECT * FROM beliefs ORDER BY 1 {} LIMIT 1",
        "SELECT * FROM beliefs ORDER BY 1 LIMIT 1 OFFSET 2 {}",
        "SELECT * FROM beliefs LIMIT 1 {}",
        "SELECT * FROM beliefs WHERE 1 {}",
        "SELECT * FROM beliefs WHERE 1 {} GROUP BY 1",
        "SELECT * FROM beliefs GROUP BY 1 {}",
        "SELECT * FROM beliefs GROUP BY 1 HAVING 2 {}",
        "SELECT * FROM beliefs WINDOW w AS () {}",
        "SELECT * FROM beliefs JOIN agents ON 1 {}",
        "SELECT * FROM beliefs JOIN agents USING (agent) {}",
        "SELECT * FROM beliefs, agents {}",
        "SELECT * FROM (SELECT * FROM beliefs) {}",
        "SELECT * FROM (beliefs JOIN agents) {}",
        "SELECT * FROM beliefs('-24h') {}",
        "SELECT * FROM beliefs UNION SELECT * FROM assertions {}",
        "SELECT * FROM beliefs UNION SELECT * FROM assertions WHERE 1 {}",
        "SELECT * FROM beliefs UNION SELECT * FROM assertions ORDER BY 1 {}",
        "WITH x AS (SELECT * FROM beliefs) SELECT * FROM x {}",
        "SELECT 1 {}",
        "VALUES (1) {}",
        "EXPLAIN SELECT * FROM beliefs {}",
    ],
)
def test_clauses_at_the_end_are_the_statements(text: str) -> None:
    statement = parse(text.format("AS OF '-1d' LIFECYCLE approved")).statement
    found = statement.query if isinstance(statement, nodes.Explain) else statement
    assert isinstance(found, nodes.Query)
    assert found.clauses.as_of is not None and found.clauses.lifecycle is not None
    below = [node for node in found.select.walk() if node.meta.get("clauses")]
    assert below == []


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM beliefs {} WHERE 1",
        "SELECT * FROM beliefs {} AS b WHERE 1",
        "SELECT * FROM beliefs b {} GROUP BY 1",
        "SELECT * FROM beliefs {}, agents",
        "SELECT * FROM beliefs {} JOIN agents ON 1",
        "SELECT * FROM agents JOIN beliefs {} ON 1",
        "SELECT * FROM agents JOIN beliefs AS b {} USING (agent)",
        "SELECT * FROM (agents JOIN beliefs {})",
    ],
)
def test_clauses_after_a_table_are_the_tables(text: str) -> None:
    found = query(text.format("AS OF '-1d'"))
    assert not found.clauses
    pinned = [node for node in found.select.walk() if node.meta.get("clauses")]
    assert [node.name for node in pinned] == ["beliefs"]
    assert pinned[0].meta["clauses"].as_of is not None


@pytest.mark.parametrize(
    "text",
    [
        "SELECT (SELECT object FROM beliefs {})",
        "SELECT * FROM (SELECT object FROM beliefs {})",
        "SELECT * FROM (SELECT object FROM beliefs WHERE 1 {}) x",
        "WITH x AS (SELECT object FROM beliefs ORDER BY 1 {}) SELECT * FROM x",
        "SELECT 1 WHERE 1 IN (SELECT object FROM beliefs {})",
        "SELECT 1 WHERE EXISTS (SELECT object FROM beliefs {})",
        "SELECT * FROM (SELECT 1 UNION SELECT object FROM beliefs {})",
    ],
)
def test_clauses_at_the_end_of_an_inner_query_are_its_own(text: str) -> None:
    found = query(text.format("AS OF '-1d'"))
    assert not found.clauses
    (inner,) = [node for node in found.select.walk() if node.meta.get("clauses")]
    assert isinstance(inner, exp.Query)
    assert inner is not found.select


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM beliefs {}",
        "SELECT * FROM beliefs b {}",
        "SELECT * FROM beliefs {} AS b",
        "SELECT * FROM beliefs {} WHERE 1",
        "SELECT * FROM beliefs {}, agents",
        "SELECT * FROM beliefs {} UNION SELECT * FROM beliefs",
    ],
)
@pytest.mark.parametrize("clause", ["DIFF SINCE '-1d'", "HISTORY"])
def test_diff_and_history_directly_after_a_table_stay_with_it(text: str, clause: str) -> None:
    found = query(text.format(clause))
    assert not found.clauses
    own = next(found.select.find_all(exp.Table, bfs=False)).meta["clauses"]
    assert own.diff or own.history


def test_a_clause_beside_diff_is_hoisted() -> None:
    found = query("SELECT * FROM beliefs LIFECYCLE approved DIFF SINCE '-1d' AS OF TX 9")
    assert found.clauses.lifecycle and found.clauses.as_of and not found.clauses.diff
    table = found.select.find(exp.Table)
    assert table is not None
    assert table.meta["clauses"] == nodes.Clauses(diff=table.meta["clauses"].diff)


def test_diff_after_anything_else_is_the_statements() -> None:
    for end in ("WHERE 1", "JOIN agents ON 1", "GROUP BY 1", "ORDER BY 1"):
        assert clauses(f"{end} DIFF SINCE '-1d'").diff is not None
    assert query("SELECT * FROM (SELECT 1) DIFF SINCE '-1d'").clauses.diff is not None


def test_a_table_and_the_statement_may_say_the_same_clause() -> None:
    found = query("SELECT * FROM beliefs AS OF TX 1 WHERE 1 AS OF TX 2")
    assert found.clauses.as_of is not None
    assert shown(found.clauses.as_of.instant) == ("tx", "2")


@pytest.mark.parametrize(
    ("text", "code", "start"),
    [
        ("SELECT * FROM b AS OF TX 1 AS OF TX 2", "clause.duplicate", 27),
        ("SELECT * FROM b AS OF TX 1 AS x AS OF TX 2 WHERE 1", "clause.duplicate", 32),
        ("SELECT * FROM b WHERE 1 AS OF TX 1 ORDER BY 1 AS OF TX 2", "clause.duplicate", 46),
        ("SELECT * FROM b LIFECYCLE any LIMIT 1 LIFECYCLE any", "clause.duplicate", 38),
        ("BEGIN AS OF TX 1 AS OF TX 2", "clause.duplicate", 17),
        ("SELECT 1 FROM b AS OF TX 1 UNION SELECT 1", "clause.misplaced", 16),
        ("SELECT 1 FROM b WHERE 1 DIFF SINCE 'x' UNION SELECT 1", "clause.misplaced", 24),
        ("SELECT * FROM b WHERE 1 HISTORY", "clause.misplaced", 24),
        ("SELECT * FROM (SELECT 1) HISTORY", "clause.misplaced", 25),
        ("SELECT 1 HISTORY", "clause.misplaced", 9),
        ("SELECT * FROM a JOIN b ON 1 AS OF TX 1 JOIN c", "clause.misplaced", 28),
        ("SELECT * FROM a JOIN b ON 1 AS OF TX 1 WHERE 1", "clause.misplaced", 28),
        ("SELECT * FROM a PURPOSE 'x' WHERE 1", "clause.misplaced", 16),
        ("SELECT * FROM (SELECT 1) DIFF SINCE 'x', b", "clause.misplaced", 25),
        ("SELECT a AS OF TX 1 FROM b", "clause.misplaced", 9),
        ("SET DIFF SINCE 'x'", "clause.misplaced", 4),
        ("BEGIN READ ONLY HISTORY", "clause.misplaced", 16),
        ("SELECT * FROM b LIFECYCLE aproved", "lifecycle.unknown", 26),
        ("SELECT * FROM b LIFECYCLE IN (approved, lives)", "lifecycle.unknown", 40),
        ("SELECT * FROM b RESOLVE BY newest", "resolve.unknown", 27),
        ("SELECT * FROM b AS OF TX 1.5", "instant.transaction", 25),
    ],
)
def test_misuse_has_a_code_and_a_place(text: str, code: str, start: int) -> None:
    assert code_of(text) == (code, start)


# ---------------------------------------------------------------- words as names (R8)

WORDS = """
    lifecycle history valid source agent key reason diff purpose resolve epoch tx now since
    until at to type zone one many none off only set assert query before during anytime system
    time timestamp for partition rows range first last filter over left right full natural
    cross inner outer current row plan no others ties temp index table check default begin
    commit live any
"""


@pytest.mark.parametrize("word", WORDS.split())
def test_words_stay_usable_as_names(word: str) -> None:
    text = (
        f"SELECT {word}, x.{word}, {word} AS {word}, max({word}) FROM {word} AS {word} "
        f"WHERE {word} = 1 AND 2 > {word} GROUP BY {word} ORDER BY {word}, {word} DESC LIMIT 1"
    )
    names = {column.name for column in query(text).select.find_all(exp.Column)}
    assert names == {word}


@pytest.mark.parametrize("word", ["source", "agent", "key", "reason", "type", "since", "tx", "at"])
def test_most_words_are_aliases_without_as(word: str) -> None:
    text = f"SELECT object {word} FROM beliefs {word} WHERE {word}.object = 1"
    assert query(text).select.expressions[0].alias == word


@pytest.mark.parametrize("word", ["select", "from", "where", "and", "not", "null", "case", "in"])
def test_words_of_sql_are_names_only_in_quotes(word: str) -> None:
    assert code_of(f"SELECT 1 AS {word}")[0] == "parse.unexpected_token"
    assert query(f'SELECT "{word}" AS "{word}"').select.expressions[0].alias == word


# ---------------------------------------------------------------- spans


def test_spans_point_into_the_text() -> None:
    text = (
        "SELECT max(b.object) AS m, 'x', ? FROM beliefs AS b WHERE subject = 5 LIFECYCLE approved"
    )
    found = query(text)

    def at(node: Any) -> str:
        span = node.meta["span"]
        assert isinstance(span, Span)
        return text[span.start : span.end]

    assert at(found.select.find(exp.Column)) == "b.object"
    assert at(found.select.find(exp.Table)) == "beliefs"
    assert at(found.select.find(nodes.Bind)) == "?"
    assert {at(node) for node in found.select.find_all(exp.Literal)} == {"'x'", "5"}
    call = found.select.find(exp.Anonymous)
    assert call is not None
    assert text[slice(*call.meta["name_span"])] == "max"
    assert found.clauses.lifecycle is not None
    assert text[slice(*found.clauses.lifecycle.span)] == "LIFECYCLE approved"


def test_a_column_without_alias_keeps_its_text_as_name() -> None:
    found = query("SELECT count( * ), a+1, b FROM t").select
    assert [item.meta["text"] for item in found.expressions] == ["count( * )", "a+1", "b"]


def test_spans_count_characters() -> None:
    text = "SELECT 'é日', x FROM t"
    column = query(text).select.find(exp.Column)
    assert column is not None and column.meta["span"] == Span(13, 14)


def test_clauses_leave_no_trace_in_the_sql() -> None:
    assert to_sqlite(query("SELECT a FROM t AS OF TX 1 LIFECYCLE any").select) == "SELECT a FROM t"
