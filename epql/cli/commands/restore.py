"""`epql restore FROM PATH`: a new database made of a backup, or of an export of all."""

from __future__ import annotations

import argparse
import os

from epql.cli.arguments import add_timeout
from epql.cli.opening import check_path
from epql.engine.clock import system_clock
from epql.engine.opening import Options
from epql.exchange.copies import restore_new
from epql.output.progress import progress_bar
from epql.output.screen import Screen

EXAMPLES = (
    ("epql restore backup/kb new.epql", "a backup's chain is checked before and after"),
    ("zcat all.jsonl.gz | epql restore - again.epql", "so is an export's digest"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="FROM", help="a backup, or an export; '-' is its text")
    parser.add_argument("path", metavar="PATH", help="the database to make: a new or empty folder")
    add_timeout(parser)


def run(arguments: argparse.Namespace) -> int:
    """Restore, and say up to where."""
    screen = Screen()
    check_path(arguments.path)
    options = Options(system_clock, timeout_s=arguments.timeout)
    with progress_bar("restoring", is_bytes=True) as tell:
        made = restore_new(arguments.source, arguments.path, options, progress=tell)
    screen.say(f"{arguments.path} is restored up to tx {made.tx:,}")
    if os.path.isdir(arguments.source):
        screen.say(f"its head is the backup's: {made.head}")
    else:  # an export holds records, and not the frames that heads are of
        screen.say(f"its head is now {made.head}")
    return 0
