"""Text to words: one regular expression made of the grammar's terminals.

A word that is spelt like a keyword is one only where the parser can take that keyword; the
driver decides that, since it knows the parser's state (lark's contextual lexer, with one
regular expression instead of one per state, and exact where lark's is approximate).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from epql.parse.tables import Tables, Terminal, tables

NAME = "NAME"
END = "$END"
KEYWORD = "KEYWORD"
"""The kind of a word that can be no name; the driver finds its terminal."""
MARK = "MARK"
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
def marks() -> dict[str, str]:
    """Every mark and operator, with its terminal's name."""
    return {item.word: item.name for item in tables().terminals if _is_mark(item) and item.word}


@cache
def pattern() -> re.Pattern[str]:
    """One expression that skips what is ignored and takes one token in a named group.

    All marks are one group, since each group that a word is not costs time.
    """
    made: Tables = tables()
    ignored = "|".join(item.pattern for item in made.terminals if item.ignored)
    taken = [item for item in made.terminals if item.word is None and not item.ignored]
    taken.sort(key=lambda item: (-item.priority, item.name))
    groups = "|".join(f"(?P<{item.name}>{item.pattern})" for item in taken)
    name = next(re.compile(item.pattern) for item in taken if item.name == NAME)
    reserved = _alternatives(word.lower() for word in keywords() if not name.match(word))
    groups += f"|(?P<{KEYWORD}>(?ai:{reserved}))"  # only where NAME does not match
    groups += f"|(?P<{MARK}>{_alternatives(marks())})"
    return re.compile(f"(?:{ignored})*(?:{groups}|(?P<BAD>.)|(?P<END>\\Z))", re.DOTALL)


def tokens(text: str) -> Iterator[Token]:
    """The tokens of the text; keywords still have the kind NAME; ends with one END."""
    kinds = marks()
    for found in pattern().finditer(text):  # BAD and END take what nothing else takes
        kind = found.lastgroup
        assert kind is not None
        start, end = found.span(kind)
        value = text[start:end]
        if kind == NAME:
            if not value.isascii() and (odd := _ODD.search(value)):
                yield Token(BAD, odd.group(), start + odd.start(), start + odd.end())
                return
        elif kind == MARK:
            kind = kinds[value]
        elif kind == "END":
            yield Token(END, "", start, end)
            return
        elif kind == "BAD" or (kind == "NUMBER" and _runs_on(text, end)):
            yield Token(BAD, value, start, end)
            return
        yield Token(kind, value, start, end)


_ODD = re.compile(r"[^\w$]|[\ud800-\udfff]")
"""Past ASCII, what is no part of a word: curly quotes, no-break spaces, dashes, lone surrogates."""


def _is_word(item: Terminal) -> bool:
    return item.word is not None and item.word[0].isalpha()


def _is_mark(item: Terminal) -> bool:
    return item.word is not None and not item.word[0].isalpha()


def _alternatives(words: Iterable[str]) -> str:
    """Any of the words, the longest first."""
    return "|".join(map(re.escape, sorted(words, key=lambda word: (-len(word), word))))


def _runs_on(text: str, position: int) -> bool:
    """Whether a number runs into a name, as in 12abc."""
    after = text[position : position + 1]
    return after.isalnum() or after in ("_", "$") or after > "\x7f"
