"""commits, journal, transitions, epochs, set_aside: what happened, in the order it happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from epql.engine.digest import digest
from epql.engine.lifecycle import NAME
from epql.engine.store.objects import seq_of
from epql.engine.vtab.base import (
    Column,
    Condition,
    Relation,
    SqlValue,
    Where,
    number_of,
    snapshot_of,
)
from epql.engine.vtab.context import Context, Scope
from epql.engine.vtab.show import address, instant


class Listing(Relation):
    """A relation that is one SELECT over tables of the index, bounded by the snapshot's :t."""

    tables: str
    where: str = "1"
    identity: str

    def bindings(self, context: Context, scope: Scope) -> dict[str, SqlValue]:
        """What its SQL names; a condition may bind more."""
        return {"t": snapshot_of(scope, self.name).tx}

    def rows(
        self,
        context: Context,
        scope: Scope,
        wanted: Sequence[Column],
        conditions: Sequence[Condition],
    ) -> Iterator[tuple[SqlValue, ...]]:
        params = self.bindings(context, scope)
        where = Where(params)
        for condition in conditions:
            if not self._push(context, where, condition):
                return iter(())
        selected = ", ".join([*(column.sql for column in wanted), self.identity])
        sql = f"SELECT {selected} FROM {self.tables} WHERE {self.where}"
        for condition_sql in where.row:
            sql += f" AND {condition_sql}"
        return cast("Iterator[tuple[SqlValue, ...]]", self.run(context, sql, params))

    def run(self, context: Context, sql: str, params: dict[str, SqlValue]) -> Iterator[Any]:
        """Run SQL where its tables are."""
        return context.db.execute(sql, params)

    def _push(self, context: Context, where: Where, condition: Condition) -> bool:
        """Take a condition in; False when it can never be met."""
        column, op, value = condition
        if value is None:
            return False  # nothing compares with NULL
        if column.push == "id":
            number = number_of(context, value)
            where.row.append(f"a.id={where.bind(number)}")
            return number is not None
        if column.sql.endswith(".id >> 20") and op == "=" and isinstance(value, int):
            if not 0 < value < _TX_END:
                return False
            low, high = where.bind(seq_of(value, 0)), where.bind(seq_of(value + 1, 0))
            where.row.append(f"{self.identity}>={low} AND {self.identity}<{high}")
            return True
        where.add_row(condition, value)
        return True

    def cost(self, given: set[str]) -> tuple[float, int]:
        return (10.0, 5) if given else (100_000.0, 100_000)


_TX_END = 1 << 40


class Commits(Listing):
    name = "commits"
    doc = "one row per transaction"
    tables = "txn c JOIN agent g ON g.id=c.agent"
    where = "c.tx<=:t"
    identity = "c.tx"
    columns = (
        Column("tx", "INTEGER", "c.tx", push="integer", doc="its number"),
        Column("recorded_at", "TEXT", "c.recorded_at", show=instant, doc="its instant"),
        Column("agent", "TEXT", "g.name", push="text", doc="who opened the transaction"),
        Column("records", "INTEGER", "c.records", doc="how many records it wrote"),
        Column("digest", "TEXT", "lower(hex(c.digest))", doc="its frame's BLAKE3 in hex: its name"),
        Column("origin", "TEXT", "c.origin", push="text", doc="local, or backfill"),
    )


class Transitions(Listing):
    name = "transitions"
    doc = "one row per move of an assertion from one lifecycle state to another"
    tables = (
        "transition t JOIN assertion a ON a.id=t.assertion JOIN slot s ON s.id=a.slot"
        " JOIN txn c ON c.tx=(t.id >> 20) JOIN agent g ON g.id=t.agent"
    )
    where = "t.id<((:t+1)<<20)"
    identity = "t.id"
    columns = (
        Column("tx", "INTEGER", "t.id >> 20", push="integer", doc="in which commit"),
        Column("recorded_at", "TEXT", "c.recorded_at", show=instant, doc="when"),
        Column("id", "TEXT", "a.digest", show=address, push="id", doc="of which assertion"),
        Column("subject", "TEXT", "s.subject", push="text", doc="of that assertion"),
        Column("predicate", "TEXT", "s.predicate", push="text", doc="of that assertion"),
        Column("object", "", "a.object", doc="of that assertion"),
        Column("from_state", "TEXT", "t.was", show=NAME.get, doc="from which state"),
        Column("to_state", "TEXT", "t.state", show=NAME.get, doc="to which"),
        Column("via", "TEXT", "t.via", push="text", doc="by which statement"),
        Column("agent", "TEXT", "g.name", push="text", doc="who moved it"),
        Column("reason", "TEXT", "t.reason", doc="and why"),
        Column(
            "superseded_by", "TEXT", "t.successor", show=address, doc="the id that took its place"
        ),
        Column("superseded_from", "TEXT", "t.cut", show=instant, doc="world time of the cut"),
    )


