"""What `inspect(engine)` tells: relations as tables, named queries as views, scratch tables.

The columns of a relation are known to the program; those of the others EPQL is asked for with
DESCRIBE. Hidden columns are left out: `column("as_of")` names one, `relation()` has them.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.dialects.sqlite.base import ischema_names
from sqlalchemy.engine import Connection, reflection
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.engine.interfaces import ReflectedColumn, ReflectedPrimaryKeyConstraint
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.schema import FetchedValue
from sqlalchemy.types import TypeEngine

from epql.engine.vtab.register import RELATIONS
from epql.sqlalchemy.relations import KEYS, is_generated, type_of
from epql.sqlalchemy.types import Object

_DECLARED = re.compile(r"([\w ]+?)\s*(?:\(([\d, ]+)\))?$")


class EPQLReflection(DefaultDialect):
    """The part of the dialect that reflects. There are no schemas: asked for one, it is empty."""

    scratch: bool
    """Whether a table that is created is a scratch table."""

    def get_schema_names(self, connection: Connection, **kw: Any) -> list[str]:
        """None."""
        return []

    @reflection.cache
    def get_table_names(
        self, connection: Connection, schema: str | None = None, **kw: Any
    ) -> list[str]:
        """The relations; where tables that are created are scratch tables, those too."""
        kinds = ("relation", "scratch") if self.scratch else ("relation",)
        return _listed(connection, *kinds) if schema is None else []

    @reflection.cache
    def get_view_names(
        self, connection: Connection, schema: str | None = None, **kw: Any
    ) -> list[str]:
        """The named queries."""
        return _listed(connection, "view") if schema is None else []

    @reflection.cache
    def get_temp_table_names(
        self, connection: Connection, schema: str | None = None, **kw: Any
    ) -> list[str]:
        """The scratch tables of this connection."""
        return _listed(connection, "scratch") if schema is None else []

    @reflection.cache
    def has_table(
        self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> bool:
        """Whether FROM takes the name: a relation, a named query or a scratch table."""
        return schema is None and table_name.lower() in map(str.lower, _listed(connection))

    @reflection.cache
    def get_view_definition(
        self, connection: Connection, view_name: str, schema: str | None = None, **kw: Any
    ) -> str:
        """The query of a named query, as it was written."""
        found = connection.exec_driver_sql(
            "SELECT text FROM views WHERE lower(name) = lower(?)", (view_name,)
        ).scalar()
        if found is None:
            raise NoSuchTableError(view_name)
        return str(found)

    @reflection.cache
    def get_columns(
        self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[ReflectedColumn]:
        """The columns that SELECT * gives."""
        kind = _kind(connection, table_name, schema)
        name = table_name.lower()
        if kind == "relation":
            return [
                _column(one.name, type_of(one), is_filled=is_generated(name, one.name))
                for one in RELATIONS[name].columns
            ]
        quoted = self.identifier_preparer.quote_identifier(table_name)
        described = connection.exec_driver_sql(f"DESCRIBE {quoted}").all()
        return [_column(row[0], _type(row[1])) for row in described]

    @reflection.cache
    def get_pk_constraint(
        self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> ReflectedPrimaryKeyConstraint:
        """What tells the rows of a relation apart."""
        kind = _kind(connection, table_name, schema)
        keys = KEYS.get(table_name.lower(), ()) if kind == "relation" else ()
        return {"constrained_columns": list(keys), "name": None}

    def _nothing(
        self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[Any]:
        """None of a table that is there."""
        _kind(connection, table_name, schema)
        return []

    get_foreign_keys = get_indexes = get_unique_constraints = get_check_constraints = _nothing


def _listed(connection: Connection, *kinds: str) -> list[str]:
    """The names that FROM takes, of these kinds or of all."""
    rows = connection.exec_driver_sql("SHOW TABLES").all()
    return [name for name, kind, _ in rows if not kinds or kind in kinds]


def _kind(connection: Connection, name: str, schema: str | None) -> str:
    """What a name stands for: a scratch table hides a view, and a view a relation."""
    rows = connection.exec_driver_sql("SHOW TABLES").all()
    kinds = [kind for found, kind, _ in rows if found.lower() == name.lower()]
    if schema is not None or not kinds:
        raise NoSuchTableError(name if schema is None else f"{schema}.{name}")
    return str(kinds[-1])


def _column(name: str, kind: TypeEngine[Any], *, is_filled: bool = False) -> ReflectedColumn:
    return {
        "name": name,
        "type": kind,
        "nullable": True,
        "default": FetchedValue() if is_filled else None,  # type: ignore[typeddict-item]
    }


def _type(declared: str) -> TypeEngine[Any]:
    """The type of a declaration such as `VARCHAR(30)`; without one it is any."""
    found = _DECLARED.match(declared.upper())
    known = ischema_names.get(found[1]) if found else None
    if found is None or known is None:
        return Object()
    sizes = [int(size) for size in (found[2] or "").split(",") if size.strip()]
    try:
        made: TypeEngine[Any] = known(*sizes)
    except TypeError:  # a size on a type that has none
        made = known()
    return made
