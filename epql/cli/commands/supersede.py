"""`epql supersede PATH TARGET`: the world changed: something else holds now."""

from __future__ import annotations

import argparse

from epql.cli.judging import add_judgement, judge

EXAMPLES = (
    ("epql supersede kb.epql auth/jwt algorithm --with EdDSA", "from now on"),
    ("epql supersede kb.epql auth/jwt algorithm --with EdDSA --from 2026-02-01", ""),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_judgement(parser)
    parser.add_argument(
        "--with", dest="successor", required=True, metavar="OBJECT", help="what holds now"
    )
    parser.add_argument("--from", dest="start", metavar="INSTANT", help="since when (default: now)")
    parser.add_argument("--confidence", type=float, metavar="X", help="of what holds now")
    parser.add_argument("--source", metavar="TEXT", help="where it was taken from")


def run(arguments: argparse.Namespace) -> int:
    from epql.cli.asking import object_of

    return judge(
        "SUPERSEDE", arguments,
        ("WITH ?", object_of(arguments, arguments.successor)), ("FROM ?", arguments.start),
        ("CONFIDENCE ?", arguments.confidence), ("SOURCE ?", arguments.source),
    )  # fmt: skip
