"""What can be put at a cursor: a function of a text, a cursor and what there is (a Source).

    complete    the completions, the likeliest first                (this file)
    offer       the values that pass: Item, Table, Source, Completion
    words       words that stand in no database
    match       how well a name fits what is typed
    dotted      the same for dot commands
    source      the Source of a connection

What may stand at the cursor is the parser's to say (epql.parse.ahead); here it gets names, and
they are ranked: what begins as typed before what only contains it, then what the place asks for,
then keywords, then functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from epql.output.cells import cut, escape
from epql.parse.ahead import Ahead, ahead
from epql.repl import dotted
from epql.repl.match import BEGINS, SCATTERED, fit
from epql.repl.offer import Completion, Item, Source
from epql.repl.tables import columns, joins, named, shared, tables
from epql.repl.words import KINDS, words

__all__ = ["Completion", "complete"]

LIMIT = 100
"""Completions at most; a menu shows fewer."""
_SHOWN = 60
_ABOUT = 70
"""Columns of the terminal."""

TEXTS = frozenset(
    ["subject", "predicate", "object", "agent", "epoch", "topic", "id", "rule", "query", "zone",
     "instant", "duration", "file", "change", "cause"]
)  # fmt: skip
"""Kinds that are written as texts."""
_NAMES = frozenset(
    ["column", "hidden", "relation", "view", "scratch", "common", "index"]
)  # fmt: skip
"""Kinds that are written as names."""
_LOOKED_UP = TEXTS - KINDS.keys() - {"file"} | {"index"}
_KEYWORD, _HIDDEN, _FUNCTION = 10, 15, 20
"""Ranks behind those of the kinds the place asks for, which count from 0."""


def complete(text: str, cursor: int, source: Source) -> list[Completion]:
    """What may stand at the cursor, the likeliest first.

    Shape: a text of the shell: statements, or one dot command. What is there already is not
        offered. Never raises for any text.
    """
    if text.lstrip()[:1] == ".":
        found = dotted.complete(text, cursor, source, complete)
        return found[:LIMIT]
    at = ahead(text, cursor)
    ranked = sorted(_candidates(at, source), key=lambda one: one.rank)
    if ranked and ranked[0].rank[0] < SCATTERED:  # letters that are scattered are a last resort
        ranked = [one for one in ranked if one.rank[0] < SCATTERED]
    made = (_completion(one, at, text, cursor) for one in ranked)
    is_there = text[at.start : cursor]
    return list(_distinct(one for one in made if one is not None and one.text != is_there))[:LIMIT]


def _distinct(found: Iterable[Completion]) -> Iterator[Completion]:
    seen: set[str] = set()
    for one in found:
        if one.text not in seen:
            seen.add(one.text)
            yield one


class _Candidate(NamedTuple):
    """An item of a kind. `rank` orders: how it fits, its kind, its place among its like."""

    rank: tuple[int, int, int]
    item: Item
    kind: str


# ---------------------------------------------------------------- what there is


def _candidates(at: Ahead, source: Source) -> Iterator[_Candidate]:
    for rank, kind in enumerate(at.kinds):
        base = _FUNCTION if kind == "function" else rank
        for place, (item, said) in enumerate(_items(kind, at, source)):
            if at.typed[:1].isdigit() and not at.quote and item.form != "plain":
                continue  # a number is being typed
            fits = BEGINS if kind in _LOOKED_UP else fit(at.typed, _matched(item.name, said))
            if fits is not None:
                behind = _HIDDEN if said == "hidden" else base
                yield _Candidate((fits, behind, place), item, said)
    for keyword in at.keywords:
        fits = fit(at.typed, keyword)
        if fits == BEGINS or (fits == SCATTERED and len(at.typed) > 2):
            item = Item(_cased(keyword, at))
            is_behind_is = "NOT NULL" in at.keywords and "column" in at.kinds
            rank = -1 if is_behind_is else _KEYWORD
            yield _Candidate((fits, rank, _usual(keyword, at)), item, "keyword")


def _matched(name: str, kind: str) -> str:
    """What of a name is compared with what is typed: of a qualified column the column."""
    return name.rpartition(".")[2] if kind == "qualified" else name


def _items(kind: str, at: Ahead, source: Source) -> Iterator[tuple[Item, str]]:
    """The items of a kind, each with what it is called in a menu."""
    if kind == "column":
        yield from columns(at, source)
    elif kind == "shared":
        yield from ((item, "column") for item in shared(at, source))
    elif kind == "join":
        yield from ((item, kind) for item in joins(at, source))
    elif kind == "opening" and not at.typed:
        yield Item("("), kind
    elif kind == "function":
        yield from ((item, kind) for item in source.functions())
    elif kind in ("relation", "written", "scratch", "view"):
        yield from tables(kind, at, source)
    elif kind == "file":
        yield from ((item, kind) for item in source.files(at.typed))
    elif kind in _LOOKED_UP:
        yield from ((item, kind) for item in source.find(kind, at.typed, at.slot))
    else:
        yield from ((item, kind) for item in words(kind, at.of))


# ---------------------------------------------------------------- how it is written


def _completion(one: _Candidate, at: Ahead, text: str, cursor: int) -> Completion | None:
    """The item as it is written at the cursor; None if it cannot stand there."""
    written = _written(one, at, text, cursor)
    if written is None:
        return None
    display, about = cut(escape(one.item.name), _SHOWN), cut(escape(one.item.about), _ABOUT)
    kind = "column" if one.kind == "qualified" else one.kind
    return Completion(written, at.start, display, kind, about)


def _written(one: _Candidate, at: Ahead, text: str, cursor: int) -> str | None:
    item, kind = one.item, one.kind
    if at.quote == "'":
        return _quoted(item, text, cursor) if _is_text(item, kind, at, inside=True) else None
    if at.quote:
        if kind not in _NAMES:
            return None
        return named(item.name, at.quote, is_ended=_next(text, cursor) == at.quote)
    if _is_text(item, kind, at, inside=False):
        return _quoted(item, text, cursor, is_new=True)
    if kind == "keyword":
        return None if item.name.upper() == text[at.start : cursor].upper() else item.name
    if kind == "function":
        return item.name + ("" if _next(text, cursor) == "(" else "(")
    return named(item.name) if kind in _NAMES else item.name


def _is_text(item: Item, kind: str, at: Ahead, *, inside: bool) -> bool:
    """Whether an item is written in quotes. A state is a bare word in LIFECYCLE, but a text in a
    comparison, where a bare word would be a column."""
    if item.form == "plain":
        return False
    if kind in TEXTS or item.form == "text":
        return True
    if kind in ("state", "strategy"):
        return inside or "column" in at.kinds
    return False


def _quoted(item: Item, text: str, cursor: int, *, is_new: bool = False) -> str:
    """A text in its quotes; not closed where more is to come, or where a quote closes it."""
    is_closed = item.form == "open" or (not is_new and _next(text, cursor) == "'")
    return "'" + item.name.replace("'", "''") + ("" if is_closed else "'")


def _next(text: str, cursor: int) -> str:
    return text[cursor : cursor + 1]


def _cased(keyword: str, at: Ahead) -> str:
    """A keyword as the person writes keywords."""
    is_small = at.typed.islower() if at.typed else at.used == "lower"
    return keyword.lower() if is_small else keyword


CONDITIONS = (
    "AND", "OR", "IN", "LIKE", "IS NULL", "IS NOT NULL", "NOT IN", "BETWEEN", "GLOB", "IS",
)  # fmt: skip
"""Keywords that are looked for first behind something in a condition."""
USUAL = (
    "FROM", "ON", "WHERE", "DESC", "ASC", "AS OF", "LIFECYCLE", "DIFF SINCE", "JOIN", "ORDER BY",
    "GROUP BY", "LIMIT", "SELECT", "ASSERT", "WHY", "PROMOTE", "SUPERSEDE", "CORRECT", "RETRACT",
    "REJECT", "HISTORY OF", "BLAME", "CHECK", "TRACE QUERIES", "IMPACT OF", "REPLAY QUERY",
    "FORBID", "BEGIN", "COMMIT", "ROLLBACK", "SHOW", "DESCRIBE", "EXPLAIN", "SET", "SET AGENT",
    "SET AS OF", "WITH", "NOT NULL", "NULL", "NOT", "AT", "ANYTIME", "VALID AT", "RESOLVE BY",
    "LEFT JOIN", "AS", "BECAUSE", "REASON", "SOURCE", "CONFIDENCE", "AGENT", "INTO", "TEMP TABLE",
    "DISTINCT", "NOW", "EPOCH", "TX", "UNTIL", "BEFORE", *CONDITIONS,
)  # fmt: skip
"""Keywords that are looked for most, before all others."""


def _usual(keyword: str, at: Ahead) -> int:
    """Where a keyword stands among those that fit."""
    if at.clause in ("WHERE", "ON", "HAVING", "WHEN") and keyword in CONDITIONS:
        return CONDITIONS.index(keyword) - len(CONDITIONS)
    if keyword in USUAL:
        return USUAL.index(keyword)
    return len(USUAL) + at.keywords.index(keyword)
