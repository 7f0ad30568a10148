"""Fused plans: a person's query straight over the index, with no virtual table between.

The planner leaves holes where relations stand. What goes into a hole is the query by which the
virtual table would find its rows (engine/index/resolve.py has the rule), with every value as
readers see it. Its text depends on the shape of the snapshot and on what is declared, so it is
made once for each of these; the instants are parameters.

SQLite is asked once, as it prepares a new text, whether it reads more than that (guard.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import apsw

from epql.engine import described
from epql.engine.index import credence, resolve, topics
from epql.engine.index.credence import Weighing
from epql.engine.index.declarations import Declared
from epql.engine.index.resolve import Shape
from epql.engine.index.snapshot import Snapshot, Window
from epql.engine.vtab.beliefs import Assertions, Beliefs, Believed, History
from epql.engine.vtab.changes import AssertionChanges, Changes
from epql.engine.vtab.context import Scope

if TYPE_CHECKING:
    from epql.engine.session import Session

_BELIEVED: dict[str, Believed] = {one.name: one for one in (Beliefs(), Assertions(), History())}
_CHANGES: dict[str, Changes] = {one.name: one for one in (Changes(), AssertionChanges())}

COLUMNS: dict[str, frozenset[str]] = {
    name: frozenset(column.name for column in relation.columns if column.sql)
    for name, relation in (*_BELIEVED.items(), *_CHANGES.items())
}
"""What can stand in a fused plan, with the columns that SQL alone can tell."""

DIFFS = frozenset(_CHANGES)
"""Those that compare: nothing from outside leads to their slots."""

INTERNAL = frozenset((
    "slot", "span", "assertion", "agent", "txn", "transition", "correction", "flag", "used",
    "trust", "touched", "bound", "vote",
))  # fmt: skip
"""The tables of the index that these read. A common table of such a name would stand in the way."""

_TEXTS_MAX = 16
"""Texts of one plan that are kept: one for each shape in which it is asked."""


class Gap(NamedTuple):
    """A hole in the SQL of a plan: which of its uses, of which relation, which columns are read.

    `is_alone`: nothing is joined to it, and no condition chooses among its rows. `is_whole`:
    nothing leads to some of its slots, or asks for them in an order.
    """

    use: int
    relation: str
    columns: frozenset[str]
    is_alone: bool
    is_whole: bool


class Reading(NamedTuple):
    """How a hole is read: what decides its text."""

    shape: Shape
    declared: Declared
    weighing: Weighing | None


class Compared(NamedTuple):
    """How a hole is read where it compares: its own text, and what that names."""

    sql: str
    params: dict[str, Any]


Filling = Reading | Compared


class Fused(NamedTuple):
    """The SQL of a plan without holes. `fixed`: values that its declarations give.

    `ordered` puts (fixed, the scopes' values, the person's values, the number of the sink) in the
    order of SQL's parameters.
    """

    sql: str
    fixed: tuple[Any, ...]
    ordered: Callable[[tuple[Any, ...]], tuple[Any, ...]]


def reading(session: Session, gap: Gap, scope: Scope, predicate: object) -> Filling | None:
    """How a hole is read at a scope; None where the virtual table does better.

    `predicate`: the one it is about, if that is known.
    """
    if gap.relation in _CHANGES:
        if not isinstance(scope, Window):
            return None
        return Compared(*_CHANGES[gap.relation].query(session, scope, gap.columns))
    if not isinstance(scope, Snapshot) or scope.window is not None:
        return None
    declared = session.declarations.at(scope.tx)
    many = declared.many if gap.relation == "beliefs" else ()
    if many and not gap.is_alone:
        if not isinstance(predicate, str) or predicate in many:
            return None
        many = ()
    weighing = None
    if "credence" in gap.columns:
        weighing = credence.weighing(session.db, declared)
    shape = resolve.shape_of(scope, many)
    if not _BELIEVED[gap.relation].is_direct(shape):
        return None
    return Reading(shape, declared, weighing)


class Texts:
    """The fused texts of one plan, by how its holes are read."""

    def __init__(
        self, pieces: Sequence[str], gaps: Sequence[Gap], scopes: int, names: Sequence[str]
    ) -> None:
        self._pieces = pieces
        self._gaps = gaps
        self._scopes = scopes
        self._names = names
        self._texts: dict[tuple[Any, ...], tuple[list[Filling], Fused | None]] = {}

    def of(self, session: Session, readings: list[Filling]) -> Fused | None:
        """The text for holes read so; None where SQLite does not take it, such as for its depth.

        `readings`: in order of the holes.
        """
        key = tuple(map(_key, readings))
        kept = self._texts.get(key)
        if kept is None:
            if len(self._texts) >= _TEXTS_MAX:
                self._texts.clear()
            kept = self._texts[key] = readings, self._made(session, readings)
        fused = kept[1]
        if fused is None or not any(isinstance(one, Compared) for one in readings):
            return fused
        values = self._values(readings).values()  # in the same order, as the texts are the same
        return fused._replace(fixed=tuple(values))

    def _values(self, readings: list[Filling]) -> dict[str, Any]:
        """What the holes name besides their snapshots, by the names in the whole text."""
        values: dict[str, Any] = {}
        for gap, read in zip(self._gaps, readings, strict=True):
            given = read.params if isinstance(read, Compared) else _given(read)
            values |= {_name(gap.use, name): value for name, value in given.items()}
        return values

    def _made(self, session: Session, readings: list[Filling]) -> Fused | None:
        parts: list[str] = list(self._pieces)
        for place in range(1, len(parts), 2):
            number = int(parts[place])
            gap, read = self._gaps[number], readings[number]
            if isinstance(read, Compared):
                query = read.sql
            else:
                believed = _BELIEVED[gap.relation]
                query = believed.query(*read, gap.columns, is_whole=gap.is_whole)
            parts[place] = f"({resolve.apart(query, scope_name(gap.use))})"
        sql = "".join(parts)
        try:
            with session.index_guard.person():
                wanted = described.described(session.db, sql).parameters
        except apsw.SQLError:
            return None
        values = self._values(readings)
        return Fused(sql, tuple(values.values()), self._order(values, wanted))

    def _order(
        self, fixed: Iterable[str], wanted: Sequence[str | None]
    ) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
        names = [*fixed]
        for use in range(self._scopes):
            names += [_name(use, name) for name in VALUES]
        names += [*self._names, SINK]
        places = [names.index(str(name)) for name in wanted]
        return itemgetter(*places)


def scope_name(use: int) -> str:
    """What SQL calls the scope of a use; no name that a person writes begins so."""
    return f"n_0s{use}"


def _name(use: int, name: str) -> str:
    """What SQL calls a value that a hole of that use names, as `resolve.apart` has it."""
    return f"{scope_name(use)}_{name}"


SAW, SINK = "epql_saw", "n_0saw"
"""The function by which a fused plan tells what it sums up, and the parameter that says whom."""

VALUES = ("t", "vl", "vh", "clock")
"""What a snapshot gives to its queries, in this order: `values_of`."""


def values_of(snapshot: Scope) -> tuple[int, int, int, int]:
    """The values of VALUES for a snapshot; those of a window stand in its own text."""
    if isinstance(snapshot, Window):
        return 0, 0, 0, 0
    return snapshot.tx, snapshot.valid_low, snapshot.valid_high, snapshot.clock


def _key(read: Filling) -> tuple[Any, ...]:
    if isinstance(read, Compared):
        return (read.sql,)
    return read.shape, id(read.declared), read.weighing


def _given(read: Reading) -> dict[str, Any]:
    """What the declarations give to a query."""
    given: dict[str, Any] = dict(topics.bindings(read.declared.topics))
    if read.shape.many:
        given |= resolve.many_bound(read.declared.many)
    if read.weighing is not None:
        given |= credence.bindings(read.declared, 0)
    return {name: value for name, value in given.items() if name not in VALUES}
