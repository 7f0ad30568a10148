"""What a statement is once it is parsed: the one vocabulary that parse and plan share.

Expressions and queries are sqlglot expressions; what SQL has no word for stands here.
Every node made from text carries its place: dataclasses as `span`, sqlglot expressions
as `expression.meta["span"]` (an `engine.errors.Span`, characters, end exclusive).

Table references in a query carry their own clauses as `table.meta["clauses"]` (R1), and
an inner query (subquery, CTE) those at its end as `select.meta["clauses"]` (R2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlglot import exp

from epql.engine.errors import Span

Expression = exp.Expression
QueryExpression = exp.Query


class Bind(exp.Expression):
    """A bind parameter. `this` is an int (position from 0) or a str (name without prefix)."""

    arg_types = {"this": True}


class UnaryPlus(exp.Unary):
    """+x, which SQLite reads as x without its index and affinity."""


@dataclass(frozen=True, slots=True)
class Instant:
    """A time position as written; resolved once per execution.

    base 'text':  `value` is a string literal or Bind ('2026-01-12', '-24h', 'a:1f3c9e', …)
    base 'tx':    TX n            base 'epoch': EPOCH 'x'        base 'query': QUERY 'q:…'
    base 'now':   NOW (value None)
    `shift` is the (sign, value) of `± '24h'`; several are added in order.
    """

    base: Literal["text", "tx", "epoch", "query", "now"]
    value: Expression | None
    span: Span
    shift: tuple[tuple[int, Expression], ...] = ()


@dataclass(frozen=True, slots=True)
class AsOf:
    """AS OF [BEFORE] instant."""

    instant: Instant
    before: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Valid:
    """VALID AT v | FROM a TO b | DURING 'period' | ANYTIME; open ends are None."""

    form: Literal["at", "from_to", "during", "anytime"]
    span: Span
    start: Instant | None = None  # AT: the instant; FROM: a, or None for open
    end: Instant | None = None  # TO: b, or None for open
    period: Expression | None = None  # DURING


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """LIFECYCLE s | IN (…) | NOT IN (…) | LIVE | ANY. LIVE and ANY are the words 'live', 'any'.

    `states` are string literals (lower case as written by a bare word or a string) or Binds.
    """

    states: tuple[Expression, ...]
    negated: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Resolve:
    """RESOLVE BY latest | confidence | credence | consensus | none (lower case)."""

    strategy: str
    span: Span


@dataclass(frozen=True, slots=True)
class History:
    """HISTORY [FROM a TO b]: every version believed in the window [a, b)."""

    span: Span
    start: Instant | None = None
    end: Instant | None = None


@dataclass(frozen=True, slots=True)
class Diff:
    """DIFF SINCE a [UNTIL b] [KEY (cols)]."""

    since: Instant
    span: Span
    until: Instant | None = None
    key: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Clauses:
    """The clauses of one level (a table, a query, the statement); each at most once (R5)."""

    as_of: AsOf | None = None
    valid: Valid | None = None
    lifecycle: Lifecycle | None = None
    resolve: Resolve | None = None
    history: History | None = None
    diff: Diff | None = None
    purpose: Expression | None = None

    def __bool__(self) -> bool:
        return any(getattr(self, name) is not None for name in self.__slots__)


NO_CLAUSES = Clauses()


# ---------------------------------------------------------------- targets of verbs


@dataclass(frozen=True, slots=True)
class IdTarget:
    """'a:1f3c9e', any unambiguous prefix, or a bind parameter."""

    id: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class SlotTarget:
    """(s, p), or the triple (s, p, o)."""

    subject: Expression
    predicate: Expression
    object: Expression | None
    span: Span


@dataclass(frozen=True, slots=True)
class QueryTarget:
    """(SELECT id …): every id the query returns."""

    query: exp.Query
    span: Span


Target = IdTarget | SlotTarget | QueryTarget


# ---------------------------------------------------------------- statements


@dataclass(frozen=True, slots=True)
class Query:
    """A SELECT (or VALUES, or a compound) with the clauses that govern all of it."""

    select: exp.Query
    clauses: Clauses
    span: Span


@dataclass(frozen=True, slots=True)
class Explain:
    """EXPLAIN [QUERY PLAN] query. `query_plan`: SQLite's plan alone is asked for."""

    query: Query
    span: Span
    query_plan: bool = False


