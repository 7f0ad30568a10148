"""Scratch tables, and INSERT, which writes them or asserts."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from epql.engine.errors import Span
from epql.nodes.clauses import Clauses
from epql.nodes.expressions import Expression, QueryExpression, Words


class ScratchDefinition(Struct, frozen=True):
    """CREATE TEMP TABLE, CREATE INDEX, DROP TABLE, DROP INDEX.

    `name` is what is made or dropped: an exp.Table, for an index its name. `table`: for
    CREATE INDEX the table it is on.
    """

    verb: Literal["create table", "create index", "drop table", "drop index"]
    name: Expression
    tree: Words
    span: Span
    table: Expression | None = None


class ScratchChange(Struct, frozen=True):
    """UPDATE or DELETE of a scratch table. `clauses`: what its subqueries are read at."""

    verb: Literal["update", "delete"]
    table: Expression
    tree: Words
    clauses: Clauses
    span: Span
    returns: bool = False


class Insert(Struct, frozen=True):
    """INSERT INTO table [(columns)] query.

    `is_plain`: nothing but columns, query, RETURNING of columns and DRY RUN, so that an ASSERT
    can do it. `returning`: those columns' names; ("*",) for all.
    """

    table: Expression
    columns: tuple[str, ...] | None
    query: QueryExpression | None  # None: DEFAULT VALUES
    tree: Words
    span: Span
    returning: tuple[str, ...] | None = None
    is_plain: bool = True
    dry_run: bool = False
