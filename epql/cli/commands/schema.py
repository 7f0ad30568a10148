"""`epql schema PATH [RELATION]`: the columns of a relation, or of all."""

from __future__ import annotations

import argparse

from epql.cli.arguments import add_agent, add_output, add_path, add_timeout

EXAMPLES = (
    ("epql schema kb.epql beliefs", "types, meaning; the hidden ones can be asked in WHERE"),
    ("epql schema kb.epql --json", "of all relations"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path(parser)
    parser.add_argument("relation", nargs="?", metavar="RELATION", help="without it: all")
    add_agent(parser)
    add_timeout(parser)
    add_output(parser)


def run(arguments: argparse.Namespace) -> int:
    from epql.agent import Said
    from epql.cli.asking import opened, quoted, show

    with opened(arguments) as session:
        if arguments.relation is not None:
            show(session, Said(f"DESCRIBE {quoted(arguments.relation)}"))
            return 0
        connection = session.connection
        rows = []
        for name, *_ in connection.execute("SHOW RELATIONS").fetchall():
            rows += [(name, *row) for row in connection.execute(f"DESCRIBE {quoted(name)}")]
        session.screen.rows(("relation", "column", "type", "hidden", "meaning"), rows)
    return 0
