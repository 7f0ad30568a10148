"""`epql fmt [FILE …]`: the statements of scripts, laid out; nothing else of them changes."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterator

from epql.engine.errors import Error, OperationalError
from epql.layout import format as laid_out
from epql.output.cells import escape
from epql.output.screen import Screen

_STANDARD = "-"

EXAMPLES = (
    ("epql fmt script.epql", "rewritten in place"),
    ('echo "select 1 as one" | epql fmt', "from standard input to standard output"),
    ("epql fmt --check scripts/*.epql", "which would change; nothing is written"),
    ("epql fmt --diff script.epql", "how it would change; nothing is written"),
)
EXIT_CODES = "0 done, 1 an error was shown or --check found a file that would change"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="*", metavar="FILE", default=["-"],
        help="scripts to rewrite; without one, or with -, standard input is written out",
    )  # fmt: skip
    parser.add_argument("--check", action="store_true", help="name the files that would change")
    parser.add_argument("--diff", action="store_true", help="show how they would change")


def run(arguments: argparse.Namespace) -> int:
    """Format each file; 1 if one has an error, or if --check finds one that would change."""
    screen = Screen()
    code = 0
    for name in arguments.files:
        try:
            changes = _one(name, arguments, screen)
        except Error as error:
            if name != _STANDARD:
                error.message += f" (in {name})"
            screen.complain(error)
            code = 1
        else:
            if changes and arguments.check:
                code = 1
    return code


def _one(name: str, arguments: argparse.Namespace, screen: Screen) -> bool:
    """Format one file, as the arguments ask; whether it changes."""
    before = _read(name)
    after = laid_out(before)
    after += "\n" if after else ""
    if arguments.diff:
        for line in _differences(before, after, _shown(name)):
            screen.say(line)
    if arguments.check:
        if before != after:
            screen.error(f"{_shown(name)} would change")
    elif not arguments.diff:
        _write(name, before, after)
    return before != after


def _shown(name: str) -> str:
    return "standard input" if name == _STANDARD else name


def _differences(before: str, after: str, name: str) -> Iterator[str]:
    """A unified diff, without what steers a terminal."""
    if before.endswith("\n") and after:
        before, after = before[:-1], after[:-1]
    lines = difflib.unified_diff(
        before.split("\n"), after.split("\n"), name, f"{name}, formatted", lineterm=""
    )
    for line in lines:
        yield escape(line)


def _read(name: str) -> str:
    """The text of a file with its line ends as they are; a byte order mark is none of it."""
    try:
        if name == _STANDARD:
            data = getattr(sys.stdin, "buffer", None)
            return data.read().decode("utf-8-sig") if data is not None else sys.stdin.read()
        with open(name, encoding="utf-8-sig", newline="") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise OperationalError(
            f"{_shown(name)} is not text in UTF-8 (at byte {error.start})",
            code="script.encoding",
            hint="convert it, for example with iconv -t utf-8",
        ) from error
    except OSError as error:
        raise OperationalError(
            f"the script {name} cannot be read: {error.strerror}", code="script.unreadable"
        ) from error


def _write(name: str, before: str, after: str) -> None:
    """Standard input goes to standard output; a file is written only if it changes."""
    if name == _STANDARD:
        data = getattr(sys.stdout, "buffer", None)
        if data is None:
            sys.stdout.write(after)
        else:  # as in a file: UTF-8, whatever the terminal's encoding
            data.write(after.encode())
    elif before != after:
        with open(name, "w", encoding="utf-8", newline="") as file:
            file.write(after)
