"""What may be written after `epql`: parsers, and the options that commands share.

The first word decides: a command's name is the command, anything else is the path of a database
(`epql ./import` reaches a database that is called so). Not here: what the commands are
(registry.py), and what may be written after one of them (its module).
"""

from __future__ import annotations

import argparse
import math
import os
import re
import shutil
import textwrap
from typing import Any, NoReturn

from epql.cli.registry import COMMANDS, GROUPS, Examples, command, meant
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

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # -24h is a value and no option, as it is for argparse itself from Python 3.14 on
        self._negative_number_matcher = re.compile(r"-\.?\d")

    def error(self, message: str) -> NoReturn:
        hint = f"{self.prog} --help shows how it is called"
        if re.search(r"expected (one|\d+) arguments?$", message):
            hint += "; a value that begins with - is written --option=VALUE, or stands behind --"
        self.exit(2, f"epql: {message}\nhint: {hint}\n")


def parse(argv: list[str]) -> argparse.Namespace:
    """The command and its arguments. Exits with code 2 if it is wrongly called."""
    if argv and argv[0] in COMMANDS:
        found = parser_of(argv[0]).parse_intermixed_args(argv[1:])  # options stand anywhere
        found.command = argv[0]
        return found
    if argv and not argv[0].startswith("-") and not os.path.exists(argv[0]):
        _check_first(argv[0])
    found = main_parser().parse_intermixed_args(argv)  # so that - may follow options
    found.command = None
    _check_open(found)
    return found


def _check_first(word: str) -> None:
    """Rather an error than a new database that is called like a mistyped command."""
    near = meant(word)
    if near is not None:
        main_parser().error(
            f"there is no command {word!r}, did you mean {near}?"
            f" (a new database of that name: ./{word})"
        )


def parser_of(name: str) -> Parser:
    """The parser of a command."""
    module = command(name)
    parser = _parser(
        f"epql {name}", module.EXAMPLES, getattr(module, "EXIT_CODES", ""),
        description=textwrap.fill(_sentence(COMMANDS[name]), _width()),
    )  # fmt: skip
    module.add_arguments(parser)
    parser.usage = " ".join(["%(prog)s", "[options]", *_needed(parser)])
    return parser


def _sentence(line: str) -> str:
    return line[0].upper() + line[1:] + "."


def _needed(parser: Parser) -> list[str]:
    """What has to be written, for the usage line: options that can be left out are listed below."""
    words = []
    for action in parser._actions:
        name = str(action.metavar or "|".join(action.choices or ()) or action.dest.upper())
        if action.option_strings:
            words += [f"{action.option_strings[-1]} {name}"] if action.required else []
        else:
            form = {"?": "[{}]", "*": "[{} …]", "+": "{} …"}.get(str(action.nargs), "{}")
            words.append(form.format(name))
    return words


