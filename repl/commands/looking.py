"""What is there and how a query is understood: .relations, .schema, .explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from epql.engine.errors import ProgrammingError
from epql.output.cells import escape
from epql.output.table import fold
from epql.repl.commands.arguments import text

if TYPE_CHECKING:
    from epql.repl.session import Session

_WIDTH = 100
"""Of words where nothing says how wide the screen is."""


def relations(session: Session, argument: str) -> None:
    """`.relations`: SHOW TABLES."""
    session.execute("SHOW TABLES")


def schema(session: Session, argument: str) -> None:
    """`.schema beliefs`: DESCRIBE; without a relation, the columns of each."""
    if argument:
        session.execute(f'DESCRIBE "{text(argument).replace(chr(34), chr(34) * 2)}"')
        return
    session.screen.pieces(_all(session))


def _all(session: Session) -> list[str]:
    pieces = []
    screen = session.screen
    room = (screen.columns or _WIDTH) - 4
    for name, *_ in session.rows("SHOW TABLES"):
        described = session.rows(f'DESCRIBE "{name}"')
        names = ", ".join(str(column) for column, _, hidden, _ in described if not hidden)
        lines = "\n    ".join(fold(escape(names), room))
        pieces.append(f"{screen.bold(escape(str(name)))}\n    {lines}\n")
    return pieces


def explain(session: Session, argument: str) -> None:
    """`.explain query`; without one, the last that was asked."""
    query = argument or session.query
    if not query:
        raise ProgrammingError(
            "there is no query to explain", code="shell.nothing", hint="ask one first, or give one"
        )
    session.execute(f"EXPLAIN {query}")
