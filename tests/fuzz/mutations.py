"""A text, changed a little: characters, tokens, or pieces of another text.

Everything is drawn from the one Random given, so a seed gives the same inputs again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from epql.parse import lexer

Mutation = Callable[[Random, str, str], str]
"""Random, a text, another text to take from -> the changed text."""

ODD = (
    "\0", "\t", "\r", "\v", "\x85", "\xa0", "\u200b", "\ufeff", "\u2028", "\ud800", "\udfff",
    "’", "“", "–", "−", "…", "é", "ß", "İ", "ı", "ſ", "K", "Å", "²", "٣", "ǅ", "中", "🙂", "\u0301",
    "\U0010ffff", "'", '"', "`", "[", "]", "--", "/*", "*/", "/**/", "\\", "#", "^", "$", "@", ":",
    "?", "?0", "?99999", "?1", ":a", "@v12", "$x", ";", ";;", "''", '""', "x'", "x'0'", "x''",
    "0x", "0xfffffffffffffffff", "1e", "1e999", ".", "..", "1.", ".5", "1_0", "1__0", "12abc",
    "9223372036854775808", "->", "->>", "=>", "::", "==", "<>", "!=", "<<", "||", "~", "%", "&",
    "{}", "'2026-01-12'", "2026-01-12", "-24h", "'-24h'", "'-1y1mo'", "'now'", "TX 1", "TX ?",
    "TX 99999999999999999999", "EPOCH 'x'", "QUERY 'q'", "NOW - '1h'", "AS OF", "as\nof",
    "as/**/of", "as -- c\nof", "AS OF BEFORE", "LIFECYCLE ANY", "RESOLVE BY NONE", "VALID ANYTIME",
    "HISTORY", "DIFF SINCE 1", "DIFF SINCE '-1h' KEY (a)", "FOR SYSTEM_TIME ALL", "PURPOSE 'x'",
    "ON CONFLICT DO NOTHING", "IS NOT DISTINCT FROM", "OVER ()", "FILTER (WHERE 1)", "COLLATE",
    "ESCAPE", "NOT", "NOT NOT", "- -", "ISNULL", "INDEXED BY x", "UNION SELECT 1", "(SELECT 1)",
)  # fmt: skip
"""What upsets readers of text: odd characters, halves of tokens, clauses where none belong."""


def mutated(random: Random, text: str, other: str) -> str:
    """One to six changes, most often one or two."""
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 6))):
        text = random.choice(MUTATIONS)(random, text, other)
    return text


# ---------------------------------------------------------------- characters


def _place(random: Random, text: str) -> int:
    return random.randrange(len(text) + 1)


def _range(random: Random, text: str) -> tuple[int, int]:
    start = _place(random, text)
    return start, min(len(text), start + random.choice((1, 1, 2, 4, 10, 40)))


def delete(random: Random, text: str, other: str) -> str:
    start, end = _range(random, text)
    return text[:start] + text[end:]


def insert_odd(random: Random, text: str, other: str) -> str:
    start = _place(random, text)
    space = random.choice(("", " "))
    return text[:start] + space + random.choice(ODD) + space + text[start:]


def insert_any(random: Random, text: str, other: str) -> str:
    start = _place(random, text)
    code = random.randrange(random.choice((128, 0x3000, 0x110000)))
    return text[:start] + chr(code) + text[start:]


def duplicate(random: Random, text: str, other: str) -> str:
    start, end = _range(random, text)
    return text[:end] + text[start:end] * random.choice((1, 1, 2, 20)) + text[end:]


def splice(random: Random, text: str, other: str) -> str:
    return text[: _place(random, text)] + other[_place(random, other) :]


def graft(random: Random, text: str, other: str) -> str:
    place = _place(random, text)
    start, end = _range(random, other)
    return text[:place] + other[start:end] + text[place:]


def truncate(random: Random, text: str, other: str) -> str:
    return text[: _place(random, text)]


def swap_case(random: Random, text: str, other: str) -> str:
    start, end = _range(random, text)
    return text[:start] + text[start:end].swapcase() + text[end:]


# ---------------------------------------------------------------- tokens


def _tokens(text: str) -> list[lexer.Token]:
    return list(lexer.tokens(text))[:-1]


def _replaced(text: str, token: lexer.Token, by: str) -> str:
    return text[: token.start] + by + text[token.end :]


def _on_tokens(change: Callable[[Random, str, Sequence[lexer.Token], str], str]) -> Mutation:
    def changed(random: Random, text: str, other: str) -> str:
        found = _tokens(text)
        return change(random, text, found, other) if found else text

    return changed


def _drop(random: Random, text: str, found: Sequence[lexer.Token], other: str) -> str:
    return _replaced(text, random.choice(found), random.choice(("", " ")))


def _twice(random: Random, text: str, found: Sequence[lexer.Token], other: str) -> str:
    start, end = sorted((random.choice(found), random.choice(found)), key=lambda t: t.start)
    piece = text[start.start : end.end]
    return text[: end.end] + " " + piece + text[end.end :]


def _exchange(random: Random, text: str, found: Sequence[lexer.Token], other: str) -> str:
    first, second = sorted((random.choice(found), random.choice(found)), key=lambda t: t.start)
    if first.end > second.start:
        return text
    between = text[first.end : second.start]
    return text[: first.start] + second.value + between + first.value + text[second.end :]


def _other_word(random: Random, text: str, found: Sequence[lexer.Token], other: str) -> str:
    words = [one for one in found if one.value.upper() in lexer.keywords()]
    token = random.choice(words or found)
    return _replaced(text, token, random.choice(sorted(lexer.keywords())))


def _same_kind(random: Random, text: str, found: Sequence[lexer.Token], other: str) -> str:
    token = random.choice(found)
    same = [one.value for one in _tokens(other) if one.kind == token.kind]
    return _replaced(text, token, random.choice(same)) if same else text


def _other_odd(random: Random, text: str, found: Sequence[lexer.Token], other: str) -> str:
    return _replaced(text, random.choice(found), random.choice(ODD))


def _phrase(random: Random, text: str, found: Sequence[lexer.Token], other: str) -> str:
    """A few tokens of the other text at the border of a token."""
    more = _tokens(other)
    if not more:
        return text
    first = random.randrange(len(more))
    last = min(len(more) - 1, first + random.choice((0, 1, 2, 3, 6, 12)))
    place = random.choice(found).end
    return f"{text[:place]} {other[more[first].start : more[last].end]} {text[place:]}"


MUTATIONS: tuple[Mutation, ...] = (
    delete, insert_odd, insert_any, duplicate, splice, graft, truncate, swap_case,
    *(_on_tokens(one) for one in (
        _drop, _twice, _exchange, _other_word, _other_word, _same_kind, _other_odd, _phrase,
        _phrase,
    )),
)  # fmt: skip
