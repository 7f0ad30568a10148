"""EPQL through its public connector, as a user would write it."""

from __future__ import annotations

import os
from typing import Any

from workload import Adapter

import epql

VALUE = "object, confidence, lifecycle, agent, source"
EVERY = "LIFECYCLE IN (proposed, approved, deprecated)"  # the states the workload writes
SLOT = "WHERE subject=? AND predicate=?"
ASSERT = "ASSERT (?, ?, ?) CONFIDENCE ? LIFECYCLE ? AGENT ? SOURCE ?"
NOW = f"SELECT {VALUE} FROM beliefs {SLOT} {EVERY}"
APPROVED = f"SELECT {VALUE} FROM beliefs {SLOT} LIFECYCLE APPROVED"
AS_OF = f"SELECT {VALUE} FROM beliefs {SLOT} {EVERY} AS OF TX ?"
SNAPSHOT = f"SELECT subject, predicate, {VALUE} FROM beliefs {EVERY} AS OF TX ?"
DIFF = (
    f"SELECT subject, predicate, before_object, after_object FROM beliefs {EVERY}"
    " DIFF SINCE TX ? UNTIL TX ? WHERE before_object IS NOT after_object"
)
HISTORY = f"SELECT {VALUE} FROM history {SLOT} {EVERY} ORDER BY tx_from"

Row = tuple[Any, ...]


class Peer(Adapter):
    """One durable commit a load; a commit's token is its transaction number."""

    name = "EPQL"
    sets_tx = False

    def open(self, path: str) -> None:
        self.con = epql.connect(os.path.join(path, "kb.epql"), agent="bench")
        (self.tx,) = self.con.execute("SELECT count(*) FROM commits").fetchall()[0]

    def version(self) -> str:
        return f"epql {epql.__version__}"

    def load(self, rows: list[Row], tx: int) -> int:
        self.con.cursor().executemany(ASSERT, rows)
        self.con.commit()
        self.tx += 1
        return self.tx

    def now(self, s: str, p: str) -> Row | None:
        return self._one(NOW, s, p)

    def now_approved(self, s: str, p: str) -> Row | None:
        return self._one(APPROVED, s, p)

    def as_of(self, s: str, p: str, t: int) -> Row | None:
        return self._one(AS_OF, s, p, t)

    def snapshot(self, t: int) -> list[Row]:
        return self._all(SNAPSHOT, t)

    def diff(self, t1: int, t2: int) -> list[Row]:
        return self._all(DIFF, t1, t2)

    def history(self, s: str, p: str) -> list[Row]:
        return self._all(HISTORY, s, p)

    def _one(self, sql: str, *params: Any) -> Row | None:
        row: Row | None = self.con.execute(sql, params).fetchone()
        return row

    def _all(self, sql: str, *params: Any) -> list[Row]:
        rows: list[Row] = self.con.execute(sql, params).fetchall()
        return rows

    def close(self) -> None:
        self.con.close()
