"""WHEN of a rule: a condition on the row that is asserted, evaluated by SQLite.

A condition is an SQL expression over COLUMNS. It becomes a generated column of a table with those
columns, in a SQLite database of its own that holds nothing else: so SQLite itself refuses
subqueries, parameters, aggregates and everything whose value would depend on more than the row,
and an authorizer everything that is no expression, whatever text a journal brought.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import apsw

from epql.engine import regexp
from epql.engine.errors import DataError, Error, ProgrammingError
from epql.engine.functions import FUNCTIONS
from epql.engine.records import Assertion, assertion_id
from epql.engine.vtab.show import instant

COLUMNS = {
    "subject": "TEXT", "predicate": "TEXT", "object": "", "confidence": "REAL",
    "lifecycle": "TEXT", "agent": "TEXT", "source": "TEXT", "topic": "TEXT",
    "valid_from": "TEXT", "valid_to": "TEXT", "parents": "TEXT", "qualifiers": "TEXT",
}  # fmt: skip
"""The columns a condition may read, with their types: those of `assertions` that a writer fills."""

_CACHED = 500
_ALLOWED = {
    apsw.SQLITE_CREATE_TABLE, apsw.SQLITE_DROP_TABLE, apsw.SQLITE_INSERT, apsw.SQLITE_DELETE,
    apsw.SQLITE_UPDATE, apsw.SQLITE_READ, apsw.SQLITE_SELECT, apsw.SQLITE_FUNCTION,
}  # fmt: skip
_UNKNOWN_FUNCTION = re.compile(r"(?:no such function|not authorized to use function): (.*)")
_LENGTH_MAX = 10_000_000
"""Bytes of a value on the way to the answer; an object has up to 4,000,000."""


class Conditions:
    """The conditions of one connection, made ready as they are asked for."""

    def __init__(self) -> None:
        self._tables: dict[str, str] = {}
        self._opened: apsw.Connection | None = None

    @property
    def _db(self) -> apsw.Connection:
        if self._opened is None:
            self._opened = _open()
        return self._opened

    def check(self, condition: str) -> None:
        """Raise unless SQLite takes the condition as one on the row alone.

        Raises: ProgrammingError `rule.condition`, `name.unknown_function`.
        """
        try:
            self._hit(condition, _EXAMPLE)
        except apsw.Error as error:
            unknown = _UNKNOWN_FUNCTION.match(str(error))
            if unknown is not None:
                raise ProgrammingError(
                    f"there is no function called {unknown[1]}", code="name.unknown_function"
                ) from error
            if condition in self._tables and "non-deterministic" not in str(error):
                return  # it fails on this row; another may do
            raise ProgrammingError(
                f"the condition cannot be asked of a row alone: {_in_words(error)}",
                code="rule.condition",
                hint="WHEN sees " + ", ".join(COLUMNS),
            ) from error
        except Error:
            return

    def holds(self, condition: str, row: Sequence[object]) -> bool:
        """Whether a row, its values in the order of COLUMNS, meets the condition; NULL does not.

        Raises: DataError `rule.condition_failed` if it cannot be computed for this row.
        """
        try:
            return self._hit(condition, row)
        except (apsw.Error, Error) as error:
            told = error.message if isinstance(error, Error) else _in_words(error)
            raise DataError(
                f"its WHEN {condition} cannot be computed here: {told}",
                code="rule.condition_failed",
                hint="REPEAL the rule and FORBID it anew with a condition that fits every row",
            ) from error

    def _hit(self, condition: str, row: Sequence[object]) -> bool:
        table = self._tables.get(condition) or self._made(condition)
        marks = ",".join("?" * len(COLUMNS))
        sql = f"INSERT INTO {table} VALUES({marks}) RETURNING hit"
        try:
            (hit,) = self._db.execute(sql, tuple(row)).fetchall()[0]
        finally:
            self._db.execute(f"DELETE FROM {table}")
        return bool(hit)

    def _made(self, condition: str) -> str:
        if len(self._tables) >= _CACHED:
            self._tables.clear()
            self._opened = None
        table = f"w{len(self._tables)}"
        columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
        self._db.execute(f"CREATE TABLE {table}({columns}, hit AS (({condition}) IS TRUE))")
        self._tables[condition] = table
        return table


def row_of(content: Assertion, state: str, topic: str, at: int) -> tuple[object, ...]:
    """An assertion of a commit at instant `at` as the row that conditions see."""
    start = at if content.valid_from_tx else content.valid_from
    parents = [assertion_id(parent) for parent in content.parents]
    return (
        content.subject, content.predicate, content.object, content.confidence, state,
        content.agent, content.source, topic, instant(start),
        instant(content.valid_to), json.dumps(parents) if parents else None,
        json.dumps(dict(content.qualifiers), ensure_ascii=False) if content.qualifiers else None,
    )  # fmt: skip


_EXAMPLE = row_of(Assertion("s", "p", "o", 1.0, "a"), "proposed", "s", 0)


def _in_words(error: Exception) -> str:
    return str(error).replace("a generated column", "WHEN").replace("generated columns", "WHEN")


def _open() -> apsw.Connection:
    db = apsw.Connection(":memory:", statementcachesize=_CACHED)
    for setting in (apsw.SQLITE_DBCONFIG_DQS_DML, apsw.SQLITE_DBCONFIG_DQS_DDL):
        db.config(setting, 0)
    db.limit(apsw.SQLITE_LIMIT_ATTACHED, 0)
    db.limit(apsw.SQLITE_LIMIT_LENGTH, _LENGTH_MAX)
    regexp.register(db)
    db.authorizer = _may
    return db


def _may(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    is_allowed = action in _ALLOWED
    if action == apsw.SQLITE_FUNCTION:
        is_allowed = (second or "").lower() in FUNCTIONS
    return apsw.SQLITE_OK if is_allowed else apsw.SQLITE_DENY
