"""DESCRIBE: the columns of a relation, a view, a scratch table or the answer of a query."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from epql.engine.errors import ProgrammingError, Span
from epql.engine.vtab.base import HIDDEN, Relation
from epql.engine.vtab.register import RELATIONS
from epql.nodes import LABELS
from epql.plan import catalog

COLUMNS = ("column", "type", "hidden", "meaning")


class Described(NamedTuple):
    """A row of the answer. `type` is as SQLite has it, 'any' without one; `hidden` is 0 or 1."""

    column: str
    type: str
    hidden: int
    meaning: str | None


def of_relation(relation: Relation) -> list[Described]:
    """The columns of a relation, the hidden ones last, in the order of arguments."""
    seen = [
        Described(column.name, column.type or "any", 0, column.doc or None)
        for column in relation.columns
    ]
    return seen + [Described(name, "any", 1, HIDDEN[name]) for name in relation.hidden]


def of_columns(columns: Iterable[tuple[str, str | None]]) -> list[Described]:
    """The columns of anything else: names and types as SQLite has them."""
    return [Described(name, kind or "any", 0, None) for name, kind in columns]


def told(relation: Relation) -> list[str]:
    """What a relation holds, and the clauses it takes."""
    clauses = ", ".join(LABELS[name] for name in catalog.clauses_of(relation.name))
    return [f"{relation.name}: {relation.doc}", f"{relation.name} takes {clauses}"]


def unknown(name: str, span: Span | None, others: Iterable[str]) -> ProgrammingError:
    """The error about a name that is neither a relation nor one of the others."""
    return ProgrammingError(
        f"there is no relation, view or scratch table called {name!r}",
        code="name.unknown_relation",
        span=span,
        hint=catalog.nearest(name, [*RELATIONS, *others], "there are "),
    )
