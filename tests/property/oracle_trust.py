"""Trust: who is believed how much on which topic, and what a correction does to it.

An agent's record on a topic is a sum of successes and failures. It starts empty, which means
trust 1 under the usual policies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.property.model import (
    INITIAL,
    Content,
    Flagged,
    Identity,
    Moved,
    Row,
    Trusted,
    Voted,
)
from tests.property.oracle_past import Past


def record(past: Past, agent: str, topic: str) -> tuple[float, float]:
    """(successes, failures) of an agent on a topic."""
    added = [e for _, e in past.events(Trusted) if (e.agent, e.topic) == (agent, topic)]
    return sum((e.successes for e in added), 0.0), sum((e.failures for e in added), 0.0)


def trust(past: Past, agent: str, topic: str) -> float:
    """Between 0 and 1: the mean of a beta distribution with a declared prior."""
    successes, failures = record(past, agent, topic)
    prior, strength = past.policy("trust_prior"), past.policy("trust_strength")
    weight = successes + failures + strength
    return (successes + strength * prior) / weight if weight else float(prior)


def relation(past: Past) -> list[Row]:
    """The relation `trust`: each agent and topic on which it has asserted, or has a record."""
    contents = [one.content for one in past.standing.values()]
    pairs: dict[tuple[str, str], int | None]
    pairs = {(content.agent, past.topic(content.subject)): None for content in contents}
    pairs |= {(event.agent, event.topic): commit.at for commit, event in past.events(Trusted)}
    rows = []
    for (agent, topic), at in pairs.items():
        successes, failures = record(past, agent, topic)
        rows.append(
            {"agent": agent, "topic": topic, "score": trust(past, agent, topic)}
            | {"successes": successes, "failures": failures, "updated_at": at}
        )
    return rows


def success(past: Past, content: Content, approver: str) -> list[Trusted]:
    """What an approval adds: by another than the author, once per assertion ever."""
    rewarded = any(e.content.id == content.id and e.successes > 0 for _, e in past.events(Trusted))
    if approver == content.agent or rewarded:
        return []
    return [Trusted(content.agent, past.topic(content.subject), 1.0, 0.0, content)]


def effects(past: Past, before: Past, content: Content) -> list[Trusted | Flagged]:
    """What the correction of an assertion does: each agent once, at its largest share.

    `past` ends with the commit of the correction, `before` with the event before it: who had a
    part in it by then counts, under the policies and topics of the commit.
    """
    derived = descendants(before, content)
    shares = [(content.agent, past.policy("share_author"))]
    shares += [(agent, past.policy("share_approver")) for agent in _approvers(before, content)]
    shares += [(agent, past.policy("share_voter")) for agent in _supporters(before, content)]
    for child, hops in derived:
        share = past.policy("share_deriver") * past.policy("damping") ** (hops - 1)
        shares.append((child.agent, share))
    largest: dict[str, float] = {}
    for agent, share in shares:
        largest[agent] = max(share, largest.get(agent, 0.0))
    topic = past.topic(content.subject)
    failures = [
        Trusted(a, topic, 0.0, float(share), content) for a, share in largest.items() if share
    ]
    flags = [Flagged(child) for child, _ in derived if _stands(past, child)]
    return [*_undone(past, before, content), *failures, *flags]


def _undone(past: Past, before: Past, content: Content) -> list[Trusted]:
    """A success that the assertion brought, taken back, unless an earlier correction did."""
    gains = [e for _, e in before.events(Trusted) if e.content.id == content.id and e.successes > 0]
    taken = any(e.content.id == content.id and e.successes < 0 for _, e in past.events(Trusted))
    return [] if taken else [replace(gain, successes=-1.0) for gain in gains]


def _approvers(before: Past, content: Content) -> set[str]:
    """Who moved it on towards approval, in its present life: REVIVE begins another."""
    found: set[str] = set()
    for _, event in before.events(Moved):
        if event.content.id == content.id and event.cause == "REVIVE":
            found.clear()
        elif event.content.id == content.id and event.state in ("review", "approved"):
            found.add(event.agent)
    return found


def _supporters(before: Past, content: Content) -> set[str]:
    """Whose last vote on it was for it."""
    latest = {e.agent: e.is_for for _, e in before.events(Voted) if e.content.id == content.id}
    return {agent for agent, is_for in latest.items() if is_for}


def _stands(past: Past, content: Content) -> bool:
    """Whether any part of it is live or deprecated."""
    return any(piece.state in INITIAL for piece in past.standing[content.id].pieces)


def descendants(past: Past, content: Content) -> list[tuple[Content, int]]:
    """What was derived from an assertion, with the number of steps to it, the nearest first."""
    return _walk(past, content, lambda child: True)


def dependents(past: Past, content: Content) -> list[Content]:
    """What was derived from an assertion and stands, through what stands."""

    def stands(child: Content) -> bool:
        return past.standing[child.id].head.state in INITIAL

    return [child for child, _ in _walk(past, content, stands)]


def _walk(
    past: Past, content: Content, follows: Callable[[Content], bool]
) -> list[tuple[Content, int]]:
    found: list[tuple[Content, int]] = []
    seen: set[Identity] = {content.id}
    wave = [content.id]
    hops = 0
    while wave:
        hops += 1
        children = [
            standing.content
            for standing in past.standing.values()
            if standing.content.id not in seen
            and set(standing.content.parents) & set(wave)
            and follows(standing.content)
        ]
        found += [(child, hops) for child in children]
        wave = [child.id for child in children]
        seen.update(wave)
    return found
