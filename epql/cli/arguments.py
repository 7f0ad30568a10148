"""What may be written after `epql`: one parser for each command, with examples.

The first word decides: a command's name is the command, anything else is the path of a database
(`epql ./import` reaches a database that is called so). Not here: what the commands do.
"""

from __future__ import annotations

import argparse
import math
from typing import NoReturn

from epql.output.render import FORMATS

COMMANDS = {
    "import": "load history that happened elsewhere, with its own belief times",
    "demo": "load 26 years of Python's decisions and ask about them",
    "verify": "check journal, records and index; change nothing",
    "rebuild": "make a new index from the journal",
    "garden": "finish what follows from corrections; tell what waits for somebody",
    "fmt": "lay out the statements of scripts; nothing else of them changes",
    "help": "this text, or the help of a command",
}

_MAIN = """\
examples:
  epql kb.epql                                     a line loop on a database
  epql kb.epql -c "SELECT * FROM beliefs"          one statement, or several with ;
  epql kb.epql --json -c "SELECT * FROM beliefs AS OF '-24h'"
  epql kb.epql -f script.epql                      a script; '-' reads standard input
  echo "SELECT 1" | epql kb.epql                   so does a pipe

exit codes: 0 all done, 1 an error was shown, 2 wrongly called, 130 interrupted
"""
_IMPORT = """\
examples:
  epql import kb.epql history.jsonl --history      what is there already is skipped
  epql import kb.epql history.jsonl.gz --history --skip-bad
  zcat history.gz | epql import kb.epql - --history

exit codes: 0 loaded, 1 a line was bad or an error was shown, 2 wrongly called
"""
_DEMO = """\
examples:
  epql demo                  into a new temporary folder, which is named and kept
  epql demo peps.epql        into this folder; loaded once, reused after that
"""
_VERIFY = """\
examples:
  epql verify kb.epql && cp -r kb.epql /backup/

exit codes: 0 sound, 1 something is wrong, 2 cannot tell (missing, unreadable, locked)
"""
_REBUILD = """\
examples:
  epql rebuild kb.epql       the index is a cache of the journal; nothing else changes
"""
_GARDEN = """\
examples:
  epql garden kb.epql        again and again if you like: what is done is not done twice
"""
_FMT = """\
examples:
  epql fmt script.epql                             rewritten in place
  echo "select 1 as one" | epql fmt                from standard input to standard output
  epql fmt --check *.epql                          which would change; nothing is written
  epql fmt --diff script.epql                      how it would change; nothing is written

exit codes: 0 done, 1 an error was shown or --check found a file that would change
"""


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
    found.command = "open"
    _check_open(found)
    return found


def parser_of(command: str) -> Parser:
    """The parser of a command."""
    return _PARSERS[command]()


def main_parser() -> Parser:
    """`epql PATH …`."""
    parser = _parser(
        None,
        _MAIN,
        usage="epql PATH [options] [-c STATEMENTS | -f FILE | -]\n"
        "       epql import | demo | verify | rebuild | garden | fmt | help …",
    )
    parser.description = (
        "A temporal knowledge database: what is believed, what was believed, what changed.\n\n"
        "commands:\n" + "\n".join(f"  {name:<9} {text}" for name, text in COMMANDS.items())
    )
    parser.add_argument("path", metavar="PATH", help="the database, a folder; made if it is new")
    parser.add_argument("script", nargs="?", metavar="-", help="read a script from standard input")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "-c", dest="statements", action="append", metavar="STATEMENTS",
        help="run these statements, separated by ;, up to the first error",
    )  # fmt: skip
    what.add_argument("-f", dest="file", metavar="FILE", help="run a script; - is standard input")
    _add_output(parser)
    _add_open(parser)
    parser.add_argument("--version", action="store_true", help="tell the version, and end")
    return parser


def _import_parser() -> Parser:
    parser = _parser("import", _IMPORT)
    parser.add_argument("path", metavar="PATH", help="the database")
    parser.add_argument("file", metavar="FILE", help="JSON Lines, also .gz; '-' is standard input")
    parser.add_argument(
        "--history", action="store_true", help="each line is a commit with its own instant"
    )
    parser.add_argument(
        "--skip-bad", action="store_true", help="leave bad lines out, tell them, and go on"
    )
    _add_writing(parser)
    return parser


def _demo_parser() -> Parser:
    parser = _parser("demo", _DEMO)
    parser.add_argument("path", nargs="?", metavar="PATH", help="where to keep the database")
    return parser


def _verify_parser() -> Parser:
    parser = _parser("verify", _VERIFY)
    parser.add_argument("path", metavar="PATH", help="the database")
    return parser


def _rebuild_parser() -> Parser:
    parser = _parser("rebuild", _REBUILD)
    parser.add_argument("path", metavar="PATH", help="the database")
    _add_timeout(parser)
    return parser


def _garden_parser() -> Parser:
    parser = _parser("garden", _GARDEN)
    parser.add_argument("path", metavar="PATH", help="the database")
    _add_timeout(parser)
    return parser


def _fmt_parser() -> Parser:
    parser = _parser("fmt", _FMT)
    parser.add_argument(
        "files", nargs="*", metavar="FILE", default=["-"],
        help="scripts to rewrite; without one, or with -, standard input is written out",
    )  # fmt: skip
    parser.add_argument("--check", action="store_true", help="name the files that would change")
    parser.add_argument("--diff", action="store_true", help="show how they would change")
    return parser


def _help_parser() -> Parser:
    parser = _parser("help", "")
    parser.add_argument("topic", nargs="?", metavar="COMMAND", choices=sorted(COMMANDS))
    return parser


_PARSERS = {
    "import": _import_parser,
    "demo": _demo_parser,
    "verify": _verify_parser,
    "rebuild": _rebuild_parser,
    "garden": _garden_parser,
    "fmt": _fmt_parser,
    "help": _help_parser,
}


def _parser(command: str | None, epilog: str, usage: str | None = None) -> Parser:
    return Parser(
        prog="epql" if command is None else f"epql {command}",
        usage=usage,
        description=None if command is None else COMMANDS[command].capitalize() + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _add_output(parser: Parser) -> None:
    output = parser.add_argument_group("output")
    formats = output.add_mutually_exclusive_group()
    formats.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    for name in FORMATS[1:]:
        formats.add_argument(
            f"--{name}", dest="format", action="store_const", const=name,
            help=f"the same as --format {name}",
        )  # fmt: skip
    output.add_argument("--no-header", action="store_true", help="leave the column names out")
    output.add_argument("--null", metavar="TEXT", help="what NULL looks like in table and csv")


def _add_open(parser: Parser) -> None:
    _add_writing(parser)
    parser.add_argument("--read-only", action="store_true", help="write nothing, whatever is asked")


def _add_writing(parser: Parser) -> None:
    parser.add_argument("--agent", metavar="NAME", help="who speaks (default: the login name)")
    parser.add_argument(
        "--durability", choices=("full", "group", "os"), default="full",
        help="what a commit waits for (default: full, the sync)",
    )  # fmt: skip
    _add_timeout(parser)


def _add_timeout(parser: Parser) -> None:
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
        if found.path in COMMANDS:
            parser.error(f"the command comes first: epql {found.path} {found.script} …")
        parser.error(f"{found.script!r} is one word too many; statements are given with -c")
    if found.script and (found.statements or found.file):
        parser.error("-, -c and -f are alternatives")
