"""EPQL for Pygments: nothing is lost, words are told from names as the parser tells them."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, String

from epql.output.highlight import highlight
from epql.output.lexer import EpqlLexer
from tests.unit_epql.test_one_token_wrong import corpus

LEXER = EpqlLexer()


def pieces(text: str) -> list[tuple[str, object]]:
    """The pieces of a text that are no blanks, with their types."""
    found = LEXER.get_tokens_unprocessed(text)
    return [(value, kind) for _, kind, value in found if value.strip()]


def joined(text: str) -> str:
    made = ""
    for at, _, value in LEXER.get_tokens_unprocessed(text):
        assert at == len(made)
        assert value
        made += value
    return made


def test_no_statement_loses_a_character() -> None:
    chance = random.Random(3)
    for text in corpus():
        assert joined(text) == text
        cut = chance.randrange(len(text) + 1)
        broken = (
            text[:cut] + chance.choice(["'", '"', "!!", "/*", ";", "“", "(", "\x00"]) + text[cut:]
        )
        assert joined(broken) == broken
    script = ";\n-- next\n".join(corpus())
    assert joined(script) == script


def test_valid_statements_have_no_errors() -> None:
    wrong = [text for text in corpus() if any(kind is Error for _, kind in pieces(text))]
    assert wrong == []


@given(st.text(alphabet="SELECT FROM'\"()=;,.-/*[]`!“日x1\n\t\\\ud800", max_size=60))
def test_no_text_is_too_odd(text: str) -> None:
    assert joined(text) == text


def test_words_are_told_from_names() -> None:
    text = "SELECT lifecycle, history AS valid FROM beliefs LIFECYCLE approved"
    kinds = dict(pieces(text))
    assert kinds["lifecycle"] is Name and kinds["history"] is Name and kinds["valid"] is Name
    assert kinds["LIFECYCLE"] is Keyword and kinds["approved"] is Name.Constant
    assert dict(pieces("select x from t as of now"))["as of"] is Keyword


@pytest.mark.parametrize(
    ("text", "piece", "kind"),
    [
        ("SELECT count(*) FROM t", "count", Name.Function),
        ("SELECT count FROM t", "count", Name),
        ("SELECT CAST(a AS TEXT)", "TEXT", Keyword.Type),
        ("SELECT a LIKE 'b'", "LIKE", Operator.Word),
        ("SELECT NULL", "NULL", Keyword.Constant),
        ("SELECT 0x1f", "0x1f", Number),
        ("SELECT :name", ":name", Name.Variable),
        ("SELECT \"a\"", '"a"', Name),
        ("SELECT 'it''s'", "'it''s'", String.Single),
        ("SELECT 'unfinished -- no comment", "'unfinished -- no comment", String.Single),
        ("SELECT 1 -- so", "-- so", Comment.Single),
        ("SELECT /* a\nb */ 1", "/* a\nb */", Comment.Multiline),
        ("/* open", "/* open", Comment.Multiline),
        ("select * form beliefs where x", "where", Keyword),  # behind a mistake
        ("SELECT * FORM beliefs LIFECYCLE x", "LIFECYCLE", Keyword),
        ("select * form beliefs lifecycle x", "lifecycle", Name),
        ("SELECT a ! b", "!", Error),
        (".explain SELECT 1", ".explain", Name.Builtin),
        (".explain SELECT 1", "SELECT", Keyword),
    ],
)  # fmt: skip
def test_what_a_piece_is(text: str, piece: str, kind: object) -> None:
    assert (piece, kind) in pieces(text)


def test_pygments_finds_the_lexer() -> None:
    assert isinstance(get_lexer_by_name("epql"), EpqlLexer)
    assert isinstance(get_lexer_for_filename("queue.epql"), EpqlLexer)


def test_colours_change_nothing_else() -> None:
    shown = highlight("select 'x', 12 -- why\n")
    assert (
        shown
        == "\x1b[1;36mselect\x1b[0m \x1b[32m'x'\x1b[0m, \x1b[33m12\x1b[0m \x1b[2m-- why\x1b[0m\n"
    )


def test_pygments_is_imported_only_for_colours() -> None:
    code = "import epql.output.highlight, epql.cli.main, sys; print('pygments' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
