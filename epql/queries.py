"""Running queries: the plan cache, scopes in, rows out, errors with their place in the text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date, datetime, tzinfo
from typing import Any, NamedTuple
from weakref import WeakSet

from epql import instants
from epql.engine import reading
from epql.engine.database import Database
from epql.engine.errors import Error, ProgrammingError
from epql.engine.fused import Fused, values_of
from epql.engine.fused import reading as reading_of
from epql.engine.index.declarations import ViewText
from epql.engine.reading import Rows
from epql.engine.session import Opened, Session
from epql.engine.vtab.context import Scope, Watcher
from epql.nodes import (
    Clauses,
    DefineQuery,
    Expression,
    Parsed,
    Query,
    QueryExpression,
    Words,
)
from epql.parse import parse
from epql.plan.columns import explained
from epql.plan.compile import (
    Plan,
    compile_inner,
    compile_query,
    compile_value,
    compile_words,
    parameter,
    view_of,
)
from epql.plan.relations import merged
from epql.plan.scope import Resolver
from epql.plan.values import Params, value
from epql.plan.views import NO_NAMES, Catalog, View
from epql.settings import State

Row = tuple[Any, ...]
NOBODY: Mapping[int, Watcher] = {}
"""Nobody watches."""
_CACHED = 1000
KEPT_MAX = 10_000
"""Characters of a text beyond which it is not kept, nor what was made of it: the tree of a long
one takes some hundred times its length."""


def _unheard(_: int) -> None:
    """Where nobody keeps what a fused plan sums up."""


class Prepared(NamedTuple):
    """A query just before it would run. `plan`: (id, parent, notused, detail) of SQLite's plan."""

    columns: list[str]
    scopes: list[Scope]
    plan: list[Row]


