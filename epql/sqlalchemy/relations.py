"""Relations as SQLAlchemy's tables, made without a connection: the program knows their columns.

    beliefs = relation("beliefs")
    select(beliefs.c.object).where(beliefs.c.subject == "auth/jwt", beliefs.c.as_of == "-24h")

    then = table_function("beliefs", as_of="-24h", lifecycle_in="approved").alias("then")
    select(then.c.object)                   FROM beliefs(?, ?) AS "then"

A column that a person may write but no SELECT * gives (`as_of` and its kin) is a column of the
Table all the same; SQLAlchemy leaves it out of what it selects.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, FetchedValue, MetaData, Table, column, func, types
from sqlalchemy.exc import ArgumentError, NoSuchTableError
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine

from epql.engine.vtab.base import Column as EngineColumn
from epql.engine.vtab.base import Relation
from epql.engine.vtab.register import RELATIONS
from epql.sqlalchemy.types import Instant, Object

KEYS = {
    "beliefs": ("id",),
    "assertions": ("id",),
    "commits": ("tx",),
    "journal": ("key",),
    "set_aside": ("tx", "place"),
    "constraints": ("id",),
    "corrections": ("correction",),
    "epochs": ("name",),
    "predicates": ("predicate",),
    "agents": ("agent",),
    "topics": ("name",),
    "policies": ("name",),
    "views": ("name",),
    "queries": ("id",),
    "trust": ("agent", "topic"),
}
"""What tells the rows of a relation apart: its primary key to SQLAlchemy, which the ORM needs."""

_GIVEN = ("subject", "predicate", "object")


def is_generated(relation: str, column: str) -> bool:
    """Whether the database fills the column where an INSERT does not: what is not the triple."""
    return relation == "assertions" and column not in _GIVEN


_TYPES: dict[str, type[TypeEngine[Any]]] = {
    "TEXT": types.TEXT,
    "REAL": types.REAL,
    "INTEGER": types.INTEGER,
    "TIMESTAMP": Instant,
    "": Object,
}


def type_of(column: EngineColumn) -> TypeEngine[Any]:
    """What SQLAlchemy calls the type of a relation's column."""
    return _TYPES[column.kind]()


def relation(name: str, metadata: MetaData | None = None) -> Table:
    """A relation as a Table, its hidden columns among `c`.

    Shape: of `metadata`, where it is made at most once, or of one of its own.
    Raises: NoSuchTableError. Source: docs/reference/sqlalchemy.md.
    """
    found = _relation(name)
    metadata = MetaData() if metadata is None else metadata
    if found.name in metadata.tables:
        return metadata.tables[found.name]
    keys = KEYS.get(found.name, ())
    shown: list[Column[Any]] = [
        Column(
            one.name,
            type_of(one),
            primary_key=one.name in keys,
            autoincrement=False,
            server_default=FetchedValue() if is_generated(found.name, one.name) else None,
        )
        for one in found.columns
    ]
    hidden = [
        Column(one, Object(), nullable=True, _omit_from_statements=True)
        for one in found.hidden
        if one not in {one.name for one in found.columns}
    ]
    return Table(found.name, metadata, *shown, *hidden)


def table_function(name: str, **hidden: Any) -> TableValuedAlias:
    """A relation read with values for its hidden columns, as `beliefs('-24h', 'approved')`.

    Shape: the hidden columns by name; one that is None, or not given, says nothing. An argument
        may be a column of another table. `.alias(name)` gives it another name.
    Raises: NoSuchTableError; ArgumentError for what the relation has no hidden column of.
    Source: docs/language/relations.md, "Hidden columns".
    """
    found = _relation(name)
    unknown = [one for one in hidden if one not in found.hidden]
    if unknown:
        raise ArgumentError(
            f"{found.name} has no hidden column {unknown[0]!r}: it takes {', '.join(found.hidden)}"
        )
    given = [hidden.get(one) for one in found.hidden]
    while given and given[-1] is None:
        given.pop()
    columns = [column(one.name, type_of(one)) for one in found.columns]
    call: FunctionElement[Any] = getattr(func, found.name)(*given)
    return call.table_valued(*columns, name=found.name)


def _relation(name: str) -> Relation:
    try:
        return RELATIONS[name.lower()]
    except KeyError:
        raise NoSuchTableError(f"there is no relation called {name!r}") from None
