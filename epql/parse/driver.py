"""Tokens to a statement: runs lark's LALR tables and calls the builder at each reduction.

Lark's own loop would do; this one calls the builder with the place of every rule, keeps the
state that an error needs, decides keywords exactly, and lets a warm start do without lark.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from epql.engine.errors import Span
from epql.parse import lexer
from epql.parse.lexer import END, KEYWORD, NAME, Token
from epql.parse.splitter import too_deep
from epql.parse.tables import Tables, tables

STACK_MAX = 2000
"""States held at once: prefix operators without parentheses nest, too."""

Action = Callable[[Any, list[Any], int, int], Any]
"""What a rule means: builder, the values of its parts, start and end in the text."""


class Unexpected(Exception):
    """A token the grammar has no place for, with what it would have taken instead."""

    def __init__(self, token: Token, expected: frozenset[str], before: Sequence[Token]) -> None:
        super().__init__(token.value)
        self.token = token
        self.expected = expected
        self.before = before


class Driver:
    """The tables with an action for every rule; holds no state between texts."""

    def __init__(self, made: Tables, actions: dict[str, Action]) -> None:
        self.rows = made.rows
        self.start = made.start
        self.end = made.end
        self.keywords = lexer.keywords()
        self.rules = [
            (rule.size, rule.origin, rule.splice, actions.get(rule.name)) for rule in made.rules
        ]
        self.through = [rule.through for rule in made.rules]
        self.helper = [rule.helper for rule in made.rules]

    def run(self, text: str, builder: Any) -> Any:
        """The value of the whole text.

        Raises: Unexpected at the first token that has no place, and what an action raises.
        """
        rows, rules, through, helper = self.rows, self.rules, self.through, self.helper
        states = [self.start]
        values: list[Any] = []
        starts: list[int] = []
        ends: list[int] = []
        seen: list[Token] = []
        for token in lexer.tokens(text):
            kind = token.kind
            if kind == NAME:
                kind = self._word(token, states)
            elif kind == KEYWORD:
                kind = self.keywords[token.value.upper()]
            before = states.copy()  # an error tells what was possible before any reduction
            while True:
                if kind == END and states[-1] == self.end:
                    return values[-1]
                action = rows[states[-1]].get(kind)
                if action is None:
                    raise Unexpected(token._replace(kind=kind), self.expected(before), tuple(seen))
                if action >= 0:
                    if len(states) > STACK_MAX:
                        raise too_deep(Span(token.start, token.end))
                    states.append(action)
                    values.append(token if kind == token.kind else token._replace(kind=kind))
                    starts.append(token.start)
                    ends.append(token.end)
                    seen.append(token)
                    break
                number = -1 - action
                size, origin, splice, act = rules[number]
                if through[number]:
                    states[-1] = rows[states[-2]][origin]
                    continue
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

    def reach(self, tokens: Sequence[Token]) -> int:
        """How many of the tokens have a place, before the first that has none."""
        states = [self.start]
        for number, token in enumerate(tokens):
            kind = token.kind
            if kind == NAME:
                kind = self._word(token, states)
            elif kind == KEYWORD:
                kind = self.keywords[token.value.upper()]
            while True:
                action = self.rows[states[-1]].get(kind)
                if kind == END and states[-1] == self.end:
                    return number + 1
                if action is None or len(states) > STACK_MAX:
                    return number
                if action >= 0:
                    states.append(action)
                    break
                size, origin = self.rules[-1 - action][:2]
                del states[-size:]
                states.append(self.rows[states[-1]][origin])
        return len(tokens)

    def _word(self, token: Token, states: list[int]) -> str:
        """A keyword where the parser can take it, else a name."""
        if not token.value.isascii():
            return NAME
        keyword = self.keywords.get(token.value.upper())
        if keyword is None:
            return NAME
        row = self.rows[states[-1]]
        action = row.get(keyword)
        if action is None:
            return NAME if NAME in row else keyword
        if action >= 0 or NAME not in row or self._takes(states, keyword):
            return keyword
        return NAME if self._takes(states, NAME) else keyword

    def _takes(self, states: list[int], kind: str) -> bool:
        """Whether the parser would shift this kind of token, after any reductions."""
        rows, rules = self.rows, self.rules
        base = len(states)
        pushed: list[int] = []
        while True:
            top = pushed[-1] if pushed else states[base - 1]
            if kind == END and top == self.end:
                return True
            action = rows[top].get(kind)
            if action is None:
                return False
            if action >= 0:
                return True
            size, origin = rules[-1 - action][:2]
            if size <= len(pushed):
                del pushed[len(pushed) - size :]
            else:
                base -= size - len(pushed)
                pushed.clear()
            top = pushed[-1] if pushed else states[base - 1]
            pushed.append(rows[top][origin])

    def expected(self, states: list[int]) -> frozenset[str]:
        """Every kind of token the parser would take here."""
        row = self.rows[states[-1]]
        return frozenset(
            kind for kind in row if (kind.isupper() or kind == END) and self._takes(states, kind)
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
