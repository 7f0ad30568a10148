"""A text into its statements, by semicolons outside strings, quoted names and comments.

Works on broken statements too, so that a script runner can say which one is broken.
"""

from __future__ import annotations

import re

from epql.engine.errors import ProgrammingError, Span

LENGTH_MAX = 1_000_000
"""Characters of one statement, as SQLite's own limit."""
NESTING_MAX = 200
"""Levels of parentheses and CASE."""

_PIECE = re.compile(
    r"""(?P<blank>[ \t\r\n\f\v\ufeff]+|--[^\n]*|/\*.*?(?:\*/|\Z))
      | (?P<semicolon>;)
      | (?P<text>'(?:[^']|'')*(?:'|\Z) | "(?:[^"]|"")*(?:"|\Z)
          | `(?:[^`]|``)*(?:`|\Z) | \[[^\]]*(?:\]|\Z) | [^ \t\r\n\f\v\ufeff;'"`\[/-]+ | [/-])
    """,
    re.DOTALL | re.VERBOSE,
)
_DEEPER = re.compile(
    r"""'(?:[^']|'')*(?:'|\Z) | "(?:[^"]|"")*(?:"|\Z) | `(?:[^`]|``)*(?:`|\Z)
      | \[[^\]]*(?:\]|\Z) | --[^\n]* | /\*.*?(?:\*/|\Z)
      | (?P<open>\(|\bCASE\b) | (?P<close>\)|\bEND\b)
    """,
    re.DOTALL | re.VERBOSE | re.IGNORECASE,
)


def check_size(text: str) -> None:
    """Raises: ProgrammingError parse.too_long or parse.too_deep."""
    check_length(text)
    if text.count("(") + len(text) // 12 < NESTING_MAX:
        return
    depth = 0
    for found in _DEEPER.finditer(text):
        if found.lastgroup == "open":
            depth += 1
            if depth > NESTING_MAX:
                raise too_deep(Span(*found.span()))
        elif found.lastgroup == "close":
            depth -= 1


def check_length(text: str, length_max: int = LENGTH_MAX) -> None:
    """Raises: ProgrammingError parse.too_long."""
    if len(text) > length_max:
        raise ProgrammingError(
            f"the statement has {len(text):,} characters; {length_max:,} are possible",
            code="parse.too_long",
            span=Span(length_max, len(text)),
        )


def too_deep(span: Span | None) -> ProgrammingError:
    return ProgrammingError(
        f"the statement is nested more than {NESTING_MAX} levels deep",
        code="parse.too_deep",
        span=span,
        hint="split it, for instance with WITH",
    )


def pieces(text: str) -> list[Span]:
    """The place of each statement, without blanks and comments around it, nor semicolon."""
    found: list[Span] = []
    start, end = -1, -1
    for match in _PIECE.finditer(text):
        if match.lastgroup == "text":
            if start < 0:
                start = match.start()
            end = match.end()
        elif match.lastgroup == "semicolon" and start >= 0:
            found.append(Span(start, end))
            start = -1
    if start >= 0:
        found.append(Span(start, end))
    return found


def split(text: str) -> list[str]:
    """The statements of a script, each without its semicolon.

    >>> split("SELECT ';'; -- nothing; here\\nCOMMIT")
    ["SELECT ';'", 'COMMIT']
    """
    return [text[place.start : place.end] for place in pieces(text)]


def is_complete(text: str) -> bool:
    """Whether a line loop may stop reading: the text ends with a semicolon outside a string.

    A text of blanks and comments only is complete, too: there is nothing to wait for.
    """
    last = "semicolon"
    for match in _PIECE.finditer(text):
        kind = match.lastgroup
        if kind in ("semicolon", "text"):
            last = kind
        elif match.group().startswith("/*") and not match.group().endswith("*/"):
            return False
    return last == "semicolon"
