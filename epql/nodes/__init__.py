"""What a statement is once it is parsed: the one vocabulary that parse and plan share.

    expressions    expressions and queries are sqlglot's; a few nodes that sqlglot has not
    clauses        clauses of time and belief, instants
    targets        what a verb works on
    writes         ASSERT and what becomes of assertions, rules
    questions      SELECT, EXPLAIN, CHECK, WHY …
    declarations   DEFINE, MARK EPOCH
    settings       transactions, SET, files in and out
    scratch        scratch tables, INSERT

Every node made from text carries its place: dataclasses as `span`, sqlglot expressions
as `expression.meta["span"]` (an `engine.errors.Span`, characters, end exclusive).

Table references in a query carry their own clauses as `table.meta["clauses"]` (R1), and
an inner query (subquery, CTE) those at its end as `select.meta["clauses"]` (R2).
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from epql.nodes.clauses import (
    LABELS,
    LEVELLED,
    NO_CLAUSES,
    AsOf,
    Clauses,
    Diff,
    History,
    Instant,
    Lifecycle,
    Resolve,
    Valid,
)
from epql.nodes.declarations import (
    DefineAgent,
    DefinePolicy,
    DefinePredicate,
    DefineQuery,
    DefineTopic,
    DropQuery,
    MarkEpoch,
)
from epql.nodes.expressions import (
    Bind,
    Expression,
    Hole,
    QueryExpression,
    UnaryPlus,
    Words,
    copied,
    every,
)
from epql.nodes.files import Backup, Exchange, Export, Import, ImportHistory, Renamed, Restore
from epql.nodes.questions import (
    Bisect,
    Blame,
    Check,
    Describe,
    Explain,
    HistoryOf,
    Impact,
    Query,
    Replay,
    Show,
    Trace,
    Verify,
    Why,
    WhyNot,
)
from epql.nodes.scratch import Insert, ScratchChange, ScratchDefinition
from epql.nodes.settings import Begin, Commit, Rollback, Set
from epql.nodes.targets import IdTarget, Pattern, QueryTarget, SlotTarget, Target, Triple
from epql.nodes.writes import (
    Assert,
    Confirm,
    Correct,
    Erase,
    Forbid,
    Repeal,
    Retract,
    Revive,
    Supersede,
    Transition,
    Vote,
)

Statement = (
    Query
    | Explain
    | Show
    | Describe
    | Verify
    | Check
    | Why
    | WhyNot
    | Trace
    | Impact
    | Replay
    | HistoryOf
    | Blame
    | Bisect
    | Assert
    | Insert
    | Transition
    | Retract
    | Supersede
    | Correct
    | Revive
    | Confirm
    | Vote
    | Erase
    | Forbid
    | Repeal
    | DefinePredicate
    | DefineAgent
    | DefineTopic
    | DefinePolicy
    | DefineQuery
    | DropQuery
    | MarkEpoch
    | Begin
    | Commit
    | Rollback
    | Set
    | Import
    | ImportHistory
    | Export
    | Backup
    | Restore
    | ScratchDefinition
    | ScratchChange
)


class Parsed(Struct, frozen=True):
    """One statement with the parameters it takes.

    `positional`: how many positional parameters it needs; `named`: their names.
    """

    statement: Statement
    text: str  # this statement's own text; spans count from its start
    positional: int = 0
    named: Sequence[str] = field(default=())


__all__ = [
    "LABELS",
    "LEVELLED",
    "NO_CLAUSES",
    "AsOf",
    "Assert",
    "Backup",
    "Begin",
    "Bind",
    "Bisect",
    "Blame",
    "Check",
    "Clauses",
    "Commit",
    "Confirm",
    "Correct",
    "DefineAgent",
    "DefinePolicy",
    "DefinePredicate",
    "DefineQuery",
    "DefineTopic",
    "Describe",
    "Diff",
    "DropQuery",
    "Erase",
    "Exchange",
    "Explain",
    "Export",
    "Expression",
    "Forbid",
    "History",
    "HistoryOf",
    "Hole",
    "IdTarget",
    "Impact",
    "Import",
    "ImportHistory",
    "Insert",
    "Instant",
    "Lifecycle",
    "MarkEpoch",
    "Parsed",
    "Pattern",
    "Query",
    "QueryExpression",
    "QueryTarget",
    "Renamed",
    "Repeal",
    "Replay",
    "Resolve",
    "Restore",
    "Retract",
    "Revive",
    "Rollback",
    "ScratchChange",
    "ScratchDefinition",
    "Set",
    "Show",
    "SlotTarget",
    "Statement",
    "Supersede",
    "Target",
    "Trace",
    "Transition",
    "Triple",
    "UnaryPlus",
    "Valid",
    "Verify",
    "Vote",
    "Why",
    "WhyNot",
    "Words",
    "copied",
    "every",
]
