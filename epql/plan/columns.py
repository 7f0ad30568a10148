"""The names of a query's columns, and what is said of a name that is unknown.

The names of a compared answer must be known while it is planned. A column is called what its
alias or its text says; what a star stands for, SQLite is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from sqlglot import exp

from epql.engine.errors import ProgrammingError, Span
from epql.engine.reading import UnknownName
from epql.engine.vtab.register import RELATIONS
from epql.plan import catalog
from epql.sqlgen import to_sqlite


class ColumnsOf(Protocol):
    """Asks SQLite for the names of the columns that SQL gives."""

    def __call__(self, sql: str, /) -> list[str]: ...


# ---------------------------------------------------------------- what columns are called


def names_of(query: exp.Query, around: Sequence[exp.CTE], ask: ColumnsOf) -> list[str]:
    """The names of the columns of a query, as SQLite calls them.

    `around`: the common tables of the queries around it. Raises: what `ask` raises.
    """
    while not isinstance(query, exp.Select):
        around = [*around, *_ctes(query)]
        query = query.this
    around = [*around, *_ctes(query)]
    names: list[str] = []
    for item in query.expressions:
        is_star = isinstance(item, exp.Star) or isinstance(item.this, exp.Star)
        names += ask(_star(query, item, around)) if is_star else [item.alias_or_name]
    return names


def _ctes(query: exp.Query) -> list[exp.CTE]:
    with_ = query.args.get("with_")
    return [] if with_ is None else list(with_.expressions)


def _star(query: exp.Select, item: exp.Expr, around: Sequence[exp.CTE]) -> str:
    """SQL that has the columns of a star alone: conditions and arguments may look outwards."""
    asked = exp.Select(expressions=[item.copy()])
    for part in ("from_", "joins"):
        value = query.args.get(part)
        copied = (
            [one.copy() for one in value] if isinstance(value, list) else value and value.copy()
        )
        asked.set(part, copied)
    for join in asked.args.get("joins") or ():
        join.set("on", None)
    for table in asked.find_all(exp.Table):
        if isinstance(table.this, exp.Anonymous):
            given = [one for one in table.this.expressions if not one.find(exp.Column)]
            table.this.set("expressions", given)
    if around:
        copies = [cte.copy() for cte in around]
        asked.set("with_", exp.With(expressions=copies, recursive=True))
    return to_sqlite(asked)


# ---------------------------------------------------------------- names that are unknown


class Place(NamedTuple):
    """Where a query's text names something; `view`: the view whose text it is."""

    name: str
    span: Span
    view: str | None


class Mentioned(NamedTuple):
    """The names in a query: of columns and functions, of tables, and the relations it reads."""

    places: tuple[Place, ...]
    tables: tuple[str, ...]
    relations: tuple[str, ...]


def mentioned(select: exp.Expr, relations: Iterable[str]) -> Mentioned:
    """The names in a query that was planned."""
    return Mentioned(
        tuple(_places(select)), tuple(dict.fromkeys(_tables(select))), tuple(relations)
    )


def _places(select: exp.Expr) -> Iterator[Place]:
    for node in select.find_all(exp.Column, exp.Anonymous):
        span = node.meta.get("span")
        if span is not None:
            yield Place(node.name.lower(), span, node.meta.get("view"))


def _tables(select: exp.Expr) -> Iterator[str]:
    """The names by which columns can be told apart."""
    for node in select.find_all(exp.Table, exp.Subquery, exp.CTE):
        if node.alias_or_name:
            yield node.alias_or_name


def explained(error: UnknownName, names: Mentioned) -> ProgrammingError:
    """An error about a name: where it stands in the text, and the nearest one."""
    table, _, last = error.name.rpartition(".")
    last = last.strip('`"')
    places = [place for place in names.places if place.name == last.lower()]
    span = places[0].span if places else None
    inside = f" in the view {places[0].view!r}" if places and places[0].view else ""
    known = [name.lower() for name in names.tables]
    if table and error.code == "name.unknown_column" and table.lower() not in known:
        return ProgrammingError(
            f"there is no table or alias called {table!r}{inside}",
            code=error.code,
            span=span,
            hint=catalog.nearest(table, known, "there is "),
        )
    hint = _hint(last, error.code, names)
    return ProgrammingError(error.message + inside, code=error.code, span=span, hint=hint)


def _hint(name: str, code: str, names: Mentioned) -> str | None:
    if code == "name.ambiguous_column":
        return "write the table's name or alias before it, with a dot"
    if code != "name.unknown_column":
        return None
    columns = [
        column.name
        for relation in dict.fromkeys(names.relations)
        for column in RELATIONS[relation].columns
    ]
    return catalog.nearest(name, columns, "the columns are ") if columns else None
