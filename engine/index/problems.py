"""Why a record that can be read cannot be applied; no such record is ever written here.

What a newer program or a damaged writer left is set aside and told (rule I5), never guessed at.
The relation `set_aside` shows it. A program that understands something else than the one that set
records aside makes the index anew, so that they are seen as soon as they can be.
"""

from __future__ import annotations

from functools import cache
from math import isfinite
from typing import Any
from zlib import crc32

import apsw

from epql.engine.clock import EVER, FIRST, FOREVER, LAST
from epql.engine.content import TYPES
from epql.engine.index.ask import first
from epql.engine.index.declarations import is_body, is_named, is_view
from epql.engine.index.policies import POLICIES
from epql.engine.lifecycle import CODE, NAME
from epql.engine.records import (
    KINDS,
    Assertion,
    CommitInfo,
    Constraint,
    Declaration,
    Epoch,
    Record,
    Transition,
    TrustChange,
    Use,
    Vote,
)

SEVERITIES = ("hard", "soft")


@cache
def understanding() -> int:
    """A number for all that this program understands; another for one that understands more."""
    known = (
        [(kind, record.__struct_fields__) for kind, record in sorted(KINDS.items())],
        sorted(POLICIES), sorted(TYPES), sorted(CODE), SEVERITIES,
    )  # fmt: skip
    return crc32(repr(known).encode()) & 0x7FFF_FFFF


def set_aside(db: apsw.Connection, seq: int, kind: str, reason: str) -> None:
    """Note a record that cannot be understood, and who did not understand it."""
    db.execute("INSERT INTO aside VALUES(?,?,?)", (seq, kind, reason))
    db.execute(f"PRAGMA application_id={understanding()}")


def count(db: apsw.Connection) -> tuple[int, str]:
    """How many records are set aside, and why one of them."""
    sql = "SELECT count(*), ifnull(min(kind || ': ' || reason), '') FROM aside"
    row: tuple[Any, ...] = db.execute(sql).fetchall()[0]
    return row[0], row[1]


def is_understood(db: apsw.Connection) -> bool:
    """Whether this program would set the same records aside as those that are."""
    if first(db, "SELECT 1 FROM aside LIMIT 1") is None:
        return True
    return bool(db.pragma("application_id") == understanding())


def problem_of(db: apsw.Connection, record: Record, flags: int, tx: int) -> str | None:
    """What is wrong with a record of commit `tx`; None: nothing."""
    if isinstance(record, Assertion):
        return _of_assertion(record, flags)
    if isinstance(record, Transition):
        if record.was not in CODE or record.state not in CODE:
            return f"no move from {record.was!r} to {record.state!r}"
        return None if record.cut is None or FIRST <= record.cut <= LAST else "a cut out of range"
    if isinstance(record, Epoch):
        known = first(db, "SELECT 1 FROM epoch WHERE name=?", (record.name,))
        return None if known is None else f"a second epoch {record.name!r}"
    if isinstance(record, Declaration):
        return None if _is_known(record) else "a declaration this program does not know"
    if isinstance(record, CommitInfo):
        if record.key is None:
            return None
        known = first(db, "SELECT 1 FROM txn WHERE key=? AND tx<>?", (record.key, tx))
        return None if known is None else f"a second commit with the key {record.key!r}"
    return _of_event(record)


def _of_event(record: Record) -> str | None:
    if isinstance(record, Vote):
        return None if 0 < record.weight <= 1 else "the weight is not between 0 and 1"
    if isinstance(record, Constraint):
        if record.severity not in SEVERITIES:
            return f"a severity {record.severity!r}"
        return _of_object(record.object) or _of_object(record.prefer)
    if isinstance(record, Use):
        return None if record.what in ("assertion", "rule") else f"a use of {record.what!r}"
    if isinstance(record, TrustChange):
        is_number = isfinite(record.successes) and isfinite(record.failures)
        return None if is_number else "the trust is no number"
    return None


def _is_known(record: Declaration) -> bool:
    """Whether a declaration says no more than this program understands."""
    body = dict(record.body)
    if record.what == "query":
        return is_view(body)
    if record.what == "predicate":
        return is_body(body) and body.get("type") in (None, *TYPES)
    if record.what == "policy":
        policy = POLICIES.get(record.name)
        return policy is not None and body.keys() == {"value"} and policy.accepts(body["value"])
    if record.what in ("agent", "topic"):
        return is_named(record.what, body)
    return True


def _of_assertion(record: Assertion, flags: int) -> str | None:
    if flags and flags not in NAME:
        return f"state {flags} is unknown"
    problem = _of_object(record.object)
    if problem is not None:
        return problem
    if not 0 <= record.confidence <= 1:
        return "the confidence is not between 0 and 1"
    for bound in (record.valid_from, record.valid_to):
        if bound is not None and not FIRST <= bound <= LAST:
            return "the valid interval is out of range"
    start = EVER if record.valid_from is None else record.valid_from
    end = FOREVER if record.valid_to is None else record.valid_to
    return None if start < end else "the valid interval is none"


def _of_object(obj: object) -> str | None:
    if isinstance(obj, int) and not -(2**63) <= obj < 2**63:
        return "the object does not fit in 64 bits"
    if isinstance(obj, float) and not isfinite(obj):
        return "the object is no number"
    return None
