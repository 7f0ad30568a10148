"""Text to words: one regular expression made of the grammar's terminals.

A word that is spelt like a keyword is one only where the parser can take that keyword; the
driver decides that, since it knows the parser's state (lark's contextual lexer, with one
regular expression instead of one per state, and exact where lark's is approximate).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from epql.parse.tables import Tables, Terminal, tables

NAME = "NAME"
END = "$END"
KEYWORD = "KEYWORD"
"""The kind of a word that can be no name; the driver finds its terminal."""
BAD = "$BAD"
"""The kind of a character that starts nothing."""


class Token(NamedTuple):
    """One word of the text: its terminal's name, its text and where it stands."""

    kind: str
    value: str
    start: int
    end: int


@cache
def keywords() -> dict[str, str]:
    """Every keyword in capitals, with its terminal's name."""
    return {
        item.word.upper(): item.name for item in tables().terminals if item.word and _is_word(item)
    }


@cache
def pattern() -> re.Pattern[str]:
    """One expression that skips what is ignored and takes one token in a named group."""
    made: Tables = tables()
    ignored = "|".join(item.pattern for item in made.terminals if item.ignored)
    taken = [item for item in made.terminals if not item.ignored and not _is_word(item)]
    taken.sort(key=lambda item: (-item.priority, -len(item.word or ""), item.name))
    groups = "|".join(f"(?P<{item.name}>{_expression(item)})" for item in taken)
    name = next(re.compile(item.pattern) for item in taken if item.name == NAME)
    reserved = [word.lower() for word in keywords() if not name.match(word)]
    reserved.sort(key=lambda word: (-len(word), word))
    groups += f"|(?P<{KEYWORD}>(?i:{'|'.join(reserved)}))"  # only where NAME does not match
    return re.compile(f"(?:{ignored})*(?:{groups}|(?P<BAD>.)|(?P<END>\\Z))", re.DOTALL)


def tokens(text: str) -> Iterator[Token]:
    """The tokens of the text; keywords still have the kind NAME; ends with one END."""
    match = pattern().match
    position = 0
    while True:
        found = match(text, position)
        if found is None or found.lastgroup is None:  # never: BAD and END take the rest
            raise AssertionError("the lexer's expression takes any text")
        kind = found.lastgroup
        start, position = found.span(kind)
        if kind == "END":
            yield Token(END, "", start, position)
            return
        if kind == "BAD" or (kind == "NUMBER" and _runs_on(text, position)):
            yield Token(BAD, text[start:position], start, position)
            return
        value = text[start:position]
        if kind == NAME and not value.isascii() and (odd := _ODD.search(value)):
            yield Token(BAD, odd.group(), start + odd.start(), start + odd.end())
            return
        yield Token(kind, value, start, position)


_ODD = re.compile(r"[^\w$]|[\ud800-\udfff]")
"""Past ASCII, what is no part of a word: curly quotes, no-break spaces, dashes, lone surrogates."""


def _is_word(item: Terminal) -> bool:
    return item.word is not None and item.word[0].isalpha()


def _expression(item: Terminal) -> str:
    return item.pattern if item.word is None else re.escape(item.word)


def _runs_on(text: str, position: int) -> bool:
    """Whether a number runs into a name, as in 12abc."""
    after = text[position : position + 1]
    return after.isalnum() or after in ("_", "$") or after > "\x7f"
