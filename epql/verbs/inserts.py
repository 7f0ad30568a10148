"""INSERT INTO assertions: ASSERT for tools that only know INSERT.

One row of VALUES becomes the ASSERT of a triple with options, which can be carried out for many
rows of parameters at once; any other query an ASSERT SELECT.
"""

from __future__ import annotations

from typing import Any

from epql.engine.errors import ProgrammingError
from epql.nodes import Assert, Expression, Insert, Triple
from epql.verbs import assert_
from epql.verbs.assert_rows import PLAIN, TRIPLE
from epql.verbs.work import Answer, Work


def is_assert(statement: Insert) -> bool:
    """Whether it writes assertions."""
    table = statement.table
    return table.name.lower() == "assertions" and table.meta["database"] in ("temp", "main")


def run(work: Work, statement: Insert) -> Answer:
    """Carry out INSERT INTO assertions. Raises: ProgrammingError `insert.form`."""
    return assert_.run(work, as_assert(statement))


def as_assert(statement: Insert) -> Assert:
    """The ASSERT that says the same. Raises: ProgrammingError `insert.form`."""
    if not statement.is_plain or statement.query is None:
        raise _form(statement, "assertions take columns, a query and RETURNING of columns")
    if statement.columns is None:
        raise _form(statement, "INSERT INTO assertions names its columns")
    returning, dry_run = statement.returning, statement.dry_run
    given = _values(statement)
    if given is None:
        return Assert(
            (), statement.span, returning=returning, dry_run=dry_run,
            query=statement.query, columns=statement.columns,
        )  # fmt: skip
    subject, predicate, obj = (given.pop(name) for name in TRIPLE)
    triple = Triple(subject, predicate, obj, statement.query.meta.get("span", statement.span))
    options: dict[str, Any] = given
    return Assert((triple,), statement.span, returning=returning, dry_run=dry_run, **options)


def _values(statement: Insert) -> dict[str, Expression] | None:
    """The values by the names of their columns, if there is one row and each is taken as it is."""
    query, columns = statement.query, statement.columns or ()
    names = [name.lower() for name in columns]
    if query is None or "values" not in query.meta or query.meta.get("clauses"):
        return None
    known = {*TRIPLE, *PLAIN}
    if not set(TRIPLE) <= set(names) <= known or len(set(names)) < len(names):
        return None
    rows = query.args["from_"].this.expressions
    if len(rows) != 1 or len(rows[0].expressions) != len(names):
        return None
    return dict(zip(names, rows[0].expressions, strict=True))


def _form(statement: Insert, message: str) -> ProgrammingError:
    return ProgrammingError(
        message,
        code="insert.form",
        span=statement.span,
        hint="INSERT INTO assertions (subject, predicate, object, confidence) VALUES (?, ?, ?, ?)",
    )
