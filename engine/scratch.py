"""The scratch tables of a connection: SQLite's temporary tables, where a person's SQL runs.

That is a SQLite connection of its own (session.py), so nothing that becomes of a transaction, of
the index or of its tables' names touches them, and the other way round (docs/decisions/0017).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from epql.engine.errors import IntegrityError
from epql.engine.turns import Turns

_NAMES = """
SELECT name FROM temp.sqlite_schema
WHERE type = ? AND sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
"""


class Scratch:
    """The scratch tables of one SQLite connection."""

    def __init__(self, db: apsw.Connection, turns: Turns) -> None:
        self._db = db
        self._turns = turns

    def tables(self) -> list[str]:
        """Their names."""
        return [name for (name,) in self._db.execute(_NAMES, ("table",))]

    def indexes(self) -> list[str]:
        """The names of the indexes on them."""
        return [name for (name,) in self._db.execute(_NAMES, ("index",))]

    @contextmanager
    def all_or_nothing(self, *, unless_refused: bool = False) -> Iterator[None]:
        """Around statements that change rows: what they wrote stays, or nothing of it.

        `unless_refused`: what a single statement leaves when a constraint refuses a row is
        SQLite's business, for OR FAIL keeps the rows before it.
        """
        self._db.execute("SAVEPOINT epql_scratch")
        is_kept = False
        try:
            yield
            is_kept = True
        except IntegrityError:
            is_kept = unless_refused
            raise
        finally:
            with self._turns.shielded():
                if self._db.in_transaction:  # OR ROLLBACK has ended it
                    if not is_kept:
                        self._db.execute("ROLLBACK TO epql_scratch")
                    self._db.execute("RELEASE epql_scratch")


def refused(error: apsw.ConstraintError) -> IntegrityError:
    """A constraint of a scratch table that a row does not meet."""
    text = str(error).removeprefix("ConstraintError: ")
    return IntegrityError(text, code="scratch.constraint")
