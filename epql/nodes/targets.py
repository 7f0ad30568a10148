"""What a verb works on: an assertion by its id, its slot or triple, or all that a query names."""

from __future__ import annotations

from dataclasses import dataclass

from epql.engine.errors import Span
from epql.nodes.expressions import Expression, QueryExpression


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

    query: QueryExpression
    span: Span


Target = IdTarget | SlotTarget | QueryTarget


@dataclass(frozen=True, slots=True)
class Triple:
    """(s, p, o)."""

    subject: Expression
    predicate: Expression
    object: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Pattern:
    """(s, p, o) of a rule; GLOB patterns, None for a bare star."""

    subject: Expression | None
    predicate: Expression | None
    object: Expression | None
    span: Span
