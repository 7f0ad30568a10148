"""CSV: cells between commas (or semicolons), names in the first line.

Read as RFC 4180 and spreadsheets have it: quotes, line breaks within them, a byte order mark,
any line ends. An empty cell is no value. Written as the output of queries is. TSV is the same
with tabs (tabbed.py).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import IO, Any

from epql.engine.content import OBJECT_MAX
from epql.engine.errors import DataError, Error
from epql.exchange.files import BOM, Source, check_encoding, decoded
from epql.exchange.formats import Reading, Row, Table
from epql.exchange.rendered import write_as


def read(source: Source, reading: Reading) -> Table:
    """The rows of a CSV file."""
    return table(source, reading, ",")


def write(file: IO[bytes], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write rows as CSV."""
    return write_as("csv", file, columns, rows)


def table(source: Source, reading: Reading, delimiter: str) -> Table:
    """The rows of a file of cells. Raises: DataError `import.*` for a header that cannot be."""
    lines = _Lines(source)
    notices = []
    if delimiter == "," and lines.is_semicolons():
        delimiter = ";"
        notices.append("its cells stand between semicolons")
    csv.field_size_limit(4 * OBJECT_MAX)  # the module's own limit is smaller than an object's
    cells = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        first = next(cells, None)
    except csv.Error as error:
        raise _bad(str(error)) from error
    if first is None:
        return Table((), iter(()), [*notices, "the file is empty"])
    if reading.has_header:
        names = _names(first)
        rows = _rows(cells, lines, names)
    else:
        names = tuple(str(number) for number in range(1, len(first) + 1))
        rows = _with_first(first, _rows(cells, lines, names), names)
    return Table(tuple(name for name in names if name), rows, notices)


class _Lines:
    """The lines of a file as text. It goes on behind a line that is not UTF-8."""

    def __init__(self, source: Source) -> None:
        self._lines = source.lines()
        self.number = 0
        self._first = next(self._lines, b"")
        check_encoding(self._first)
        self._first = self._first.removeprefix(BOM)

    def is_semicolons(self) -> bool:
        """Whether the first line has semicolons where commas should be."""
        return b";" in self._first and b"," not in self._first

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        first, self._first = self._first, b""
        line = first or next(self._lines)
        self.number += 1
        return decoded(line)


def _names(first: Sequence[str]) -> tuple[str, ...]:
    """The columns; one without a name is ''. Raises: DataError `import.columns`."""
    names = tuple(name.strip() for name in first)
    for name in names:
        if name and names.count(name) > 1:
            raise DataError(
                f"two columns are called {name!r}",
                code="import.columns",
                hint="give each column a name of its own, or say NO HEADER",
            )
    return names


def _rows(
    cells: Iterator[list[str]], lines: _Lines, names: tuple[str, ...]
) -> Iterator[tuple[int, Row | Error]]:
    for _ in count():
        number = lines.number + 1
        try:
            row = next(cells, None)
            if row is None:
                return
            if row:
                yield number, _row(row, names)
        except csv.Error as error:
            yield number, _bad(str(error))
        except DataError as error:
            yield max(number, lines.number), error


def _with_first(
    first: list[str], rest: Iterator[tuple[int, Row | Error]], names: tuple[str, ...]
) -> Iterator[tuple[int, Row | Error]]:
    yield 1, _row(first, names)
    yield from rest


def _row(row: list[str], names: tuple[str, ...]) -> Row:
    if len(row) != len(names):
        raise _bad(f"the row has {len(row)} cells, the first line {len(names)}")
    found: Row = {}
    for name, cell in zip(names, row, strict=True):
        if name:
            found[name] = cell or None
        elif cell:
            raise _bad("a cell stands in a column that has no name")
    return found


def _bad(message: str) -> DataError:
    return DataError(message, code="import.row", hint="cells with quotes or commas stand in quotes")
