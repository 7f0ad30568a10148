"""HISTORY OF: what happened to an assertion, or in a slot, in the order it was recorded.

Everything that touches an answer is an event: it was asserted (again), moved, voted on, confirmed,
corrected, flagged. A CORRECT is one event, told by its move.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from epql.engine.clock import EVER, FOREVER
from epql.engine.explain.slot import (
    Asked,
    Index,
    landed_in,
    moves,
    recorded_at,
    said_at,
    same,
)
from epql.engine.index.ask import Row
from epql.engine.lifecycle import NAME
from epql.engine.store.objects import seq_of, tx_of
from epql.engine.vtab.show import address

EVENTS = {
    "ASSERT": "asserted, or asserted again",
    "TRANSITION": "moved to another state: TRANSITION, PROMOTE, REJECT",
    "SUPERSEDE": "another one took its place; valid_from: from when on",
    "CORRECT": "it was wrong",
    "RETRACT": "withdrawn",
    "REVIVE": "taken out of a terminal state",
    "VOTE": "an agent spoke for or against it",
    "CONFIRM": "checked again",
    "FLAG": "what it comes from lost its ground",
}
"""The kinds of events, with what they mean."""


class Subject(NamedTuple):
    """An assertion that things happen to."""

    assertion: int
    digest: bytes
    object: Any
    confidence: float
    agent: str
    source: str | None
    parents: tuple[str, ...]


class Event(NamedTuple):
    """One event. `at` in microseconds; `by`: the id that took its place; `detail`: what else
    there is to tell.

    The valid interval is what was said of it: at an ASSERT all of it, at a SUPERSEDE what ended.
    """

    seq: int
    event: str
    subject: Subject
    agent: str
    was: int | None = None
    state: int | None = None
    reason: str | None = None
    by: str | None = None
    valid_from: int | None = None
    valid_to: int | None = None
    detail: str | None = None
    at: int = 0

    @property
    def tx(self) -> int:
        """Its commit."""
        return tx_of(self.seq)


def subjects(index: Index, asked: Asked, tx: int) -> Iterator[Subject]:
    """The assertions that are asked about: one, those of a triple, or all of a slot."""
    sql = (
        "SELECT a.id, a.digest, a.object, a.confidence, g.name, a.source, a.extra->'parents'"
        " FROM assertion a JOIN agent g ON g.id=a.agent WHERE a.id<:end AND a.id IN "
    )
    sql += "(:a)" if asked.assertion is not None else "(SELECT assertion FROM span WHERE slot=:s)"
    params = {"end": seq_of(tx + 1, 0), "a": asked.assertion, "s": asked.slot.id}
    rows: Iterator[Row] = index.db.execute(sql + " ORDER BY a.id", params)
    for row in rows:
        assertion, digest, obj, confidence, agent, source, parents = row
        given = tuple(json.loads(parents or "[]"))
        found = Subject(assertion, bytes(digest), obj, confidence, agent, source, given)
        if asked.object is None or same(asked.object, found.object):
            yield found


def events(index: Index, asked: Asked, tx: int) -> list[Event]:
    """What happened by `tx`, in the order of belief time."""
    found = [
        event
        for subject in list(subjects(index, asked, tx))
        for event in _of_assertion(index, asked.slot.id, subject, tx)
    ]
    found.sort(key=lambda event: event.seq)
    return [event._replace(at=recorded_at(index, event.seq)) for event in found]


def _of_assertion(index: Index, slot: int, subject: Subject, tx: int) -> Iterator[Event]:
    yield from _asserted(index, slot, subject, tx)
    yield from _moved(index, subject, tx)
    yield from _voted(index, subject, tx)
    yield from _confirmed(index, subject, tx)
    yield from _flagged(index, subject, tx)


def _asserted(index: Index, slot: int, subject: Subject, tx: int) -> Iterator[Event]:
    sql = (
        "SELECT seq, from_tx, min(valid_from), max(valid_to) FROM span"
        " WHERE slot=? AND assertion=? AND from_tx<=? AND seq<? GROUP BY seq, from_tx"
        " ORDER BY seq, from_tx"
    )
    params = (slot, subject.assertion, tx, seq_of(tx + 1, 0))
    rows: list[Row] = index.db.execute(sql, params).fetchall()
    landed = landed_in(index, subject.assertion)
    detail = None if subject.source is None else f"source {subject.source}"
    seen: set[int] = set()
    for seq, _, valid_from, valid_to in [(subject.assertion, 0, *_first(rows)), *rows]:
        if seq in seen:
            continue
        first = not seen
        seen.add(seq)
        yield Event(
            seq, "ASSERT", subject, subject.agent, None, landed if first else None,
            said_at(index, subject.assertion, seq),
            valid_from=_bound(valid_from), valid_to=_bound(valid_to),
            detail=detail if first else "asserted again",
        )  # fmt: skip


def _first(rows: list[Row]) -> tuple[int, int]:
    """The valid time it was asserted with: that of its first pieces."""
    return (rows[0][2], rows[0][3]) if rows else (EVER, FOREVER)


def _bound(us: int | None) -> int | None:
    return None if us in (EVER, FOREVER) else us


def _moved(index: Index, subject: Subject, tx: int) -> Iterator[Event]:
    for move in moves(index, subject.assertion, tx):
        yield Event(
            move.seq, move.via, subject, move.agent, move.was, move.state, move.reason,
            address(move.successor), valid_from=move.cut,
        )  # fmt: skip


def _voted(index: Index, subject: Subject, tx: int) -> Iterator[Event]:
    sql = (
        "SELECT v.id, g.name, v.is_for, v.weight, v.reason FROM vote v JOIN agent g ON g.id=v.agent"
        " WHERE v.assertion=? AND v.id<?"
    )
    for seq, agent, is_for, weight, reason in _rows(index, sql, subject, tx):
        detail = f"{'for' if is_for else 'against'}, weight {weight:g}"
        yield Event(seq, "VOTE", subject, agent, reason=reason, detail=detail)


def _confirmed(index: Index, subject: Subject, tx: int) -> Iterator[Event]:
    sql = (
        "SELECT u.id, g.name, u.source, u.reason FROM used u JOIN agent g ON g.id=u.agent"
        " WHERE u.what='assertion' AND u.target=? AND u.id<?"
    )
    for seq, agent, source, reason in _rows(index, sql, subject, tx):
        detail = None if source is None else f"source {source}"
        yield Event(seq, "CONFIRM", subject, agent, reason=reason, detail=detail)


def _flagged(index: Index, subject: Subject, tx: int) -> Iterator[Event]:
    sql = (
        "SELECT f.id, g.name, f.reason FROM flag f JOIN txn c ON c.tx=(f.id >> 20)"
        " JOIN agent g ON g.id=c.agent WHERE f.assertion=? AND f.id<?"
    )
    for seq, agent, reason in _rows(index, sql, subject, tx):
        yield Event(seq, "FLAG", subject, agent, reason=reason)


def _rows(index: Index, sql: str, subject: Subject, tx: int) -> list[Any]:
    return index.db.execute(sql, (subject.assertion, seq_of(tx + 1, 0))).fetchall()


def state(code: int | None) -> str | None:
    """A state's name."""
    return None if code is None else NAME[code]
