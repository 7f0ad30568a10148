"""What a virtual table needs of the session it is read in.

The planner resolves the clauses of a table reference to a Snapshot (or a Window), registers it
here, and hands the virtual table its number as the first hidden column. Hidden columns that a
person writes (`as_of`, `lifecycle_in`, …) are turned into snapshots by the session, because
reading instants is the language's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import apsw

from epql.engine.governance.rules import Rulebook
from epql.engine.index.declarations import Declarations
from epql.engine.index.snapshot import Snapshot, Window
from epql.engine.store.objects import Objects
from epql.engine.turns import Turns

Scope = Snapshot | Window
Watcher = Callable[[Iterator[tuple[Any, ...]], int], Iterator[tuple[Any, ...]]]
"""Hands rows on as they are and notes what stands at a place in each."""
Noted = Callable[[str, Scope, Sequence[Any]], None]
"""Is told of each read of a relation: its name, its scope, its conditions (base.Condition)."""


class Context(Protocol):
    """The session, as the virtual tables see it."""

    db: apsw.Connection
    objects: Objects
    declarations: Declarations
    rulebook: Rulebook
    noted: Noted | None
    turns: Turns

    def speaker(self) -> str:
        """The agent who asks."""

    def scope(self, number: int | None) -> Scope:
        """The scope the planner registered under that number; None: the session's own."""

    def overridden(self, number: int | None, scope: Scope, hidden: Mapping[str, object]) -> Scope:
        """The scope of that number as the hidden columns a person wrote change it."""

    def watcher(self, number: int | None) -> Watcher | None:
        """What is to see the rows read at the scope of that number, if anything is."""

    def journal_records(self, first: int, last: int) -> Iterator[tuple[int, str, str, bytes]]:
        """(tx, position, kind, payload) of the records of commits first to last, in order."""

    def audited(self) -> apsw.Connection:
        """audit.db, holding all that was read before the statement began."""
