"""What went wrong, in the user's words: an error from a token that has no place.

`about` asks the table of frequent mistakes (mistakes.py) first and else says what was
expected: keywords in capitals, kinds of things by what a person calls them, a few at most.
"""

from __future__ import annotations

from collections.abc import Collection

from epql.engine.errors import Error, ProgrammingError, Span
from epql.parse import lexer, mistakes
from epql.parse.clauses import nearest
from epql.parse.driver import Unexpected
from epql.parse.lexer import BAD, END, NAME

EXPECTED_MAX = 6

THINGS = {
    "NUMBER": "a number",
    "STRING": "a string",
    NAME: "a name",
    "PARAMETER": "a parameter",
    END: "the end",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": "a comma",
    "DOT": ".",
    "STAR": "*",
    "EQ": "=",
    "AS_OF": "AS OF",
    "ORDER": "ORDER BY",
    "GROUP": "GROUP BY",
    "PARTITION": "PARTITION BY",
    "RESOLVE": "RESOLVE BY",
}
USEFUL = (
    "an expression", "a value", "an instant", "(", "a name", "a string", "FROM", "TO", "BY", "AS",
    "JOIN", "ON", ")", "a comma", "WHERE", "AS OF", "LIFECYCLE", "DIFF", "GROUP BY", "ORDER BY",
    "LIMIT",
    "SELECT", "ASSERT", "the end",
)  # fmt: skip
"""What to name first when much is possible."""

_VALUE = "NUMBER STRING PARAMETER BLOB NULL TRUE FALSE PLUS MINUS"
_EXPRESSION = """
    NUMBER STRING NAME QUOTED_NAME PARAMETER BLOB NULL TRUE FALSE CASE CAST EXISTS LPAR PLUS MINUS
    TILDE CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP
"""
_OPERATOR = """
    EQ EQ_EQ NE NE_BANG LT LE GT GE AMP PIPE SHIFT_LEFT SHIFT_RIGHT PLUS MINUS STAR SLASH PERCENT
    CONCAT ARROW LONG_ARROW COLLATE IS ISNULL NOTNULL NOT BETWEEN LIKE GLOB REGEXP MATCH IN AND OR
"""
GROUPS: tuple[tuple[str, frozenset[str]], ...] = (
    (
        "an expression",
        frozenset(_EXPRESSION.split()),
    ),
    ("a value", frozenset(_VALUE.split())),
    ("an instant", frozenset(["STRING", "PARAMETER", "TX", "EPOCH", "QUERY", "NOW"])),
    (
        "an operator",
        frozenset(_OPERATOR.split()),
    ),
)
"""Kinds of tokens that make one thing, said at once when all of them are possible."""


def about(text: str, error: Unexpected) -> Error:
    """The error to raise for a token that has no place."""
    token = error.token
    if token.kind == BAD:
        return _character(text, token.value, Span(token.start, token.end))
    special = mistakes.find(text, error)
    if special is not None:
        return special
    if token.kind == END:
        before = error.before[-1] if error.before else None
        place = before.end if before else 0
        return ProgrammingError(
            "the statement ends too early",
            code="parse.unexpected_end",
            span=Span(place, place + 1),
            expected=expected(error.expected),
        )
    return _token(text, error)


def expected(kinds: Collection[str]) -> str:
    """`expected …` with the most useful few of the kinds of tokens possible."""
    left = set(kinds)
    words: list[str] = []
    for thing, group in GROUPS:
        if group <= left:
            words.append(thing)
            left -= group | {"NOT"}
    words += [THINGS.get(kind, kind) for kind in left if kind.isupper() and kind != "QUOTED_NAME"]
    words.sort(key=lambda word: (_rank(word), word))
    more = len(words) > EXPECTED_MAX
    words = words[:EXPECTED_MAX]
    if more:
        return "expected " + ", ".join(words) + ", …"
    return "expected " + (" or ".join(words) if len(words) < 3 else _either(words))


def _either(words: list[str]) -> str:
    return ", ".join(words[:-1]) + " or " + words[-1]


def _rank(word: str) -> int:
    if word in USEFUL:
        return USEFUL.index(word)
    return len(USEFUL) + (1 if word == "an operator" else 0)


def _token(text: str, error: Unexpected) -> Error:
    token = error.token
    before = error.before[-1] if error.before else None
    words = [kind for kind in error.expected if kind in lexer.keywords().values()]
    if before is not None and before.kind == NAME and before.value.upper() not in words:
        close = nearest(before.value, words)
        if close and len(before.value) > 3:  # a misspelt keyword was taken for an alias
            return ProgrammingError(
                f"unexpected {before.value!r}",
                code="parse.unexpected_token",
                span=Span(before.start, before.end),
                hint=close,
            )
    hint = None
    if token.value[:1].isalpha():
        hint = nearest(token.value, words) or _as_name(token.kind, token.value, error.expected)
    return ProgrammingError(
        f"unexpected {_shown(token.value)}",
        code="parse.unexpected_token",
        span=Span(token.start, token.end),
        expected=expected(error.expected),
        hint=hint,
    )


def _shown(value: str) -> str:
    shown = value if len(value) <= 40 else value[:39] + "…"
    return " ".join(shown.split()) if shown[:1] in "'\"`[" else repr(shown)


def _as_name(kind: str, value: str, kinds: Collection[str]) -> str | None:
    if kind != NAME and NAME in kinds and kind in lexer.keywords().values():
        return f'as a name it is written "{value}"'
    return None


def _character(text: str, value: str, span: Span) -> Error:
    if value == "'":
        return ProgrammingError(
            "the string that starts here does not end",
            code="parse.unterminated_string",
            span=span,
            expected="expected a closing '",
            hint="a quote inside a string is doubled: 'it''s'",
        )
    if value in ('"', "`", "["):
        return ProgrammingError(
            "the quoted name that starts here does not end",
            code="parse.unterminated_name",
            span=span,
            expected=f"expected a closing {']' if value == '[' else value}",
        )
    if value[:1].isdigit() or value[:1] == ".":
        return ProgrammingError(
            f"the number {value} runs into a name",
            code="parse.unexpected_character",
            span=span,
            hint="a date, a duration or an id is a string: '2026-01-12', '-24h', 'a:1f3c'",
        )
    return ProgrammingError(
        f"unexpected character {_character_name(value)}",
        code="parse.unexpected_character",
        span=span,
        hint=_ODD.get(value),
    )


def _character_name(value: str) -> str:
    return repr(value) if value.isprintable() and not value.isspace() else f"U+{ord(value):04X}"


_ODD = {
    **dict.fromkeys("‘’‚‛“”„", "strings are written in straight quotes: 'text'"),
    **dict.fromkeys("\u00a0\u2007\u202f\u3000\u200b\ufeff", "it looks like a space; type one"),
    **dict.fromkeys("–—−", "it looks like a minus; type -"),
    "\0": "a statement cannot contain the character NUL",
    "#": "a comment is -- to the end of the line, or /* … */",
    "^": "SQL has no ^: a power is pow(x, y)",
    "\\": "a quote inside a string is doubled: 'it''s'",
}
