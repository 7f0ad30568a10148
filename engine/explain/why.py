"""WHY: each fact of a slot with its role, and the step that decided.

    winner     a candidate that is an answer
    loser      a candidate that another one beat
    excluded   no candidate: its state or its valid time is not asked for

The winners are those that resolve.py finds; here stands only how to say why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from epql.engine.explain import words
from epql.engine.explain.slot import (
    Asked,
    Fact,
    Index,
    Move,
    facts,
    move_to,
    moves,
    recorded_at,
    same,
    winners,
)
from epql.engine.explain.weight import Standing, factors, standings
from epql.engine.index.credence import Factors
from epql.engine.index.snapshot import Snapshot

ROLES = ("winner", "loser", "excluded")


@dataclass
class Contest:
    """A slot at a snapshot: its facts in the order of their rank, and who won."""

    index: Index
    asked: Asked
    snapshot: Snapshot
    facts: list[Fact] = field(init=False)
    winners: set[int] = field(init=False)
    standings: dict[int, Standing] = field(init=False)
    is_many: bool = field(init=False)

    def __post_init__(self) -> None:
        index, slot, snapshot = self.index, self.asked.slot, self.snapshot
        found = facts(index, slot, snapshot)
        candidates = [fact for fact in found if fact.is_candidate]
        others = [fact for fact in found if not fact.is_candidate]
        self.winners = winners(index, slot, snapshot)
        self.is_many = slot.predicate in index.declarations.many(snapshot.tx)
        self.standings = standings(index, slot, snapshot, candidates, is_many=self.is_many)
        candidates.sort(key=lambda fact: self.standings[fact.assertion].order, reverse=True)
        others.sort(key=lambda fact: fact.piece.seq, reverse=True)
        self.facts = [*candidates, *others]

    def role(self, fact: Fact) -> str:
        """winner, loser or excluded."""
        if fact.assertion in self.winners:
            return "winner"
        return "loser" if fact.is_candidate else "excluded"

    def told(self) -> Iterator[Fact]:
        """The facts as they are told: what is asked about, winners, losers, excluded ones."""

        def order(fact: Fact) -> tuple[bool, int]:
            return not self.is_asked(fact), ROLES.index(self.role(fact))

        return iter(sorted(self.facts, key=order))

    def is_asked(self, fact: Fact) -> bool:
        """Whether it is what was named, beside its slot."""
        return self.asked.means(fact.assertion, fact.object)

    def rivals(self, fact: Fact) -> list[Fact]:
        """The other candidates that it stands against, the strongest first."""
        return [
            other
            for other in self.facts
            if other.is_candidate and other.assertion != fact.assertion
            if not self.is_many or same(other.object, fact.object)
        ]

    def beaten_by(self, fact: Fact) -> Fact | None:
        """What won where it lost."""
        won = (other for other in self.rivals(fact) if other.assertion in self.winners)
        return next(won, None)

    # ------------------------------------------------------------ the step

    def step(self, fact: Fact) -> str:
        """The step that decided about a fact, in one word."""
        if not fact.is_candidate:
            return "lifecycle" if fact.piece.is_valid(self.snapshot) else "valid"
        strategy = self.snapshot.strategy
        if strategy == "none":
            return "none"
        other = self.against(fact)
        if other is None:
            return "only"
        if strategy == "consensus" and (self.is_many or same(fact.object, other.object)):
            strategy = "credence"  # among those that say the same
        is_tie = strategy != "latest" and self.value(fact, strategy) == self.value(other, strategy)
        return "tie" if is_tie else strategy

    def against(self, fact: Fact) -> Fact | None:
        """What a candidate is compared with: the winner, or the strongest rival of the winner."""
        if fact.assertion not in self.winners:
            return self.beaten_by(fact)
        rivals = self.rivals(fact)
        if self.snapshot.strategy == "consensus":
            others = [rival for rival in rivals if not same(rival.object, fact.object)]
            rivals = others or rivals
        return rivals[0] if rivals else None

    def value(self, fact: Fact, step: str) -> float:
        """What a step compares of a candidate."""
        one = self.standings[fact.assertion]
        return one.value if step != "consensus" or one.score is None else one.score

    def why(self, fact: Fact) -> str:
        """The sentence that says what decided about a fact."""
        return _SENTENCES[self.step(fact)](self, fact)

    def factors(self, fact: Fact) -> Factors:
        """The factors of a fact's credence."""
        return factors(self.index, self.snapshot, fact)

    def score(self, fact: Fact) -> float | None:
        """What its object has under CONSENSUS, for a candidate."""
        standing = self.standings.get(fact.assertion)
        return None if standing is None else standing.score

    def last_move(self, fact: Fact) -> Move | None:
        """The last move of a fact by then."""
        return next(moves(self.index, fact.assertion, self.snapshot.tx), None)

    def at(self, fact: Fact) -> str:
        """When a fact was last asserted."""
        return words.when(recorded_at(self.index, fact.piece.seq))


