"""The rows of a read that comes again: the inner side of a join, once for each row of the outer.

SQLite makes no index of a virtual table, so `FROM commits c LEFT JOIN why(…) w ON …` reads `why`
anew for each commit. Within one statement the same read gives the same rows: when it comes for
the second time they are kept as it goes, and handed out from the third on.
"""

from __future__ import annotations

from collections.abc import Iterator
from sys import getsizeof
from typing import Any

Row = tuple[Any, ...]

KEPT_BYTES_MAX = 2**20
"""Of one cursor's rows; larger reads run each time."""


class Again:
    """What one cursor, which lives as long as its statement runs, has read last."""

    __slots__ = ("_asked", "_rows")

    def __init__(self) -> None:
        self._asked: Row = ()
        self._rows: list[Row] | None = None

    def rows(self, asked: Row) -> Iterator[Row] | None:
        """The rows of a read, if they are kept."""
        if self._rows is None or asked != self._asked:
            return None
        return iter(self._rows)

    def passing(self, asked: Row, rows: Iterator[Row]) -> Iterator[Row]:
        """The rows of a read that runs, kept if it runs again."""
        if asked == self._asked:
            return self._keeping(rows)
        self._asked, self._rows = asked, None
        return rows

    def _keeping(self, rows: Iterator[Row]) -> Iterator[Row]:
        kept: list[Row] = []
        room = KEPT_BYTES_MAX
        for row in rows:
            room -= getsizeof(row) + sum(map(getsizeof, row))
            if room < 0:
                yield row
                yield from rows
                return
            kept.append(row)
            yield row
        self._rows = kept


def asked(text: str, values: Row) -> Row:
    """A read by its idxStr and arguments; 1 and 1.0 are not the same argument everywhere."""
    return (text, values, *map(type, values))
