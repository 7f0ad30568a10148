"""Which assertions an answer showed, and in which state: within bounds, each once.

A row of beliefs, assertions or history names its assertion by the number it has in the index,
times sixteen, plus the code of its state; a row of changes names both sides by their digests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from epql.engine.audit.record import EXACT, SCANNED
from epql.engine.database import Database
from epql.engine.lookup import digests_of

Read = tuple[bytes, int, str]
"""Digest of an assertion, code of its state, EXACT or SCANNED."""

READS_MAX = 1000
"""Assertions kept of one answer; the others are counted."""

_DIGEST = 32


class Seen:
    """What one answer showed. `more`: seen once there was no room; one may count twice there."""

    def __init__(self) -> None:
        self._exact: dict[Any, None] = {}
        self._scanned: dict[Any, None] = {}
        self._more = 0

    def exact(self, marks: Iterable[Any]) -> None:
        """Note what stands behind the rows."""
        self._more += _note(self._exact, marks)

    def watch(self, rows: Iterator[tuple[Any, ...]], place: int) -> Iterator[tuple[Any, ...]]:
        """The rows of a virtual table as they are; what stands at the place is noted."""
        noted = self._scanned
        for row in rows:
            mark = row[place]
            if mark not in noted:
                if len(noted) < READS_MAX:
                    noted[mark] = None
                else:
                    self._more += 1
            yield row

    def reads(self, database: Database) -> tuple[tuple[Read, ...], int]:
        """The first assertions seen, and how many there are in all."""
        exact = _told(database, self._exact, EXACT)
        if not self._scanned:
            return exact[:READS_MAX], len(exact) + self._more
        known = {read[:2] for read in exact}
        others = [read for read in _told(database, self._scanned, SCANNED) if read[:2] not in known]
        return (*exact, *others)[:READS_MAX], len(exact) + len(others) + self._more


def _note(noted: dict[Any, None], marks: Iterable[Any]) -> int:
    """Note marks while there is room; how many there was none for. None is no mark."""
    marks = dict.fromkeys(marks)
    marks.pop(None, None)
    if len(noted) + len(marks) <= READS_MAX:
        noted.update(marks)
        return 0
    new = [mark for mark in marks if mark not in noted]
    room = READS_MAX - len(noted)
    noted.update(dict.fromkeys(islice(new, room)))
    return len(new) - room


def _told(database: Database, marks: Iterable[Any], via: str) -> tuple[Read, ...]:
    numbers = [mark for mark in marks if type(mark) is int]
    found = digests_of(database, [number >> 4 for number in numbers])
    reads = [(found[n >> 4], n & 15, via) for n in numbers if n >> 4 in found]
    for mark in marks:
        if type(mark) is bytes:
            reads += _sides(mark, via)
    return tuple(dict.fromkeys(reads))


def _sides(mark: bytes, via: str) -> Sequence[Read]:
    size = _DIGEST + 1
    sides = [mark[start : start + size] for start in range(0, len(mark), size)]
    return [(side[:_DIGEST], side[_DIGEST], via) for side in sides]
