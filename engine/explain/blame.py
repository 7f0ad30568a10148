"""BLAME: who brought each part of an answer to where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from epql.engine.explain import ground
from epql.engine.explain.events import Event, Subject, events, state, subjects
from epql.engine.explain.slot import Asked, Index, facts, winners
from epql.engine.explain.touching import happened, points
from epql.engine.index.snapshot import Snapshot
from epql.engine.lifecycle import CODE
from epql.engine.vtab.show import instant

PARTS = {
    "answer": "the event after which the slot answers with it",
    "object": "what the author said",
    "confidence": "how sure the author is",
    "source": "where the author has it from",
    "valid_from": "from when on it holds",
    "valid_to": "up to when; a SUPERSEDE may have set it",
    "recorded_at": "when it was last asserted, where that was again",
    "lifecycle": "the move that brought it to its state, or that it landed there",
    "approval": "each approval, where the state is another one now or it was approved again",
    "vote": "each agent's vote that counts",
    "confirmation": "each time it was checked again",
    "parent": "each assertion it comes from",
    "flag": "that what it comes from lost its ground",
}
"""The parts of an answer, with what is told of them."""


class Line(NamedTuple):
    """One part of an answer. `at` in microseconds; `tx` None: no commit, a valid time began."""

    part: str
    value: Any
    event: str
    agent: str | None
    at: int
    tx: int | None
    reason: str | None
    subject: Subject


def lines(index: Index, asked: Asked, snapshot: Snapshot) -> Iterator[Line]:
    """The parts of what is asked about; of a slot, the parts of its answer."""
    won = winners(index, asked.slot, snapshot)
    stand = {fact.assertion: fact.piece.state for fact in facts(index, asked.slot, snapshot)}
    is_slot = asked.assertion is None and asked.object is None
    for subject in list(subjects(index, asked, snapshot.tx)):
        if subject.assertion in won or not is_slot:
            if subject.assertion in won:
                yield _answer(index, asked, subject, snapshot)
            yield from _of_subject(index, asked, subject, snapshot, stand[subject.assertion])


def _of_subject(
    index: Index, asked: Asked, subject: Subject, snapshot: Snapshot, stands: int
) -> Iterator[Line]:
    told = events(index, asked._replace(assertion=subject.assertion), snapshot.tx)
    made, *later = told

    def line(part: str, value: Any, event: Event) -> Line:
        return Line(
            part, value, event.event, event.agent, event.at, event.tx, event.reason, subject
        )  # fmt: skip

    yield line("object", subject.object, made)
    yield line("confidence", subject.confidence, made)
    if subject.source is not None:
        yield line("source", subject.source, made)
    yield from _valid(made, later, line)
    again = [event for event in later if event.event == "ASSERT"]
    if again:
        yield line("recorded_at", instant(again[-1].at), again[-1])
    yield from _states(made, later, stands, line)
    yield from _voices(later, line)
    for parent in subject.parents:
        yield line("parent", parent, made)
    if ground.flag(index, subject.assertion, snapshot.tx) is not None:
        yield line("flag", None, [event for event in later if event.event == "FLAG"][-1])


Make = Callable[[str, Any, Event], Line]


def _answer(index: Index, asked: Asked, subject: Subject, snapshot: Snapshot) -> Line:
    """The latest point at which the slot came to answer with an assertion."""
    found = points(index, asked.slot, snapshot)
    number = len(found) - 1
    while number > 0:
        before = winners(index, asked.slot, found[number - 1].after(snapshot))
        if subject.assertion not in before:
            break
        number -= 1
    point = found[number]
    if point.is_bound:
        return Line("answer", subject.object, "VALID_START", None, point.at, None, None, subject)
    told = happened(index, asked.slot.id, point.tx)
    return Line(
        "answer", subject.object, told.cause, told.agent, point.at, point.tx, told.reason, subject
    )


def _valid(made: Event, later: Sequence[Event], line: Make) -> Iterator[Line]:
    cuts = [event for event in later if event.event == "SUPERSEDE" and event.valid_from is not None]
    if made.valid_from is not None:
        yield line("valid_from", instant(made.valid_from), made)
    if cuts:
        yield line("valid_to", instant(cuts[-1].valid_from), cuts[-1])
    elif made.valid_to is not None:
        yield line("valid_to", instant(made.valid_to), made)


def _states(made: Event, later: Sequence[Event], stands: int, line: Make) -> Iterator[Line]:
    """What brought it to the state it stands in, which is not the last where time is ahead."""
    moved = [event for event in (made, *later) if event.state is not None]
    last = next((event for event in reversed(moved) if event.state == stands), made)
    yield line("lifecycle", state(stands), last)
    for event in moved:
        if event.state == CODE["approved"] and event is not last:
            yield line("approval", event.agent, event)


def _voices(later: Sequence[Event], line: Make) -> Iterator[Line]:
    votes = {event.agent: event for event in later if event.event == "VOTE"}
    for event in sorted(votes.values(), key=lambda event: event.seq):
        yield line("vote", event.detail, event)
    for event in later:
        if event.event == "CONFIRM":
            yield line("confirmation", event.detail, event)
