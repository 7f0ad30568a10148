"""Carries out statements about the connection's scratch tables; they write no belief."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from epql import nodes
from epql.engine.errors import Error, ProgrammingError, Span
from epql.engine.guard import TABLE_FUNCTIONS
from epql.engine.scratch import Scratch
from epql.engine.vtab.register import RELATIONS
from epql.nodes import NO_CLAUSES, Expression, Parsed
from epql.plan import catalog
from epql.plan.compile import Plan
from epql.plan.scope import Resolver
from epql.plan.values import Params
from epql.queries import Queries
from epql.verbs.work import Answer

Change = nodes.Insert | nodes.ScratchChange


class Counted:
    """Rows of parameters; `number`: which one is at hand, from 1, or 0 before all of them."""

    def __init__(self, rows: Iterable[Params]) -> None:
        self._rows = rows
        self.number = 0

    def __iter__(self) -> Iterator[Params]:
        self.number = 1
        for row in self._rows:
            yield row
            self.number += 1


class ScratchTables:
    """The scratch tables of one connection."""

    def __init__(self, tables: Scratch, queries: Queries) -> None:
        self._tables = tables
        self._queries = queries

    def define(
        self, parsed: Parsed, statement: nodes.ScratchDefinition, resolver: Resolver
    ) -> Answer:
        """CREATE TEMP TABLE, CREATE INDEX, DROP TABLE, DROP INDEX."""
        if not self._check_definition(statement):
            return Answer(-1)
        self._queries.buffer()
        plan = self._queries.plan_words(parsed, statement.tree, NO_CLAUSES)
        try:
            with self._tables.defining():
                self._queries.change(plan, resolver)
        except Error as error:
            raise error.with_span(_span(statement.name)) from error.__cause__
        self._queries.scratch_changed(self._tables.tables())
        return Answer(-1)

    def change(self, parsed: Parsed, statement: Change, resolver: Resolver) -> Answer:
        """INSERT, UPDATE or DELETE: rows changed, and the rows of RETURNING."""
        plan = self._ready(parsed, statement)
        try:
            with self._tables.all_or_nothing(unless_refused=True):
                return self._changed(plan, resolver)
        except Error as error:
            raise error.with_span(_span(statement.table)) from error.__cause__

    def change_many(
        self, parsed: Parsed, statement: Change, resolver: Resolver, params: Iterable[Params]
    ) -> Answer:
        """The same for each row of parameters; all of it or nothing."""
        plan = self._ready(parsed, statement)
        given = Counted(params)
        try:
            with self._tables.all_or_nothing():
                if not plan.uses and not self._queries.columns_of(plan):
                    return Answer(self._queries.change_many(plan, resolver.zone, given))
                answers = []
                for resolver.params in given:
                    answers.append(self._changed(plan, resolver))
        except Error as error:
            if given.number:
                error.message += f" (row {given.number})"
            raise error.with_span(_span(statement.table)) from error.__cause__
        columns = answers[0].columns if answers else None
        rows = [row for answer in answers for row in answer.rows]
        return Answer(sum(answer.count for answer in answers), columns, rows)

    def _ready(self, parsed: Parsed, statement: Change) -> Plan:
        self._check_change(statement)
        self._queries.buffer()
        level = NO_CLAUSES if isinstance(statement, nodes.Insert) else statement.clauses
        return self._queries.plan_words(parsed, statement.tree, level)

    def _changed(self, plan: Plan, resolver: Resolver) -> Answer:
        rows, columns = self._queries.change(plan, resolver)
        count = self._queries.changes()
        return Answer(count, tuple(columns), rows) if columns else Answer(count)

    # ------------------------------------------------------------ what may be written

    def is_scratch(self, table: Expression) -> bool:
        """Whether the name is that of a scratch table."""
        return table.name.lower() in self._queries.catalog.scratch

    def _check_definition(self, statement: nodes.ScratchDefinition) -> bool:
        """Whether there is something to do: IF EXISTS of what does not exist is nothing."""
        name = statement.name
        _check_database(name)
        if statement.verb == "create table":
            _check_free(name)
        elif statement.verb == "create index":
            assert statement.table is not None
            _check_database(statement.table)
            catalog.scratch(statement.table, self._queries.catalog.scratch)
        elif statement.verb == "drop table":
            if _says_if_exists(statement) and name.name.lower() not in RELATIONS:
                return self.is_scratch(name)
            catalog.scratch(name, self._queries.catalog.scratch)
        elif _says_if_exists(statement):
            return name.name.lower() in map(str.lower, self._tables.indexes())
        else:
            self._check_index(name)
        return True

    def _check_index(self, name: Expression) -> None:
        known = self._tables.indexes()
        if name.name.lower() not in [one.lower() for one in known]:
            raise ProgrammingError(
                f"there is no index called {name.name!r}",
                code="name.unknown_index",
                span=_span(name),
                hint=catalog.nearest(name.name, known, "the indexes are ") if known else None,
            )

    def _check_change(self, statement: Change) -> None:
        table = statement.table
        _check_database(table)
        if isinstance(statement, nodes.Insert) and statement.dry_run:
            raise ProgrammingError(
                "DRY RUN is for statements that write beliefs",
                code="scratch.dry_run",
                span=statement.span,
                hint="scratch tables are the connection's own: DELETE takes the rows away again",
            )
        if self.is_scratch(table):
            return
        name = table.name.lower()
        if name not in RELATIONS and name not in self._queries.catalog.views:
            catalog.scratch(table, self._queries.catalog.scratch)
        raise _not_scratch(statement)


_SAYING = {
    "constraints": "a rule is made with FORBID and ended with REPEAL",
    "votes": "VOTE FOR or VOTE AGAINST; of each agent the latest vote counts",
    "trust": "nobody sets trust: it follows from approvals and corrections",
    "policies": "DEFINE POLICY name = value, or = DEFAULT",
    "predicates": "DEFINE PREDICATE says it; said again, it changes what it names",
    "topics": "DEFINE TOPIC name (subjects = '…'); subjects = NULL ends a topic",
    "agents": "DEFINE AGENT name (property = value)",
    "views": "DEFINE QUERY name AS SELECT …; DROP QUERY name",
    "epochs": "MARK EPOCH 'name'; a name is given once",
    "flags": "CONFIRM answers a flag",
    "corrections": "CORRECT makes one; REVIVE brings back what was corrected in error",
}
"""What to do instead of writing to a relation with the verbs of SQL."""


def _not_scratch(statement: Change) -> ProgrammingError:
    """Beliefs are written with verbs that say why."""
    instead = _SAYING.get(statement.table.name.lower())
    if isinstance(statement, nodes.Insert):
        return ProgrammingError(
            f"{statement.table.name} is read, not written",
            code="insert.relation",
            span=_span(statement.table),
            hint=instead
            or "ASSERT (s, p, o), or INSERT INTO assertions (subject, predicate, object) …",
        )
    verb = statement.verb
    return ProgrammingError(
        f"{verb.upper()} would not say why " + ("it changes" if instead else "the belief changes"),
        code="statement.update" if verb == "update" else "statement.delete",
        span=Span(statement.span.start, statement.span.start + len(verb)),
        hint=instead
        or "did the world change: SUPERSEDE; were we wrong: CORRECT; is it withdrawn: RETRACT;"
        " must it vanish: ERASE",
    )


def _check_free(name: Expression) -> None:
    if name.name.lower() in (*RELATIONS, *TABLE_FUNCTIONS, *catalog.COMPARING):
        raise ProgrammingError(
            f"{name.name!r} is the name of a relation",
            code="scratch.name",
            span=_span(name),
            hint="choose another name",
        )


def _check_database(table: Expression) -> None:
    """Scratch tables are SQLite's `temp`; `main` is where relations are."""
    database = table.meta.get("database", "temp")
    if database != "temp" and (database != "main" or table.name.lower() not in RELATIONS):
        raise ProgrammingError(
            f"there is no database called {database!r}",
            code="name.unknown_database",
            span=_span(table),
            hint=f"write {table.name} alone",
        )


def _says_if_exists(statement: nodes.ScratchDefinition) -> bool:
    words: list[Any] = statement.tree.expressions
    return any(isinstance(word, nodes.Words) for word in words)


def _span(node: Expression) -> Span | None:
    span: Span | None = node.meta.get("span")
    return span
