"""What the index knows of a correction: the assertion, and who had a part in it before.

Everything is read as of the correction, by positions before its own, so that it comes out the
same whenever it is read.
"""

from __future__ import annotations

from typing import NamedTuple

import apsw

from epql.engine.governance.dependents import Dependent
from epql.engine.governance.trust import APPROVED, Part
from epql.engine.index.ask import first
from epql.engine.lifecycle import CODE, LANDING
from epql.engine.store.objects import RECORDS_MAX, tx_of


class Case(NamedTuple):
    """A correction to be tended: its position `seq`, its digest and instant; what was corrected.

    `number` is the assertion's; `at` in microseconds UTC.
    """

    seq: int
    digest: bytes
    at: int
    agent: str
    reason: str | None
    number: int
    assertion: bytes
    author: str
    subject: str

    @property
    def tx(self) -> int:
        """The commit of the correction."""
        return tx_of(self.seq)


def next_untended(db: apsw.Connection) -> Case | None:
    """The first correction whose effects are not done; None: all are.

    They are done in order, so those that are left come after the last that is done.
    """
    row = first(db, _UNTENDED)
    return None if row is None else Case(*row)


_UNTENDED = (
    "SELECT x.id, x.digest, c.recorded_at, w.name, x.reason, a.id, a.digest, g.name, s.subject"
    " FROM correction x JOIN txn c ON c.tx=(x.id >> 20) JOIN agent w ON w.id=x.agent"
    " JOIN assertion a ON a.id=x.assertion JOIN agent g ON g.id=a.agent JOIN slot s ON s.id=a.slot"
    " WHERE x.id>(SELECT ifnull(max(correction), 0) FROM tended) ORDER BY x.id LIMIT 1"
)


def parts_of(db: apsw.Connection, case: Case) -> list[Part]:
    """Author, who promoted it and who voted for it, as of the correction."""
    return [
        Part(case.author, "author"),
        *(Part(name, "approver") for (name,) in db.execute(_PROMOTERS, (case.number, case.seq))),
        *(Part(name, "voter") for (name,) in db.execute(_VOTERS, (case.number, case.seq))),
    ]


_ONWARD = f"({CODE['review']}, {CODE['approved']})"
_PROMOTERS = (  # what went before a REVIVE is another life, and was paid for
    "SELECT DISTINCT g.name FROM transition t JOIN agent g ON g.id=t.agent"
    f" WHERE t.assertion=?1 AND t.id<?2 AND t.via='TRANSITION' AND t.state IN {_ONWARD}"
    " AND t.id>(SELECT ifnull(max(r.id), 0) FROM transition r"
    "  WHERE r.assertion=?1 AND r.id<?2 AND r.via='REVIVE')"
)
_VOTERS = (  # SQLite takes is_for from the row that has the max
    "SELECT name FROM (SELECT g.name, v.is_for, max(v.id) FROM vote v JOIN agent g ON g.id=v.agent"
    " WHERE v.assertion=? AND v.id<? GROUP BY v.agent) WHERE is_for"
)


def success_of(db: apsw.Connection, case: Case) -> str | None:
    """The topic on which an approval of the assertion still counts as the author's success."""
    row = first(db, _SUCCESS, {"assertion": case.number, "digest": case.assertion, "seq": case.seq})
    return None if row is None else str(row[0])


_SUCCESS = (  # an earlier correction since has undone it
    "SELECT w.topic FROM transition t JOIN trust w"
    f" ON w.id BETWEEN t.id AND t.id | {RECORDS_MAX} AND w.role='{APPROVED}'"
    " WHERE t.assertion=:assertion AND t.id<:seq"
    " AND w.assertion=:digest AND w.id<:seq AND NOT EXISTS (SELECT 1 FROM correction x"
    "  WHERE x.assertion=:assertion AND x.id>t.id AND x.id<:seq) LIMIT 1"
)


def author_of(db: apsw.Connection, dependent: Dependent) -> str:
    """Who derived it."""
    row = first(db, _AUTHOR, (dependent.id,))
    assert row is not None
    return str(row[0])


_AUTHOR = "SELECT g.name FROM assertion a JOIN agent g ON g.id=a.agent WHERE a.id=?"


def stood(db: apsw.Connection, dependent: Dependent, case: Case) -> bool:
    """Whether some of it stood when the correction was made."""
    return first(db, _STOOD, {"id": dependent.id, "tx": case.tx}) is not None


def is_flagged(db: apsw.Connection, dependent: Dependent, case: Case) -> bool:
    """Whether it has its flag for the correction already."""
    sql = "SELECT 1 FROM flag WHERE assertion=? AND cause=? LIMIT 1"
    return first(db, sql, (dependent.id, case.digest)) is not None


_STATES = ", ".join(str(CODE[state]) for state in LANDING)
_STOOD = (
    "SELECT 1 FROM assertion a JOIN span x ON x.slot=a.slot AND x.assertion=a.id"
    f" WHERE a.id=:id AND x.state IN ({_STATES}) AND x.from_tx<=:tx AND x.to_tx>:tx LIMIT 1"
)


def first_approval(db: apsw.Connection, assertion: int, seq: int) -> tuple[str, str] | None:
    """(author, subject) of an assertion, if the move at `seq` is the first approval by another."""
    row = first(db, _FIRST_APPROVAL, {"assertion": assertion, "seq": seq})
    return None if row is None else (str(row[0]), str(row[1]))


_FIRST_APPROVAL = (
    "SELECT g.name, s.subject FROM assertion a JOIN agent g ON g.id=a.agent"
    " JOIN slot s ON s.id=a.slot JOIN transition m ON m.id=:seq"
    " WHERE a.id=:assertion AND m.agent<>a.agent AND NOT EXISTS (SELECT 1 FROM transition t"
    "  WHERE t.assertion=a.id AND t.id<:seq AND t.via='TRANSITION'"
    f"  AND t.state={CODE['approved']} AND t.agent<>a.agent)"
)
