"""Views: named queries, as DEFINE QUERY made them, and their text put in place of their name.

A view is a question: it is asked anew wherever its name stands. Its text has places of its own;
in a statement all of them are the place of the view's name there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, structs
from sqlglot import exp

from epql.engine.errors import Span
from epql.nodes import Clauses, Query, copied


class View(Struct, frozen=True):
    """A named query: its name as it was defined, its query, the names of its columns if given."""

    name: str
    query: Query
    columns: tuple[str, ...] = ()


class Catalog(Struct, frozen=True):
    """What names a query may use besides relations. `version` tells catalogs apart.

    `views` and `scratch` are by lower name; scratch tables are those of the connection.
    """

    version: tuple[int, ...] = ()
    views: Mapping[str, View] = {}
    scratch: frozenset[str] = frozenset()

    @property
    def named(self) -> list[str]:
        """What can be read besides relations."""
        return [*self.views, *sorted(self.scratch)]


NO_NAMES = Catalog()


def body(view: View, span: Span | None) -> tuple[exp.Query, Clauses]:
    """A fresh copy of a view's query and the clauses at its end, all of it placed at `span`."""
    select = copied(view.query.select)
    for node in select.walk():
        if node.meta:
            node.meta["view"] = view.name
            for key in ("span", "clauses"):
                if key in node.meta:
                    node.meta[key] = placed(node.meta[key], span)
    clauses: Clauses = placed(structs.replace(view.query.clauses, purpose=None), span)
    return select, clauses


def placed(value: Any, span: Span | None) -> Any:
    """A clause, or a part of one, as if it stood at `span`."""
    if isinstance(value, Span):
        return span or Span(0, 0)
    if isinstance(value, exp.Expr):
        moved = copied(value)
        for node in moved.walk():
            if "span" in node.meta:
                node.meta["span"] = span
        return moved
    if isinstance(value, tuple):
        return tuple(placed(item, span) for item in value)
    if isinstance(value, Struct):
        parts = {name: placed(part, span) for name, part in structs.asdict(value).items()}
        return type(value)(**parts)
    return value


def named(query: exp.Query, name: str, columns: tuple[str, ...]) -> exp.Query:
    """A query whose columns are called so."""
    alias = exp.TableAlias(
        this=exp.to_identifier(name, quoted=True),
        columns=[exp.to_identifier(column, quoted=True) for column in columns],
    )
    return exp.Select(
        expressions=[exp.Star()],
        from_=exp.From(this=exp.Table(this=exp.to_identifier(name, quoted=True))),
        with_=exp.With(expressions=[exp.CTE(this=query, alias=alias)]),
    )
