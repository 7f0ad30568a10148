"""`epql why-not PATH SUBJECT PREDICATE OBJECT`: why something is not believed."""

from __future__ import annotations

import argparse

from epql.cli.arguments import add_number, add_path, add_reading, add_triple

EXAMPLES = (
    ("epql why-not kb.epql auth/jwt algorithm HS256", "never said, turned down, outvoted …"),
    ("epql why-not kb.epql auth/jwt algorithm ES256 --lifecycle approved", ""),
)
_FEW = "reason, sentence, clause"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path(parser)
    add_triple(parser)
    add_number(parser)
    add_reading(parser)


def run(arguments: argparse.Namespace) -> int:
    from epql.agent import Said
    from epql.cli.asking import ask, columns, object_of

    said = Said(f"SELECT {columns(arguments, _FEW)} FROM why_not(?, ?, ?)")
    said.values += [arguments.subject, arguments.predicate, object_of(arguments, arguments.object)]
    return ask(arguments, said)
