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
from difflib import get_close_matches
from importlib import import_module
from typing import Protocol, cast

GROUPS = {
    "ask": {
        "query": "run one statement, with values from the shell",
        "why": "why something is believed: what won, what lost, and by what",
        "why-not": "why something is not believed",
        "history": "everything that happened to a subject, a slot or an assertion",
        "diff": "what changed between two instants",
        "check": "whether a rule forbids something; the exit code tells",
        "trace": "who asked what, and what they were shown",
    },
    "write": {
        "assert": "say that something is so; one triple, or many from standard input",
        "supersede": "the world changed: something else holds from now on",
        "retract": "withdraw what was said",
    },
    "judge": {
        "review": "what waits for approval, oldest first",
        "promote": "approve",
        "reject": "turn down what was proposed",
        "confirm": "checked again, and still so",
        "correct": "we were wrong: put something else in its place, forbid it",
    },
    "move data": {
        "import": "load the rows of a file as assertions, or history with its own times",
        "export": "write the rows of a query to a file, or every commit",
        "backup": "copy a database up to its last commit while others write",
        "restore": "make a new database of a backup or an export of every commit",
    },
    "look around": {
        "relations": "what can be asked: each relation, and what it holds",
        "schema": "the columns of a relation: types, meaning, hidden ones",
        "stats": "how much of what is there, and how large it is",
    },
    "care": {
        "doctor": "what is installed, where the database is, how it is; change nothing",
        "verify": "check journal, records and index; change nothing",
        "head": "the last commit's number and digest: a line to keep elsewhere",
        "rebuild": "make a new index from the journal",
        "garden": "finish what follows from corrections; tell what waits for somebody",
    },
    "learn": {
        "demo": "load 26 years of Python's decisions and ask about them",
        "fmt": "lay out the statements of scripts; nothing else of them changes",
        "completion": "make the Tab key complete commands, options and names",
        "help": "this text, or the help of a command",
    },
}
"""Groups as `epql help` shows them: name -> one line."""

COMMANDS = {name: line for group in GROUPS.values() for name, line in group.items()}

ELSEWHERE = {
    "add": "assert", "insert": "assert", "put": "assert", "set": "assert", "delete": "retract",
    "remove": "retract", "rm": "retract", "update": "supersede", "upsert": "supersede",
    "sql": "query", "select": "query", "rows": "query", "memory": "query", "exec": "query",
    "tables": "relations", "views": "relations", "columns": "schema", "describe": "schema",
    "info": "stats", "status": "doctor", "health": "doctor", "log": "history", "blame": "history",
    "approve": "promote", "queue": "review", "load": "import", "format": "fmt", "tutorial": "demo",
    "changes": "diff", "audit": "trace", "version": "doctor",
}  # fmt: skip
"""What people type who know other tools."""

Examples = tuple[tuple[str, str], ...]


def meant(word: str) -> str | None:
    """The command that somebody may have meant.

    >>> meant("qeury"), meant("tables"), meant("kb.epql"), meant("./query")
    ('query', 'relations', None, None)
    """
    if not word.replace("-", "").isalpha():
        return None  # a path
    near = get_close_matches(word.lower(), COMMANDS, 1, 0.75)
    return ELSEWHERE.get(word.lower()) or (near[0] if near else None)


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
