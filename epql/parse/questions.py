"""What the rules of questions.lark mean: statements that explain, trace and look back."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from epql import nodes
from epql.engine.errors import Span
from epql.nodes import Instant
from epql.parse.expressions import Parts
from epql.parse.lexer import Token
from epql.parse.options import Option, Options
from epql.parse.queries import take_clauses


class Questions(Options):
    """The rules of questions.lark."""

    def query_statement(self, parts: Parts, start: int, end: int) -> nodes.Query:
        return nodes.Query(parts[0], take_clauses(parts[0]), Span(start, end))

    def explain(self, parts: Parts, start: int, end: int) -> nodes.Explain:
        query = _query(parts[-1], end)
        return nodes.Explain(query, Span(start, end), query_plan=len(parts) > 2)

    def check(self, parts: Parts, start: int, end: int) -> nodes.Check:
        triples = tuple(part for part in parts if isinstance(part, nodes.Triple))
        level = self._level(parts, "a CHECK")
        return nodes.Check(triples, Span(start, end), clauses=level)

    def check_query(self, parts: Parts, start: int, end: int) -> nodes.Check:
        return nodes.Check((), Span(start, end), parts[2], self._level(parts, "a CHECK"))

    def why(self, parts: Parts, start: int, end: int) -> nodes.Why:
        return nodes.Why(parts[1], Span(start, end), self._level(parts, "a WHY"))

    def why_not(self, parts: Parts, start: int, end: int) -> nodes.WhyNot:
        return nodes.WhyNot(parts[2], Span(start, end), self._level(parts, "a WHY NOT"))

    # ------------------------------------------------------------ the audit trail

    def trace(self, parts: Parts, start: int, end: int) -> nodes.Trace:
        return nodes.Trace(Span(start, end), **self._options(parts))

    def option_by(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("agent", parts[2], parts, start, end)

    def option_touching(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("touching", parts[1], parts, start, end)

    def impact(self, parts: Parts, start: int, end: int) -> nodes.Impact:
        since = next((part for part in parts if isinstance(part, Instant)), None)
        return nodes.Impact(parts[2], Span(start, end), since)

    def replay(self, parts: Parts, start: int, end: int) -> nodes.Replay:
        words = [part.kind for part in parts if isinstance(part, Token)]
        return nodes.Replay(parts[2], Span(start, end), "AS_OF" in words, "DIFF" in words)

    # ------------------------------------------------------------ the past of one thing

    def history_of(self, parts: Parts, start: int, end: int) -> nodes.HistoryOf:
        return nodes.HistoryOf(parts[2], Span(start, end), self._level(parts, "a HISTORY OF"))

    def blame(self, parts: Parts, start: int, end: int) -> nodes.Blame:
        return nodes.Blame(parts[1], Span(start, end), self._level(parts, "a BLAME"))

    def bisect(self, parts: Parts, start: int, end: int) -> nodes.Bisect:
        low, high = (part for part in parts if isinstance(part, Instant))
        return nodes.Bisect(parts[2], low, high, Span(start, end))

    # ------------------------------------------------------------ session and relations

    def show(self, parts: Parts, start: int, end: int) -> nodes.Show:
        words = [_word(part) for part in parts[1:] if not isinstance(part, exp.Table)]
        relation = parts[-1] if isinstance(parts[-1], exp.Table) else None
        if relation is not None:
            words.pop()  # FROM
        return nodes.Show(" ".join(words), Span(start, end), relation)

    def describe(self, parts: Parts, start: int, end: int) -> nodes.Describe:
        return nodes.Describe(parts[1], Span(start, end))

    def describe_query(self, parts: Parts, start: int, end: int) -> nodes.Describe:
        return nodes.Describe(_query(parts[1], end), Span(start, end))

    def verify(self, parts: Parts, start: int, end: int) -> nodes.Verify:
        return nodes.Verify(Span(start, end))


def _query(select: exp.Query, end: int) -> nodes.Query:
    """A query at the end of another statement, with the clauses that govern all of it."""
    return nodes.Query(select, take_clauses(select), Span(select.meta["span"].start, end))


def _word(part: Any) -> str:
    """A word of SHOW; the two words AS OF come as one token."""
    if isinstance(part, Token):
        return "as of" if part.kind == "AS_OF" else part.value.lower()
    name: str = part.name
    return name.lower()
