"""Which notices a read has, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from epql.engine.vtab.context import Scope
from epql.notices import hidden, times
from epql.plan import notices
from epql.plan.compile import Plan
from epql.plan.scope import Resolver
from epql.queries import Queries


class Read(msgspec.Struct, frozen=True):
    """A query that was run, with what resolved its clauses, and what it was read at."""

    queries: Queries
    plan: Plan
    resolver: Resolver
    scopes: Sequence[Scope]


def notices_of(read: Read) -> list[str]:
    """The notices of a read, a line each; those about the answer before those about its times."""
    plan, resolver, scopes = read.plan, read.resolver, read.scopes
    return [
        *notices.about_answer(plan, resolver, scopes),
        *hidden.told(read.queries, plan, resolver, scopes),
        *times.told(plan, resolver, scopes),
    ]
