"""`epql correct PATH TARGET --reason TEXT`: we were wrong."""

from __future__ import annotations

import argparse

from epql.cli.judging import add_judgement

EXAMPLES = (
    ("epql correct kb.epql auth/jwt algorithm ES256 --reason 'misread the ADR'", ""),
    (
        "epql correct kb.epql auth/jwt algorithm --to RS512 --forbid --prefer RS512 --reason typo",
        "and nobody says it again",
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_judgement(parser, needs_reason=True)
    parser.add_argument("--to", metavar="OBJECT", help="what is right")
    parser.add_argument("--valid-from", metavar="INSTANT", help="what is right holds from")
    parser.add_argument("--valid-to", metavar="INSTANT", help="what is right holds up to")
    parser.add_argument(
        "--forbid", action="store_true", help="the wrong triple is forbidden from now on"
    )
    parser.add_argument("--prefer", metavar="OBJECT", help="what the rule says to use instead")
    parser.add_argument("--confidence", type=float, metavar="X", help="of what is right")
    parser.add_argument("--source", metavar="TEXT", help="where it was taken from")


def run(arguments: argparse.Namespace) -> int:
    from epql.agent import said_correction
    from epql.cli.asking import ask, object_of, returning, target_of

    def of(text: str | None) -> str | int | float | None:
        return None if text is None else object_of(arguments, text)

    said = said_correction(
        target_of(arguments), reason=arguments.reason, to=of(arguments.to),
        valid_from=arguments.valid_from, valid_to=arguments.valid_to, forbid=arguments.forbid,
        prefer=of(arguments.prefer), confidence=arguments.confidence, source=arguments.source,
    )  # fmt: skip
    return ask(arguments, returning(arguments, said))
