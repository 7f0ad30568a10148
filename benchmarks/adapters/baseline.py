"""The hand-written history table through apsw, with the topic of each subject as a column.

The questions of sqlite_apsw as they are; the column is there for GROUP BY topic, as whoever asks
that often would have it.
"""

from __future__ import annotations

import os
from typing import Any

from adapters import sqlite_apsw
from adapters.sqlite_hand import NOW

TOPICS = """
ALTER TABLE key ADD COLUMN topic TEXT;
UPDATE key SET topic = substr(s, 1, instr(s, '/') - 1);
"""
AGGREGATE = """
SELECT topic, count(*), avg(conf) FROM key CROSS JOIN hist ON hist.kid=key.kid AND recorded_from=
  (SELECT recorded_from FROM hist h WHERE h.kid=key.kid AND h.recorded_from<=?
   ORDER BY recorded_from DESC LIMIT 1) GROUP BY topic"""
FIRST_ANSWER = """
import apsw
db = apsw.Connection({path!r}, statementcachesize=200)
for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "mmap_size=1073741824"):
    db.execute("PRAGMA " + pragma)
assert db.execute({now!r}, {slot!r}).fetchone()
"""


class Peer(sqlite_apsw.Peer):  # type: ignore[misc]  # the given baseline has no annotations
    def settle(self) -> None:
        self.db.execute(TOPICS)
        super().settle()

    def aggregate(self, t: int) -> list[Any]:
        return self.db.execute(AGGREGATE, (t,)).fetchall()  # type: ignore[no-any-return]

    def imports(self) -> str:
        """A program that imports what this peer needs."""
        return "import apsw"

    def first_answer(self, path: str, slot: tuple[str, str]) -> str:
        """A program that opens the database and asks one question."""
        return FIRST_ANSWER.format(path=os.path.join(path, "k.db"), now=NOW, slot=slot)

    def layout(self, path: str) -> dict[str, int]:
        return {}
