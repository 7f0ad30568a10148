"""One-row questions to SQLite, typed."""

from __future__ import annotations

from typing import Any

import apsw

Row = tuple[Any, ...]


def first(db: apsw.Connection, sql: str, params: Any = ()) -> Row | None:
    """The first row, or None."""
    return db.execute(sql, params).fetchone()


def only(db: apsw.Connection, sql: str, params: Any = ()) -> Row:
    """The row that must be there."""
    row = first(db, sql, params)
    assert row is not None, sql
    return row
