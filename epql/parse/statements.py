"""The public functions: a text to one statement, a script to many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from epql.engine.errors import Error, ProgrammingError, Span
from epql.parse.splitter import check_size, is_complete, pieces, split

if TYPE_CHECKING:
    from epql.nodes import Parsed


def parse(text: str) -> Parsed:
    """The one statement of the text; a semicolon may end it. Spans count in `text`.

    Raises: ProgrammingError or DataError with span and text; NotSupportedError for a
    statement that the language has but that is not available yet.

    >>> parse("SELECT object FROM beliefs LIMIT 1 AS OF '-24h';").statement.clauses.as_of.before
    False
    """
    try:
        check_size(text)
        found = pieces(text)
        if not found:
            raise ProgrammingError(
                "there is no statement here", code="statement.empty", span=Span(0, len(text))
            )
        if len(found) > 1:
            raise ProgrammingError(
                "more than one statement",
                code="statement.several",
                span=found[1],
                expected="a second statement starts here",
                hint="give one statement at a time, or run the text as a script",
            )
        return _parse(text, found[0])
    except Error as error:
        raise error.with_text(text) from error.__cause__


def parse_script(text: str) -> Iterator[Parsed]:
    """The statements of a script, each parsed when it is reached; spans count in its own text."""
    for statement in split(text):
        yield parse(statement)


def _parse(text: str, place: Span) -> Parsed:
    from epql.nodes import Parsed
    from epql.parse import depth, leading
    from epql.parse.builder import Builder
    from epql.parse.driver import Unexpected, driver

    leading.check(text, place)
    builder = Builder(text)
    body = text if place.end == len(text) else text[: place.end]
    try:
        statement = driver().run(body, builder)
    except Unexpected as error:
        from epql.parse import complain  # many patterns, for the few who need them

        raise complain.about(body, error) from None
    depth.check(statement, body)
    return Parsed(statement, text, builder.positional, tuple(builder.named))


__all__ = ["is_complete", "parse", "parse_script", "split"]
