"""The scratch tables of a connection: SQLite's temporary tables, outside all transactions.

They live in the index's connection, so that they join with everything, and therefore inside its
SQLite transactions, too: what rolls those back would take scratch rows along. `kept` puts them
back, so that COMMIT and ROLLBACK are about beliefs alone (docs/decisions/0017).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import apsw

from epql.engine.errors import IntegrityError

_SCHEMA = """
SELECT name, sql FROM temp.sqlite_schema
WHERE type = ? AND sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
"""


class _Table(NamedTuple):
    """A scratch table with its rows. `columns`: those that are not computed."""

    name: str
    sql: str
    columns: Sequence[str]
    rows: list[tuple[Any, ...]]


class Scratch:
    """The scratch tables of one SQLite connection."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._is_at_risk = False

    def tables(self) -> list[str]:
        """Their names."""
        return [name for name, _ in self._db.execute(_SCHEMA, ("table",))]

    def indexes(self) -> list[str]:
        """The names of the indexes on them."""
        return [name for name, _ in self._db.execute(_SCHEMA, ("index",))]

    def changes(self) -> int:
        """Rows that the last INSERT, UPDATE or DELETE changed."""
        return self._db.changes()

    def note_change(self) -> None:
        """Something was written; inside a transaction it needs to be kept."""
        self._is_at_risk |= self._db.in_transaction

    def settle(self) -> None:
        """The transaction is committed: nothing can take its scratch rows back."""
        self._is_at_risk = False

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Around statements that change rows: what they wrote stays, or nothing of it."""
        with self._db:
            yield
        self.note_change()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Around a rollback: the tables are afterwards as they were before it."""
        if not self._is_at_risk:
            yield
            return
        tables = [self._saved(name, sql) for name, sql in self._db.execute(_SCHEMA, ("table",))]
        indexes = [sql for _, sql in self._db.execute(_SCHEMA, ("index",))]
        yield
        self._is_at_risk = self._db.in_transaction
        with self._db:
            for name in self.tables():
                self._db.execute(f"DROP TABLE temp.{_quoted(name)}")
            for table in tables:
                self._restore(table)
            for sql in indexes:
                self._db.execute(_in_temp(sql, "INDEX "))

    def _saved(self, name: str, sql: str) -> _Table:
        query = "SELECT name FROM pragma_table_xinfo(?, 'temp') WHERE hidden = 0"
        columns = [_quoted(column) for (column,) in self._db.execute(query, (name,))]
        rows = self._db.execute(f"SELECT {', '.join(columns)} FROM temp.{_quoted(name)}")
        return _Table(name, sql, columns, list(rows))

    def _restore(self, table: _Table) -> None:
        self._db.execute(_in_temp(table.sql, "TABLE "))
        names, marks = ", ".join(table.columns), ", ".join("?" * len(table.columns))
        self._db.executemany(
            f"INSERT INTO temp.{_quoted(table.name)}({names}) VALUES({marks})", table.rows
        )


def _in_temp(sql: str, kind: str) -> str:
    """A CREATE statement as SQLite keeps it, which does not say in which schema."""
    head, word, rest = sql.partition(kind)
    return f"{head}{word}temp.{rest}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def refused(error: apsw.ConstraintError) -> IntegrityError:
    """A constraint of a scratch table that a row does not meet."""
    text = str(error).removeprefix("ConstraintError: ")
    return IntegrityError(text, code="scratch.constraint")
