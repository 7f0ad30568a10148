"""How instants, values and states are written in a sentence or a clause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from epql.engine.clock import EVER, FOREVER, moment
from epql.engine.index.snapshot import LIVE_STATES, Snapshot
from epql.engine.lifecycle import NAME


def when(us: int) -> str:
    """An instant as short as it can be told exactly.

    >>> when(0), when(1_500_000)
    ('1970-01-01T00:00Z', '1970-01-01T00:00:01.500000Z')
    """
    at = moment(us)
    pattern = "%Y-%m-%dT%H:%MZ" if us % 60_000_000 == 0 else "%Y-%m-%dT%H:%M:%SZ"
    if us % 1_000_000:
        pattern = "%Y-%m-%dT%H:%M:%S.%fZ"
    year = f"{at.year:04}"
    return year + at.strftime(pattern.removeprefix("%Y"))


def literal(value: Any) -> str:
    """A value as a statement has it.

    >>> literal("it's"), literal(8080)
    ("'it''s'", '8080')
    """
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def triple(*values: Any) -> str:
    """Values as a slot or a triple.

    >>> triple("auth/jwt", "algorithm")
    "('auth/jwt', 'algorithm')"
    """
    return f"({', '.join(map(literal, values))})"


def lifecycle(states: Sequence[int]) -> str:
    """The LIFECYCLE clause that sees these states.

    >>> lifecycle((3,))
    'LIFECYCLE APPROVED'
    """
    if tuple(states) == LIVE_STATES:
        return "LIFECYCLE LIVE"
    names = [NAME[state].upper() for state in states]
    if len(names) == 1:
        return f"LIFECYCLE {names[0]}"
    return "LIFECYCLE ANY" if len(names) == len(NAME) else f"LIFECYCLE IN ({', '.join(names)})"


def valid(start: int, end: int) -> str:
    """An interval of valid time, in words.

    >>> valid(EVER, 0)
    'until 1970-01-01T00:00Z'
    """
    told = [] if start == EVER else [f"from {when(start)}"]
    if end != FOREVER:
        told.append(f"until {when(end)}")
    return " ".join(told) or "always"


def asked(snapshot: Snapshot) -> str:
    """The valid time a snapshot is about, in words."""
    if snapshot.at_one_instant:
        return f"at {when(snapshot.valid_low)}"
    return valid(snapshot.valid_low, snapshot.valid_high + 1)


def because(agent: str | None, reason: str | None) -> str:
    """Who did something and why, to stand at the end of a sentence."""
    return (f", by {agent}" if agent else "") + (f": {reason}" if reason else "")
