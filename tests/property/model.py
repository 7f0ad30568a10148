"""What the oracle is made of: contents, events, and the fold from events to what stands.

Instants are microseconds UTC, None is an open end, and an id is the content itself together
with the type of its object (1 is not 1.0 is not '1').
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

Object = str | int | float
Identity = tuple[str, "Content"]
Slot = tuple[Any, ...]
Row = dict[str, Any]

LIVE = frozenset({"proposed", "review", "approved"})
TERMINAL = frozenset({"rejected", "superseded", "retracted", "incorrect"})
ANY = LIVE | TERMINAL | {"deprecated"}
INITIAL = LIVE | {"deprecated"}
ENDING = frozenset({"retracted", "incorrect"})
"""States that end every piece of an assertion that stands."""
MOVES = {
    "proposed": {"review", "approved", "rejected", "retracted", "incorrect"},
    "review": {"approved", "rejected", "retracted", "incorrect"},
    "approved": {"deprecated", "superseded", "retracted", "incorrect"},
    "deprecated": {"retracted", "incorrect"},
}
"""From each state, where TRANSITION may lead. SUPERSEDE takes any live state."""


class Refused(Exception):
    """The statement is an error; `kind` is 'integrity', 'data' or 'programming'."""

    def __init__(self, kind: Literal["integrity", "data", "programming"]) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Content:
    """What an assertion says. `valid_from_tx`: valid from the instant of that commit.

    `parents`: what it was derived from, by id.
    """

    subject: str
    predicate: str
    object: Object
    agent: str
    confidence: float = 1.0
    source: str | None = None
    valid_from: int | None = None
    valid_to: int | None = None
    valid_from_tx: int = 0
    parents: tuple[Identity, ...] = ()

    def __repr__(self) -> str:
        rest = [self.source, self.valid_from, self.valid_to, self.valid_from_tx, self.parents]
        said = [self.subject, self.predicate, self.object, self.agent, self.confidence]
        return f"Content{(*said, *rest) if any(rest) else tuple(said)}"

    @property
    def id(self) -> Identity:
        return type(self.object).__name__, self

    @property
    def slot(self) -> tuple[str, str]:
        return self.subject, self.predicate


# ---------------------------------------------------------------- events


@dataclass(frozen=True, slots=True)
class Asserted:
    content: Content
    state: str  # only counts the first time
    agent: str
    reason: str | None = None
    cause: str = "ASSERT"


@dataclass(frozen=True, slots=True)
class Moved:
    """`was`: the state before. REVIVE makes a tail the head where the head is not terminal."""

    content: Content
    was: str
    state: str
    agent: str
    reason: str | None
    cause: str  # TRANSITION, RETRACT, CORRECT, REVIVE


@dataclass(frozen=True, slots=True)
class Superseded:
    """`content` ends at `cut` (None: the commit's instant), `by` takes over, born in `state`.

    `asserts` is False where `by` was the latest of its slot already.
    """

    content: Content
    by: Content
    state: str
    cut: int | None
    agent: str
    reason: str | None
    asserts: bool = True
    cause: str = "SUPERSEDE"


@dataclass(frozen=True, slots=True)
class Voted:
    content: Content
    is_for: bool
    weight: float
    agent: str
    reason: str | None = None
    cause: str = "VOTE"


@dataclass(frozen=True, slots=True)
class Confirmed:
    content: Content
    agent: str
    reason: str | None = None
    cause: str = "CONFIRM"


@dataclass(frozen=True, slots=True)
class Corrected:
    """The event of CORRECT itself; the move to incorrect stands beside it."""

    content: Content
    agent: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Forbidden:
    """A rule. Subject and predicate are GLOB patterns, the object one or a number."""

    number: int
    subject: str
    predicate: str
    object: Object
    severity: str
    prefer: Object | None
    agent: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Repealed:
    number: int


@dataclass(frozen=True, slots=True)
class Used:
    """CHECK hit a rule."""

    number: int


@dataclass(frozen=True, slots=True)
class Trusted:
    """What is added to an agent's record on a topic; `cause` tells which event did it."""

    agent: str
    topic: str
    successes: float
    failures: float
    content: Content


@dataclass(frozen=True, slots=True)
class Flagged:
    content: Content


@dataclass(frozen=True, slots=True)
class Defined:
    """DEFINE PREDICATE; what it leaves out (None) stays as it was."""

    predicate: str
    many: bool | None
    half_life: int | None


@dataclass(frozen=True, slots=True)
class Declared:
    """DEFINE POLICY, AGENT or TOPIC; `value` of a topic are its GLOB patterns."""

    what: str
    name: str
    value: Any = None


OnSlot = Asserted | Moved | Superseded | Voted | Confirmed
Event = OnSlot | Corrected | Forbidden | Repealed | Used | Trusted | Flagged | Defined | Declared


@dataclass(frozen=True, slots=True)
class Commit:
    tx: int
    at: int
    events: tuple[Event, ...]
    agent: str = ""


# ---------------------------------------------------------------- what stands at a snapshot


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an assertion's valid time, the state it is in, and the assert event behind it.

    A tail that was cut off keeps the event it had: asserting again concerns the head. `moved_tx`
    is the commit of the last move, so that one which is taken back at once leaves a trace.
    """

    state: str
    start: int | None
    end: int | None
    tx: int = 0
    order: int = 0
    recorded_at: int = 0
    moved_tx: int = 0

    def overlaps(self, start: int | None, end: int | None) -> bool:
        """Whether two half-open intervals share an instant."""
        return precedes(self.start, end) and precedes(start, self.end)


@dataclass(frozen=True, slots=True)
class Standing:
    """One assertion at a snapshot: its pieces in the order in which they came to be.

    One of them is the head, which moves and is asserted again; the others stay as they are.
    """

    content: Content
    pieces: tuple[Piece, ...]
    head_at: int = 0

    @property
    def head(self) -> Piece:
        return self.pieces[self.head_at]

    def with_head(self, **changes: Any) -> Standing:
        """The head changed, the rest as it was."""
        pieces = list(self.pieces)
        pieces[self.head_at] = replace(self.head, **changes)
        return replace(self, pieces=tuple(pieces))

    @property
    def revivable(self) -> int | None:
        """Which piece REVIVE brings back: a terminal head, else the tail superseded last."""
        if self.head.state in TERMINAL:
            return self.head_at
        cut_off = [n for n, piece in enumerate(self.pieces) if piece.state == "superseded"]
        return cut_off[-1] if cut_off else None


@dataclass(frozen=True, slots=True)
class View:
    """How a question looks: snapshot, evaluation clock, and the clauses in force.

    `lifecycle`: None is as the policy says. `valid`: None is AT the evaluation clock; ('at', v),
    ('range', a, b), ('any',). `strict`: whether a policy may refuse.
    """

    tx: int
    clock: int
    lifecycle: frozenset[str] | None = None
    valid: tuple[Any, ...] | None = None
    resolve: str = "latest"
    strict: bool = True

    def sees(self, piece: Piece) -> bool:
        if self.lifecycle is None or piece.state not in self.lifecycle:
            return False
        kind, *bounds = self.valid or ("at", self.clock)
        if kind == "at":
            return piece.overlaps(bounds[0], bounds[0] + 1)
        if kind == "range":
            return piece.overlaps(bounds[0], bounds[1])
        return True


@dataclass(frozen=True, slots=True)
class Candidate:
    standing: Standing
    piece: Piece


# ---------------------------------------------------------------- the fold


def apply(standing: dict[Identity, Standing], commit: Commit) -> None:
    """Carry out one commit's events, in order."""
    for order, event in enumerate(commit.events):
        if isinstance(event, Moved):
            old = standing[event.content.id]
            standing[event.content.id] = _moved(old, event, commit.tx)
        elif isinstance(event, Superseded):
            old = standing[event.content.id]
            cut = commit.at if event.cut is None else event.cut
            standing[event.content.id] = _cut(old, cut)
        new = asserts(event)
        if new is not None:
            known = standing.get(new.id)
            if known is None:
                assert isinstance(event, Asserted | Superseded)
                start = commit.at if new.valid_from_tx else new.valid_from
                known = Standing(new, (Piece(event.state, start, new.valid_to),))
            standing[new.id] = known.with_head(tx=commit.tx, order=order, recorded_at=commit.at)


def _moved(old: Standing, event: Moved, tx: int) -> Standing:
    if event.cause == "REVIVE":
        assert old.revivable is not None
        old = replace(old, head_at=old.revivable)
    if event.state in ENDING:
        pieces = tuple(
            replace(p, state=event.state) if p.state in INITIAL else p for p in old.pieces
        )
        old = replace(old, pieces=pieces)
    return old.with_head(state=event.state, moved_tx=tx)


def _cut(old: Standing, cut: int) -> Standing:
    """The head ends at the cut, and what lies behind it is superseded."""
    head = old.head
    if head.start is not None and cut <= head.start:
        return old.with_head(state="superseded")
    tail = replace(head, state="superseded", start=cut)
    shorter = old.with_head(end=cut)
    return replace(shorter, pieces=(*shorter.pieces, tail))


def asserts(event: Event) -> Content | None:
    """What an event asserts, if it does."""
    if isinstance(event, Asserted):
        return event.content
    return event.by if isinstance(event, Superseded) and event.asserts else None


def precedes(start: int | None, end: int | None) -> bool:
    """Whether an interval's start lies before an end; open ends always do."""
    return start is None or end is None or start < end
