"""Completing tables, their columns, and the conditions that join them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from epql.parse import lexer
from epql.parse.ahead import Ahead, Table
from epql.repl.offer import Item, Source

_PLAIN_NAME = re.compile(r"[^\W\d][\w$]*\Z")
_KEYS = ("id", "subject", "predicate", "agent", "topic", "tx", "assertion", "query")
"""Columns by which tables are joined."""


def tables(kind: str, at: Ahead, source: Source) -> Iterator[tuple[Item, str]]:
    """What FROM takes (relation), or what is written (written, scratch), or named queries."""
    if kind == "relation":
        yield from ((Item(name, "WITH"), "common") for name in at.common)
    for table in source.tables():
        is_wanted = kind in ("relation", table.kind)
        if is_wanted or (
            kind == "written" and (table.kind == "scratch" or _takes_insert(table.name))
        ):
            yield Item(table.name, table.about), table.kind


def _takes_insert(name: str) -> bool:
    return name == "assertions"


def columns(at: Ahead, source: Source) -> Iterator[tuple[Item, str]]:
    """The columns of the tables in sight, of one of them after its name and a dot.

    A column that several have is offered with the table's name before it; without FROM, those of
    beliefs are.
    """
    seen = at.tables
    if at.of is not None:
        for table in seen:
            if table.alias.lower() == at.of.lower():
                yield from _columns_of(table, source)
                return
        return
    found = [(table, list(_columns_of(table, source))) for table in seen or (_BELIEFS,)]
    counts = Counter(item.name for _, items in found for item, _ in items)
    for table, items in found:
        for item, kind in items:
            if counts[item.name] > 1 and table.alias and not at.quote:
                item = item._replace(name=f"{named(table.alias)}.{named(item.name)}")
                kind = "qualified"
            yield item, kind
    if len(seen) > 1:
        owners = (table for table in seen if table.alias)
        yield from ((Item(named(table.alias) + ".", table.name), "table") for table in owners)


_BELIEFS = Table("beliefs", "beliefs")


def _columns_of(table: Table, source: Source, depth: int = 10) -> Iterator[tuple[Item, str]]:
    if table.name:
        for item in source.columns(table.name, table.form):
            yield item, "hidden" if item.form == "hidden" else "column"
        return
    yield from ((Item(name, "of the query"), "column") for name in table.columns)
    for inner in table.stars if depth else ():
        yield from _columns_of(inner, source, depth - 1)


def shared(at: Ahead, source: Source) -> Iterator[Item]:
    """The columns that the last table has in common with one before it."""
    *before, last = at.tables or (_BELIEFS,)
    known = {name for table in before for name in _names(table, source)}
    yield from (Item(name) for name in _names(last, source) if name in known)


def joins(at: Ahead, source: Source) -> Iterator[Item]:
    """Conditions that join the last table to those before it: a.subject = b.subject."""
    if len(at.tables) < 2:
        return
    *before, last = at.tables
    own = _names(last, source)
    for table in before:
        for key in _KEYS:
            if key in own and key in _names(table, source):
                yield Item(f"{named(last.alias)}.{key} = {named(table.alias)}.{key}")


def _names(table: Table, source: Source) -> Sequence[str]:
    return [item.name for item, kind in _columns_of(table, source) if kind == "column"]


def named(name: str, quote: str = "", *, is_ended: bool = False) -> str:
    """A name as it is written: in quotes where it needs them, or where one is open."""
    if not quote:
        found = lexer.pattern().fullmatch(name) if _PLAIN_NAME.match(name) else None
        is_plain = found is not None and found.lastgroup == lexer.NAME  # no word of SQL's own
        return name if is_plain else '"' + name.replace('"', '""') + '"'
    if quote == "[":
        return f"[{name}]"
    return quote + name.replace(quote, quote * 2) + ("" if is_ended else quote)
