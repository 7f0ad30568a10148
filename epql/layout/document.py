"""A document: words with places where a line may break, and how it is written to a width.

The printer is Wadler's and Oppen's: a group stands on one line if it fits there, else every
LINE and SOFT directly in it becomes a new line. Each decision looks ahead one line at most, so
the whole takes time in proportion to the text. Nothing here recurses: chains may be very long.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

WIDTH = 88
INDENT = 4


class Gap(Enum):
    """What may stand between two words."""

    SPACE = "a space, never a new line"
    LINE = "a space, or a new line"
    SOFT = "nothing, or a new line"


SPACE, LINE, SOFT = Gap.SPACE, Gap.LINE, Gap.SOFT


class Comment(NamedTuple):
    """A comment as written; `breaks` where a new line follows it."""

    text: str
    breaks: bool


class Word:
    """A token as it will be written, with the comments on lines above it and right after it.

    One without text is only there for its comments.
    """

    __slots__ = ("after", "before", "is_keyword", "kind", "text")

    def __init__(
        self,
        text: str,
        kind: str,
        is_keyword: bool = False,
        before: tuple[Comment, ...] = (),
        after: tuple[Comment, ...] = (),
    ) -> None:
        self.text = text
        self.kind = kind
        self.is_keyword = is_keyword
        self.before = before
        self.after = after

    @property
    def head(self) -> Word:
        return self

    @property
    def last(self) -> Word:
        return self


class Group:
    """On one line if it fits."""

    __slots__ = ("items",)

    def __init__(self, items: Items) -> None:
        self.items = items


class Nest:
    """New lines in it are indented by so many more columns."""

    __slots__ = ("by", "items")

    def __init__(self, items: Items, by: int = INDENT) -> None:
        self.items = items
        self.by = by


class Doc:
    """What a rule of the grammar became.

    `head` and `last` are its first and last word. `nest` is what its rest is indented by, for
    those who put it where that is not wanted. `tail` are clauses at its end that are not placed
    yet, since where they stand depends on what follows (epql/layout/layouts.py).
    """

    __slots__ = ("head", "items", "last", "nest", "rule", "tail")

    def __init__(self, rule: str, items: Items, head: Word, last: Word) -> None:
        self.rule = rule
        self.items = items
        self.head = head
        self.last = last
        self.nest: Nest | None = None
        self.tail: list[Part] = []


Part = Word | Doc
Item = Word | Doc | Group | Nest | Gap
Items = list[Item]


def render(items: Items, width: int = WIDTH) -> str:
    """The document as text, without a new line at its end.

    >>> a, b = Word("a,", "NAME"), Word("b", "NAME")
    >>> render([Group([a, Nest([LINE, b])])], width=3)
    'a,\\n    b'
    """
    return _Printer(width).run(items)


class _Frame:
    """Items being written, how far new lines are indented, whether LINE is a space."""

    __slots__ = ("indent", "is_flat", "items", "position")

    def __init__(self, items: Items, indent: int, is_flat: bool, position: int = 0) -> None:
        self.items = items
        self.indent = indent
        self.is_flat = is_flat
        self.position = position

    def next(self) -> Item | None:
        if self.position == len(self.items):
            return None
        self.position += 1
        return self.items[self.position - 1]

    def inner(self, item: Doc | Group | Nest, is_flat: bool) -> _Frame:
        by = item.by if isinstance(item, Nest) else 0
        return _Frame(item.items, self.indent + by, is_flat)

    def copy(self) -> _Frame:
        return _Frame(self.items, self.indent, self.is_flat, self.position)


class _Printer:
    def __init__(self, width: int) -> None:
        self.width = width
        self.out: list[str] = []
        self.column = 0
        self.at_start = True
        self.space = False  # a space is due before the next word
        self.must_break = False  # a new line is due before the next word

    def run(self, items: Items) -> str:
        stack = [_Frame(items, 0, False)]
        while stack:
            frame = stack[-1]
            item = frame.next()
            if item is None:
                stack.pop()
            elif isinstance(item, Word):
                self._word(item, frame.indent)
            elif isinstance(item, Gap):
                self._gap(item, frame)
            else:
                is_flat = frame.is_flat
                if isinstance(item, Group) and not is_flat:
                    is_flat = self._fits(item, stack)
                stack.append(frame.inner(item, is_flat))
        return "".join(self.out)

    def _word(self, word: Word, indent: int) -> None:
        if (self.must_break or word.before) and not self.at_start:
            self._new_line(indent)
        indent = self.column
        for comment in word.before:
            self._write(comment.text)
            self.space = True
            if comment.breaks:
                self._new_line(indent)
        if not word.text:
            self.must_break = True
            return
        self._write(word.text)
        for comment in word.after:
            self.space = True
            self._write(comment.text)
            self.space = True
            self.must_break = comment.breaks

    def _gap(self, gap: Gap, frame: _Frame) -> None:
        if gap is SPACE or (gap is LINE and frame.is_flat):
            self.space = True
        elif not frame.is_flat:
            self._new_line(frame.indent)

    def _new_line(self, indent: int) -> None:
        if not self.at_start:
            self.out.append("\n")
        self.at_start = True
        self.must_break = False
        self.column = indent if self.out else 0

    def _write(self, text: str) -> None:
        if self.at_start:
            self.out.append(" " * self.column)
        elif self.space:
            self.out.append(" ")
            self.column += 1
        self.out.append(text)
        self.column = len(text) - text.rfind("\n") - 1 if "\n" in text else self.column + len(text)
        self.space = self.at_start = False

    def _fits(self, group: Group, stack: list[_Frame]) -> bool:
        """Whether the group, and what follows it up to the next new line, fits on this line."""
        indent = stack[-1].indent
        look = _Look(self.width - (indent if self.must_break else self.column))
        look.space = self.space and not self.at_start
        work = [stack[-1].inner(group, True)]
        below = len(stack)
        while look.room >= 0:
            if not work:  # the group is through; what follows stands in no flat group
                below -= 1
                if below < 0:
                    return True
                work.append(stack[below].copy())
            frame = work[-1]
            item = frame.next()
            if item is None:
                work.pop()
            elif isinstance(item, Gap):
                if item is not SPACE and not frame.is_flat:
                    return True
                look.space = look.space or item is not SOFT
            elif isinstance(item, Word):
                if look.must_break or (item.before and not look.is_first):
                    return not frame.is_flat
                look.word(item, self.width, frame.indent)
            else:
                work.append(frame.inner(item, frame.is_flat))
        return False


class _Look:
    """What is known while looking ahead: the columns left, and what is due before a word."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.space = False
        self.must_break = False
        self.is_first = True

    def word(self, word: Word, width: int, indent: int) -> None:
        """Take a word; a comment that ends its line may be as long as it likes.

        A text of several lines may stand in a flat group, if its first and its last line fit.
        """
        if word.before:
            self.room, self.space = width - indent, False
        first, new_line, _ = word.text.partition("\n")
        self.room -= len(first) + self.space
        if new_line and self.room >= 0:
            self.room = width - (len(word.text) - word.text.rfind("\n") - 1)
        self.room -= sum(1 + len(comment.text) for comment in word.after if not comment.breaks)
        self.must_break = any(comment.breaks for comment in word.after)
        self.space = bool(word.after)
        self.is_first = False
