"""How deep a statement is nested: what later walks over it must not run out of stack."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct
from sqlglot import exp

from epql.nodes.looking import look
from epql.parse.splitter import too_deep

LEVELS_MAX = 250
SHORT = 120
"""A text of fewer words and marks cannot nest deeper than LEVELS_MAX: each adds two at most."""
_WORDS = re.compile(r"[\w$]+|[^\w$\s]")


def check(statement: Any, text: str) -> None:
    """Raises: ProgrammingError parse.too_deep. Chains such as a + b + c … count as one level."""
    if len(text) <= SHORT or len(_WORDS.findall(text)) <= SHORT:
        return
    look()
    stack: list[tuple[Any, int]] = [(statement, 0)]
    while stack:
        node, level = stack.pop()
        if level > LEVELS_MAX:
            raise too_deep(node.meta.get("span") if isinstance(node, exp.Expr) else None)
        if isinstance(node, exp.Expr):
            chained = isinstance(node, (exp.Binary, exp.SetOperation)) and not _writes_deep(node)
            for key, value in node.args.items():
                _push(stack, value, level if chained and key == "this" else level + 1)
        elif isinstance(node, Struct):
            for name in node.__struct_fields__:
                _push(stack, getattr(node, name), level + 1)


def _push(stack: list[tuple[Any, int]], value: Any, level: int) -> None:
    if isinstance(value, (list, tuple)):
        stack.extend((item, level) for item in value if not isinstance(item, (str, int)))
    elif value is not None and not isinstance(value, (str, int)):
        stack.append((value, level))


def _writes_deep(node: exp.Expr) -> bool:
    """Binary nodes that are not written as a chain of one operator."""
    return isinstance(
        node, (exp.Like, exp.Glob, exp.RegexpLike, exp.Match, exp.Escape, exp.Collate)
    )
