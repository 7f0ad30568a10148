"""EPQL through its public connector, as a user would write it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import apsw
from machine import commit
from workload import Adapter, Unsupported

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
AGGREGATE = (
    f"SELECT topic, count(*), avg(confidence) FROM beliefs {EVERY} AS OF TX ? GROUP BY topic"
)
HISTORY = f"SELECT {VALUE} FROM history {SLOT} {EVERY} ORDER BY tx_from"

FIRST_ANSWER = """
import epql
connection = epql.connect({path!r}, agent="bench")
assert connection.execute({now!r}, {slot!r}).fetchone()
"""
SOURCE = Path(epql.__file__).parents[1]

Row = tuple[Any, ...]


class Peer(Adapter):
    """One durable commit a load; a commit's token is its transaction number."""

    name = "EPQL"
    sets_tx = False

    def open(self, path: str) -> None:
        self.path = os.path.join(path, "kb.epql")
        self.con = epql.connect(self.path, agent="bench")
        self.others: dict[tuple[str, str], epql.Connection] = {}
        (self.tx,) = self.con.execute("SELECT count(*) FROM commits").fetchall()[0]

    def version(self) -> str:
        return f"epql {epql.__version__}, apsw {apsw.apsw_version()}, commit {commit(SOURCE)}"

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

    def aggregate(self, t: int) -> list[Row]:
        return self._all(AGGREGATE, t)

    def aggregate_as(self, audit: str, fuse: str, t: int) -> list[Row]:
        """The same on a connection with other settings."""
        other = self.others.get((audit, fuse)) or self._connect(audit, fuse)
        return other.execute(AGGREGATE, (t,)).fetchall()

    def _connect(self, audit: str, fuse: str) -> epql.Connection:
        other = epql.connect(self.path, agent="bench", audit=audit)
        if fuse == "off":
            try:
                other.execute("SET FUSE OFF")
            except epql.Error as error:
                other.close()
                raise Unsupported(str(error).splitlines()[0]) from error
        self.others[audit, fuse] = other
        return other

    def imports(self) -> str:
        """A program that imports what this peer needs."""
        return "import epql"

    def first_answer(self, path: str, slot: tuple[str, str]) -> str:
        """A program that opens the database and asks one question."""
        return FIRST_ANSWER.format(path=os.path.join(path, "kb.epql"), now=NOW, slot=slot)

    def layout(self, path: str) -> dict[str, int]:
        """Bytes of the journal, and of each table and index of index.db."""
        folder = Path(path) / "kb.epql"
        found = {"journal": sum(file.stat().st_size for file in folder.glob("journal/*"))}
        db = apsw.Connection(str(folder / "index.db"), flags=apsw.SQLITE_OPEN_READONLY)
        sizes = "SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE ORDER BY pgsize DESC"
        found.update({str(name): int(size) for name, size in db.execute(sizes)})
        db.close()
        return found

    def _one(self, sql: str, *params: Any) -> Row | None:
        row: Row | None = self.con.execute(sql, params).fetchone()
        return row

    def _all(self, sql: str, *params: Any) -> list[Row]:
        rows: list[Row] = self.con.execute(sql, params).fetchall()
        return rows

    def close(self) -> None:
        for connection in (*self.others.values(), self.con):
            connection.close()
