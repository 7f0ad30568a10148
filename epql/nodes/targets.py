"""What a verb works on: an assertion by its id, its slot or triple, or all that a query names."""

from __future__ import annotations

from msgspec import Struct

from epql.engine.errors import Span
from epql.nodes.expressions import Expression, QueryExpression


class IdTarget(Struct, frozen=True):
    """'a:1f3c9e', any unambiguous prefix, or a bind parameter."""

    id: Expression
    span: Span


class SlotTarget(Struct, frozen=True):
    """(s, p), or the triple (s, p, o)."""

    subject: Expression
    predicate: Expression
    object: Expression | None
    span: Span


class QueryTarget(Struct, frozen=True):
    """(SELECT id …): every id the query returns."""

    query: QueryExpression
    span: Span


Target = IdTarget | SlotTarget | QueryTarget


class Triple(Struct, frozen=True):
    """(s, p, o)."""

    subject: Expression
    predicate: Expression
    object: Expression
    span: Span


class Pattern(Struct, frozen=True):
    """(s, p, o) of a rule; GLOB patterns, None for a bare star."""

    subject: Expression | None
    predicate: Expression | None
    object: Expression | None
    span: Span
