"""Where a session stands, said outside of statements: in the engine's URL, or as an option.

    create_engine("epql:///kb.epql?as_of=2026-01-12&lifecycle=approved")
    past = engine.execution_options(epql_as_of="-24h")            every connection of `past`
    connection.execution_options(epql_lifecycle="approved")       this one, until it is closed

Each is a SET of EPQL's, so that a clause in a statement wins (R4), and while a connection stands
in the past it cannot write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy.engine import Dialect
from sqlalchemy.engine.characteristics import ConnectionCharacteristic
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError

import epql

SETTINGS = {
    "as_of": "SET AS OF ?",
    "valid_at": "SET VALID AT ?",
    "lifecycle": "SET LIFECYCLE ?",
    "resolve_by": "SET RESOLVE BY ",
    "purpose": "SET PURPOSE ?",
    "agent": "SET AGENT ?",
    "time_zone": "SET TIME ZONE ?",
}
"""What can be set, and the statement that does."""

_TRANSACTION = re.compile(r"(?i)tx\s*(\d+)$")


def stand(connection: epql.Connection, settings: Mapping[str, Any]) -> None:
    """Carry the settings out. Raises: the errors of SET."""
    for name, value in settings.items():
        statement = SETTINGS[name]
        if isinstance(value, str):
            value = _read(name, value)
        if statement.endswith("?"):
            connection.execute(statement, (value,))
        elif str(value).isalpha():
            connection.execute(statement + str(value))
        else:
            raise ArgumentError(f"{name} is a word, not {value!r}")


def _read(name: str, value: str) -> Any:
    """A text as a URL has it: `TX 42` is a transaction, and states stand between commas."""
    if name == "lifecycle":
        return [state.strip() for state in value.split(",")]
    transaction = _TRANSACTION.match(value) if name == "as_of" else None
    return int(transaction[1]) if transaction else value


class Standing(ConnectionCharacteristic):
    """One setting as an execution option of connections and engines."""

    transactional = True

    def __init__(self, name: str) -> None:
        self.name = name

    def set_characteristic(self, dialect: Dialect, dbapi_conn: DBAPIConnection, value: Any) -> None:
        """SET it on the connection."""
        stand(_connection(dbapi_conn), {self.name: value})

    def reset_characteristic(self, dialect: Dialect, dbapi_conn: DBAPIConnection) -> None:
        """Nothing: whatever was SET ends when a connection goes back to the pool."""

    def get_characteristic(self, dialect: Dialect, dbapi_conn: DBAPIConnection) -> Any:
        """What SHOW tells of it."""
        words = self.name.replace("valid_at", "valid").replace("_", " ")
        row = _connection(dbapi_conn).execute(f"SHOW {words}").fetchone()
        assert row is not None
        return row[1]


def _connection(dbapi_conn: DBAPIConnection) -> epql.Connection:
    return cast(epql.Connection, dbapi_conn)


CHARACTERISTICS = {f"epql_{name}": Standing(name) for name in SETTINGS}
"""The execution options by name."""
