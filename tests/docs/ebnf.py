"""Syntax as values, and how a person reads it: [x] may be left out, {x} repeats, | is a choice.

    Word("ASSERT")      stands for itself          Seq((a, b))      a, then b
    Term("text")        a thing with a name        Choice((a, b))   a or b
    Maybe(a)            a or nothing               Many(a)          none, one or more of a

Parentheses are never used for grouping, since EPQL has its own: a choice of single things is
written tight (`HARD|SOFT`), any other choice inside a sequence is written out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby, product
from math import prod

WIDTH = 92
"""Characters in a line of a page."""
ALTERNATIVES_MAX = 40
"""A node with more of them, written out, holds rules that should stay names."""
LONG = 60
"""Characters of a bracket that may be broken at its choices."""


@dataclass(frozen=True)
class Word:
    text: str


@dataclass(frozen=True)
class Term:
    text: str


@dataclass(frozen=True)
class Seq:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Choice:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Maybe:
    part: Node


@dataclass(frozen=True)
class Many:
    part: Node


Node = Word | Term | Seq | Choice | Maybe | Many


# ---------------------------------------------------------------- making


def seq(parts: list[Node]) -> Node:
    """The parts one after the other, sequences in it taken apart.

    >>> show(seq([Word("("), seq([Word("*")]), Word(")")]))
    '(*)'
    """
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, Seq) else (part,)
    return flat[0] if len(flat) == 1 else Seq(tuple(flat))


def choice(parts: list[Node]) -> Node:
    """One of the parts, each once, choices in it taken apart; `a | a b` is `a [b]`.

    >>> show(choice([Word("ON"), Word("OFF"), Word("ON")]))
    'ON|OFF'
    >>> show(choice([Word("HISTORY"), seq([Word("HISTORY"), Word("ALL")])]))
    'HISTORY [ALL]'
    """
    flat: list[Node] = []
    for part in parts:
        for one in part.parts if isinstance(part, Choice) else (part,):
            if one not in flat:
                flat.append(one)
    merged: list[Node] = []
    while flat:
        short = flat.pop(0)
        rests = {one: rest for one in flat if (rest := _after(one, short))}
        flat = [one for one in flat if one not in rests]
        merged.append(seq([short, Maybe(choice(list(rests.values())))]) if rests else short)
    return merged[0] if len(merged) == 1 else Choice(tuple(merged))


def _after(node: Node, start: Node) -> Node | None:
    """What follows in a sequence that begins with another; None if it does not."""
    begun = start.parts if isinstance(start, Seq) else (start,)
    if isinstance(node, Seq) and len(node.parts) > len(begun) and node.parts[: len(begun)] == begun:
        return seq(list(node.parts[len(begun) :]))
    return None


def many(part: Node) -> Node:
    """The part any number of times; a choice of options is each of them once at most.

    >>> reason, dry_run = seq([Word("REASON"), Term("text")]), seq([Word("DRY"), Word("RUN")])
    >>> show(many(choice([reason, dry_run])))
    '[REASON text] [DRY RUN]'
    """
    if isinstance(part, Choice) and all(is_option(one) for one in part.parts):
        groups = groupby(sorted(part.parts, key=_order_of(part)), key=_first)
        return seq([Maybe(choice(list(group))) for _, group in groups])
    return Many(part)


def is_option(node: Node) -> bool:
    """Whether it begins with a keyword."""
    first = _first(node)
    words = first.parts if isinstance(first, Choice) else (first,)
    return all(isinstance(word, Word) and word.text[0].isalpha() for word in words)


def _order_of(options: Choice) -> Callable[[Node], int]:
    """A sort key that brings options of the same first word together, at the first one's place."""
    firsts = [_first(one) for one in options.parts]
    return lambda one: firsts.index(_first(one))


def _first(node: Node) -> Node:
    return node.parts[0] if isinstance(node, Seq) else node


# ---------------------------------------------------------------- showing


def show(node: Node) -> str:
    """The syntax in one line.

    >>> show(Seq((Word("KEY"), Word("("), Term("a"), Many(Seq((Word(","), Term("a")))), Word(")"))))
    'KEY (a {, a})'
    """
    return " | ".join(_line(one) for one in written_out(node))


def lines(node: Node, head: str = "") -> list[str]:
    """The syntax in lines of the page's width; `head` stands before the first, as `name = `."""
    out: list[str] = []
    for one in written_out(node):
        start = head if not out or not head else " " * (len(head) - 2) + "| "
        out += _wrapped(start, one, len(head) + 4)
    return out


def written_out(node: Node) -> list[Node]:
    """The alternatives of a node, none of which holds a choice that would need grouping.

    Raises: ValueError if that is more than a reader would read.
    """
    if isinstance(node, Choice):
        if _is_tight(node):
            return [node]
        return [one for part in node.parts for one in written_out(part)]
    if isinstance(node, Seq):
        parts = [written_out(part) for part in node.parts]
        if prod(map(len, parts)) > ALTERNATIVES_MAX:
            raise ValueError("too long to read: keep some of its rules as names")
        return [seq(list(combined)) for combined in product(*parts)]
    return [node]


def _is_tight(node: Choice) -> bool:
    return all(isinstance(part, Word | Term) for part in node.parts)


def _wrapped(start: str, node: Node, indent: int) -> list[str]:
    """One alternative, broken between its pieces where it is too long for a line."""
    out: list[str] = []
    line = start
    for piece in _pieces(node):
        if len(line) + len(piece.rstrip()) > WIDTH and line != start:
            out.append(line.rstrip())
            line = " " * indent
        line += piece
    return [*out, line.rstrip()]


def _pieces(node: Node) -> Iterator[str]:
    """The line of a node in pieces between which it may be broken: before an open bracket, and
    before a choice inside one that is long."""
    parts = node.parts if isinstance(node, Seq) else (node,)
    piece = ""
    depth = 0
    for number, part in enumerate(parts):
        text = _part(part)
        if piece and not _sticks(parts[number - 1], part):
            piece += " "
            if depth == 0 and _may_break(part):
                yield piece
                piece = ""
        if isinstance(part, Maybe | Many) and len(text) > LONG:
            *first, text = re.split(r"(?<= )(?=\| )", text)
            yield from [piece + first[0], *first[1:]] if first else []
            piece = "" if first else piece
        piece += text
        depth += text == "("
        depth -= text == ")"
    yield piece


def _may_break(part: Node) -> bool:
    starts_a_list = isinstance(part, Many) and _first(part.part) == Word(",")
    return isinstance(part, Maybe | Many) and not starts_a_list


def _line(node: Node) -> str:
    return "".join(_pieces(node))


def _part(part: Node) -> str:
    if isinstance(part, Word | Term):
        return f"'{part.text}'" if part.text.startswith("|") else part.text
    if isinstance(part, Choice):
        return "|".join(show(one) for one in part.parts)
    if isinstance(part, Maybe):
        return f"[{show(part.part)}]"
    if isinstance(part, Many):
        return f"{{{show(part.part)}}}"
    return _line(part)


def _sticks(before: Node, after: Node) -> bool:
    """Whether no blank stands between the two."""
    left = before.text if isinstance(before, Word) else ""
    right = after.text if isinstance(after, Word) else ""
    return left in ("(", ".") or right in (")", ",", ".")
