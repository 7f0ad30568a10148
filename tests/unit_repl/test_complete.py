"""Completion as people type: completions.txt says what is offered first."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from epql.parse import lexer
from epql.parse.ahead import ahead
from epql.parse.driver import driver
from epql.parse.lexer import Token
from epql.repl.complete import LIMIT, Completion, complete
from tests.unit_epql.test_one_token_wrong import corpus
from tests.unit_repl.shelf import Shelf

FILE = Path(__file__).with_name("completions.txt")
BETWEEN = "   →  "
NOTHING = "nothing"
REWRITE = os.environ.get("EPQL_COMPLETIONS_REWRITE") == "1"
SHELF = Shelf()


def lines() -> list[str]:
    return FILE.read_text(encoding="utf-8").splitlines()


def cases() -> list[str]:
    return [line for line in lines() if line.strip() and not line.startswith("#")]


def offered(text: str) -> list[Completion]:
    """What is offered at the | of a text."""
    before, _, after = text.replace("¶", "\n").partition("|")
    return complete(before + after, len(before), SHELF)


def answered(line: str) -> str:
    text = line.partition(BETWEEN)[0]
    found = "  ".join(one.text for one in offered(text)[:4])
    return text + BETWEEN + (found or NOTHING)


def test_the_file_is_answered() -> None:
    if REWRITE:
        made = [answered(line) if line in cases() else line for line in lines()]
        FILE.write_text("\n".join(made) + "\n", encoding="utf-8")
    assert len(cases()) > 150
    assert all(BETWEEN in line for line in cases())


@pytest.mark.parametrize("line", cases())
def test_what_is_offered_first(line: str) -> None:
    assert answered(line) == line


# ---------------------------------------------------------------- what is offered holds


def tokens_of(text: str) -> list[Token]:
    return list(lexer.tokens(text))[:-1]


def accepted(text: str, cursor: int, one: Completion) -> str:
    return text[: one.start] + one.text + text[cursor:]


def test_every_keyword_of_every_statement_is_offered_where_it_stands() -> None:
    words = {kind: word for word, kind in lexer.keywords().items()}
    words |= {"AS_OF": "AS", "ON_CONFLICT": "ON"}
    looked_at = 0
    for text in corpus()[::8]:
        way = driver().follow(tokens_of(text))
        for kind, token in zip(way.kinds, tokens_of(text), strict=False):
            if kind in words:
                first = {one.partition(" ")[0] for one in ahead(text, token.start).keywords}
                assert words[kind] in first, text[: token.end]
                looked_at += 1
    assert looked_at > 500


def test_the_parser_goes_on_behind_every_keyword_that_is_offered() -> None:
    chance = random.Random(5)
    looked_at = 0
    for text in corpus()[::5]:
        tokens = tokens_of(text)
        token = chance.choice([*tokens, Token("", "", len(text), len(text))])
        before = text[: token.start]
        reach = driver().reach(tokens_of(before))
        if reach < len(tokens_of(before)):
            continue
        at = ahead(before, len(before))
        for keyword in at.keywords:
            if keyword.endswith("CONFLICT"):
                continue  # a token only with what follows it
            made = tokens_of(before[: at.start] + keyword)
            assert driver().reach(made) == len(made), f"{before} {keyword}"
            looked_at += 1
    assert looked_at > 1000


def test_nothing_that_is_offered_is_a_mistake_where_it_stands() -> None:
    chance = random.Random(6)
    for text in chance.sample(corpus(), 200):
        tokens = tokens_of(text)
        cursor = chance.choice([token.start for token in tokens] or [0])
        before = text[:cursor]
        if driver().reach(tokens_of(before)) < len(tokens_of(before)):
            continue
        for one in complete(before, cursor, SHELF)[:20]:
            made = tokens_of(accepted(before, cursor, one))
            bad = [token for token in made if token.kind == "$BAD"]
            assert bad or driver().reach(made) == len(made) or one.text in ("OF", "CONFLICT"), (
                accepted(before, cursor, one)
            )


PIECES = [
    "SELECT ", "FROM ", "beliefs ", "b.", "WHERE ", "subject ", "= ", "'auth/", "'", "''", '"', "(",
    ")", ", ", "AS OF ", "-- x\n", "/*", "*/", ";", "\n", "日本", "\x00", "\ud800", "💡", "ASSERT ",
    "'a', ", "LIFECYCLE ", "WITH ", "1", ".", "[", "`", "JOIN ", "ON ", "IN ", "UNION ", ".mode ",
    "?", "\\",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=14), st.integers(0, 60))
@example(["WITH ", "x AS (", "WITH ", "y AS ("], 60)
@example(["(" * 300], 300)
def test_no_text_is_too_odd(pieces: list[str], cursor: int) -> None:
    text = "".join(pieces)
    cursor = min(cursor, len(text))
    found = complete(text, cursor, SHELF)
    assert len(found) <= LIMIT
    for one in found:
        assert 0 <= one.start <= cursor
        assert one.text != text[one.start : cursor]
        assert one.display.isprintable() and "\n" not in one.display


def test_a_huge_statement_is_completed() -> None:
    many = " OR ".join(f"(subject = 'auth/{n}' AND object = {n})" for n in range(2500))
    text = f"SELECT * FROM beliefs b WHERE {many} OR b.sub"
    assert len(text) > 100_000
    assert [one.text for one in complete(text, len(text), SHELF)] == ["subject"]


def test_control_characters_are_shown_as_such() -> None:
    class Odd(Shelf):
        def find(self, kind, prefix, slot):  # type: ignore[no-untyped-def]
            from epql.repl.offer import Item

            return [Item("a\nb\x1b[31m"), Item("x" * 500)]

    first, second = complete("WHY ('", 6, Odd())
    assert first.text == "'a\nb\x1b[31m'" and first.display == "a\\nb\\x1b[31m"
    assert len(second.display) == 60 and second.text == "'" + "x" * 500 + "'"
