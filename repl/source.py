"""What there is to complete by, of a connection: the Source of its session.

Names come from the session's catalog, values from the index (epql.engine.suggest), both as the
session sees them now: AS OF, and the open transaction. Nothing here is a read that the audit
keeps, and nothing raises: where something cannot be known, nothing is offered.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from epql.connection import Connection
from epql.engine import suggest
from epql.engine.errors import Error
from epql.engine.governance.conditions import COLUMNS
from epql.engine.guard import TABLE_FUNCTIONS
from epql.engine.suggest import Found
from epql.engine.vtab.register import RELATIONS
from epql.explain import answers
from epql.parse.ahead import Slot
from epql.plan.catalog import DIFFS
from epql.repl.offer import Command, Item, Table

_FILES_MAX = 200


class ConnectionSource:
    """The Source of a connection."""

    def __init__(self, connection: Connection, commands: Sequence[Command] = ()) -> None:
        self._connection = connection
        self._commands = tuple(commands)
        self._columns: dict[tuple[tuple[int, ...], str], list[Item]] = {}
        self._functions: list[Item] = []

    def commands(self) -> Sequence[Command]:
        return self._commands

    # ------------------------------------------------------------ names

    def tables(self) -> list[Table]:
        names = self._connection.runner.queries.catalog
        found = [
            Table(name, "scratch", "of this connection alone") for name in sorted(names.scratch)
        ]
        found += [Table(view.name, "view", "a named query") for view in names.views.values()]
        found += [Table(name, "relation", relation.doc) for name, relation in RELATIONS.items()]
        return found + [Table(name, "relation", "of SQLite") for name in TABLE_FUNCTIONS]

    def columns(self, table: str, form: str) -> list[Item]:
        name = table.lower()
        if form == "row":
            return [Item(column) for column in COLUMNS]
        if form != "rows" and name in RELATIONS:
            name = "history" if form == "history" else DIFFS.get(name, name)
        queries = self._connection.runner.queries
        key = (queries.catalog.version, name)
        if key not in self._columns:
            self._columns = {old: found for old, found in self._columns.items() if old[0] == key[0]}
            self._columns[key] = _described(queries, name)
        return self._columns[key]

    def functions(self) -> list[Item]:
        if not self._functions:
            self._functions = [Item(name) for name in suggest.functions()]
        return self._functions

    # ------------------------------------------------------------ values

    def find(self, kind: str, prefix: str, slot: Slot) -> list[Item]:
        runner = self._connection.runner
        if kind == "index":
            return [Item(name) for name in runner.session.scratch.indexes()]
        with suppress(Error):
            found = suggest.find(runner.session, kind, prefix, runner.sees(), *slot)
            return [_item(one) for one in found]
        return []

    # ------------------------------------------------------------ files

    def files(self, prefix: str) -> list[Item]:
        folder, name = os.path.split(prefix)
        found: list[Item] = []
        with suppress(OSError, ValueError), os.scandir(os.path.expanduser(folder) or ".") as inside:
            for entry in islice((one for one in inside if _fits(one.name, name)), _FILES_MAX):
                path = os.path.join(folder, entry.name)
                found.append(Item(path + "/", "folder", "open") if entry.is_dir() else Item(path))
        return sorted(found)


def _fits(name: str, typed: str) -> bool:
    """Whether a file's name begins so; hidden ones only where their dot is typed."""
    return name.startswith(typed) and (typed.startswith(".") or not name.startswith("."))


def _item(found: Found) -> Item:
    if not isinstance(found.value, str):
        return Item(str(found.value), found.about, "plain")
    return Item(found.value, found.about, "open" if found.is_open else "")


def _described(queries: Any, name: str) -> list[Item]:
    """The columns as DESCRIBE tells them; none of what it does not know."""
    with suppress(Error):
        told = answers.describe_name(queries, name, None)
        return [
            Item(column, _about(kind, meaning), "hidden" if hidden else "")
            for column, kind, hidden, meaning in told.rows
        ]
    return []


def _about(kind: str, meaning: str | None) -> str:
    if meaning is None:
        return kind.lower()
    return meaning if kind == "any" else f"{kind.lower()}: {meaning}"
