"""`epql diff PATH --since INSTANT`: what changed between two instants, and by whom."""

from __future__ import annotations

import argparse

from epql.cli.arguments import add_path, add_reading

EXAMPLES = (
    ("epql diff kb.epql --since -24h", "the last day"),
    ('epql diff kb.epql --since "TX 1" --until "TX 2" --subject "auth/*"', ""),
    ("epql diff kb.epql --since -7d --lifecycle approved --jsonl", "of what is decided"),
)
_FEW = "change, cause, subject, predicate, before_object, after_object, at, agent, reason"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path(parser)
    parser.add_argument("--since", required=True, metavar="INSTANT", help="from here")
    parser.add_argument("--until", metavar="INSTANT", help="up to here (default: now, or --as-of)")
    parser.add_argument("--subject", metavar="GLOB", help="only of subjects such as 'auth/*'")
    parser.add_argument("--predicate", metavar="GLOB", help="only of predicates such as 'port*'")
    add_reading(parser)


def run(arguments: argparse.Namespace) -> int:
    from epql.agent import Said
    from epql.cli.asking import add_instant, ask, columns

    said = Said(f"SELECT {columns(arguments, _FEW)} FROM beliefs")
    add_instant(said, "DIFF SINCE", arguments.since)
    add_instant(said, "UNTIL", arguments.until)
    said.add("WHERE subject GLOB ?", arguments.subject or "*")
    said.add("AND predicate GLOB ?", arguments.predicate)
    return ask(arguments, said.add("ORDER BY at"))
