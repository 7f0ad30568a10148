"""changes: what DIFF finds, as a table function. `changes(since, until)`.

assertion_changes is the same for single assertions: FROM assertions DIFF SINCE … reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from epql.engine.errors import ProgrammingError
from epql.engine.index.causes import Cause, Causes
from epql.engine.index.diff import Change, Differ, Side
from epql.engine.index.snapshot import Window
from epql.engine.index.states import check_states
from epql.engine.lifecycle import NAME
from epql.engine.vtab.base import SEEN, Column, Condition, Relation, SqlValue, Where
from epql.engine.vtab.context import Context, Scope
from epql.engine.vtab.show import address, instant

_SIDE: tuple[tuple[str, str, Callable[[Side], Any]], ...] = (
    ("object", "", lambda side: side.object),
    ("confidence", "REAL", lambda side: side.confidence),
    ("lifecycle", "TEXT", lambda side: NAME[side.state]),
    ("agent", "TEXT", lambda side: side.agent),
    ("valid_from", "TEXT", lambda side: instant(side.valid_from)),
    ("valid_to", "TEXT", lambda side: instant(side.valid_to)),
    ("id", "TEXT", lambda side: address(side.digest)),
)
_CAUSE: tuple[tuple[str, str, Callable[[Cause], Any]], ...] = (
    ("cause", "TEXT", lambda cause: cause.cause),
    ("tx", "INTEGER", lambda cause: cause.tx),
    ("at", "TEXT", lambda cause: instant(cause.at)),
    ("agent", "TEXT", lambda cause: cause.agent),
    ("reason", "TEXT", lambda cause: cause.reason),
)


def _columns() -> tuple[Column, ...]:
    sides = [
        Column(f"{side}_{name}", kind, "", doc=f"of the {side} side; NULL without one")
        for name, kind, _ in _SIDE
        for side in ("before", "after")
    ]
    return (
        Column("change", "TEXT", "", doc="ADDED, REMOVED or CHANGED"),
        Column("cause", "TEXT", "", doc="the event that led to the after side"),
        Column("subject", "TEXT", "s.subject", push="slot", doc="of the slot"),
        Column("predicate", "TEXT", "s.predicate", push="slot", doc="of the slot"),
        *sides,
        Column("tx", "INTEGER", "", doc="the commit of that event"),
        Column("at", "TEXT", "", doc="its instant"),
        Column("agent", "TEXT", "", doc="who did it"),
        Column("reason", "TEXT", "", doc="and why"),
    )


class Changes(Relation):
    name = "changes"
    doc = "one row per change of an answer between two instants: DIFF as a table function"
    columns = _columns()
    hidden: tuple[str, ...] = (
        "since", "until", "as_of", "lifecycle_in", "valid_at", "resolve_by",
    )  # fmt: skip
    answers = True
    of = "beliefs"
    seen = Column(SEEN, "", "")

    def rows(
        self,
        context: Context,
        scope: Scope,
        wanted: Sequence[Column],
        conditions: Sequence[Condition],
    ) -> Iterator[tuple[SqlValue, ...]]:
        if not isinstance(scope, Window):
            raise ProgrammingError(
                f"{self.name} needs to know since when",
                code="diff.since_missing",
                hint=f"SELECT * FROM {self.of} DIFF SINCE '-24h', or {self.name}('-24h')",
            )
        check_states(context.declarations, scope, answers=self.answers)
        params: dict[str, SqlValue] = {}
        where = Where(params)
        for condition in conditions:
            if condition.value is None:
                return
            where.add_slot(condition)
        differ = Differ(context.db, context.declarations, scope, self.of)
        causes = Causes(context.db, context.declarations, scope, differ)
        readers = [_reader(column.name, causes) for column in wanted]
        for change in differ.changes(where.slot, params):
            memo: list[Cause] = []
            yield (*(read(change, memo) for read in readers), change.key)

    def cost(self, given: set[str]) -> tuple[float, int]:
        return (1000.0, 10) if given else (100_000.0, 1000)


class AssertionChanges(Changes):
    name = "assertion_changes"
    doc = "one row per assertion whose state changed between two instants"
    hidden = ("since", "until", "as_of", "lifecycle_in", "valid_at")
    answers = False
    of = "assertions"


Reader = Callable[[Change, list[Cause]], Any]


def _reader(name: str, causes: Causes) -> Reader:
    """How a column is read off a change; the cause is looked up once, and only if asked for."""
    if name == "change":
        return lambda change, memo: change.kind
    if name == SEEN:
        return lambda change, memo: _seen(change)
    if name in ("subject", "predicate"):
        return lambda change, memo: getattr(change, name)
    for field, _, read in _SIDE:
        if name == f"before_{field}":
            return _of_side(lambda change: change.before, read)
        if name == f"after_{field}":
            return _of_side(lambda change: change.after, read)
    tell = next(read for field, _, read in _CAUSE if field == name)

    def cause(change: Change, memo: list[Cause]) -> Any:
        if not memo:
            memo.append(causes.of(change))
        return tell(memo[0])

    return cause


def _seen(change: Change) -> bytes:
    """The assertions of both sides: digest and state of each."""
    sides = (change.before, change.after)
    return b"".join(side.digest + bytes([side.state]) for side in sides if side is not None)


def _of_side(side: Callable[[Change], Side | None], read: Callable[[Side], Any]) -> Reader:
    def tell(change: Change, memo: list[Cause]) -> Any:
        found = side(change)
        return None if found is None else read(found)

    return tell
