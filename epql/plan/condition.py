"""WHEN of FORBID: an expression over the columns of the asserted row, as the SQL that is stored."""

from __future__ import annotations

from sqlglot import exp

from epql.engine.errors import Error, ProgrammingError, Span
from epql.engine.governance.conditions import COLUMNS, Conditions
from epql.nodes import Bind, Expression, every
from epql.plan.catalog import nearest
from epql.sqlgen import to_sqlite


def condition_text(expression: Expression, conditions: Conditions) -> str:
    """The SQL of a condition, as SQLite takes it.

    Raises: ProgrammingError `name.unknown_column`, `name.unknown_function`, `rule.condition`.
    """
    nodes = list(every(expression))
    for node in nodes:
        if isinstance(node, Bind):
            raise _refused("WHEN takes no parameter: the rule is asked again and again", node)
        if isinstance(node, (exp.Query, exp.Table)):
            raise _refused("WHEN asks about the asserted row alone, not about relations", node)
        if isinstance(node, exp.Column):
            _check_column(node)
    text = to_sqlite(expression)
    try:
        conditions.check(text)
    except Error as error:
        raise error.with_span(_place_of(error, nodes) or _span(expression)) from None
    return text


def _check_column(column: exp.Column) -> None:
    if column.args.get("table") is not None:
        raise _refused("WHEN names the columns of the asserted row alone", column)
    if column.name.lower() not in COLUMNS:
        raise ProgrammingError(
            f"the asserted row has no column {column.name!r}",
            code="name.unknown_column",
            span=_span(column),
            hint=nearest(column.name.lower(), COLUMNS, "the columns are "),
        )


def _refused(message: str, node: exp.Expr) -> ProgrammingError:
    return ProgrammingError(
        message,
        code="rule.condition",
        span=_span(node),
        hint="its columns are " + ", ".join(COLUMNS),
    )


def _place_of(error: Error, nodes: list[exp.Expr]) -> Span | None:
    """Where the function stands that SQLite does not know."""
    if error.code != "name.unknown_function":
        return None
    named = (node for node in nodes if isinstance(node, exp.Anonymous))
    return next((_span(node) for node in named if node.name in error.message), None)


def _span(node: exp.Expr) -> Span | None:
    span: Span | None = node.meta.get("span")
    while span is None and node.parent is not None:
        node = node.parent
        span = node.meta.get("span")
    return span
