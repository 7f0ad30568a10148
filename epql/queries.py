"""Running queries: the plan cache, scopes in, rows out, errors with their place in the text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, tzinfo
from typing import Any, NamedTuple
from weakref import WeakSet

from epql import instants
from epql.engine import reading
from epql.engine.database import Database
from epql.engine.errors import ProgrammingError
from epql.engine.index.snapshot import Window
from epql.engine.reading import Rows
from epql.engine.session import Session
from epql.engine.vtab.context import Scope
from epql.engine.vtab.register import RELATIONS
from epql.nodes import Expression, Parsed, Query, QueryExpression
from epql.plan import catalog, diff
from epql.plan.compile import Compared, Plan, compile_inner, compile_query, compile_value
from epql.plan.scope import Resolver
from epql.plan.values import Params, value

Row = tuple[Any, ...]
_CACHED = 1000


class Prepared(NamedTuple):
    """A query just before it would run. `sides`: its scopes; twice for a DIFF of two answers.

    `plan`: the rows of EXPLAIN QUERY PLAN (id, parent, notused, detail).
    """

    columns: list[str]
    sides: list[list[Scope]]
    plan: list[Row]


class Queries:
    """Runs the queries of one connection."""

    def __init__(self, database: Database, session: Session, running: WeakSet[Rows]) -> None:
        self._database = database
        self._session = session
        self._running = running
        self._plans: dict[int, Plan] = {}
        self._columns: dict[str, list[str]] = {}

    # ------------------------------------------------------------ planning

    def plan(self, parsed: Parsed, query: Query) -> Plan:
        """The plan of a query; the same parsed text is planned once."""
        plan = self._plans.get(id(parsed))
        if plan is None or plan.parsed is not parsed:
            plan = compile_query(parsed, query)
            if len(self._plans) >= _CACHED:
                self._plans.clear()
            self._plans[id(parsed)] = plan
        return plan

    def notices(self, plan: Plan, resolver: Resolver) -> list[str]:
        """What a person should know of a plan: a table in the past beside one at now (R6)."""
        pinned = [use.clauses.as_of is not None for use in plan.uses]
        if resolver.standing.as_of is not None or all(pinned) or not any(pinned):
            return []
        read = [
            f"{use.name} {'AS OF ' + _moment(resolver.scope(use)) if is_pinned else 'at now'}"
            for use, is_pinned in zip(plan.uses, pinned, strict=True)
        ]
        return ["mixed times: " + ", ".join(read)]

    # ------------------------------------------------------------ running

    def run(self, plan: Plan, resolver: Resolver) -> tuple[Iterator[Row], list[str], Scope | None]:
        """Rows, columns, and the first scope that was read."""
        if plan.compared is not None:
            return self._compare(plan, plan.compared, resolver)
        scopes = [resolver.scope(use) for use in plan.uses]
        columns = self.columns_of(plan)
        rows = self._rows(plan, scopes, resolver)
        return rows, columns, scopes[0] if scopes else None

    def columns_of(self, plan: Plan) -> list[str]:
        """The names of the columns that SQL gives; also the check that SQLite takes it."""
        names = self._columns.get(plan.sql)
        if names is None:
            try:
                names = reading.columns_of(self._session, plan.sql)
            except reading.UnknownName as error:
                raise explained(error, plan) from error.__cause__
            if len(self._columns) >= _CACHED:
                self._columns.clear()
            self._columns[plan.sql] = names
        return names

    def _rows(self, plan: Plan, scopes: Sequence[Scope], resolver: Resolver) -> Rows:
        named = dict(zip(plan.scope_names, scopes, strict=True))
        bindings = _bindings(plan, resolver.params, resolver.zone)
        rows = reading.run(self._session, plan.sql, bindings, named)
        self._running.add(rows)
        return rows

    def lists(self, query: QueryExpression, resolver: Resolver) -> tuple[list[str], list[Row]]:
        """Columns and all rows of a query inside another statement."""
        rows, columns, _ = self.run(compile_inner(query), resolver)
        return columns, list(rows)

    def value(self, expression: Expression, resolver: Resolver) -> Any:
        """The value of an expression that needs SQL."""
        rows, _, _ = self.run(compile_value(expression), resolver)
        row = next(iter(list(rows)), None)
        return None if row is None else row[0]

    def constant(self, expression: Expression, resolver: Resolver) -> Any:
        """The value of any expression."""
        return value(expression, resolver.params, resolver.evaluate)

    def buffer(self) -> None:
        """Fetch what running queries have left."""
        for rows in list(self._running):
            rows.buffer()

    def drop(self) -> None:
        """End running queries."""
        for rows in list(self._running):
            rows.close()

    # ------------------------------------------------------------ DIFF of two answers

    def _compare(
        self, plan: Plan, compared: Compared, resolver: Resolver
    ) -> tuple[Iterator[Row], list[str], Scope | None]:
        """Answer twice and compare by key (language.md §8, "Any other query")."""
        names = self.columns_of(plan)
        places = None
        if compared.key is not None:
            places = diff.check_key(compared.key, names, compared.diff)
        sides: list[list[Row]] = []
        window = resolver.window(compared.clauses, compared.diff)
        for side in ("before", "after"):
            scopes = [_at_side(resolver, use, compared, side) for use in plan.uses]
            sides.append(list(self._rows(plan, scopes, resolver)))
        columns = _compared_columns(names, places)
        if places is None:
            return _whole_rows(sides[0], sides[1]), columns, window
        kept = [i for i in range(len(names)) if i not in places]
        return _by_key(sides[0], sides[1], places, kept), columns, window

    # ------------------------------------------------------------ EXPLAIN

    def explain(self, plan: Plan, resolver: Resolver) -> Prepared:
        """All that happens before the first row, and SQLite's plan; the query does not run.

        Raises: what running it would raise so far.
        """
        compared = plan.compared
        if compared is None:
            sides = [[resolver.scope(use) for use in plan.uses]]
            columns = self.columns_of(plan)
        else:
            names = self.columns_of(plan)
            places = (
                None if compared.key is None else diff.check_key(compared.key, names, compared.diff)
            )
            columns = _compared_columns(names, places)
            resolver.window(compared.clauses, compared.diff)
            sides = [
                [_at_side(resolver, use, compared, side) for use in plan.uses]
                for side in ("before", "after")
            ]
        explaining = replace(plan, sql="EXPLAIN QUERY PLAN " + plan.sql)
        return Prepared(columns, sides, list(self._rows(explaining, sides[-1], resolver)))


def _at_side(resolver: Resolver, use: Any, compared: Compared, side: str) -> Scope:
    """The scope of a relation at one side; a table pinned by its own AS OF stays there."""
    if use.clauses.as_of is not compared.clauses.as_of:
        return resolver.scope(use)
    clauses = replace(use.clauses, diff=compared.diff)
    window = resolver.window(replace(clauses, **_defaults(clauses, resolver)), compared.diff)
    return window.since if side == "before" else window.until


def _defaults(clauses: Any, resolver: Resolver) -> dict[str, Any]:
    names = ("as_of", "valid", "lifecycle", "resolve")
    return {n: getattr(clauses, n) or getattr(resolver.standing, n) for n in names}


def _compared_columns(names: Sequence[str], places: Sequence[int] | None) -> list[str]:
    """The columns of a DIFF of any answer: change, the key, both sides of the others."""
    if places is None:
        return ["change", *names]
    kept = [name for i, name in enumerate(names) if i not in places]
    sides = [f"{side}_{name}" for name in kept for side in ("before", "after")]
    return ["change", *(names[i] for i in places), *sides]


def _whole_rows(before: list[Row], after: list[Row]) -> Iterator[Row]:
    """Rows that went and rows that came, each as often as it did."""
    gone, came = _without_common(before, after)
    yield from (("REMOVED", *row) for row in gone)
    yield from (("ADDED", *row) for row in came)


def _by_key(
    before: list[Row], after: list[Row], places: Sequence[int], kept: Sequence[int]
) -> Iterator[Row]:
    """Changes by key; where a key has several rows, those that went and those that came."""
    old, new = _grouped(before, places), _grouped(after, places)
    for key in {**old, **new}:
        was, came = _without_common(old.get(key, []), new.get(key, []))
        if len(old.get(key, [])) > 1 or len(new.get(key, [])) > 1:
            pairs: list[tuple[Row | None, Row | None]] = [(row, None) for row in was]
            pairs += [(None, row) for row in came]
        else:
            pairs = [(was[0] if was else None, came[0] if came else None)] if was or came else []
        for gone, here in pairs:
            change = "ADDED" if gone is None else "REMOVED" if here is None else "CHANGED"
            sides = [None if side is None else side[i] for i in kept for side in (gone, here)]
            yield (change, *key, *sides)


def _grouped(rows: list[Row], places: Sequence[int]) -> dict[Row, list[Row]]:
    groups: dict[Row, list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[i] for i in places), []).append(row)
    return groups


def _without_common(before: list[Row], after: list[Row]) -> tuple[list[Row], list[Row]]:
    """What is left of two lists without the rows they share, each as often as both have it."""
    gone, came = Counter(before), Counter(after)
    return list((gone - came).elements()), list((came - gone).elements())


def _moment(scope: Scope) -> str:
    snapshot = scope.until if isinstance(scope, Window) else scope
    return f"{instants.format_instant(snapshot.clock)} (TX {snapshot.tx})"


# ---------------------------------------------------------------- parameters and errors


def _bindings(plan: Plan, params: Params, zone: tzinfo) -> dict[str, Any]:
    names = {bind: (f"p{bind}" if isinstance(bind, int) else f"n_{bind}") for bind in plan.binds}
    return {name: bindable(params[bind], zone) for bind, name in names.items()}  # type: ignore[index]


def bindable(found: Any, zone: tzinfo) -> Any:
    """A parameter as SQLite takes it; datetimes become text as the time columns have it.

    A naive one is of the session's zone, as it is at a time position.
    """
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


def explained(error: reading.UnknownName, plan: Plan) -> ProgrammingError:
    """An error about a name: where it stands in the text, and the nearest one."""
    table, _, last = error.name.rpartition(".")
    last = last.strip('`"')
    spans = [place for known, place in plan.column_spans if known == last.lower()]
    span = spans[0] if spans else None
    known = [name.lower() for name in plan.tables]
    if table and error.code == "name.unknown_column" and table.lower() not in known:
        return ProgrammingError(
            f"there is no table or alias called {table!r}",
            code=error.code,
            span=span,
            hint=catalog.nearest(table, known, "there is "),
        )
    hint = _hint(last, error.code, plan)
    return ProgrammingError(error.message, code=error.code, span=span, hint=hint)


def _hint(name: str, code: str, plan: Plan) -> str | None:
    if code == "name.ambiguous_column":
        return "write the table's name or alias before it, with a dot"
    if code != "name.unknown_column":
        return None
    names = [
        column.name
        for relation in dict.fromkeys(use.relation for use in plan.uses)
        for column in RELATIONS[relation].columns
    ]
    return catalog.nearest(name, names, "the columns are ") if names else None
