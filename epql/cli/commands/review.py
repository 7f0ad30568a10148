"""`epql review PATH`: what waits for approval, oldest first; and approving it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from epql.cli.arguments import add_agent, add_output, add_path, add_reason, add_timeout

if TYPE_CHECKING:
    from epql.repl.session import Session

EXAMPLES = (
    ("epql review kb.epql", "who proposed what, when, why"),
    ("epql review kb.epql --subject 'auth/*' --by ben --json", ""),
    ("epql review kb.epql --jsonl | head -1 > oldest.json", ""),
    ("epql review kb.epql --promote a:da8e18 --reason 'review board'", "as promote, from here"),
)
_COLUMNS = "id, subject, predicate, object, lifecycle, agent, recorded_at, source, reason"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path(parser)
    parser.add_argument("--subject", metavar="GLOB", help="only of subjects such as 'auth/*'")
    parser.add_argument("--by", metavar="AGENT", help="only what this agent proposed")
    for verb in ("promote", "reject"):
        parser.add_argument(
            f"--{verb}", action="append", default=[], metavar="ID",
            help=f"{verb} this one; can be repeated, all or none are moved",
        )  # fmt: skip
    add_reason(parser)
    add_agent(parser)
    add_timeout(parser)
    add_output(parser)


def run(arguments: argparse.Namespace) -> int:
    from epql.cli.asking import opened

    with opened(arguments) as session:
        if arguments.promote or arguments.reject:
            _move(arguments, session)
        else:
            _list(arguments, session)
    return 0


def _list(arguments: argparse.Namespace, session: Session) -> None:
    from epql.agent import Said
    from epql.cli.asking import show

    said = Said(f"SELECT {_COLUMNS} FROM assertions WHERE subject GLOB ?", arguments.subject or "*")
    said.add("AND agent = ?", arguments.by)
    show(session, said.add("ORDER BY tx, id LIFECYCLE IN (PROPOSED, REVIEW) VALID ANYTIME"))


def _move(arguments: argparse.Namespace, session: Session) -> None:
    from epql.agent import said_of
    from epql.cli.asking import MOVED, together

    together(session, "moved", [
        (name, said_of(verb, name).add("REASON ?", arguments.reason).add(f"RETURNING {MOVED}"))
        for verb, names in (("PROMOTE", arguments.promote), ("REJECT", arguments.reject))
        for name in names
    ])  # fmt: skip
