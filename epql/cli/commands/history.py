"""`epql history PATH TARGET`: what happened to a subject, a slot or an assertion, in order."""

from __future__ import annotations

import argparse

from epql.cli.arguments import add_number, add_path, add_reading

EXAMPLES = (
    ("epql history kb.epql auth/jwt", "of a subject: all its slots"),
    ("epql history kb.epql auth/jwt algorithm", "of a slot"),
    ("epql history kb.epql auth/jwt algorithm ES256 --jsonl", "of one assertion"),
)
_FEW = "at, event, object, from_state, to_state, agent, reason"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path(parser)
    parser.add_argument(
        "target", nargs="+", metavar="TARGET",
        help="SUBJECT, or SUBJECT PREDICATE [OBJECT], or an id (a:1f3c9e)",
    )  # fmt: skip
    add_number(parser)
    add_reading(parser)


def run(arguments: argparse.Namespace) -> int:
    from epql.agent import Said
    from epql.cli.asking import ask, columns, target_of, words_of

    words = words_of(target_of(arguments))
    if len(words) == 1 and not str(words[0]).startswith("a:"):
        shown = columns(arguments, f"slot.predicate, {_FEW}", "slot.predicate, it.*")
        return ask(arguments, Said(_OF_SUBJECT.format(shown), words[0], words[0]))
    marks = ", ".join("?" * len(words))
    said = Said(f"SELECT {columns(arguments, _FEW)} FROM history_of({marks})", *words)
    return ask(arguments, said)


_OF_SUBJECT = """\
SELECT {} FROM (
  SELECT DISTINCT predicate FROM assertions WHERE subject = ? LIFECYCLE ANY VALID ANYTIME
) AS slot JOIN history_of(?, slot.predicate) AS it ORDER BY it.at, it.tx"""