def main_parser() -> Parser:
    """`epql PATH …`."""
    parser = _parser(
        "epql", EXAMPLES, EXIT_CODES, description=_overview(),
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


def _overview() -> str:
    """What EPQL is, and the commands in their groups."""
    width = _width()
    what = "A temporal knowledge database: what is believed, what was believed, what changed."
    lines = textwrap.wrap(what, width)
    edge = max(map(len, COMMANDS)) + 4
    for group, commands in GROUPS.items():
        lines += ["", f"{group}:"]
        for name, text in commands.items():
            first = f"  {name}".ljust(edge)
            lines += textwrap.wrap(first + text, width, subsequent_indent=" " * edge)
    return "\n".join(lines)


def _epilog(examples: Examples, exit_codes: str) -> str:
    """Examples as they can be pasted into a shell; a remark that does not fit stands above."""
    width = _width()
    edge = max((len(typed) for typed, _ in examples if len(typed) <= width // 2), default=0)
    lines = ["examples:"]
    for typed, remark in examples:
        beside = f"  {typed:<{edge}}  # {remark}"
        if not remark:
            lines += _typed(typed, width)
        elif len(beside) <= width:
            lines.append(beside)
        else:
            lines += textwrap.wrap(remark, width, initial_indent="  # ", subsequent_indent="  # ")
            lines += _typed(typed, width)
    if exit_codes:
        lines += ["", *textwrap.wrap(f"exit codes: {exit_codes}", width, subsequent_indent="  ")]
    return "\n".join(lines)


_WORD = re.compile(r"""(?:[^\s'"]|'[^']*'|"[^"]*")+""")


def _typed(typed: str, width: int) -> list[str]:
    r"""A command over as many lines as it needs, with \ at their ends.

    >>> _typed("epql diff kb.epql --since '-24 hours'", 30)
    ['  epql diff kb.epql --since \\', "    '-24 hours'"]
    """
    lines = [" "]
    for word in _WORD.findall(typed):
        if len(lines[-1]) + len(word) + 3 > width and len(lines[-1]) > 4:
            lines[-1] += " \\"
            lines.append("   ")
        lines[-1] += f" {word}"
    return lines


def _width() -> int:
    """As wide as argparse writes."""
    return shutil.get_terminal_size((80, 24)).columns - 2


# ---------------------------------------------------------------- what several commands take


def add_output(parser: argparse.ArgumentParser) -> None:
    """How an answer is written."""
    output = parser.add_argument_group("output")
    formats = output.add_mutually_exclusive_group()
    formats.add_argument(
        "--format", choices=FORMATS, default="table", metavar="FORMAT",
        help=f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]} (default: table)",
    )  # fmt: skip
    for name in FORMATS[1:]:
        formats.add_argument(
            f"--{name}", dest="format", action="store_const", const=name,
            help=f"the same as --format {name}",
        )  # fmt: skip
    output.add_argument("--no-header", action="store_true", help="leave the column names out")
    output.add_argument("--null", metavar="TEXT", help="what NULL looks like, except in json")


def add_writing(parser: argparse.ArgumentParser) -> None:
    """Who writes, and how."""
    add_agent(parser)
    parser.add_argument(
        "--durability", choices=("full", "group", "os"), default="full",
        help="what a commit waits for (default: full, the sync)",
    )  # fmt: skip
    add_timeout(parser)


def add_path(parser: argparse.ArgumentParser) -> None:
    """A database that must be there."""
    parser.add_argument("path", metavar="PATH", help="the database")


def add_reading(parser: argparse.ArgumentParser) -> None:
    """At which instants is read, which states, for whom; and how the answer is written."""
    parser.add_argument("--as-of", metavar="INSTANT", help="answer as you would have then")
    parser.add_argument(
        "--valid-at", metavar="INSTANT", help="what holds in the world at that time"
    )
    parser.add_argument(
        "--lifecycle", metavar="STATES", help="approved, or proposed,review and so on; live; any"
    )
    parser.add_argument("--purpose", metavar="TEXT", help="what for: kept in the audit")
    parser.add_argument("--read-only", action="store_true", help="write nothing, no audit either")
    add_agent(parser)
    add_timeout(parser)
    add_output(parser)


def add_target(parser: argparse.ArgumentParser) -> None:
    """Which assertion is meant; `target_of` reads it."""
    parser.add_argument(
        "target", nargs="+", metavar="TARGET",
        help="an id (a:1f3c9e), or SUBJECT PREDICATE, or SUBJECT PREDICATE OBJECT",
    )  # fmt: skip


def add_triple(parser: argparse.ArgumentParser) -> None:
    for word in ("subject", "predicate", "object"):
        parser.add_argument(word, metavar=word.upper())


def add_number(parser: argparse.ArgumentParser) -> None:
    """What a shell cannot say: 8080 the number, or '8080' the text."""
    parser.add_argument(
        "--number", action="store_true", help="objects are numbers (without it they are text)"
    )


def add_reason(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    parser.add_argument("--reason", metavar="TEXT", required=required, help="why; it is kept")


def add_dry_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="check and answer, write nothing")


def add_agent(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--agent", metavar="NAME",
        help="who speaks (default: the environment's EPQL_AGENT, else the login name)",
    )  # fmt: skip


def add_json(parser: argparse.ArgumentParser) -> None:
    """For commands that report instead of answering with rows."""
    parser.add_argument("--json", action="store_true", help="the report, and errors, as JSON")


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """How long to wait for others."""
    parser.add_argument(
        "--timeout", type=_seconds, default=5.0, metavar="S",
        help="seconds to wait for another writer (default: 5)",
    )  # fmt: skip


def number(text: str) -> int | float:
    """A number of the shell; for argparse."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    raise argparse.ArgumentTypeError(f"{text!r} is not a number")


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
