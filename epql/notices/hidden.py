"""How many rows a default hid, and which clause shows them.

Counted by running the query again without the default, so it is asked only where that is cheap:
one relation, no aggregate and no LIMIT, and conditions that name a subject or an id, or a database
that is small.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from epql.engine.index.snapshot import LIVE_STATES, Snapshot
from epql.engine.lifecycle import NAME
from epql.engine.vtab.context import Scope
from epql.plan.compile import Plan
from epql.plan.notices import is_countable, is_narrow
from epql.plan.relations import merged
from epql.plan.scope import Resolver
from epql.queries import Queries

SMALL = 2000
"""Assertions up to which any query is counted."""


def told(
    queries: Queries, plan: Plan, resolver: Resolver, scopes: Sequence[Scope]
) -> Iterator[str]:
    """A notice for each default that hid rows of this answer."""
    if len(scopes) != 1 or not isinstance(scopes[0], Snapshot) or not is_countable(plan):
        return
    clauses = merged(plan.uses[0].clauses, resolver.standing)
    scope = scopes[0]
    every, anytime = scope, scope
    if clauses.lifecycle is None:
        every = replace(scope, states=tuple(NAME), states_by="clause")
    if clauses.valid is None:
        anytime = scope.anytime()
    if every is anytime or not (is_narrow(plan) or queries.is_small(SMALL)):
        return
    here = queries.count(plan, scope, resolver)
    by_state = _more(queries, plan, resolver, scope, every, here)
    by_time = _more(queries, plan, resolver, scope, anytime, here)
    both = replace(anytime, states=every.states)
    by_both = _more(queries, plan, resolver, scope, both, here) - by_state - by_time
    if by_state:
        default = _default(scope)
        yield f"{_rows(by_state)} hidden by {default}: LIFECYCLE ANY shows {_them(by_state)}"
    if by_time:
        yield (
            f"{_rows(by_time)} hidden, not valid at that instant: VALID ANYTIME shows"
            f" {_them(by_time)}"
        )
    if by_both > 0:
        yield f"{_rows(by_both)} hidden by both: LIFECYCLE ANY VALID ANYTIME shows {_them(by_both)}"


def _more(
    queries: Queries, plan: Plan, resolver: Resolver, scope: Snapshot, wider: Snapshot, here: int
) -> int:
    return 0 if wider == scope else queries.count(plan, wider, resolver) - here


def _default(scope: Snapshot) -> str:
    if scope.states == LIVE_STATES:
        return "LIFECYCLE LIVE, the default"
    return f"LIFECYCLE {', '.join(NAME[code].upper() for code in scope.states)}, the policy"


def _rows(count: int) -> str:
    return "1 row is" if count == 1 else f"{count} rows are"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"
