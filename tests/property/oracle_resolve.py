"""Which candidate of a slot wins: credence, votes, and the five strategies.

Freshness for ranking is counted from the slot's newest evidence instead of the clock, and the
sums are rounded, so that the passing of time alone never turns a ranking.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.property.model import (
    Candidate,
    Commit,
    Confirmed,
    Content,
    Identity,
    Object,
    View,
    Voted,
)
from tests.property.oracle_past import Past
from tests.property.oracle_trust import trust

Typed = tuple[str, Object]


def typed(obj: Object) -> Typed:
    """An object with its type: 1, 1.0 and '1' are three."""
    return type(obj).__name__, obj


def object_of(candidate: Candidate) -> Typed:
    return typed(candidate.standing.content.object)


# ---------------------------------------------------------------- credence


def freshness(half_life: int | None, age: int) -> float:
    """1 at once, a half after a half-life."""
    return 0.5 ** (age / half_life) if half_life else 1.0


def evidence(past: Past, candidate: Candidate) -> int:
    """When an assertion was last said or checked again."""
    identity = candidate.standing.content.id
    checked = [c.at for c, e in past.events(Confirmed) if e.content.id == identity]
    return max([candidate.piece.recorded_at, *checked])


def credence(past: Past, candidate: Candidate, clock: int) -> float:
    """How far an assertion is to be believed at a clock."""
    content = candidate.standing.content
    age = clock - evidence(past, candidate)
    trusted = trust(past, content.agent, past.topic(content.subject))
    return content.confidence * trusted * freshness(past.half_life(content.predicate), age)


def _latest_votes(past: Past, ids: set[Identity]) -> dict[str, tuple[Commit, Voted]]:
    """By agent: its latest vote on any of some assertions."""
    return {e.agent: (c, e) for c, e in past.events(Voted) if e.content.id in ids}


def _vote_value(past: Past, commit: Commit, vote: Voted, clock: int) -> float:
    content = vote.content
    trusted = trust(past, vote.agent, past.topic(content.subject))
    half_life = past.half_life(content.predicate)
    return vote.weight * trusted * freshness(half_life, clock - commit.at)


# ---------------------------------------------------------------- strategies


def winners(past: Past, candidates: list[Candidate], view: View) -> list[Candidate]:
    """The winner of a slot, or every candidate for RESOLVE BY NONE."""
    if view.resolve == "none":
        return candidates
    if view.resolve == "latest":
        return [max(candidates, key=moment)]
    if view.resolve == "confidence":
        return [max(candidates, key=lambda c: (c.standing.content.confidence, moment(c)))]
    if view.resolve == "credence":
        return [_most_credible(past, candidates, candidates)]
    by_object: dict[Typed, list[Candidate]] = {}
    for candidate in candidates:
        by_object.setdefault(object_of(candidate), []).append(candidate)
    best = max(
        by_object.values(),
        key=lambda group: (_voices(past, group, candidates), max(map(moment, group))),
    )
    return [_most_credible(past, best, candidates)]


def moment(candidate: Candidate) -> tuple[int, int]:
    """When it was last asserted, as a place in the journal."""
    return candidate.piece.tx, candidate.piece.order


def _most_credible(past: Past, candidates: list[Candidate], slot: Iterable[Candidate]) -> Candidate:
    clock = _newest(past, slot)

    def rank(candidate: Candidate) -> tuple[float, tuple[int, int]]:
        value = credence(past, candidate, clock)
        if past.is_newcomer(candidate.standing.content.agent):
            value *= past.policy("newcomer_weight")
        return round(value, 12), moment(candidate)

    return max(candidates, key=rank)


def _voices(past: Past, group: list[Candidate], slot: list[Candidate]) -> float:
    """What speaks for an object: each agent once, and all newcomers together once."""
    clock = _newest(past, slot)
    pro: dict[str, float] = {}
    for candidate in group:
        agent = candidate.standing.content.agent
        pro[agent] = max(pro.get(agent, 0.0), credence(past, candidate, clock))
    contra: dict[str, float] = {}
    ids = {candidate.standing.content.id for candidate in group}
    for agent, (commit, vote) in _latest_votes(past, ids).items():
        value = _vote_value(past, commit, vote, clock)
        if vote.is_for:
            pro[agent] = max(pro.get(agent, 0.0), value)
        else:
            contra[agent] = value
    total = sum(v for agent, v in pro.items() if not past.is_newcomer(agent))
    total -= sum(v for agent, v in contra.items() if not past.is_newcomer(agent))
    pooled = max([v for agent, v in pro.items() if past.is_newcomer(agent)], default=0.0)
    pooled -= max([v for agent, v in contra.items() if past.is_newcomer(agent)], default=0.0)
    return round(total + pooled * past.policy("newcomer_weight"), 12)


def _newest(past: Past, slot: Iterable[Candidate]) -> int:
    """The newest evidence among a slot's candidates."""
    return max(evidence(past, candidate) for candidate in slot)


def supporters(candidates: list[Candidate], winner: Candidate) -> set[str]:
    """The agents that assert the winner's object."""
    contents: list[Content] = [c.standing.content for c in candidates]
    return {c.agent for c in contents if typed(c.object) == object_of(winner)}
