"""How a relation is read, in words: what the idxStr of base.py says, for people.

    beliefs;epql_scope=;subject=;predicate=;agent=;cols=4
    beliefs AS b: slot (subject = ?, predicate = ?), agent = ?; reads object

What stands before the semicolon is the way in, narrowest first: an assertion by its id; the slots
that meet conditions on the slot or that certain commits touched; every slot. For relations that
are lists of events it is their rows. What follows is looked at row by row.
"""

from __future__ import annotations

from collections.abc import Iterable

from epql.engine.vtab.base import Relation, parse_use
from epql.engine.vtab.beliefs import Assertions, Beliefs, History
from epql.engine.vtab.changes import Changes
from epql.engine.vtab.register import RELATIONS

_TABLE = " VIRTUAL TABLE INDEX 0:"
_COLUMNS_TOLD = 6


def in_words(line: str) -> str:
    """A line of SQLite's plan; one that reads a relation says how, the others stay as they are.

    >>> in_words("SCAN b VIRTUAL TABLE INDEX 0:beliefs;epql_scope=;subject=;cols=5")
    'beliefs AS b: slot (subject = ?); reads subject, object'
    >>> in_words("USE TEMP B-TREE FOR ORDER BY")
    'USE TEMP B-TREE FOR ORDER BY'
    """
    head, found, rest = line.partition(_TABLE)
    name = head.partition(" ")[2]
    relation = RELATIONS.get(rest.partition(";")[0])
    if not found or relation is None:
        return line
    text, join, _ = rest.partition(" LEFT-JOIN")
    alias = "" if name == relation.name else f" AS {name}"
    return f"{'LEFT JOIN ' if join else ''}{relation.name}{alias}: {_way(relation, text)}"


def _way(relation: Relation, text: str) -> str:
    use = parse_use(text)
    pushes = {column.name: column.push for column in relation.columns}
    given = [name for name, _ in use.arguments if name in relation.hidden]
    taken = [(name, op) for name, op in use.arguments if name in pushes]
    parts = [_entrance(relation, taken, pushes)]
    if given:
        parts.append("its own " + ", ".join(given))
    parts.append("reads " + _told([relation.readable[number].name for number in use.wanted]))
    return "; ".join(parts)


def _entrance(relation: Relation, taken: list[tuple[str, str]], pushes: dict[str, str]) -> str:
    if not isinstance(relation, (Beliefs, Assertions, History, Changes)):
        return _shown(taken) or "every row"
    by_slot = [one for one in taken if pushes[one[0]] == "slot"]
    by_row = [one for one in taken if pushes[one[0]] != "slot"]
    ways = []
    if ("id", "=") in by_row:
        by_row.remove(("id", "="))
        ways.append("assertion (id = ?)")
    if by_slot:
        ways.append(f"slot ({_shown(by_slot)})")
    touched = [one for one in by_row if one[0] == "tx" and one[1] in ("=", ">", ">=")]
    if touched:
        ways.append(f"slots touched by {_shown(touched)}")
    rest = [one for one in by_row if one not in touched]
    return ", ".join([*(ways or ["every slot"]), *([_shown(rest)] if rest else [])])


def _shown(conditions: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {op.strip()} ?" for name, op in conditions)


def _told(names: list[str]) -> str:
    if len(names) > _COLUMNS_TOLD:
        return f"{len(names)} columns"
    return ", ".join(names) or "no column"
