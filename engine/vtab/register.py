"""RELATIONS, and how a connection gets them."""

from __future__ import annotations

from typing import Any, cast

import apsw

from epql.engine.vtab.audit import Queries, Reads
from epql.engine.vtab.base import Module, Relation
from epql.engine.vtab.beliefs import Assertions, Beliefs, History
from epql.engine.vtab.changes import AssertionChanges, Changes
from epql.engine.vtab.checked import Checked
from epql.engine.vtab.context import Context
from epql.engine.vtab.declared import Agents, Policies, Topics
from epql.engine.vtab.explaining import Blame, HistoryOf, Why, WhyNot
from epql.engine.vtab.governance import Corrections, Flags, Uses, Votes
from epql.engine.vtab.ledger import Commits, Epochs, Journal, SetAside, Transitions
from epql.engine.vtab.names import Predicates, Views
from epql.engine.vtab.rules import Constraints
from epql.engine.vtab.trust import Trust, TrustChanges

RELATIONS: dict[str, Relation] = {
    relation.name: relation
    for relation in (
        Beliefs(), Assertions(), History(), Changes(), AssertionChanges(), Commits(), Journal(),
        Transitions(), Votes(), Uses(), Corrections(), Flags(), Constraints(), Checked(), Epochs(),
        Predicates(), Agents(), Topics(), Policies(), Views(), Queries(), Reads(), Trust(),
        TrustChanges(), SetAside(),
        Why(), WhyNot(), Blame(), HistoryOf(),
    )
}  # fmt: skip
"""Every relation by name; all are read-only."""

_KINDS = {(column.name, column.kind) for one in RELATIONS.values() for column in one.columns}
TYPES: dict[str, str] = {
    name: kind for name, kind in _KINDS if sum(name == other for other, _ in _KINDS) == 1
}
"""The types of columns that are called the same in every relation that has them."""


def register(db: apsw.Connection, context: Context) -> None:
    """Make the relations readable on a connection."""
    for name, relation in RELATIONS.items():
        module = Module(relation, context)
        db.create_module(  # APSW's protocol also names methods of tables that can be written
            name, cast(Any, module), use_bestindex_object=True, eponymous_only=True, read_only=True
        )
