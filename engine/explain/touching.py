"""When the answer of a slot may have changed: commits that touched it, instants of valid time.

Read from the slot's own spans, so the cost grows with the slot's history, not with the journal's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from epql.engine.clock import EVER, FOREVER
from epql.engine.explain.slot import Index, Slot
from epql.engine.index.ask import first, only
from epql.engine.index.snapshot import Snapshot
from epql.engine.store.objects import seq_of

WEIGHED = ("credence", "consensus")
"""Strategies under which trust decides."""


class Point(NamedTuple):
    """An instant at which an answer may change. `tx`: the last commit up to it.

    `is_bound`: no commit, but a valid time that starts or ends.
    """

    at: int
    tx: int
    is_bound: bool

    def after(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot just after this point."""
        return moved(snapshot, self.tx, self.at)


class Happened(NamedTuple):
    """What the journal says of a commit, as far as a slot is concerned."""

    cause: str
    agent: str | None
    reason: str | None


def moved(snapshot: Snapshot, tx: int, clock: int) -> Snapshot:
    """A snapshot at another commit and clock; valid time goes with the clock where it did."""
    then = replace(snapshot, tx=tx, clock=clock)
    if snapshot.valid_low == snapshot.valid_high == snapshot.clock:
        return replace(then, valid_low=clock, valid_high=clock)
    return then


def points(index: Index, slot: Slot, snapshot: Snapshot) -> list[Point]:
    """The points up to a snapshot, in order."""
    commits = _commits(index, slot, snapshot)
    found = {row[0]: Point(row[0], row[1], False) for row in commits}
    if snapshot.valid_low == snapshot.valid_high == snapshot.clock:
        for at in _bounds(index, slot, snapshot):
            if at not in found:
                sql = "SELECT ifnull(max(tx), 0) FROM txn WHERE recorded_at<=? AND tx<=?"
                found[at] = Point(at, only(index.db, sql, (at, snapshot.tx))[0], True)
    return sorted(found.values())


def _commits(index: Index, slot: Slot, snapshot: Snapshot) -> list[tuple[int, int]]:
    parts = [
        "SELECT from_tx AS tx FROM span WHERE slot=:s",
        "SELECT to_tx FROM span WHERE slot=:s",
        "SELECT v.id >> 20 FROM vote v WHERE v.assertion IN (SELECT assertion FROM span"
        " WHERE slot=:s)",
        "SELECT u.id >> 20 FROM used u WHERE u.what='assertion' AND u.target IN"
        " (SELECT assertion FROM span WHERE slot=:s)",
        "SELECT id >> 20 FROM declaration WHERE what<>'query' AND (what<>'predicate' OR name=:p)",
    ]
    if snapshot.strategy in WEIGHED:
        parts.append(
            "SELECT t.id >> 20 FROM trust t WHERE t.agent IN (SELECT o.agent FROM span x"
            " JOIN assertion o ON o.id=x.assertion WHERE x.slot=:s)"
        )
    sql = (
        f"SELECT c.recorded_at, c.tx FROM ({' UNION '.join(parts)}) p JOIN txn c ON c.tx=p.tx"
        " WHERE c.tx<=:t"
    )
    params = {"s": slot.id, "p": slot.predicate, "t": snapshot.tx}
    rows: list[Any] = index.db.execute(sql, params).fetchall()
    return rows


def _bounds(index: Index, slot: Slot, snapshot: Snapshot) -> list[int]:
    sql = "SELECT valid_from FROM span WHERE slot=:s UNION SELECT valid_to FROM span WHERE slot=:s"
    rows = index.db.execute(sql, {"s": slot.id})
    return [at for (at,) in rows if EVER < at < FOREVER and at <= snapshot.clock]


def happened(index: Index, slot: int, tx: int) -> Happened:
    """What a commit did that concerns a slot: its last event there, else a declaration or trust."""
    sql = "SELECT event, assertion FROM touched WHERE tx=? AND slot=?"
    row = first(index.db, sql, (tx, slot))
    if row is not None:
        return _event(index, *row)
    sql = (
        "SELECT CASE WHEN EXISTS (SELECT 1 FROM declaration d WHERE d.id>=:low AND d.id<:high"
        " AND d.what<>'query') THEN 'DEFINE' WHEN EXISTS (SELECT 1 FROM trust t WHERE t.id>=:low"
        " AND t.id<:high) THEN 'TRUST' ELSE 'COMMIT' END, g.name, NULL"
        " FROM txn c JOIN agent g ON g.id=c.agent WHERE c.tx=:tx"
    )
    names = {"tx": tx, "low": seq_of(tx, 0), "high": seq_of(tx + 1, 0)}
    return Happened(*only(index.db, sql, names))


_EVENTS = (
    "SELECT t.via, g.name, t.reason FROM transition t JOIN agent g ON g.id=t.agent WHERE t.id=:e",
    "SELECT 'VOTE', g.name, v.reason FROM vote v JOIN agent g ON g.id=v.agent WHERE v.id=:e",
    "SELECT 'CONFIRM', g.name, u.reason FROM used u JOIN agent g ON g.id=u.agent WHERE u.id=:e",
    "SELECT 'ASSERT', g.name, NULL FROM assertion a JOIN agent g ON g.id=a.agent WHERE a.id=:a",
)


def _event(index: Index, event: int, assertion: int) -> Happened:
    found = (first(index.db, sql, {"e": event, "a": assertion}) for sql in _EVENTS)
    return Happened(*next(row for row in found if row is not None))
