"""DEFINE QUERY and DROP QUERY: views."""

from __future__ import annotations

from epql.engine.content import check_name
from epql.engine.errors import ProgrammingError
from epql.engine.guard import TABLE_FUNCTIONS
from epql.engine.vtab.register import RELATIONS
from epql.nodes import DefineQuery, DropQuery, Expression
from epql.plan.catalog import COMPARING, nearest
from epql.verbs.work import Answer, Work


def define_query(work: Work, statement: DefineQuery) -> Answer:
    """DEFINE QUERY; a view of that name gets another text.

    Raises: ProgrammingError `view.name`, `view.columns`, `view.recursive`, and what reading the
    query would raise.
    """
    name = check_name("view", statement.name.name)
    if name.lower() in (*RELATIONS, *TABLE_FUNCTIONS, *COMPARING):
        raise ProgrammingError(
            f"{name!r} is the name of a relation",
            code="view.name",
            span=statement.name.meta.get("span"),
            hint="choose another name",
        )
    gives = work.view_columns(name, statement)
    columns = statement.columns
    if columns and (len(columns) != len(gives) or len({c.lower() for c in columns}) < len(columns)):
        raise ProgrammingError(
            f"{len(columns)} names for the columns of a query that gives {len(gives)}"
            if len(columns) != len(gives)
            else "two columns of the view would have one name",
            code="view.columns",
            span=statement.span,
            hint="the query's columns are " + ", ".join(gives),
        )
    known = work.database.views.named(name)
    spelt = name if known is None else known.name
    work.transaction.define_query(spelt, statement.text, columns, work.agent)
    return Answer(0)


def drop_query(work: Work, statement: DropQuery) -> Answer:
    """DROP QUERY. Raises: ProgrammingError `view.unknown`."""
    known = work.database.views.named(statement.name.name)
    if known is None:
        if statement.if_exists:
            return Answer(0)
        raise _unknown(work, statement.name)
    work.transaction.define_query(known.name, None, (), work.agent)
    return Answer(0)


def _unknown(work: Work, name: Expression) -> ProgrammingError:
    names = [view.name for view in work.database.views.in_force()]
    hint = nearest(name.name, names, "the views are ") if names else "no view is defined"
    return ProgrammingError(
        f"there is no view called {name.name!r}",
        code="view.unknown",
        span=name.meta.get("span"),
        hint=hint,
    )