@dataclass(frozen=True, slots=True)
class Triple:
    subject: Expression
    predicate: Expression
    object: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Assert:
    """ASSERT (s, p, o) [, …] with its options."""

    triples: tuple[Triple, ...]
    span: Span
    agent: Expression | None = None
    confidence: Expression | None = None
    lifecycle: Expression | None = None  # a string literal (bare word, lower case) or Bind
    source: Expression | None = None
    valid: Valid | None = None  # at, from_to or during
    because: tuple[Expression, ...] = ()
    qualified: tuple[tuple[str, Expression], ...] = ()
    key: Expression | None = None
    if_none: bool = False
    if_current: Expression | None = None
    reason: Expression | None = None
    returning: tuple[str, ...] | None = None  # column names; ("*",) for all
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Transition:
    """TRANSITION target TO state | PROMOTE target | REJECT target [REASON x]."""

    verb: Literal["transition", "promote", "reject"]
    target: Target
    state: Expression | None  # only TRANSITION
    span: Span
    reason: Expression | None = None
    returning: tuple[str, ...] | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Retract:
    """RETRACT target [CASCADE] [REASON x]."""

    target: Target
    cascade: bool
    span: Span
    reason: Expression | None = None
    returning: tuple[str, ...] | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Supersede:
    """SUPERSEDE target WITH o [FROM instant] [CONFIDENCE x] [SOURCE x] [REASON x]."""

    target: Target
    object: Expression
    span: Span
    since: Instant | None = None
    confidence: Expression | None = None
    source: Expression | None = None
    reason: Expression | None = None
    returning: tuple[str, ...] | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class DefinePredicate:
    """DEFINE PREDICATE p [CARDINALITY ONE | MANY] [TYPE t] [HALF LIFE '180d']."""

    name: Expression
    span: Span
    cardinality: Literal["one", "many"] | None = None
    type: str | None = None
    half_life: Expression | None = None


@dataclass(frozen=True, slots=True)
class DefineQuery:
    """DEFINE QUERY name [(columns)] AS query: a view. `text` is the query's own."""

    name: Expression
    query: Query
    text: str
    span: Span
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DropQuery:
    """DROP QUERY name."""

    name: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class MarkEpoch:
    """MARK EPOCH 'name'."""

    name: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Begin:
    """BEGIN [READ ONLY] [clauses]."""

    read_only: bool
    clauses: Clauses
    span: Span


@dataclass(frozen=True, slots=True)
class Commit:
    span: Span


@dataclass(frozen=True, slots=True)
class Rollback:
    span: Span


@dataclass(frozen=True, slots=True)
class Set:
    """SET AS OF …, VALID …, LIFECYCLE …, RESOLVE BY …: `clauses`. The rest: `name` and `value`.

    name: 'agent', 'purpose', 'time zone', 'notices', 'fuse'; value an expression
    (on and off come as the string literals 'on' and 'off').
    `SET AS OF NOW` ends a standing AS OF.
    """

    span: Span
    clauses: Clauses = NO_CLAUSES
    name: str | None = None
    value: Expression | None = None


@dataclass(frozen=True, slots=True)
class Import:
    """IMPORT [HISTORY] FROM 'path' [FORMAT jsonl | csv]."""

    path: Expression
    history: bool
    span: Span
    format: str | None = None


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A statement of the language that is understood but not yet carried out."""

    name: str  # as the user knows it: 'CORRECT', 'FORBID', 'UPDATE'
    span: Span
    hint: str | None = None


Statement = (
    Query
    | Explain
    | Assert
    | Transition
    | Retract
    | Supersede
    | DefinePredicate
    | DefineQuery
    | DropQuery
    | MarkEpoch
    | Begin
    | Commit
    | Rollback
    | Set
    | Import
    | Unsupported
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """One statement with the parameters it takes.

    `positional`: how many positional parameters it needs; `named`: their names.
    """

    statement: Statement
    text: str  # this statement's own text; spans count from its start
    positional: int = 0
    named: Sequence[str] = field(default=())
