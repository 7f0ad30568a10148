"""`epql import PATH FILE --history`: load history that happened elsewhere."""

from __future__ import annotations

import argparse

from epql.cli.arguments import add_path, add_writing
from epql.cli.opening import open_database
from epql.engine.errors import NotSupportedError
from epql.output.progress import progress_bar
from epql.output.screen import Screen

_BAD_SHOWN = 20

EXAMPLES = (
    ("epql import old.epql history.jsonl --history", "what is there already is skipped"),
    ("epql import old.epql history.jsonl.gz --history --skip-bad", ""),
    ("zcat history.jsonl.gz | epql import old.epql - --history", ""),
)
EXIT_CODES = "0 loaded, 1 a line was bad or an error was shown, 2 wrongly called"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path(parser)
    parser.add_argument("file", metavar="FILE", help="JSON Lines, also .gz; '-' is standard input")
    parser.add_argument(
        "--history", action="store_true", help="each line is a commit with its own instant"
    )
    parser.add_argument(
        "--skip-bad", action="store_true", help="leave bad lines out, tell them, and go on"
    )
    add_writing(parser)


def run(arguments: argparse.Namespace) -> int:
    """Load; 1 if a line was bad."""
    screen = Screen()
    if not arguments.history:
        raise NotSupportedError(
            "importing anything but history is not available yet",
            code="statement.not_yet",
            hint="add --history if each line is a commit with its own instant",
        )
    connection = open_database(arguments)
    try:
        with progress_bar("loading", is_bytes=True) as tell:
            report = connection.import_history(
                arguments.file, progress=tell, skip_bad=arguments.skip_bad
            )
        for text in connection.notices:
            screen.note(text)
        screen.say(report.sentence())
        for line, problem in report.bad[:_BAD_SHOWN]:
            screen.error(f"line {line}: {problem}")
        if len(report.bad) > _BAD_SHOWN:
            screen.error(f"and {len(report.bad) - _BAD_SHOWN} more")
    finally:
        connection.close()
    return 1 if report.bad else 0
