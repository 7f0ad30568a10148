"""Rows as text: table, csv, json, jsonl. Pure: columns and rows in, pieces of text out.

What it is: the one door to every output format; each streams. What it is not: it prints nothing
and asks no terminal; screen.py does, and says in `Style` what it found out.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from epql.output.cells import Value, escape, full
from epql.output.table import Look, Row, lines

FORMATS = ("table", "csv", "json", "jsonl")


@dataclass(frozen=True)
class Style:
    """How rows are written.

    `width`: the terminal's columns; None cuts nothing. `null`: what NULL looks like; None is the
    format's own ('NULL' in a table, nothing in csv). `is_terminal`: escape what could steer it.
    """

    format: str = "table"
    width: int | None = None
    color: bool = False
    header: bool = True
    null: str | None = None
    is_terminal: bool = False


def render(columns: Sequence[str], rows: Iterable[Row], style: Style) -> Iterator[str]:
    """The answer in pieces of whole lines."""
    return _WRITERS[style.format](columns, rows, style)


def _table(columns: Sequence[str], rows: Iterable[Row], style: Style) -> Iterator[str]:
    null = "NULL" if style.null is None else style.null
    look = Look(style.width, style.color, escape(null), style.header)
    return (line + "\n" for line in lines(columns, rows, look))


# ---------------------------------------------------------------- csv

_QUOTED = re.compile(r'[",\r\n]|^$|^\s|\s$')


def _csv(columns: Sequence[str], rows: Iterable[Row], style: Style) -> Iterator[str]:
    r"""RFC 4180; NULL is empty, and an empty text is "" to tell the two apart."""
    if style.header:
        yield _csv_line(columns, style)
    for row in rows:
        yield _csv_line(row, style)


def _csv_line(row: Row, style: Style) -> str:
    return ",".join(_csv_cell(value, style) for value in row) + "\r\n"


def _csv_cell(value: Value, style: Style) -> str:
    if value is None:
        return style.null or ""
    text = full(value)
    if style.is_terminal:
        text = escape(text, keep="\n\t")
    if isinstance(value, str) and (_QUOTED.search(text) or text == style.null):
        return '"' + text.replace('"', '""') + '"'
    return text


# ---------------------------------------------------------------- json

# what JSON allows in a string and a terminal obeys: DEL, C1 controls, overrides, half characters
_JSON_UNSAFE = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def _json(columns: Sequence[str], rows: Iterable[Row], style: Style) -> Iterator[str]:
    names = _json_names(columns)
    before = "[\n "
    for row in rows:
        yield before + _json_object(names, row)
        before = ",\n "
    yield "[]\n" if before == "[\n " else "\n]\n"


def _jsonl(columns: Sequence[str], rows: Iterable[Row], style: Style) -> Iterator[str]:
    names = _json_names(columns)
    for row in rows:
        yield _json_object(names, row) + "\n"


def _json_names(columns: Sequence[str]) -> list[str]:
    """The columns as JSON keys; a name that comes again gets a number."""
    taken: set[str] = set()
    names = []
    for name in columns:
        unique, number = name, 2
        while unique in taken:
            unique, number = f"{name}_{number}", number + 1
        taken.add(unique)
        names.append(_json_text(unique))
    return names


def _json_object(names: Sequence[str], row: Row) -> str:
    pairs = (f"{name}: {_json_value(value)}" for name, value in zip(names, row, strict=True))
    return "{" + ", ".join(pairs) + "}"


def _json_value(value: Value) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "null" if math.isnan(value) else "9e999" if value > 0 else "-9e999"
    if value is None or isinstance(value, (int, float)):
        return json.dumps(value)
    return _json_text(full(value))


def _json_text(text: str) -> str:
    dumped = json.dumps(text, ensure_ascii=False)
    return _JSON_UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", dumped)


_WRITERS: dict[str, Callable[[Sequence[str], Iterable[Row], Style], Iterator[str]]] = {
    "table": _table,
    "csv": _csv,
    "json": _json,
    "jsonl": _jsonl,
}
