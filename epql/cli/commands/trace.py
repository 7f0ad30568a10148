"""`epql trace PATH`: who asked what, for which purpose, and what they were shown."""

from __future__ import annotations

import argparse

from epql.cli.arguments import add_number, add_path, add_reading

EXAMPLES = (
    ("epql trace kb.epql --since -1h", "the last hour's questions"),
    ("epql trace kb.epql auth/jwt algorithm --by ada", "ada's, that were shown this"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path(parser)
    parser.add_argument(
        "target", nargs="*", metavar="TARGET",
        help="only questions that were shown this: an id, or SUBJECT PREDICATE [OBJECT]",
    )  # fmt: skip
    parser.add_argument("--by", metavar="AGENT", help="only this agent's questions")
    parser.add_argument("--since", metavar="INSTANT", help="asked then or later")
    add_number(parser)
    add_reading(parser)


def run(arguments: argparse.Namespace) -> int:
    from epql.agent import Said, said_of
    from epql.cli.asking import add_instant, ask, target_of

    said = Said("TRACE QUERIES").add("BY AGENT ?", arguments.by)
    add_instant(said, "SINCE", arguments.since)
    if arguments.target:
        touching = said_of("TOUCHING", target_of(arguments))
        said.add(touching.text, *touching.values)
    return ask(arguments, said)
