"""What led to a change that DIFF found: the last event at which the answer became what it is.

The instants at which a slot's answer may change are few: commits that touched it, bounds of valid
time, declarations, and, where candidates are weighed, commits that changed the trust in one of its
agents. From the last one back, the first at which the answer was not yet the after side is it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import apsw

from epql.engine.index import topics
from epql.engine.index.ask import first, only
from epql.engine.index.declarations import Declarations
from epql.engine.index.diff import Answer, Differ, Key, seqs_of
from epql.engine.index.snapshot import WEIGHED, Snapshot
from epql.engine.index.states import default_states
from epql.engine.store.objects import tx_of


class Cause(NamedTuple):
    """The event that led to the after side. A valid bound has no tx and no agent."""

    cause: str
    tx: int | None
    at: int
    agent: str | None
    reason: str | None


class Change(NamedTuple):
    """A change as far as its cause depends on it."""

    key: Key
    subject: str
    predicate: str
    after: Answer | None


class Point(NamedTuple):
    """An instant at which a slot's answer may change; `tx` is the last commit up to it."""

    at: int
    tx: int
    bound: bool


class Causes:
    """Looks for the causes of the changes of one window."""

    def __init__(self, db: apsw.Connection, declarations: Declarations, differ: Differ) -> None:
        self._db = db
        self._declarations = declarations
        self._window = differ.window
        self._differ = differ
        self._is_weighed = differ.window.until.strategy in WEIGHED

    def of(self, changes: Sequence[Change]) -> list[Cause]:
        """The last events at which the answers of one slot became the after sides of its changes.

        The slot's points are gone through once for all of them: a slot with many answers has as
        many changes as points.
        """
        points = sorted(self._points(changes[0]))
        slot, until = changes[0].key.slot, self._window.until
        found = [Cause("DEFINE", None, until.clock, None, None)] * len(changes)
        sought: Sequence[int] = range(len(changes))
        for number in range(len(points) - 1, -1, -1):
            earlier = self._at(points[number - 1]) if number else self._window.since
            answers = self._differ.answers(slot, earlier)
            others = []
            for place in sought:
                change = changes[place]
                if answers.get(change.key) == change.after:
                    others.append(place)
                else:
                    found[place] = self._event(points[number], change)
            if not others:
                break
            sought = others
        return found

    # ------------------------------------------------------------ points

    def _points(self, change: Change) -> Iterator[Point]:
        """The instants in the window at which the slot's answer may change."""
        since, until = self._window.since, self._window.until
        found = set(self._touched.get(change.key.slot, ()))
        found.update(tx_of(seq) for seq in self._declared(change.predicate))
        found.update(tx_of(seq) for seq, _, _ in self._trusted(change, since.tx, until.tx))
        sql = "SELECT recorded_at, tx FROM txn WHERE tx IN (SELECT value FROM json_each(?))"
        known = set()
        for at, tx in self._db.execute(sql, (json.dumps(sorted(found)),)):
            known.add(at)
            yield Point(at, tx, False)
        if self._window.moving:
            yield from self._bounds(change.key.slot, known)

    @cached_property
    def _touched(self) -> dict[int, list[int]]:
        """The commits of the window by the slots they touched."""
        sql = "SELECT slot, tx FROM touched WHERE tx>? AND tx<=?"
        return _by_first(self._db.execute(sql, (self._window.since.tx, self._window.until.tx)))

    @cached_property
    def _moved(self) -> dict[int, list[int]]:
        """The bounds of valid time in the window by their slots."""
        sql = "SELECT slot, at FROM bound WHERE at>? AND at<=?"
        ends = (self._window.since.clock, self._window.until.clock)
        return _by_first(self._db.execute(sql, ends))

    def _declared(self, predicate: str) -> Iterator[int]:
        """The declarations of the window that can change the answer of a slot."""
        span = seqs_of(self._window.since.tx, self._window.until.tx)
        sql = "SELECT id, what, name FROM declaration WHERE id>=? AND id<?"
        for seq, what, name in self._db.execute(sql, span):
            weighs = self._is_weighed and what in ("policy", "agent", "topic")
            if weighs or (what, name) in (("predicate", predicate), ("policy", "lifecycle")):
                yield seq

    def _trusted(self, change: Change, after: int, upto: int) -> Sequence[tuple[int, str, str]]:
        """(seq, agent, topic) of the trust changes of the slot's agents in the commits given."""
        if not self._is_weighed:
            return []
        declarations = self._declarations
        ends = {self._window.since.tx, self._window.until.tx}
        said = declarations.said(min(ends), max(ends))
        ends.update(tx for tx, what, _ in said if what == "topic")
        named = {topics.of(self._db, change.subject, declarations.at(tx).topics) for tx in ends}
        sql = (
            "SELECT t.id, g.name, t.topic FROM (SELECT o.agent FROM span x JOIN assertion o"
            " ON o.id=x.assertion WHERE x.slot=:slot UNION SELECT v.agent FROM span x JOIN vote v"
            " ON v.assertion=x.assertion WHERE x.slot=:slot) y CROSS JOIN json_each(:topics) n"
            " CROSS JOIN trust t ON t.agent=y.agent AND t.topic=n.value"
            " AND t.id>=:first AND t.id<:last JOIN agent g ON g.id=t.agent ORDER BY t.id"
        )
        low, high = seqs_of(after, upto)
        bindings = {
            "slot": change.key.slot, "topics": json.dumps(sorted(named)),
            "first": low, "last": high,
        }  # fmt: skip
        return list(self._db.execute(sql, bindings))

    def _bounds(self, slot: int, known: set[int]) -> Iterator[Point]:
        for at in self._moved.get(slot, ()):
            if at not in known:
                last = "SELECT ifnull(max(tx), 0) FROM txn WHERE recorded_at<=? AND tx<=?"
                yield Point(at, only(self._db, last, (at, self._window.until.tx))[0], True)

    def _at(self, point: Point) -> Snapshot:
        """The snapshot just after a point."""
        snapshot = replace(self._window.until, tx=point.tx, clock=point.at)
        if self._window.moving:
            snapshot = replace(snapshot, valid_low=point.at, valid_high=point.at)
        if snapshot.states_by == "policy":
            snapshot = replace(snapshot, states=default_states(self._declarations.at(point.tx)))
        return snapshot

    # ------------------------------------------------------------ events

    def _event(self, point: Point, change: Change) -> Cause:
        if point.bound:
            starts = change.after is not None and change.after.valid_from == point.at
            return Cause("VALID_START" if starts else "VALID_END", None, point.at, None, None)
        sql = "SELECT event, assertion FROM touched WHERE tx=? AND slot=?"
        row = first(self._db, sql, (point.tx, change.key.slot))
        if row is not None:
            return self._told(row[0], row[1], point)
        trusted = self._trusted(change, point.tx - 1, point.tx)
        if trusted:
            sql = "SELECT g.name FROM txn c JOIN agent g ON g.id=c.agent WHERE c.tx=?"
            (agent,) = only(self._db, sql, (point.tx,))
            told = dict.fromkeys(f"trust in {name!r} on {topic!r}" for _, name, topic in trusted)
            return Cause("TRUST", point.tx, point.at, agent, ", ".join(told))
        sql = (
            "SELECT g.name FROM declaration d JOIN agent g ON g.id=d.agent"
            " WHERE d.id>=? AND d.id<? ORDER BY d.id DESC LIMIT 1"
        )
        (agent,) = only(self._db, sql, seqs_of(point.tx - 1, point.tx))
        return Cause("DEFINE", point.tx, point.at, agent, None)

    def _told(self, event: int, assertion: int, point: Point) -> Cause:
        """What the journal says of an event: a move, a vote, a confirmation, or an assertion."""
        for sql in _EVENTS:
            row = first(self._db, sql, (event,))
            if row is not None:
                break
        else:
            row = only(self._db, _ASSERTED, (assertion,))
        return Cause(row[0], tx_of(event), point.at, row[1], row[2])


def _by_first(rows: Iterable[Any]) -> dict[int, list[int]]:
    """Second values by first ones."""
    found: dict[int, list[int]] = {}
    for key, value in rows:
        found.setdefault(key, []).append(value)
    return found


_EVENTS = (
    "SELECT t.via, g.name, t.reason FROM transition t JOIN agent g ON g.id=t.agent WHERE t.id=?",
    "SELECT 'VOTE', g.name, v.reason FROM vote v JOIN agent g ON g.id=v.agent WHERE v.id=?",
    "SELECT 'CONFIRM', g.name, u.reason FROM used u JOIN agent g ON g.id=u.agent WHERE u.id=?",
)
_ASSERTED = (
    "SELECT 'ASSERT', g.name, NULL FROM assertion a JOIN agent g ON g.id=a.agent WHERE a.id=?"
)
