"""Rows as a table of HTML, for notebooks. Pure: columns and rows in, text out.

Stored text is other people's: it is escaped, for the reader's eye as in a terminal (cells.py) and
for the browser. Colours are see-through, so that they read on light and dark pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from epql.output.cells import Value, full, short
from epql.output.cells import escape as visible
from epql.output.table import Row, are_numbers

ROWS_MAX = 100
"""Rows that are shown of a long answer; a browser is slow with tables of thousands."""

_CELL = "padding:.2em .8em .2em 0;vertical-align:top;white-space:pre-wrap;"
_CHANGES = {
    "ADDED": "background:rgba(40,160,80,.18)",
    "REMOVED": "background:rgba(200,60,60,.18)",
    "CHANGED": "background:rgba(210,160,30,.18)",
}


def table(columns: Sequence[str], rows: Sequence[Row], notices: Sequence[str] = ()) -> str:
    """The answer as a table, what there is to tell below it.

    >>> table(["n"], [(1,)]).count("<td")
    1
    """
    aligns = ["right" if are_numbers([row[i] for row in rows]) else "left"
              for i in range(len(columns))]  # fmt: skip
    head = "".join(
        f'<th style="{_CELL}text-align:{align}">{_text(name)}</th>'
        for name, align in zip(columns, aligns, strict=True)
    )
    change = list(columns).index("change") if "change" in columns else None
    body = "".join(_row(row, aligns, change) for row in rows[:ROWS_MAX])
    return (
        f'<table style="border-collapse:collapse"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>{lines(_counted(rows))}{lines(notices)}"
    )


def lines(texts: Sequence[str]) -> str:
    """Sentences, one below the other."""
    return "".join(f'<div style="opacity:.75">{_text(text)}</div>' for text in texts)


def _counted(rows: Sequence[Row]) -> list[str]:
    if len(rows) > ROWS_MAX:
        return [f"the first {ROWS_MAX} of {len(rows):,} rows"]
    return [] if rows else ["no rows"]


def _row(row: Row, aligns: Sequence[str], change: int | None) -> str:
    color = _CHANGES.get(str(row[change]), "") if change is not None else ""
    cells = "".join(map(_cell, row, aligns))
    return f'<tr style="{color}">{cells}</tr>'


def _cell(value: Value, align: str) -> str:
    if value is None:
        return f'<td style="{_CELL}opacity:.5">NULL</td>'
    shown, whole = short(value), full(value)
    title = "" if shown == whole else f' title="{_text(whole)}"'
    return f'<td style="{_CELL}text-align:{align}"{title}>{escape(shown)}</td>'


def _text(text: str) -> str:
    return escape(visible(text))
