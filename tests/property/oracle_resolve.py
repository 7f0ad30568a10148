"""Which candidate of a slot wins: credence, votes, and the five strategies.

Freshness for ranking is counted from the newest evidence instead of the clock, and what is compared
are whole numbers of 10⁻¹², so that time alone never turns a ranking: docs/language/resolving.md.
"""

from __future__ import annotations

from math import floor

from tests.property.model import Commit, Confirmed, Content, Object, Voted
from tests.property.oracle_past import Past
from tests.property.oracle_standing import Candidate, View
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


def _ballot(past: Past, group: list[Candidate]) -> dict[str, tuple[Commit, Voted]]:
    """By agent: its latest vote on any candidate of an object."""
    ids = {candidate.standing.content.id for candidate in group}
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
        return [_most_credible(past, candidates)]
    return [_most_credible(past, _most_agreed(past, candidates))]


def moment(candidate: Candidate) -> tuple[int, int]:
    """When it was last asserted, as a place in the journal."""
    return candidate.piece.tx, candidate.piece.order


def _most_credible(past: Past, candidates: list[Candidate]) -> Candidate:
    clock = max(evidence(past, candidate) for candidate in candidates)

    def rank(candidate: Candidate) -> tuple[int, tuple[int, int]]:
        weight = _weight(past, candidate.standing.content.agent)
        return _units(credence(past, candidate, clock) * weight), moment(candidate)

    return max(candidates, key=rank)


def _most_agreed(past: Past, candidates: list[Candidate]) -> list[Candidate]:
    """The candidates of the object with the highest score."""
    groups: dict[Typed, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(object_of(candidate), []).append(candidate)
    instants = [evidence(past, candidate) for candidate in candidates]
    for group in groups.values():
        instants += [commit.at for commit, _ in _ballot(past, group).values()]
    clock = max(instants)

    def score(group: list[Candidate]) -> tuple[int, tuple[int, int]]:
        return _score(past, group, clock), max(moment(candidate) for candidate in group)

    return max(groups.values(), key=score)


def _score(past: Past, group: list[Candidate], clock: int) -> int:
    """What speaks for an object: each agent once, and all newcomers together once."""
    said: dict[str | None, list[tuple[float, float]]] = {}
    for candidate in group:
        agent = candidate.standing.content.agent
        said.setdefault(_voice(past, agent), []).append((credence(past, candidate, clock), 0.0))
    for agent, (commit, vote) in _ballot(past, group).items():
        value = _vote_value(past, commit, vote, clock)
        both = (value, 0.0) if vote.is_for else (0.0, value)
        said.setdefault(_voice(past, agent), []).append(both)
    total = 0
    for voice, pairs in said.items():
        worth = max(pro for pro, _ in pairs) - max(contra for _, contra in pairs)
        total += _units(worth * (1.0 if voice else past.policy("newcomer_weight")))
    return total


def _voice(past: Past, agent: str) -> str | None:
    """Whose voice an agent's is: its own, or None, that of all newcomers."""
    return None if past.is_newcomer(agent) else agent


def _weight(past: Past, agent: str) -> float:
    return float(past.policy("newcomer_weight")) if past.is_newcomer(agent) else 1.0


def _units(value: float) -> int:
    return floor(1e12 * value + 0.5)


def supporters(candidates: list[Candidate], winner: Candidate) -> set[str]:
    """The agents that assert the winner's object."""
    contents: list[Content] = [c.standing.content for c in candidates]
    return {c.agent for c in contents if typed(c.object) == object_of(winner)}
