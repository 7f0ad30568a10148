"""What moves trust: the formula, the success of an approval, the shares of a correction. Pure.

Trust is a beta reputation (Jøsang & Ismail 2002) per agent and topic. What a correction costs
spreads along the chain of responsibility, as distrust does along links in anti-TrustRank
(Krishnan & Raj 2006). The page is docs/language/trust.md; who is on that chain is looked up in
gardener.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from epql.engine.index.declarations import Declared
from epql.engine.records import TrustChange

APPROVED, UNDONE = "approved", "undone"
ROLES = ("author", "approver", "voter", "reader", "deriver")
"""Why a correction is an agent's concern; of two equal shares the earlier role is told."""


def score(successes: float, failures: float, prior: float, strength: float) -> float:
    """Trust after so many successes and failures; `strength` says how many the prior is worth.

    >>> score(0, 1, 1.0, 4.0), score(0, 0, 0.5, 0.0)
    (0.8, 0.5)
    """
    events = successes + failures + strength
    return (successes + strength * prior) / events if events else prior


def success(
    tx: int, order: int, author: str, topic: str, move: bytes, assertion: bytes
) -> TrustChange:
    """The record of a success: another than the author has approved an assertion by this move."""
    return TrustChange(tx, order, author, topic, 1.0, 0.0, APPROVED, move, assertion)


class Part(NamedTuple):
    """An agent's part in an assertion that was corrected.

    `hops`: steps of derivation between that assertion and the agent's own.
    """

    agent: str
    role: str
    hops: int = 0


class Charge(NamedTuple):
    """What a correction costs an agent: a share of one failure."""

    part: Part
    share: float


def charges(parts: Iterable[Part], declared: Declared) -> list[Charge]:
    """Each agent once, at its largest share; those whose share is 0 not at all.

    Shape: the largest share first, then by role, hops and name, whatever the order of `parts`.
    """
    found: dict[str, Charge] = {}
    for part in sorted(set(parts)):
        charge = Charge(part, share_of(part, declared))
        best = found.get(part.agent)
        if best is None or _rank(charge) < _rank(best):
            found[part.agent] = charge
    return sorted((one for one in found.values() if one.share > 0), key=_rank)


def share_of(part: Part, declared: Declared) -> float:
    """The share of a failure that a part brings: its role's, damped at each further hop."""
    share = float(declared.value("share_" + part.role))
    return share * float(declared.value("damping")) ** max(0, part.hops - 1)


def _rank(charge: Charge) -> tuple[float, int, int, str]:
    part = charge.part
    return -charge.share, ROLES.index(part.role), part.hops, part.agent
