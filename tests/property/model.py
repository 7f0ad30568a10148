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
MOVES = {
    "proposed": {"review", "approved", "rejected", "retracted", "incorrect"},
    "review": {"approved", "rejected", "retracted", "incorrect"},
    "approved": {"deprecated", "superseded", "retracted", "incorrect"},
    "deprecated": {"retracted", "incorrect"},
}
"""From each state, where TRANSITION may lead. SUPERSEDE takes any live state."""


class Refused(Exception):
    """The statement is an error; `kind` is 'integrity' or 'data'."""

    def __init__(self, kind: Literal["integrity", "data"]) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Content:
    """What an assertion says. `valid_from_tx`: valid from the instant of that commit."""

    subject: str
    predicate: str
    object: Object
    agent: str
    confidence: float = 1.0
    source: str | None = None
    valid_from: int | None = None
    valid_to: int | None = None
    valid_from_tx: int = 0

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
    content: Content
    state: str
    agent: str
    reason: str | None
    cause: str  # TRANSITION, RETRACT


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
class Defined:
    """DEFINE PREDICATE; what it leaves out (None) stays as it was."""

    predicate: str
    many: bool | None
    half_life: int | None


Event = Asserted | Moved | Superseded | Defined


@dataclass(frozen=True, slots=True)
class Commit:
    tx: int
    at: int
    events: tuple[Event, ...]


# ---------------------------------------------------------------- what stands at a snapshot


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an assertion's valid time, the state it is in, and the assert event behind it.

    A tail that was cut off keeps the event it had: asserting again concerns the head.
    """

    state: str
    start: int | None
    end: int | None
    tx: int = 0
    order: int = 0
    recorded_at: int = 0

    def overlaps(self, start: int | None, end: int | None) -> bool:
        """Whether two half-open intervals share an instant."""
        return precedes(self.start, end) and precedes(start, self.end)


@dataclass(frozen=True, slots=True)
class Standing:
    """One assertion at a snapshot: its head, and the tails cut off it."""

    content: Content
    head: Piece
    tails: tuple[Piece, ...] = ()

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return self.head, *self.tails


@dataclass(frozen=True, slots=True)
class View:
    """How a question looks: snapshot, evaluation clock, and the clauses in force.

    `valid`: None is AT the evaluation clock; ('at', v), ('range', a, b), ('any',).
    """

    tx: int
    clock: int
    lifecycle: frozenset[str] = LIVE
    valid: tuple[Any, ...] | None = None
    resolve: str = "latest"

    def sees(self, piece: Piece) -> bool:
        if piece.state not in self.lifecycle:
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
            standing[event.content.id] = replace(old, head=replace(old.head, state=event.state))
        elif isinstance(event, Superseded):
            old = standing[event.content.id]
            cut = commit.at if event.cut is None else event.cut
            standing[event.content.id] = _cut(old, cut)
        new = asserts(event)
        if new is not None:
            known = standing.get(new.id)
            assert isinstance(event, Asserted | Superseded)
            start = commit.at if new.valid_from_tx else new.valid_from
            head = known.head if known else Piece(event.state, start, new.valid_to)
            head = replace(head, tx=commit.tx, order=order, recorded_at=commit.at)
            standing[new.id] = Standing(new, head, known.tails if known else ())


def _cut(old: Standing, cut: int) -> Standing:
    """The head ends at the cut, and what lies behind it is superseded."""
    head = old.head
    if head.start is not None and cut <= head.start:
        return replace(old, head=replace(head, state="superseded"))
    tail = replace(head, state="superseded", start=cut)
    return replace(old, head=replace(head, end=cut), tails=(*old.tails, tail))


def asserts(event: Event) -> Content | None:
    """What an event asserts, if it does."""
    if isinstance(event, Asserted):
        return event.content
    return event.by if isinstance(event, Superseded) and event.asserts else None


def last_event(commit: Commit, slot: Slot) -> Asserted | Moved | Superseded | None:
    """The last event of a commit on a slot."""
    for event in reversed(commit.events):
        if not isinstance(event, Defined) and event.content.slot == slot[:2]:
            return event
    return None


def defines(commit: Commit, predicate: str) -> bool:
    """Whether a commit declares a predicate."""
    return any(isinstance(e, Defined) and e.predicate == predicate for e in commit.events)


def precedes(start: int | None, end: int | None) -> bool:
    """Whether an interval's start lies before an end; open ends always do."""
    return start is None or end is None or start < end
