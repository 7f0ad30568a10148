"""EPQL: a temporal knowledge database. What users import; nothing is defined here.

>>> import epql
>>> with epql.connect(":memory:", agent="architect", autocommit=True) as connection:
...     _ = connection.execute("ASSERT ('auth/jwt', 'algorithm', 'RS256') LIFECYCLE APPROVED")
...     connection.execute("SELECT object FROM beliefs LIFECYCLE APPROVED").fetchall()
[('RS256',)]
"""

from __future__ import annotations

from epql.agent import Ground, Hit
from epql.connection import Connection, apilevel, connect, paramstyle, threadsafety
from epql.cursor import Cursor
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
from epql.result import Basis

__version__ = "0.1.0"

for _error in (
    DatabaseError, DataError, Error, IntegrityError, InterfaceError, InternalError,
    NotSupportedError, OperationalError, ProgrammingError, Span, Warning,
):  # fmt: skip
    _error.__module__ = "epql"
del _error

__all__ = [
    "Basis",
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Error",
    "Ground",
    "Hit",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Span",
    "Warning",
    "__version__",
    "apilevel",
    "connect",
    "format",
    "paramstyle",
    "threadsafety",
]
