"""Rows as text, in every format. Pure: columns and rows in, pieces of text out.

What it is: the one door to every output format; each streams. What it is not: it prints nothing
and asks no terminal; screen.py does, and says in `Style` what it found out.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from epql.output.cells import Value, escape, full, pad, width
from epql.output.table import LAYOUT_ROWS, Look, Row, are_numbers, blocks, lines

FORMATS = ("table", "line", "csv", "tsv", "markdown", "json", "jsonl")
FOR_PEOPLE = ("table", "line")
"""Formats among which words may stand: what a verb answers, how many rows there were."""


@dataclass(frozen=True)
class Style:
    """How rows are written.

    `width`: the terminal's columns; None cuts nothing. `null`: what NULL looks like; None is the
    format's own ('NULL' for people, nothing in csv). `is_terminal`: escape what could steer it.
    `numbers`: give each row of a table its number.
    """

    format: str = "table"
    width: int | None = None
    color: bool = False
    header: bool = True
    null: str | None = None
    is_terminal: bool = False
    numbers: bool = False


def render(columns: Sequence[str], rows: Iterable[Row], style: Style) -> Iterator[str]:
    """The answer in pieces of whole lines."""
    return _WRITERS[style.format](columns, rows, style)


# ---------------------------------------------------------------- for people


def _table(columns: Sequence[str], rows: Iterable[Row], style: Style) -> Iterator[str]:
    return (line + "\n" for line in lines(columns, rows, _look(style)))


def _line(columns: Sequence[str], rows: Iterable[Row], style: Style) -> Iterator[str]:
    return (line + "\n" for line in blocks(columns, rows, _look(style)))


def _look(style: Style) -> Look:
    null = "NULL" if style.null is None else style.null
    return Look(style.width, style.color, escape(null), style.header, style.numbers)


def _markdown(columns: Sequence[str], rows: Iterable[Row], style: Style) -> Iterator[str]:
    """A table of GitHub's Markdown; values in full, a line break in one is <br>."""
    stream = iter(rows)
    first = list(islice(stream, LAYOUT_ROWS))
    names = [_markdown_text(name) for name in columns]
    lines = [[_markdown_cell(value, style) for value in row] for row in first]
    widths = [max(3, *(width(line[i]) for line in [names, *lines])) for i in range(len(names))]
    numbers = [are_numbers([row[i] for row in first]) for i in range(len(names))]

    def line(cells: Sequence[str]) -> str:
        padded = map(pad, cells, widths, numbers)
        return "| " + " | ".join(padded) + " |\n"

    yield line(names)
    rules = (
        "-" * (w - 1) + (":" if right else "-") for w, right in zip(widths, numbers, strict=True)
    )
    yield "| " + " | ".join(rules) + " |\n"
    yield from map(line, lines)
    for row in stream:
        yield line([_markdown_cell(value, style) for value in row])


def _markdown_cell(value: Value, style: Style) -> str:
    return _markdown_text((style.null or "") if value is None else full(value))


def _markdown_text(text: str) -> str:
    text = text.replace("\\", "\\\\").replace("|", "\\|").replace("\r\n", "\n")
    return escape(text, keep="\n").replace("\n", "<br>")


# ---------------------------------------------------------------- csv and tsv


def _csv(columns: Sequence[str], rows: Iterable[Row], style: Style) -> Iterator[str]:
    r"""RFC 4180; NULL is empty, and an empty text is "" to tell the two apart."""
    return _separated(columns, rows, style, ",", "\r\n")


def _tsv(columns: Sequence[str], rows: Iterable[Row], style: Style) -> Iterator[str]:
    r"""As csv, with tabs between the values and plain line ends."""
    return _separated(columns, rows, style, "\t", "\n")


def _separated(
    columns: Sequence[str], rows: Iterable[Row], style: Style, separator: str, end: str
) -> Iterator[str]:
    quoted = re.compile(rf'["{separator}\r\n]|^$|^\s|\s$')

    def line(row: Row) -> str:
        return separator.join(_separated_cell(value, style, quoted) for value in row) + end

    if style.header:
        yield line(columns)
    for row in rows:
        yield line(row)


def _separated_cell(value: Value, style: Style, quoted: re.Pattern[str]) -> str:
    if value is None:
        return style.null or ""
    text = full(value)
    if style.is_terminal:
        text = escape(text, keep="\n\t")
    if isinstance(value, str) and (quoted.search(text) or text == style.null):
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
    "line": _line,
    "csv": _csv,
    "tsv": _tsv,
    "markdown": _markdown,
    "json": _json,
    "jsonl": _jsonl,
}
