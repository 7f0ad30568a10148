"""`epql help [COMMAND]`: the same text as --help."""

from __future__ import annotations

import argparse

from epql.cli.registry import COMMANDS

EXAMPLES = (
    ("epql help", "all commands"),
    ("epql help import", "the same as epql import --help"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "topic", nargs="?", metavar="COMMAND", choices=list(COMMANDS), help="one of those"
    )


def run(arguments: argparse.Namespace) -> int:
    from epql.cli.arguments import main_parser, parser_of

    parser = parser_of(arguments.topic) if arguments.topic else main_parser()
    print(parser.format_help(), end="")  # argparse's own printing says nothing of a full disk
    return 0
