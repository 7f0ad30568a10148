"""Expressions and queries: sqlglot's, and the few that sqlglot has no class for."""

from __future__ import annotations

from typing import TypeVar

from sqlglot import exp

from epql.nodes.looking import look

Expression = exp.Expression
QueryExpression = exp.Query


E = TypeVar("E", bound=exp.Expr)


def every(tree: exp.Expr) -> list[exp.Expr]:
    """The nodes of a tree, those nearer to its root first."""
    look()
    found = [tree]
    for node in found:  # which grows meanwhile
        for value in node.args.values():
            if isinstance(value, exp.Expr):
                found.append(value)
            elif type(value) is list:
                found += [item for item in value if isinstance(item, exp.Expr)]
    return found


def copied(tree: E) -> E:
    """A copy of a tree. What meta holds (places, clauses) is not changed by anyone, so is shared.

    Does not recurse: chains may be very long.
    """
    look()
    root = type(tree)()
    waiting: list[tuple[exp.Expr, exp.Expr]] = [(tree, root)]
    while waiting:
        node, copy = waiting.pop()
        copy.meta.update(node.meta)
        for key, value in node.args.items():
            if isinstance(value, exp.Expr):
                copy.args[key] = made = _below(copy, key, value)
                waiting.append((value, made))
            elif type(value) is list:
                items: list[object] = []
                copy.args[key] = items
                for item in value:
                    if isinstance(item, exp.Expr):
                        made = _below(copy, key, item, len(items))
                        items.append(made)
                        waiting.append((item, made))
                    else:
                        items.append(item)
            else:
                copy.args[key] = value
    return root


def _below(parent: exp.Expr, key: str, like: exp.Expr, index: int | None = None) -> exp.Expr:
    """An empty node of the same class, below a parent."""
    made = type(like)()
    made.parent, made.arg_key, made.index = parent, key, index
    return made


class Bind(exp.Expression):
    """A bind parameter. `this` is an int (position from 0) or a str (name without prefix)."""

    arg_types = {"this": True}


class Hole(exp.Expression):
    """Where a relation stands that may be read in two ways. `this`: its number in the query."""

    arg_types = {"this": True}


class UnaryPlus(exp.Unary):
    """+x, which SQLite reads as x without its index and affinity."""


class Words(exp.Expression):
    """SQLite's own statement, word for word: keywords (exp.Var), marks and expressions in order.

    What scratch tables need is written again as it was read; only what stands inside it
    (names, expressions, queries) is understood.
    """

    arg_types = {"expressions": True}