def _only(contest: Contest, fact: Fact) -> str:
    others = len(contest.facts) - 1
    if contest.is_many:
        return "the predicate takes many objects, and no other candidate has this one"
    return "the only candidate" + (f" of {others + 1} assertions" if others else "")


def _none(contest: Contest, fact: Fact) -> str:
    return "every candidate is an answer under RESOLVE BY NONE"


def _latest(contest: Contest, fact: Fact) -> str:
    other = _other(contest, fact)
    told = f"{words.literal(other.object)} ({contest.at(other)})"
    if fact.assertion in contest.winners:
        count = len(contest.rivals(fact)) + 1
        return f"the latest of {count} candidates: asserted {contest.at(fact)}, after {told}"
    return f"asserted {contest.at(fact)}, before {told}"


def _by_value(contest: Contest, fact: Fact) -> str:
    other, step = _other(contest, fact), contest.step(fact)
    mine, more = contest.value(fact, step), contest.value(other, step)
    name = "score" if step == "consensus" else step
    told = words.literal(other.object)
    if fact.assertion in contest.winners:
        count = len(contest.rivals(fact)) + 1
        return f"the highest {name} of {count} candidates: {mine:.4g}, before {told} ({more:.4g})"
    return f"{name} {mine:.4g}, less than {told} has ({more:.4g})"


def _tie(contest: Contest, fact: Fact) -> str:
    other = _other(contest, fact)
    name = contest.snapshot.strategy
    value = contest.value(fact, name)
    order = "after" if fact.assertion in contest.winners else "before"
    then = f"asserted {contest.at(fact)}, {order} {contest.at(other)}"
    return f"{name} {value:.4g}, as {words.literal(other.object)} has; the later one wins: {then}"


def _other(contest: Contest, fact: Fact) -> Fact:
    other = contest.against(fact)
    assert other is not None, "a step between two"
    return other


def _lifecycle(contest: Contest, fact: Fact) -> str:
    seen = words.lifecycle(contest.snapshot.states)
    return f"{stands(contest.index, fact, contest.snapshot.tx)}; {seen} does not see it"


def _valid(contest: Contest, fact: Fact) -> str:
    snapshot = contest.snapshot
    piece = fact.piece
    told = f"holds {words.valid(piece.valid_from, piece.valid_to)}, not {words.asked(snapshot)}"
    if piece.is_seen(snapshot):
        return told
    return f"{told}; {_lifecycle(contest, fact)}"


_SENTENCES = {
    "only": _only,
    "none": _none,
    "latest": _latest,
    "confidence": _by_value,
    "credence": _by_value,
    "consensus": _by_value,
    "tie": _tie,
    "lifecycle": _lifecycle,
    "valid": _valid,
}
STEPS = tuple(_SENTENCES)


def stands(index: Index, fact: Fact, tx: int) -> str:
    """A fact's state, since when, by whom and why."""
    move = move_to(index, fact, tx)
    if move is None:
        at = words.when(recorded_at(index, fact.assertion))
        return f"{fact.state} since it was asserted {at}"
    at = f"since {words.when(move.at)}"
    if move.cut is not None:
        at = f"from {words.when(move.cut)} on, as of {words.when(move.at)}"
    return f"{fact.state} {at}{words.because(move.agent, move.reason)}"
