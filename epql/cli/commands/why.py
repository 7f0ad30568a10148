"""`epql why PATH TARGET`: why something is believed."""

from __future__ import annotations

import argparse

from epql.cli.arguments import add_number, add_path, add_reading, add_target

EXAMPLES = (
    ("epql why kb.epql auth/jwt algorithm", "the winner of a slot, and who lost"),
    ("epql why kb.epql auth/jwt algorithm ES256", "of one candidate"),
    ("epql why kb.epql auth/jwt algorithm --as-of -1h --json", "as it was an hour ago"),
)
_FEW = "role, object, lifecycle, credence, agent, recorded_at, why"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path(parser)
    add_target(parser)
    add_number(parser)
    add_reading(parser)


def run(arguments: argparse.Namespace) -> int:
    from epql.agent import Said
    from epql.cli.asking import ask, columns, target_of, words_of

    words = words_of(target_of(arguments))
    marks = ", ".join("?" * len(words))
    return ask(arguments, Said(f"SELECT {columns(arguments, _FEW)} FROM why({marks})", *words))
