"""What the rules of temporal.lark mean: the clauses, and how those of one level combine.

A rule gives a `Clause`; a level's clauses travel as a list of them until the level is known
(queries.py, rules R1 to R3) and `combine` makes one `Clauses` of it (R5: each at most once).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlglot import exp

from epql import nodes
from epql.engine.errors import DataError, ProgrammingError, Span
from epql.engine.lifecycle import STATES
from epql.engine.spelling import nearest
from epql.nodes import LABELS, Bind, Clauses, Expression, Instant
from epql.parse.expressions import Expressions, Parts, is_token
from epql.parse.lexer import Token
from epql.parse.places import at, literal, span_of

STRATEGIES = ("latest", "confidence", "credence", "consensus", "none")


class Clause(msgspec.Struct, frozen=True):
    """One clause: the field of `Clauses` it fills, its node and its place."""

    field: str
    node: Any
    span: Span


def combine(clauses: Iterable[Clause], text: str) -> Clauses:
    """The clauses of one level. Raises: ProgrammingError clause.duplicate."""
    found: dict[str, Clause] = {}
    for clause in clauses:
        first = found.setdefault(clause.field, clause)
        if first is not clause:
            raise ProgrammingError(
                f"{LABELS[clause.field]} stands twice for the same level",
                code="clause.duplicate",
                span=clause.span,
                expected=f"already said {_where(first.span, text)}",
                hint=f"keep one of {_quoted(first.span, text)} and {_quoted(clause.span, text)}",
            )
    return Clauses(**{name: clause.node for name, clause in found.items()})


def _where(span: Span, text: str) -> str:
    line = text.count("\n", 0, span.start) + 1
    column = span.start - (text.rfind("\n", 0, span.start) + 1) + 1
    return f"at line {line} column {column}"


def _quoted(span: Span, text: str) -> str:
    return " ".join(text[span.start : span.end].split())


class ClauseRules(Expressions):
    """The rules of temporal.lark."""

    def clauses(self, parts: Parts, start: int, end: int) -> list[Clause]:
        return list(parts)

    def as_of(self, parts: Parts, start: int, end: int) -> Clause:
        span = Span(start, end)
        return Clause("as_of", nodes.AsOf(parts[-1], is_token(parts[1], "BEFORE"), span), span)

    def as_of_foreign(self, parts: Parts, start: int, end: int) -> Clause:
        span = Span(start, end)
        return Clause("as_of", nodes.AsOf(parts[-1], False, span), span)

    def valid_at(self, parts: Parts, start: int, end: int) -> Clause:
        return self._valid("at", start, end, start_=parts[-1])

    def valid_from(self, parts: Parts, start: int, end: int) -> Clause:
        first, *rest = [part for part in parts if isinstance(part, Instant)]
        return self._valid("from_to", start, end, start_=first, end_=rest[0] if rest else None)

    def valid_to(self, parts: Parts, start: int, end: int) -> Clause:
        return self._valid("from_to", start, end, end_=parts[-1])

    def valid_during(self, parts: Parts, start: int, end: int) -> Clause:
        return self._valid("during", start, end, period=parts[-1])

    def valid_anytime(self, parts: Parts, start: int, end: int) -> Clause:
        return self._valid("anytime", start, end)

    def _valid(
        self,
        form: Any,
        start: int,
        end: int,
        *,
        start_: Instant | None = None,
        end_: Instant | None = None,
        period: Expression | None = None,
    ) -> Clause:
        span = Span(start, end)
        return Clause("valid", nodes.Valid(form, span, start_, end_, period), span)

    def lifecycle_one(self, parts: Parts, start: int, end: int) -> Clause:
        state = known_state(parts[1], also=("live", "any"))
        span = Span(start, end)
        return Clause("lifecycle", nodes.Lifecycle((state,), False, span), span)

    def lifecycle_list(self, parts: Parts, start: int, end: int) -> Clause:
        also = ("live", "any")
        given = [part for part in parts if isinstance(part, exp.Expression)]
        states = tuple(known_state(state, also) for state in given)
        span = Span(start, end)
        node = nodes.Lifecycle(states, is_token(parts[1], "NOT"), span)
        return Clause("lifecycle", node, span)

    def state(self, parts: Parts, start: int, end: int) -> Expression:
        token: Token = parts[0]
        if token.kind == "PARAMETER":
            return at(Bind(this=self.bind(token)), start, end)
        value = token.value
        if token.kind == "STRING":
            value = value[1:-1].replace("''", "'")
        return literal(value.lower(), start, end)

    def resolve(self, parts: Parts, start: int, end: int) -> Clause:
        token: Token = parts[2]
        strategy = token.value.lower()
        if strategy not in STRATEGIES:
            raise ProgrammingError(
                f"there is no way to resolve called {token.value}",
                code="resolve.unknown",
                span=Span(token.start, token.end),
                expected="expected " + ", ".join(STRATEGIES).upper(),
                hint=nearest(strategy, STRATEGIES),
            )
        span = Span(start, end)
        return Clause("resolve", nodes.Resolve(strategy, span), span)

    def history(self, parts: Parts, start: int, end: int) -> Clause:
        window = [part for part in parts if isinstance(part, Instant)]
        span = Span(start, end)
        return Clause("history", nodes.History(span, *window), span)

    def diff(self, parts: Parts, start: int, end: int) -> Clause:
        since, *until = [part for part in parts if isinstance(part, Instant)]
        columns = next((part for part in parts if isinstance(part, list)), None)
        key = None if columns is None else tuple(name.name for name in columns)
        span = Span(start, end)
        return Clause("diff", nodes.Diff(since, span, until[0] if until else None, key), span)

    def purpose(self, parts: Parts, start: int, end: int) -> Clause:
        return Clause("purpose", parts[1], Span(start, end))

    # ------------------------------------------------------------ instants

    def instant(self, parts: Parts, start: int, end: int) -> Instant:
        base, value = parts[0]
        return Instant(base, value, Span(start, end), tuple(parts[1:]))

    def instant_text(self, parts: Parts, start: int, end: int) -> tuple[str, Any]:
        return "text", parts[0]

    def instant_tx(self, parts: Parts, start: int, end: int) -> tuple[str, Any]:
        token: Token = parts[1]
        if token.kind == "PARAMETER":
            return "tx", at(Bind(this=self.bind(token)), token.start, token.end)
        if not token.value.isdigit():
            raise DataError(
                "a transaction is a whole number",
                code="instant.transaction",
                span=Span(token.start, token.end),
            )
        return "tx", self.number([token], token.start, token.end)

    def instant_epoch(self, parts: Parts, start: int, end: int) -> tuple[str, Any]:
        return "epoch", parts[1]

    def instant_query(self, parts: Parts, start: int, end: int) -> tuple[str, Any]:
        return "query", parts[1]

    def instant_now(self, parts: Parts, start: int, end: int) -> tuple[str, Any]:
        return "now", None

    def shift(self, parts: Parts, start: int, end: int) -> tuple[int, Expression]:
        return (1 if parts[0].kind == "PLUS" else -1), parts[1]


def known_state(state: Expression, also: tuple[str, ...] = ()) -> Expression:
    """The state, if it is one. Raises: DataError lifecycle.unknown."""
    known = (*STATES, *also)
    if isinstance(state, exp.Literal) and state.name not in known:
        close = nearest(state.name, known)
        raise DataError(
            f"there is no lifecycle state called {state.name!r}",
            code="lifecycle.unknown",
            span=span_of(state),
            hint=close or "the states are " + ", ".join(known),
        )
    return state
