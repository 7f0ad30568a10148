"""Verbs about one assertion: a target, a reason, and a clause or two of their own."""

from __future__ import annotations

import argparse
from typing import Any

from epql.cli.arguments import (
    add_dry_run,
    add_number,
    add_output,
    add_path,
    add_reason,
    add_target,
    add_writing,
)


def add_judgement(parser: argparse.ArgumentParser, *, needs_reason: bool = False) -> None:
    """Which one, why, who, and how the answer is written."""
    add_path(parser)
    add_target(parser)
    add_number(parser)
    add_reason(parser, required=needs_reason)
    add_dry_run(parser)
    add_writing(parser)
    add_output(parser)


def judge(verb: str, arguments: argparse.Namespace, *clauses: tuple[Any, ...]) -> int:
    """Carry out a verb; clauses are (words, values …), left out where a value is None."""
    from epql.agent import said_of
    from epql.cli.asking import ask, returning, target_of

    said = said_of(verb, target_of(arguments))
    for clause in clauses:
        said.add(*clause)
    said.add("REASON ?", arguments.reason)
    return ask(arguments, returning(arguments, said))
