"""Comments, found in the text between tokens: which word each belongs to."""

from __future__ import annotations

import re
from typing import NamedTuple

from epql.layout.document import Comment
from epql.parse import lexer

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


class Around(NamedTuple):
    """The comments on lines of their own above a word, and those right after it."""

    before: tuple[Comment, ...]
    after: tuple[Comment, ...]


NOTHING = Around((), ())


class _Found(NamedTuple):
    comment: Comment
    own_line: bool  # a new line stands before it
    ends_line: bool  # nothing can follow it on its line, or should


def around(text: str) -> dict[int, Around]:
    """The comments of a statement by the place where their word starts; most have none.

    A comment on the line of a word belongs to it, any other to the word that follows. One that
    stands before a comma moves behind it, if a new line would have to come between.

    >>> around("SELECT a -- first\\n, b")
    {18: Around(before=(), after=(Comment(text='-- first', breaks=True),))}
    """
    if "--" not in text and "/*" not in text:
        return {}
    before: dict[int, tuple[Comment, ...]] = {}
    after: dict[int, tuple[Comment, ...]] = {}
    carried: list[_Found] = []
    last, end = -1, 0
    for token, start, stop in _words(text):
        found = carried + _gap(text, end, start)
        carried = []
        if found and token == "COMMA" and any(one.own_line or one.ends_line for one in found):
            carried, found = found, []
        if found:
            same = _same_line(found)
            if same:
                after[last] = tuple(_closing(one) for one in found[:same])
            if same < len(found):
                before[start] = tuple(one.comment for one in found[same:])
        last, end = start, stop
    places = sorted(before.keys() | after.keys())
    return {place: Around(before.get(place, ()), after.get(place, ())) for place in places}


def _words(text: str) -> list[tuple[str, int, int]]:
    """Kind and place of each token; AS OF, which is one, as its two words."""
    words: list[tuple[str, int, int]] = []
    for token in lexer.tokens(text):
        if token.kind == "AS_OF":
            words.append((token.kind, token.start, token.start + 2))
            words.append((token.kind, token.end - 2, token.end))
        else:
            words.append((token.kind, token.start, token.end))
    return words


def _gap(text: str, start: int, end: int) -> list[_Found]:
    """The comments between two tokens."""
    found: list[_Found] = []
    matches = list(_COMMENT.finditer(text, start, end))
    for number, match in enumerate(matches):
        previous = matches[number - 1].end() if number else start
        following = matches[number + 1].start() if number + 1 < len(matches) else end
        written = match.group().rstrip()
        ends_line = written.startswith("--") or "\n" in written
        breaks = ends_line or "\n" in text[match.end() : following]
        own_line = "\n" in text[previous : match.start()]
        found.append(_Found(Comment(written, breaks), own_line, ends_line))
    return found


def _same_line(found: list[_Found]) -> int:
    """How many of the comments stand on the line of the word before them."""
    for number, one in enumerate(found):
        if one.own_line or (number and found[number - 1].ends_line):
            return number
    return len(found)


def _closing(one: _Found) -> Comment:
    """A comment right after a word: a new line follows only where it must."""
    return Comment(one.comment.text, one.ends_line)
