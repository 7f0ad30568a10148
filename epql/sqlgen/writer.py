"""The text of a node: which function writes it, and when it needs parentheses.

The modules beside this one fill WRITERS, each for its kinds of nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlglot import exp

from epql.engine.errors import InternalError
from epql.nodes import UnaryPlus

OR, AND, NOT, EQUALITY, INEQUALITY, BITS, SUM, PRODUCT, CHAIN, COLLATE, UNARY, ATOM = range(1, 13)
"""SQLite's precedence, loosest first."""

BINARY: dict[type[exp.Expr], tuple[str, int]] = {
    exp.Or: ("OR", OR),
    exp.And: ("AND", AND),
    exp.EQ: ("=", EQUALITY),
    exp.NEQ: ("<>", EQUALITY),
    exp.Is: ("IS", EQUALITY),
    exp.NullSafeEQ: ("IS NOT DISTINCT FROM", EQUALITY),
    exp.NullSafeNEQ: ("IS DISTINCT FROM", EQUALITY),
    exp.LT: ("<", INEQUALITY),
    exp.LTE: ("<=", INEQUALITY),
    exp.GT: (">", INEQUALITY),
    exp.GTE: (">=", INEQUALITY),
    exp.BitwiseAnd: ("&", BITS),
    exp.BitwiseOr: ("|", BITS),
    exp.BitwiseLeftShift: ("<<", BITS),
    exp.BitwiseRightShift: (">>", BITS),
    exp.Add: ("+", SUM),
    exp.Sub: ("-", SUM),
    exp.Mul: ("*", PRODUCT),
    exp.Div: ("/", PRODUCT),
    exp.Mod: ("%", PRODUCT),
    exp.DPipe: ("||", CHAIN),
    exp.JSONExtract: ("->", CHAIN),
    exp.JSONExtractScalar: ("->>", CHAIN),
}
MATCH: dict[type[exp.Expr], str] = {
    exp.Like: "LIKE",
    exp.Glob: "GLOB",
    exp.RegexpLike: "REGEXP",
    exp.Match: "MATCH",
}
NEGATED_INSIDE: tuple[type[exp.Expr], ...] = (exp.Is, exp.In, exp.Between, exp.Escape, *MATCH)
"""Predicates written x NOT IN … rather than NOT x IN …: the two bind differently."""

WRITERS: dict[type[exp.Expr], Callable[[exp.Expr], str]] = {}
"""How each kind of node is written."""


def sql(node: exp.Expr, least: int = 0) -> str:
    """The text of a node, in parentheses if it binds looser than its place asks for."""
    kind = type(node)
    write = WRITERS.get(kind)
    if write is None:
        raise InternalError(f"no SQL for {kind.__name__}", code="sqlgen.node")
    return write(node) if precedence(node) >= least else f"({write(node)})"


def precedence(node: exp.Expr) -> int:
    kind = type(node)
    if kind in BINARY:
        return BINARY[kind][1]
    if kind is exp.Not:
        return EQUALITY if isinstance(node.this, NEGATED_INSIDE) else NOT
    if kind in _PRECEDENCE:
        return _PRECEDENCE[kind]
    return ATOM


def only(node: exp.Expr, *known: str) -> None:
    """Refuse an argument that would be dropped."""
    for key, value in node.args.items():
        if key not in known and value is not None and value is not False and value != []:
            raise InternalError(
                f"no SQL for {key} of {type(node).__name__}", code="sqlgen.argument"
            )


def listed(nodes: Iterable[exp.Expr], least: int = 0) -> str:
    return ", ".join(sql(node, least) for node in nodes)


_PRECEDENCE: dict[type[exp.Expr], int] = {
    **dict.fromkeys((exp.Is, exp.In, exp.Between, exp.Escape, *MATCH), EQUALITY),
    exp.Collate: COLLATE,
    exp.Neg: UNARY,
    exp.BitwiseNot: UNARY,
    UnaryPlus: UNARY,
}
