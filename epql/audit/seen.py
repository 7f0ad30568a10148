"""Which assertions an answer showed, and in which state: within bounds, each once.

A row of beliefs, assertions or history names its assertion by the number it has in the index,
times sixteen, plus the code of its state; a row of changes names both sides by their digests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from operator import itemgetter, length_hint
from typing import Any

from epql.engine.audit.record import EXACT, SCANNED
from epql.engine.database import Database
from epql.engine.lookup import digests_of
from epql.engine.vtab.context import Watcher
from epql.plan.carried import Carried
from epql.queries import NOBODY

Read = tuple[bytes, int, str]
"""Digest of an assertion, code of its state, EXACT or SCANNED."""

Values = tuple[Any, ...]
Mark = Callable[[Values], Any]
"""Finds in a row of a virtual table which assertion it shows."""

READS_MAX = 1000
"""Assertions kept of one answer; the others are counted."""

_TOGETHER = 256
"""Rows of a virtual table that are looked at together, once many have been."""
_DIGEST = 32
_SIDE = _DIGEST + 1


class Seen:
    """What one answer showed. `more`: seen once there was no room; one may count twice there.

    `unchosen`: codes of the states seen where none were chosen, if they were elsewhere.
    """

    __slots__ = ("_ahead", "_exact", "_more", "_reading", "_scanned", "unchosen")

    def __init__(self) -> None:
        self._exact: dict[Any, None] = {}
        self._scanned: dict[Any, None] = {}
        self._reading: dict[int, tuple[list[Values], Iterator[Values], Mark]] = {}
        self._ahead: list[int] = []
        self._more = 0
        self.unchosen: set[int] = set()

    def watchers(self, carried: Carried) -> Mapping[int, Watcher]:
        """What is to see the rows of which uses."""
        return dict.fromkeys(carried.scanned, self._watch) if carried.scanned else NOBODY

    def exact(self, marks: list[Any]) -> None:
        """Note what stands behind the rows."""
        self._more += _note(self._exact, marks)

    def without_choice(self, marks: list[Any]) -> None:
        """Note the states seen in a table that chose none, beside others that did."""
        for mark in dict.fromkeys(marks):
            if type(mark) is int:
                self.unchosen.add(mark & 15)
            elif mark is not None:
                self.unchosen.update(read[1] for read in _sides(mark, EXACT))

    def _watch(self, rows: Iterator[Values], place: int) -> Iterator[Values]:
        """The rows of a virtual table as they are; what SQLite has taken of them is noted."""
        return chain.from_iterable(self._taken_of(rows, itemgetter(place)))

    def _taken_of(self, rows: Iterator[Values], mark: Mark) -> Iterator[Iterator[Values]]:
        for chunk in _chunks(rows):
            left = iter(chunk)
            self._reading[id(left)] = (chunk, left, mark)
            try:
                yield left
            finally:  # also where nobody goes on to the next chunk
                del self._reading[id(left)]
                self._take(chunk, left, mark)

    def _take(self, chunk: list[Values], left: Iterator[Values], mark: Mark) -> None:
        taken = len(chunk) - length_hint(left)
        self._more += _note(self._scanned, list(map(mark, chunk[:taken])))

    def sum_up(self, mark: int) -> None:
        """Note an assertion that a fused plan has summed up."""
        self._ahead.append(mark)
        if len(self._ahead) >= _TOGETHER:
            self._take_ahead()

    def _take_ahead(self) -> None:
        self._more += _note(self._scanned, self._ahead)
        self._ahead.clear()

    def reads(self, database: Database) -> tuple[tuple[Read, ...], int]:
        """The first assertions seen, and how many there are in all."""
        if self._ahead:
            self._take_ahead()
        if self._reading:
            for reading in self._reading.values():
                self._take(*reading)
        exact = _told(database, self._exact, EXACT)
        if not self._scanned:
            return exact[:READS_MAX], len(exact) + self._more
        known = {read[:2] for read in exact}
        others = [read for read in _told(database, self._scanned, SCANNED) if read[:2] not in known]
        return (*exact, *others)[:READS_MAX], len(exact) + len(others) + self._more


def _chunks(rows: Iterator[Values]) -> Iterator[list[Values]]:
    """Rows in lists that grow: who stops early has not paid for many."""
    size = 4
    while chunk := list(islice(rows, size)):
        yield chunk
        size = min(2 * size, _TOGETHER)


def _note(noted: dict[Any, None], marks: list[Any]) -> int:
    """Note marks while there is room; how many there was none for. None is no mark."""
    if len(noted) < READS_MAX:
        noted.update(dict.fromkeys(marks[:READS_MAX]))
        noted.pop(None, None)
        if len(marks) <= READS_MAX:
            return 0
        marks = marks[READS_MAX:]
    more = set(marks)
    more.discard(None)
    return len(more.difference(noted))


def _told(database: Database, marks: Mapping[Any, None], via: str) -> tuple[Read, ...]:
    found: Mapping[int, bytes] = database.digests
    try:
        return tuple([(found[mark >> 4], mark & 15, via) for mark in marks])
    except (KeyError, TypeError):  # some were not read lately, or there are sides of changes
        numbers = [mark for mark in marks if type(mark) is int]
    found = digests_of(database, [number >> 4 for number in numbers])
    reads = [(found[n >> 4], n & 15, via) for n in numbers if n >> 4 in found]
    for mark in marks:
        if type(mark) is bytes:
            reads += _sides(mark, via)
    return tuple(dict.fromkeys(reads))


def _sides(mark: bytes, via: str) -> tuple[Read, ...]:
    first = mark[:_DIGEST], mark[_DIGEST], via
    if len(mark) == _SIDE:
        return (first,)
    return first, (mark[_SIDE:-1], mark[-1], via)
