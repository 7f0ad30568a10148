"""What votes, rules, corrections, uses, trust and flags change in the index.

A part of the fold (fold.py): one function per kind of record. A vote or a confirmation touches its
slot, because it can change who wins there; it is told as the cause of a change only where nothing
else happened to the slot in its commit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from epql.engine.index import rules
from epql.engine.index.ask import first
from epql.engine.records import (
    Constraint,
    Correction,
    Flag,
    Repeal,
    Tended,
    TrustChange,
    Use,
    Vote,
)

if TYPE_CHECKING:
    from epql.engine.index.fold import Entry, Fold

Touched = dict[int, tuple[int, int]]


def apply(fold: Fold, tx: int, entry: Entry, touched: Touched) -> None:
    """Apply a record that is no assertion, move, epoch or declaration; others are no event."""
    step = _STEPS.get(type(entry.record))
    if step is not None:
        step(fold, tx, entry, entry.record, touched)


def _vote(fold: Fold, tx: int, entry: Entry, vote: Vote, touched: Touched) -> None:
    assertion = _assertion(fold, entry, vote.assertion)
    if assertion is None:
        return
    agent = fold.agent_id(vote.agent, tx)
    row = (entry.seq, assertion, agent, vote.is_for, vote.weight, vote.reason)
    fold.db.execute("INSERT INTO vote VALUES(?,?,?,?,?,?)", row)
    _touch(fold, tx, entry.seq, assertion, touched)


def _constraint(fold: Fold, tx: int, entry: Entry, rule: Constraint, touched: Touched) -> None:
    row = (
        entry.seq, entry.key[2:], rule.subject, rule.predicate, rule.object, rule.when,
        rule.severity, rule.prefer, rule.reason, fold.agent_id(rule.agent, tx), rule.correction,
    )  # fmt: skip
    fold.db.execute("INSERT INTO rule VALUES(?,?,?,?,?,?,?,?,?,?,?)", row)
    rules.file(fold.db, entry.seq, rule)


def _repeal(fold: Fold, tx: int, entry: Entry, repeal: Repeal, touched: Touched) -> None:
    rule = _known(fold, entry, b"C:" + repeal.rule, "rule c:")
    if rule is not None:
        row = (rule, entry.seq, fold.agent_id(repeal.agent, tx), repeal.reason)
        fold.db.execute("INSERT OR IGNORE INTO repeal VALUES(?,?,?,?)", row)


def _correction(fold: Fold, tx: int, entry: Entry, done: Correction, touched: Touched) -> None:
    assertion = _assertion(fold, entry, done.assertion)
    if assertion is None:
        return
    row = (
        entry.seq, entry.key[2:], assertion, fold.agent_id(done.agent, tx), done.reason,
        done.successor, done.rule,
    )  # fmt: skip
    fold.db.execute("INSERT INTO correction VALUES(?,?,?,?,?,?,?)", row)


def _use(fold: Fold, tx: int, entry: Entry, use: Use, touched: Touched) -> None:
    if use.what == "assertion":
        target = _assertion(fold, entry, use.target)
    else:
        target = _known(fold, entry, b"C:" + use.target, "rule c:")
    if target is None:
        return
    agent = fold.agent_id(use.agent, tx)
    row = (entry.seq, use.what, target, agent, use.source, use.reason)
    fold.db.execute("INSERT INTO used VALUES(?,?,?,?,?,?)", row)
    if use.what == "assertion":
        _touch(fold, tx, entry.seq, target, touched)


def _trust(fold: Fold, tx: int, entry: Entry, change: TrustChange, touched: Touched) -> None:
    """The row holds the sums so far, so that trust as of any commit is one seek."""
    agent = fold.agent_id(change.agent, tx)
    sql = "SELECT successes, failures FROM trust WHERE agent=? AND topic=? ORDER BY id DESC LIMIT 1"
    successes, failures = first(fold.db, sql, (agent, change.topic)) or (0.0, 0.0)
    row = (
        agent, change.topic, entry.seq, successes + change.successes, failures + change.failures,
        change.successes, change.failures, change.role, change.cause, change.assertion, change.hops,
    )  # fmt: skip
    fold.db.execute("INSERT INTO trust VALUES(?,?,?,?,?,?,?,?,?,?,?)", row)


def _flag(fold: Fold, tx: int, entry: Entry, flag: Flag, touched: Touched) -> None:
    assertion = _assertion(fold, entry, flag.assertion)
    if assertion is not None:
        row = (assertion, entry.seq, flag.cause, flag.reason)
        fold.db.execute("INSERT INTO flag VALUES(?,?,?,?)", row)


def _tended(fold: Fold, tx: int, entry: Entry, tended: Tended, touched: Touched) -> None:
    correction = _known(fold, entry, b"X:" + tended.correction, "correction x:")
    if correction is not None:
        row = (correction, entry.seq)
        fold.db.execute("INSERT OR IGNORE INTO tended VALUES(?,?)", row)


_STEPS: dict[type, Callable[[Fold, int, Entry, Any, Touched], None]] = {
    Vote: _vote,
    Constraint: _constraint,
    Repeal: _repeal,
    Correction: _correction,
    Use: _use,
    TrustChange: _trust,
    Flag: _flag,
    Tended: _tended,
}


def _assertion(fold: Fold, entry: Entry, digest: bytes) -> int | None:
    return _known(fold, entry, b"H:" + digest, "assertion a:")


def _known(fold: Fold, entry: Entry, key: bytes, what: str) -> int | None:
    """The number of what a record is about; one that is about nothing is set aside (rule I5)."""
    found = fold.objects.find(key)
    if found is None:
        fold.set_aside(entry.seq, entry.kind, f"no {what}{key[2:].hex()}")
    return found


def _touch(fold: Fold, tx: int, seq: int, assertion: int, touched: Touched) -> None:
    slot = fold.head(assertion).slot
    if slot not in touched:
        sql = "INSERT OR IGNORE INTO touched VALUES(?,?,?,?)"
        fold.db.execute(sql, (tx, slot, seq, assertion))
