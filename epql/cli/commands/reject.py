"""`epql reject PATH TARGET`: turn down what was proposed."""

from __future__ import annotations

import argparse

from epql.cli.judging import add_judgement, judge

EXAMPLES = (("epql reject kb.epql auth/jwt algorithm ES256 --reason 'no hardware support'", ""),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_judgement(parser)


def run(arguments: argparse.Namespace) -> int:
    return judge("REJECT", arguments)
