"""What a question has to work with, and what it replies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from msgspec import structs

from epql.engine.errors import ProgrammingError
from epql.engine.index.snapshot import Snapshot
from epql.engine.transaction import Transaction
from epql.engine.vtab.context import Scope
from epql.engine.vtab.register import RELATIONS
from epql.nodes import LABELS, Clauses
from epql.plan import catalog
from epql.plan.relations import merged
from epql.queries import Queries
from epql.verbs.work import Asking

Row = tuple[Any, ...]
Writer = Callable[[Callable[[Transaction], None]], None]
"""Writes in the open transaction, else in a commit of its own."""


class Reply(NamedTuple):
    """Rows and their columns. `scope`: what they were read at."""

    columns: tuple[str, ...]
    rows: Iterator[Row]
    scope: Scope


@dataclass
class Inquiry(Asking):
    """The surroundings of one statement that asks. `write`: None where nothing may be written."""

    queries: Queries
    write: Writer | None

    def snapshot(self, relation: str, clauses: Clauses) -> Snapshot:
        """What a question is asked at; `relation` is the one that answers it.

        Raises: ProgrammingError `clause.meaningless`, and what resolving the clauses raises.
        """
        allowed = catalog.clauses_of(relation)
        for name in Clauses.__struct_fields__:
            clause = getattr(clauses, name)
            if clause is not None and name != "purpose" and name not in allowed:
                asked = relation.replace("_", " ").upper()
                raise ProgrammingError(
                    f"{LABELS[name]} has no meaning in {asked}",
                    code="clause.meaningless",
                    span=clause.span,
                    hint=f"{asked} takes " + ", ".join(LABELS[one] for one in allowed),
                )
        level = merged(clauses, self.resolver.standing)
        return self.resolver.snapshot(structs.replace(level, purpose=None, history=None, diff=None))

    def ask(self, relation: str, snapshot: Snapshot, each: Sequence[Sequence[Any]]) -> Reply:
        """What a relation answers about each set of arguments, one after the other."""
        columns = tuple(column.name for column in RELATIONS[relation].columns)
        if len(each) == 1:
            return Reply(columns, self.queries.relation(relation, snapshot, each[0]), snapshot)
        rows = (self.queries.relation(relation, snapshot, arguments) for arguments in each)
        return Reply(columns, chain.from_iterable(rows), snapshot)
