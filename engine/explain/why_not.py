"""WHY NOT: what keeps a triple from being the answer, the nearest reason first.

Each assertion of the triple is looked at: recorded later, in a state that is not asked for, valid
at another time, beaten by another candidate. `clause` says what to ask instead: with it in the
place of the question's own clauses the assertion answers, which is tried before it is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

from epql.engine.clock import FOREVER
from epql.engine.explain import ground, words
from epql.engine.explain.near import Near, nearest
from epql.engine.explain.slot import (
    Asked,
    Fact,
    Index,
    Piece,
    Slot,
    facts,
    move_to,
    recorded_at,
    same,
    slot_named,
    winners,
)
from epql.engine.explain.touching import moved
from epql.engine.explain.why import Contest, stands
from epql.engine.index.ask import first, only
from epql.engine.index.snapshot import STRATEGIES, Snapshot
from epql.engine.store.objects import tx_of
from epql.engine.vtab.show import address, instant

REASONS = {
    "answer": "it is the answer",
    "never_asserted": "nobody ever asserted it",
    "recorded_later": "it was asserted after the AS OF instant",
    "not_approved": "it is proposed or in review, and the question asks for other states",
    "not_asked": "it is approved, and the question asks for other states",
    "deprecated": "it is deprecated",
    "rejected": "it was rejected",
    "superseded": "another assertion took its place",
    "retracted": "it was withdrawn",
    "incorrect": "it was corrected",
    "outside_valid": "it holds at other times than the one asked for",
    "lost": "another candidate was asserted later",
    "outvoted": "another candidate weighs more under the question's RESOLVE BY",
    "forbidden": "a rule forbids to assert it",
}
"""The stable words, with what they mean."""

_BY_STATE = {"proposed": "not_approved", "review": "not_approved", "approved": "not_asked"}


class Reason(NamedTuple):
    """One reason. `at` as SQL shows it; `id` is the assertion it is about, `by` what is in its way.

    `clause`: what to ask, or to state, instead.
    """

    reason: str
    sentence: str
    at: str | None = None
    agent: str | None = None
    id: str | None = None
    by: str | None = None
    clause: str | None = None


class Never:
    """Nobody ever asserted it. What is near is looked for only when it is read: in a wide slot
    that means comparing with thousands of names.
    """

    reason = "never_asserted"
    at = agent = by = None

    def __init__(self, index: Index, subject: str, predicate: str, obj: Any) -> None:
        self._index = index
        self._triple = (subject, predicate, obj)

    @cached_property
    def near(self) -> Near | None:
        """The assertion that is nearest to it."""
        return nearest(self._index, *self._triple)

    @property
    def sentence(self) -> str:
        """As a Reason's."""
        if self.near is None:
            return "nobody asserted it"
        return f"nobody asserted it; did you mean {words.triple(*self.near.triple)}?"

    @property
    def id(self) -> str | None:
        """Of what is near."""
        if self.near is None:
            return None
        row = only(self._index.db, "SELECT digest FROM assertion WHERE id=?", self.near[:1])
        return address(bytes(row[0]))

    @property
    def clause(self) -> str:
        """How to state it."""
        return f"ASSERT {words.triple(*self._triple)}"


def reasons(
    index: Index, subject: str, predicate: str, obj: Any, snapshot: Snapshot
) -> Iterator[Reason | Never]:
    """What keeps (subject, predicate, obj) from being the answer; or that it is the answer."""
    slot = slot_named(index, subject, predicate, FOREVER >> 20)
    known = [] if slot is None else _assertions(index, slot, obj)
    if slot is None or not known:
        yield Never(index, subject, predicate, obj)
        slot = slot or Slot(0, subject, predicate, "")
    else:
        yield from _of_assertions(index, slot, obj, known, snapshot)
    for rule in ground.rules(index, slot, obj, snapshot.tx):
        yield _forbidden(rule)


def _assertions(index: Index, slot: Slot, obj: Any) -> list[tuple[int, bytes]]:
    """(number, digest) of every assertion of a triple, whenever it was recorded."""
    sql = (
        "SELECT a.id, a.digest FROM assertion a WHERE a.id IN"
        " (SELECT x.assertion FROM span x WHERE x.slot=?)"
        " AND a.object=? AND typeof(a.object)=typeof(?) ORDER BY a.id"
    )
    rows = index.db.execute(sql, (slot.id, obj, obj))
    return [(number, bytes(digest)) for number, digest in rows]


def _of_assertions(
    index: Index, slot: Slot, obj: Any, known: Sequence[tuple[int, bytes]], snapshot: Snapshot
) -> Iterator[Reason]:
    contest = Contest(index, Asked(slot, object=obj), snapshot)
    asserted = [fact for fact in contest.facts if same(fact.object, obj)]
    answer = next((fact for fact in asserted if fact.assertion in contest.winners), None)
    if answer is not None:
        yield _answer(contest, answer)
        return
    if not asserted:
        yield _later(index, slot, known[0], snapshot)
        return
    told = [list(_of_fact(contest, fact)) for fact in asserted]
    for found in sorted(told, key=len):
        yield from found


def _answer(contest: Contest, fact: Fact) -> Reason:
    at = instant(recorded_at(contest.index, fact.piece.seq))
    sentence = f"it is the answer: {contest.why(fact)}"
    return Reason("answer", sentence, at, fact.agent, address(fact.digest))


# ---------------------------------------------------------------- one assertion


