"""The PEP history replayed in plain Python: dictionaries, no database."""

from __future__ import annotations

import gzip
import json
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).resolve().parents[2] / "epql" / "cli" / "data" / "peps.jsonl.gz"
SECOND = 1_000_000

Slot = tuple[str, str]


class Commit(NamedTuple):
    """One line of the file; `at` in microseconds."""

    commit: str
    at: int
    agent: str
    facts: list[tuple[str, str, str | None]]


def commits(path: Path = DATA) -> Iterator[Commit]:
    """The lines of the file."""
    with gzip.open(path, "rt") as lines:
        for line in lines:
            entry = json.loads(line)
            facts = [(s, p, value) for s, p, value in entry["facts"]]
            yield Commit(entry["commit"], entry["at"] * SECOND, entry["agent"], facts)


class Replay:
    """What each slot said after each commit that changed it."""

    def __init__(self, path: Path = DATA) -> None:
        self.changes: dict[Slot, list[tuple[int, str | None]]] = {}
        self.instants: list[int] = []
        for commit in commits(path):
            self.instants.append(commit.at)
            for subject, predicate, value in commit.facts:
                self.changes.setdefault((subject, predicate), []).append((commit.at, value))

    def value(self, slot: Slot, at: int) -> str | None:
        """What the slot said at an instant."""
        changes = self.changes[slot]
        place = bisect_right(changes, at, key=lambda change: change[0])
        return changes[place - 1][1] if place else None

    def answers(self, at: int) -> dict[Slot, str]:
        """What every slot said at an instant."""
        values = ((slot, self.value(slot, at)) for slot in self.changes)
        return {slot: value for slot, value in values if value is not None}

    def difference(self, since: int, until: int) -> dict[Slot, tuple[str | None, str | None]]:
        """Before and after of each slot that says something else."""
        before, after = self.answers(since), self.answers(until)
        return {
            slot: (before.get(slot), after.get(slot))
            for slot in self.changes
            if before.get(slot) != after.get(slot)
        }
