"""DIFF: what changed between the answers at two snapshots, and what led to it.

The cost grows with the change: only candidates are resolved, at both ends. A slot's answer can
change because a commit touched it, because a valid time starts or ends between the two clocks,
or because its predicate was declared anew. The result is net: what came and went inside the
window does not appear.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import apsw

from epql.engine.index import resolve
from epql.engine.index.ask import first, only
from epql.engine.index.declarations import Declarations
from epql.engine.index.snapshot import Snapshot, Window
from epql.engine.store.objects import seq_of, tx_of


class Side(NamedTuple):
    """One side of a change: what is compared, after what names the slot."""

    object: Any
    confidence: float
    state: int
    agent: str
    valid_from: int
    valid_to: int
    digest: bytes


class Cause(NamedTuple):
    """The event that led to the after side. A valid bound has no tx and no agent."""

    cause: str
    tx: int | None
    at: int
    agent: str | None
    reason: str | None


class Change(NamedTuple):
    """One difference. `key` is (slot, object or digest where these tell rows apart)."""

    key: tuple[Any, ...]
    subject: str
    predicate: str
    before: Side | None
    after: Side | None

    @property
    def kind(self) -> str:
        """ADDED, REMOVED or CHANGED."""
        if self.before is None:
            return "ADDED"
        return "REMOVED" if self.after is None else "CHANGED"


class Point(NamedTuple):
    """An instant at which a slot's answer may change; `tx` is the last commit up to it."""

    at: int
    tx: int
    bound: bool


