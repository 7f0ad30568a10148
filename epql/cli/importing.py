"""`epql import PATH FILE --history`: load history that happened elsewhere."""

from __future__ import annotations

import argparse

from epql.cli.opening import open_database
from epql.engine.errors import NotSupportedError
from epql.output.progress import progress_bar
from epql.output.screen import Screen

_BAD_SHOWN = 20


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