def _of_fact(contest: Contest, fact: Fact) -> Iterator[Reason]:
    """What is in the way of one assertion that was recorded by then."""
    snapshot = contest.snapshot
    clause = way(contest.index, contest.asked.slot, fact, snapshot)
    if fact.is_candidate:
        yield _lost(contest, fact, clause)
        return
    if not fact.piece.is_seen(snapshot):
        yield _state(contest, fact, clause)
    if not fact.piece.is_valid(snapshot):
        yield _outside(contest, fact, clause)


def _lost(contest: Contest, fact: Fact, clause: str) -> Reason:
    is_latest = contest.snapshot.strategy == "latest"
    first = contest.beaten_by(fact)
    by = None if first is None else address(first.digest)
    at = None if first is None else instant(recorded_at(contest.index, first.piece.seq))
    agent = None if first is None else first.agent
    sentence = contest.why(fact)
    return Reason(
        "lost" if is_latest else "outvoted", sentence, at, agent, address(fact.digest), by, clause
    )


def _state(contest: Contest, fact: Fact, clause: str) -> Reason:
    index, tx = contest.index, contest.snapshot.tx
    reason = _BY_STATE.get(fact.state, fact.state)
    sentence = stands(index, fact, tx)
    if reason in ("not_approved", "not_asked"):
        sentence += f"; {words.lifecycle(contest.snapshot.states)} does not see it"
    move = move_to(index, fact, tx)
    if move is None:
        at = instant(recorded_at(index, fact.assertion))
        return Reason(reason, sentence, at, fact.agent, address(fact.digest), None, clause)
    if move.successor is not None:
        sentence += f"; {_named(index, move.successor)} took its place"
    return Reason(
        reason,
        sentence,
        instant(move.at),
        move.agent,
        address(fact.digest),
        address(move.successor),
        clause,
    )


def _named(index: Index, digest: bytes) -> str:
    number = index.objects.find(b"H:" + digest)
    row = first(index.db, "SELECT object FROM assertion WHERE id=?", (number,))
    return f"{address(digest)}"[:14] + "…" if row is None else words.literal(row[0])


def _outside(contest: Contest, fact: Fact, clause: str) -> Reason:
    snapshot, piece = contest.snapshot, fact.piece
    starts_later = piece.valid_from > snapshot.valid_high
    at = piece.valid_from if starts_later else piece.valid_to
    sentence = (
        f"it holds {words.valid(piece.valid_from, piece.valid_to)};"
        f" the question is about {_about(snapshot)}"
    )
    return Reason(
        "outside_valid", sentence, instant(at), fact.agent, address(fact.digest), None, clause
    )


def _about(snapshot: Snapshot) -> str:
    if snapshot.at_one_instant:
        return words.when(snapshot.valid_low)
    return "the time " + words.asked(snapshot)


# ---------------------------------------------------------------- not there


def _later(index: Index, slot: Slot, known: tuple[int, bytes], snapshot: Snapshot) -> Reason:
    """The first assertion of the triple came after the instant that is asked about."""
    number, digest = known
    tx, at = tx_of(number), recorded_at(index, number)
    sql = "SELECT g.name FROM assertion a JOIN agent g ON g.id=a.agent WHERE a.id=?"
    (agent,) = only(index.db, sql, (number,))
    then = moved(snapshot, tx, at)
    fact = next(one for one in facts(index, slot, then) if one.assertion == number)
    clause = f"AS OF TX {tx} {way(index, slot, fact, then)}".strip()
    sentence = f"it was asserted later, {words.when(at)}, by {agent}"
    return Reason("recorded_later", sentence, instant(at), agent, address(digest), None, clause)


def _forbidden(rule: ground.Told) -> Reason:
    prefer = rule.get("prefer")
    sentence = f"a {rule['severity']} rule forbids to assert it" + words.because(
        rule["agent"], rule.get("reason")
    )
    if "when" in rule:
        sentence += f"; when {rule['when']}"
    if prefer is not None:
        sentence += f"; prefer {words.literal(prefer)}"
    return Reason(
        "forbidden", sentence, rule["at"], rule["agent"], None, rule["id"],
        f"REPEAL {words.literal(rule['id'])}",
    )  # fmt: skip


# ---------------------------------------------------------------- the way to it


def way(index: Index, slot: Slot, fact: Fact, snapshot: Snapshot) -> str:
    """The clauses with which a fact is an answer; '' if it is one already.

    The first that does is taken: its state and a valid time of its, then another RESOLVE BY.
    """
    piece, asked, told = _reached(fact, snapshot)
    if fact.assertion in winners(index, slot, asked):
        return " ".join(told)
    if len(asked.states) > 1:
        alone = replace(asked, states=(piece.state,))
        if fact.assertion in winners(index, slot, alone):
            kept = [clause for clause in told if not clause.startswith("LIFECYCLE")]
            return " ".join([words.lifecycle(alone.states), *kept])
    for strategy in STRATEGIES:
        if fact.assertion in winners(index, slot, replace(asked, strategy=strategy)):
            return " ".join([*told, f"RESOLVE BY {strategy.upper()}"])
    return " ".join(told)


def _reached(fact: Fact, snapshot: Snapshot) -> tuple[Piece, Snapshot, list[str]]:
    """The piece of a fact that is easiest to ask for, and how: one in a state that is seen."""
    piece = next((one for one in fact.pieces if one.is_seen(snapshot)), fact.piece)
    told: list[str] = []
    if not piece.is_seen(snapshot):
        snapshot = replace(snapshot, states=(piece.state,))
        told.append(words.lifecycle(snapshot.states))
    if not piece.is_valid(snapshot):
        at = piece.valid_from if piece.valid_from > snapshot.valid_high else piece.valid_to - 1
        snapshot = replace(snapshot, valid_low=at, valid_high=at)
        told.append(f"VALID AT {words.literal(words.when(at))}")
    return piece, snapshot, told
