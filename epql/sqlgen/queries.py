"""SELECT and all its parts."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from epql.sqlgen.expressions import name_of
from epql.sqlgen.writer import WRITERS, listed, only, sql

_SET_OPERATIONS: dict[type[exp.Expr], str] = {
    exp.Union: "UNION",
    exp.Intersect: "INTERSECT",
    exp.Except: "EXCEPT",
}


def _select(node: exp.Expr) -> str:
    only(
        node, "with_", "expressions", "distinct", "from_", "joins", "where", "group", "having",
        "windows", "order", "limit", "offset",
    )  # fmt: skip
    parts = [sql(node.args["with_"])] if node.args.get("with_") else []
    if _is_values(node):
        return " ".join([*parts, f"VALUES {listed(node.args['from_'].this.expressions)}"])
    distinct = "DISTINCT " if node.args.get("distinct") else ""
    parts.append(f"SELECT {distinct}{listed(node.expressions)}")
    if node.args.get("from_") is not None:
        parts.append(f"FROM {sql(node.args['from_'].this)}{_joins(node)}")
    for key in ("where", "group", "having"):
        if node.args.get(key) is not None:
            parts.append(sql(node.args[key]))
    if node.args.get("windows"):
        parts.append(f"WINDOW {listed(node.args['windows'])}")
    return " ".join([*parts, *_tail(node)])


def _is_values(node: exp.Expr) -> bool:
    """VALUES on its own: in a compound it leaves the collation to the next branch."""
    return bool(node.meta.get("values")) and not any(
        node.args.get(key) for key in ("order", "limit", "offset")
    )


def _tail(node: exp.Expr) -> list[str]:
    """ORDER BY, LIMIT and OFFSET, which SQLite has only after a LIMIT."""
    parts: list[str] = []
    limit, offset = node.args.get("limit"), node.args.get("offset")
    if node.args.get("order") is not None:
        parts.append(sql(node.args["order"]))
    if limit is not None or offset is not None:
        parts.append(f"LIMIT {sql(limit.expression) if limit is not None else '-1'}")
    if offset is not None:
        parts.append(f"OFFSET {sql(offset.expression)}")
    return parts


def _joins(node: exp.Expr) -> str:
    return "".join(sql(join) for join in node.args.get("joins") or ())


def _join(node: exp.Expr) -> str:
    only(node, "this", "on", "side", "kind", "using", "method")
    condition = ""
    if node.args.get("on") is not None:
        condition = f" ON {sql(node.args['on'])}"
    elif node.args.get("using"):
        condition = f" USING ({', '.join(name_of(item) for item in node.args['using'])})"
    words = [node.args[key].upper() for key in ("method", "side", "kind") if node.args.get(key)]
    if not words and not condition:
        return f", {sql(node.this)}"
    return f" {' '.join([*words, 'JOIN'])} {sql(node.this)}{condition}"


def _set_operation(node: exp.Expr) -> str:
    top = node
    parts: list[str] = []
    tail = _tail(top)
    while True:
        only(node, "with_", "this", "expression", "distinct", "order", "limit", "offset")
        word = _SET_OPERATIONS[type(node)]
        word = word if node.args.get("distinct") is not False or word != "UNION" else "UNION ALL"
        is_last = node is top
        parts.append(f" {word} {_branch(node.expression, is_open=not (is_last and tail))}")
        node = node.this
        if not isinstance(node, exp.SetOperation) or _is_closed(node):
            break
    parts.append(_branch(node))
    head = [sql(top.args["with_"])] if top.args.get("with_") else []
    return " ".join([*head, "".join(reversed(parts)), *tail])


def _is_closed(node: exp.Expr) -> bool:
    """Whether a query has parts that SQLite allows only around a whole compound."""
    return any(node.args.get(key) for key in ("with_", "order", "limit", "offset"))


def _branch(node: exp.Expr, *, is_open: bool = True) -> str:
    """A branch; after VALUES (which is not `is_open`) SQLite has no ORDER BY and no LIMIT."""
    if isinstance(node, exp.Select) and not _is_closed(node) and (is_open or not _is_values(node)):
        return sql(node)
    inner = node.this if isinstance(node, exp.Subquery) else node
    return f"SELECT * FROM ({sql(inner)})"


def _with(node: exp.Expr) -> str:
    only(node, "expressions", "recursive")
    return f"WITH {'RECURSIVE ' if node.args.get('recursive') else ''}{listed(node.expressions)}"


def _cte(node: exp.Expr) -> str:
    only(node, "this", "alias", "materialized")
    alias = node.args["alias"]
    columns = alias.args.get("columns") or ()
    names = f"({', '.join(name_of(column) for column in columns)})" if columns else ""
    hint = _MATERIALIZED[node.args.get("materialized")]
    return f"{name_of(alias.this)}{names} AS {hint}({sql(node.this)})"


_MATERIALIZED = {None: "", True: "MATERIALIZED ", False: "NOT MATERIALIZED "}


def _values(node: exp.Expr) -> str:
    only(node, "expressions", "alias", "joins")
    return f"(VALUES {listed(node.expressions)}){_alias_of(node)}{_joins(node)}"


def _table(node: exp.Expr) -> str:
    only(node, "this", "db", "alias", "joins", "indexed")
    schema = f"{name_of(node.args['db'])}." if node.args.get("db") else ""
    is_name = isinstance(node.this, exp.Identifier)
    this = name_of(node.this) if is_name else sql(node.this)
    indexed = f" {sql(node.args['indexed'])}" if node.args.get("indexed") else ""
    return f"{schema}{this}{_alias_of(node)}{indexed}{_joins(node)}"


def _indexed(node: exp.Expr) -> str:
    return "NOT INDEXED" if isinstance(node.this, exp.Null) else f"INDEXED BY {name_of(node.this)}"


def _subquery(node: exp.Expr) -> str:
    only(node, "this", "alias", "joins")
    return f"({sql(node.this)}){_alias_of(node)}{_joins(node)}"


def _alias_of(node: exp.Expr) -> str:
    alias = node.args.get("alias")
    if alias is None:
        return ""
    if isinstance(alias, exp.TableAlias):
        only(alias, "this")
        alias = alias.this
    return f" AS {name_of(alias)}"


def _alias(node: exp.Expr) -> str:
    return f"{sql(node.this)} AS {name_of(node.args['alias'])}"


def _order(node: exp.Expr) -> str:
    return f"ORDER BY {listed(node.expressions)}"


def _ordered(node: exp.Expr) -> str:
    """NULLS is written only where the tree asks for other than SQLite's own order."""
    text = sql(node.this) + (" DESC" if node.args.get("desc") else "")
    first = node.args.get("nulls_first")
    if first is None or bool(first) is not bool(node.args.get("desc")):
        return text
    return f"{text} NULLS {'FIRST' if first else 'LAST'}"


def _after(word: str) -> Callable[[exp.Expr], str]:
    return lambda node: f"{word} {sql(node.this)}"


WRITERS |= {
    **dict.fromkeys(_SET_OPERATIONS, _set_operation),
    exp.Alias: _alias,
    exp.CTE: _cte,
    exp.From: _after("FROM"),
    exp.Group: lambda node: f"GROUP BY {listed(node.expressions)}",
    exp.Having: _after("HAVING"),
    exp.IndexTableHint: _indexed,
    exp.Join: _join,
    exp.Order: _order,
    exp.Ordered: _ordered,
    exp.Select: _select,
    exp.Subquery: _subquery,
    exp.Table: _table,
    exp.Values: _values,
    exp.Where: _after("WHERE"),
    exp.With: _with,
}
