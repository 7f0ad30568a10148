"""What a person's SQL may do on its SQLite connection: what stands here, and nothing else.

The planner writes that SQL itself, from names it has looked up and with every value as a
parameter. This is the second wall behind it: SQLite asks for each table, function and action of
a statement, and what is not listed is denied (docs/decisions/0036).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import apsw

from epql.engine.functions import FUNCTIONS
from epql.engine.fused import INTERNAL, SAW
from epql.engine.index.schema import TABLES
from epql.engine.vtab import show
from epql.engine.vtab.register import RELATIONS

TABLE_FUNCTIONS = ("json_each", "json_tree")
"""Table functions of SQLite that a query may use."""

READ = INTERNAL.union(TABLE_FUNCTIONS)
"""What a fused plan may read."""

_ALWAYS = frozenset((apsw.SQLITE_SELECT, apsw.SQLITE_RECURSIVE))
_DEFINING = frozenset(
    (
        apsw.SQLITE_CREATE_TEMP_TABLE,
        apsw.SQLITE_CREATE_TEMP_INDEX,
        apsw.SQLITE_DROP_TEMP_TABLE,
        apsw.SQLITE_DROP_TEMP_INDEX,
        apsw.SQLITE_REINDEX,
    )
)
_CHANGING = frozenset((apsw.SQLITE_INSERT, apsw.SQLITE_UPDATE, apsw.SQLITE_DELETE))
_SCHEMA_READ = frozenset(("name", "type", "tbl_name", "rootpage", "ROWID"))
_SCRATCH_SCHEMA = "sqlite_temp_master"
_SEQUENCE = "sqlite_sequence"


@contextmanager
def _meanwhile(guard: object, name: str) -> Iterator[None]:
    """Something is so until the block ends, however that is."""
    before = getattr(guard, name)
    setattr(guard, name, True)
    try:
        yield
    finally:
        setattr(guard, name, before)


class IndexGuard:
    """The authorizer of the index: while a fused plan is prepared, it may read the tables that its
    relations are made of and call a person's functions, and nothing else."""

    def __init__(self, db: apsw.Connection) -> None:
        self._is_person = False
        db.authorizer = self._may

    def person(self) -> AbstractContextManager[None]:
        """What is prepared meanwhile is a person's query."""
        return _meanwhile(self, "_is_person")

    def _may(
        self,
        action: int,
        first: str | None,
        second: str | None,
        database: str | None,
        _: str | None,
    ) -> int:
        is_allowed = not self._is_person or self._is_allowed(action, first or "", second or "")
        return apsw.SQLITE_OK if is_allowed else apsw.SQLITE_DENY

    @staticmethod
    def _is_allowed(action: int, first: str, second: str) -> bool:
        if action == apsw.SQLITE_READ:
            # where no column is read, SQLite names common tables here, too
            is_known = first in TABLES or first.startswith("sqlite_")
            return first in READ or (second == "" and not is_known)
        if action == apsw.SQLITE_FUNCTION:
            return second.lower() in FUNCTIONS or second in (*show.FUNCTIONS, SAW)
        return action in _ALWAYS


class Guard:
    """The authorizer of one connection. To be set last, behind all configuration."""

    def __init__(self, db: apsw.Connection) -> None:
        self._is_ours = False
        self._is_defining = False
        self._modules = frozenset(name.lower() for (name,) in db.execute("PRAGMA module_list"))
        db.authorizer = self._may

    def ours(self) -> AbstractContextManager[None]:
        """What runs meanwhile is a statement of the engine's own, with nothing of a person's."""
        return _meanwhile(self, "_is_ours")

    def defining(self) -> AbstractContextManager[None]:
        """What runs meanwhile may make and drop scratch tables and their indexes."""
        return _meanwhile(self, "_is_defining")

    def _may(
        self,
        action: int,
        first: str | None,
        second: str | None,
        database: str | None,
        _: str | None,
    ) -> int:
        allowed = self._is_ours or self._is_allowed(action, first or "", second or "", database)
        return apsw.SQLITE_OK if allowed else apsw.SQLITE_DENY

    def _is_allowed(self, action: int, first: str, second: str, database: str | None) -> bool:
        if action in _ALWAYS:
            return True
        if action == apsw.SQLITE_READ:
            return self._may_read(first.lower(), second, database)
        if action == apsw.SQLITE_FUNCTION:
            return second.lower() in FUNCTIONS
        if action in _CHANGING:
            is_schema = first.lower().startswith("sqlite_")
            return database == "temp" and (self._is_defining or not is_schema)
        if action == apsw.SQLITE_CREATE_TABLE:  # of AUTOINCREMENT; SQLite calls it so
            return self._is_defining and database == "temp" and first == _SEQUENCE
        return self._is_defining and action in _DEFINING

    def _may_read(self, table: str, column: str, database: str | None) -> bool:
        if database == "temp":
            if table in (_SCRATCH_SCHEMA, _SEQUENCE):
                return self._is_defining and column in _SCHEMA_READ
            return not table.startswith("sqlite_")
        if table in RELATIONS or table in TABLE_FUNCTIONS:
            return True
        # where no column is read, SQLite names common tables here, too
        is_known = table in self._modules or table.startswith(("sqlite_", "pragma_"))
        return column == "" and not is_known
