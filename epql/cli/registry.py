"""The commands: their names, in groups, with a line each. What each does is its own module.

A command is a module of `epql.cli.commands`, called like it (`import_` for import, `why_not` for
why-not), with

    EXAMPLES                    (what can be typed, what it does) pairs; the tests run them
    add_arguments(parser)       what may be written after its name
    run(arguments) -> int       does it; the exit code
    EXIT_CODES                  a line for the help, where they are not the usual ones

It is imported when it is called or its help is asked for, so the list costs nothing.
"""

from __future__ import annotations

import argparse
import keyword
from importlib import import_module
from typing import Protocol, cast

GROUPS = {
    "move data": {
        "import": "load history that happened elsewhere, with its own belief times",
    },
    "care": {
        "verify": "check journal, records and index; change nothing",
        "rebuild": "make a new index from the journal",
        "garden": "finish what follows from corrections; tell what waits for somebody",
    },
    "learn": {
        "demo": "load 26 years of Python's decisions and ask about them",
        "fmt": "lay out the statements of scripts; nothing else of them changes",
        "help": "this text, or the help of a command",
    },
}

COMMANDS = {name: line for group in GROUPS.values() for name, line in group.items()}

Examples = tuple[tuple[str, str], ...]


class Command(Protocol):
    """What the module of a command has; EXIT_CODES may be missing."""

    EXAMPLES: Examples

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace) -> int: ...


def command(name: str) -> Command:
    """The module of a command.

    >>> command("help").EXAMPLES[0][0]
    'epql help'
    """
    word = name.replace("-", "_")
    module = word + "_" if keyword.iskeyword(word) else word
    return cast(Command, import_module(f"epql.cli.commands.{module}"))
