"""`epql promote PATH TARGET`: approve."""

from __future__ import annotations

import argparse

from epql.cli.judging import add_judgement, judge

EXAMPLES = (
    ("epql promote kb.epql auth/jwt algorithm --reason 'review board'", ""),
    ("epql promote kb.epql auth/jwt algorithm ES256 --dry-run", "would it be possible?"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_judgement(parser)


def run(arguments: argparse.Namespace) -> int:
    return judge("PROMOTE", arguments)
