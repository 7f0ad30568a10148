"""`epql retract PATH TARGET`: withdraw what was said."""

from __future__ import annotations

import argparse

from epql.cli.judging import add_judgement, judge

EXAMPLES = (
    ("epql retract kb.epql auth/jwt algorithm ES256 --reason 'never meant'", ""),
    ("epql retract kb.epql auth/jwt algorithm --cascade", "and what was derived from it"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_judgement(parser)
    parser.add_argument("--cascade", action="store_true", help="what was derived from it, too")


def run(arguments: argparse.Namespace) -> int:
    return judge("RETRACT", arguments, *[("CASCADE",)] * arguments.cascade)
