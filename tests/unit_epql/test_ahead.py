"""What may come next, and which mistakes are certain while a statement is being written."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epql.parse.ahead import Slot, ahead, mistaken
from tests.unit_epql.test_one_token_wrong import corpus

# ---------------------------------------------------------------- ahead


def at(text: str) -> tuple[str, int]:
    before, _, after = text.partition("|")
    return before + after, len(before)


@pytest.mark.parametrize(
    ("text", "slot"),
    [
        ("ASSERT ('auth/jwt', |", Slot("auth/jwt")),
        ("ASSERT ('it''s', 'odd', '|", Slot("it's", "odd")),
        ("ASSERT ('a', 'b', 'c'), ('d', 'e', |", Slot("d", "e")),
        ("ASSERT (?, 'b', |", Slot(None, "b")),
        ("SUPERSEDE ('a', 'b') WITH |", Slot("a", "b")),
        ("CORRECT ('a', 'b', 'c') TO '|", Slot("a", "b")),
        ("FORBID ('a', 'b', *) PREFER '|", Slot("a", "b")),
        ("SELECT 1 WHERE subject = 'a' AND object = '|' AND predicate = 'b'", Slot("a", "b")),
        ("SELECT 1 FROM beliefs x, beliefs y WHERE x.subject = 'a' AND y.object = '|", Slot()),
        ("SELECT 1 FROM beliefs x, beliefs y WHERE y.subject = 'a' AND y.object = '|", Slot("a")),
        ("SELECT 1 WHERE object IN ('a', '|", Slot()),
    ],
)  # fmt: skip
def test_what_is_known_of_the_slot(text: str, slot: Slot) -> None:
    assert ahead(*at(text)).slot == slot


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("SELECT | FROM beliefs", "beliefs"),
        ("SELECT | FROM beliefs AS OF '-1d' AS b, trust t", "b t"),
        ("SELECT | FROM beliefs LIFECYCLE approved b JOIN trust ON b.x = trust.y", "b trust"),
        ("SELECT | FROM beliefs RESOLVE BY latest WHERE x", "beliefs"),
        ("SELECT | FROM beliefs VALID FROM '2020' TO '2021' v", "v"),
        ("SELECT valid FROM beliefs WHERE |", "beliefs"),
        ("SELECT a IS DISTINCT FROM b, | FROM trust", "trust"),
        ("SELECT | FROM main.beliefs b", "b"),
        ("SELECT | FROM json_each('[]') j", "j"),
        ("SELECT | FROM (SELECT 1 FROM trust) q", "q"),
        ("SELECT (SELECT | FROM trust) FROM beliefs b", "trust b"),
        ("SELECT 1 FROM beliefs b WHERE EXISTS (SELECT | FROM trust)", "trust b"),
        ("SELECT 1 FROM trust UNION SELECT | FROM beliefs", "beliefs"),
        ("SELECT | FROM trust UNION SELECT 1 FROM beliefs", "trust"),
        ("WITH x AS (SELECT | FROM trust) SELECT 1 FROM beliefs", "trust"),
        ("DELETE FROM notes WHERE |", "notes"),
        ("UPDATE notes SET a = 1 WHERE |", "notes"),
        ("INSERT INTO notes (|", "notes"),
        ("SELECT 1; SELECT | FROM trust; SELECT 2 FROM beliefs", "trust"),
        ("SELECT | FROM beliefs WHERE x = 'a;b' -- ; FROM trust", "beliefs"),
        ("SELECT * FROM beliefs WHERE subject = '| AND object = 'x' GROUP BY y", "beliefs"),
        ("SELECT * FROM ((beliefs b JOIN trust t)) WHERE |", "b t"),
    ],
)
def test_the_tables_that_a_place_sees(text: str, tables: str) -> None:
    assert " ".join(table.alias for table in ahead(*at(text)).tables) == tables


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("SELECT | FROM (SELECT subject, b.object AS o, count(*) n, 1+x FROM b) q", "subject o n"),
        ("SELECT | FROM (SELECT DISTINCT a, -b, 1 AS c, 'text' d FROM t) q", "a c d"),
        ("WITH q(x, y) AS (SELECT 1, 2) SELECT | FROM q", "x y"),
        ("WITH RECURSIVE q AS NOT MATERIALIZED (SELECT a FROM t) SELECT | FROM q", "a"),
        ("WITH q AS (SELECT a FROM t UNION SELECT b FROM t) SELECT | FROM q", "a"),
        ("WITH p AS (SELECT a AS b FROM t), q AS (SELECT b AS c FROM p) SELECT | FROM q", "c"),
    ],
)  # fmt: skip
def test_a_query_says_its_own_columns(text: str, columns: str) -> None:
    (table,) = ahead(*at(text)).tables
    assert " ".join(table.columns) == columns


def test_all_columns_of_a_table_in_a_query() -> None:
    (table,) = ahead(*at("SELECT | FROM (SELECT b.*, t.score FROM beliefs b, trust t) q")).tables
    assert [star.alias for star in table.stars] == ["b"] and table.columns == ("score",)
    nested = "SELECT | FROM " + "(SELECT * FROM " * 100 + "beliefs" + ") x" * 100
    assert ahead(*at(nested)).tables


def test_history_and_diff_behind_a_table_are_its_own() -> None:
    forms = {
        "SELECT | FROM beliefs HISTORY": "history",
        "SELECT | FROM beliefs b DIFF SINCE '-1d'": "diff",
        "SELECT | FROM beliefs WHERE x = 1 DIFF SINCE '-1d'": "rows",
        "FORBID ('a', 'b', 'c') WHEN |": "row",
    }
    for text, form in forms.items():
        assert [table.form for table in ahead(*at(text)).tables] == [form]


# ---------------------------------------------------------------- mistaken


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("SELECT * FORM beliefs", "FORM"),
        ("SELECT FROM beliefs WHER", "FROM"),
        ("SELECT 1 + * 2 ", "*"),
        ("SELECT 1)", ")"),
        ("SELECT * FROM beliefs WHERE a = = 2", "="),
        ("SELEKT ", "SELEKT"),
        ("SELECT 1; SELEKT 2", "SELEKT"),
        ("\n SELECT 1;\n\n SELECT , 2 FROM x", ","),
        ("SELECT “a” FROM x", "“"),
        ("SELECT 12ab ", "12"),
        ("ASSERT ('a', 'b' 'c')", "'c'"),
        ("SELECT * FROM beliefs WHERE ;", " "),
        ("ASSERT ('日本' 'b'", "'b'"),
        ("SET AGENT ann ", "ann"),
    ],
)
def test_a_certain_mistake_has_its_place(text: str, wrong: str) -> None:
    error = mistaken(text)
    assert error is not None and error.span is not None
    assert text[error.span.start : error.span.end] == wrong
    assert error.message and error.text == text


@pytest.mark.parametrize(
    "text",
    [
        "", " ", ";", "-- only", "S", "SELECT", "SELECT ", "SELECT 'abc", 'SELECT "abc',
        "SELECT /* abc", "SELECT FROM", "SELECT * FRO", "BEGIN A", "BEGIN AS", "BEGIN AS ",
        "BEGIN AS O", "SELECT 12ab", "SELECT a !", "SELECT a |", "SELECT 1 -",
        "INSERT INTO t VALUES (1) ON CONFLICT ", "SELECT * FROM beliefs WHERE s = 'a' LIFECY",
        "ASSERT ('a', 'b', 'c') VALID FROM '1' T",
    ],
)  # fmt: skip
def test_what_may_go_on_is_no_mistake(text: str) -> None:
    assert mistaken(text) is None


def test_no_beginning_of_a_valid_statement_is_a_mistake() -> None:
    chance = random.Random(4)
    for text in corpus():
        for cut in chance.choices(range(len(text) + 1), k=3):
            assert mistaken(text[:cut]) is None, text[:cut]


@given(st.text(alphabet="SELECT '\"()=;,.-/*[]`¶日x1\n", max_size=40))
def test_no_text_is_too_odd(text: str) -> None:
    error = mistaken(text)
    if error is not None and error.span is not None:
        assert 0 <= error.span.start <= error.span.end <= len(text) + 1
