"""`epql backup PATH FOLDER`: a checked copy of a database, made while others write."""

from __future__ import annotations

import argparse

from epql.cli.arguments import add_path, add_writing
from epql.cli.opening import open_database
from epql.output.progress import progress_bar
from epql.output.screen import Screen, plural

EXAMPLES = (
    ("epql backup kb.epql backup/monday", "a new folder; nothing is overwritten"),
    ("epql backup kb.epql backup/tuesday --audit", "with the record of reads"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path(parser)
    parser.add_argument("folder", metavar="FOLDER", help="a new or empty folder")
    parser.add_argument("--audit", action="store_true", help="copy the record of reads, too")
    add_writing(parser)


def run(arguments: argparse.Namespace) -> int:
    """Copy, and say up to where."""
    screen = Screen()
    connection = open_database(arguments, read_only=True)
    try:
        with progress_bar("copying", is_bytes=True) as tell:
            made = connection.backup(arguments.folder, audit=arguments.audit, progress=tell)
        screen.say(
            f"copied up to tx {made.tx:,}, {plural(made.size, 'byte')}, to {arguments.folder};"
            " the copy was read back and its chain holds"
        )
        screen.say(f"its head, to keep elsewhere: {made.head}")
    finally:
        connection.close()
    return 0
