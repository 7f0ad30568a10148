"""What each time that a query names became: the instant, and the commit it sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from epql.engine.index.snapshot import Window
from epql.engine.vtab.context import Scope
from epql.explain.levels import Origins
from epql.explain.written import Writer
from epql.nodes import AsOf, Diff, History, Instant, Valid
from epql.plan import catalog
from epql.plan.compile import Plan
from epql.plan.diff import Side
from epql.plan.relations import Use
from epql.plan.scope import Moment, Resolver

_CLAUSES = ("as_of", "valid", "lifecycle", "resolve", "history", "diff")


class Resolved(NamedTuple):
    """A clause as written, what it became, and the instants in it."""

    text: str
    meaning: str
    instants: tuple[Instant, ...]


class Instants:
    """Tells what the clauses of one execution became."""

    def __init__(self, writer: Writer, resolver: Resolver, origins: Origins) -> None:
        self._writer = writer
        self._resolver = resolver
        self._origins = origins

    def of(self, plan: Plan, scopes: Sequence[Scope]) -> Iterator[Resolved]:
        """Those of a plan that is read at these scopes; a clause of several tables comes again."""
        if plan.compared is not None:
            yield from self._of_diff(plan.compared.diff, plan.compared.clauses.as_of)
        for use, scope in zip(plan.uses, scopes, strict=True):
            for name in names_of(use):
                clause, _ = self._origins.of(use, name)
                if isinstance(clause, Side):
                    yield from self._of_diff(clause.diff, clause.stands)
                elif isinstance(clause, Diff):
                    yield from self._of_diff(clause, self._origins.of(use, "as_of")[0])
                elif clause is not None:
                    yield from self._of_clause(clause, scope)

    def _of_clause(self, clause: Any, scope: Scope) -> Iterator[Resolved]:
        snapshot = scope.until if isinstance(scope, Window) else scope
        meaning = self._writer.meaning(clause, snapshot.clock)
        if meaning is not None:
            yield Resolved(self._writer.text(clause), meaning, _in(clause))

    def _of_diff(self, wanted: Diff, as_of: AsOf | None) -> Iterator[Resolved]:
        top = self._resolver.moment(as_of)
        if as_of is not None:
            text = self._writer.text(as_of)
            yield Resolved(text, self._writer.moment(top), (as_of.instant,))
        until = top
        if wanted.until is not None:
            until = self._resolver.point(wanted.until, top.clock)
        since = self._resolver.point(wanted.since, until.clock)
        yield self._side("SINCE", wanted.since, since)
        if wanted.until is not None:
            yield self._side("UNTIL", wanted.until, until)

    def _side(self, word: str, instant: Instant, moment: Moment) -> Resolved:
        text = f"{word} {self._writer.instant(instant)}"
        return Resolved(text, self._writer.moment(moment), (instant,))


def names_of(use: Use) -> list[str]:
    """The clauses that mean something on what is read."""
    known = (*catalog.clauses_of(use.relation), "history", "diff")
    return [name for name in _CLAUSES if name in known]


def _in(clause: Any) -> tuple[Instant, ...]:
    if isinstance(clause, AsOf):
        return (clause.instant,)
    if isinstance(clause, (Valid, History)):
        return tuple(one for one in (clause.start, clause.end) if one is not None)
    return ()
