"""The names of a query's columns, and what is said of a name that is unknown.

The names of a compared answer must be known while it is planned. A column is called what its
alias or its text says; what a star stands for, SQLite is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from sqlglot import exp

from epql.engine.errors import ProgrammingError, Span
from epql.engine.reading import UnknownName
from epql.engine.vtab.register import RELATIONS
from epql.nodes import Words, copied
from epql.plan import catalog
from epql.sqlgen import to_sqlite


class ColumnsOf(Protocol):
    """Asks SQLite for the names of the columns that SQL gives."""

    def __call__(self, sql: str, /) -> list[str]: ...


# ---------------------------------------------------------------- what columns are called


def names_of(query: exp.Query, around: Sequence[exp.CTE], ask: ColumnsOf) -> list[str]:
    """The names of the columns of a query, as SQLite calls them.

    `around`: the common tables of the queries around it. Raises: what `ask` raises.
    """
    while not isinstance(query, exp.Select):
        around = [*around, *_ctes(query)]
        query = query.this
    around = [*around, *_ctes(query)]
    names: list[str] = []
    for item in query.expressions:
        is_star = isinstance(item, exp.Star) or isinstance(item.this, exp.Star)
        names += ask(_star(query, item, around)) if is_star else [item.alias_or_name]
    return names


def _ctes(query: exp.Query) -> list[exp.CTE]:
    with_ = query.args.get("with_")
    return [] if with_ is None else list(with_.expressions)


def _star(query: exp.Select, item: exp.Expr, around: Sequence[exp.CTE]) -> str:
    """SQL that has the columns of a star alone: conditions and arguments may look outwards."""
    asked = exp.Select(expressions=[copied(item)])
    for part in ("from_", "joins"):
        value = query.args.get(part)
        if isinstance(value, list):
            asked.set(part, [copied(one) for one in value])
        elif value is not None:
            asked.set(part, copied(value))
    for join in asked.args.get("joins") or ():
        join.set("on", None)
    for table in asked.find_all(exp.Table):
        if isinstance(table.this, exp.Anonymous):
            given = [one for one in table.this.expressions if not one.find(exp.Column)]
            table.this.set("expressions", given)
    if around:
        copies = [copied(cte) for cte in around]
        asked.set("with_", exp.With(expressions=copies, recursive=True))
    return to_sqlite(asked)


# ---------------------------------------------------------------- names that are unknown


class Place(NamedTuple):
    """Where a query's text names something.

    `view`: the view whose text it is. `is_text`: a text may have been meant, since the name has
    double quotes, or is compared with a column on its left.
    """

    name: str
    span: Span
    view: str | None
    is_text: bool = False


class Mentioned(NamedTuple):
    """The names in a query: of columns and functions, of tables, and the relations it reads.

    `plain`: what stands for a table and is no relation, in lower case; so do scratch tables.
    """

    places: tuple[Place, ...]
    tables: tuple[str, ...]
    relations: tuple[str, ...]
    plain: tuple[str, ...] = ()


def mentioned(nodes: Sequence[exp.Expr], relations: Iterable[str]) -> Mentioned:
    """The names in a query that was planned, given all its nodes."""
    tables = tuple(dict.fromkeys(_tables(nodes)))
    named = (node.this for node in nodes if isinstance(node, exp.Table))
    plain = {name.name.lower() for name in named if isinstance(name, exp.Identifier)}
    return Mentioned(tuple(_places(nodes)), tables, tuple(relations), tuple(sorted(plain)))


def _places(nodes: Sequence[exp.Expr]) -> Iterator[Place]:
    for node in nodes:
        is_name = isinstance(node, (exp.Column, exp.Anonymous)) or isinstance(node.parent, Words)
        span = node.meta.get("span") if is_name else None
        if span is not None:
            yield Place(node.name.lower(), span, node.meta.get("view"), _may_be_text(node))


def _may_be_text(node: exp.Expr) -> bool:
    if not isinstance(node, exp.Column) or node.args.get("table") is not None:
        return False
    if str(node.this.meta.get("written", ""))[:1] == '"':
        return True
    around = node.parent
    while isinstance(around, (exp.Div, exp.Paren)):  # subject = auth/jwt
        node, around = around, around.parent
    return isinstance(around, (exp.EQ, exp.NEQ, exp.Like)) and around.expression is node


def _tables(nodes: Sequence[exp.Expr]) -> Iterator[str]:
    """The names by which columns can be told apart."""
    for node in nodes:
        if isinstance(node, (exp.Table, exp.Subquery, exp.CTE)) and node.alias_or_name:
            yield node.alias_or_name


def explained(error: UnknownName, names: Mentioned, more: Sequence[str] = ()) -> ProgrammingError:
    """An error about a name: where it stands in the text, and the nearest one.

    `more`: the columns of the scratch tables among the names.
    """
    is_quoted = error.name[:1] == error.name[-1:] == '"'
    table, _, last = ("", "", error.name) if is_quoted else error.name.rpartition(".")
    last = last.strip('`"')
    places = [place for place in names.places if place.name == last.lower()]
    span = places[0].span if places else None
    inside = f" in the view {places[0].view!r}" if places and places[0].view else ""
    known = [name.lower() for name in names.tables]
    if table and error.code == "name.unknown_column" and table.lower() not in known:
        return ProgrammingError(
            f"there is no table or alias called {table!r}{inside}",
            code=error.code,
            span=span,
            hint=catalog.nearest(table, known, "there is "),
        )
    hint = _hint(last, error.code, names, more)
    if any(place.is_text for place in places) and not (hint or "").startswith("did you"):
        hint = "strings have single quotes: '" + last.replace("'", "''") + "'"
    return ProgrammingError(error.message + inside, code=error.code, span=span, hint=hint)


def _hint(name: str, code: str, names: Mentioned, more: Sequence[str]) -> str | None:
    if code == "name.ambiguous_column":
        return "write the table's name or alias before it, with a dot"
    if code == "name.unknown_function":
        return FUNCTIONS.get(name.lower()) or catalog.nearest(name, COMMON)
    if code != "name.unknown_column":
        return None
    if name.lower() in ("date", "time", "timestamp", "interval"):
        return "a time is a text: '2026-01-12'; DATE and INTERVAL do not stand before it"
    columns = [
        column.name
        for relation in dict.fromkeys(names.relations)
        for column in RELATIONS[relation].columns
    ]
    columns += more
    if not columns and not names.tables:
        return "the query reads no table: SELECT … FROM beliefs"
    return catalog.nearest(name, columns, "the columns are ") if columns else None


FUNCTIONS = {
    "now": "write CURRENT_TIMESTAMP",
    "getdate": "write CURRENT_TIMESTAMP",
    "sysdate": "write CURRENT_TIMESTAMP",
    "len": "write length(x)",
    "char_length": "write length(x)",
    "nvl": "write coalesce(a, b)",
    "isnull": "write coalesce(a, b), or x IS NULL",
    "any": "write IN ('a', 'b')",
    "some": "write IN ('a', 'b')",
    "rollup": "write one SELECT for each grouping, with UNION ALL between",
    "cube": "write one SELECT for each grouping, with UNION ALL between",
    "date_trunc": "write strftime('%Y-%m', x)",
    "to_char": "write strftime('%Y-%m', x)",
    "listagg": "write group_concat(x, ', ')",
    "array_agg": "write json_group_array(x)",
    "regexp_like": "write x REGEXP 'pattern'",
    "contains": "write x LIKE '%part%'",
    "md5": "write hex(x), or compute it before",
}
"""Functions of other systems, with what is written instead."""
COMMON = (
    "abs", "avg", "coalesce", "count", "date", "datetime", "first_value", "format",
    "group_concat", "hex", "ifnull", "iif", "instr", "json_extract", "json_group_array", "lag",
    "last_value", "lead", "length", "lower", "ltrim", "max", "min", "nullif", "printf", "quote",
    "random", "rank", "replace", "round", "row_number", "rtrim", "sign", "strftime",
    "string_agg", "substr", "substring", "sum", "time", "total", "trim", "typeof", "unixepoch",
    "upper",
)  # fmt: skip
"""Functions that are often meant by a misspelt name."""
