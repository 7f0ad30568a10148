"""EPQL for Pygments: colours in the shell, in documents, in notebooks. Entry point `epql`.

Words are told from names as the parser tells them, as far as a statement is understood; past a
mistake, SQL's own words and words in capitals are keywords. Nothing is too broken to be coloured:
every character of a text comes back, in its order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import ClassVar

from pygments.lexer import Lexer
from pygments.token import (
    Comment,
    Error,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
    _TokenType,
)

from epql.parse import lexer
from epql.parse.driver import driver
from epql.parse.lexer import END, KEYWORD, MARK, NAME
from epql.parse.splitter import pieces

Piece = tuple[int, _TokenType, str]
"""Where a piece of the text begins, what it is, the piece."""

_BETWEEN = re.compile(r"(--[^\n]*)|(/\*.*?(?:\*/|\Z))|(;)|([ \t\r\n\f\v\ufeff]+)|(.)", re.DOTALL)
_BETWEEN_TYPES = (Comment.Single, Comment.Multiline, Punctuation, Whitespace, Error)
_COMMAND = re.compile(r"\s*(\.[a-zA-Z?]+)")

_PUNCTUATION = frozenset(["LPAR", "RPAR", "COMMA", "DOT"])
_WORDY = frozenset(
    ["AND", "OR", "NOT", "IN", "IS", "LIKE", "GLOB", "REGEXP", "MATCH", "BETWEEN", "ESCAPE"]
)
_CONSTANTS = frozenset(["NULL", "TRUE", "FALSE", "NOW"])
_KINDS = {
    "STRING": String.Single, "BLOB": String.Other, "NUMBER": Number, "PARAMETER": Name.Variable,
    "QUOTED_NAME": Name,
}  # fmt: skip
_ROLES = (("state", Name.Constant), ("type_name", Keyword.Type))
"""What a name is where a rule may begin."""


class EpqlLexer(Lexer):
    """Statements of EPQL, or a dot command of its shell."""

    name = "EPQL"
    aliases: ClassVar[list[str]] = ["epql"]
    filenames: ClassVar[list[str]] = ["*.epql"]
    mimetypes: ClassVar[list[str]] = ["text/x-epql"]

    def get_tokens_unprocessed(self, text: str) -> Iterator[Piece]:
        """The pieces of a text; joined they are the text."""
        command = _COMMAND.match(text)
        if command:
            yield from _between(text, 0, command.start(1))
            yield command.start(1), Name.Builtin, command[1]
        begin = end = command.end() if command else 0
        for place in pieces(text[begin:]):
            start, stop = begin + place.start, begin + place.end
            yield from _between(text, end, start)
            for at, kind, value in _statement(text[start:stop]):
                yield start + at, kind, value
            end = stop
        yield from _between(text, end, len(text))


def _between(text: str, start: int, end: int) -> Iterator[Piece]:
    """What is no part of a token: blanks, comments, semicolons."""
    for found in _BETWEEN.finditer(text, start, end):
        assert found.lastindex is not None
        yield found.start(), _BETWEEN_TYPES[found.lastindex - 1], found[0]


def _statement(text: str) -> Iterator[Piece]:
    """The pieces of one statement."""
    tokens = [token for token in lexer.tokens(text) if token.kind != END]
    way = driver().follow(tokens)
    end = 0
    for number, found in enumerate(lexer.pattern().finditer(text)):
        group = found.lastgroup
        assert group is not None
        start, stop = found.span(group)
        yield from _between(text, end, start)
        end = stop
        if group == "END":
            return
        value = text[start:stop]
        if number < len(way.kinds):
            following = way.kinds[number + 1] if number + 1 < len(way.kinds) else ""
            yield start, _type_of(way.kinds[number], way.places[number], following), value
        elif group == "BAD" and value in _QUOTES:  # it never closes
            yield start, String.Single if value == "'" else Name, text[start:]
            return
        else:
            yield start, _guessed(group, value), value


_QUOTES = ("'", '"', "`", "[")


def _type_of(kind: str, place: int, following: str) -> _TokenType:
    """What a token is that the parser has taken in a state; `following`: the kind behind it."""
    if kind != NAME:
        return _marked(kind)
    rules = driver().rows[place]
    for rule, role in _ROLES:
        if rule in rules:
            return role
    return Name.Function if following == "LPAR" and "function_call" in rules else Name


def _marked(kind: str) -> _TokenType:
    """What a token is by its kind alone, names apart."""
    if kind in _KINDS:
        return _KINDS[kind]
    if kind in _WORDY:
        return Operator.Word
    if kind in _CONSTANTS:
        return Keyword.Constant
    if kind in _words():
        return Keyword
    return Punctuation if kind in _PUNCTUATION else Operator


@cache
def _words() -> frozenset[str]:
    """The terminals that are words."""
    return frozenset([*lexer.keywords().values(), "AS_OF", "ON_CONFLICT"])


def _guessed(group: str, value: str) -> _TokenType:
    """What a token behind a mistake is."""
    if group == "BAD":
        return Error
    if group == MARK:
        return _marked(lexer.marks()[value])
    if group not in (NAME, KEYWORD):
        return _marked(group)
    terminal = lexer.keywords().get(value.upper())
    is_word = terminal is not None and (group == KEYWORD or value.isupper())
    return _marked(terminal) if is_word and terminal is not None else Name
