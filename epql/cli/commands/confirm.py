"""`epql confirm PATH TARGET`: checked again, and still so; it is fresh again."""

from __future__ import annotations

import argparse

from epql.cli.judging import add_judgement, judge

EXAMPLES = (("epql confirm kb.epql auth/jwt algorithm --source 'pen test 2026'", ""),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_judgement(parser)
    parser.add_argument("--source", metavar="TEXT", help="the new evidence")


def run(arguments: argparse.Namespace) -> int:
    return judge("CONFIRM", arguments, ("SOURCE ?", arguments.source))
