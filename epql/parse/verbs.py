"""What the rules of verbs.lark mean: assertions, what becomes of them, rules about them."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from epql import nodes
from epql.engine.errors import ProgrammingError, Span
from epql.parse.clauses import known_state
from epql.parse.expressions import Parts, is_token
from epql.parse.options import Option, Options


class Verbs(Options):
    """The rules of verbs.lark."""

    def assert_(self, parts: Parts, start: int, end: int) -> nodes.Assert:
        triples = tuple(part for part in parts if isinstance(part, nodes.Triple))
        return nodes.Assert(triples, Span(start, end), **self._options(parts))

    def assert_query(self, parts: Parts, start: int, end: int) -> nodes.Assert:
        query = next(part for part in parts if isinstance(part, exp.Query))
        return nodes.Assert((), Span(start, end), query=query, **self._options(parts))

    def transition(self, parts: Parts, start: int, end: int) -> nodes.Transition:
        state = known_state(parts[3])
        span = Span(start, end)
        return nodes.Transition("transition", parts[1], state, span, **self._options(parts))

    def promote(self, parts: Parts, start: int, end: int) -> nodes.Transition:
        verb: Any = parts[0].kind.lower()
        span = Span(start, end)
        return nodes.Transition(verb, parts[1], None, span, **self._options(parts))

    def retract(self, parts: Parts, start: int, end: int) -> nodes.Retract:
        options = {"cascade": False, **self._options(parts)}
        return nodes.Retract(parts[1], span=Span(start, end), **options)

    def supersede(self, parts: Parts, start: int, end: int) -> nodes.Supersede:
        return nodes.Supersede(
            parts[1], self._seen(parts[3]), Span(start, end), **self._options(parts)
        )

    def revive(self, parts: Parts, start: int, end: int) -> nodes.Revive:
        return nodes.Revive(parts[1], Span(start, end), **self._options(parts))

    def correct(self, parts: Parts, start: int, end: int) -> nodes.Correct:
        if len(parts) > 2 and is_token(parts[2], "TO"):
            to = self._option("to", self._seen(parts[3]), parts[2:], parts[2].start, end)
            parts = [*parts[:2], to, *parts[4:]]
        options = self._options(parts)
        if "prefer" in options and "forbid" not in options:
            raise ProgrammingError(
                "PREFER says what to use instead of what is forbidden",
                code="option.conflict",
                span=next(p.span for p in parts if isinstance(p, Option) and p.field == "prefer"),
                hint="write FORBID PREFER …",
            )
        return nodes.Correct(parts[1], Span(start, end), **options)

    def confirm(self, parts: Parts, start: int, end: int) -> nodes.Confirm:
        return nodes.Confirm(parts[1], Span(start, end), **self._options(parts))

    def vote(self, parts: Parts, start: int, end: int) -> nodes.Vote:
        is_for = is_token(parts[1], "FOR")
        return nodes.Vote(is_for, parts[2], Span(start, end), **self._options(parts))

    def erase(self, parts: Parts, start: int, end: int) -> nodes.Erase:
        return nodes.Erase(parts[1], Span(start, end), **self._options(parts))

    # ------------------------------------------------------------ rules

    def forbid(self, parts: Parts, start: int, end: int) -> nodes.Forbid:
        return nodes.Forbid(parts[1], Span(start, end), **self._options(parts))

    def repeal(self, parts: Parts, start: int, end: int) -> nodes.Repeal:
        return nodes.Repeal(parts[1], Span(start, end), **self._options(parts))

    def option_forbid(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("forbid", True, parts, start, end)

    def option_prefer(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("prefer", self._seen(parts[1]), parts, start, end)

    def option_weight(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("weight", self._seen(parts[1]), parts, start, end)

    def option_when(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("when", parts[1], parts, start, end)

    def option_severity(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("severity", parts[1].kind.lower(), parts, start, end)
