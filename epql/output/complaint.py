"""An error as a person reads it on a screen of some width. Pure.

`Error.render` does the same where no width is known. Here words are folded, and the statement's
line is shown around the caret so that it never wraps: a wrapped line points nowhere. Columns are
counted as the terminal counts them, so the caret is right under wide characters, too.
"""

from __future__ import annotations

from epql.engine.errors import Error
from epql.output.cells import escape, width
from epql.output.table import fold

_INDENT = "    "
_WIDTH_MIN = 30


def complain(error: Error, columns: int | None) -> str:
    """The error's lines: what, where, the caret, the hint. `columns` None folds nothing.

    >>> from epql.engine.errors import ProgrammingError, Span
    >>> print(complain(ProgrammingError("unexpected AT", code="parse.unexpected_token",
    ...     span=Span(25, 27), expected="expected OF",
    ...     text="SELECT * FROM beliefs AS AT '2024-01-01'"), 40))
    ProgrammingError parse.unexpected_token,
    line 1 column 26: unexpected AT
        …T * FROM beliefs AS AT '2024-01-01'
                             ^^ expected OF
    """
    columns = None if columns is None else max(columns, _WIDTH_MIN)
    place = error.position
    where = f", line {place[0]} column {place[1]}" if place else ""
    lines = folded(f"{type(error).__name__} {error.code}{where}: {error.message}", columns)
    lines += _caret_lines(error, columns)
    if error.hint:
        lines += folded(f"hint: {error.hint}", columns, indent=6)
    return "\n".join(lines)


def folded(text: str, columns: int | None, indent: int = 0) -> list[str]:
    """Text as lines that fit, the later ones indented; nothing in it steers a terminal."""
    text = escape(text.replace("\n", " "))
    if columns is None or width(text) <= columns:
        return [text]
    first, *rest = fold(text, columns)
    if not indent or not rest:
        return [first, *rest]
    again = fold(text[len(first) :].lstrip(), columns - indent)
    return [first, *(" " * indent + line for line in again)]


def _caret_lines(error: Error, columns: int | None) -> list[str]:
    place = error.position
    if place is None or error.text is None or error.span is None:
        return []
    line = error.text.split("\n")[place[0] - 1].replace("\t", " ").rstrip("\r")
    start = min(place[1] - 1, len(line))
    end = max(start + 1, min(start + error.span.end - error.span.start, len(line)))
    before, under, after = line[:start], line[start:end], line[end:]
    room = (columns or 160) - len(_INDENT)
    before, under, after = _window(escape(before), escape(under), escape(after), room)
    caret = _INDENT + " " * width(before) + "^" * max(1, width(under))
    lines = [_INDENT + before + under + after, caret]
    if error.expected:
        together = f"{caret} {escape(error.expected)}"
        if columns is None or width(together) <= columns:
            lines[-1] = together
        else:
            lines += [_INDENT + line for line in folded(error.expected, room)]
    return lines


def _window(before: str, under: str, after: str, room: int) -> tuple[str, str, str]:
    """The parts of a line around its caret that fit into the room."""
    if width(before) + width(under) + width(after) <= room:
        return before, under, after
    under = _head(under, room * 2 // 3)
    left = room - width(under)
    lead = _tail(before, max(left - min(width(after), left // 2), 0))
    return lead, under, _head(after, left - width(lead))


def _head(text: str, room: int) -> str:
    """As much of a text's start as fits, … if it is cut."""
    if width(text) <= room:
        return text
    kept = text[: max(room - 1, 0)]
    while kept and width(kept) > room - 1:
        kept = kept[:-1]
    return kept + "…" if room > 0 else ""


def _tail(text: str, room: int) -> str:
    """As much of a text's end as fits, … if it is cut."""
    return _head(text[::-1], room)[::-1]
