"""Which names there are, and which is the nearest to a wrong one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlglot import exp

from epql.engine.errors import ProgrammingError, Span
from epql.engine.spelling import closest
from epql.engine.vtab.base import SCOPE, SEEN, Relation
from epql.engine.vtab.register import RELATIONS

COMPARING = ("epql_sides", "epql_rows", "epql_marked", "epql_left")
"""The tables of a comparison (compare.py), which no text may name."""

DIFFS = {"beliefs": "changes", "assertions": "assertion_changes"}
"""The relation that holds the changes of another."""

CLAUSES_OF: dict[str, tuple[str, ...]] = {
    "beliefs": ("as_of", "valid", "lifecycle", "resolve", "history", "diff"),
    "assertions": ("as_of", "valid", "lifecycle", "history", "diff"),
    "history": ("as_of", "valid", "lifecycle", "history"),
    "changes": ("as_of", "valid", "lifecycle", "resolve"),
    "assertion_changes": ("as_of", "valid", "lifecycle"),
    "why": ("as_of", "valid", "lifecycle", "resolve"),
    "why_not": ("as_of", "valid", "lifecycle", "resolve"),
    "blame": ("as_of", "valid", "lifecycle", "resolve"),
}
"""The clauses that have a meaning on a relation; on those not listed only AS OF has."""


def clauses_of(relation: str) -> tuple[str, ...]:
    """The clauses that mean something on a relation."""
    return CLAUSES_OF.get(relation, ("as_of",))


def relation(name: str, span: Span | None, views: Iterable[str] = ()) -> Relation:
    """The relation of that name. Raises ProgrammingError `name.unknown_relation`."""
    found = RELATIONS.get(name.lower())
    if found is None:
        raise ProgrammingError(
            f"there is no relation called {name!r}",
            code="name.unknown_relation",
            span=span,
            hint=nearest(name, [*RELATIONS, *views], "the relations are "),
        )
    return found


def is_temp(table: exp.Table) -> bool:
    """Whether a table is named with SQLite's schema for scratch tables, as in `temp.t`."""
    return bool(table.args.get("db")) and table.args["db"].name.lower() == "temp"


def scratch(table: exp.Expr, names: Iterable[str]) -> str:
    """The name of a scratch table. Raises ProgrammingError `name.unknown_relation`."""
    known = sorted(names)
    name = str(table.name).lower()
    if name not in known:
        raise ProgrammingError(
            f"there is no scratch table called {table.name!r}",
            code="name.unknown_relation",
            span=table.meta.get("span"),
            hint=nearest(name, known, "the scratch tables are ")
            if known
            else "CREATE TEMP TABLE makes one",
        )
    return name


def check_names(names: Iterable[Any]) -> None:
    """Refuse the planner's own names in a person's text."""
    for name in names:
        if str(name.this).lower() in (SCOPE, SEEN, *COMPARING):
            raise ProgrammingError(
                f"there is no column {str(name.this)!r}",
                code="name.unknown_column",
                span=name.meta.get("span"),
            )


def columns(name: str) -> tuple[str, ...]:
    """The columns of a relation that SELECT * gives."""
    return tuple(column.name for column in RELATIONS[name].columns)


def nearest(name: str, names: Iterable[str], otherwise: str | None = None) -> str | None:
    """'did you mean …?', or all names where nothing is near.

    >>> nearest("belief", ["beliefs", "commits"])
    'did you mean beliefs?'
    """
    names = list(names)
    near = closest(name, names)
    if near:
        return f"did you mean {near[0]}?"
    return None if otherwise is None else otherwise + _listed(names)


_LISTED_MAX = 90
"""Characters of a list of names in a hint."""


def _listed(names: list[str]) -> str:
    text = ", ".join(names)
    if len(text) <= _LISTED_MAX:
        return text
    return text[:_LISTED_MAX].rpartition(",")[0] + ", …"
