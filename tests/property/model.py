"""What the oracle is made of: contents, events and commits.

Instants are microseconds UTC, None is an open end, and an id is the content itself together
with the type of its object (1 is not 1.0 is not '1').
"""

from __future__ import annotations

from dataclasses import dataclass
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


def asserts(event: Event) -> Content | None:
    """What an event asserts, if it does."""
    if isinstance(event, Asserted):
        return event.content
    return event.by if isinstance(event, Superseded) and event.asserts else None


def precedes(start: int | None, end: int | None) -> bool:
    """Whether an interval's start lies before an end; open ends always do."""
    return start is None or end is None or start < end
