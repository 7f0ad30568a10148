"""Tokens to a statement: runs lark's LALR tables and calls the builder at each reduction.

Lark's own loop would do; this one calls the builder with the place of every rule, keeps the
state that an error needs, decides keywords exactly, and lets a warm start do without lark.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from epql.engine.errors import Span
from epql.nodes.looking import look
from epql.parse import lexer
from epql.parse.lexer import END, KEYWORD, NAME, Token
from epql.parse.splitter import too_deep
from epql.parse.tables import Tables, tables

STACK_MAX = 2000
"""States held at once: prefix operators without parentheses nest, too."""

CHAINS_MAX = 50_000
"""Ways through rules that change nothing that are kept; 10,000 random statements take 8,000."""

Action = Callable[[Any, list[Any], int, int], Any]
"""What a rule means: builder, the values of its parts, start and end in the text."""


class Unexpected(Exception):
    """A token the grammar has no place for, with what it would have taken instead."""

    def __init__(self, token: Token, expected: frozenset[str], before: Sequence[Token]) -> None:
        super().__init__(token.value)
        self.token = token
        self.expected = expected
        self.before = before


class Followed(NamedTuple):
    """How far tokens go through the tables, with nothing built on the way.

    `states` is the stack behind the last token that has a place, and `symbols` what stands on it:
    the terminal or rule, and the number of its first token. For each token that has a place,
    `kinds` says what it was taken for and `places` the state in which it was.
    """

    states: list[int]
    symbols: list[tuple[str, int]]
    kinds: list[str]
    places: list[int]


class Driver:
    """The tables with an action for every rule; what it keeps of a text saves time only."""

    def __init__(self, made: Tables, actions: dict[str, Action]) -> None:
        self.rows = list(made.rows)
        self.rows[made.end] = {END: made.end}  # taking the end there ends the run
        self.start = made.start
        self.keywords = lexer.keywords()
        self.rules = [
            (rule.size, rule.origin, rule.splice, actions.get(rule.name)) for rule in made.rules
        ]
        self.through = [rule.through for rule in made.rules]
        self.helper = [rule.helper for rule in made.rules]
        self.chains: dict[tuple[int, int, str], int] = {}

    def run(self, text: str, builder: Any) -> Any:
        """The value of the whole text.

        Raises: Unexpected at the first token that has no place, and what an action raises.
        """
        rows, rules, through, helper = self.rows, self.rules, self.through, self.helper
        chains = self.chains
        states = [self.start]
        values: list[Any] = []
        starts: list[int] = []
        ends: list[int] = []
        seen: list[Token] = []
        for token in lexer.tokens(text):
            kind = token.kind
            if kind in (NAME, KEYWORD):
                kind = self._word(token, states)
            while True:
                top = states[-1]
                action = rows[top].get(kind)
                if action is None:
                    raise self._unexpected(token, kind, seen)
                if action >= 0:
                    if kind == END:
                        return values[-1]
                    if len(states) > STACK_MAX:
                        raise too_deep(Span(token.start, token.end))
                    if not len(seen) & 1023:
                        look()
                    states.append(action)
                    starts.append(token.start)
                    ends.append(token.end)
                    seen.append(token)
                    if kind != token.kind:
                        token = Token(kind, token.value, token.start, token.end)
                    values.append(token)
                    break
                number = -1 - action
                if through[number]:
                    key = (states[-2], top, kind)
                    states[-1] = chains[key] if key in chains else self._through(key)
                    continue
                size, origin, splice, act = rules[number]
                parts = values[-size:]
                del values[-size:], states[-size:]
                if size > 1:
                    del starts[1 - size :], ends[-size:-1]
                if helper[number]:
                    value: Any = _grown(parts)
                else:
                    if splice:
                        parts = _flat(parts)
                    value = parts if act is None else act(builder, parts, starts[-1], ends[-1])
                values.append(value)
                states.append(rows[states[-1]][origin])

    def _through(self, key: tuple[int, int, str]) -> int:
        """The state that a value comes to through rules that change nothing, kept for next time.

        Key: the state below, the value's state, the kind of the token that follows.
        """
        below, top, kind = key
        while (action := self.rows[top].get(kind)) is not None and action < 0:
            if not self.through[-1 - action]:
                break
            top = self.rows[below][self.rules[-1 - action][1]]
        if len(self.chains) >= CHAINS_MAX:
            self.chains.clear()
        self.chains[key] = top
        return top

    def _unexpected(self, token: Token, kind: str, seen: Sequence[Token]) -> Unexpected:
        """Tells what was possible before any reduction that the token itself has led to."""
        states = self.follow(seen).states
        return Unexpected(token._replace(kind=kind), self.expected(states), tuple(seen))

    def reach(self, tokens: Sequence[Token]) -> int:
        """How many of the tokens have a place, before the first that has none."""
        return len(self.follow(tokens).kinds)

    def follow(self, tokens: Sequence[Token]) -> Followed:
        """The way of the tokens through the tables, up to the first that has no place."""
        way = Followed([self.start], [], [], [])
        states, symbols = way.states, way.symbols
        for number, token in enumerate(tokens):
            kind = token.kind
            if kind in (NAME, KEYWORD):
                kind = self._word(token, states)
            while True:
                top = states[-1]
                action = self.rows[top].get(kind)
                if action is None or len(states) > STACK_MAX:
                    # again, without the reductions that this token has led to
                    return self.follow(tokens[:number])
                if action >= 0:
                    states.append(action)
                    symbols.append((kind, number))
                    way.kinds.append(kind)
                    way.places.append(top)
                    break
                size, origin = self.rules[-1 - action][:2]
                del states[-size:]
                states.append(self.rows[states[-1]][origin])
                symbols[-size:] = [(origin, symbols[-size][1])]
        return way

    def _word(self, token: Token, states: list[int]) -> str:
        """The kind of a word: a keyword where the parser can take it, else a name."""
        if token.kind == KEYWORD:
            return self.keywords[token.value.upper()]
        if not token.value.isascii():
            return NAME
        keyword = self.keywords.get(token.value.upper())
        if keyword is None:
            return NAME
        row = self.rows[states[-1]]
        action = row.get(keyword)
        if action is None:
            return NAME if NAME in row else keyword
        if action >= 0 or NAME not in row or self.takes(states, keyword):
            return keyword
        return NAME if self.takes(states, NAME) else keyword

    def takes(self, states: list[int], kind: str) -> bool:
        """Whether the parser would shift this kind of token, after any reductions."""
        return self.place(states, kind) is not None

    def place(self, states: list[int], kind: str) -> int | None:
        """The state in which the parser would shift this kind of token; None if it would not."""
        rows, rules = self.rows, self.rules
        base = len(states)
        pushed: list[int] = []
        while True:
            top = pushed[-1] if pushed else states[base - 1]
            action = rows[top].get(kind)
            if action is None:
                return None
            if action >= 0:
                return top
            size, origin = rules[-1 - action][:2]
            if size <= len(pushed):
                del pushed[len(pushed) - size :]
            else:
                base -= size - len(pushed)
                pushed.clear()
            top = pushed[-1] if pushed else states[base - 1]
            pushed.append(rows[top][origin])

    def shifted(self, states: Sequence[int], kind: str) -> list[int]:
        """The stack once a kind of token that has a place is taken."""
        after = list(states)
        while (action := self.rows[after[-1]][kind]) < 0:
            size, origin = self.rules[-1 - action][:2]
            del after[-size:]
            after.append(self.rows[after[-1]][origin])
        after.append(action)
        return after

    def expected(self, states: list[int]) -> frozenset[str]:
        """Every kind of token the parser would take here."""
        row = self.rows[states[-1]]
        return frozenset(
            kind for kind in row if (kind.isupper() or kind == END) and self.takes(states, kind)
        )


class _Helper(list[Any]):
    """The value of a helper rule that lark made of a `*` or `+`; flattened into its user."""


def _grown(parts: list[Any]) -> _Helper:
    """A helper's list with what follows it; grown in place, for it may be very long."""
    first = parts[0]
    if not isinstance(first, _Helper):
        return _Helper(parts)
    first.extend(parts[1:])
    return first


def _flat(parts: list[Any]) -> list[Any]:
    result: list[Any] = []
    for part in parts:
        if isinstance(part, _Helper):
            result.extend(part)
        else:
            result.append(part)
    return result


@cache
def driver() -> Driver:
    """The one driver, made on the first parse."""
    from epql.parse.builder import ACTIONS

    return Driver(tables(), ACTIONS)


def statement_words() -> frozenset[str]:
    """The words that begin a statement."""
    made = driver()
    return frozenset(kind for kind in made.rows[made.start] if kind.isupper())
