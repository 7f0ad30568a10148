"""What SQLite says of a statement when it has prepared it: columns and parameters; nothing runs.

apsw.ext.query_info tells the same and more, but takes long to load.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

import apsw


class Described(NamedTuple):
    """`columns`: (name, declared type); `origins`: the same with database, table and column."""

    columns: tuple[tuple[str, str | None], ...]
    origins: tuple[tuple[str, str | None, str | None, str | None, str | None], ...]
    parameters: tuple[str | None, ...]


class _Nothing(dict[str, None]):
    """Binds every parameter to NULL."""

    def __missing__(self, name: str) -> None:
        return None


_NOTHING = _Nothing()


def described(db: apsw.Connection, sql: str) -> Described:
    """Prepare one statement. Raises: apsw.Error where SQLite does not take it."""
    found: list[Described] = []

    def look(cursor: apsw.Cursor, _sql: str, _bindings: Any) -> bool:
        columns, origins = cursor.get_description(), cursor.description_full
        found.append(Described(columns, origins, cursor.bindings_names))
        return False

    cursor = db.cursor()
    cursor.exec_trace = look
    with suppress(apsw.ExecTraceAbort):
        # a statement kept from before a table was made anew would say what that one had
        cursor.execute(sql, _NOTHING, can_cache=False)
    return found[0]
