"""Expressions and queries: sqlglot's, and the few that sqlglot has no class for."""

from __future__ import annotations

from sqlglot import exp

Expression = exp.Expression
QueryExpression = exp.Query


class Bind(exp.Expression):
    """A bind parameter. `this` is an int (position from 0) or a str (name without prefix)."""

    arg_types = {"this": True}


class UnaryPlus(exp.Unary):
    """+x, which SQLite reads as x without its index and affinity."""


class Words(exp.Expression):
    """SQLite's own statement, word for word: keywords (exp.Var), marks and expressions in order.

    What scratch tables need is written again as it was read; only what stands inside it
    (names, expressions, queries) is understood.
    """

    arg_types = {"expressions": True}