class Differ:
    """Compares the answers of `beliefs` (or the states of `assertions`) over a window."""

    def __init__(
        self, db: apsw.Connection, declarations: Declarations, window: Window, relation: str
    ) -> None:
        self._db = db
        self._declarations = declarations
        self._window = window
        self._relation = relation

    def changes(
        self, slot_where: Sequence[str] = (), params: dict[str, Any] | None = None
    ) -> Iterator[Change]:
        """The changes of the slots that meet the conditions, in order of their slots."""
        condition, bounds = self._candidates()
        where = [condition, *slot_where]
        before = self._answers(self._window.since, where, {**bounds, **(params or {})})
        after = self._answers(self._window.until, where, {**bounds, **(params or {})})
        for key in sorted({**before, **after}):
            old, new = before.get(key), after.get(key)
            if old != new:
                subject, predicate, _ = new or old  # type: ignore[misc]
                yield Change(key, subject, predicate, old and old[2], new and new[2])

    def cause(self, change: Change) -> Cause:
        """The last event at which the slot's answer became the after side."""
        slot = change.key[0]
        points = self._points(slot, change.predicate)
        after = change.after
        for number in range(len(points) - 1, -1, -1):
            earlier = self._at(points[number - 1]) if number else self._window.since
            if self._answer(change.key, earlier) != after:
                return self._event(slot, points[number], change)
        return Cause("DEFINE", None, self._window.until.clock, None, None)

    # ------------------------------------------------------------ candidates

    def _candidates(self) -> tuple[str, dict[str, Any]]:
        """A condition on s.id with its parameters: the slots whose answer can differ.

        The window is bound, so that the SQL stays the same while the clock moves.
        """
        since, until = self._window.since, self._window.until
        if since.states != until.states or since.strategy != until.strategy:
            return "1", {}
        parts = ["SELECT slot FROM touched WHERE tx>:diff_after AND tx<=:diff_upto"]
        bounds: dict[str, Any] = {"diff_after": since.tx, "diff_upto": until.tx}
        if (since.valid_low, since.valid_high) != (until.valid_low, until.valid_high):
            bounds["diff_low"], bounds["diff_high"] = self._valid_range()
            parts.append("SELECT slot FROM bound WHERE at>=:diff_low AND at<=:diff_high")
        declared = self._declarations.changed(since.tx, until.tx)
        if declared:
            bounds["diff_declared"] = json.dumps(sorted(declared))
            names = "(SELECT value FROM json_each(:diff_declared))"
            parts.append(f"SELECT id FROM slot WHERE predicate IN {names}")
        return f"s.id IN ({' UNION '.join(parts)})", bounds

    def _valid_range(self) -> tuple[int, int]:
        since, until = self._window.since, self._window.until
        return (
            min(since.valid_low, until.valid_low),
            max(since.valid_high, until.valid_high),
        )

    # ------------------------------------------------------------ answers

    def _answers(
        self, snapshot: Snapshot, where: list[str], params: dict[str, Any]
    ) -> dict[tuple[Any, ...], tuple[str, str, Side]]:
        many = self._declarations.many(snapshot.tx)
        shape = resolve.shape_of(snapshot, many)
        if self._relation == "assertions":
            sources = [resolve.candidates(shape, where)]
        else:
            sources = resolve.winners(shape, where)
        sql = " UNION ALL ".join(
            "SELECT s.id, s.subject, s.predicate, a.object, a.confidence, w.state, g.name,"
            f" w.valid_from, w.valid_to, a.digest FROM {source.tables}"
            " JOIN assertion a ON a.id=w.assertion JOIN agent g ON g.id=a.agent"
            f" WHERE {' AND '.join(source.where)}"
            for source in sources
        )
        bindings = {**params, **snapshot.params(), "many": json.dumps(many)}
        by_id = self._relation == "assertions" or snapshot.strategy == "none"
        answers: dict[tuple[Any, ...], tuple[str, str, Side]] = {}
        for slot, subject, predicate, *rest in self._db.execute(sql, bindings):
            side = Side(*rest)
            key: tuple[Any, ...] = (slot,)
            if by_id:
                key = (slot, side.digest)
            elif predicate in many:
                key = (slot, type(side.object).__name__, side.object)
            answers[key] = (subject, predicate, side)
        return answers

    def _answer(self, key: tuple[Any, ...], snapshot: Snapshot) -> Side | None:
        """The answer for one key at another snapshot."""
        found = self._answers(snapshot, ["s.id=:slot"], {"slot": key[0]}).get(key)
        return None if found is None else found[2]

    # ------------------------------------------------------------ causes

    def _points(self, slot: int, predicate: str) -> list[Point]:
        """The instants in the window at which the slot's answer may change, in order."""
        since, until = self._window.since, self._window.until
        sql = (
            "SELECT c.recorded_at, c.tx FROM touched t JOIN txn c ON c.tx=t.tx"
            " WHERE t.tx>? AND t.tx<=? AND t.slot=?"
            " UNION SELECT c.recorded_at, c.tx FROM declaration d JOIN txn c ON c.tx=d.id>>20"
            " WHERE d.id>=? AND d.id<? AND d.what='predicate' AND d.name=?"
        )
        span = (seq_of(since.tx + 1, 0), seq_of(until.tx + 1, 0))
        rows = self._db.execute(sql, (since.tx, until.tx, slot, *span, predicate))
        points = [Point(at, tx, False) for at, tx in rows]
        if self._window.moving:
            points += self._bounds(slot, {point.at for point in points})
        return sorted(points)

    def _bounds(self, slot: int, known: set[int]) -> Iterator[Point]:
        since, until = self._window.since, self._window.until
        sql = "SELECT at FROM bound WHERE at>? AND at<=? AND slot=?"
        found: list[Any] = self._db.execute(sql, (since.clock, until.clock, slot)).fetchall()
        for (at,) in found:
            if at not in known:
                last = "SELECT ifnull(max(tx), 0) FROM txn WHERE recorded_at<=? AND tx<=?"
                yield Point(at, only(self._db, last, (at, until.tx))[0], True)

    def _at(self, point: Point) -> Snapshot:
        """The snapshot just after a point."""
        snapshot = replace(self._window.until, tx=point.tx, clock=point.at)
        if self._window.moving:
            snapshot = replace(snapshot, valid_low=point.at, valid_high=point.at)
        return snapshot

    def _event(self, slot: int, point: Point, change: Change) -> Cause:
        if point.bound:
            starts = change.after is not None and change.after.valid_from == point.at
            return Cause("VALID_START" if starts else "VALID_END", None, point.at, None, None)
        sql = "SELECT event, assertion FROM touched WHERE tx=? AND slot=?"
        row = first(self._db, sql, (point.tx, slot))
        if row is None:
            return Cause("DEFINE", point.tx, point.at, None, None)
        return self._told(row[0], row[1], point)

    def _told(self, event: int, assertion: int, point: Point) -> Cause:
        """What the journal says of an event: a move, or an assertion."""
        sql = "SELECT t.via, g.name, t.reason FROM transition t JOIN agent g ON g.id=t.agent"
        sql += " WHERE t.id=?"
        row = first(self._db, sql, (event,))
        if row is None:
            sql = "SELECT 'ASSERT', g.name, NULL FROM assertion a JOIN agent g ON g.id=a.agent"
            sql += " WHERE a.id=?"
            row = only(self._db, sql, (assertion,))
        return Cause(row[0], tx_of(event), point.at, row[1], row[2])
