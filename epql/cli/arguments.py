"""What may be written after `epql`: parsers, and the options that commands share.

The first word decides: a command's name is the command, anything else is the path of a database
(`epql ./import` reaches a database that is called so). Not here: what the commands are
(registry.py), and what may be written after one of them (its module).
"""

from __future__ import annotations

import argparse
import math
import shutil
from typing import NoReturn

from epql.cli.registry import COMMANDS, GROUPS, Examples, command
from epql.output.render import FORMATS

EXAMPLES = (
    ("epql kb.epql", "the shell: .help there tells more"),
    ('epql kb.epql -c "SELECT * FROM beliefs"', "one statement, or several with ;"),
    ("epql kb.epql --json -c \"SELECT * FROM beliefs AS OF '-24h'\"", ""),
    ("epql kb.epql -f script.epql", "a script; '-' reads standard input"),
    ('echo "SELECT 1" | epql kb.epql', "so does a pipe"),
)
EXIT_CODES = "0 all done, 1 an error was shown, 2 wrongly called, 130 interrupted"


class Parser(argparse.ArgumentParser):
    """argparse with the project's manners: errors name the remedy; exit code 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"epql: {message}\nhint: {self.prog} --help shows how it is called\n")


def parse(argv: list[str]) -> argparse.Namespace:
    """The command and its arguments. Exits with code 2 if it is wrongly called."""
    if argv and argv[0] in COMMANDS:
        found = parser_of(argv[0]).parse_args(argv[1:])
        found.command = argv[0]
        return found
    found = main_parser().parse_intermixed_args(argv)  # so that - may follow options
    found.command = None
    _check_open(found)
    return found


def parser_of(name: str) -> Parser:
    """The parser of a command."""
    module = command(name)
    parser = _parser(
        f"epql {name}", module.EXAMPLES, getattr(module, "EXIT_CODES", ""),
        description=COMMANDS[name].capitalize() + ".",
    )  # fmt: skip
    module.add_arguments(parser)
    return parser


def main_parser() -> Parser:
    """`epql PATH …`."""
    lines = ["A temporal knowledge database: what is believed, what was believed, what changed."]
    for group, commands in GROUPS.items():
        lines += ["", f"{group}:"]
        lines += [f"  {name:<9} {text}" for name, text in commands.items()]
    parser = _parser(
        "epql", EXAMPLES, EXIT_CODES, description="\n".join(lines),
        usage="epql PATH [options] [-c STATEMENTS | -f FILE | -]\n       epql COMMAND …",
    )  # fmt: skip
    parser.add_argument("path", metavar="PATH", help="the database, a folder; made if it is new")
    parser.add_argument("script", nargs="?", metavar="-", help="read a script from standard input")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "-c", dest="statements", action="append", metavar="STATEMENTS",
        help="run these statements, separated by ;, up to the first error",
    )  # fmt: skip
    what.add_argument("-f", dest="file", metavar="FILE", help="run a script; - is standard input")
    add_output(parser)
    add_writing(parser)
    parser.add_argument("--read-only", action="store_true", help="write nothing, whatever is asked")
    parser.add_argument(
        "--no-config", action="store_true", help="leave the shell's config file alone"
    )
    parser.add_argument("--version", action="store_true", help="tell the version, and end")
    return parser


def _parser(
    prog: str, examples: Examples, exit_codes: str, *, description: str, usage: str | None = None
) -> Parser:
    return Parser(
        prog=prog,
        usage=usage,
        description=description,
        epilog=_epilog(examples, exit_codes),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _epilog(examples: Examples, exit_codes: str) -> str:
    """Examples as they can be pasted into a shell; a remark that does not fit stands above."""
    width = shutil.get_terminal_size((80, 24)).columns - 2
    edge = max((len(typed) for typed, _ in examples if len(typed) <= width // 2), default=0)
    lines = ["examples:"]
    for typed, remark in examples:
        beside = f"  {typed:<{edge}}  # {remark}"
        if not remark:
            lines.append(f"  {typed}")
        elif len(beside) <= width:
            lines.append(beside)
        else:
            lines += [f"  # {remark}", f"  {typed}"]
    if exit_codes:
        lines += ["", f"exit codes: {exit_codes}"]
    return "\n".join(lines)


# ---------------------------------------------------------------- what several commands take


def add_output(parser: argparse.ArgumentParser) -> None:
    """How an answer is written."""
    output = parser.add_argument_group("output")
    formats = output.add_mutually_exclusive_group()
    formats.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    for name in FORMATS[1:]:
        formats.add_argument(
            f"--{name}", dest="format", action="store_const", const=name,
            help=f"the same as --format {name}",
        )  # fmt: skip
    output.add_argument("--no-header", action="store_true", help="leave the column names out")
    output.add_argument("--null", metavar="TEXT", help="what NULL looks like, except in json")


def add_writing(parser: argparse.ArgumentParser) -> None:
    """Who writes, and how."""
    parser.add_argument("--agent", metavar="NAME", help="who speaks (default: the login name)")
    parser.add_argument(
        "--durability", choices=("full", "group", "os"), default="full",
        help="what a commit waits for (default: full, the sync)",
    )  # fmt: skip
    add_timeout(parser)


def add_path(parser: argparse.ArgumentParser) -> None:
    """A database that must be there."""
    parser.add_argument("path", metavar="PATH", help="the database")


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """How long to wait for others."""
    parser.add_argument(
        "--timeout", type=_seconds, default=5.0, metavar="S",
        help="seconds to wait for another writer (default: 5)",
    )  # fmt: skip


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return number


def _check_open(found: argparse.Namespace) -> None:
    parser = main_parser()
    if found.script not in (None, "-"):
        words = (found.path, found.script)
        for word, other in (words, words[::-1]):
            if word in COMMANDS:
                parser.error(f"the command comes first: epql {word} {other} …")
        parser.error(f"{found.script!r} is one word too many; statements are given with -c")
    if found.script and (found.statements or found.file):
        parser.error("-, -c and -f are alternatives")
