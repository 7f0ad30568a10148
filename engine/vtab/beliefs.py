"""beliefs, assertions and history: candidates and winners at a snapshot.

Each builds one SQL statement over the index from resolve.py's sources; its text depends only on
the snapshot's shape, the columns read and the conditions pushed down, so SQLite's statement
cache serves it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from epql.engine.index import credence, resolve, topics
from epql.engine.index.credence import Weighing
from epql.engine.index.declarations import Declared
from epql.engine.index.resolve import Shape, Source
from epql.engine.index.states import check_states
from epql.engine.lifecycle import CODE
from epql.engine.store.objects import TX_OF_SEQ
from epql.engine.vtab.base import (
    SEEN,
    Column,
    Condition,
    Relation,
    SqlValue,
    Where,
    number_of,
    snapshot_of,
)
from epql.engine.vtab.context import Context, Scope
from epql.engine.vtab.show import address, as_seen, instant, state

_A = ("a",)
_SLOT = (
    Column("subject", "TEXT", "s.subject", push="slot", doc="what it is about: 'auth/jwt'"),
    Column("predicate", "TEXT", "s.predicate", push="slot", doc="which property: 'algorithm'"),
    Column("object", "", "a.object", _A, push="any", doc="the value: text or a number"),
    Column("confidence", "REAL", "a.confidence", _A, push="real", doc="as the writer stated it"),
)
_CREDENCE = Column(
    "credence", "REAL", "credence", _A, doc="confidence × trust × freshness at the clock"
)
_STATE = Column(
    "lifecycle", "TEXT", "w.state", show=state, push="state", doc="its state at the snapshot"
)
_ORIGIN = (
    Column("agent", "TEXT", "g.name", ("a", "g"), push="text", doc="who asserted it"),
    Column("source", "TEXT", "a.source", _A, push="text", doc="where it was taken from"),
    Column("topic", "TEXT", "s.topic", push="slot", doc="first path segment, or as declared"),
    Column("valid_from", "TEXT", "w.valid_from", show=instant, doc="world time: from; NULL open"),
    Column("valid_to", "TEXT", "w.valid_to", show=instant, doc="world time: up to; NULL open"),
    Column("recorded_at", "TEXT", "c.recorded_at", ("c",), show=instant, doc="when last asserted"),
    Column("tx", "INTEGER", TX_OF_SEQ.format("w.seq"), push="integer", doc="the commit of that"),
    Column("id", "TEXT", "a.digest", _A, show=address, push="id", doc="a: and its content's hash"),
)
_LAST_MOVE = (
    "(SELECT {} FROM transition t WHERE t.assertion=w.assertion AND t.id<((w.from_tx+1)<<20){}"
    " ORDER BY t.id DESC LIMIT 1)"
)
_CORRECTED_BY = (
    f"iif(w.state={CODE['incorrect']}, (SELECT"
    " iif(x.successor IS NULL, 'x:' || lower(hex(x.digest)), 'a:' || lower(hex(x.successor)))"
    " FROM correction x WHERE x.assertion=w.assertion"
    " AND x.id<((w.from_tx+1)<<20) ORDER BY x.id DESC LIMIT 1), NULL)"
)
_FLAGGED = (  # the latest flag that no later CONFIRM answered
    "(SELECT f.reason FROM flag f WHERE f.assertion=w.assertion AND f.id<((:t+1)<<20)"
    " AND f.id>ifnull((SELECT max(u.id) FROM used u WHERE u.what='assertion'"
    " AND u.target=w.assertion AND u.id<((:t+1)<<20)), 0) ORDER BY f.id DESC LIMIT 1)"
)
_DETAILS = (
    Column("parents", "TEXT", "a.extra->'parents'", _A, doc="ids it comes from (BECAUSE), as JSON"),
    Column("qualifiers", "TEXT", "a.extra->'qualifiers'", _A, doc="its QUALIFIED, as JSON"),
    Column(
        "superseded_by", "TEXT",
        _LAST_MOVE.format("t.successor", " AND (t.successor NOT NULL OR t.via='REVIVE')"),
        show=address, doc="the id that took its place",
    ),
    Column("corrected_by", "TEXT", _CORRECTED_BY, doc="its replacement, or else the correction"),
    Column("flagged", "TEXT", _FLAGGED, doc="why a derived assertion lost its ground"),
    Column("reason", "TEXT", _LAST_MOVE.format("t.reason", ""), doc="of its last move"),
)  # fmt: skip
_HISTORY = (
    Column("believed_from", "TEXT", "f.recorded_at", ("f",), show=instant, doc="belief time: from"),
    Column("believed_to", "TEXT", "e.recorded_at", ("e",), show=instant, doc="up to; NULL still"),
    Column("tx_from", "INTEGER", "w.from_tx", push="integer", doc="the commit that began it"),
    Column("tx_to", "INTEGER", "iif(w.to_tx<=:t, w.to_tx, NULL)", doc="and that ended it"),
)

_JOINS = {
    "a": " JOIN assertion a ON a.id=w.assertion",
    "g": " JOIN agent g ON g.id=a.agent",
    "c": " JOIN txn c ON c.tx=(w.seq >> 20)",
    "f": " JOIN txn f ON f.tx=w.from_tx",
    "e": " LEFT JOIN txn e ON e.tx=w.to_tx AND w.to_tx<=:t",
}


class Believed(Relation):
    """What beliefs, assertions and history share: one statement from sources and conditions."""

    identity: tuple[str, ...] = ("w.assertion",)
    seen = Column(SEEN, "INTEGER", "w.assertion*16+w.state")

    def sources(self, shape: Shape, where: Where, window: tuple[int, int] | None) -> list[Source]:
        """Where the rows of a shape come from; `window`: as in a Snapshot."""
        raise NotImplementedError

    def rows(
        self,
        context: Context,
        scope: Scope,
        wanted: Sequence[Column],
        conditions: Sequence[Condition],
    ) -> Iterator[tuple[SqlValue, ...]]:
        found = self.statement(context, scope, wanted, conditions)
        if found is None:
            return iter(())
        sql, params = found
        return cast("Iterator[tuple[SqlValue, ...]]", context.db.execute(sql, params))

    def statement(
        self,
        context: Context,
        scope: Scope,
        wanted: Sequence[Column],
        conditions: Sequence[Condition],
    ) -> tuple[str, dict[str, SqlValue]] | None:
        """The SQL and bindings for a scope; None when no row can meet the conditions."""
        snapshot = snapshot_of(scope, self.name)
        check_states(context.declarations, snapshot, answers=self.answers)
        shape, params, declared = resolve.bound(context.db, context.declarations, snapshot)
        if declared.topics:
            wanted, conditions = _with_topics(declared.topics, wanted, conditions, params)
        where = Where(params)
        if not all(_push(context, where, condition) for condition in conditions):
            return None
        aliases = where.aliases.union(*(column.joins for column in wanted))
        if _CREDENCE in wanted:
            weighing = credence.weighing(context.db, declared)
            if not weighing.is_plain:
                params |= credence.bindings(declared, snapshot.clock)
            wanted = [
                column._replace(sql=weighing.credence()) if column is _CREDENCE else column
                for column in wanted
            ]
        selected = [_expression(column, shape) for column in wanted]
        selected += self.identity
        parts = [
            _select(source, selected, aliases, where.row)
            for source in self.sources(shape, where, snapshot.window)
        ]
        return " UNION ALL ".join(parts), params

    def is_direct(self, shape: Shape) -> bool:
        """Whether a slot's rows are found by seeks, so that a condition from outside the query
        leads to them as well as one inside."""
        return not shape.split and shape.strategy in ("latest", "none")

    def query(
        self,
        shape: Shape,
        declared: Declared,
        weighing: Weighing | None,
        wanted: Iterable[str],
        *,
        is_whole: bool = False,
    ) -> str:
        """A query of the index for the rows that SQL sees of a scope of that shape: what a fused
        plan has in the place of the virtual table. Its parameters are those of `bindings`.

        `wanted`: names of columns; `weighing`: what decides credence, if that is among them.
        `is_whole`: no condition from outside leads to some of the slots.
        """
        columns = [column for column in self.readable if column.name in wanted]
        if declared.topics:
            columns = [_told(declared.topics, column) for column in columns]
        selected = [f"{_shown(column, shape, weighing)} AS {column.name}" for column in columns]
        aliases = set[str]().union(*(column.joins for column in columns))
        whole = self.whole(shape) if is_whole else None
        if whole is not None and _is_told(selected, aliases):
            return _select(whole, selected, aliases, [])
        where = Where({})
        return " UNION ALL ".join(
            _select(source, selected, aliases, []) for source in self.sources(shape, where, None)
        )

    def whole(self, shape: Shape) -> Source | None:
        """Where all rows come from at once, if there is such a way."""
        return None

    def cost(self, given: set[str]) -> tuple[float, int]:
        if "id" in given or {"subject", "predicate"} <= given:
            return 10.0, 1
        if "subject" in given:
            return 50.0, 10
        if given & {"predicate", "topic"}:
            return 10_000.0, 5_000
        return 1e6, 500_000


class Beliefs(Believed):
    name = "beliefs"
    doc = "one row per slot (subject, predicate) after resolution: what is believed"
    answers = True
    columns = (
        *_SLOT, _CREDENCE, _STATE, *_ORIGIN,
        Column("support", "INTEGER", "support", _A, doc="distinct agents that assert the object"),
        Column("disputed", "INTEGER", "disputed", _A, doc="1 if a candidate says otherwise"),
    )  # fmt: skip
    hidden = ("as_of", "lifecycle_in", "valid_at", "resolve_by")

    def sources(self, shape: Shape, where: Where, window: tuple[int, int] | None) -> list[Source]:
        return resolve.winners(shape, where.slot)

    def whole(self, shape: Shape) -> Source | None:
        return resolve.whole(shape)


class Assertions(Believed):
    name = "assertions"
    doc = "one row per assertion, with its state at the snapshot"
    columns = (*_SLOT, _CREDENCE, _STATE, *_ORIGIN, *_DETAILS)
    hidden = ("as_of", "lifecycle_in", "valid_at")

    def is_direct(self, shape: Shape) -> bool:
        return not shape.split

    def sources(self, shape: Shape, where: Where, window: tuple[int, int] | None) -> list[Source]:
        return [resolve.candidates(shape, where.slot)]


class History(Believed):
    name = "history"
    doc = "one row per interval in which an assertion was in one state and as it was"
    columns = (*_SLOT, _CREDENCE, _STATE, *_ORIGIN, *_DETAILS, *_HISTORY)
    identity = ("w.state", "w.seq", "w.from_tx", "w.valid_from")
    hidden = ("as_of", "lifecycle_in", "valid_at")

    def is_direct(self, shape: Shape) -> bool:
        return True

    def sources(self, shape: Shape, where: Where, window: tuple[int, int] | None) -> list[Source]:
        tables = "slot s JOIN span w ON w.slot=s.id AND " + resolve.in_states("w", shape.states)
        conditions = ["w.from_tx<=:t", "w.valid_from<=:vh AND w.valid_to>:vl", *where.slot]
        if window is not None:
            after, upto = window
            conditions.append(f"w.to_tx>{where.bind(after)} AND w.from_tx<={where.bind(upto)}")
        return [Source(tables, tuple(conditions))]


def _with_topics(
    declared: topics.Topics,
    wanted: Sequence[Column],
    conditions: Sequence[Condition],
    params: dict[str, SqlValue],
) -> tuple[Sequence[Column], Sequence[Condition]]:
    """The column topic read as the declared topics say, where it is asked for."""
    if not any(c.name == "topic" for c in (*wanted, *(one.column for one in conditions))):
        return wanted, conditions
    params.update(topics.bindings(declared))
    return [_told(declared, column) for column in wanted], [
        one._replace(column=_told(declared, one.column)) for one in conditions
    ]


def _told(declared: topics.Topics, column: Column) -> Column:
    """A column; topic as the declared topics say."""
    if column.name != "topic":
        return column
    return column._replace(sql=topics.expression(declared))


def _push(context: Context, where: Where, condition: Condition) -> bool:
    """Take a condition in; False when it can never be met."""
    column, op, value = condition
    if value is None:
        return False  # nothing compares with NULL
    if column.push == "slot":
        where.add_slot(condition)
    elif column.push in ("text", "real", "any"):
        where.add_row(condition, value)
    elif column.push == "state":
        where.add_row(condition, CODE.get(value, 0) if isinstance(value, str) else 0)
    elif column.push == "integer" and isinstance(value, int):
        where.add_row(condition, value)
        if column.name == "tx" and op in ("=", ">", ">="):
            mark = where.bind(value)
            where.slot.append(f"s.id IN (SELECT slot FROM touched WHERE tx{op}{mark})")
    elif column.push == "id":
        return _push_id(context, where, value)
    return True


def _push_id(context: Context, where: Where, value: SqlValue) -> bool:
    """An id given whole leads to its slot at once."""
    number = number_of(context, value)
    if number is None:
        return False
    mark = where.bind(number)
    where.slot.append(f"s.id=(SELECT slot FROM assertion WHERE id={mark})")
    where.row.append(f"w.assertion={mark}")
    return True


def _shown(column: Column, shape: Shape, weighing: Weighing | None) -> str:
    """SQL for what a reader sees of a column, with the affinity that it has for him."""
    if column is _CREDENCE:
        assert weighing is not None
        return f"CAST({weighing.credence()} AS REAL)"
    return as_seen(_expression(column, shape), column.type, column.show)


def _expression(column: Column, shape: Shape) -> str:
    """The SQL that reads a column."""
    if column.name == "support":
        return resolve.support(shape)
    if column.name == "disputed":
        return resolve.disputed(shape)
    return column.sql


def _is_told(selected: Sequence[str], aliases: set[str]) -> bool:
    """Whether what is selected of a winner's span needs one seek at most, if no span is read."""
    texts = [*selected, *(_JOINS[alias] for alias in aliases)]
    return len(set(_OF_SPAN.findall(" ".join(texts))) & {*resolve.READ}) < 2


_OF_SPAN = re.compile(r"\bw\.(\w+)")


def _select(source: Source, selected: list[str], aliases: set[str], row: list[str]) -> str:
    if "g" in aliases:
        aliases = aliases | {"a"}
    joins = "".join(text for alias, text in _JOINS.items() if alias in aliases)
    where = " AND ".join([*source.where, *row])
    rows = f"SELECT {', '.join(selected)} FROM {source.tables}{joins} WHERE {where}"
    return _OF_SPAN.sub(lambda found: source.told[found[1]], rows) if source.told else rows
