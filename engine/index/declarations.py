"""What DEFINE PREDICATE and DEFINE QUERY said. Few and small: kept in memory.

Predicates as of any transaction; views as they are now, because a view is a question.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

import apsw

from epql.engine.clock import FOREVER
from epql.engine.store.objects import tx_of


class Predicate(NamedTuple):
    """A predicate as declared. `half_life` in microseconds, None: it does not decay."""

    name: str
    cardinality: str = "one"
    type: str | None = None
    half_life: int | None = None
    seq: int = 0


def is_body(body: Mapping[str, object]) -> bool:
    """Whether this is what DEFINE PREDICATE says; a newer program may say more."""
    length, kind = body.get("half_life"), body.get("type")
    return (
        body.keys() <= {"cardinality", "type", "half_life"}
        and body.get("cardinality", "one") in ("one", "many")
        and (kind is None or isinstance(kind, str))
        and (length is None or (isinstance(length, int) and 0 < length < FOREVER))
    )


def is_view(body: Mapping[str, object]) -> bool:
    """Whether this is what DEFINE QUERY says; a newer program may say more."""
    text, columns = body.get("text"), body.get("columns")
    return (
        body.keys() <= {"columns", "text"}
        and (text is None or isinstance(text, str))
        and (columns is None or (isinstance(columns, str) and _is_list(columns)))
    )


def _is_list(text: str) -> bool:
    try:
        found = json.loads(text)
    except ValueError:
        return False
    return isinstance(found, list) and all(isinstance(name, str) for name in found)


class Declarations:
    """The declarations of an index; reloaded when it has more of them."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._loaded = 0
        self._all: list[Predicate] = []

    def forget(self) -> None:
        """Drop what was loaded; call it after a rollback."""
        self._loaded, self._all = 0, []

    def as_of(self, tx: int) -> dict[str, Predicate]:
        """The declarations in force just after `tx`, by predicate."""
        self._refresh()
        return {one.name: one for one in self._all if tx_of(one.seq) <= tx}

    def many(self, tx: int) -> tuple[str, ...]:
        """The predicates declared CARDINALITY MANY just after `tx`."""
        if not self._refresh():
            return ()
        return tuple(p.name for p in self.as_of(tx).values() if p.cardinality == "many")

    def half_lives(self, tx: int) -> dict[str, int]:
        """The half-lives in force just after `tx`, in microseconds."""
        if not self._refresh():
            return {}
        return {p.name: p.half_life for p in self.as_of(tx).values() if p.half_life}

    def changed(self, after: int, upto: int) -> set[str]:
        """The predicates declared anew in the transactions (after, upto]."""
        self._refresh()
        return {p.name for p in self._all if after < tx_of(p.seq) <= upto}

    def _refresh(self) -> bool:
        sql = "SELECT id, name, body FROM declaration WHERE what='predicate' AND id>? ORDER BY id"
        for seq, name, body in self._db.execute(sql, (self._loaded,)):
            self._all.append(Predicate(name, seq=seq, **json.loads(body)))
            self._loaded = seq
        return bool(self._all)


class ViewText(NamedTuple):
    """A view as it was defined: its name, the text of its query, the names of its columns."""

    name: str
    text: str
    columns: tuple[str, ...]


class Views:
    """The views in force."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._rollbacks = 0

    def forget(self) -> None:
        """Note a rollback: the same position may come to hold another definition."""
        self._rollbacks += 1

    @property
    def version(self) -> tuple[int, int]:
        """Differs where the views may differ."""
        sql = "SELECT max(id) FROM declaration WHERE what='query'"
        return self._rollbacks, self._db.execute(sql).get or 0

    def named(self, name: str) -> ViewText | None:
        """The view in force of that name, whatever its case."""
        wanted = name.lower()
        return next((view for view in self.in_force() if view.name.lower() == wanted), None)

    def in_force(self) -> list[ViewText]:
        """The views by now, in order of their names."""
        sql = (
            "SELECT name, body->>'text', body->>'columns', max(id) FROM declaration"
            " WHERE what='query' GROUP BY name"
        )
        return [
            ViewText(name, text, tuple(json.loads(columns or "[]")))
            for name, text, columns, _ in self._db.execute(sql)
            if text is not None
        ]
