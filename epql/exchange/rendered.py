"""Writing rows to a file in a form that queries can be shown in, counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from epql.output.render import Style, render


def write_as(
    name: str, file: IO[bytes], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> int:
    """Write rows in a form of epql/output/render.py; how many."""
    counted = _Counted(rows)
    for piece in render(columns, counted, Style(name)):
        file.write(piece.encode("utf-8", "surrogatepass"))
    return counted.count


class _Counted:
    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Any]:
        for row in self._rows:
            self.count += 1
            yield row
