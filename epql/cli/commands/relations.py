"""`epql relations PATH`: what can be asked, and how many rows it has where counting is quick."""

from __future__ import annotations

import argparse
import threading
from typing import TYPE_CHECKING

from epql.cli.arguments import add_agent, add_output, add_path, add_timeout

if TYPE_CHECKING:
    from epql.connection import Connection

EXAMPLES = (
    ("epql relations kb.epql", "names, rows, what each holds"),
    ("epql relations kb.epql --count --csv", "counted to the end, however long it takes"),
)
_PATIENCE_S = 0.25
"""How long the rows of one relation are counted, without --count."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path(parser)
    parser.add_argument(
        "--count", action="store_true", help="count every relation, however long it takes"
    )
    add_agent(parser)
    add_timeout(parser)
    add_output(parser)


def run(arguments: argparse.Namespace) -> int:
    from epql.cli.asking import opened

    patience = None if arguments.count else _PATIENCE_S
    with opened(arguments, is_audited=False) as session:
        connection = session.connection
        listed = connection.execute("SHOW RELATIONS").fetchall()
        rows = ((name, count(connection, name, patience), holds) for name, _, holds in listed)
        session.screen.rows(("name", "rows", "holds"), rows)
    return 0


def count(connection: Connection, relation: str, patience_s: float | None) -> int | None:
    """The rows of a relation; None if it takes arguments, or longer than that."""
    from epql.cli.asking import quoted
    from epql.engine.errors import Error

    timer = None
    if patience_s is not None:
        timer = threading.Timer(patience_s, connection.interrupt)
        timer.start()
    try:
        rows = connection.execute(f"SELECT count(*) FROM {quoted(relation)}").fetchall()
        return int(rows[0][0])
    except Error as error:
        if error.code in _UNCOUNTED:
            return None
        raise
    finally:
        if timer is not None:
            timer.cancel()
            timer.join()


_UNCOUNTED = {
    "diff.since_missing", "hidden.not_given", "question.target", "statement.interrupted",
    "policy.lifecycle_required",
}  # fmt: skip
