"""What stands at a snapshot: assertions with the pieces of their valid time, folded from events.

asserted             proposed    [start ...................... end)
promoted             approved    [start ...................... end)
superseded from v    approved    [start ..... v)                      head
                     superseded               [v ............. end)   tail
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tests.property.model import (
    ENDING,
    INITIAL,
    TERMINAL,
    Asserted,
    Commit,
    Content,
    Identity,
    Moved,
    Superseded,
    asserts,
    precedes,
)


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