class Queries:
    """Runs the queries of one connection."""

    def __init__(
        self, database: Database, session: Session, state: State, running: WeakSet[Rows]
    ) -> None:
        self._database = database
        self._state = state
        self._session = session
        self._running = running
        self._plans: dict[tuple[int, bool], tuple[object, Plan]] = {}
        """By the identity of what they were made of, which is kept beside them."""
        self._columns: dict[str, list[str]] = {}
        self._catalog = NO_NAMES
        self._scratch: frozenset[str] = frozenset()
        self._scratch_changes = 0

    # ------------------------------------------------------------ names

    @property
    def catalog(self) -> Catalog:
        """The names a query may use now; the same object while they stay the same."""
        version = (*self._database.views.version, self._scratch_changes)
        if version != self._catalog.version:
            views = dict(_views(self._database.views.in_force()))
            self._catalog = Catalog(version, views, self._scratch)
        return self._catalog

    def scratch_changed(self, names: Iterable[str]) -> None:
        """The connection's scratch tables are these from now on."""
        self._scratch = frozenset(name.lower() for name in names)
        self._scratch_changes += 1
        self._columns.clear()

    # ------------------------------------------------------------ planning

    def plan(self, parsed: Parsed, query: Query, *, audited: bool = False) -> Plan:
        """The plan of a query; the same parsed text is planned once, while names stay the same."""
        return self._planned(
            parsed,
            lambda names: compile_query(parsed, query, names, self._ask, audited=audited),
            audited=audited,
        )

    def plan_at(self, parsed: Parsed, query: Query, tx: int) -> Plan:
        """The plan of a query with the views as they were just after a commit, without scratch
        tables; its rows carry what they show.
        """
        names = Catalog(views=dict(_views(self._database.views.in_force(tx))))
        return compile_query(parsed, query, names, self._ask, audited=True)

    def plan_words(self, parsed: Parsed, words: Words, level: Clauses) -> Plan:
        """The plan of a statement about a scratch table; kept as a query's is."""
        return self._planned(
            parsed, lambda names: compile_words(parsed, words, level, names, self._ask)
        )

    def _planned(
        self, source: object, make: Callable[[Catalog], Plan], *, audited: bool = False
    ) -> Plan:
        """The plan made of a source (a statement, a query or value in one), or the one kept."""
        names = self.catalog
        kept = self._plans.get((id(source), audited))
        if kept is not None and kept[0] is source and kept[1].catalog is names:
            return kept[1]
        plan = make(names)
        if len(plan.sql) <= KEPT_MAX:
            if len(self._plans) >= _CACHED:
                self._plans.clear()
            self._plans[id(source), audited] = (source, plan)
        return plan

    def inner(self, query: QueryExpression) -> Plan:
        """The plan of a query inside another statement; kept as a query's is."""
        return self._planned(query, lambda names: compile_inner(query, names, self._ask))

    # ------------------------------------------------------------ running

    def change(self, plan: Plan, resolver: Resolver) -> tuple[list[Row], list[str]]:
        """Carry out a statement about a scratch table: its rows and their columns."""
        scopes = self.scopes_of(plan, resolver)
        columns = self.columns_of(plan)
        return list(self.rows(plan, scopes, resolver)), columns

    def change_many(self, plan: Plan, zone: tzinfo, given: Iterable[Params]) -> int:
        """The same, of a plan that reads no relation, for many sets of parameters; rows changed."""
        self.columns_of(plan)
        names = _names(plan)
        keys: list[Any] = [names[name] for name in reading.parameters_of(self._session, plan.sql)]
        rows = (tuple([bindable(params[key], zone) for key in keys]) for params in given)
        return reading.run_many(self._session, plan.sql, rows)

    def changes(self) -> int:
        """Rows that the last INSERT, UPDATE or DELETE changed."""
        return self._session.sql.changes()

    def run(self, plan: Plan, resolver: Resolver) -> tuple[Iterator[Row], list[str], Scope | None]:
        """Rows, columns, and what the answer stands on."""
        scopes = self.scopes_of(plan, resolver)
        columns = self.columns_of(plan)
        rows = self.rows(plan, scopes, resolver)
        return rows, columns, self.stands_on(plan, scopes, resolver)

    @staticmethod
    def stands_on(plan: Plan, scopes: Sequence[Scope], resolver: Resolver) -> Scope | None:
        """The scope that the basis of the answer names: the first, or the DIFF's."""
        if plan.compared is not None:
            clauses = merged(plan.compared.clauses, resolver.standing)
            return resolver.window(clauses, plan.compared.diff)
        return scopes[0] if scopes else None

    def scopes_of(self, plan: Plan, resolver: Resolver) -> list[Scope]:
        """What the relations of a plan are read at."""
        return [resolver.scope(use) for use in plan.uses]

    def count(self, plan: Plan, scope: Scope, resolver: Resolver) -> int:
        """How many rows a plan with one relation has at another scope."""
        counting = replace(plan, sql=f"SELECT count(*) FROM ({plan.sql})", fusion=None)
        rows = self.rows(counting, [scope], resolver)
        return int(next(iter(list(rows)))[0])

    def is_small(self, assertions: int) -> bool:
        """Whether the database has no more assertions than that."""
        sql = "SELECT 1 FROM assertion LIMIT 1 OFFSET ?"
        return self._database.db.execute(sql, (assertions,)).fetchone() is None

    def columns_of(self, plan: Plan) -> list[str]:
        """The names of a plan's columns; also the check that SQLite takes it."""
        names = self._names_in(plan)
        return names[: len(names) - plan.carried.columns]

    def types_of(self, plan: Plan) -> list[str | None]:
        """The declared types of a plan's columns; None where values are computed."""
        types = reading.declared_types(self._session, plan.sql)
        return types[: len(types) - plan.carried.columns]

    def _names_in(self, plan: Plan) -> list[str]:
        names = self._columns.get(plan.sql)
        if names is None:
            try:
                names = self._ask(plan.sql)
            except reading.UnknownName as error:
                scratch = [name for name in plan.mentioned.plain if name in self._scratch]
                more = [column for name in scratch for column, _ in self.scratch_columns(name)]
                raise explained(error, plan.mentioned, more) from error.__cause__
            if len(plan.sql) <= KEPT_MAX:
                if len(self._columns) >= _CACHED:
                    self._columns.clear()
                self._columns[plan.sql] = names
        return names

    def _ask(self, sql: str) -> list[str]:
        return reading.columns_of(self._session, sql)

    def rows(
        self,
        plan: Plan,
        scopes: Sequence[Scope],
        resolver: Resolver,
        watchers: Mapping[int, Watcher] = NOBODY,
        sink: Callable[[int], None] = _unheard,
    ) -> Rows:
        """Run a plan at its scopes; `watchers` see the rows of the uses of those numbers, and
        `sink` those that a fused plan sums up.
        """
        fused = self.fused(plan, scopes, resolver)
        if fused is not None:
            return self._straight(plan, fused, scopes, resolver, sink)
        present = resolver.shared
        opened = [
            Opened(scope, present, watchers.get(number)) for number, scope in enumerate(scopes)
        ]
        named = dict(zip(plan.scope_names, opened, strict=True))
        bindings = _bindings(plan, resolver.params, resolver.zone)
        rows = reading.run(self._session, plan.sql, bindings, named)
        self._running.add(rows)
        return rows

    def fused(self, plan: Plan, scopes: Sequence[Scope], resolver: Resolver) -> Fused | None:
        """How a plan runs straight over the index; None where it goes through the tables."""
        fusion = plan.fusion
        if fusion is None or not self._state.fuse or not self._session.may_fuse:
            return None
        readings = []
        for gap, wanted in zip(fusion.gaps, fusion.predicates, strict=True):
            about = None if wanted is None else value(wanted, resolver.params, resolver.evaluate)
            read = reading_of(self._session, gap, scopes[gap.use], about)
            if read is None:
                return None
            readings.append(read)
        return fusion.texts.of(self._session, readings)

    def _straight(
        self,
        plan: Plan,
        fused: Fused,
        scopes: Sequence[Scope],
        resolver: Resolver,
        sink: Callable[[int], None],
    ) -> Rows:
        given: list[Any] = []
        for scope in scopes:
            given += values_of(scope)
        given += [bindable(resolver.params[bind], resolver.zone) for bind in plan.binds]  # type: ignore[index]
        rows = reading.run_fused(self._session, fused, given, sink)
        self._running.add(rows)
        return rows

    def speaking(self, agent: str) -> AbstractContextManager[None]:
        """What is asked meanwhile is asked by that agent."""
        return self._session.speaking(agent)

    def lists(self, query: QueryExpression, resolver: Resolver) -> tuple[list[str], list[Row]]:
        """Columns and all rows of a query inside another statement."""
        rows, columns, _ = self.run(self.inner(query), resolver)
        return columns, list(rows)

    def relation(self, name: str, scope: Scope, arguments: Sequence[Any]) -> Rows:
        """The rows of a relation for arguments, all its columns."""
        rows = reading.run_relation(self._session, name, Opened(scope), arguments)
        self._running.add(rows)
        return rows

    def value(self, expression: Expression, resolver: Resolver) -> Any:
        """The value of an expression that needs SQL."""
        plan = self._planned(expression, lambda names: compile_value(expression, names, self._ask))
        rows, _, _ = self.run(plan, resolver)
        row = next(iter(list(rows)), None)
        return None if row is None else row[0]

    def view_columns(self, name: str, statement: DefineQuery) -> list[str]:
        """The columns of a view as it would be. Raises: what reading it would raise."""
        view = view_of(name, statement.query, statement.columns)
        views = {**self.catalog.views, name.lower(): view}
        # it is for every connection, so it does not see this one's scratch tables
        known = Catalog(views=views)
        return self.columns_of(
            compile_query(Parsed(statement, ""), statement.query, known, self._ask)
        )

    def buffer(self) -> None:
        """Fetch what running queries have left."""
        for rows in list(self._running):
            rows.buffer()

    def drop(self) -> None:
        """End running queries."""
        for rows in list(self._running):
            rows.close()

    # ------------------------------------------------------------ EXPLAIN, DESCRIBE

    def typed_columns(self, query: Query) -> list[tuple[str, str | None]]:
        """The columns of a query's answer with their declared types; the query does not run."""
        plan = compile_query(Parsed(query, ""), query, self.catalog, self._ask)
        self.columns_of(plan)
        return reading.typed_columns_of(self._session, plan.sql)

    def scratch_columns(self, table: str) -> list[tuple[str, str | None]]:
        """The columns of a scratch table with their declared types."""
        return reading.scratch_columns(self._session, table)

    def explain(self, plan: Plan, resolver: Resolver) -> Prepared:
        """All that happens before the first row, and SQLite's plan; the query does not run.

        Raises: what running it would raise so far.
        """
        scopes = self.scopes_of(plan, resolver)
        columns = self.columns_of(plan)
        explaining = replace(plan, sql="EXPLAIN QUERY PLAN " + plan.sql, fusion=None)
        return Prepared(columns, scopes, list(self.rows(explaining, scopes, resolver)))


