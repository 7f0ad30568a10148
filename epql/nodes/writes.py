"""The statements that write: assertions, what becomes of them, rules about them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from epql.engine.errors import Span
from epql.nodes.clauses import Instant, Valid
from epql.nodes.expressions import Expression, QueryExpression
from epql.nodes.targets import IdTarget, Pattern, QueryTarget, Target, Triple


class Assert(Struct, frozen=True):
    """ASSERT (s, p, o) [, …] with its options; or ASSERT SELECT, then `query` and no triples.

    `columns` are the names INSERT gives the query's columns; None: the query's own.
    """

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
    query: QueryExpression | None = None
    columns: tuple[str, ...] | None = None


class Transition(Struct, frozen=True):
    """TRANSITION target TO state | PROMOTE target | REJECT target [REASON x]."""

    verb: Literal["transition", "promote", "reject"]
    target: Target
    state: Expression | None  # only TRANSITION
    span: Span
    reason: Expression | None = None
    returning: tuple[str, ...] | None = None
    dry_run: bool = False


class Retract(Struct, frozen=True):
    """RETRACT target [CASCADE] [REASON x]."""

    target: Target
    cascade: bool
    span: Span
    reason: Expression | None = None
    returning: tuple[str, ...] | None = None
    dry_run: bool = False


class Supersede(Struct, frozen=True):
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


class Correct(Struct, frozen=True):
    """CORRECT target [TO o] [VALID …] [FORBID [PREFER o]] [REASON x]: we were wrong."""

    target: Target
    span: Span
    to: Expression | None = None
    valid: Valid | None = None
    forbid: bool = False
    prefer: Expression | None = None
    confidence: Expression | None = None
    source: Expression | None = None
    reason: Expression | None = None
    returning: tuple[str, ...] | None = None
    dry_run: bool = False


class Revive(Struct, frozen=True):
    """REVIVE target [REASON x]: out of a terminal state, to proposed."""

    target: Target
    span: Span
    reason: Expression | None = None
    returning: tuple[str, ...] | None = None
    dry_run: bool = False


class Confirm(Struct, frozen=True):
    """CONFIRM target [SOURCE x] [REASON x]: checked again, fresh again."""

    target: Target
    span: Span
    source: Expression | None = None
    reason: Expression | None = None
    returning: tuple[str, ...] | None = None
    dry_run: bool = False


class Vote(Struct, frozen=True):
    """VOTE FOR | AGAINST target [WEIGHT w] [REASON x]."""

    is_for: bool
    target: Target
    span: Span
    weight: Expression | None = None
    reason: Expression | None = None
    returning: tuple[str, ...] | None = None
    dry_run: bool = False


class Erase(Struct, frozen=True):
    """ERASE target [REASON x]: it must vanish."""

    target: Target
    span: Span
    reason: Expression | None = None


class Forbid(Struct, frozen=True):
    """FORBID (s, p, o) [WHEN expr] [SEVERITY HARD | SOFT] [PREFER o] [REASON x].

    `when` sees the columns of the row that is asserted.
    """

    pattern: Pattern
    span: Span
    when: Expression | None = None
    severity: Literal["hard", "soft"] = "hard"
    prefer: Expression | None = None
    reason: Expression | None = None
    returning: tuple[str, ...] | None = None
    dry_run: bool = False


class Repeal(Struct, frozen=True):
    """REPEAL rule [REASON x]: by its id, its pattern, or a query for ids."""

    target: IdTarget | Pattern | QueryTarget
    span: Span
    reason: Expression | None = None
    returning: tuple[str, ...] | None = None
    dry_run: bool = False
