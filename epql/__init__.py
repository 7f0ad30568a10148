"""EPQL: a temporal knowledge database. What users import; nothing is defined here.

>>> import epql
>>> with epql.connect(":memory:", agent="architect", autocommit=True) as connection:
...     _ = connection.execute("ASSERT ('auth/jwt', 'algorithm', 'RS256') LIFECYCLE APPROVED")
...     connection.execute("SELECT object FROM beliefs LIFECYCLE APPROVED").fetchall()
[('RS256',)]
"""

from __future__ import annotations

from epql import rows
from epql.agent import Ground, Hit
from epql.connection import Connection, connect
from epql.cursor import Cursor
from epql.dbapi import (
    BINARY,
    DATETIME,
    NUMBER,
    ROWID,
    STRING,
    Binary,
    Date,
    DateFromTicks,
    Time,
    TimeFromTicks,
    Timestamp,
    TimestampFromTicks,
    apilevel,
    paramstyle,
    threadsafety,
)
from epql.engine.errors import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Span,
    Warning,  # noqa: A004  PEP 249 gives this name
)
from epql.layout import format  # noqa: A004  the name users know from other formatters
from epql.limits import Limits
from epql.result import Basis

__version__ = "0.1.0"

for _error in (
    DatabaseError, DataError, Error, IntegrityError, InterfaceError, InternalError,
    NotSupportedError, OperationalError, ProgrammingError, Span, Warning,
):  # fmt: skip
    _error.__module__ = "epql"
del _error

__all__ = [
    "BINARY",
    "DATETIME",
    "NUMBER",
    "ROWID",
    "STRING",
    "Basis",
    "Binary",
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Date",
    "DateFromTicks",
    "Error",
    "Ground",
    "Hit",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "Limits",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Span",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
    "Warning",
    "__version__",
    "apilevel",
    "connect",
    "format",
    "paramstyle",
    "rows",
    "threadsafety",
]
