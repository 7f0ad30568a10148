"""Statements drawn from the grammar itself: a random derivation of its rules, as text.

What is drawn is a statement by the grammar, so it parses, or the builder says why not (a clause
twice, a state that there is not); `parse.unexpected_…` would be a fault. A text draws each
alternative of each rule about as often as the others, the rarely used ones first.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from random import Random

from epql.parse.tables import grammar_text

Symbol = tuple[bool, str]
"""Whether it is a terminal, and its name."""
Alternative = tuple[Symbol, ...]

NAMES = (
    "a", "b", "c", "t", "subject", "object", "predicate", "confidence", "tx", "beliefs",
    "assertions", "commits", "latest", "approved", "proposed", "any_", "é", "naïve", "_x1", "count",
    "abs", "max", "json_each", "a$b", "main", "text", "real",
)  # fmt: skip
"""Names that are no keywords anywhere."""
STRINGS = ("'a'", "''", "'it''s'", "'-24h'", "'2026-01-12'", "'auth/jwt'", "'a:1f3c'", "'é🙂'")
NUMBERS = ("1", "0", "42", "1.5", ".5", "1e3", "0x1F", "1_000", "9223372036854775807", "2.")
SAMPLES = {
    "NAME": NAMES,
    "STRING": STRINGS,
    "NUMBER": NUMBERS,
    "QUOTED_NAME": ('"a"', '"A b"', "[q r]", "`z`", '"se""lect"', '""'),
    "BLOB": ("x''", "x'00ff'", "X'AB'"),
    "AS_OF": ("AS OF", "as of", "AS\nOF", "AS /* c */ OF", "As -- c\n OF"),
    "ON_CONFLICT": ("ON CONFLICT", "on /* c */ conflict"),
}
GAPS = ("\n", "\t", "  ", " /* c */ ", " -- c\n", "\r\n", "/**/")
PARAMETERS = (("?",), ("?1", "?2", "?"), (":a", "@a", "$b"))
LIKELY_SHORT = ("expr", "value", "query", "inequality", "test")
"""Rules that would make every statement long: often their shortest derivation is taken."""


@cache
def _grammar() -> tuple[dict[str, list[Alternative]], dict[str, str]]:
    """Each rule's alternatives, and the words of the terminals that are plain words."""
    from lark import Lark

    made = Lark(grammar_text(), parser="earley", maybe_placeholders=False, keep_all_tokens=True)
    rules: dict[str, list[Alternative]] = {}
    for rule in made.rules:
        parts = tuple((symbol.is_term, str(symbol.name)) for symbol in rule.expansion)
        rules.setdefault(str(rule.origin.name), []).append(parts)
    words = {one.name: one.pattern.value for one in made.terminals if one.pattern.type == "str"}
    return rules, words


@cache
def _heights() -> dict[str, int]:
    """The height of the lowest derivation of each rule."""
    rules, _ = _grammar()
    found: dict[str, int] = {}
    changed = True
    while changed:
        changed = False
        for name, alternatives in rules.items():
            known = [height for one in alternatives if (height := _height(one, found)) is not None]
            if known and min(known) != found.get(name):
                found[name] = min(known)
                changed = True
    return found


def _height(alternative: Alternative, known: dict[str, int]) -> int | None:
    heights = [0 if is_term else known.get(name) for is_term, name in alternative]
    if None in heights:
        return None
    return 1 + max((height for height in heights if height is not None), default=0)


class Deriver:
    """Draws statements; counts how often each alternative was taken."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.taken: Counter[tuple[str, int]] = Counter()
        self.parameters = PARAMETERS[0]

    def statement(self, fuel: int) -> str:
        """One statement; the more fuel, the longer."""
        self.parameters = self.random.choice(PARAMETERS)
        gaps = self.random.random() < 0.2
        words = self.tokens("query" if self.random.random() < 0.4 else "start", fuel)
        if not gaps:
            return " ".join(words)
        return "".join(
            word + (self.random.choice(GAPS) if self.random.random() < 0.3 else " ")
            for word in words
        )

    def tokens(self, start: str, fuel: int) -> list[str]:
        """The words of one derivation of a rule."""
        rules, words = _grammar()
        made: list[str] = []
        stack: list[tuple[Symbol, bool]] = [((False, start), False)]
        while stack:
            (is_term, name), is_short = stack.pop()
            if is_term:
                made.append(self.word(name, words))
                continue
            if name in LIKELY_SHORT and self.random.random() < 0.5:
                is_short = True
            number = self.choose(name, is_short or fuel <= 0)
            fuel -= len(rules[name]) > 1
            stack += [(symbol, is_short) for symbol in reversed(rules[name][number])]
        return made

    def choose(self, name: str, is_short: bool) -> int:
        """The number of an alternative: one of the lowest, or one rarely taken, or any."""
        alternatives = _grammar()[0][name]
        numbers = range(len(alternatives))
        if is_short:
            heights = _heights()
            lowest = [n for n in numbers if _height(alternatives[n], heights) == heights[name]]
            return self.random.choice(lowest)
        if self.random.random() < 0.5:
            number = min(numbers, key=lambda n: (self.taken[name, n], self.random.random()))
        else:
            number = self.random.choice(numbers)
        self.taken[name, number] += 1
        return number

    def word(self, terminal: str, words: dict[str, str]) -> str:
        """A text of that terminal."""
        if terminal == "PARAMETER":
            return self.random.choice(self.parameters)
        if terminal in SAMPLES:
            return self.random.choice(SAMPLES[terminal])
        word = words[terminal]
        return word.upper() if self.random.random() < 0.7 else word

    def untaken(self) -> list[tuple[str, int]]:
        """The alternatives that were never taken."""
        rules, _ = _grammar()
        every = [(name, n) for name, several in rules.items() for n in range(len(several))]
        return [one for one in every if one not in self.taken and len(rules[one[0]]) > 1]
