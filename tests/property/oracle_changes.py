"""DIFF: the two answers, compared; and for each change, what the last step to it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.property.model import (
    Commit,
    Confirmed,
    Declared,
    Defined,
    OnSlot,
    Row,
    Slot,
    Trusted,
    Voted,
)

if TYPE_CHECKING:
    from tests.property.oracle import Oracle

COMPARED = ("object", "confidence", "lifecycle", "agent", "valid_from", "valid_to", "id")
"""What makes a slot's answer another answer (DIFF)."""
WHOLE = ("subject", "predicate", "object", "lifecycle")
"""The columns of an answer that is compared as it stands."""
CAUSE = ("cause", "tx", "agent", "reason")
"""What a change row says of the last step to it, the instant apart."""
WEIGHED = ("credence", "consensus")
"""The strategies under which trust and declarations of policies, agents and topics matter."""

Clauses = dict[str, Any]


def changes(oracle: Oracle, since: int, until: int, clauses: Clauses) -> list[Row]:
    """DIFF of beliefs.

    `unsaid` names the columns of a row that the oracle leaves open, such as those of the cause
    where several things at once may have been it.
    """
    before, after = answers(oracle, since, clauses), answers(oracle, until, clauses)
    rows = []
    for slot in {**before, **after}:
        old, new = before.get(slot), after.get(slot)
        if _compared(old) == _compared(new):
            continue
        row: Row = {"change": _change(old, new), "subject": slot[0], "predicate": slot[1]}
        for name in COMPARED:
            row["before_" + name] = old[name] if old else None
            row["after_" + name] = new[name] if new else None
        rows.append(row | _cause(oracle, slot, since, until, clauses))
    return rows


def answers(oracle: Oracle, clock: int, clauses: Clauses) -> dict[Slot, Row]:
    """The winner of each slot as of an instant; under NONE, each candidate by its id."""
    view = oracle.view(clock, **clauses)
    found: dict[Slot, Row] = {}
    for slot, _, winner in oracle.winners(view):
        by_id = (*slot[:2], winner.standing.content.id)
        found[by_id if view.resolve == "none" else slot] = oracle.row(winner, view)
    return found


def _compared(row: Row | None) -> tuple[Any, ...] | None:
    return None if row is None else tuple(row[name] for name in COMPARED)


def _change(old: Row | None, new: Row | None) -> str:
    return "ADDED" if old is None else "REMOVED" if new is None else "CHANGED"


# ---------------------------------------------------------------- causes


def _cause(oracle: Oracle, slot: Slot, since: int, until: int, clauses: Clauses) -> Row:
    """The last point at which the slot's answer became the after side."""

    def answer(clock: int) -> Any:
        return _compared(answers(oracle, clock, clauses | {"strict": False}).get(slot))

    bounds = _bounds(oracle, slot)
    commits = {commit.at: commit for commit in oracle.commits}
    points = sorted(p for p in {*bounds, *commits} if since < p <= until)
    after = answer(until)
    for earlier, point in reversed(list(zip([since, *points], points, strict=False))):
        if answer(earlier) == after:
            continue
        valid_from = None if after is None else after[COMPARED.index("valid_from")]
        bound = None
        if point in bounds:
            bound = "VALID_START" if valid_from == point else "VALID_END"
        return _told(commits.get(point), slot, bound, clauses) | {"at": point}
    raise AssertionError(f"{slot} changed at no point of {points}")


def _bounds(oracle: Oracle, slot: Slot) -> set[int]:
    """Where a valid time of the slot ever began or ended."""
    found: set[int] = set()
    for commit in oracle.commits:
        for standing in oracle.past(commit.tx).standing.values():
            if standing.content.slot == slot[:2]:
                bounds = {bound for p in standing.pieces for bound in (p.start, p.end)}
                found |= {bound for bound in bounds if bound is not None}
    return found


def _told(commit: Commit | None, slot: Slot, bound: str | None, clauses: Clauses) -> Row:
    """What is said of a point: the last event on the slot, else whatever else could be it."""
    if commit is None:
        return {"cause": bound}
    event = last_event(commit, slot)
    if event and not isinstance(event, Voted | Confirmed):
        told = {"cause": event.cause, "agent": event.agent, "reason": event.reason}
        return told | {"tx": commit.tx}
    causes = {event.cause} if event else set()
    causes |= {bound} if bound else set()
    if any(isinstance(e, Trusted) for e in commit.events) and clauses.get("resolve") in WEIGHED:
        causes.add("TRUST")
    if any(isinstance(e, Declared) or _defines(e, slot) for e in commit.events):
        causes.add("DEFINE")
    if len(causes) != 1:
        return {"unsaid": CAUSE}
    if causes == {bound}:
        return {"cause": bound}
    if event:
        return {"cause": event.cause, "tx": commit.tx, "agent": event.agent, "reason": event.reason}
    return {"cause": causes.pop(), "tx": commit.tx, "agent": commit.agent, "unsaid": ("reason",)}


def last_event(commit: Commit, slot: Slot) -> OnSlot | None:
    """The last event of a commit on a slot; a vote or a confirmation where there is no other."""
    about = [
        event
        for event in commit.events
        if isinstance(event, OnSlot) and event.content.slot == slot[:2]
    ]
    moves = [event for event in about if not isinstance(event, Voted | Confirmed)]
    return (moves or about or [None])[-1]


def _defines(event: object, slot: Slot) -> bool:
    return isinstance(event, Defined) and event.predicate == slot[1]


# ---------------------------------------------------------------- whole answers


def compared(
    oracle: Oracle, since: int, until: int, key: tuple[str, ...] | None, clauses: Clauses
) -> list[Row]:
    """DIFF of `SELECT subject, predicate, object, lifecycle FROM beliefs`."""
    before, after = _rows_at(oracle, since, clauses), _rows_at(oracle, until, clauses)
    gone, came = _without(before, after), _without(after, before)
    if key is None:
        return [{"change": "REMOVED", **row} for row in gone] + [
            {"change": "ADDED", **row} for row in came
        ]
    found: list[Row] = []
    names = [name for name in WHOLE if name not in key]
    for value in {tuple(row[name] for name in key) for row in gone + came}:

        def of(rows: list[Row], value: tuple[Any, ...] = value) -> list[Row]:
            return [row for row in rows if tuple(row[name] for name in key) == value]

        pairs: list[tuple[Row | None, Row | None]]
        if max(len(of(before)), len(of(after))) > 1:
            pairs = [(row, None) for row in of(gone)] + [(None, row) for row in of(came)]
        else:
            pairs = [(next(iter(of(gone)), None), next(iter(of(came)), None))]
        for old, new in pairs:
            row = {"change": _change(old, new), **dict(zip(key, value, strict=True))}
            for name in names:
                row["before_" + name] = old[name] if old else None
                row["after_" + name] = new[name] if new else None
            found.append(row)
    return found


def _rows_at(oracle: Oracle, clock: int, clauses: Clauses) -> list[Row]:
    rows = oracle.beliefs(oracle.view(clock, **clauses))
    return [{name: row[name] for name in WHOLE} for row in rows]


def _without(rows: list[Row], others: list[Row]) -> list[Row]:
    """What is left of rows once each of the others has taken one that is equal; 1 equals 1.0."""
    left = list(rows)
    for other in others:
        if other in left:
            left.remove(other)
    return left
