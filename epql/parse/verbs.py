"""What the rules of epql.lark and verbs.lark mean: the statement nodes.

Options arrive as (field, value, span) in any order; `_options` lets each stand once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from epql import nodes
from epql.engine.errors import ProgrammingError, Span
from epql.nodes import Expression
from epql.parse.clauses import Clause, combine, known_state
from epql.parse.expressions import Parts, is_token
from epql.parse.lexer import Token
from epql.parse.places import literal
from epql.parse.queries import Queries, take_clauses


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a verb: the field of the node it fills, as the user wrote it."""

    field: str
    value: Any
    label: str
    span: Span


class Verbs(Queries):
    """The rules of epql.lark and verbs.lark."""

    # ------------------------------------------------------------ queries as statements

    def query_statement(self, parts: Parts, start: int, end: int) -> nodes.Query:
        return nodes.Query(parts[0], take_clauses(parts[0]), Span(start, end))

    def explain(self, parts: Parts, start: int, end: int) -> nodes.Explain:
        select: exp.Query = parts[-1]
        place = Span(select.meta["span"].start, end)
        query = nodes.Query(select, take_clauses(select), place)
        return nodes.Explain(query, Span(start, end), query_plan=len(parts) > 2)

    # ------------------------------------------------------------ writes

    def assert_(self, parts: Parts, start: int, end: int) -> nodes.Assert:
        triples = tuple(part for part in parts if isinstance(part, nodes.Triple))
        return nodes.Assert(triples, Span(start, end), **self._options(parts))

    def triple(self, parts: Parts, start: int, end: int) -> nodes.Triple:
        return nodes.Triple(parts[1], parts[3], parts[5], Span(start, end))

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
        return nodes.Supersede(parts[1], parts[3], Span(start, end), **self._options(parts))

    def id_target(self, parts: Parts, start: int, end: int) -> nodes.IdTarget:
        return nodes.IdTarget(parts[0], Span(start, end))

    def slot_target(self, parts: Parts, start: int, end: int) -> nodes.SlotTarget:
        subject, predicate, *rest = parts[1:-1:2]
        return nodes.SlotTarget(subject, predicate, rest[0] if rest else None, Span(start, end))

    def query_target(self, parts: Parts, start: int, end: int) -> nodes.QueryTarget:
        return nodes.QueryTarget(parts[1], Span(start, end))

    # ------------------------------------------------------------ options

    def option_agent(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("agent", parts[1], parts, start, end)

    def option_confidence(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("confidence", parts[1], parts, start, end)

    def option_lifecycle(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("lifecycle", known_state(parts[1]), parts, start, end)

    def option_source(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("source", parts[1], parts, start, end)

    def option_valid(self, parts: Parts, start: int, end: int) -> Option:
        clause: Clause = parts[0]
        return Option("valid", clause.node, "VALID", clause.span)

    def option_because(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("because", tuple(parts[1::2]), parts, start, end)

    def option_qualified(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("qualified", tuple(parts[2:-1:2]), parts, start, end)

    def qualifier(self, parts: Parts, start: int, end: int) -> tuple[str, Expression]:
        name = parts[0]
        if isinstance(name, Token):
            return name.value[1:-1].replace("''", "'"), parts[2]
        return name.name, parts[2]

    def option_key(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("key", parts[1], parts, start, end)

    def option_if_none(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("if_none", True, parts, start, end)

    def option_if_current(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("if_current", parts[2], parts, start, end)

    def option_reason(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("reason", parts[1], parts, start, end)

    def option_returning(self, parts: Parts, start: int, end: int) -> Option:
        names = ("*",) if is_token(parts[1], "STAR") else tuple(item.name for item in parts[1])
        return self._option("returning", names, parts, start, end)

    def option_dry_run(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("dry_run", True, parts, start, end)

    def option_cascade(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("cascade", True, parts, start, end)

    def option_since(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("since", parts[1], parts, start, end)

    def option_cardinality(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("cardinality", parts[1].kind.lower(), parts, start, end)

    def option_type(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("type", parts[1].value.lower(), parts, start, end)

    def option_half_life(self, parts: Parts, start: int, end: int) -> Option:
        return self._option("half_life", parts[2], parts, start, end)

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

    # ------------------------------------------------------------ declarations

    def define_predicate(self, parts: Parts, start: int, end: int) -> nodes.DefinePredicate:
        name: Expression = parts[2]
        if isinstance(name, exp.Identifier):
            name = literal(name.name, *name.meta["span"])
        return nodes.DefinePredicate(name, Span(start, end), **self._options(parts))

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
        return nodes.DropQuery(parts[2], Span(start, end))

    def mark_epoch(self, parts: Parts, start: int, end: int) -> nodes.MarkEpoch:
        return nodes.MarkEpoch(parts[2], Span(start, end))

    # ------------------------------------------------------------ transactions, the session

    def begin(self, parts: Parts, start: int, end: int) -> nodes.Begin:
        clauses = parts[-1] if isinstance(parts[-1], list) else []
        standing = self._standing(clauses, "a transaction")
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
        return nodes.Set(span, clauses=self._standing(clauses, "a session"))

    def set_agent(self, parts: Parts, start: int, end: int) -> nodes.Set:
        return nodes.Set(Span(start, end), name="agent", value=parts[2])

    def set_zone(self, parts: Parts, start: int, end: int) -> nodes.Set:
        return nodes.Set(Span(start, end), name="time zone", value=parts[3])

    def set_notices(self, parts: Parts, start: int, end: int) -> nodes.Set:
        return nodes.Set(Span(start, end), name="notices", value=_switch(parts[2]))

    def set_fuse(self, parts: Parts, start: int, end: int) -> nodes.Set:
        value = _switch(parts[2]) if isinstance(parts[2], Token) else parts[2]
        return nodes.Set(Span(start, end), name="fuse", value=value)

    def _standing(self, clauses: list[Clause], what: str) -> nodes.Clauses:
        for clause in clauses:
            if clause.field in ("diff", "history"):
                raise ProgrammingError(
                    f"{clause.field.upper()} cannot stand for {what}",
                    code="clause.misplaced",
                    span=clause.span,
                    hint="say it in the query: SELECT … FROM beliefs DIFF SINCE '-24h'",
                )
        return combine(clauses, self.text)

    # ------------------------------------------------------------ data

    def import_(self, parts: Parts, start: int, end: int) -> nodes.Import:
        history = is_token(parts[1], "HISTORY")
        path = next(part for part in parts if isinstance(part, exp.Expression))
        form = parts[-1].value.lower() if is_token(parts[-1], "NAME") else None
        return nodes.Import(path, history, Span(start, end), form)


def _switch(token: Token) -> Expression:
    return literal(token.kind.lower(), token.start, token.end)
