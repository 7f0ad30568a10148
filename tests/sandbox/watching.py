"""Sees every SQL text that SQLite is given in this process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apsw

from epql.engine import described

TOKEN = re.compile(
    r"""(?P<quoted>'(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*`)
      | (?P<bad>['"`]) | (?P<comment>--[^\n]*|/\*.*?\*/) | (?P<other>[^'"`/-]+|[/-])""",
    re.DOTALL | re.VERBOSE,
)
"""SQL as SQLite reads it: quoted texts and names, comments, and the rest."""


class Seen:
    """The texts, each once."""

    def __init__(self) -> None:
        self.texts: dict[str, None] = {}

    def note(self, _: Any, sql: str, *__: Any) -> bool:
        self.texts[sql] = None
        return True

    def escaped(self, canary: str) -> list[str]:
        """The texts in which the canary stands outside of one quoted text or name."""
        return [sql for sql in self.texts if canary in sql and _is_outside(sql, canary)]

    def holding(self, canary: str) -> list[str]:
        """The texts in which it stands at all."""
        return [sql for sql in self.texts if canary in sql]


def _is_outside(sql: str, canary: str) -> bool:
    outside = "".join(m.group() for m in TOKEN.finditer(sql) if m.lastgroup != "quoted")
    return canary in outside


@contextmanager
def watching() -> Iterator[Seen]:
    """Note the SQL of every connection opened meanwhile."""
    seen = Seen()

    def hook(db: apsw.Connection) -> None:
        db.exec_trace = seen.note

    asked = described.described

    def ask(db: apsw.Connection, sql: str) -> described.Described:
        seen.note(None, sql)
        return asked(db, sql)

    apsw.connection_hooks.append(hook)
    described.described = ask
    try:
        yield seen
    finally:
        described.described = asked
        apsw.connection_hooks.remove(hook)
