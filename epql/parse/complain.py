"""What went wrong, in the user's words."""

from __future__ import annotations

from epql.engine.errors import Error, ProgrammingError, Span
from epql.parse.driver import Unexpected


def about(text: str, error: Unexpected) -> Error:
    """The error to raise for a token that has no place."""
    token = error.token
    return ProgrammingError(
        f"unexpected {token.value!r}",
        code="parse.unexpected_token",
        span=Span(token.start, token.end),
        expected="expected " + ", ".join(sorted(error.expected)),
    )
