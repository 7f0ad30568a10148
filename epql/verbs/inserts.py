"""INSERT INTO assertions: ASSERT SELECT for tools that only know INSERT."""

from __future__ import annotations

from epql.engine.errors import ProgrammingError
from epql.nodes import Assert, Insert
from epql.verbs import assert_rows
from epql.verbs.work import Answer, Work


def is_assert(statement: Insert) -> bool:
    """Whether it writes assertions."""
    return bool(statement.table.name.lower() == "assertions")


def run(work: Work, statement: Insert) -> Answer:
    """Carry out INSERT INTO assertions. Raises: ProgrammingError `insert.form`."""
    if not statement.is_plain or statement.query is None:
        raise _form(statement, "assertions take columns, a query and RETURNING of columns")
    if statement.columns is None:
        raise _form(statement, "INSERT INTO assertions names its columns")
    return assert_rows.run(
        work,
        Assert(
            (), statement.span, returning=statement.returning, dry_run=statement.dry_run,
            query=statement.query, columns=statement.columns,
        ),
    )  # fmt: skip


def _form(statement: Insert, message: str) -> ProgrammingError:
    return ProgrammingError(
        message,
        code="insert.form",
        span=statement.span,
        hint="INSERT INTO assertions (subject, predicate, object, confidence) VALUES (?, ?, ?, ?)",
    )
