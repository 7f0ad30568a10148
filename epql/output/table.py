"""Rows as an aligned table, or, where no table fits, as a block of lines for each row. Pure.

A layout is made from the first rows (LAYOUT_ROWS) and kept, so that a long answer streams. Text
gives way when the screen is narrow; numbers, instants and ids do not, for they say nothing once
they are cut. Where even that does not fit, each row is a block of `column  value` lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from epql.output.cells import Value, cut, escape, full, is_rigid, pad, short, width

LAYOUT_ROWS = 1000
GAP = "  "
_TEXT_MIN = 12
"""A text column is not made narrower than this, unless it is anyway."""

CHANGE_COLORS = {"ADDED": "32", "REMOVED": "31", "CHANGED": "33"}
"""Of rows by their column `change`, which DIFF gives them."""

Row = Sequence[Value]


@dataclass(frozen=True)
class Look:
    """How a table looks. `width` None: as wide as it needs, nothing cut. `numbers`: of rows."""

    width: int | None = None
    color: bool = False
    null: str = "NULL"
    header: bool = True
    numbers: bool = False

    def dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self.color and text else text

    def bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.color and text else text

    def change(self, text: str, change: Value) -> str:
        """A row of a DIFF in the colour of its change."""
        color = CHANGE_COLORS.get(change) if self.color and isinstance(change, str) else None
        return f"\x1b[{color}m{text}\x1b[0m" if color else text


@dataclass(frozen=True)
class Layout:
    """Columns' widths, and which are numbers (right-aligned)."""

    widths: tuple[int, ...]
    numbers: tuple[bool, ...]


def lines(columns: Sequence[str], rows: Iterable[Row], look: Look) -> Iterator[str]:
    """The lines of a table, without line ends."""
    stream = iter(rows)
    first = list(islice(stream, LAYOUT_ROWS))
    titles = ["row", *columns] if look.numbers else columns
    layout = lay_out(titles, list(_numbered(first, look)), look)
    if layout is None:
        yield from blocks(columns, chain(first, stream), look)
        return
    columns = titles
    if look.header:
        yield from _head(columns, layout, look)
    change, plain = _change_column(columns), replace(look, color=False)
    for row in _numbered(chain(first, stream), look):
        if change is not None and row[change] in CHANGE_COLORS:
            yield look.change(_line(row, layout, plain), row[change])
        else:
            yield _line(row, layout, look)


def _numbered(rows: Iterable[Row], look: Look) -> Iterable[Row]:
    return ((n, *row) for n, row in enumerate(rows, start=1)) if look.numbers else rows


def _change_column(columns: Sequence[str]) -> int | None:
    return list(columns).index("change") if "change" in columns else None


def lay_out(columns: Sequence[str], rows: Sequence[Row], look: Look) -> Layout | None:
    """The widths that the rows need and the screen allows; None when no table fits."""
    natural, least, numbers = [], [], []
    for place, name in enumerate(columns):
        values = [row[place] for row in rows]
        title = width(escape(name)) if look.header else 1
        needed = max([title, *(width(short(value, look.null)) for value in values)])
        filled = [value for value in values if value is not None]
        is_number = are_numbers(filled)
        rigid = is_number or any(map(is_rigid, filled))
        natural.append(needed)
        least.append(needed if rigid else min(needed, _TEXT_MIN))
        numbers.append(is_number)
    if look.width is None:
        return Layout(tuple(natural), tuple(numbers))
    room = look.width - len(GAP) * (len(columns) - 1)
    if sum(least) > room:
        return None
    return Layout(tuple(shrink(natural, least, room)), tuple(numbers))


def are_numbers(values: Sequence[Value]) -> bool:
    """Whether a column is one of numbers; NULLs do not count."""
    filled = [value for value in values if value is not None]
    return bool(filled) and all(isinstance(value, (int, float)) for value in filled)


def shrink(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths that fit: the widest columns give way first, none below its least.

    >>> shrink([40, 10, 30], [12, 10, 12], 60)
    [25, 10, 25]
    """
    widths = list(natural)
    while (excess := sum(widths) - room) > 0:
        loose = [place for place, w in enumerate(widths) if w > least[place]]
        if not loose:
            break
        widest = max(widths[place] for place in loose)
        ties = [place for place in loose if widths[place] == widest]
        below = [widths[place] for place in loose if widths[place] < widest]
        floor = max([*below, *(least[place] for place in ties)])
        step = max(1, min(widest - floor, excess // len(ties)))
        for place in ties[: excess if step == 1 else None]:
            widths[place] -= step
    return widths


def _head(columns: Sequence[str], layout: Layout, look: Look) -> Iterator[str]:
    titles = [
        pad(cut(escape(name), columns_wide), columns_wide, right=is_number)
        for name, columns_wide, is_number in zip(
            columns, layout.widths, layout.numbers, strict=True
        )
    ]
    yield look.bold(GAP.join(titles).rstrip())
    yield look.dim(GAP.join("─" * columns_wide for columns_wide in layout.widths))


def _line(row: Row, layout: Layout, look: Look) -> str:
    cells = []
    last = len(row) - 1
    for place, value in enumerate(row):
        wide, is_number = layout.widths[place], layout.numbers[place]
        text = short(value, look.null)
        if not is_rigid(value) and look.width is not None:
            text = cut(text, wide)
        blanks = " " * (wide - width(text))
        if value is None:
            text = look.dim(text)
        cells.append(blanks + text if is_number else text if place == last else text + blanks)
    return GAP.join(cells).rstrip(" ") if not look.color else GAP.join(cells)


def blocks(columns: Sequence[str], rows: Iterable[Row], look: Look) -> Iterator[str]:
    """Each row as a block, one line for each column."""
    change = _change_column(columns)
    names = [escape(name) for name in columns]
    wide = max(map(width, names))
    room = look.width or 80
    for number, row in enumerate(rows, start=1):
        title = f"── row {number} "
        rule = title + "─" * max(0, min(room, 60) - len(title))
        is_change = change is not None and row[change] in CHANGE_COLORS
        yield look.change(rule, row[change]) if is_change and change is not None else look.dim(rule)
        for name, value in zip(names, row, strict=True):
            first, *more = _value_lines(value, look, room - wide - len(GAP))
            yield look.bold(pad(name, wide)) + GAP + first
            for line in more:
                yield " " * wide + GAP + line


def _value_lines(value: Value, look: Look, room: int) -> list[str]:
    """A value in full, folded to the room; line breaks in it stay."""
    if value is None:
        return [look.dim(look.null)]
    text = short(value) if is_rigid(value) else escape(full(value), keep="\n")
    return [part for line in text.split("\n") for part in fold(line, max(room, 8))]


def fold(text: str, limit: int) -> list[str]:
    """The text in pieces of at most `limit` columns, broken at blanks where there are any.

    >>> fold("the quick brown fox", 10)
    ['the quick', 'brown fox']
    """
    if width(text) <= limit:
        return [text]
    pieces: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if width(longer) <= limit:
            line = longer
            continue
        if line:
            pieces.append(line)
        line = word
        while width(line) > limit:
            head = cut(line, limit + 1)[:-1]
            pieces.append(head)
            line = line[len(head) :]
    pieces.append(line)
    return pieces
