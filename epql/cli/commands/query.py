"""`epql query PATH STATEMENT`: one statement, with values from the shell."""

from __future__ import annotations

import argparse

from epql.cli.arguments import add_reading, number

EXAMPLES = (
    ("epql query kb.epql \"SELECT object FROM beliefs WHERE subject = 'auth/jwt'\"", ""),
    ('epql query kb.epql "SELECT * FROM beliefs WHERE subject = ?" auth/jwt --json', ""),
    (
        'epql query kb.epql "SELECT * FROM beliefs WHERE subject GLOB :s" -p s "auth/*"',
        "values are text",
    ),
    ('epql query kb.epql "SELECT * FROM commits WHERE tx > :n" -n n 1', "unless -n says number"),
    ('echo "SELECT count(*) FROM beliefs" | epql query kb.epql - --as-of -1h', ""),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="the database; :memory: is an empty one")
    parser.add_argument(
        "statement", metavar="STATEMENT", help="one statement of any kind; '-' reads it"
        " from standard input",
    )  # fmt: skip
    parser.add_argument(
        "values", nargs="*", metavar="VALUE", help="texts for the question marks, in their order"
    )
    parser.add_argument(
        "-p", "--param", nargs=2, action="append", default=[], dest="texts",
        metavar=("NAME", "TEXT"), help="the value of :NAME, a text",
    )  # fmt: skip
    parser.add_argument(
        "-n", "--number", nargs=2, action="append", default=[], dest="numbers",
        metavar=("NAME", "NUMBER"), help="the value of :NAME, a number",
    )  # fmt: skip
    add_reading(parser)


def run(arguments: argparse.Namespace) -> int:
    from epql.cli.asking import misuse, opened
    from epql.cli.opening import standard_input

    named: dict[str, str | int | float] = dict(arguments.texts)
    for name, text in arguments.numbers:
        try:
            named[name] = number(text)
        except argparse.ArgumentTypeError as error:
            misuse(arguments, str(error))
    named = {name.lstrip(":@$"): value for name, value in named.items()}
    if named and arguments.values:
        misuse(arguments, "values have names (-p, -n) or places, not both")
    text = arguments.statement
    if text == "-":
        text = "".join(standard_input())
    with opened(arguments) as session:
        session.execute(text, named or tuple(arguments.values))
    return 0
