"""What one statement of a connection may take: time, rows, the length of a value."""

from __future__ import annotations

from dataclasses import dataclass

from epql.engine.errors import InterfaceError
from epql.parse.splitter import LENGTH_MAX

_SQLITE_MAX = 1_000_000_000
"""Bytes of a value beyond which SQLite does not go."""


@dataclass(frozen=True)
class Limits:
    """Limits of each statement; None is no limit. Text that nobody vouches for wants all three.

    Units: `time` in seconds while the statement or a fetch of its rows runs; `rows` as they are
    fetched; `length` in bytes of one value or row (an object has up to 1,000,000 characters);
    `statement` in characters of its text.
    Raises: InterfaceError `limit.value`.
    """

    time: float | None = None
    rows: int | None = None
    length: int = 100_000_000
    statement: int = LENGTH_MAX

    def __post_init__(self) -> None:
        if self.time is not None and not (type(self.time) in (int, float) and self.time >= 0):
            raise _wrong("time", self.time, "seconds, or None")
        if self.rows is not None and not (type(self.rows) is int and self.rows >= 0):
            raise _wrong("rows", self.rows, "a number, or None")
        _check_range("length", self.length, 1000, _SQLITE_MAX)
        _check_range("statement", self.statement, 1, LENGTH_MAX)


def _check_range(name: str, value: object, low: int, high: int) -> None:
    if not (isinstance(value, int) and type(value) is int and low <= value <= high):
        raise _wrong(name, value, f"a number from {low:,} to {high:,}")


def _wrong(name: str, value: object, wanted: str) -> InterfaceError:
    return InterfaceError(f"the limit {name} is {wanted}, not {value!r}", code="limit.value")
