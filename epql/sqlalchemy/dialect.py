"""What a SQLAlchemy engine asks of a dialect: connecting, transactions, errors, pooling.

SQL is SQLite's here, so the compilers are, but for compiler.py. Nothing else of SQLAlchemy's
dialect for SQLite fits: there are no pragmas, and what is read are relations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, cast

from sqlalchemy import event, pool
from sqlalchemy.dialects.sqlite.base import SQLiteDialect, SQLiteTypeCompiler
from sqlalchemy.engine import URL, CursorResult, Engine, Result
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.engine.interfaces import ConnectArgsType, DBAPIConnection, IsolationLevel
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import PoolResetState
from sqlalchemy.util import asbool

import epql
from epql.sqlalchemy.compiler import EPQLCompiler, EPQLDDLCompiler, EPQLIdentifierPreparer
from epql.sqlalchemy.reflection import EPQLReflection
from epql.sqlalchemy.standing import CHARACTERISTICS, SETTINGS, stand

_ARGUMENTS: dict[str, Callable[[str], Any]] = {
    "agent": str,
    "audit": str,
    "durability": str,
    "gardener": asbool,
    "read_only": asbool,
    "timeout": float,
}
"""The arguments of `epql.connect` that a URL may give, and how their texts are read."""

_LOST = ("connection.closed", "connection.forked", "journal.failed", "lock.forked")
"""Errors after which a connection is of no more use, while a new one is."""


class EPQLDialect(EPQLReflection):
    """`epql://`. With `create_engine(…, scratch=True)`, CREATE TABLE makes scratch tables."""

    name = "epql"
    driver = "epql"
    default_paramstyle = "qmark"
    supports_statement_cache = True

    statement_compiler = EPQLCompiler
    ddl_compiler = EPQLDDLCompiler
    type_compiler_cls = SQLiteTypeCompiler
    preparer = EPQLIdentifierPreparer
    colspecs = SQLiteDialect.colspecs
    construct_arguments = SQLiteDialect.construct_arguments
    connection_characteristics = DefaultDialect.connection_characteristics.union(CHARACTERISTICS)

    supports_alter = False
    supports_cast = True
    supports_default_values = True
    supports_empty_insert = False
    supports_default_metavalue = True
    default_metavalue_token = "NULL"
    supports_multivalues_insert = True
    supports_native_boolean = False
    tuple_in_values = True
    insert_returning = update_returning = delete_returning = True
    update_returning_multifrom = True
    use_insertmanyvalues = True
    favor_returning_over_lastrowid = True
    postfetch_lastrowid = False
    insert_null_pk_still_autoincrements = True
    native_datetime = False
    """What SQLite's types for dates ask: the connector gives texts."""

    def __init__(
        self,  # create_engine finds arguments that can be given by place only
        scratch: bool = False,
        json_serializer: Callable[[Any], str] | None = None,
        json_deserializer: Callable[[str], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.scratch = scratch
        self._json_serializer = json_serializer
        self._json_deserializer = json_deserializer
        self.standing: dict[str, str] = {}
        """What the URL says to SET."""

    # ------------------------------------------------------------ connecting

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        """The connector."""
        return epql

    @classmethod
    def get_pool_class(cls, url: URL) -> type[pool.Pool]:
        """A folder has a pool; a database in memory is one thread's, and stays with it."""
        return pool.SingletonThreadPool if _is_memory(url) else pool.QueuePool

    def create_connect_args(self, url: URL) -> ConnectArgsType:
        """What `epql.connect` is called with; what is SET besides is kept for each connection.

        Raises: ArgumentError for a URL that names a host, or an argument that is unknown.
        """
        if url.host or url.port or url.username or url.password:
            raise ArgumentError(
                f"{url} names a host: a path comes after three slashes, an absolute one after four,"
                " as in epql:///kb.epql and epql:////srv/kb.epql"
            )
        given = {name: value for name, value in url.query.items() if isinstance(value, str)}
        unknown = url.query.keys() - (_ARGUMENTS.keys() | SETTINGS.keys()) or (
            url.query.keys() - given.keys()
        )
        if unknown:
            known = ", ".join(sorted({*_ARGUMENTS, *SETTINGS}))
            raise ArgumentError(f"{url}: {min(unknown)} is unknown or given twice; known: {known}")
        arguments = {n: _ARGUMENTS[n](value) for n, value in given.items() if n in _ARGUMENTS}
        self.standing.clear()
        self.standing.update((n, value) for n, value in given.items() if n not in _ARGUMENTS)
        return [url.database or ":memory:"], arguments

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        """A connection stands where the URL says whenever the pool gives it, and whatever was SET
        on it meanwhile ends when it goes back.
        """
        standing = cast(EPQLDialect, engine.dialect).standing
        event.listen(engine, "checkout", lambda connection, *_: stand(connection, standing))
        event.listen(engine, "reset", _reset)

    def is_disconnect(
        self, e: BaseException, connection: object | None, cursor: object | None
    ) -> bool:
        """Whether the connection can do no more, so that the pool replaces it."""
        return isinstance(e, epql.Error) and e.code in _LOST

    def _get_server_version_info(self, connection: Any) -> tuple[int, ...]:
        return tuple(int(part) for part in epql.__version__.split("."))

    # ------------------------------------------------------------ isolation

    def get_default_isolation_level(self, dbapi_conn: DBAPIConnection) -> IsolationLevel:
        """Each statement sees the last commit; one transaction writes at a time."""
        return "READ COMMITTED"

    def get_isolation_level_values(self, dbapi_conn: DBAPIConnection) -> Sequence[IsolationLevel]:
        """The levels there are."""
        return ["READ COMMITTED", "AUTOCOMMIT"]

    def set_isolation_level(self, dbapi_connection: Any, level: IsolationLevel) -> None:
        """AUTOCOMMIT: each statement commits by itself."""
        dbapi_connection.autocommit = level == "AUTOCOMMIT"

    def get_isolation_level(self, dbapi_connection: Any) -> IsolationLevel:
        """Which one it is."""
        return "AUTOCOMMIT" if dbapi_connection.autocommit else "READ COMMITTED"

    def detect_autocommit_setting(self, dbapi_conn: Any) -> bool:
        """Whether there is nothing to roll back, for `skip_autocommit_rollback`."""
        return bool(dbapi_conn.autocommit)


def _reset(connection: Any, _record: Any, state: PoolResetState) -> None:
    if not state.terminate_only:
        connection.reset()


def _is_memory(url: URL) -> bool:
    return url.database in (None, "", ":memory:")


def cursor_of(result: Result[Any]) -> epql.Cursor:
    """The cursor behind a result, for its `notices`, `messages`, `basis` and `query_id`.

    They can be read after the rows, and until the connection goes back to the pool.
    """
    inner = getattr(result, "raw", result)
    assert isinstance(inner, CursorResult), "only an execution's own result has a cursor"
    return cast(epql.Cursor, inner.context.cursor)
