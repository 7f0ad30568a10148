"""SQLite's plan as lines of a tree: as it is, or in words and without the planner's own nodes.

CO-ROUTINE epql_left                      COMPARE
  … CO-ROUTINE epql_sides                   BEFORE
      COMPOUND QUERY                          beliefs: every slot; reads predicate
        LEFT-MOST SUBQUERY                  AFTER
          SCAN beliefs VIRTUAL TABLE …        beliefs: every slot; reads predicate
        UNION ALL
          SCAN beliefs VIRTUAL TABLE …
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from epql.engine.vtab.access import in_words
from epql.plan.compare import SIDES

Row = tuple[Any, ...]
_COMPARE = "COMPARE"


class Node(NamedTuple):
    """A node of a plan."""

    text: str
    below: list[Node]


def drawn(rows: Sequence[Row]) -> list[str]:
    """The rows of EXPLAIN QUERY PLAN, one line a node, indented by their depth."""
    return list(_lines(_nodes(rows, 0)))


def in_short(rows: Sequence[Row]) -> list[str]:
    """The same with the relations in words; a DIFF of an answer is its two sides."""
    return list(_lines(_shortened(_nodes(rows, 0))))


def _nodes(rows: Sequence[Row], parent: int) -> list[Node]:
    """The nodes below a parent; what SQLite computes in several places stands once."""
    found: list[Node] = []
    for number, above, _, text in rows:
        node = Node(text, _nodes(rows, number)) if above == parent else None
        if node is not None and node not in found:
            found.append(node)
    return found


def _lines(nodes: Sequence[Node], indent: str = "") -> Iterator[str]:
    for node in nodes:
        yield indent + node.text
        yield from _lines(node.below, indent + "  ")


def _shortened(nodes: Sequence[Node]) -> list[Node]:
    short: list[Node] = []
    for node in nodes:
        sides = _find(node, SIDES) if _is_own(node) else None
        if sides is not None:
            short.append(_compared(sides))
        elif _is_own(node):
            short += _shortened(node.below)
        else:
            short.append(Node(in_words(node.text), _shortened(node.below)))
    if any(node.text == _COMPARE for node in short):  # which sorts and groups on its own
        return [node for node in short if not node.text.startswith("USE TEMP B-TREE")]
    return short


def _is_own(node: Node) -> bool:
    """Whether a node is the planner's or SQLite's own: nothing that a person named."""
    name = node.text.rpartition(" ")[2]
    return name.startswith(("epql_", "(subquery-"))


def _find(node: Node, name: str) -> Node | None:
    if node.text.rpartition(" ")[2] == name and node.below:
        return node
    return next((found for one in node.below if (found := _find(one, name))), None)


def _compared(sides: Node) -> Node:
    """The two sides of a DIFF: the two branches of the compound query that joins them."""
    branches = sides.below[0].below if len(sides.below) == 1 else sides.below
    names = ("BEFORE", "AFTER")
    below = [
        Node(name, _shortened(branch.below)) for name, branch in zip(names, branches, strict=False)
    ]
    return Node(_COMPARE, below)
