"""Times that are none: without quotes, bare numbers, words that are not understood."""

from __future__ import annotations

import re

from epql.engine.errors import Error, Span
from epql.parse.lexer import BAD, END, NAME
from epql.parse.mistakes.mistake import Mistake, Recogniser, plain, quoted

FORMS = "a time is a string: '2026-01-12', '-24h', 'yesterday 21:00'; else TX n, EPOCH 'x'"

_DATE = re.compile(r"\d{4}-\d{1,2}(?:-\d{1,2})?(?:[T ]?\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?Z?)?")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?|\d{1,2}\s?[ap]m\b", re.IGNORECASE)
_SIGNED = re.compile(r"[-+]\s*(?:\d+\s*[a-zA-Z]+)+")
_LENGTH = re.compile(r"(?:\d+(?:us|ms|s|m|h|d|w|mo|y)(?![0-9a-z]))+", re.IGNORECASE)
_AGO = re.compile(r"\d+\s+[a-z]+\s+ago\b", re.IGNORECASE)
_ID = re.compile(r"[a-z]:[0-9a-f]+", re.IGNORECASE)
_WORDS = re.compile(r"([A-Za-z]+)(?:\s+\d{1,2}:\d{2})?")
_KNOWN_WORDS = (
    "now", "today", "yesterday", "tomorrow", "monday", "tuesday", "wednesday", "thursday",
    "friday", "saturday", "sunday",
)  # fmt: skip


def tx_without_number(m: Mistake) -> Error | None:
    if m.up(-1) != "TX" or not m.takes("NUMBER") or m.kind(0) == BAD:
        return None
    digits = plain(m.token)
    if m.kind(0) == "EQ":
        digits = m.written(1)
    number = digits if digits.isdecimal() else "42"
    return m.error(
        "TX takes the number of a transaction",
        f"write TX {number}, or TX ? with a parameter",
        expected="expected a number",
    )


def unquoted_time(m: Mistake) -> Error | None:
    """A time, or an id, that needs only its quotes."""
    if not (m.wants_instant or m.up(-1) in ("PLUS", "MINUS", "DURING", "LIFE")) or m.kind(0) == END:
        return None
    rest = m.text[m.token.start :]
    if m.kind(0) == "QUOTED_NAME":
        return _unquoted(m, m.span(), plain(m.token))
    for pattern in (_DATE, _SIGNED, _AGO, _CLOCK, _ID):
        found = pattern.match(rest)
        if found:
            place = Span(m.token.start, m.token.start + found.end())
            value = found.group()
            return _unquoted(
                m, place, value[:1] + value[1:].lstrip() if value[:1] in "+-" else value
            )
    found = _WORDS.match(rest)
    if m.kind(0) == NAME and found and found.group(1).lower() in _KNOWN_WORDS:
        return _unquoted(m, Span(m.token.start, m.token.start + found.end()), found.group())
    return None


def number_into_name(m: Mistake) -> Error | None:
    """`AS OF 24h`, `PROMOTE 1f3c9e`: a number that runs into letters."""
    if m.kind(0) != BAD or not m.token.value[:1].isdigit():
        return None
    found = re.compile(r"[\w.:]+").match(m.text, m.token.start)
    if found is None:
        return None
    word, place = found.group(), Span(*found.span())
    is_length = _LENGTH.fullmatch(word) is not None
    if m.wants_instant:
        hint = f"say which way: '-{word}' is {word} ago" if is_length else FORMS
        if re.fullmatch(r"[0-9a-f]{4,}", word):
            hint = f"an id is a string and begins with a: — AS OF 'a:{word}'"
        return m.error(
            "a time is written in single quotes", hint, code="instant.unquoted", span=place
        )
    if not m.takes("STRING") or m.takes("NUMBER"):
        return None
    if is_length:
        return m.error(
            "a length of time is written in single quotes",
            f"write '{word}'",
            code="instant.unquoted",
            span=place,
        )
    if re.fullmatch(r"[0-9a-f]{4,}", word):
        return m.error(
            f"the number {m.token.value} runs into a name",
            f"an id is a string: 'a:{word}'",
            code="parse.unexpected_character",
            span=place,
        )
    return None


def bare_number(m: Mistake) -> Error | None:
    if not m.wants_instant or m.kind(0) != "NUMBER":
        return None
    number = m.token.value
    return m.error(
        f"{number} is a bare number, not a time",
        f"a transaction is TX {number}; {FORMS.partition(';')[0]}",
        code="instant.bare_integer",
        expected="expected an instant",
    )


def now_called(m: Mistake) -> Error | None:
    if m.up(-1) != "NOW" or m.kind(0) != "LPAR" or m.kind(1) != "RPAR":
        return None
    return m.error(
        "NOW has no parentheses here", "write AS OF NOW, or AS OF NOW - '1h'", span=m.span(0, 1)
    )


def interval(m: Mistake) -> Error | None:
    if m.up(0) != "INTERVAL" or m.up(-1) not in ("-", "+"):
        return None
    return m.error(
        "a length of time is a string alone", "write NOW - '24h'", expected="expected a string"
    )


def no_time(m: Mistake) -> Error | None:
    if not m.wants_instant or m.kind(0) in (END, BAD):
        return None
    if m.up(0) in ("=", "(") and m.kind(1) == "STRING":
        return m.error(
            f"unexpected {m.shown()}",
            f"the time follows at once: {m.written(-1)} {m.written(1)}",
            expected="expected an instant",
        )
    if m.up(0) == "(":
        return m.error(
            "a time cannot be computed here",
            "read it first, and bind it: AS OF ?",
            expected="expected an instant",
        )
    return m.error(f"{m.shown()} is not a time", FORMS, expected="expected an instant")


def _unquoted(m: Mistake, span: Span, value: str) -> Error:
    return m.error(
        "a time is written in single quotes",
        f"write {quoted(value)}",
        code="instant.unquoted",
        span=span,
        expected="expected an instant",
    )


RECOGNISERS: tuple[Recogniser, ...] = (
    number_into_name,
    bare_number,
    now_called,
    interval,
    no_time,
)
