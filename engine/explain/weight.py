"""What an assertion is worth: the factors of its credence, and what RESOLVE BY compares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from epql.engine.explain.slot import Fact, Index, Slot
from epql.engine.index import credence, resolve
from epql.engine.index.credence import Factors
from epql.engine.index.snapshot import WEIGHED, Snapshot

_UNIT = 1e-12
"""Ranks and scores are whole numbers of it (engine/index/weighed.py)."""


class Standing(NamedTuple):
    """What a candidate has where it is compared. `score`: that of its object under CONSENSUS.

    `order`: the greater comes first; `value` decides before the later one does.
    """

    value: float
    score: float | None
    order: tuple[float, ...]


def factors(index: Index, snapshot: Snapshot, fact: Fact) -> Factors:
    """The factors of a fact's credence at the snapshot's clock."""
    declared = index.declarations.at(snapshot.tx)
    found = credence.factors(index.db, declared, snapshot, fact.assertion)
    assert found is not None, fact.assertion
    return found


def standings(
    index: Index, slot: Slot, snapshot: Snapshot, candidates: Sequence[Fact], *, is_many: bool
) -> dict[int, Standing]:
    """What the candidates of a slot have under the snapshot's RESOLVE BY, by assertion."""
    if snapshot.strategy in WEIGHED:
        return _weighed(index, slot, snapshot, is_many)
    return {fact.assertion: _plain(fact, snapshot.strategy) for fact in candidates}


def _plain(fact: Fact, strategy: str) -> Standing:
    latest = (fact.piece.seq, fact.piece.valid_from)
    value = fact.confidence if strategy == "confidence" else 0.0
    return Standing(value, None, (value, *latest))


def _weighed(index: Index, slot: Slot, snapshot: Snapshot, is_many: bool) -> dict[int, Standing]:
    shape, params, _ = resolve.bound(index.db, index.declarations, snapshot)
    has_score = snapshot.strategy == "consensus" and not is_many
    table = resolve.ranking(shape, ["s.id=:slot"], by_object=is_many)
    sql = f"SELECT assertion, rank, {'score' if has_score else 'NULL'}, place FROM {table}"
    found: dict[int, Standing] = {}
    for assertion, rank, score, place in index.db.execute(sql, {**params, "slot": slot.id}):
        one = Standing(rank * _UNIT, None if score is None else score * _UNIT, (-place,))
        if assertion not in found or one.order > found[assertion].order:
            found[assertion] = one  # of several pieces the one that comes first
    return found
