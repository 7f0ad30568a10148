"""Options of statements: each at most once, in any order; and what targets are.

Options arrive as (field, value, label, span); `_options` gathers those of one statement.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlglot import exp

from epql import nodes
from epql.engine.errors import ProgrammingError, Span
from epql.nodes import Clauses, Expression
from epql.parse.clauses import Clause, combine, known_state
from epql.parse.expressions import Parts, is_token
from epql.parse.lexer import Token
from epql.parse.places import span_of
from epql.parse.queries import Queries


class Option(msgspec.Struct, frozen=True):
    """One option of a verb: the field of the node it fills, as the user wrote it."""

    field: str
    value: Any
    label: str
    span: Span


class Options(Queries):
    """Targets, triples and options, which statements of every family share."""

    # ------------------------------------------------------------ targets

    def triple(self, parts: Parts, start: int, end: int) -> nodes.Triple:
        subject, predicate, obj = map(self._seen, parts[1:-1:2])
        return nodes.Triple(subject, predicate, obj, Span(start, end))

    def id_target(self, parts: Parts, start: int, end: int) -> nodes.IdTarget:
        return nodes.IdTarget(parts[0], Span(start, end))

    def slot_target(self, parts: Parts, start: int, end: int) -> nodes.SlotTarget:
        subject, predicate, *rest = map(self._seen, parts[1:-1:2])
        return nodes.SlotTarget(subject, predicate, rest[0] if rest else None, Span(start, end))

    def query_target(self, parts: Parts, start: int, end: int) -> nodes.QueryTarget:
        return nodes.QueryTarget(parts[1], Span(start, end))

    def pattern(self, parts: Parts, start: int, end: int) -> nodes.Pattern:
        subject, predicate, obj = parts[1:-1:2]
        return nodes.Pattern(subject, predicate, obj, Span(start, end))

    def any_value(self, parts: Parts, start: int, end: int) -> None:
        return None

    # ------------------------------------------------------------ options

    def option_agent(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("agent", self._seen(parts[1]), parts, start, end)

    def option_confidence(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("confidence", self._seen(parts[1]), parts, start, end)

    def option_lifecycle(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("lifecycle", known_state(parts[1]), parts, start, end)

    def option_source(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("source", self._seen(parts[1]), parts, start, end)

    def option_valid(self, parts: Parts, start: int, end: int) -> Option:
        clause: Clause = parts[0]
        return Option("valid", clause.node, "VALID", clause.span)

    def option_because(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("because", tuple(map(self._seen, parts[1::2])), parts, start, end)

    def option_qualified(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("qualified", tuple(parts[2:-1:2]), parts, start, end)

    def pair(self, parts: Parts, start: int, end: int) -> tuple[str, Expression]:
        name = parts[0]
        if isinstance(name, Token):
            return name.value[1:-1].replace("''", "'"), self._seen(parts[2])
        return name.name, self._seen(parts[2])

    def option_key(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("key", self._seen(parts[1]), parts, start, end)

    def option_if_none(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("if_none", True, parts, start, end)

    def option_if_current(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("if_current", self._seen(parts[2]), parts, start, end)

    def option_reason(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("reason", self._seen(parts[1]), parts, start, end)

    def option_returning(self, parts: Parts, start: int, end: int) -> Option:
        names = ("*",) if is_token(parts[1], "STAR") else tuple(item.name for item in parts[1])
        return self._option("returning", names, parts, start, end)

    def option_dry_run(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("dry_run", True, parts, start, end)

    def option_cascade(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("cascade", True, parts, start, end)

    def option_since(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("since", parts[1], parts, start, end)

    def _option(self, field: str, value: Any, parts: Parts, start: int, end: int) -> Option:
        return Option(field, value, parts[0].kind, Span(start, end))

    def _options(self, parts: Parts) -> dict[str, Any]:
        """The options among the parts by field. Raises: ProgrammingError option.duplicate."""
        found: dict[str, Any] = {}
        for part in parts:
            if not isinstance(part, Option):
                continue
            if part.field in found:
                raise ProgrammingError(
                    f"{part.label} stands twice",
                    code="option.duplicate",
                    span=part.span,
                    hint="keep one of them",
                )
            found[part.field] = part.value
        if "if_none" in found and "if_current" in found:
            span = next(p.span for p in parts if isinstance(p, Option) and p.field == "if_current")
            raise ProgrammingError(
                "IF NONE and IF CURRENT exclude each other",
                code="option.conflict",
                span=span,
                hint="IF NONE: nothing is believed yet; IF CURRENT id: this is what is believed",
            )
        return found

    def _seen(self, value: Expression) -> Expression:
        """The value, if it names no column: there is no row that it could see."""
        for column in _own_columns(value):
            name = column.name
            raise ProgrammingError(
                f"there is no column {name!r} here",
                code="value.column",
                span=span_of(column),
                expected="expected a value",
                hint="strings have single quotes: '" + name.replace("'", "''") + "'",
            )
        return value

    def _level(self, parts: Parts, what: str) -> Clauses:
        """The clauses at a statement's end, without those that belong to a query."""
        clauses: list[Clause] = next((part for part in parts if isinstance(part, list)), [])
        for clause in clauses:
            if clause.field in ("diff", "history"):
                raise ProgrammingError(
                    f"{clause.field.upper()} cannot stand for {what}",
                    code="clause.misplaced",
                    span=clause.span,
                    hint="say it in the query: SELECT … FROM beliefs DIFF SINCE '-24h'",
                )
        return combine(clauses, self.text)


def _own_columns(value: Expression) -> list[exp.Column]:
    """The columns of an expression, but for those inside its subqueries."""
    found: list[exp.Column] = []
    stack: list[exp.Expr] = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, exp.Column):
            found.append(node)
        elif not isinstance(node, (exp.Query, exp.Subquery)):
            stack.extend(node.iter_expressions())
    return found
