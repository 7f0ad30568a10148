"""`epql check PATH SUBJECT PREDICATE OBJECT`: may this be asserted? For scripts and hooks.

Exit codes: 0 nothing forbids it (advice against it is shown), 3 a rule forbids it.
"""

from __future__ import annotations

import argparse

from epql.cli.arguments import add_number, add_path, add_reading, add_triple

EXAMPLES = (
    ("epql check kb.epql http/client library requests && echo free", ""),
    ("epql check kb.epql http/client library urllib3 || echo denied", "and shows the rule"),
    ("epql check kb.epql http/client library urllib3 -q || exit 1", "in a hook: only the code"),
)
FREE, DENIED = 0, 3
EXIT_CODES = "0 free, 1 an error was shown, 2 wrongly called, 3 denied"
_FEW = ("verdict", "pattern", "reason", "prefer", "agent")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path(parser)
    add_triple(parser)
    add_number(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="show nothing but errors")
    add_reading(parser)


def run(arguments: argparse.Namespace) -> int:
    from epql.agent import Hit
    from epql.cli.asking import object_of, opened

    triple = (arguments.subject, arguments.predicate, object_of(arguments, arguments.object))
    with opened(arguments) as session:
        hits = session.connection.check(*triple)
        if not arguments.quiet:
            few = _FEW if arguments.format == "table" else Hit._fields
            if hits or arguments.format != "table":
                session.screen.rows(few, [[getattr(hit, name) for name in few] for hit in hits])
            else:
                session.screen.say("free: no rule speaks against it")
            session.tell_notices()
    return DENIED if any(hit.verdict == "DENY" for hit in hits) else FREE
