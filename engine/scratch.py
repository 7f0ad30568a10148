"""The scratch tables of a connection: SQLite's temporary tables, where a person's SQL runs.

That is a SQLite connection of its own (session.py), so nothing that becomes of a transaction, of
the index or of its tables' names touches them, and the other way round (docs/decisions/0017).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import apsw

from epql.engine.errors import IntegrityError
from epql.engine.guard import Guard
from epql.engine.turns import Turns

_NAMES = """
SELECT name FROM temp.sqlite_schema
WHERE type = ? AND sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
"""
_COLUMNS = "SELECT name, nullif(type, '') FROM pragma_table_xinfo(?, 'temp') WHERE hidden <> 1"
_PAGE = 4096
_PAGES_MAX = 4_294_967_294


class Scratch:
    """The scratch tables of one SQLite connection."""

    def __init__(self, db: apsw.Connection, turns: Turns, guard: Guard) -> None:
        self._db = db
        self._turns = turns
        self._guard = guard

    def limit(self, memory_bytes: int | None) -> None:
        """All of them together take no more than so many bytes."""
        pages = _PAGES_MAX if memory_bytes is None else max(memory_bytes // _PAGE, 1)
        with self._guard.ours():
            self._db.execute(f"PRAGMA temp.max_page_count={pages}")

    def tables(self) -> list[str]:
        """Their names."""
        return self._names("table")

    def indexes(self) -> list[str]:
        """The names of the indexes on them."""
        return self._names("index")

    def _names(self, kind: str) -> list[str]:
        with self._guard.ours():
            return [name for (name,) in self._db.execute(_NAMES, (kind,))]

    def columns(self, table: str) -> list[tuple[str, str | None]]:
        """The columns of one with their declared types."""
        with self._guard.ours():
            return list(self._db.execute(_COLUMNS, (table,)))

    def defining(self) -> AbstractContextManager[None]:
        """What runs meanwhile may make and drop them."""
        return self._guard.defining()

    @contextmanager
    def all_or_nothing(self, *, unless_refused: bool = False) -> Iterator[None]:
        """Around statements that change rows: what they wrote stays, or nothing of it.

        `unless_refused`: what a single statement leaves when a constraint refuses a row is
        SQLite's business, for OR FAIL keeps the rows before it.
        """
        with self._guard.ours():
            self._db.execute("SAVEPOINT epql_scratch")
        is_kept = False
        try:
            yield
            is_kept = True
        except IntegrityError:
            is_kept = unless_refused
            raise
        finally:
            with self._turns.shielded(), self._guard.ours():
                if self._db.in_transaction:  # OR ROLLBACK has ended it
                    if not is_kept:
                        self._db.execute("ROLLBACK TO epql_scratch")
                    self._db.execute("RELEASE epql_scratch")


def refused(error: apsw.ConstraintError) -> IntegrityError:
    """A constraint of a scratch table that a row does not meet."""
    text = str(error).removeprefix("ConstraintError: ")
    return IntegrityError(text, code="scratch.constraint")
