"""Operators, predicates, literals, names."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

from sqlglot import exp

from epql.engine.errors import InternalError
from epql.nodes import Bind, Hole, UnaryPlus, Words
from epql.sqlgen.tokens import KEYWORDS, NUMBER, PLAIN_NAME, RESERVED, TYPE, quote_name, quote_text
from epql.sqlgen.writer import (
    BINARY,
    COLLATE,
    EQUALITY,
    INEQUALITY,
    MATCH,
    NEGATED_INSIDE,
    NOT,
    UNARY,
    WRITERS,
    listed,
    only,
    sql,
)


def _binary(node: exp.Expr) -> str:
    """Left-deep chains are written in a loop: they may be a thousand long."""
    word, level = BINARY[type(node)]
    parts: list[str] = []
    while type(node) in BINARY and BINARY[type(node)][1] == level:
        only(node, "this", "expression", "only_json_types", "safe", "typed")
        word = BINARY[type(node)][0]
        parts.append(f" {word} {sql(node.expression, level + 1)}")
        node = node.this
    parts.append(sql(node, level))
    return "".join(reversed(parts))


def _match(node: exp.Expr, negated: str = "") -> str:
    only(node, "this", "expression")
    word = MATCH[type(node)]
    left, right = sql(node.this, EQUALITY), sql(node.expression, INEQUALITY)
    return f"{left} {negated}{word} {right}"


def _escape(node: exp.Expr, negated: str = "") -> str:
    return f"{_match(node.this, negated)} ESCAPE {sql(node.expression, INEQUALITY)}"


def _is(node: exp.Expr, negated: str = "") -> str:
    left, right = sql(node.this, EQUALITY), sql(node.expression, INEQUALITY)
    return f"{left} IS {negated}{right}"


def _between(node: exp.Expr, negated: str = "") -> str:
    only(node, "this", "low", "high")
    this = sql(node.this, EQUALITY)
    low, high = (sql(node.args[key], INEQUALITY) for key in ("low", "high"))
    return f"{this} {negated}BETWEEN {low} AND {high}"


def _in(node: exp.Expr, negated: str = "") -> str:
    only(node, "this", "expressions", "query", "field")
    query, table = node.args.get("query"), node.args.get("field")
    if query is not None:
        inner = query.this if isinstance(query, exp.Subquery) else query
        among = f"({sql(inner)})"
    elif table is not None:
        among = sql(table)
    else:
        among = f"({listed(node.expressions)})"
    return f"{sql(node.this, EQUALITY)} {negated}IN {among}"


def _not(node: exp.Expr) -> str:
    inner = node.this
    if isinstance(inner, NEGATED_INSIDE):
        return _NEGATABLE[type(inner)](inner, "NOT ")
    return f"NOT {sql(inner, NOT)}"


def _sign(word: str) -> Callable[[exp.Expr], str]:
    def write(node: exp.Expr) -> str:
        inner = sql(node.this, UNARY)
        return f"{word} {inner}" if inner[:1] in "-+" else f"{word}{inner}"  # -- is a comment

    return write


def _collate(node: exp.Expr) -> str:
    name = node.expression
    return f"{sql(node.this, COLLATE)} COLLATE {name_of(name) if name.name else sql(name)}"


def _paren(node: exp.Expr) -> str:
    return f"({sql(node.this)})"


def _tuple(node: exp.Expr) -> str:
    return f"({listed(node.expressions)})"


def _case(node: exp.Expr) -> str:
    parts = ["CASE"]
    if node.args.get("this") is not None:
        parts.append(sql(node.this))
    for branch in node.args["ifs"]:
        parts.append(f"WHEN {sql(branch.this)} THEN {sql(branch.args['true'])}")
    if node.args.get("default") is not None:
        parts.append(f"ELSE {sql(node.args['default'])}")
    return " ".join([*parts, "END"])


def _cast(node: exp.Expr) -> str:
    only(node, "this", "to")
    return f"CAST({sql(node.this)} AS {sql(node.args['to'])})"


def _type(kind: exp.Expr) -> str:
    word = kind.args.get("kind", kind.this.value)
    word = word if isinstance(word, str) else word.name
    if not word:
        return ""
    word = str(word)
    is_plain = TYPE.match(word) and not KEYWORDS.intersection(word.upper().split())
    if not is_plain:  # only the letters count: they decide the affinity
        word = quote_name(word)
    return word


def _words(node: exp.Expr) -> str:
    return " ".join(sql(part) for part in node.expressions)


def _exists(node: exp.Expr) -> str:
    inner = node.this.this if isinstance(node.this, exp.Subquery) else node.this
    return f"EXISTS ({sql(inner)})"


def _literal(node: exp.Expr) -> str:
    value = node.this
    if node.args["is_string"]:
        return quote_text(value)
    if not NUMBER.match(str(value)):
        raise InternalError(f"{value!r} is not a number", code="sqlgen.number")
    return str(value)


def _blob(node: exp.Expr) -> str:
    if not re.fullmatch(r"(?:[0-9a-fA-F]{2})*", node.this):
        raise InternalError(f"{node.this!r} is not a blob", code="sqlgen.blob")
    return f"x'{node.this}'"


def _bind(node: exp.Expr) -> str:
    name = node.this
    return f":p{name}" if isinstance(name, int) else f":n_{name}"


def _hole(node: exp.Expr) -> str:
    return f"{HOLE}{node.this}{HOLE}"


HOLE = "\x00"
"""What stands around the number of a hole; no text of SQL can hold it."""


def name_of(node: exp.Expr) -> str:
    """A name as it was written, for SQLite may call a column of the answer so; else quoted.

    (The engine's connections never take "x" for a text: SQLITE_DBCONFIG_DQS_DML is off.)
    """
    name = node.name
    written: str | None = node.meta.get("written")
    if written is not None:
        return written
    is_plain = PLAIN_NAME.match(name) and name.upper() not in RESERVED
    return name if is_plain and not node.args.get("quoted") else quote_name(name)


def _column(node: exp.Expr) -> str:
    only(node, "this", "table", "db")
    parts = [node.args.get(key) for key in ("db", "table")]
    return (
        ".".join(name_of(part) for part in parts if part)
        + ("." if parts[1] else "")
        + ("*" if isinstance(node.this, exp.Star) else name_of(node.this))
    )


_NEGATABLE: dict[type[exp.Expr], Callable[[exp.Expr, str], str]] = {
    exp.Is: _is,
    exp.In: _in,
    exp.Between: _between,
    exp.Escape: _escape,
    **dict.fromkeys(MATCH, _match),
}

WRITERS |= {
    **dict.fromkeys(BINARY, _binary),
    **cast(Any, {kind: write for kind, write in _NEGATABLE.items() if kind is not exp.Is}),
    exp.BitwiseNot: _sign("~"),
    exp.Boolean: lambda node: "TRUE" if node.this else "FALSE",
    exp.Case: _case,
    exp.Cast: _cast,
    exp.Collate: _collate,
    exp.Column: _column,
    exp.CurrentDate: lambda node: "CURRENT_DATE",
    exp.CurrentTime: lambda node: "CURRENT_TIME",
    exp.CurrentTimestamp: lambda node: "CURRENT_TIMESTAMP",
    exp.DataType: _type,
    exp.Exists: _exists,
    exp.HexString: _blob,
    exp.Identifier: name_of,
    exp.Literal: _literal,
    exp.Neg: _sign("-"),
    exp.Not: _not,
    exp.Null: lambda node: "NULL",
    exp.Paren: _paren,
    exp.Star: lambda node: "*",
    exp.Tuple: _tuple,
    exp.Var: lambda node: str(node.this),
    Bind: _bind,
    Hole: _hole,
    UnaryPlus: _sign("+"),
    Words: _words,
}
