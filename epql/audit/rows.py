"""Rows on their way to a person: what they carry is taken off, counted and digested.

The digest is BLAKE3 over the rows in order, each as msgpack has it, so that 1, 1.0 and '1' differ.
It does not depend on how the rows were fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import msgspec

from epql.audit.seen import Seen
from epql.engine.digest import Hasher, digest
from epql.engine.errors import Error
from epql.engine.reading import Rows
from epql.plan.carried import Carried

Row = tuple[Any, ...]
encoded = msgspec.msgpack.Encoder().encode
"""Rows as they are digested."""
_TOGETHER = 256
"""Rows that are digested at once."""


class RowsDigest:
    """The digest of rows, of which there may be many."""

    __slots__ = ("_first", "_hasher", "count")

    def __init__(self) -> None:
        self._first: bytes | memoryview = b""
        self._hasher: Hasher | None = None
        self.count = 0

    def update(self, rows: list[Row]) -> None:
        """Add rows."""
        if not rows:
            return
        # without the length of the array, so that it does not matter what came together
        data = memoryview(encoded(rows))[_header(len(rows)) :]
        if self.count == 0:
            self._first = data
        else:
            if self._hasher is None:
                self._hasher = Hasher(self._first)
            self._hasher.update(data)
        self.count += len(rows)

    def digest(self) -> bytes:
        """The digest of the rows so far."""
        return digest(self._first) if self._hasher is None else self._hasher.digest()


def _header(length: int) -> int:
    """The bytes before the first item of an array in msgpack."""
    return 1 if length < 16 else 3 if length < 65536 else 5


def digest_of_one(rows: bytes) -> bytes:
    """The digest of an encoded list of one row."""
    return digest(memoryview(rows)[_header(1) :])


NO_ROWS = RowsDigest().digest()
"""The digest of no rows."""

Finish = Callable[["AuditedRows", bool, Error | None], None]
"""Called once, when the rows are used up (True), let go of (False), or ended in an error."""


class AuditedRows:
    """The rows of a query, the last columns of which may be the audit's."""

    __slots__ = (
        "__weakref__", "_behind", "_carried", "_finish", "_rows", "_waiting", "disputed", "seen",
        "told",
    )  # fmt: skip

    def __init__(self, rows: Rows, carried: Carried, seen: Seen, finish: Finish) -> None:
        self._rows = rows
        self._carried = carried
        self._behind = -carried.columns or None
        self._finish: Finish | None = finish
        self._waiting: list[Row] = []
        self.seen = seen
        self.told = RowsDigest()
        self.disputed = False

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        try:
            row = next(self._rows)
        except StopIteration:
            self._end(True)
            raise
        except Error as error:
            self._end(False, error)
            raise
        waiting = self._waiting
        waiting.append(row)
        if len(waiting) >= _TOGETHER:
            self._take_waiting()
        return row[: self._behind]

    def rest(self) -> list[Row]:
        """All rows that are left."""
        try:
            rows = self._rows.rest()
        except Error as error:
            self._end(False, error)
            raise
        if self._waiting:
            self._take_waiting()
        rows = self._take(rows)
        self._end(True)
        return rows

    def close(self) -> None:
        """Let go of the rows."""
        self._rows.close()
        self._end(False)

    def settle(self) -> None:
        """End the record here, because what the rows name may be undone; rows may still follow."""
        self._end(False)

    def __del__(self) -> None:
        if self._finish is not None:
            with suppress(Exception):  # nobody is left to tell
                self.close()

    def _take_waiting(self) -> None:
        rows, self._waiting = self._waiting, []
        self._take(rows)

    def _take(self, rows: list[Row]) -> list[Row]:
        """Note what rows show, and digest them; the rows as a person has them."""
        behind, carried = self._behind, self._carried
        if behind is not None:
            for place in range(behind, -carried.counted):
                marks = [row[place] for row in rows]
                self.seen.exact(marks)
                if place in carried.unchosen:
                    self.seen.without_choice(marks)
            rows = [row[:behind] for row in rows]
        if carried.disputed is not None and any(row[carried.disputed] for row in rows):
            self.disputed = True
        self.told.update(rows)
        return rows

    def _end(self, complete: bool, error: Error | None = None) -> None:
        finish, self._finish = self._finish, None
        if finish is not None:
            if self._waiting:
                self._take_waiting()
            finish(self, complete, error)
