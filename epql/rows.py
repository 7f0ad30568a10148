"""Row factories: what a row is. A tuple unless a connection or a cursor says otherwise.

    con = epql.connect(path, row_factory=epql.rows.dict_row)
    cur = con.cursor(row_factory=epql.rows.class_row(Fact))

A factory is called once for each answer, with the cursor, whose `description` it may read; it
gives a function that makes a row of a tuple of values. That is psycopg's contract.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from epql.engine.errors import InterfaceError

if TYPE_CHECKING:
    from epql.cursor import Cursor

Row: TypeAlias = tuple[Any, ...]
T = TypeVar("T")
RowMaker: TypeAlias = Callable[[Row], T]
RowFactory: TypeAlias = Callable[["Cursor[Any]"], RowMaker[T]]


def tuple_row(cursor: Cursor[Any]) -> RowMaker[Row]:
    """Rows are tuples."""
    return tuple


def dict_row(cursor: Cursor[Any]) -> RowMaker[dict[str, Any]]:
    """Rows are dicts by the columns' names; of columns with one name the last counts."""
    names = _names(cursor)
    return lambda row: dict(zip(names, row, strict=True))


def scalar_row(cursor: Cursor[Any]) -> RowMaker[Any]:
    """Rows are the values of their first column."""
    return lambda row: row[0]


def namedtuple_row(cursor: Cursor[Any]) -> RowMaker[NamedTuple]:
    """Rows are named tuples. Names that Python could not take are changed: `count(*)` becomes
    `count_`, a name that is taken gets its place behind it."""
    make: RowMaker[NamedTuple] = _named(tuple(_names(cursor)))._make
    return make


def class_row(kind: Callable[..., T]) -> RowFactory[T]:
    """Rows are made by a class, such as a dataclass, or a function, which gets the columns by name.

    Raises, when the answer is there: InterfaceError `row.names` if two columns have one name.
    """

    def factory(cursor: Cursor[Any]) -> RowMaker[T]:
        names = _names(cursor)
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise InterfaceError(
                f"two columns are called {twice!r}",
                code="row.names",
                hint="name one of them otherwise with AS",
            )
        return lambda row: kind(**dict(zip(names, row, strict=True)))

    return factory


def _names(cursor: Cursor[Any]) -> list[str]:
    return [column[0] for column in cursor.description or ()]


@lru_cache(maxsize=500)
def _named(names: tuple[str, ...]) -> Any:
    fields: list[str] = []
    for place, name in enumerate(names):
        field = re.sub(r"\W+", "_", name).lstrip("_") or "column"
        if field[0].isdigit():
            field = "column_" + field
        fields.append(field if field not in fields else f"{field}_{place}")
    return namedtuple("Row", fields, rename=True)
