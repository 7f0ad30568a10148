"""What the times of a query became, where that cannot be seen in its text.

An instant with its own offset means what it says; `'-24h'`, `'monday'`, `'2026-01-12'`, EPOCH, TX
and ids are looked up or counted from somewhere, so their notice says where they ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from epql.engine.vtab.context import Scope
from epql.explain.instants import Instants
from epql.explain.levels import Origins, Standing
from epql.explain.written import Writer
from epql.nodes import Instant, Query
from epql.plan.compile import Plan
from epql.plan.scope import Resolver
from epql.plan.values import value

_SHOWN = 4
_WITH_OFFSET = re.compile(r"\d{4}-\d\d-\d\d[T ].*(?:Z|[+-]\d\d:?\d\d)", re.IGNORECASE)


def told(plan: Plan, resolver: Resolver, scopes: Sequence[Scope]) -> Iterator[str]:
    """One notice for all times that the text of a query names; none for a standing AS OF."""
    query = plan.parsed.statement
    if not isinstance(query, Query):
        return
    known = Instants(Writer(resolver), resolver, Origins(query, Standing()))
    texts = [
        f"{one.text} is {one.meaning}"
        for one in known.of(plan, scopes)
        if any(_is_looked_up(instant, resolver) for instant in one.instants)
    ]
    texts = list(dict.fromkeys(texts))
    if texts:
        more = f"; and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
        yield "; ".join(texts[:_SHOWN]) + more


def _is_looked_up(instant: Instant, resolver: Resolver) -> bool:
    if instant.base != "text" or instant.shift or instant.value is None:
        return instant.value is not None or bool(instant.shift)
    found = value(instant.value, resolver.params, resolver.evaluate)
    return not isinstance(found, str) or _WITH_OFFSET.fullmatch(found.strip()) is None
