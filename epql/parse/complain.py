"""What went wrong, in the user's words: an error from a token that has no place.

`about` asks the table of frequent mistakes (mistakes/) first and else says what was
expected: keywords in capitals, kinds of things by what a person calls them, a few at most.
"""

from __future__ import annotations

from collections.abc import Collection

from epql.engine.errors import Error, ProgrammingError, Span
from epql.engine.spelling import nearest
from epql.parse import lexer, mistakes
from epql.parse.driver import Unexpected
from epql.parse.lexer import BAD, END, NAME, Token
from epql.parse.mistakes import characters

EXPECTED_MAX = 6

THINGS = {
    "NUMBER": "a number",
    "STRING": "a string",
    NAME: "a name",
    "PARAMETER": "a parameter",
    "BLOB": "a blob",
    END: "the end",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": "a comma",
    "STAR": "*",
    "EQ": "=",
    "AS_OF": "AS OF",
    "ON_CONFLICT": "ON CONFLICT",
    "ORDER": "ORDER BY",
    "GROUP": "GROUP BY",
    "PARTITION": "PARTITION BY",
    "RESOLVE": "RESOLVE BY",
    "DRY": "DRY RUN",
    "HALF": "HALF LIFE",
    "READ": "READ ONLY",
    "DOT": ".",
    "PLUS": "+",
    "MINUS": "-",
}
"""What a person calls a kind of token; a keyword is called by its own word."""
USEFUL = (
    "an expression", "a value", "an instant", "a name", "a string", "FROM", "TO", "BY", "AS",
    "JOIN", "ON", ")", "a comma", "AND", "WHERE", "AS OF", "LIFECYCLE", "DIFF", "GROUP BY",
    "ORDER BY", "LIMIT", "SELECT", "ASSERT", "(", "the end",
)  # fmt: skip
"""What to name first when much is possible."""
_SELDOM = frozenset(["DOT", "FOR", "QUOTED_NAME"])
"""Possible nearly everywhere; named only where nothing else is."""

_VALUE = "NUMBER STRING PARAMETER BLOB NULL TRUE FALSE PLUS MINUS"
_EXPRESSION = """
    NUMBER STRING NAME QUOTED_NAME PARAMETER BLOB NULL TRUE FALSE CASE CAST EXISTS LPAR PLUS MINUS
    TILDE CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP
"""
_OPERATOR = """
    EQ EQ_EQ NE NE_BANG LT LE GT GE AMP PIPE SHIFT_LEFT SHIFT_RIGHT PLUS MINUS STAR SLASH PERCENT
    CONCAT ARROW LONG_ARROW COLLATE IS ISNULL NOTNULL NOT BETWEEN LIKE GLOB REGEXP MATCH IN OR
"""
GROUPS: tuple[tuple[str, frozenset[str]], ...] = (
    ("an expression", frozenset(_EXPRESSION.split())),
    ("a value", frozenset(_VALUE.split())),
    ("an instant", frozenset(["STRING", "PARAMETER", "TX", "EPOCH", "QUERY", "NOW"])),
)
"""Kinds of tokens that make one thing, said at once when all of them are possible."""
_OPERATORS = frozenset(_OPERATOR.split())
_OPERATORS_MIN = 6
"""As many operators are said at once, too."""


def about(text: str, error: Unexpected) -> Error:
    """The error to raise for a token that has no place."""
    token = error.token
    if token.kind == BAD and token.value in ("'", '"', "`", "["):
        return characters.about(text, token)
    special = mistakes.find(text, error)
    if special is not None:
        return special
    if token.kind == BAD:
        return characters.about(text, token)
    if token.kind == END:
        place = error.before[-1].end if error.before else 0
        return ProgrammingError(
            "the statement ends too early",
            code="parse.unexpected_end",
            span=Span(place, place + 1),
            expected=expected(error.expected),
        )
    return ProgrammingError(
        f"unexpected {_shown(token.value)}",
        code="parse.unexpected_token",
        span=Span(token.start, token.end),
        expected=expected(error.expected),
        hint=_hint(token, error.expected),
    )


def expected(kinds: Collection[str]) -> str:
    """`expected …` with the most useful few of the kinds of tokens possible.

    >>> expected(["COMMA", "RPAR", "DOT"])
    'expected ) or a comma'
    """
    left = set(kinds)
    words: list[str] = []
    for thing, group in GROUPS:
        if group <= left:
            words.append(thing)
            left -= group | {"NOT"}
    if len(left & _OPERATORS) >= _OPERATORS_MIN:
        words.append("an operator")
        left -= _OPERATORS
        left.discard("LPAR")  # a call's, of a name that might as well be a column
        left.discard("AND")
    left = left - _SELDOM or left
    words += [THINGS.get(kind, kind) for kind in left if kind in THINGS or kind in _keywords()]
    words.sort(key=lambda word: (_rank(word), word))
    more = len(words) > EXPECTED_MAX
    words = words[:EXPECTED_MAX]
    if more:
        return "expected " + ", ".join(words) + ", …"
    return "expected " + (" or ".join(words) if len(words) < 3 else _either(words))


def _keywords() -> Collection[str]:
    return lexer.keywords().values()


def _either(words: list[str]) -> str:
    return ", ".join(words[:-1]) + " or " + words[-1]


def _rank(word: str) -> int:
    if word in USEFUL:
        return USEFUL.index(word)
    return len(USEFUL) + (1 if word == "an operator" else 0)


def _hint(token: Token, kinds: Collection[str]) -> str | None:
    """A keyword where a name may stand can be quoted; a name may be a misspelt keyword."""
    keywords = lexer.keywords()
    word = token.value
    if word.upper() in keywords:
        following = word.upper() not in _NEVER_NAMES
        return f'as a name it is written "{word}"' if NAME in kinds and following else None
    if not word[:1].isalpha():
        return None
    return nearest(word, [kind for kind in kinds if kind in keywords])


_NEVER_NAMES = (
    "FROM", "WHERE", "AND", "OR", "NOT", "SELECT", "ON", "UNION", "LIMIT", "AS", "IN", "IS",
    "HAVING", "JOIN", "BETWEEN", "WHEN", "THEN", "ELSE", "USING", "INTERSECT", "EXCEPT", "VALUES",
)  # fmt: skip
"""Words nobody means as a name."""


def _shown(value: str) -> str:
    shown = value if len(value) <= 40 else value[:39] + "…"
    return " ".join(shown.split()) if shown[:1] in "'\"`[" else repr(shown)