def _views(found: Iterable[ViewText]) -> Iterator[tuple[str, View]]:
    """The views by lower name; a text that this program cannot read is no view to it."""
    for view in found:
        try:
            query = parse(view.text).statement
        except Error:
            continue
        if isinstance(query, Query):
            yield view.name.lower(), view_of(view.name, query, view.columns)


# ---------------------------------------------------------------- parameters and errors


def _bindings(plan: Plan, params: Params, zone: tzinfo) -> dict[str, Any]:
    return {name: bindable(params[bind], zone) for name, bind in _names(plan).items()}  # type: ignore[index]


def _names(plan: Plan) -> dict[str, int | str]:
    """What SQL calls the person's parameters."""
    return {parameter(bind): bind for bind in plan.binds}


def bindable(found: Any, zone: tzinfo) -> Any:
    """A parameter as SQLite takes it; datetimes become text as the time columns have it.

    A naive one is of the session's zone, as it is at a time position.
    """
    if type(found) in PLAIN:
        return found
    if found is None or isinstance(found, (str, int, float, bytes)):
        return int(found) if isinstance(found, bool) else found
    if isinstance(found, datetime):
        return instants.format_instant(instants.from_datetime(found, zone))
    if isinstance(found, date):
        return found.isoformat()
    raise ProgrammingError(
        f"a parameter cannot be of type {type(found).__name__}",
        code="parameter.type",
        hint="text, numbers, bytes, None, dates and datetimes can",
    )


PLAIN = frozenset((str, int, float, bytes, type(None)))
"""Types of parameters that SQLite takes as they are."""
