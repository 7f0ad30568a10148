"""changes: what DIFF finds, as a table function. `changes(since, until)`.

assertion_changes is the same for single assertions: FROM assertions DIFF SINCE … reads it.

One statement over the index finds both sides. What led to a change is looked for slot by slot, and
only where it is asked for; a column that tells it has no SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, cast

from epql.engine.errors import ProgrammingError
from epql.engine.index.causes import Cause, Causes, Change
from epql.engine.index.diff import AFTER, BEFORE, Answer, Differ, Key
from epql.engine.index.snapshot import Window
from epql.engine.index.states import check_states
from epql.engine.vtab.base import (
    SEEN,
    Column,
    Condition,
    Relation,
    SqlValue,
    Where,
    is_textual,
)
from epql.engine.vtab.context import Context, Scope
from epql.engine.vtab.show import address, as_seen, instant, state

_JOINS = {
    f"{side}_{table}": f" LEFT JOIN {table} {side}_{table} ON {side}_{table}.id={found}"
    for side in (BEFORE, AFTER)
    for table, found in (("assertion", f"s.{side}_assertion"), ("agent", f"{side}_assertion.agent"))
}


def _sided(name: str, kind: str, sql: str, *joins: str, show: Any = None) -> Iterator[Column]:
    """A column for each side."""
    for side in (BEFORE, AFTER):
        yield Column(
            f"{side}_{name}", kind, sql.format(side),
            tuple(f"{side}_{join}" for join in joins), show,
            doc=f"of the {side} side; NULL without one",
        )  # fmt: skip


_SUBJECT = Column("subject", "TEXT", "s.subject", push="slot", doc="of the slot")
_KIND = (
    "CASE WHEN s.before_assertion IS NULL THEN 'ADDED'"
    " WHEN s.after_assertion IS NULL THEN 'REMOVED' ELSE 'CHANGED' END"
)
_SEEN = " || ".join(
    f"ifnull({side}_assertion.digest || char(s.{side}_state), '')" for side in (BEFORE, AFTER)
)
"""The assertions of both sides: digest and state of each."""
_KEY = ("s.id", "s.kind", "s.value")
_CHANGE = (
    *_KEY, "s.subject", "s.predicate",
    "s.after_assertion", "s.after_state", "s.after_valid_from", "s.after_valid_to",
)  # fmt: skip
"""What a Change is made of."""


class Changes(Relation):
    name = "changes"
    doc = "one row per change of an answer between two instants: DIFF as a table function"
    columns = (
        Column("change", "TEXT", _KIND, doc="ADDED, REMOVED or CHANGED"),
        Column("cause", "TEXT", "", doc="the event that led to the after side"),
        _SUBJECT,
        Column("predicate", "TEXT", "s.predicate", push="slot", doc="of the slot"),
        *_sided("object", "", "{}_assertion.object", "assertion"),
        *_sided("confidence", "REAL", "{}_assertion.confidence", "assertion"),
        *_sided("lifecycle", "TEXT", "s.{}_state", show=state),
        *_sided("agent", "TEXT", "{}_agent.name", "assertion", "agent"),
        *_sided("valid_from", "TEXT", "s.{}_valid_from", show=instant),
        *_sided("valid_to", "TEXT", "s.{}_valid_to", show=instant),
        *_sided("id", "TEXT", "{}_assertion.digest", "assertion", show=address),
        Column("tx", "INTEGER", "", doc="the commit of that event"),
        Column("at", "TEXT", "", show=instant, doc="its instant"),
        Column("agent", "TEXT", "", doc="who did it"),
        Column("reason", "TEXT", "", doc="and why"),
    )
    hidden: tuple[str, ...] = (
        "since", "until", "as_of", "lifecycle_in", "valid_at", "resolve_by",
    )  # fmt: skip
    answers = True
    of = "beliefs"
    seen = Column(SEEN, "", f"CAST({_SEEN} AS BLOB)", ("before_assertion", "after_assertion"))

    def rows(
        self,
        context: Context,
        scope: Scope,
        wanted: Sequence[Column],
        conditions: Sequence[Condition],
    ) -> Iterator[tuple[SqlValue, ...]]:
        told = [column for column in wanted if column.sql]
        differ = self._differ(context, scope)
        if len(told) == len(wanted):
            return _rows(context, _select(differ, wanted, _KEY, conditions))
        rows = _rows(context, _select(differ, told, _CHANGE, conditions))
        causes = Causes(context.db, context.declarations, differ)
        return _with_causes(rows, causes, told, wanted)

    def query(self, context: Context, scope: Scope, wanted: Iterable[str]) -> Statement:
        """A query of the index for the rows that SQL sees, all of them, and its bindings: what a
        fused plan has in the place of the virtual table. Every column wanted has SQL.
        """
        columns = [column for column in self.readable if column.name in wanted]
        seen = [f"{as_seen(c.sql, c.type, c.show)} AS {c.name}" for c in columns]
        table, params = self._differ(context, scope).changes((), of_few=False)
        return _read(seen, table, columns), params

    def _differ(self, context: Context, scope: Scope) -> Differ:
        if not isinstance(scope, Window):
            raise ProgrammingError(
                f"{self.name} needs to know since when",
                code="diff.since_missing",
                hint=f"SELECT * FROM {self.of} DIFF SINCE '-24h', or {self.name}('-24h')",
            )
        check_states(context.declarations, scope, answers=self.answers)
        return Differ(context.db, context.declarations, scope, self.of)

    def cost(self, given: set[str]) -> tuple[float, int]:
        return (1000.0, 10) if given else (100_000.0, 1000)


class AssertionChanges(Changes):
    name = "assertion_changes"
    doc = "one row per assertion whose state changed between two instants"
    hidden = ("since", "until", "as_of", "lifecycle_in", "valid_at")
    answers = False
    of = "assertions"


Statement = tuple[str, dict[str, SqlValue]]


def _select(
    differ: Differ, wanted: Sequence[Column], more: Sequence[str], conditions: Sequence[Condition]
) -> Statement | None:
    """The statement that reads columns and more; None when no row can meet the conditions."""
    where = Where({})
    of_few = False
    for condition in conditions:
        if condition.value is None:
            return None
        where.add_slot(condition)
        of_few |= (
            condition.column is _SUBJECT and condition.op == "=" and is_textual(condition.value)
        )
    table, params = differ.changes(where.slot, of_few=of_few)
    selected = [*(column.sql for column in wanted), *more]
    return _read(selected, table, wanted), params | where.params


def _read(selected: Sequence[str], table: str, columns: Sequence[Column]) -> str:
    """SQL that reads what is selected of these columns, in order of the slots."""
    aliases = {join for column in columns for join in column.joins}
    joins = "".join(text for alias, text in _JOINS.items() if alias in aliases)
    return f"SELECT {', '.join(selected)} FROM {table}{joins} ORDER BY {', '.join(_KEY)}"


def _rows(context: Context, found: Statement | None) -> Iterator[tuple[SqlValue, ...]]:
    rows = iter(()) if found is None else context.db.execute(*found)
    return cast("Iterator[tuple[SqlValue, ...]]", rows)


def _with_causes(
    rows: Iterator[tuple[SqlValue, ...]],
    causes: Causes,
    told: Sequence[Column],
    wanted: Sequence[Column],
) -> Iterator[tuple[SqlValue, ...]]:
    """Rows of the columns that have SQL with those of the cause among them."""
    names = [*(column.name for column in told), *Cause._fields]
    places = [names.index(column.name) for column in wanted]
    for _, rows_of_slot in groupby(rows, itemgetter(len(told))):
        together = list(rows_of_slot)
        changes = [_change(row[len(told) :]) for row in together]
        for row, change, cause in zip(together, changes, causes.of(changes), strict=True):
            values = (*row[: len(told)], *cause)
            yield (*[values[place] for place in places], *change.key)


def _change(values: Sequence[Any]) -> Change:
    """A change, of the columns of _CHANGE."""
    slot, kind, value, subject, predicate, *after = values
    key = Key(slot, kind, value)
    return Change(key, subject, predicate, None if after[0] is None else Answer(*after))
