"""A Source that holds what it is given: completion tested without a database."""

from __future__ import annotations

from collections.abc import Sequence

from epql.parse.ahead import Slot
from epql.repl.offer import Command, Item, Table

COLUMNS = {
    "beliefs": "subject predicate object confidence lifecycle agent topic id",
    "assertions": "subject predicate object confidence lifecycle agent topic id reason",
    "history": "subject predicate object believed_from believed_to tx_from",
    "changes": "change cause subject predicate before_object after_object",
    "trust": "agent topic score updated_at",
    "commits": "tx recorded_at agent",
    "notes": "subject note",
    "live": "s object",
    "a.b": "x.y order",
}
RELATIONS = ("beliefs", "assertions", "history", "changes", "commits", "trust")
SLOTS: dict[str, dict[str, list[str | int]]] = {
    "auth/jwt": {"algorithm": ["RS256", "EdDSA"], "expiry": [3600]},
    "auth/session": {"store": ["redis"]},
    "it's": {"odd name": ["x"]},
    "日本/首都": {"name": ["東京"]},
}
NAMES = {
    "agent": ["ann", "bob"],
    "epoch": ["release-1"],
    "topic": ["auth", "it's", "日本"],
    "id": ["a:1f3c9e001122", "a:5d20aa334455"],
    "rule": ["c:0011aabbccdd"],
    "query": ["q:5d20ffee0011"],
    "index": ["notes_subject"],
}


class Shelf:
    """See the module."""

    def tables(self) -> Sequence[Table]:
        found = [Table("notes", "scratch"), Table("live", "view"), Table("a.b", "scratch")]
        return found + [Table(name, "relation") for name in RELATIONS]

    def columns(self, table: str, form: str) -> Sequence[Item]:
        name = {"history": "history", "diff": "changes"}.get(form, table.lower())
        found = [Item(column) for column in COLUMNS.get(name, "").split(" ") if column]
        hidden = [Item("as_of", "says AS OF", "hidden")] if name in RELATIONS else []
        return found + hidden

    def functions(self) -> Sequence[Item]:
        return [Item(name) for name in ("count", "lower", "sum", "substr", "upper")]

    def find(self, kind: str, prefix: str, slot: Slot) -> Sequence[Item]:
        if kind == "object":
            values = SLOTS.get(slot.subject or "", {}).get(slot.predicate or "", [])
            found = [Item(str(one), "", "plain" if type(one) is int else "") for one in values]
        elif kind == "predicate":
            known = SLOTS.get(slot.subject or "")
            chosen = SLOTS.values() if known is None else [known]
            found = [Item(name) for one in chosen for name in one]
        else:
            found = [Item(name) for name in (SLOTS if kind == "subject" else NAMES[kind])]
        return [item for item in found if item.name.startswith(prefix)]

    def files(self, prefix: str) -> Sequence[Item]:
        found = [Item("peps.sql"), Item("reports/", "folder", "open")]
        return [item for item in found if item.name.startswith(prefix)]

    def commands(self) -> Sequence[Command]:
        return [
            Command(".mode", "how answers are written", "[table|line|csv|markdown]"),
            Command(".read", "run a script", "file"),
            Command(".timeline", "who believed what", "subject [predicate]"),
            Command(".explain", "how it is understood", "[query]"),
            Command(".schema", "columns", "[relation]"),
            Command(".asof", "read as of then", "[instant]"),
            Command(".quit", "end"),
        ]
