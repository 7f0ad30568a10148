"""`epql assert PATH SUBJECT PREDICATE OBJECT`: say that something is so."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from epql.cli.arguments import (
    add_dry_run,
    add_number,
    add_output,
    add_reason,
    add_writing,
)

if TYPE_CHECKING:
    from epql.agent import Said

EXAMPLES = (
    ("epql assert kb.epql auth/jwt algorithm RS256 --lifecycle approved --source adr:12", ""),
    ("epql assert kb.epql svc/api port 8080 --number --confidence 0.9", "a number, not a text"),
    ("epql assert kb.epql auth/jwt expires 15m --if-none --reason 'audit'", ""),
    (
        'echo \'{"subject": "db", "predicate": "engine", "object": "pg"}\' | epql assert kb.epql -',
        "an object a line; all of them, or none",
    ),
)
_FIELDS = (
    "subject", "predicate", "object", "confidence", "lifecycle", "agent", "source", "valid_from",
    "valid_to", "because", "qualified", "key", "if_none", "reason",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="the database; made if it is new")
    parser.add_argument(
        "triple", nargs="+", metavar="TRIPLE",
        help="SUBJECT PREDICATE OBJECT; or '-': JSON Lines from standard input, whose keys are"
        " called like the options here",
    )  # fmt: skip
    add_number(parser)
    parser.add_argument("--confidence", type=float, metavar="X", help="from 0 to 1 (default: 1)")
    parser.add_argument("--lifecycle", metavar="STATE", help="where it lands (default: proposed)")
    parser.add_argument("--source", metavar="TEXT", help="where it was taken from")
    parser.add_argument("--valid-from", metavar="INSTANT", help="holds in the world from")
    parser.add_argument("--valid-to", metavar="INSTANT", help="holds in the world up to")
    parser.add_argument(
        "--because", action="append", default=[], metavar="ID", help="derived from; can be repeated"
    )
    parser.add_argument(
        "--qualified", nargs=2, action="append", default=[], metavar=("NAME", "TEXT"),
        help="a qualifier; can be repeated",
    )  # fmt: skip
    parser.add_argument("--key", metavar="TEXT", help="once only, however often it is tried")
    parser.add_argument(
        "--if-none", action="store_true", help="only if nothing is believed there yet"
    )
    add_reason(parser)
    add_dry_run(parser)
    add_writing(parser)
    add_output(parser)


def run(arguments: argparse.Namespace) -> int:
    from epql.agent import said_assertion
    from epql.cli.asking import MOVED, ask, misuse, object_of, opened, returning, together

    if arguments.triple == ["-"]:
        with opened(arguments, makes=True) as session:
            lines = ((name, said.add(f"RETURNING {MOVED}")) for name, said in _of_lines(arguments))
            together(session, "written", lines)
        return 0
    if len(arguments.triple) != 3:
        misuse(arguments, "a triple has three words: SUBJECT PREDICATE OBJECT")
    subject, predicate, text = arguments.triple
    said = said_assertion(subject, predicate, object_of(arguments, text), **_options(arguments))
    return ask(arguments, returning(arguments, said), makes=True)


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the options say, as `said_assertion` takes it."""
    found = {name: vars(arguments)[name] for name in _FIELDS[3:] if name != "agent"}
    return {**found, "qualified": dict(arguments.qualified)}


def _of_lines(arguments: argparse.Namespace) -> Iterator[tuple[str, Said]]:
    """A statement for each line; what a line does not say, the options do."""
    from epql.agent import said_assertion
    from epql.cli.opening import standard_input

    for number, line in enumerate(standard_input(), start=1):
        if line.strip():
            fact = _fact(line, f"line {number}")
            yield f"line {number}", said_assertion(**{**_options(arguments), **fact})


def _fact(line: str, name: str) -> dict[str, Any]:
    """Raises: DataError `assert.line`."""
    from epql.engine.errors import DataError

    def wrong(what: str) -> DataError:
        return DataError(
            f"{name}: {what}", code="assert.line",
            hint='a line is like {"subject": "db", "predicate": "engine", "object": "pg"}',
        )  # fmt: skip

    try:
        fact = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise wrong(f"not JSON: {error}") from error
    if not isinstance(fact, dict):
        raise wrong("not an object")
    for key in fact:
        if key not in _FIELDS:
            raise wrong(f"{key!r} is not one of {', '.join(_FIELDS)}")
    for key in _FIELDS[:3]:
        if key not in fact:
            raise wrong(f"{key!r} is missing")
    if not isinstance(fact.get("because", []), list):
        raise wrong("'because' is not a list of ids")
    if not isinstance(fact.get("qualified", {}), dict):
        raise wrong("'qualified' is not an object")
    return fact
