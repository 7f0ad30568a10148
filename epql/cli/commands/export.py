"""`epql export PATH FILE`: the rows of a query, or every commit, to a file."""

from __future__ import annotations

import argparse

from epql.cli.arguments import add_path, add_writing
from epql.cli.opening import open_database
from epql.engine.errors import ProgrammingError
from epql.output.progress import progress_bar
from epql.output.screen import Screen, plural

_BELIEFS = "SELECT * FROM beliefs"

EXAMPLES = (
    ("epql export kb.epql beliefs.csv", "what is believed now"),
    ("epql export kb.epql old.parquet -c \"SELECT * FROM beliefs AS OF '-24h'\"", ""),
    ('epql export kb.epql - --format jsonl -c "SELECT * FROM assertions" | head', ""),
    ("epql export kb.epql dump.jsonl.gz --all", "every commit; epql restore brings it back"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path(parser)
    parser.add_argument("file", metavar="FILE", help="also .gz; '-' is standard output")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("-c", dest="query", metavar="QUERY", help=f"whose rows (default: {_BELIEFS})")
    what.add_argument("--all", action="store_true", help="every commit with all its records")
    parser.add_argument(
        "--format", metavar="FORMAT",
        help="csv, tsv, jsonl, json, markdown, nquads or parquet (default: by the file's ending)",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    add_writing(parser)


def run(arguments: argparse.Namespace) -> int:
    """Export, and say what was written."""
    screen = Screen()
    if arguments.all and arguments.format not in (None, "jsonl"):
        raise ProgrammingError(
            "--all writes JSON Lines; no other format holds everything", code="format.unknown"
        )
    connection = open_database(arguments, read_only=True)
    try:
        with progress_bar("writing") as tell:
            if arguments.all:
                count = connection.export_all(
                    arguments.file, overwrite=arguments.force, progress=tell
                )
            else:
                count = connection.export(
                    arguments.query or _BELIEFS, arguments.file, format=arguments.format,
                    overwrite=arguments.force, progress=tell,
                )  # fmt: skip
        for text in connection.notices:
            screen.note(text)
        if arguments.file != "-":
            what = plural(count, "commit" if arguments.all else "row")
            screen.say(f"{what} written to {arguments.file}")
    finally:
        connection.close()
    return 0
