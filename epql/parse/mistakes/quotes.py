"""Texts and names: quotes that are missing, of the wrong kind, or inside a text."""

from __future__ import annotations

import re

from epql.engine.errors import Error, Span
from epql.parse.lexer import END, NAME
from epql.parse.mistakes.mistake import Mistake, Recogniser, plain, quoted

_PATH = re.compile(r"[\w.:/~-]+")


def double_quoted(m: Mistake) -> Error | None:
    if m.kind(0) != "QUOTED_NAME" or not m.takes("STRING"):
        return None
    return m.error(
        "a string is needed and this is a quoted name",
        f"strings have single quotes: {quoted(plain(m.token))}",
        expected="expected a string",
    )


def bare_text(m: Mistake) -> Error | None:
    """A word where a text is needed; with what adjoins it, as in f.jsonl or a:1f3c9e."""
    if m.kind(0) != NAME or not m.takes("STRING") or m.takes(NAME) or m.takes("COMMA"):
        return None
    if "beliefs" in m.token.value.lower() and m.takes("LPAR"):
        return m.error(
            f"unexpected {m.shown()}",
            "a target is 'a:1f3c9e', ('subject', 'predicate') or (SELECT id …)",
            expected="expected a target",
        )
    found = _PATH.match(m.text, m.token.start)
    place = Span(*found.span()) if found else m.span()
    word = m.text[place.start : place.end]
    if m.takes("LPAR") and re.fullmatch(r"\w+[./]\w+", word):
        subject, predicate = re.split(r"[./]", word)
        return m.error(
            f"unexpected {word!r}",
            f"a slot is written ({quoted(subject)}, {quoted(predicate)})",
            span=place,
            expected="expected a target",
        )
    return m.error(
        f"unexpected {word!r}",
        f"strings have single quotes: {quoted(word)}",
        span=place,
        expected="expected a string",
    )


def id_without_quotes(m: Mistake) -> Error | None:
    """`BECAUSE a:1f3c`: the rest is read as a parameter."""
    if (
        m.kind(0) != "PARAMETER"
        or m.token.value[0] != ":"
        or m.kind(-1) != NAME
        or not m.adjoins(0)
    ):
        return None
    return m.error(
        f"unexpected {m.shown()}",
        f"strings have single quotes: {quoted(m.written(-1, 0))}",
        span=m.span(-1, 0),
    )


def quote_in_string(m: Mistake) -> Error | None:
    if m.kind(-1) != "STRING" or not m.adjoins(0) or m.kind(0) == END:
        return None
    if not m.token.value[0].isalnum() or m.kind(0) == "STRING":
        return None
    return m.error(
        "the string before this ends at its second quote",
        "a quote inside a string is doubled: 'it''s'",
    )


def prefixed_string(m: Mistake) -> Error | None:
    """`E'a'`, `N'a'`: another SQL's strings."""
    if m.kind(0) != "STRING" or not m.adjoins(0) or m.up(-1) not in ("E", "N", "R", "B", "U", "F"):
        return None
    return m.error(
        f"a string has no {m.written(-1)} before it", f"write {m.written(0)}", span=m.span(-1)
    )


def two_strings(m: Mistake) -> Error | None:
    if m.kind(0) != "STRING" or m.kind(-1) != "STRING" or not m.takes("CONCAT"):
        return None
    if m.takes("COMMA"):
        return None
    return m.error(
        "two strings in a row", f"texts are joined with ||: {m.written(-1)} || {m.written(0)}"
    )


RECOGNISERS: tuple[Recogniser, ...] = (
    id_without_quotes,
    quote_in_string,
    prefixed_string,
    double_quoted,
    bare_text,
    two_strings,
)
