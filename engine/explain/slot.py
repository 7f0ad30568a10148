"""What is asked about, and the facts of its slot at a snapshot.

A fact is an assertion as it stands at the snapshot, told by one piece of it: a candidate where
there is one, else the piece whose valid time is asked for, else its latest (fold.py draws pieces).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple, Protocol

import apsw

from epql.engine.index import resolve
from epql.engine.index.ask import first
from epql.engine.index.declarations import Declarations
from epql.engine.index.snapshot import Snapshot
from epql.engine.lifecycle import NAME
from epql.engine.store.objects import Objects, seq_of, tx_of


class Index(Protocol):
    """The index, as explanations need it."""

    db: apsw.Connection
    objects: Objects
    declarations: Declarations


class Slot(NamedTuple):
    """A slot by its number and its names; `topic` is its subject's first segment."""

    id: int
    subject: str
    predicate: str
    topic: str


class Asked(NamedTuple):
    """What is asked about: a slot, and in it an assertion or an object, if one is named."""

    slot: Slot
    assertion: int | None = None
    object: Any = None

    def means(self, assertion: int, obj: Any) -> bool:
        """Whether an assertion of the slot is what is named; False where nothing is."""
        if self.assertion is not None:
            return self.assertion == assertion
        return self.object is not None and same(self.object, obj)


class Piece(NamedTuple):
    """A part of an assertion's valid time in one state. Instants in microseconds."""

    state: int
    seq: int
    from_tx: int
    valid_from: int
    valid_to: int

    def is_seen(self, snapshot: Snapshot) -> bool:
        """Whether its state is one that the snapshot asks for."""
        return self.state in snapshot.states

    def is_valid(self, snapshot: Snapshot) -> bool:
        """Whether its valid time is asked for."""
        return self.valid_from <= snapshot.valid_high and self.valid_to > snapshot.valid_low


class Fact(NamedTuple):
    """An assertion at a snapshot. `pieces`: those it has then, what speaks for it first."""

    assertion: int
    digest: bytes
    object: Any
    confidence: float
    agent: str
    agent_id: int
    source: str | None
    extra: str | None
    is_candidate: bool
    pieces: tuple[Piece, ...]

    @property
    def piece(self) -> Piece:
        """The piece that speaks for it."""
        return self.pieces[0]

    @property
    def state(self) -> str:
        """The state of that piece."""
        return NAME[self.piece.state]

    @property
    def parents(self) -> list[str]:
        """The ids it comes from."""
        found: list[str] = json.loads(self.extra or "{}").get("parents", [])
        return found


def same(one: Any, other: Any) -> bool:
    """Whether two objects are one: 1 is neither '1' nor 1.0."""
    return type(one) is type(other) and one == other


def slot_named(index: Index, subject: str, predicate: str, tx: int) -> Slot | None:
    """The slot, if anything was asserted in it by `tx`."""
    sql = "SELECT id, subject, predicate, topic FROM slot WHERE subject=? AND predicate=? AND tx<=?"
    row = first(index.db, sql, (subject, predicate, tx))
    return None if row is None else Slot(*row)


def slot_of(index: Index, assertion: int) -> Slot:
    """The slot of an assertion."""
    sql = (
        "SELECT s.id, s.subject, s.predicate, s.topic FROM assertion a JOIN slot s ON s.id=a.slot"
        " WHERE a.id=?"
    )
    row = first(index.db, sql, (assertion,))
    assert row is not None, assertion
    return Slot(*row)


def facts(index: Index, slot: Slot, snapshot: Snapshot) -> list[Fact]:
    """Every assertion of a slot that was recorded by then, oldest first."""
    sql = (
        "SELECT x.assertion, a.digest, a.object, a.confidence, g.name, a.agent, a.source, a.extra,"
        " x.state, x.seq, x.from_tx, x.valid_from, x.valid_to"
        " FROM span x JOIN assertion a ON a.id=x.assertion JOIN agent g ON g.id=a.agent"
        " WHERE x.slot=? AND x.from_tx<=? AND x.to_tx>? ORDER BY x.assertion"
    )
    rows = index.db.execute(sql, (slot.id, snapshot.tx, snapshot.tx))
    return [_fact(list(pieces), snapshot) for _, pieces in groupby(rows, key=lambda row: row[0])]


