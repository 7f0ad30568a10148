"""Functions, aggregates and windows."""

from __future__ import annotations

from sqlglot import exp

from epql.sqlgen.expressions import name_of
from epql.sqlgen.tokens import KEYWORDS, PLAIN_NAME, quote_name
from epql.sqlgen.writer import WRITERS, listed, only, sql

_FUNCTIONS: dict[type[exp.Expr], str] = {
    exp.Abs: "abs",
    exp.Avg: "avg",
    exp.Coalesce: "coalesce",
    exp.Count: "count",
    exp.If: "iif",
    exp.Length: "length",
    exp.Lower: "lower",
    exp.Max: "max",
    exp.Min: "min",
    exp.Nullif: "nullif",
    exp.Sum: "sum",
    exp.Upper: "upper",
}
"""sqlglot's own function nodes that keep their order of arguments in SQLite."""


def _call(name: str, arguments: list[exp.Expr]) -> str:
    order = ""
    if arguments and isinstance(arguments[-1], exp.Order):  # count(x ORDER BY y)
        order = f" {sql(arguments[-1])}"
        arguments = arguments[:-1]
    return f"{name}({listed(arguments)}{order})"


def _anonymous(node: exp.Expr) -> str:
    name = node.this if isinstance(node.this, str) else node.this.name
    is_plain = PLAIN_NAME.match(name) and name.upper() not in _NOT_FUNCTIONS
    return _call(name if is_plain else quote_name(name), node.expressions)


_NOT_FUNCTIONS = KEYWORDS - {"GLOB", "LIKE", "MATCH", "REGEXP", "REPLACE", "IF", "LAST", "FIRST"}


def _function(node: exp.Expr) -> str:
    arguments: list[exp.Expr] = []
    for value in node.args.values():
        if isinstance(value, exp.Expr):
            arguments.append(value)
        elif isinstance(value, list):
            arguments.extend(value)
    return _call(_FUNCTIONS[type(node)], arguments)


def _distinct(node: exp.Expr) -> str:
    only(node, "expressions")
    return f"DISTINCT {listed(node.expressions)}".rstrip()


def _filter(node: exp.Expr) -> str:
    return f"{sql(node.this)} FILTER ({sql(node.expression)})"


def _window(node: exp.Expr) -> str:
    only(node, "this", "partition_by", "order", "spec", "alias", "over")
    definition = _definition(node)
    alias = node.args.get("alias")
    if isinstance(node.this, exp.Identifier):
        return f"{name_of(node.this)} AS ({definition})"
    if alias is not None and definition == name_of(alias):
        return f"{sql(node.this)} OVER {definition}"
    return f"{sql(node.this)} OVER ({definition})"


def _definition(node: exp.Expr) -> str:
    parts: list[str] = []
    if node.args.get("alias") is not None:
        parts.append(name_of(node.args["alias"]))
    if node.args.get("partition_by"):
        parts.append(f"PARTITION BY {listed(node.args['partition_by'])}")
    for key in ("order", "spec"):
        if node.args.get(key) is not None:
            parts.append(sql(node.args[key]))
    return " ".join(parts)


def _frame(node: exp.Expr) -> str:
    start = _bound(node, "start")
    end = _bound(node, "end")
    text = f"{node.args['kind'].upper()} " + (f"BETWEEN {start} AND {end}" if end else start)
    exclude = node.args.get("exclude")
    return f"{text} EXCLUDE {exclude.name.upper()}" if exclude is not None else text


def _bound(node: exp.Expr, key: str) -> str:
    bound, side = node.args.get(key), node.args.get(f"{key}_side")
    if bound is None:
        return ""
    text = bound.upper() if isinstance(bound, str) else sql(bound)
    return f"{text} {side.upper()}" if side else text


WRITERS |= {
    **dict.fromkeys(_FUNCTIONS, _function),
    exp.Anonymous: _anonymous,
    exp.Distinct: _distinct,
    exp.Filter: _filter,
    exp.Window: _window,
    exp.WindowSpec: _frame,
}
