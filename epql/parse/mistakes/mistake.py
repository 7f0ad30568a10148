"""What a recogniser of a mistake looks at, and how it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from epql.engine.errors import Error, ProgrammingError, Span
from epql.parse import lexer
from epql.parse.driver import Unexpected
from epql.parse.lexer import END, Token

SAID_MAX = 40
"""Characters of the text that a hint repeats."""


@dataclass(frozen=True)
class Mistake:
    """The text, the token that has no place, those before it, and what was possible.

    Tokens are counted from the wrong one: 0 is it, -1 the one before, 1 the one after.
    """

    text: str
    token: Token
    before: tuple[Token, ...]
    expected: frozenset[str]

    @classmethod
    def of(cls, text: str, error: Unexpected) -> Mistake:
        return cls(text, error.token, tuple(error.before), error.expected)

    @cached_property
    def tokens(self) -> list[Token]:
        """All tokens of the text, as the lexer gives them."""
        return list(lexer.tokens(self.text))

    @property
    def wrong(self) -> int:
        """The number of the wrong token."""
        return len(self.before)

    def at(self, offset: int) -> Token | None:
        if offset == 0:
            return self.token
        place = self.wrong + offset
        tokens = self.before if offset < 0 else self.tokens
        return tokens[place] if 0 <= place < len(tokens) else None

    def up(self, offset: int) -> str:
        """A token in capitals; '' past either end."""
        token = self.at(offset)
        if token is None:
            return ""
        return "AS OF" if token.kind == "AS_OF" else token.value.upper()

    def kind(self, offset: int) -> str:
        token = self.at(offset)
        return END if token is None else token.kind

    def span(self, first: int = 0, last: int | None = None) -> Span:
        """The place of a token, or from one to another."""
        start = self.at(first) or self.token
        end = start if last is None else self.at(last) or self.token
        return Span(start.start, max(end.end, start.start))

    def written(self, first: int, last: int | None = None) -> str:
        """The text of a token, or from one to another, for a hint."""
        place = self.span(first, last)
        shown = " ".join(self.text[place.start : place.end].split())
        return shown if len(shown) <= SAID_MAX else shown[: SAID_MAX - 1] + "…"

    def shown(self, offset: int = 0) -> str:
        """A token for a message: in quotes, if it has none of its own."""
        text = self.written(offset)
        return text if text[:1] in ("'", '"', "`", "[") else repr(text)

    def adjoins(self, offset: int) -> bool:
        """Whether a token directly follows the one before it."""
        one, other = self.at(offset - 1), self.at(offset)
        return one is not None and other is not None and one.end == other.start

    def takes(self, *kinds: str) -> bool:
        return all(kind in self.expected for kind in kinds)

    @property
    def wants_instant(self) -> bool:
        return self.takes("STRING", "TX", "EPOCH", "NOW")

    def error(
        self,
        message: str,
        hint: str | None,
        *,
        code: str = "parse.unexpected_token",
        span: Span | None = None,
        expected: str | None = None,
    ) -> Error:
        return ProgrammingError(
            message, code=code, span=span or self.span(), hint=hint, expected=expected
        )

    def foreign(self, hint: str, first: int = 0, last: int | None = None) -> Error:
        """The answer to another system's way to read the past."""
        return self.error(
            "another system's way to read the past",
            hint,
            code="clause.foreign",
            span=self.span(first, last),
        )


Recogniser = Callable[[Mistake], Error | None]


def quoted(text: str) -> str:
    """The text as a string of EPQL; long ones are cut, since they stand in hints."""
    text = text if len(text) <= SAID_MAX else text[: SAID_MAX - 1] + "…"
    return "'" + text.replace("'", "''") + "'"


def plain(token: Token) -> str:
    """What a string or quoted name holds; a word as it is."""
    value = token.value
    return value[1:-1] if token.kind in ("STRING", "QUOTED_NAME") else value
