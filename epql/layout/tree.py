"""A statement's tokens to a document: the parser's own tables, run once more.

The driver decides which word is a keyword and calls `Maker.make` at each reduction, as it calls
the builder when a statement is parsed; so nothing here recurses, however deep a statement is.

Not here: how a rule is laid out (layouts), whose a comment is (comments).
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from epql.layout.comments import NOTHING, around
from epql.layout.document import SPACE, Doc, Items, Part, Word
from epql.layout.layouts import layout_of
from epql.parse.driver import Driver
from epql.parse.lexer import Token, keywords
from epql.parse.tables import tables


class Maker:
    """Makes the document of one statement; holds its text and its comments."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.comments = around(text)

    def make(self, rule: str, parts: list[Any], start: int, end: int) -> Doc:
        """The document of a rule from those of its parts."""
        made: list[Part] = [self._word(p) if isinstance(p, Token) else p for p in parts]
        if rule == "result_expr" and not (isinstance(made[0], Doc) and made[0].rule == "column"):
            made = [self._as_written(made[0], start, end)]
        return layout_of(rule)(rule, made)

    def _word(self, token: Token) -> Part:
        """The word of a token; AS OF is one token and two words."""
        if token.kind != "AS_OF":
            return self._word_at(token.value, token.kind, token.start)
        first = self._word_at("AS", token.kind, token.start)
        second = self._word_at("OF", token.kind, token.end - 2)
        return Doc("as_of_words", [first, SPACE, second], first, second)

    def _word_at(self, text: str, kind: str, start: int) -> Word:
        is_keyword = kind in _keyword_kinds() or kind == "AS_OF"
        comments = self.comments.get(start, NOTHING)
        return Word(text.upper() if is_keyword else text, kind, is_keyword, *comments)

    def _as_written(self, part: Part, start: int, end: int) -> Word:
        """A result column without a name is called what is written: not a space changes."""
        return Word(self.text[start:end], "WRITTEN", False, part.head.before, part.last.after)


def document(text: str) -> Items:
    """The document of a statement that is known to parse."""
    made: Doc = _driver().run(text, Maker(text))
    if made.nest is not None:
        made.nest.by = 0
    return [made]


@cache
def _driver() -> Driver:
    """The parser's own driver; every rule makes a document instead of a node."""
    made = tables()
    names = {rule.name for rule in made.rules}
    return Driver(made, {name: partial(_act, name) for name in names})


def _act(rule: str, maker: Maker, parts: list[Any], start: int, end: int) -> Doc:
    return maker.make(rule, parts, start, end)


@cache
def _keyword_kinds() -> frozenset[str]:
    return frozenset(keywords().values())
