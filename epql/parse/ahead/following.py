"""Which keywords may come next: the parsing tables, asked behind the tokens so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from epql.parse import lexer
from epql.parse.driver import Driver, Followed, driver
from epql.parse.lexer import Token

States = list[int]


@lru_cache(maxsize=8)
def way(tokens: tuple[Token, ...]) -> Followed | None:
    """The tables behind the tokens; past a mistake, from a later clause on. None if lost, or where
    only the second half of a token can follow.

    Kept for the last few, since a word that grows has the same tokens before it.
    """
    made = driver()
    if [token.value.upper() for token in tokens[-2:]] == ["ON", "CONFLICT"]:
        # one token, but only once it is known what follows
        tokens = (*tokens[:-2], tokens[-2]._replace(kind="ON_CONFLICT"))
    found = made.follow(tokens)
    reach = len(found.kinds)
    if reach == len(tokens):
        return found
    if second(made, tokens):
        return None
    for number in range(len(tokens) - 1, reach - 1, -1):
        before = _RESUMED.get(tokens[number].value.upper())
        if before is not None:
            resumed = _resumed(made, before, tokens, number)
            if resumed is not None:
                return resumed
    return None


def _resumed(made: Driver, before: str, tokens: Sequence[Token], number: int) -> Followed | None:
    """The tokens from `number` on as if other words stood before them."""
    padding = list(lexer.tokens(before))[:-1]
    found = made.follow([*padding, *tokens[number:]])
    if len(found.kinds) < len(padding) + len(tokens) - number:
        return None
    by = number - len(padding)
    return found._replace(symbols=[(name, max(0, first + by)) for name, first in found.symbols])


_TABLE = "SELECT * FROM x"
_RESUMED = {
    "SELECT": "", "ASSERT": "", "FROM": "SELECT *", "JOIN": _TABLE, "ON": _TABLE + " JOIN y",
    "WHERE": _TABLE, "GROUP": _TABLE, "HAVING": _TABLE, "ORDER": _TABLE, "LIMIT": _TABLE,
    "LIFECYCLE": _TABLE, "VALID": _TABLE, "DIFF": _TABLE, "RESOLVE": _TABLE, "UNION": _TABLE,
}  # fmt: skip
"""Words from which on a statement is understood again, with what would stand before them."""


def keywords(made: Driver, behind: Followed, tokens: Sequence[Token]) -> tuple[str, ...]:
    """What the parser would take here, in the words a person writes."""
    return tuple(dict.fromkeys(_keywords(made, behind.states, tokens)))


def _keywords(made: Driver, states: States, tokens: Sequence[Token]) -> Iterator[str]:
    known = words()
    for kind in sorted(made.expected(states) & known.keys()):
        yield _whole(made, made.shifted(states, kind), known[kind])
    last = tokens[-1].value.upper() if tokens else ""
    for phrase in PHRASES:
        if last != phrase.split()[0] and _follows(made, states, phrase.split()):
            yield phrase
    if last == "IS" and made.takes(states, "NOT"):
        yield "NOT NULL"
    yield from second(made, tokens)


def second(made: Driver, tokens: Sequence[Token]) -> tuple[str, ...]:
    """The second of two words that are one token, behind the first: OF, CONFLICT."""
    terminal, word = _SECOND.get(tokens[-1].value.upper() if tokens else "", ("", ""))
    before = way(tuple(tokens[:-1])) if terminal else None
    return () if before is None or not made.takes(before.states, terminal) else (word,)


@cache
def words() -> dict[str, str]:
    """Every terminal that is one word or two, with it."""
    found = {terminal: word for word, terminal in lexer.keywords().items()}
    return found | {"AS_OF": "AS OF", "ON_CONFLICT": "ON CONFLICT"}


_SECOND = {"AS": ("AS_OF", "OF"), "ON": ("ON_CONFLICT", "CONFLICT")}
"""Terminals of two words, by the first: the second."""
PHRASES = (
    "IS NULL", "IS NOT NULL", "NOT IN", "UNION ALL", "LEFT JOIN", "VALID AT",
    "VALID ANYTIME", "DEFINE PREDICATE", "DEFINE QUERY", "DEFINE POLICY", "SET AGENT", "SET AS OF",
    "WHY NOT",
)  # fmt: skip
"""Words that belong together for a person, though the grammar has other ways on."""


def _whole(made: Driver, states: States, word: str) -> str:
    """A keyword with those that must follow it."""
    known = words()
    for _ in range(3):
        following = made.expected(states)
        if len(following) != 1 or not following <= known.keys():
            break
        (kind,) = following
        word, states = f"{word} {known[kind]}", made.shifted(states, kind)
    return word


def _follows(made: Driver, states: States, words: Sequence[str]) -> bool:
    """Whether the keywords would be taken one after another; AS OF is one of them."""
    terminals = lexer.keywords()
    for word in words:
        kind = terminals[word]
        if word == "AS":
            return made.takes(states, "AS_OF")
        if not made.takes(states, kind):
            return False
        states = made.shifted(states, kind)
    return True


def case(behind: Followed, tokens: Sequence[Token]) -> str:
    """How the keywords so far are written: 'lower', 'upper', or '' where there are none."""
    known = words()
    for kind, token in zip(reversed(behind.kinds), reversed(tokens), strict=False):
        if kind in known:
            return "lower" if token.value.islower() else "upper"
    return ""
