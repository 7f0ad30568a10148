"""One statement, two ways: plain SQLite, and EPQL's parser, planner and writer.

text -> SQLite                                -> names, rows
text -> EPQL, over the same scratch tables    -> names, rows
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import apsw
import apsw.ext
from sqlglot import exp

import epql
from epql.engine.errors import Error, OperationalError
from epql.nodes import Bind, Parsed, Query
from epql.parse import parse
from tests.select.tables import FUNCTIONS

STEPS_MAX = 300_000
ROWS_MAX = 2000
_GIVEN = (1, "two", None, 2.5, -1, "1", b"x")
_PARAMETER = re.compile(r"[?:@$]")


@dataclass(frozen=True)
class Answer:
    """Names and rows, each value as Python shows it; or why there are none."""

    names: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    error: str | None = None


class TooLong(Exception):
    """The statement takes more steps, or gives more rows, than a test can wait for."""


class Pair:
    """A connection with tables of these names, asked in both ways."""

    def __init__(self, connection: apsw.Connection, names: frozenset[str]) -> None:
        self.connection = connection
        self.names = names
        self.is_accepted = False
        """Whether SQLite took the last text that was compared."""
        connection.set_progress_handler(lambda: True, STEPS_MAX)
        self.mine = _twin(connection, names)

    def plain(self, text: str) -> Answer:
        """What SQLite says to the text itself."""
        given: Any = None
        if _PARAMETER.search(text):
            try:
                known = apsw.ext.query_info(self.connection, text)
            except apsw.Error as error:
                return Answer(error=_shown(error))
            if any(name and not name.isdigit() for name in known.bindings_names):
                given = {str(name): _named(str(name)) for name in known.bindings_names}
            else:
                given = [_GIVEN[place % 7] for place in range(known.bindings_count)]
        return self._run(text, given)

    def ours(self, text: str) -> Answer:
        """What EPQL says to the text, over scratch tables. Raises: epql's Error, TooLong."""
        parsed = parse(text)
        given: Any = {name: _named(name) for name in parsed.named}
        given = given or tuple(_GIVEN[place % 7] for place in range(parsed.positional))
        rows: list[str] = []
        try:
            cursor = self.mine.execute(text, given)
            for row in cursor:
                rows.append(repr(row))
                if len(rows) > ROWS_MAX:
                    raise TooLong(text)
        except OperationalError as error:
            if error.code == "statement.interrupted":
                raise TooLong(text) from None
            raise
        return Answer(tuple(column[0] for column in cursor.description), tuple(rows))

    def difference(self, text: str) -> str | None:
        """What differs, or None. Of a text that SQLite refuses, EPQL must say so, or answer.

        Raises: TooLong.
        """
        expected = self.plain(text)
        self.is_accepted = expected.error is None
        try:
            found = self.ours(text)
        except Error as error:
            if expected.error and not error.code.startswith("sqlgen"):
                return None
            return f"refused: {error.code}: {error}"
        if expected.error is None and found != expected:
            return f"expected {expected}\nfound    {found}"
        return None

    def _run(self, sql: str, given: Any) -> Answer:
        names: tuple[str, ...] = ()
        rows: list[str] = []
        cursor = self.connection.cursor()

        def note(cursor: apsw.Cursor, _: str, __: Any) -> bool:
            nonlocal names
            names = tuple(item[0] for item in cursor.get_description())
            return True

        cursor.exec_trace = note
        try:
            for row in cursor.execute(sql, given):
                rows.append(repr(row))
                if len(rows) > ROWS_MAX:
                    raise TooLong(sql)
        except apsw.InterruptError:
            raise TooLong(sql) from None
        except apsw.Error as error:
            return Answer(error=_shown(error))
        return Answer(names, tuple(rows))


def _twin(connection: apsw.Connection, names: Iterable[str]) -> epql.Connection:
    """A connection of epql with the same tables, as scratch tables, and the same functions."""
    mine = epql.connect(":memory:", autocommit=True)
    mine.runner.session.sql.authorizer = None  # there are functions and views that epql has not
    known = "SELECT name, type, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC"
    for name, kind, sql in connection.execute(known).fetchall():
        if kind == "view":  # epql has none of SQLite's
            mine.runner.session.sql.execute(sql.replace("CREATE VIEW", "CREATE TEMP VIEW", 1))
            continue
        mine.execute(sql.replace("CREATE TABLE", "CREATE TEMP TABLE", 1))
        if kind == "table":
            _fill(mine, connection, name)
    mine.runner.queries.scratch_changed(names)
    sql_runs_in = mine.runner.session.sql
    for name, function in FUNCTIONS.items():
        sql_runs_in.create_scalar_function(name, function, 2, deterministic=True)
    sql_runs_in.set_progress_handler(lambda: True, STEPS_MAX)
    return mine


def _fill(mine: epql.Connection, connection: apsw.Connection, table: str) -> None:
    query = "SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0"
    names = [f'"{name}"' for (name,) in connection.execute(query, (table,))]
    columns, marks = ", ".join(names), ", ".join("?" * len(names))
    rows = connection.execute(f'SELECT {columns} FROM "{table}"').fetchall()
    mine.cursor().executemany(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', rows)


def _shown(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _named(name: str) -> Any:
    return _GIVEN[sum(name.lstrip(":@$").encode()) % 7]


# ---------------------------------------------------------------- shapes


def shape(parsed: Parsed) -> bytes:
    """A digest of the tree with names, literals and numbers erased."""
    statement = parsed.statement
    assert isinstance(statement, Query)
    digest = hashlib.blake2b(digest_size=12)
    stack: list[Any] = [statement.select]
    while stack:
        node = stack.pop()
        if isinstance(node, exp.Expr):
            digest.update(_kind(node))
            if isinstance(node, _ERASED):
                continue
            stack.append(")")
            for key, value in node.args.items():
                if value is not None and value is not False and value != []:
                    stack += [value, key]
        elif isinstance(node, list):
            stack += node
        elif not isinstance(node, str) or node in _WORDS:
            digest.update(str(node).encode())
        digest.update(b",")
    return digest.digest()


_ERASED = (exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.HexString, exp.DataType, Bind)
_WORDS = (
    *("UNBOUNDED", "PRECEDING", "FOLLOWING", "ROWS", "RANGE", "GROUPS", "LEFT", "RIGHT", "FULL"),
    *("INNER", "CROSS", "OUTER", "NATURAL", ")"),
)


def _kind(node: exp.Expr) -> bytes:
    if isinstance(node, (exp.Literal, exp.Boolean, exp.Null, exp.HexString)):
        return b"literal"
    return type(node).__name__.encode()
