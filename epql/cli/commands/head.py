"""`epql head PATH`: the last commit's number and digest, as one line to keep elsewhere.

`epql verify --head` holds a database against such a line. It opens nothing but the journal, and
changes nothing.
"""

from __future__ import annotations

import argparse

from epql.cli.arguments import add_path

EXAMPLES = (("epql head kb.epql >> heads.txt", "keep it where the database's files are not"),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path(parser)


def run(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from epql.cli.opening import check_path, pointing_out
    from epql.cli.screens import screen_of
    from epql.engine.head import head_of

    check_path(arguments.path)
    with pointing_out(arguments.path):
        head = head_of(Path(arguments.path))
    screen_of(arguments).say(str(head))
    return 0