class Epochs(Listing):
    name = "epochs"
    doc = "one row per named epoch"
    tables = "epoch e JOIN txn c ON c.tx=(e.id >> 20) JOIN agent g ON g.id=e.agent"
    where = "e.id<((:t+1)<<20)"
    identity = "e.id"
    columns = (
        Column("name", "TEXT", "e.name", push="text", doc="as MARK EPOCH gave it"),
        Column("tx", "INTEGER", "e.id >> 20", push="integer", doc="the commit it names"),
        Column("recorded_at", "TEXT", "c.recorded_at", show=instant, doc="its instant"),
        Column("agent", "TEXT", "g.name", push="text", doc="who marked it"),
    )


class SetAside(Listing):
    name = "set_aside"
    doc = "one row per record of the journal that this program cannot understand"
    tables = "aside x JOIN txn c ON c.tx=(x.id >> 20)"
    where = "x.id<((:t+1)<<20)"
    identity = "x.id"
    columns = (
        Column("tx", "INTEGER", "x.id >> 20", push="integer", doc="in which commit"),
        Column("place", "INTEGER", "x.id & 1048575", doc="which of its records, from 0"),
        Column("recorded_at", "TEXT", "c.recorded_at", show=instant, doc="when"),
        Column("kind", "TEXT", "x.kind", push="text", doc="the letter of its kind"),
        Column("reason", "TEXT", "x.reason", doc="why it cannot be understood"),
    )


Record = tuple[int, str, str, bytes]
"""(tx, position, kind, payload), as a session gives them."""

_JOURNAL: tuple[tuple[Column, Callable[[Record], SqlValue]], ...] = (
    (Column("tx", "INTEGER", "", push="integer", doc="the commit it belongs to"), lambda r: r[0]),
    (Column("position", "TEXT", "", doc="file and byte offset"), lambda r: r[1]),
    (
        Column("kind", "TEXT", "", doc="the letter of its kind, such as H for an assertion"),
        lambda r: r[2],
    ),
    (
        Column("key", "TEXT", "", doc="its key in the store: kind and digest"),
        lambda r: f"{r[2]}:{digest(r[3]).hex()}",
    ),
    (
        Column("digest", "TEXT", "", doc="the BLAKE3 of its bytes, in hex"),
        lambda r: digest(r[3]).hex(),
    ),
    (Column("size", "INTEGER", "", doc="its bytes"), lambda r: len(r[3])),
)


class Journal(Relation):
    name = "journal"
    doc = "one row per record of the journal, read from its files"
    columns = tuple(column for column, _ in _JOURNAL)
    readers = {column.name: read for column, read in _JOURNAL}  # noqa: RUF012

    def rows(
        self,
        context: Context,
        scope: Scope,
        wanted: Sequence[Column],
        conditions: Sequence[Condition],
    ) -> Iterator[tuple[SqlValue, ...]]:
        low, high = 1, snapshot_of(scope, self.name).tx
        for _, op, value in conditions:
            if isinstance(value, int):
                low = max(low, {"=": value, ">": value + 1, ">=": value}.get(op, low))
                high = min(high, {"=": value, "<": value - 1, "<=": value}.get(op, high))
        readers = [self.readers[column.name] for column in wanted]
        for record in context.journal_records(low, high):
            yield (*[read(record) for read in readers], record[1])

    def cost(self, given: set[str]) -> tuple[float, int]:
        return (100.0, 100) if given else (1e6, 1_000_000)
