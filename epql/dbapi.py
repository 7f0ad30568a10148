"""What PEP 249 wants of a module: its constants, constructors of values, and kinds of columns.

`description` names the kind of a column as one of STRING, BINARY, NUMBER, DATETIME and ROWID, or
None where nobody can say: the object of an assertion is a text or a number, and what an
expression gives is known only when it is computed. Columns that hold instants are DATETIME: they
come as ISO texts (docs/decisions/0007), which `datetime.fromisoformat` reads.
"""

from __future__ import annotations

from datetime import date, datetime, time

apilevel = "2.0"
threadsafety = 2
paramstyle = "qmark"

Date = date
Time = time
Timestamp = datetime
Binary = bytes


def DateFromTicks(ticks: float) -> date:
    """The local date of a time in seconds since 1970 UTC."""
    return date.fromtimestamp(ticks)


def TimeFromTicks(ticks: float) -> time:
    """The local time of day of a time in seconds since 1970 UTC."""
    return datetime.fromtimestamp(ticks).time()


def TimestampFromTicks(ticks: float) -> datetime:
    """The instant of a time in seconds since 1970 UTC, as a datetime of the local zone."""
    return datetime.fromtimestamp(ticks).astimezone()


class TypeObject:
    """A kind of column; what `description` names it by. There are five."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


STRING = TypeObject("STRING")
BINARY = TypeObject("BINARY")
NUMBER = TypeObject("NUMBER")
DATETIME = TypeObject("DATETIME")
ROWID = TypeObject("ROWID")


def kind_of(declared: str | None) -> TypeObject | None:
    """The kind of a column by its declared type, as SQLite reads types; None: it holds anything.

    >>> kind_of("varchar(20)"), kind_of("INTEGER"), kind_of("TIMESTAMP"), kind_of("")
    (STRING, NUMBER, DATETIME, None)
    """
    words = (declared or "").upper()
    for marks, kind in _KINDS:
        if any(mark in words for mark in marks):
            return kind
    return None


_KINDS = (
    (("INT",), NUMBER),
    (("CHAR", "CLOB", "TEXT"), STRING),
    (("BLOB",), BINARY),
    (("REAL", "FLOA", "DOUB", "NUM", "DEC", "BOOL"), NUMBER),
    (("DATE", "TIME"), DATETIME),
)
"""In SQLite's order of precedence; what it calls numeric is a date where its name says so."""
