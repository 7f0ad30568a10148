"""Expressions to SQLite's SQL, exactly.

sqlglot's own SQLite generator serves many dialects and sometimes changes what a text means in
SQLite (NUMERIC becomes REAL, functions are renamed, IS loses its second operand's kind). This
one writes what the tree says: parentheses where precedence asks for them, every name and
text quoted so that it cannot be anything else, and an InternalError for a node or an argument
it does not know, so that nothing is dropped in silence.

Not here: what a query means (plan); what parameters hold (`Bind` is written as its name).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, cast

from sqlglot import exp

from epql.engine.errors import InternalError, ProgrammingError
from epql.nodes import Bind, UnaryPlus, Words

OR, AND, NOT, EQUALITY, INEQUALITY, BITS, SUM, PRODUCT, CHAIN, COLLATE, UNARY, ATOM = range(1, 13)
"""SQLite's precedence, loosest first."""

_BINARY: dict[type[exp.Expr], tuple[str, int]] = {
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
_MATCH: dict[type[exp.Expr], str] = {
    exp.Like: "LIKE",
    exp.Glob: "GLOB",
    exp.RegexpLike: "REGEXP",
    exp.Match: "MATCH",
}
_NEGATED_INSIDE: tuple[type[exp.Expr], ...] = (exp.Is, exp.In, exp.Between, exp.Escape, *_MATCH)
"""Predicates written x NOT IN … rather than NOT x IN …: the two bind differently."""
_SET_OPERATIONS: dict[type[exp.Expr], str] = {
    exp.Union: "UNION",
    exp.Intersect: "INTERSECT",
    exp.Except: "EXCEPT",
}
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

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NUMBER = re.compile(
    r"(?:0[xX][0-9a-fA-F]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\Z"
)
_TYPE = re.compile(r"[A-Za-z_][\w ]*(?:\([-+]?[\d.]+(?:,[-+]?[\d.]+)?\))?\Z", re.ASCII)

_KEYWORDS = """
    ABORT ACTION ADD AFTER ALL ALTER ALWAYS ANALYZE AND AS ASC ATTACH AUTOINCREMENT BEFORE BEGIN
    BETWEEN BY CASCADE CASE CAST CHECK COLLATE COLUMN COMMIT CONFLICT CONSTRAINT CREATE CROSS
    CURRENT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP DATABASE DEFAULT DEFERRABLE DEFERRED
    DELETE DESC DETACH DISTINCT DO DROP EACH ELSE END ESCAPE EXCEPT EXCLUDE EXCLUSIVE EXISTS
    EXPLAIN FAIL FALSE FILTER FIRST FOLLOWING FOR FOREIGN FROM FULL GENERATED GLOB GROUP GROUPS
    HAVING IF IGNORE IMMEDIATE IN INDEX INDEXED INITIALLY INNER INSERT INSTEAD INTERSECT INTO IS
    ISNULL JOIN KEY LAST LEFT LIKE LIMIT MATCH MATERIALIZED NATURAL NO NOT NOTHING NOTNULL NULL
    NULLS OF OFFSET ON OR ORDER OTHERS OUTER OVER PARTITION PLAN PRAGMA PRECEDING PRIMARY QUERY
    RAISE RANGE RECURSIVE REFERENCES REGEXP REINDEX RELEASE RENAME REPLACE RESTRICT RETURNING
    RIGHT ROLLBACK ROW ROWS SAVEPOINT SELECT SET TABLE TEMP TEMPORARY THEN TIES TO TRANSACTION
    TRIGGER TRUE UNBOUNDED UNION UNIQUE UPDATE USING VACUUM VALUES VIEW VIRTUAL WHEN WHERE WINDOW
    WITH WITHIN WITHOUT
"""
KEYWORDS = frozenset(_KEYWORDS.split())
"""SQLite's keywords; a name spelt like one is quoted, but for those that it takes as names."""
_TAKEN_AS_NAMES = """
    ABORT ACTION AFTER ANALYZE ATTACH BEFORE BEGIN CASCADE COLUMN CONFLICT DATABASE DEFERRED DETACH
    DO EACH EXCLUSIVE EXPLAIN FAIL FOR IGNORE IMMEDIATE INITIALLY INSTEAD KEY NO OFFSET PLAN PRAGMA
    QUERY REINDEX RELEASE RENAME RESTRICT ROLLBACK ROW SAVEPOINT TEMP TEMPORARY TRIGGER VACUUM VIEW
    VIRTUAL
"""
_RESERVED = KEYWORDS - frozenset(_TAKEN_AS_NAMES.split())


def to_sqlite(expression: exp.Expr) -> str:
    """The SQL text of an expression or query. Parameters are :p0 … and :n_name.

    Raises: InternalError sqlgen.* for what SQLite has no words for.

    >>> from epql.parse import parse
    >>> to_sqlite(parse("SELECT a IS NOT ? FROM t").statement.select)
    'SELECT a IS NOT :p0 FROM t'
    """
    try:
        return _sql(expression)
    except RecursionError:
        raise ProgrammingError(
            "the statement is nested too deep",
            code="parse.too_deep",
            hint="split it, for instance with WITH",
        ) from None


def quote_name(name: str) -> str:
    """A name that can only be a name, whatever the connection takes "x" for."""
    return "`" + name.replace("`", "``") + "`"


def quote_text(value: str) -> str:
    """A text literal; SQL text ends at a NUL, so one with a NUL is written as bytes."""
    if "\0" in value:
        return f"CAST(x'{value.encode().hex()}' AS TEXT)"
    return "'" + value.replace("'", "''") + "'"


# ---------------------------------------------------------------- expressions


def _sql(node: exp.Expr, least: int = 0) -> str:
    """The text of a node, in parentheses if it binds looser than its place asks for."""
    kind = type(node)
    write = _WRITERS.get(kind)
    if write is None:
        raise InternalError(f"no SQL for {kind.__name__}", code="sqlgen.node")
    return write(node) if _precedence(node) >= least else f"({write(node)})"


def _precedence(node: exp.Expr) -> int:
    kind = type(node)
    if kind in _BINARY:
        return _BINARY[kind][1]
    if kind is exp.Not:
        return EQUALITY if isinstance(node.this, _NEGATED_INSIDE) else NOT
    if kind in _PRECEDENCE:
        return _PRECEDENCE[kind]
    return ATOM


def _only(node: exp.Expr, *known: str) -> None:
    """Refuse an argument that would be dropped."""
    for key, value in node.args.items():
        if key not in known and value is not None and value is not False and value != []:
            raise InternalError(
                f"no SQL for {key} of {type(node).__name__}", code="sqlgen.argument"
            )


def _list(nodes: Iterable[exp.Expr], least: int = 0) -> str:
    return ", ".join(_sql(node, least) for node in nodes)


def _binary(node: exp.Expr) -> str:
    """Left-deep chains are written in a loop: they may be a thousand long."""
    word, level = _BINARY[type(node)]
    parts: list[str] = []
    while type(node) in _BINARY and _BINARY[type(node)][1] == level:
        _only(node, "this", "expression", "only_json_types", "safe", "typed")
        word = _BINARY[type(node)][0]
        parts.append(f" {word} {_sql(node.expression, level + 1)}")
        node = node.this
    parts.append(_sql(node, level))
    return "".join(reversed(parts))


def _match(node: exp.Expr, negated: str = "") -> str:
    _only(node, "this", "expression")
    word = _MATCH[type(node)]
    left, right = _sql(node.this, EQUALITY), _sql(node.expression, INEQUALITY)
    return f"{left} {negated}{word} {right}"


def _escape(node: exp.Expr, negated: str = "") -> str:
    return f"{_match(node.this, negated)} ESCAPE {_sql(node.expression, INEQUALITY)}"


def _is(node: exp.Expr, negated: str = "") -> str:
    left, right = _sql(node.this, EQUALITY), _sql(node.expression, INEQUALITY)
    return f"{left} IS {negated}{right}"


def _between(node: exp.Expr, negated: str = "") -> str:
    _only(node, "this", "low", "high")
    this = _sql(node.this, EQUALITY)
    low, high = (_sql(node.args[key], INEQUALITY) for key in ("low", "high"))
    return f"{this} {negated}BETWEEN {low} AND {high}"


def _in(node: exp.Expr, negated: str = "") -> str:
    _only(node, "this", "expressions", "query", "field")
    query, table = node.args.get("query"), node.args.get("field")
    if query is not None:
        inner = query.this if isinstance(query, exp.Subquery) else query
        among = f"({_sql(inner)})"
    elif table is not None:
        among = _sql(table)
    else:
        among = f"({_list(node.expressions)})"
    return f"{_sql(node.this, EQUALITY)} {negated}IN {among}"


def _not(node: exp.Expr) -> str:
    inner = node.this
    if isinstance(inner, _NEGATED_INSIDE):
        return _NEGATABLE[type(inner)](inner, "NOT ")
    return f"NOT {_sql(inner, NOT)}"


def _sign(word: str) -> Callable[[exp.Expr], str]:
    def write(node: exp.Expr) -> str:
        inner = _sql(node.this, UNARY)
        return f"{word} {inner}" if inner[:1] in "-+" else f"{word}{inner}"  # -- is a comment

    return write


def _collate(node: exp.Expr) -> str:
    name = node.expression
    return f"{_sql(node.this, COLLATE)} COLLATE {_name(name) if name.name else _sql(name)}"


def _paren(node: exp.Expr) -> str:
    return f"({_sql(node.this)})"


def _tuple(node: exp.Expr) -> str:
    return f"({_list(node.expressions)})"


def _case(node: exp.Expr) -> str:
    parts = ["CASE"]
    if node.args.get("this") is not None:
        parts.append(_sql(node.this))
    for branch in node.args["ifs"]:
        parts.append(f"WHEN {_sql(branch.this)} THEN {_sql(branch.args['true'])}")
    if node.args.get("default") is not None:
        parts.append(f"ELSE {_sql(node.args['default'])}")
    return " ".join([*parts, "END"])


def _cast(node: exp.Expr) -> str:
    _only(node, "this", "to")
    return f"CAST({_sql(node.this)} AS {_sql(node.args['to'])})"


def _type(kind: exp.Expr) -> str:
    word = kind.args.get("kind", kind.this.value)
    word = word if isinstance(word, str) else word.name
    if not word:
        return ""
    word = str(word)
    is_plain = _TYPE.match(word) and not KEYWORDS.intersection(word.upper().split())
    if not is_plain:  # only the letters count: they decide the affinity
        word = quote_name(word)
    return word


def _words(node: exp.Expr) -> str:
    return " ".join(_sql(part) for part in node.expressions)


def _exists(node: exp.Expr) -> str:
    inner = node.this.this if isinstance(node.this, exp.Subquery) else node.this
    return f"EXISTS ({_sql(inner)})"


def _literal(node: exp.Expr) -> str:
    value = node.this
    if node.args["is_string"]:
        return quote_text(value)
    if not _NUMBER.match(str(value)):
        raise InternalError(f"{value!r} is not a number", code="sqlgen.number")
    return str(value)


def _blob(node: exp.Expr) -> str:
    if not re.fullmatch(r"(?:[0-9a-fA-F]{2})*", node.this):
        raise InternalError(f"{node.this!r} is not a blob", code="sqlgen.blob")
    return f"x'{node.this}'"


def _bind(node: exp.Expr) -> str:
    name = node.this
    return f":p{name}" if isinstance(name, int) else f":n_{name}"


def _name(node: exp.Expr) -> str:
    """A name as it was written, for SQLite may call a column of the answer so; else quoted.

    (The engine's connections never take "x" for a text: SQLITE_DBCONFIG_DQS_DML is off.)
    """
    name = node.name
    written: str | None = node.meta.get("written")
    if written is not None:
        return written
    is_plain = _PLAIN_NAME.match(name) and name.upper() not in _RESERVED
    return name if is_plain and not node.args.get("quoted") else quote_name(name)


def _column(node: exp.Expr) -> str:
    _only(node, "this", "table", "db")
    parts = [node.args.get(key) for key in ("db", "table")]
    return (
        ".".join(_name(part) for part in parts if part)
        + ("." if parts[1] else "")
        + ("*" if isinstance(node.this, exp.Star) else _name(node.this))
    )


# ---------------------------------------------------------------- calls


def _call(name: str, arguments: list[exp.Expr]) -> str:
    order = ""
    if arguments and isinstance(arguments[-1], exp.Order):  # count(x ORDER BY y)
        order = f" {_sql(arguments[-1])}"
        arguments = arguments[:-1]
    return f"{name}({_list(arguments)}{order})"


def _anonymous(node: exp.Expr) -> str:
    name = node.this if isinstance(node.this, str) else node.this.name
    is_plain = _PLAIN_NAME.match(name) and name.upper() not in _NOT_FUNCTIONS
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
    _only(node, "expressions")
    return f"DISTINCT {_list(node.expressions)}".rstrip()


def _filter(node: exp.Expr) -> str:
    return f"{_sql(node.this)} FILTER ({_sql(node.expression)})"


def _window(node: exp.Expr) -> str:
    _only(node, "this", "partition_by", "order", "spec", "alias", "over")
    definition = _definition(node)
    alias = node.args.get("alias")
    if isinstance(node.this, exp.Identifier):
        return f"{_name(node.this)} AS ({definition})"
    if alias is not None and definition == _name(alias):
        return f"{_sql(node.this)} OVER {definition}"
    return f"{_sql(node.this)} OVER ({definition})"


def _definition(node: exp.Expr) -> str:
    parts: list[str] = []
    if node.args.get("alias") is not None:
        parts.append(_name(node.args["alias"]))
    if node.args.get("partition_by"):
        parts.append(f"PARTITION BY {_list(node.args['partition_by'])}")
    for key in ("order", "spec"):
        if node.args.get(key) is not None:
            parts.append(_sql(node.args[key]))
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
    text = bound.upper() if isinstance(bound, str) else _sql(bound)
    return f"{text} {side.upper()}" if side else text


# ---------------------------------------------------------------- queries


def _select(node: exp.Expr) -> str:
    _only(
        node, "with_", "expressions", "distinct", "from_", "joins", "where", "group", "having",
        "windows", "order", "limit", "offset",
    )  # fmt: skip
    parts = [_sql(node.args["with_"])] if node.args.get("with_") else []
    if _is_values(node):
        return " ".join([*parts, f"VALUES {_list(node.args['from_'].this.expressions)}"])
    distinct = "DISTINCT " if node.args.get("distinct") else ""
    parts.append(f"SELECT {distinct}{_list(node.expressions)}")
    if node.args.get("from_") is not None:
        parts.append(f"FROM {_sql(node.args['from_'].this)}{_joins(node)}")
    for key in ("where", "group", "having"):
        if node.args.get(key) is not None:
            parts.append(_sql(node.args[key]))
    if node.args.get("windows"):
        parts.append(f"WINDOW {_list(node.args['windows'])}")
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
        parts.append(_sql(node.args["order"]))
    if limit is not None or offset is not None:
        parts.append(f"LIMIT {_sql(limit.expression) if limit is not None else '-1'}")
    if offset is not None:
        parts.append(f"OFFSET {_sql(offset.expression)}")
    return parts


def _joins(node: exp.Expr) -> str:
    return "".join(_sql(join) for join in node.args.get("joins") or ())


def _join(node: exp.Expr) -> str:
    _only(node, "this", "on", "side", "kind", "using", "method")
    condition = ""
    if node.args.get("on") is not None:
        condition = f" ON {_sql(node.args['on'])}"
    elif node.args.get("using"):
        condition = f" USING ({', '.join(_name(item) for item in node.args['using'])})"
    words = [node.args[key].upper() for key in ("method", "side", "kind") if node.args.get(key)]
    if not words and not condition:
        return f", {_sql(node.this)}"
    return f" {' '.join([*words, 'JOIN'])} {_sql(node.this)}{condition}"


def _set_operation(node: exp.Expr) -> str:
    top = node
    parts: list[str] = []
    tail = _tail(top)
    while True:
        _only(node, "with_", "this", "expression", "distinct", "order", "limit", "offset")
        word = _SET_OPERATIONS[type(node)]
        word = word if node.args.get("distinct") is not False or word != "UNION" else "UNION ALL"
        is_last = node is top
        parts.append(f" {word} {_branch(node.expression, is_open=not (is_last and tail))}")
        node = node.this
        if not isinstance(node, exp.SetOperation) or _is_closed(node):
            break
    parts.append(_branch(node))
    head = [_sql(top.args["with_"])] if top.args.get("with_") else []
    return " ".join([*head, "".join(reversed(parts)), *tail])


def _is_closed(node: exp.Expr) -> bool:
    """Whether a query has parts that SQLite allows only around a whole compound."""
    return any(node.args.get(key) for key in ("with_", "order", "limit", "offset"))


def _branch(node: exp.Expr, *, is_open: bool = True) -> str:
    """A branch; after VALUES (which is not `is_open`) SQLite has no ORDER BY and no LIMIT."""
    if isinstance(node, exp.Select) and not _is_closed(node) and (is_open or not _is_values(node)):
        return _sql(node)
    inner = node.this if isinstance(node, exp.Subquery) else node
    return f"SELECT * FROM ({_sql(inner)})"


def _with(node: exp.Expr) -> str:
    _only(node, "expressions", "recursive")
    return f"WITH {'RECURSIVE ' if node.args.get('recursive') else ''}{_list(node.expressions)}"


def _cte(node: exp.Expr) -> str:
    _only(node, "this", "alias", "materialized")
    alias = node.args["alias"]
    columns = alias.args.get("columns") or ()
    names = f"({', '.join(_name(column) for column in columns)})" if columns else ""
    hint = _MATERIALIZED[node.args.get("materialized")]
    return f"{_name(alias.this)}{names} AS {hint}({_sql(node.this)})"


_MATERIALIZED = {None: "", True: "MATERIALIZED ", False: "NOT MATERIALIZED "}


def _values(node: exp.Expr) -> str:
    _only(node, "expressions", "alias", "joins")
    return f"(VALUES {_list(node.expressions)}){_alias_of(node)}{_joins(node)}"


def _table(node: exp.Expr) -> str:
    _only(node, "this", "db", "alias", "joins", "indexed")
    schema = f"{_name(node.args['db'])}." if node.args.get("db") else ""
    this = _sql(node.this) if isinstance(node.this, exp.Func) else _name(node.this)
    indexed = f" {_sql(node.args['indexed'])}" if node.args.get("indexed") else ""
    return f"{schema}{this}{_alias_of(node)}{indexed}{_joins(node)}"


def _indexed(node: exp.Expr) -> str:
    return "NOT INDEXED" if isinstance(node.this, exp.Null) else f"INDEXED BY {_name(node.this)}"


def _subquery(node: exp.Expr) -> str:
    _only(node, "this", "alias", "joins")
    return f"({_sql(node.this)}){_alias_of(node)}{_joins(node)}"


def _alias_of(node: exp.Expr) -> str:
    alias = node.args.get("alias")
    if alias is None:
        return ""
    if isinstance(alias, exp.TableAlias):
        _only(alias, "this")
        alias = alias.this
    return f" AS {_name(alias)}"


def _alias(node: exp.Expr) -> str:
    return f"{_sql(node.this)} AS {_name(node.args['alias'])}"


def _order(node: exp.Expr) -> str:
    return f"ORDER BY {_list(node.expressions)}"


def _ordered(node: exp.Expr) -> str:
    """NULLS is written only where the tree asks for other than SQLite's own order."""
    text = _sql(node.this) + (" DESC" if node.args.get("desc") else "")
    first = node.args.get("nulls_first")
    if first is None or bool(first) is not bool(node.args.get("desc")):
        return text
    return f"{text} NULLS {'FIRST' if first else 'LAST'}"


def _word(word: str) -> Callable[[exp.Expr], str]:
    return lambda node: word


def _after(word: str) -> Callable[[exp.Expr], str]:
    return lambda node: f"{word} {_sql(node.this)}"


_NEGATABLE: dict[type[exp.Expr], Callable[[exp.Expr, str], str]] = {
    exp.Is: _is,
    exp.In: _in,
    exp.Between: _between,
    exp.Escape: _escape,
    **dict.fromkeys(_MATCH, _match),
}
_PRECEDENCE: dict[type[exp.Expr], int] = {
    **dict.fromkeys(_NEGATABLE, EQUALITY),
    exp.Collate: COLLATE,
    exp.Neg: UNARY,
    exp.BitwiseNot: UNARY,
    UnaryPlus: UNARY,
}
_WRITERS: dict[type[exp.Expr], Callable[[exp.Expr], str]] = {
    **dict.fromkeys(_BINARY, _binary),
    **dict.fromkeys(_SET_OPERATIONS, _set_operation),
    **dict.fromkeys(_FUNCTIONS, _function),
    **cast(Any, {kind: write for kind, write in _NEGATABLE.items() if kind is not exp.Is}),
    exp.Alias: _alias,
    exp.Anonymous: _anonymous,
    exp.BitwiseNot: _sign("~"),
    exp.Boolean: lambda node: "TRUE" if node.this else "FALSE",
    exp.CTE: _cte,
    exp.Case: _case,
    exp.Cast: _cast,
    exp.Collate: _collate,
    exp.Column: _column,
    exp.CurrentDate: _word("CURRENT_DATE"),
    exp.CurrentTime: _word("CURRENT_TIME"),
    exp.CurrentTimestamp: _word("CURRENT_TIMESTAMP"),
    exp.DataType: _type,
    exp.Distinct: _distinct,
    exp.Exists: _exists,
    exp.Filter: _filter,
    exp.From: _after("FROM"),
    exp.Group: lambda node: f"GROUP BY {_list(node.expressions)}",
    exp.Having: _after("HAVING"),
    exp.HexString: _blob,
    exp.Identifier: _name,
    exp.IndexTableHint: _indexed,
    exp.Join: _join,
    exp.Literal: _literal,
    exp.Neg: _sign("-"),
    exp.Not: _not,
    exp.Null: _word("NULL"),
    exp.Order: _order,
    exp.Ordered: _ordered,
    exp.Paren: _paren,
    exp.Select: _select,
    exp.Star: _word("*"),
    exp.Subquery: _subquery,
    exp.Table: _table,
    exp.Tuple: _tuple,
    exp.Values: _values,
    exp.Var: lambda node: str(node.this),
    exp.Where: _after("WHERE"),
    exp.Window: _window,
    exp.WindowSpec: _frame,
    exp.With: _with,
    Bind: _bind,
    UnaryPlus: _sign("+"),
    Words: _words,
}