def _fact(rows: list[tuple[Any, ...]], snapshot: Snapshot) -> Fact:
    pieces = sorted((Piece(*row[8:]) for row in rows), key=lambda p: _speaks(p, snapshot))[::-1]
    head = pieces[0]
    is_candidate = head.is_seen(snapshot) and head.is_valid(snapshot)
    assertion, digest, obj, confidence, agent, agent_id, source, extra = rows[0][:8]
    return Fact(
        assertion, bytes(digest), obj, confidence, agent, agent_id, source, extra, is_candidate,
        tuple(pieces),
    )  # fmt: skip


def _speaks(piece: Piece, snapshot: Snapshot) -> tuple[Any, ...]:
    is_seen, is_valid = piece.is_seen(snapshot), piece.is_valid(snapshot)
    return is_seen and is_valid, is_valid, is_seen, piece.seq, piece.valid_from


def winners(index: Index, slot: Slot, snapshot: Snapshot) -> set[int]:
    """The assertions that win the slot: none, one, or several under MANY and NONE."""
    shape, params, _ = resolve.bound(index.db, index.declarations, snapshot)
    sql = " UNION ALL ".join(
        f"SELECT w.assertion FROM {source.tables} WHERE {' AND '.join(source.where)}"
        for source in resolve.winners(shape, ["s.id=:slot"])
    )
    return {row[0] for row in index.db.execute(sql, {**params, "slot": slot.id})}


def recorded_at(index: Index, seq: int) -> int:
    """The instant of the commit a record belongs to."""
    row = first(index.db, "SELECT recorded_at FROM txn WHERE tx=?", (tx_of(seq),))
    assert row is not None, seq
    return int(row[0])


class Move(NamedTuple):
    """A move of an assertion to another state. `seq`: its record's position."""

    via: str
    was: int
    state: int
    agent: str
    reason: str | None
    seq: int
    at: int
    successor: bytes | None
    cut: int | None


def moves(index: Index, assertion: int, tx: int) -> Iterator[Move]:
    """The moves of an assertion by `tx`, the latest first; not what ASSERT … REASON left."""
    sql = (
        "SELECT t.via, t.was, t.state, g.name, t.reason, t.id, c.recorded_at, t.successor, t.cut"
        " FROM transition t JOIN agent g ON g.id=t.agent JOIN txn c ON c.tx=(t.id >> 20)"
        " WHERE t.assertion=? AND t.id<? AND t.via<>'ASSERT' ORDER BY t.id DESC"
    )
    return (Move(*row) for row in index.db.execute(sql, (assertion, seq_of(tx + 1, 0))))


def move_to(index: Index, fact: Fact, tx: int) -> Move | None:
    """The move that brought a fact into its state; None if it landed there."""
    return next((m for m in moves(index, fact.assertion, tx) if m.state == fact.piece.state), None)


def said_at(index: Index, assertion: int, seq: int) -> str | None:
    """The REASON of an ASSERT, whose record stands in the same commit."""
    sql = (
        "SELECT reason FROM transition WHERE assertion=? AND via='ASSERT' AND id>? AND id<?"
        " ORDER BY id LIMIT 1"
    )
    row = first(index.db, sql, (assertion, seq, seq_of(tx_of(seq) + 1, 0)))
    return None if row is None else row[0]


def landed_in(index: Index, assertion: int) -> int:
    """The state an assertion landed in when it was first asserted."""
    sql = "SELECT was FROM transition WHERE assertion=? ORDER BY id LIMIT 1"
    row = first(index.db, sql, (assertion,)) or first(
        index.db, "SELECT state FROM assertion WHERE id=?", (assertion,)
    )
    assert row is not None, assertion
    return int(row[0])
