"""What a small change would mend: a text is read again with one word changed.

A guess about what a person meant is only told when the statement, so changed, is understood
further than it was. Nothing is built on the way; the tables alone are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from epql.engine.spelling import closest, distance
from epql.parse import lexer
from epql.parse.driver import driver
from epql.parse.lexer import NAME, Token

TOKENS_MAX = 2000
"""Longer statements are not read again."""
LOOK_BACK = 4
"""How many words before the wrong one may be to blame: they were taken for names."""


@dataclass(frozen=True)
class Mended:
    """A change that helps: which token to replace, by what, and how many are read then."""

    place: int
    words: str
    reach: int


def misspelt(tokens: Sequence[Token], wrong: int) -> Mended | None:
    """The keyword that was meant by the token `wrong` or one of those before it."""
    if len(tokens) > TOKENS_MAX:
        return None
    known = lexer.keywords()
    best: Mended | None = None
    rank: tuple[int, int, int] | None = None
    for place in range(wrong, max(-1, wrong - LOOK_BACK - 1), -1):
        token = tokens[place]
        word = token.value.upper()
        if token.kind != NAME or word == "AT":  # AT 'x' is meant as AS OF 'x'
            continue
        is_bold = len(word) < 2 or word in known  # then the whole must make sense
        for words in _meant(token.value):
            reach = _reach(tokens, place, lexed(words), drop=1)
            if reach <= wrong + (place == wrong and wrong + 2 < len(tokens)):
                continue
            if is_bold and reach < len(tokens):
                continue
            found = (reach, -distance(token.value.lower(), words.lower()), place)
            if rank is None or found > rank:
                best, rank = Mended(place, words, reach), found
    return best


def inserted(tokens: Sequence[Token], wrong: int, text: str) -> bool:
    """Whether a mark put before the token `wrong` has more understood, with what follows it."""
    if len(tokens) > TOKENS_MAX:
        return False
    reach = _reach(tokens, wrong, lexed(text), drop=0)
    return reach > wrong + 2 or reach >= len(tokens)


def dropped(tokens: Sequence[Token], wrong: int) -> bool:
    """Whether the statement is understood to its end without the token `wrong`."""
    return len(tokens) <= TOKENS_MAX and _reach(tokens, wrong, [], drop=1) >= len(tokens)


def lexed(text: str) -> list[Token]:
    """The tokens of a piece of text, without its end."""
    return list(lexer.tokens(text))[:-1]


def _reach(tokens: Sequence[Token], place: int, new: Sequence[Token], *, drop: int) -> int:
    """How many of the tokens are read when some at a place give way to others."""
    changed = [*tokens[:place], *new, *tokens[place + drop :]]
    return driver().reach(changed) - len(new) + drop


def _meant(word: str) -> list[str]:
    """Keywords that are near; two of them, where they were written as one word."""
    keywords = lexer.keywords()
    found = closest(word, keywords)
    upper = word.upper()
    found += [f"{first} {last}" for first, last in _PAIRS if upper.replace("_", "") == first + last]
    return found


_PAIRS = (
    ("AS", "OF"), ("DRY", "RUN"), ("GROUP", "BY"), ("HALF", "LIFE"), ("IF", "NONE"),
    ("IS", "NOT"), ("NOT", "IN"), ("NOT", "NULL"), ("ORDER", "BY"), ("PARTITION", "BY"),
    ("READ", "ONLY"), ("RESOLVE", "BY"), ("TIME", "ZONE"), ("UNION", "ALL"), ("VALID", "AT"),
    ("VALID", "FROM"), ("WHY", "NOT"), ("DIFF", "SINCE"),
)  # fmt: skip
