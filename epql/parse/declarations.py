"""What the rules of declarations.lark mean."""

from __future__ import annotations

from sqlglot import exp

from epql import nodes
from epql.engine.errors import ProgrammingError, Span
from epql.nodes import Expression
from epql.parse.expressions import Parts
from epql.parse.options import Option, Options
from epql.parse.places import literal, span_of
from epql.parse.queries import take_clauses


class Declarations(Options):
    """The rules of declarations.lark."""

    def define_predicate(self, parts: Parts, start: int, end: int) -> nodes.DefinePredicate:
        options = self._options(parts)
        return nodes.DefinePredicate(_as_text(parts[2]), Span(start, end), **options)

    def option_cardinality(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("cardinality", parts[1].kind.lower(), parts, start, end)

    def option_type(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("type", parts[1].value.lower(), parts, start, end)

    def option_half_life(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("half_life", parts[2], parts, start, end)

    def define_agent(self, parts: Parts, start: int, end: int) -> nodes.DefineAgent:
        return nodes.DefineAgent(_as_text(parts[2]), Span(start, end), _properties(parts))

    def define_topic(self, parts: Parts, start: int, end: int) -> nodes.DefineTopic:
        return nodes.DefineTopic(_as_text(parts[2]), Span(start, end), _properties(parts))

    def properties(self, parts: Parts, start: int, end: int) -> list[tuple[str, Expression]]:
        return parts[1:-1:2]

    def define_policy(self, parts: Parts, start: int, end: int) -> nodes.DefinePolicy:
        return nodes.DefinePolicy(
            parts[2].name.lower(), parts[4], Span(start, end), span_of(parts[2])
        )

    def policy_word(self, parts: Parts, start: int, end: int) -> Expression:
        word = parts[0]
        text = word.name if isinstance(word, exp.Identifier) else word.value
        return literal(text.lower(), start, end)

    def define_query(self, parts: Parts, start: int, end: int) -> nodes.DefineQuery:
        if self.positional or self.named:
            raise ProgrammingError(
                "a view takes no parameters",
                code="view.parameter",
                span=Span(start, end),
                hint="leave the condition out, and say it where the view is read",
            )
        select: exp.Query = parts[-1]
        place = Span(select.meta["span"].start, end)
        query = nodes.Query(select, take_clauses(select), place)
        names = next((part for part in parts if isinstance(part, list)), [])
        columns = tuple(name.name for name in names)
        text = self.text[place.start : place.end]
        return nodes.DefineQuery(parts[2], query, text, Span(start, end), columns)

    def drop_query(self, parts: Parts, start: int, end: int) -> nodes.DropQuery:
        return nodes.DropQuery(parts[-1], Span(start, end), if_exists=len(parts) > 3)

    def mark_epoch(self, parts: Parts, start: int, end: int) -> nodes.MarkEpoch:
        return nodes.MarkEpoch(parts[2], Span(start, end))


def _as_text(word: Expression) -> Expression:
    """A name that may be written with or without quotes."""
    return literal(word.name, *span_of(word)) if isinstance(word, exp.Identifier) else word


def _properties(parts: Parts) -> tuple[tuple[str, Expression], ...]:
    return tuple(parts[3]) if len(parts) > 3 else ()
