"""What the rules of session.lark mean: transactions and settings."""

from __future__ import annotations

from epql import nodes
from epql.engine.errors import Span
from epql.nodes import Expression
from epql.parse.clauses import Clause
from epql.parse.expressions import Parts, is_token
from epql.parse.lexer import Token
from epql.parse.options import Options
from epql.parse.places import literal


class Settings(Options):
    """The rules of session.lark."""

    def begin(self, parts: Parts, start: int, end: int) -> nodes.Begin:
        standing = self._level(parts, "a transaction")
        read_only = any(is_token(part, "ONLY") for part in parts)
        return nodes.Begin(read_only, standing, Span(start, end))

    def commit(self, parts: Parts, start: int, end: int) -> nodes.Commit:
        return nodes.Commit(Span(start, end))

    def rollback(self, parts: Parts, start: int, end: int) -> nodes.Rollback:
        return nodes.Rollback(Span(start, end))

    def set_clauses(self, parts: Parts, start: int, end: int) -> nodes.Set:
        span = Span(start, end)
        clauses: list[Clause] = parts[1]
        if len(clauses) == 1 and clauses[0].field == "purpose":
            return nodes.Set(span, name="purpose", value=clauses[0].node)
        return nodes.Set(span, clauses=self._level(parts, "a session"))

    def set_agent(self, parts: Parts, start: int, end: int) -> nodes.Set:
        return nodes.Set(Span(start, end), name="agent", value=parts[2])

    def set_zone(self, parts: Parts, start: int, end: int) -> nodes.Set:
        return nodes.Set(Span(start, end), name="time zone", value=parts[3])

    def set_notices(self, parts: Parts, start: int, end: int) -> nodes.Set:
        return nodes.Set(Span(start, end), name="notices", value=_switch(parts[2]))

    def set_fuse(self, parts: Parts, start: int, end: int) -> nodes.Set:
        return nodes.Set(Span(start, end), name="fuse", value=_switch(parts[2]))


def _switch(token: Token) -> Expression:
    return literal(token.kind.lower(), token.start, token.end)
