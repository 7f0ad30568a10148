"""Clauses that outlive their statement: what SET and BEGIN leave standing.

Parameters become the values they had, and a relative AS OF the instant it had.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from msgspec import structs
from sqlglot import exp

from epql import instants
from epql.nodes import Bind, Clauses, Expression, Instant, Lifecycle, Valid
from epql.plan.scope import Resolver, at_instant, at_transaction
from epql.plan.values import value


def settled(clauses: Clauses, resolver: Resolver) -> Clauses:
    """The clauses as they stand once their statement has ended."""
    return structs.replace(
        clauses,
        as_of=_as_of(clauses, resolver),
        valid=None if clauses.valid is None else _valid(clauses.valid, resolver),
        lifecycle=None if clauses.lifecycle is None else _lifecycle(clauses.lifecycle, resolver),
    )


def _as_of(clauses: Clauses, resolver: Resolver) -> Any:
    if clauses.as_of is None:
        return None
    moment = resolver.moment(clauses.as_of)
    span = clauses.as_of.span
    if moment.tx and resolver.database.recorded_at(moment.tx) == moment.clock:
        return at_transaction(moment.tx, span)
    return at_instant(moment.clock, span)


def _valid(valid: Valid, resolver: Resolver) -> Valid:
    return structs.replace(
        valid,
        start=None if valid.start is None else _instant(valid.start, resolver),
        end=None if valid.end is None else _instant(valid.end, resolver),
        period=None if valid.period is None else _literal(valid.period, resolver),
    )


def _instant(instant: Instant, resolver: Resolver) -> Instant:
    shift = tuple((sign, _literal(amount, resolver)) for sign, amount in instant.shift)
    if not isinstance(instant.value, Bind):
        return structs.replace(instant, shift=shift)
    found = value(instant.value, resolver.params, resolver.evaluate)
    if isinstance(found, int) and not isinstance(found, bool):
        return structs.replace(instant, base="tx", value=exp.Literal.number(found), shift=shift)
    return structs.replace(instant, value=_literal(instant.value, resolver), shift=shift)


def _lifecycle(lifecycle: Lifecycle, resolver: Resolver) -> Lifecycle:
    names: list[Any] = []
    for state in lifecycle.states:
        found = value(state, resolver.params, resolver.evaluate)
        names += found if isinstance(found, (list, tuple)) else [found]
    return structs.replace(lifecycle, states=tuple(exp.Literal.string(str(name)) for name in names))


def _literal(expression: Expression, resolver: Resolver) -> Expression:
    """A parameter as the value it has; anything else as it is."""
    if not isinstance(expression, Bind):
        return expression
    found = value(expression, resolver.params, resolver.evaluate)
    if isinstance(found, date):  # a datetime is one
        found = instants.format_instant(instants.from_datetime(found, resolver.zone))
    return exp.Literal.string(str(found))
