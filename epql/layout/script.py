"""The public function: a statement or a script, laid out anew."""

from __future__ import annotations

import re
from typing import NamedTuple

from epql.engine.errors import Error
from epql.parse.splitter import pieces
from epql.parse.statements import parse

_BETWEEN = re.compile(r"--[^\n]*|/\*.*?(?:\*/|\Z)|;|\n", re.DOTALL)


def format(text: str) -> str:  # noqa: A001  the name that users know from other formatters
    """The statements of a text in the one layout, without a new line at the end.

    White space and the case of keywords change, nothing else: the answer stays the same, the
    names of result columns too, and comments stay where they were. A statement that fits on a
    line of 88 columns stands on one. One statement keeps its semicolon or its lack of one; of
    several, each has one. Formatting twice is formatting once.

    Raises: what parse raises for a statement that does not parse, placed in the whole text.

    >>> format("select object from beliefs as of '-24h'")
    "SELECT object FROM beliefs AS OF '-24h'"
    """
    places = pieces(text)
    lines: list[str] = []
    above = _between(text[: places[0].start] if places else text, is_first=True)
    lines += above.below
    for number, place in enumerate(places):
        if above.has_blank and lines:
            lines.append("")
        end = places[number + 1].start if number + 1 < len(places) else len(text)
        above = _between(text[place.end : end], is_first=False)
        semicolon = ";" if above.has_semicolon or len(places) > 1 else ""
        written = _statement(text, place.start, place.end) + semicolon
        lines.append(" ".join([written, *above.beside]))
        lines += above.below
    return "\n".join(lines)


def _statement(text: str, start: int, end: int) -> str:
    from epql.layout.document import render  # when first needed: importing epql stays quick
    from epql.layout.tree import document

    statement = text[start:end]
    try:
        parse(statement)
    except Error as error:
        if error.span is not None and error.text == statement:
            error.span = error.span.shifted(start)
            error.text = text
        raise
    return render(document(statement))


class _Between(NamedTuple):
    """What stands after a statement, up to the next one."""

    has_semicolon: bool
    beside: list[str]  # comments on the line where it ends
    below: list[str]  # comments on lines of their own, and empty lines
    has_blank: bool  # an empty line before the next statement


def _between(text: str, *, is_first: bool) -> _Between:
    beside: list[str] = []
    below: list[str] = []
    has_semicolon, is_beside, new_lines = False, not is_first, 0
    for match in _BETWEEN.finditer(text):
        found = match.group()
        if found == "\n":
            new_lines += 1
        elif found == ";":
            has_semicolon = True
        else:
            is_beside = is_beside and not new_lines
            if new_lines > 1 and (below or not is_first):
                below.append("")
            (beside if is_beside else below).append(found.rstrip())
            is_beside = is_beside and "\n" not in found
            new_lines = 0
    return _Between(has_semicolon, beside, below, new_lines > 1)
