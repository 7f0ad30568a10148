"""Where a node stands in the text, and the small helpers every builder module uses."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from sqlglot import exp

from epql.engine.errors import Span
from epql.nodes import Expression

E = TypeVar("E", bound=exp.Expr)


def at(node: E, start: int, end: int) -> E:
    """The node, marked with its place."""
    node.meta["span"] = Span(start, end)
    return node


def span_of(node: Any) -> Span:
    """The place of a node that was built from text."""
    if isinstance(node, exp.Expr):
        return cast(Span, node.meta["span"])
    return cast(Span, node.span)


def literal(value: str, start: int, end: int) -> Expression:
    """A string literal."""
    return at(exp.Literal(this=value, is_string=True), start, end)
