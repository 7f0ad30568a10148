# ruff: noqa: PT017
"""What is said of a text that is no EPQL: code, place, what was expected, what to do."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epql.engine.errors import Error, ProgrammingError, Span
from epql.parse import is_complete, parse, split
from epql.sqlgen import to_sqlite

# text (the wrong part between « and »), code, a part of what was expected, a part of the hint
CASES: list[tuple[str, str, str, str]] = [
    ("SELECT * FROM b AS «AT» '2024-01-01'", "parse.unexpected_token", "OF", "AS OF '2024-01-01'"),
    ("SELECT * FROM b AS OF «2026-01-12»", "instant.unquoted", "an instant", "'2026-01-12'"),
    ("SELECT * FROM b AS OF «2026-01-12T09:00:00Z»", "instant.unquoted", "instant", "09:00:00Z'"),
    ("SELECT * FROM b AS OF «-24h»", "instant.unquoted", "an instant", "'-24h'"),
    ("SELECT * FROM b AS OF «yesterday 21:00»", "instant.unquoted", "", "'yesterday 21:00'"),
    ('SELECT * FROM b AS OF «"2026-01-12"»', "instant.unquoted", "", "'2026-01-12'"),
    ("SELECT * FROM b DIFF SINCE «2026-01-12»", "instant.unquoted", "", "'2026-01-12'"),
    ("SELECT * FROM b AS OF «1700000000»", "instant.bare_integer", "", "TX 1700000000"),
    ("SELECT * FROM b VALID AT «5»", "instant.bare_integer", "", "TX 5"),
    ("SELECT * FROM b AS OF «last» week", "parse.unexpected_token", "an instant", "'-24h'"),
    ("SELECT * FROM b AS OF TX «x»", "parse.unexpected_token", "a number", "TX 42"),
    ("SELECT * FROM b «VERSION» AS OF 12", "clause.foreign", "", "AS OF TX 12"),
    ("SELECT * FROM b «AT» (OFFSET => -60)", "clause.foreign", "", "AS OF '-60s'"),
    ("SELECT * FROM b «BEFORE» (STATEMENT => 'x')", "clause.foreign", "", "AS OF BEFORE"),
    ("SELECT * FROM b «BEFORE» TX 12", "clause.foreign", "", "AS OF BEFORE TX"),
    ("SELECT * FROM b«@v12»", "clause.foreign", "", "b AS OF TX 12"),
    ("SELECT * FROM b FOR «VERSION» AS OF 1", "clause.foreign", "", "AS OF TX"),
    ("SELECT * FROM b FOR «TIMESTAMP» AS OF 'x'", "clause.foreign", "", "AS OF"),
    ("SELECT * FROM b FOR SYSTEM_TIME «BETWEEN» 1 AND 2", "clause.foreign", "", "HISTORY FROM"),
    ("SELECT * FROM b FOR VALID_TIME «BETWEEN» 1 AND 2", "clause.foreign", "", "VALID FROM"),
    ("SELECT * FROM b «LIFECYLE» approved", "parse.unexpected_token", "", "LIFECYCLE?"),
    ("SELECT * FROM b LIFECYCLE «=» 'approved'", "parse.unexpected_token", "", "LIFECYCLE 'appr"),
    ("SELECT * FROM b LIFECYCLE «aproved»", "lifecycle.unknown", "", "APPROVED?"),
    ("SELECT * FROM b LIFECYCLE «done»", "lifecycle.unknown", "", "the states are proposed"),
    ("SELECT a «AS OF» 'x' FROM b", "clause.misplaced", "", "after the table"),
    ("SELECT * «FORM» beliefs", "parse.unexpected_token", "", "did you mean FROM?"),
    ("SELECT a «FORM» beliefs", "parse.unexpected_token", "", "did you mean FROM?"),
    ("SELECT * «beliefs»", "parse.unexpected_token", "FROM", "FROM beliefs"),
    ("SELECT a«,» FROM b", "parse.unexpected_token", "", "comma"),
    ("SELECT a«,»", "parse.unexpected_end", "", "comma"),
    ("SELECT (1«,»)", "parse.unexpected_token", "", "comma"),
    ("SELECT a FROM b ORDER BY a «WHERE» 1", "parse.unexpected_token", "", "the order is FROM"),
    ("SELECT a FROM b LIMIT 1 «ORDER» BY 1", "parse.unexpected_token", "", "the order is FROM"),
    ("SELECT a FROM b WHERE« »", "parse.unexpected_end", "an expression", ""),
    ("SELECT (1« »", "parse.unexpected_end", ")", ""),
    ("SELECT * FROM b AS OF« »", "parse.unexpected_end", "an instant", ""),
    ("SELECT * FROM b DIFF «UNTIL» 'x'", "parse.unexpected_token", "SINCE", ""),
    ("SELECT * FROM «WHERE» 1", "parse.unexpected_token", "a name", ""),
    ("SELECT 1 FROM «order»", "parse.unexpected_token", "a name", '"order"'),
    ("SELECT a = «=» b", "parse.unexpected_token", "", "keep one"),
    ("SELECT count(* «FROM» t", "parse.unexpected_token", ")", ""),
    ("«'»abc", "parse.unterminated_string", "closing '", "it''s"),
    ("SELECT «'»abc FROM t", "parse.unterminated_string", "closing '", "it''s"),
    ('SELECT «"»abc FROM t', "parse.unterminated_name", 'closing "', ""),
    ("SELECT «[»abc", "parse.unterminated_name", "closing ]", ""),
    ("SELECT 1 WHERE a = 'it'«s» x'", "parse.unexpected_token", "", "doubled"),
    ("SELECT «12»abc", "parse.unexpected_character", "", "'-24h'"),
    ("SELECT «^»", "parse.unexpected_character", "", "pow"),
    ("SELECT 1 «#» x", "parse.unexpected_character", "", "--"),
    ("SELECT «‘»a’", "parse.unexpected_character", "", "straight quotes"),
    ("SELECT«\u00a0»1", "parse.unexpected_character", "", "space"),
    ("SELECT a «–» 1", "parse.unexpected_character", "", "minus"),
    ("SELECT 'a' «\0»", "parse.unexpected_character", "", "NUL"),
    ('SELECT 1 PURPOSE «"x"»', "parse.unexpected_token", "a string", "'x'"),
    ("SET AGENT «me»", "parse.unexpected_token", "a string", "'me'"),
    ("ASSERT («a», 'b', 'c')", "value.column", "a value", "'a'"),
    ("ASSERT ('a', 'b'«)»", "parse.unexpected_token", "a comma", ""),
    ("ASSERT ('a', 'b', 'c') «CONFIDENSE» 1", "parse.unexpected_token", "", "CONFIDENCE?"),
    ("ASSERT ('a', 'b', 'c') CONFIDENCE« »", "parse.unexpected_end", "an expression", ""),
    ("ASSERT ('a','b','c') AGENT 'x' «AGENT 'y'»", "option.duplicate", "", "one"),
    ("ASSERT ('a','b','c') IF NONE «IF CURRENT 'a:12'»", "option.conflict", "", "IF NONE"),
    ("«ASERT» ('a', 'b', 'c')", "parse.unexpected_token", "SELECT", "ASSERT?"),
    ("«(»SELECT 1)", "parse.unexpected_token", "SELECT", "without parentheses"),
    ("«GO»", "parse.unexpected_token", "SELECT", "statements are"),
    ("SELECT ?, «:a»", "parameter.mixed", "", ":name"),
    ("SELECT :a, «?»", "parameter.mixed", "", ":name"),
    ("SELECT «?0»", "parameter.number", "", ""),
    ("SELECT «?99999»", "parameter.number", "", ""),
    ("SELECT «x'123'»", "blob.odd_digits", "", ""),
    ("SELECT «0x12345678901234567»", "number.too_big", "", ""),
    ("SELECT 1; «SELECT 2»", "statement.several", "second", "script"),
    ("« »", "statement.empty", "", ""),
    ("«PRAGMA» x", "statement.foreign", "", "SET"),
    ("«CREATE» TABLE x (a)", "statement.foreign", "", "TEMP"),
]


@pytest.mark.parametrize(("marked", "code", "expected", "hint"), CASES)
def test_mistakes(marked: str, code: str, expected: str, hint: str) -> None:
    text = marked.replace("«", "").replace("»", "")
    if marked.endswith("« »"):
        text = text.rstrip() if text.strip() else text
    with pytest.raises(Error) as caught:
        parse(text)
    error = caught.value
    assert error.code == code, error
    assert error.span is not None and error.text == text
    assert error.span.start == marked.index("«")
    if not marked.endswith(" »"):
        assert error.span.end == marked.index("»") - 1
    assert expected in (error.expected or ""), error
    assert hint in (error.hint or ""), error
    assert str(error)


def test_a_caret_is_no_longer_than_the_line_shown() -> None:
    error = ProgrammingError("x", code="a.b", span=Span(0, 500), text="y" * 500)
    _, shown, caret = error.render().split("\n")
    assert len(caret) <= len(shown)


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 201 + "1" + ")" * 201,
        "SELECT " + "(" * 100_000,
        "SELECT " + "NOT " * 5000 + "1",
        "SELECT " + "- " * 5000 + "1",
        "SELECT " + "~" * 5000 + "1",
        "SELECT 1" + " LIKE 'x'" * 5000,
        "SELECT a" + " COLLATE x" * 5000,
        "SELECT " + "1 BETWEEN " * 1000 + "1" + " AND 2" * 1000,
        "SELECT " + "CASE WHEN 1 THEN " * 300 + "1" + " END" * 300,
        "SELECT " + "(SELECT " * 150 + "1" + ")" * 150,
        "SELECT * FROM " + "(" * 300 + "t" + ")" * 300,
    ],
)
def test_deep_nesting_is_refused_quickly(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(Error) as caught:
        to_sqlite(parse(text).statement.select)  # type: ignore[union-attr]
    assert caught.value.code == "parse.too_deep"
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 150 + "1" + ")" * 150,
        "SELECT " + " + ".join(["1"] * 900),
        "SELECT 1 WHERE " + " OR ".join(f"{i} = 1" for i in range(900)),
        " UNION ALL ".join(["SELECT 1"] * 400),
        "SELECT 1 IN (" + ", ".join(["1"] * 20_000) + ")",
        "SELECT '" + "x" * 900_000 + "'",
    ],
)
def test_long_is_not_deep(text: str) -> None:
    assert to_sqlite(parse(text).statement.select)  # type: ignore[union-attr]


def test_a_statement_that_is_too_long_is_refused() -> None:
    with pytest.raises(Error) as caught:
        parse("SELECT '" + "x" * 1_000_001 + "'")
    assert caught.value.code == "parse.too_long"


# ---------------------------------------------------------------- anything at all

_PLAIN = r"""
    SELECT FROM WHERE ( ) , . * + - / % || -> ->> = == <> < > & | ~ << ; ? ?1 :a @b 'x' ' " [
    ` a beliefs t.a 1 0x1 1.5 x'00' AS OF AS BEFORE VALID AT TO DURING ANYTIME LIFECYCLE IN
    NOT approved LIVE RESOLVE BY LATEST HISTORY DIFF SINCE UNTIL KEY PURPOSE TX EPOCH QUERY
    NOW FOR SYSTEM_TIME VALID_TIME ALL UNION EXCEPT WITH RECURSIVE VALUES JOIN LEFT ON USING
    GROUP ORDER HAVING LIMIT OFFSET CASE WHEN THEN ELSE END CAST EXISTS IS NULL AND OR BETWEEN
    LIKE ESCAPE COLLATE OVER PARTITION ROWS UNBOUNDED PRECEDING FILTER DISTINCT ASSERT AGENT
    CONFIDENCE IF NONE BECAUSE RETURNING TRANSITION PROMOTE RETRACT SUPERSEDE DEFINE PREDICATE
    BEGIN SET COMMIT EXPLAIN IMPORT MARK -- /* */ # ^ é �
"""
WORDS = [*_PLAIN.split(), "\n", "\\", "\ud800", "\0"]

VALID = [
    "SELECT a, max(b) AS m FROM beliefs AS OF '-1d' AS x LEFT JOIN t USING (a) WHERE a IN (1, ?) "
    "GROUP BY 1 HAVING m > 2 ORDER BY m DESC NULLS LAST LIMIT 5 OFFSET 1 LIFECYCLE approved",
    "WITH RECURSIVE x(a) AS (VALUES (1) UNION ALL SELECT a + 1 FROM x) SELECT * FROM x DIFF SINCE "
    "TX 5 UNTIL NOW - '1h' KEY (a)",
    "ASSERT ('s', 'p', 'o'), ('s', 'p', -1.5) CONFIDENCE 0.9 LIFECYCLE REVIEW VALID FROM '2026' TO "
    "'2027' BECAUSE 'a:12' QUALIFIED (k = 'v') IF NONE RETURNING * DRY RUN",
    "SUPERSEDE ('s', 'p') WITH 'o' FROM '2026-01-01' REASON 'moved'",
    "SELECT CASE WHEN a LIKE 'x%' ESCAPE '!' THEN CAST(b AS TEXT) END, sum(x) FILTER (WHERE y) "
    "OVER (PARTITION BY z ORDER BY w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (SELECT 1)",
    "BEGIN READ ONLY AS OF EPOCH 'x' + '1h' VALID DURING '2026-03' RESOLVE BY LATEST",
]


def only_our_errors(text: str) -> None:
    try:
        statement = parse(text).statement
    except Error as error:
        assert error.code.count(".") == 1
        assert error.text == text
        assert error.span is not None
        assert 0 <= error.span.start <= error.span.end <= len(text) + 1
        assert str(error)
        return
    select = getattr(statement, "select", None)
    if select is not None:
        written = to_sqlite(select)
        again = to_sqlite(parse(written).statement.select)  # type: ignore[union-attr]
        assert re.sub(":n_([pn])", r":\1", again) == written


SETTINGS = settings(max_examples=300, deadline=2000, suppress_health_check=list(HealthCheck))


@SETTINGS
@given(st.lists(st.sampled_from(WORDS), max_size=25))
def test_word_soup_gives_only_our_errors(words: list[str]) -> None:
    only_our_errors(" ".join(words))
    only_our_errors("SELECT " + " ".join(words))


@SETTINGS
@given(st.text(max_size=60))
def test_any_text_gives_only_our_errors(text: str) -> None:
    only_our_errors(text)
    split(text)
    is_complete(text)


@SETTINGS
@given(st.sampled_from(VALID), st.data())
def test_changed_statements_give_only_our_errors(text: str, data: st.DataObject) -> None:
    words = text.split(" ")
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(words) - 1))
        change = data.draw(st.sampled_from(["drop", "double", "replace", "swap", "cut"]))
        if change == "drop" and len(words) > 1:
            del words[place]
        elif change == "double":
            words.insert(place, words[place])
        elif change == "replace":
            words[place] = data.draw(st.sampled_from(WORDS))
        elif change == "swap":
            words[place], words[-1] = words[-1], words[place]
        else:
            words[place] = words[place][: len(words[place]) // 2]
    only_our_errors(" ".join(words))


@pytest.mark.parametrize("text", VALID)
def test_the_statements_that_are_changed_are_valid(text: str) -> None:
    only_our_errors(text)
    parse(text)
