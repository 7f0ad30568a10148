"""What one statement of a connection may take: time, rows, memory, lengths."""

from __future__ import annotations

from dataclasses import dataclass

from epql.engine.errors import InterfaceError
from epql.parse.splitter import LENGTH_MAX

_SQLITE_MAX = 1_000_000_000
"""Bytes of a value beyond which SQLite does not go."""


@dataclass(frozen=True)
class Limits:
    """Limits of each statement; None is no limit. `Limits.untrusted()` has all of them.

    Units: `time` in seconds while the statement or a fetch of its rows runs; `rows` as they are
    fetched; `length` in bytes of one value or row (an object has up to 1,000,000 characters);
    `statement` in characters of its text; `memory` in bytes: by how much SQLite's memory may grow
    while it runs, how large the rows that one fetch returns may be, and all scratch tables;
    `depth` in levels of an expression, of which each OR of a chain is one. `files`: whether
    statements may read and write files (EXPORT, IMPORT, BACKUP, RESTORE) and verify them.
    Raises: InterfaceError `limit.value`.
    Source: docs/reference/connector.md, "Limits"; docs/decisions/0037-memory-of-a-statement.md.
    """

    time: float | None = None
    rows: int | None = None
    length: int = 100_000_000
    statement: int = LENGTH_MAX
    memory: int | None = None
    depth: int = 1000
    files: bool = True

    @classmethod
    def untrusted(cls) -> Limits:
        """For statements that nobody vouches for: 1 s, 10,000 rows, 1 MB, 100 kB, 128 MB.

        They name no files, either.
        """
        return cls(1.0, 10_000, 1_000_000, 100_000, 128_000_000, 100, files=False)

    def __post_init__(self) -> None:
        if self.time is not None and not (type(self.time) in (int, float) and self.time >= 0):
            raise _wrong("time", self.time, "seconds, or None")
        if self.rows is not None and not (type(self.rows) is int and self.rows >= 0):
            raise _wrong("rows", self.rows, "a number, or None")
        if self.memory is not None:
            _check_range("memory", self.memory, 1_000_000, 1 << 50)
        if type(self.files) is not bool:
            raise _wrong("files", self.files, "True or False")
        _check_range("depth", self.depth, 10, 1000)
        _check_range("length", self.length, 1000, _SQLITE_MAX)
        _check_range("statement", self.statement, 1, LENGTH_MAX)


def _check_range(name: str, value: object, low: int, high: int) -> None:
    if not (isinstance(value, int) and type(value) is int and low <= value <= high):
        raise _wrong(name, value, f"a number from {low:,} to {high:,}")


def _wrong(name: str, value: object, wanted: str) -> InterfaceError:
    return InterfaceError(f"the limit {name} is {wanted}, not {value!r}", code="limit.value")
