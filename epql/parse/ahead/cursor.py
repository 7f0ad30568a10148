"""The text at a cursor: which statement it stands in, and the word that is being typed."""

from __future__ import annotations

import re
from typing import NamedTuple

from epql.parse import lexer
from epql.parse.lexer import BAD, END, KEYWORD, NAME, Token
from epql.parse.splitter import LENGTH_MAX


class Place(NamedTuple):
    """The tokens of the statement before the word at the cursor, and those behind the cursor."""

    tokens: tuple[Token, ...]
    after: tuple[Token, ...]
    start: int
    typed: str
    quote: str

    @classmethod
    def of(cls, text: str, cursor: int) -> Place | None:
        """None inside a comment, and where nothing may be put without a blank."""
        begin, open_at, is_comment = _opened(text[:cursor])
        if is_comment or cursor - begin > LENGTH_MAX:
            return None
        end = cursor if open_at is None else open_at
        tokens = _tokens(text[begin:end], begin)
        rest = text[cursor:]
        if open_at is not None:
            quote = text[open_at]
            typed = text[open_at + 1 : cursor].replace(quote * 2, quote)
            return cls(tuple(tokens), _behind(rest, quote), open_at, typed, quote)
        last = tokens[-1] if tokens else None
        if last is None or last.end < cursor or last.kind in _TIGHT:
            return cls(tuple(tokens), _behind(rest), cursor, "", "")
        if last.kind not in (NAME, KEYWORD, "NUMBER"):
            return None
        rest = rest[_WORD.match(rest).end() :]  # type: ignore[union-attr]
        return cls(tuple(tokens[:-1]), _behind(rest), last.start, last.value, "")


_TIGHT = frozenset(
    ["LPAR", "COMMA", "DOT", "EQ", "EQ_EQ", "NE", "NE_BANG", "LT", "LE", "GT", "GE", "PLUS",
     "MINUS", "CONCAT", "SLASH"]
)  # fmt: skip
"""Marks that something may follow without a blank."""
_WORD = re.compile(r"[\w$]*")
_SPAN = re.compile(
    r"""(?P<comment>--[^\n]*(?P<ended>\n)?|/\*(?:.*?(?P<closed>\*/)|.*))
      | (?P<end>;)
      | (?P<quoted>'(?:[^']|'')*(?P<q1>'|\Z) | "(?:[^"]|"")*(?P<q2>"|\Z)
          | `(?:[^`]|``)*(?P<q3>`|\Z) | \[[^\]]*(?P<q4>\]|\Z))
      | [^;'"`\[/-]+ | [/-]
    """,
    re.DOTALL | re.VERBOSE,
)


_CLOSING = ("q1", "q2", "q3", "q4")


def _opened(text: str) -> tuple[int, int | None, bool]:
    """Of a text before a cursor: where its last statement begins, where a quotation opens that
    does not end, and whether a comment does not."""
    begin, opened, is_comment = 0, None, False
    for found in _SPAN.finditer(text):
        is_last = found.end() == len(text)
        if found["end"]:
            begin = found.end()
        elif found["comment"] is not None:
            is_comment = is_last and not (found["ended"] or found["closed"])
        elif found["quoted"] is not None and is_last and not any(found.group(*_CLOSING)):
            opened = found.start()
    return begin, opened, is_comment


def _tokens(text: str, offset: int) -> list[Token]:
    return [
        token._replace(start=token.start + offset, end=token.end + offset)
        for token in lexer.tokens(text)
        if token.kind != END
    ]


def _behind(rest: str, quote: str = "") -> tuple[Token, ...]:
    """The tokens behind the cursor, up to the end of the statement.

    A quotation at the cursor ends at its next quote, if that leaves the others in pairs.
    """
    line = rest.partition("\n")[0]
    if quote and line.count(quote) % 2:
        rest = rest.partition(quote)[2]
    end = next((found.start() for found in _SPAN.finditer(rest) if found["end"]), len(rest))
    return tuple(token for token in lexer.tokens(rest[:end]) if token.kind not in (END, BAD))
