"""A syntax error that nothing to be typed can mend, to be shown while a statement is written."""

from __future__ import annotations

import re

from epql.engine.errors import Error
from epql.parse import complain, lexer
from epql.parse.driver import Unexpected, driver
from epql.parse.lexer import BAD, END, KEYWORD, NAME
from epql.parse.splitter import pieces


def mistaken(text: str) -> Error | None:
    """The first syntax error of a text that is certain; None if what is there may go on.

    Shape: a script; the error has its `span` in it. What an unfinished statement lacks is no
    error, nor is its last word while it may still become a keyword or a longer name.

    >>> mistaken("SELECT FROM beliefs WHER").span
    Span(start=7, end=11)
    >>> mistaken("SELECT * FROM beliefs WHER")
    """
    for place in pieces(text):
        statement, rest = text[place.start : place.end], text[place.end :]
        error = _mistake(statement, is_ended=";" in rest[: len(rest) - len(rest.lstrip()) + 1])
        if error is not None and (rest or not _may_mend(statement, error)):
            found = complain.about(statement, error)
            found.span = found.span and found.span.shifted(place.start)
            found.text = text
            return found
    return None


def _mistake(statement: str, *, is_ended: bool) -> Unexpected | None:
    """The first token that has no place; the end only where a semicolon says that it is one."""
    tokens = list(lexer.tokens(statement))
    made = driver()
    way = made.follow(tokens)
    reach = len(way.kinds)
    if reach == len(tokens):
        return None
    wrong = tokens[reach]
    is_open = wrong.kind == END or (wrong.kind == BAD and wrong.value in _QUOTES)
    if is_open and not is_ended:
        return None
    return Unexpected(wrong, made.expected(way.states), tuple(tokens[:reach]))


_QUOTES = ("'", '"', "`", "[")


def _may_mend(statement: str, error: Unexpected) -> bool:
    """Whether the wrong token is the last and, with more letters, might have a place."""
    wrong = error.token
    if wrong.kind in (NAME, KEYWORD):
        words = lexer.keywords()
        begun = [
            w for w in words if w.startswith(wrong.value.upper()) and words[w] in error.expected
        ]
        return wrong.end == len(statement) and (bool(begun) or NAME in error.expected)
    if wrong.kind == BAD:  # a number may run on, a mark be half of another
        return not _BLANK.search(statement, wrong.start)
    return wrong.end == len(statement) and wrong.value in _EXTENDED


_EXTENDED = ("-", "/", "<", ">", "=", "|", "->", ".", "*")
"""Marks that begin others, comments or numbers."""
_BLANK = re.compile(r"\s")
