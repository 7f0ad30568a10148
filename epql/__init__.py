"""EPQL: a temporal knowledge database. What users import; nothing is defined here.

>>> import epql
>>> with epql.connect(":memory:", agent="architect", autocommit=True) as connection:
...     _ = connection.execute("ASSERT ('auth/jwt', 'algorithm', 'RS256') LIFECYCLE APPROVED")
...     connection.execute("SELECT object FROM beliefs LIFECYCLE APPROVED").fetchall()
[('RS256',)]
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from epql import rows
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

if TYPE_CHECKING:
    from epql import aio
    from epql.agent import Ground, Hit
    from epql.connection import Connection, connect
    from epql.cursor import Cursor
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


_LATER = {
    "Basis": "result", "Connection": "connection", "Cursor": "cursor", "Ground": "agent",
    "Hit": "agent", "Limits": "limits", "aio": "aio", "connect": "connection", "format": "layout",
}  # fmt: skip
"""What needs the whole connector, with its module: loaded when it is first used, so that
whoever only imports epql (a tool's plugin, the command line's help, the Tab key) need not wait."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'epql' has no attribute {name!r}")
    module = _LATER[name]
    found = import_module(f"epql.{module}")
    globals()[name] = found if module == name else getattr(found, name)
    return globals()[name]


def __dir__() -> list[str]:
    return __all__


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
    "aio",
    "apilevel",
    "connect",
    "format",
    "paramstyle",
    "rows",
    "threadsafety",
]
