"""Finding assertions by what people call them: an id, a slot, a triple."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from epql.engine.clock import EVER, FOREVER
from epql.engine.database import Database
from epql.engine.errors import ProgrammingError
from epql.engine.index import resolve
from epql.engine.index.ask import first, only
from epql.engine.index.snapshot import Snapshot
from epql.engine.lifecycle import CODE, NAME
from epql.engine.records import Assertion, Object
from epql.engine.store.objects import tx_of

_REMEMBERED_MAX = 10_000
"""Digests that are remembered: about two megabytes."""

_SUPERSEDED, _APPROVED = CODE["superseded"], CODE["approved"]


class Found(NamedTuple):
    """An assertion: its digest, its object, the state it is in."""

    digest: bytes
    object: Object
    state: str


def by_id(database: Database, name: str) -> bytes:
    """The digest of the assertion that an id or an unambiguous prefix names."""
    return database.objects.resolve(name)[0]


def rule_by_id(database: Database, name: str) -> bytes:
    """The digest of the rule that an id or an unambiguous prefix names."""
    return database.objects.resolve(name, "C")[0]


def believed(database: Database, snapshot: Snapshot, subject: str, predicate: str) -> list[Found]:
    """The winners of a slot: none, one, or one for each object where MANY is declared."""
    shape, params, _ = resolve.bound(database.db, database.declarations, snapshot)
    sources = resolve.winners(shape, ["s.subject=:s AND s.predicate=:p"])
    return _run(database, sources, {**params, "s": subject, "p": predicate})


def by_slot(database: Database, snapshot: Snapshot, subject: str, predicate: str) -> Found:
    """The one belief of a slot.

    Raises: ProgrammingError `target.none`, `target.ambiguous`.
    """
    found = believed(database, snapshot, subject, predicate)
    if not found:
        raise ProgrammingError(
            f"nothing is believed about ({subject!r}, {predicate!r}) now",
            code="target.none",
            hint="SELECT * FROM assertions LIFECYCLE ANY VALID ANYTIME shows what was asserted",
        )
    if len(found) > 1:
        raise ProgrammingError(
            f"{predicate!r} takes many objects; {len(found)} are believed",
            code="target.ambiguous",
            hint=f"name one: ({subject!r}, {predicate!r}, {found[0].object!r})",
        )
    return found[0]


def by_triple(
    database: Database, snapshot: Snapshot, subject: str, predicate: str, obj: Object
) -> Found:
    """The latest assertion of a triple: a live one where there is one, else one of any state.

    Raises: ProgrammingError `target.none`.
    """
    every = replace(snapshot.anytime(), states=tuple(NAME), strategy="none")
    for wanted in (replace(snapshot, strategy="none"), every):
        shape = resolve.shape_of(wanted, ())
        where = ["s.subject=:s AND s.predicate=:p"]
        sources = [resolve.candidates(shape, where)]
        found = _run(database, sources, {**wanted.params(), "s": subject, "p": predicate})
        same = [f for f in found if f.object == obj and type(f.object) is type(obj)]
        if same:
            return same[-1]
    raise ProgrammingError(
        f"({subject!r}, {predicate!r}, {obj!r}) was never asserted",
        code="target.none",
        hint="SELECT * FROM assertions LIFECYCLE ANY VALID ANYTIME shows what was asserted",
    )


_SLOTS_MAX = 2000


def disputed_slots(
    database: Database, snapshot: Snapshot, state: int, subject: str | None, limit: int
) -> list[tuple[str, str]]:
    """Slots with a candidate in `state` that is not what wins there; at most `limit`.

    Without a subject only the oldest slots are looked at, so that a large database costs no more.
    """
    shape, params, _ = resolve.bound(database.db, database.declarations, snapshot)
    where = [f"s.id<={_SLOTS_MAX}" if subject is None else "s.subject=:subject"]
    (source,) = resolve.winners(shape._replace(many=False), where)
    sql = (
        f"SELECT s.subject, s.predicate FROM {source.tables} WHERE {' AND '.join(source.where)}"
        f" AND w.state<>{state} AND EXISTS (SELECT 1 FROM span x WHERE x.slot=s.id"
        f" AND x.state={state} AND {resolve.piece('x')}) LIMIT :limit"
    )
    bindings = {**params, "subject": subject, "limit": limit}
    return list(database.db.execute(sql, bindings))


class Stood(NamedTuple):
    """An assertion of a slot, as bulk loading needs it.

    `is_cut`: superseded from an instant on; `is_approved`: by another than its agent, once.
    """

    digest: bytes
    object: Object
    state: str
    valid_from: int | None
    valid_to: int | None
    is_cut: bool
    agent: str
    is_approved: bool


def standing_in(database: Database, subject: str, predicate: str) -> list[Stood]:
    """Every assertion of a slot, oldest first, in the state it is in from now on."""
    sql = (
        "SELECT a.digest, a.object, a.state, a.valid_from, a.valid_to, EXISTS"
        f" (SELECT 1 FROM span x WHERE x.slot=a.slot AND x.state={_SUPERSEDED}"
        f" AND x.assertion=a.id AND x.to_tx={FOREVER} AND a.state<>{_SUPERSEDED}), g.name, EXISTS"
        f" (SELECT 1 FROM transition t WHERE t.assertion=a.id AND t.state={_APPROVED}"
        "  AND t.via='TRANSITION' AND t.agent<>a.agent)"
        " FROM assertion a JOIN agent g ON g.id=a.agent WHERE a.id IN"
        " (SELECT x.assertion FROM span x WHERE x.slot=?) ORDER BY a.seq"
    )
    slot = database.fold.slot_id(subject, predicate)
    rows = database.db.execute(sql, (slot,)) if slot is not None else ()
    return [
        Stood(
            bytes(digest),
            obj,
            "superseded" if is_cut else NAME[state],
            None if start == EVER else start,
            None if end == FOREVER else end,
            bool(is_cut),
            agent,
            bool(is_approved),
        )
        for digest, obj, state, start, end, is_cut, agent, is_approved in rows
    ]


def content_of(database: Database, digest: bytes) -> Assertion:
    """What an assertion says, as far as a successor takes it over."""
    sql = (
        "SELECT s.subject, s.predicate, a.object, a.confidence, g.name, a.source"
        " FROM assertion a JOIN slot s ON s.id=a.slot JOIN agent g ON g.id=a.agent WHERE a.id=?"
    )
    number = database.objects.find(b"H:" + digest)
    row = only(database.db, sql, (number,))
    return Assertion(*row)


def state_of(database: Database, digest: bytes) -> str:
    """The state an assertion is in now, the superseded part of it apart."""
    number = database.objects.find(b"H:" + digest)
    return NAME[only(database.db, "SELECT state FROM assertion WHERE id=?", (number,))[0]]


def digests_of(database: Database, numbers: Sequence[int]) -> Mapping[int, bytes]:
    """The digests of at least these assertions by their numbers in the index; of those that exist.

    Those of late are remembered: a number keeps its digest, unless it is rolled back.
    """
    known = database.digests
    new = [number for number in numbers if number not in known]
    if new and len(known) + len(new) > _REMEMBERED_MAX:
        known.clear()
        new = list(numbers)
    if len(new) == 1:
        row = first(database.db, "SELECT digest FROM assertion WHERE id=?", new)
        if row is not None:
            known[new[0]] = row[0]
    elif new:
        sql = "SELECT id, digest FROM assertion WHERE id IN (SELECT value FROM json_each(?))"
        known.update(database.db.execute(sql, (json.dumps(new),)))
    return known


def recorded_in(database: Database, digest: bytes) -> int:
    """The transaction in which an assertion was first recorded."""
    number = database.objects.find(b"H:" + digest)
    assert number is not None
    return tx_of(number)


def _run(
    database: Database, sources: Sequence[resolve.Source], bindings: dict[str, Any]
) -> list[Found]:
    sql = " UNION ALL ".join(
        f"SELECT w.seq, a.digest, a.object, w.state FROM {source.tables}"
        f" JOIN assertion a ON a.id=w.assertion WHERE {' AND '.join(source.where)}"
        for source in sources
    )
    rows = sorted(database.db.execute(sql, bindings), key=lambda row: row[0])
    return [Found(bytes(digest), obj, NAME[state]) for _, digest, obj, state in rows]


class Said(NamedTuple):
    """What an assertion says, by whom, and where it stands now. `at` in µs: first recorded."""

    digest: bytes
    subject: str
    predicate: str
    object: Object
    agent: str
    at: int
    state: str


_SAID = (
    "SELECT a.digest, s.subject, s.predicate, a.object, g.name, c.recorded_at, a.state"
    " FROM assertion a JOIN slot s ON s.id=a.slot JOIN agent g ON g.id=a.agent"
    " JOIN txn c ON c.tx=(a.id >> 20)"
)


def said(database: Database, digest: bytes) -> Said | None:
    """What the assertion of that digest says; None if there is no such assertion."""
    number = database.objects.find(b"H:" + digest)
    row = None if number is None else first(database.db, _SAID + " WHERE a.id=?", (number,))
    return None if row is None else _said(row)


def derived_from(database: Database, digest: bytes, tx: int) -> list[Said]:
    """The assertions made BECAUSE of one, up to a transaction, oldest first."""
    sql = (
        _SAID + " JOIN parent p ON p.child=a.id WHERE p.parent=? AND a.id<((?+1)<<20) ORDER BY a.id"
    )
    return [_said(row) for row in database.db.execute(sql, (digest, tx))]


def _said(row: tuple[Any, ...]) -> Said:
    digest, subject, predicate, obj, agent, at, state = row
    return Said(bytes(digest), subject, predicate, obj, agent, at, NAME[state])
