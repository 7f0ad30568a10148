"""Which notices a read has, in the order in which they are told."""

from __future__ import annotations

from dataclasses import dataclass

from epql.notices import hidden, times
from epql.plan import notices
from epql.plan.compile import Plan
from epql.plan.scope import Resolver
from epql.queries import Queries


@dataclass(frozen=True)
class Read:
    """A query that was run, with what resolved its clauses."""

    queries: Queries
    plan: Plan
    resolver: Resolver


def notices_of(read: Read) -> list[str]:
    """The notices of a read, a line each; those about the answer before those about its times."""
    plan, resolver = read.plan, read.resolver
    scopes = read.queries.scopes_of(plan, resolver)
    return [
        *notices.about_answer(plan, resolver, scopes),
        *hidden.told(read.queries, plan, resolver, scopes),
        *times.told(plan, resolver, scopes),
    ]
