"""The statements that ask: SELECT, and what a SELECT cannot say."""

from __future__ import annotations

from msgspec import Struct

from epql.engine.errors import Span
from epql.nodes.clauses import NO_CLAUSES, Clauses, Instant
from epql.nodes.expressions import Expression, QueryExpression
from epql.nodes.targets import Target, Triple


class Query(Struct, frozen=True):
    """A SELECT (or VALUES, or a compound) with the clauses that govern all of it."""

    select: QueryExpression
    clauses: Clauses
    span: Span


class Explain(Struct, frozen=True):
    """EXPLAIN [QUERY PLAN] query. `query_plan`: SQLite's plan alone is asked for."""

    query: Query
    span: Span
    query_plan: bool = False


class Check(Struct, frozen=True):
    """CHECK (s, p, o) [, …], or CHECK (SELECT …): what forbids it."""

    triples: tuple[Triple, ...]
    span: Span
    query: QueryExpression | None = None
    clauses: Clauses = NO_CLAUSES


class Why(Struct, frozen=True):
    """WHY target: the winner of its slot, the losers, and what decided."""

    target: Target
    span: Span
    clauses: Clauses = NO_CLAUSES


class WhyNot(Struct, frozen=True):
    """WHY NOT (s, p, o): what keeps it from being the answer."""

    triple: Triple
    span: Span
    clauses: Clauses = NO_CLAUSES


class Trace(Struct, frozen=True):
    """TRACE QUERIES [BY AGENT a] [SINCE t] [TOUCHING target]."""

    span: Span
    agent: Expression | None = None
    since: Instant | None = None
    touching: Target | None = None


class Impact(Struct, frozen=True):
    """IMPACT OF target [SINCE t]: who and what used it."""

    target: Target
    span: Span
    since: Instant | None = None


class Replay(Struct, frozen=True):
    """REPLAY QUERY id [AS OF NOW] [DIFF]."""

    id: Expression
    span: Span
    is_at_now: bool = False
    is_diff: bool = False


class HistoryOf(Struct, frozen=True):
    """HISTORY OF target: every version of it, and of its slot."""

    target: Target
    span: Span
    clauses: Clauses = NO_CLAUSES


class Blame(Struct, frozen=True):
    """BLAME target: who brought it to where it is."""

    target: Target
    span: Span
    clauses: Clauses = NO_CLAUSES


class Bisect(Struct, frozen=True):
    """BISECT (query) BETWEEN a AND b: the latest commit after which its answer differs."""

    query: QueryExpression
    low: Instant
    high: Instant
    span: Span


class Show(Struct, frozen=True):
    """SHOW words [FROM relation]; `words` in lower case: 'as of', 'time zone', 'tables', 'all'."""

    words: str
    span: Span
    relation: Expression | None = None


class Describe(Struct, frozen=True):
    """DESCRIBE relation (an exp.Table), or DESCRIBE query."""

    what: Expression | Query
    span: Span


class Verify(Struct, frozen=True):
    """VERIFY: the journal's chain against index and content."""

    span: Span
