"""Expressions to SQLite's SQL, exactly.

sqlglot's own SQLite generator serves many dialects and sometimes changes what a text means in
SQLite (NUMERIC becomes REAL, functions are renamed, IS loses its second operand's kind). This
one writes what the tree says: parentheses where precedence asks for them, every name and
text quoted so that it cannot be anything else, and an InternalError for a node or an argument
it does not know, so that nothing is dropped in silence.

Not here: what a query means (plan); what parameters hold (`Bind` is written as its name).

writer.py       which function writes a node, and when it needs parentheses
tokens.py       names, texts and numbers
expressions.py  operators, predicates, literals, names
calls.py        functions, aggregates, windows
queries.py      SELECT and its parts
"""

from __future__ import annotations

from sqlglot import exp

from epql.engine.errors import ProgrammingError
from epql.sqlgen import calls, expressions, queries  # they fill WRITERS
from epql.sqlgen.writer import sql


def to_sqlite(expression: exp.Expr) -> str:
    """The SQL text of an expression or query. Parameters are :p0 … and :n_name.

    Raises: InternalError sqlgen.* for what SQLite has no words for.

    >>> from epql.parse import parse
    >>> to_sqlite(parse("SELECT a IS NOT ? FROM t").statement.select)
    'SELECT a IS NOT :p0 FROM t'
    """
    try:
        return sql(expression)
    except RecursionError:
        raise ProgrammingError(
            "the statement is nested too deep",
            code="parse.too_deep",
            hint="split it, for instance with WITH",
        ) from None


__all__ = ["calls", "expressions", "queries", "to_sqlite"]
