"""Hidden columns and arguments of relations, for tools that only know SELECT.

    SELECT * FROM beliefs WHERE as_of = '-24h' AND lifecycle_in = 'approved'
    SELECT * FROM beliefs('-24h', 'approved')          SELECT * FROM changes('-7d')

They say the same as the clauses, so they are turned into clauses and resolved by the same code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlglot import exp

from epql.engine.errors import DataError, Error, Span
from epql.engine.index.snapshot import STRATEGIES, Snapshot, Window
from epql.engine.index.states import states_by
from epql.engine.lifecycle import states_of
from epql.engine.vtab.context import Scope
from epql.nodes import Instant
from epql.plan.scope import Moment, Resolver

_NOWHERE = Span(0, 0)


def overridden(resolver: Resolver, scope: Scope, hidden: Mapping[str, object]) -> Scope:
    """The scope as hidden columns change it. `since` and `until` make a Window of it."""
    try:
        return _overridden(resolver, scope, hidden)
    except Error as error:
        error.span = None  # the value came out of a row: it has no place in the text
        raise


def _overridden(resolver: Resolver, scope: Scope, hidden: Mapping[str, object]) -> Scope:
    moving = scope.moving if isinstance(scope, Window) else scope.valid_low == scope.clock
    snapshot = scope.until if isinstance(scope, Window) else scope
    top = Moment(snapshot.tx, snapshot.clock)
    if "as_of" in hidden:
        top = resolver.point(_instant(hidden["as_of"]), resolver.now)
    if "valid_at" in hidden:
        moving = False
    if "since" not in hidden and "until" not in hidden:
        return _changed(resolver, snapshot, top, moving, hidden)
    until = top
    if "until" in hidden:
        until = resolver.point(_instant(hidden["until"]), top.clock)
    if "since" in hidden:
        since = resolver.point(_instant(hidden["since"]), until.clock)
    elif isinstance(scope, Window):
        since = Moment(scope.since.tx, scope.since.clock)
    else:
        raise DataError("UNTIL needs to know since when", code="diff.since_missing")
    if since.clock > until.clock:
        raise DataError("since lies after until", code="diff.reversed")
    return Window(
        _changed(resolver, snapshot, since, moving, hidden),
        _changed(resolver, snapshot, until, moving, hidden),
        moving,
    )


def _changed(
    resolver: Resolver,
    snapshot: Snapshot,
    moment: Moment,
    moving: bool,
    hidden: Mapping[str, object],
) -> Snapshot:
    snapshot = replace(snapshot, tx=moment.tx, clock=moment.clock)
    if moving:
        snapshot = replace(snapshot, valid_low=moment.clock, valid_high=moment.clock)
    if "valid_at" in hidden:
        snapshot = _valid(resolver, snapshot, hidden["valid_at"])
    if "lifecycle_in" in hidden:
        names = tuple(name.strip() for name in str(hidden["lifecycle_in"]).split(","))
        snapshot = replace(snapshot, states=states_of(names), states_by=states_by(names))
    elif snapshot.states_by == "policy":
        snapshot = replace(snapshot, states=resolver.states(moment.tx, None)[0])
    if "resolve_by" in hidden:
        strategy = str(hidden["resolve_by"]).lower()
        if strategy not in STRATEGIES:
            raise DataError(
                f"there is no way to resolve called {strategy!r}",
                code="resolve.unknown",
                hint="one of " + ", ".join(STRATEGIES),
            )
        snapshot = replace(snapshot, strategy=strategy)
    return snapshot


def _valid(resolver: Resolver, snapshot: Snapshot, value: Any) -> Snapshot:
    if isinstance(value, str) and value.lower() == "anytime":
        return snapshot.anytime()
    at = resolver.instant(_instant(value), snapshot.clock)
    return replace(snapshot, valid_low=at, valid_high=at)


def _instant(value: object) -> Instant:
    """A value as an instant; a whole number is a transaction, as it is for parameters."""
    if isinstance(value, int):
        return Instant("tx", exp.Literal.number(value), _NOWHERE)
    return Instant("text", exp.Literal.string(str(value)), _NOWHERE)
