"""Everything up to a commit: what stood just after it, and what had been declared by then.

Each question about the past is answered from a Past that holds no later commit, so it cannot
depend on one. Declarations are looked up by going through them from the first on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, TypeVar

from tests.property.model import Commit, Content, Declared, Defined, Event, Identity, asserts
from tests.property.oracle_standing import Standing, apply

HOUR = 3_600_000_000
DEFAULTS: dict[str, Any] = {
    "lifecycle": "live",
    "default_state": "proposed",
    "four_eyes": "off",
    "newcomers": "equal",
    "newcomer_weight": 0.1,
    "trust_prior": 1.0,
    "trust_strength": 4.0,
    "share_author": 1.0,
    "share_approver": 0.5,
    "share_voter": 0.25,
    "share_deriver": 0.125,
    "damping": 0.5,
    "rule_half_life": 30 * 24 * HOUR,
}
"""What holds where no DEFINE POLICY said otherwise."""

Kind = TypeVar("Kind", bound=Event)


def _first(event: Event) -> Identity | None:
    new = asserts(event)
    return new.id if new else None


class Past:
    """The commits up to one of them, the last perhaps still open."""

    def __init__(self, commits: Sequence[Commit]) -> None:
        self.commits = tuple(commits)

    def events(self, kind: type[Kind]) -> Iterator[tuple[Commit, Kind]]:
        """The events of one kind, each with its commit, in order."""
        for commit in self.commits:
            for event in commit.events:
                if isinstance(event, kind):
                    yield commit, event

    @cached_property
    def standing(self) -> dict[Identity, Standing]:
        """Every assertion as it stood in the end."""
        standing: dict[Identity, Standing] = {}
        for commit in self.commits:
            apply(standing, commit)
        return standing

    def recorder(self, content: Content) -> str | None:
        """Whose commit first held an assertion."""
        commits = [c for c in self.commits for e in c.events if _first(e) == content.id]
        return commits[0].agent if commits else None

    # ------------------------------------------------ declarations

    @cached_property
    def _predicates(self) -> dict[str, Defined]:
        found: dict[str, Defined] = {}
        for _, new in self.events(Defined):
            old = found.get(new.predicate, Defined(new.predicate, None, None))
            many = old.many if new.many is None else new.many
            half_life = old.half_life if new.half_life is None else new.half_life
            found[new.predicate] = Defined(new.predicate, many, half_life)
        return found

    def is_many(self, predicate: str) -> bool:
        """Whether a predicate has a belief for each object."""
        found = self._predicates.get(predicate)
        return bool(found and found.many)

    def half_life(self, predicate: str) -> int | None:
        """How fast what is said with a predicate decays, in microseconds."""
        found = self._predicates.get(predicate)
        return found.half_life if found else None

    @cached_property
    def _policies(self) -> dict[str, Any]:
        declared = [event for _, event in self.events(Declared) if event.what == "policy"]
        return DEFAULTS | {event.name: event.value for event in declared}

    def policy(self, name: str) -> Any:
        """The value in force of a policy."""
        return self._policies[name]

    @cached_property
    def _named(self) -> frozenset[str]:
        return frozenset(e.name for _, e in self.events(Declared) if e.what == "agent")

    def is_newcomer(self, agent: str) -> bool:
        """Whether the agent counts only with all others that nobody named."""
        return self.policy("newcomers") == "pooled" and agent not in self._named

    @cached_property
    def _patterns(self) -> dict[str, tuple[int, str]]:
        """By pattern: when it was last named (as a count), and the topic that named it."""
        found: dict[str, tuple[int, str]] = {}
        for when, (_, event) in enumerate(self.events(Declared)):
            if event.what == "topic":
                found = {p: one for p, one in found.items() if one[1] != event.name}
                found |= dict.fromkeys(event.value, (when, event.name))
        return found

    def topic(self, subject: str) -> str:
        """The topic of a subject: of the longest pattern that fits, else its first segment."""
        fitting = [
            (len(pattern), *one)
            for pattern, one in self._patterns.items()
            if fnmatchcase(subject, pattern)
        ]
        return max(fitting)[-1] if fitting else subject.split("/")[0]
