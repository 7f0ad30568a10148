"""A syntax error that nothing to be typed can mend, to be shown while a statement is written."""

from __future__ import annotations

import re

from epql.engine.errors import Error
from epql.parse import complain, lexer
from epql.parse.ahead.following import words
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
        is_ended = ";" in rest
        error = _mistake(statement, is_ended=is_ended)
        if error is None:
            continue
        if not is_ended and _may_mend(text[place.start + error.token.start :], error):
            continue
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


def _may_mend(written: str, error: Unexpected) -> bool:
    """Whether the wrong token might have a place with more letters; `written`: from it on."""
    kind, value = error.token.kind, error.token.value
    if kind in (NAME, KEYWORD):
        spelt = _BLANKS.sub(" ", written.upper())
        begun = (word for terminal, word in words().items() if terminal in error.expected)
        is_name = NAME in error.expected and written == value
        return is_name or any(w.startswith(spelt) or w == spelt.strip() for w in begun)
    if kind == BAD:  # a number may run on, a mark be half of another
        return not _BLANKS.search(written)
    return written == value and value in _EXTENDED


_BLANKS = re.compile(r"\s+")
_EXTENDED = ("-", "/", "<", ">", "=", "|", "->", ".", "*")
"""Marks that begin others, comments or numbers."""
