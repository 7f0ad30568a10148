"""The gardener: what follows from a correction, journaled with the correction as its cause.

For each correction one further commit: what was derived from it flagged (F), an earlier success
undone, failure spread over those who had a part in it (T), and that it is done (G). All of it is
computed as of the correction, so it does not matter when the gardener comes by, nor whose it is;
under the writer's lock, in order, and only for corrections that are not done yet, so each is done
once. Where very much was derived, commits with flags alone go before that one; whoever goes on
after a crash skips what is flagged already, and trust moves in the last one only.
Who pays how much is trust.py; who had a part is corrections.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw

from epql.engine.database import Database
from epql.engine.governance import corrections
from epql.engine.governance.corrections import Case
from epql.engine.governance.dependents import Dependent, dependents
from epql.engine.governance.flags import flag_text
from epql.engine.governance.readers import careless
from epql.engine.governance.trust import UNDONE, Part, charges
from epql.engine.index import topics
from epql.engine.records import Flag, Tended, TrustChange
from epql.engine.transaction import Transaction

GARDENER = "gardener"
"""The agent of the gardener's commits."""

FLAGS_MAX = 20_000
"""Flags of one commit: a few megabytes, far below what a commit may hold (64 MiB), and others wait
for the lock no longer than a second or so."""


class Done(NamedTuple):
    """What became of one correction: how trust moved, and how many assertions were flagged."""

    case: Case
    changes: list[TrustChange]
    flagged: int


def tend(database: Database, *, timeout_s: float | None = None) -> list[Done]:
    """Do all that is pending; what was done.

    Units: `timeout_s` is how long to wait for another writer, None as long as the database says.
    Raises: OperationalError if it cannot be written now; what was done until then stays.
    """
    try:
        return _tend_all(database, timeout_s)
    except apsw.Error as error:
        raise (database.told(error) or error) from error


def _tend_all(database: Database, timeout_s: float | None) -> list[Done]:
    done: list[Done] = []
    if database.behind_by:  # beginning to write catches the index up, or says why it cannot
        database.begin(GARDENER, timeout_s=timeout_s).rollback()
    while (case := corrections.next_untended(database.db)) is not None:
        readers = careless(database, case)  # before the lock is taken, which others wait for
        one = _tend(database, case, readers, timeout_s)
        if one is not None:
            done.append(one)
    return done


def _tend(
    database: Database, case: Case, readers: Iterable[str], timeout_s: float | None
) -> Done | None:
    """The commits of one correction; None if somebody else has made the last of them meanwhile."""
    derived = dependents(database.db, [case.assertion], case.seq)
    stood = [one for one in derived if corrections.stood(database.db, one, case)]
    done = Done(case, [], 0)
    while True:
        transaction = database.begin(GARDENER, timeout_s=timeout_s)
        try:
            if corrections.next_untended(database.db) != case:
                transaction.rollback()
                return None
            with transaction.statement():
                part, stood = _part(database.db, stood, case)
                done = done._replace(flagged=done.flagged + len(part))
                if not stood:
                    changes = _charge(database, transaction, case, derived, readers)
                    done = done._replace(changes=changes)
                _flag(transaction, case, part)
                if not stood:
                    transaction.append(Tended(transaction.tx, transaction.order, case.digest))
        except BaseException:
            transaction.rollback()
            raise
        transaction.commit()
        if not stood:
            return done


def _part(
    db: apsw.Connection, stood: list[Dependent], case: Case
) -> tuple[list[Dependent], list[Dependent]]:
    """Those that are flagged by the next commit, and those that are left for another one."""
    part: list[Dependent] = []
    for number, one in enumerate(stood):
        if len(part) == FLAGS_MAX:
            return part, stood[number:]
        if not corrections.is_flagged(db, one, case):
            part.append(one)
    return part, []


def _charge(
    database: Database,
    transaction: Transaction,
    case: Case,
    derived: list[Dependent],
    readers: Iterable[str],
) -> list[TrustChange]:
    """Move the trust of all who had a part in it."""
    declared = database.declarations.at(case.tx)
    parts = [
        *corrections.parts_of(database.db, case),
        *(Part(name, "reader") for name in readers),
        *(Part(corrections.author_of(database.db, one), "deriver", one.hops) for one in derived),
    ]
    changes = []
    undone = corrections.success_of(database.db, case)
    if undone is not None:
        changes.append(_change(transaction, case, Part(case.author, UNDONE), undone, -1.0, 0.0))
    topic = topics.of(database.db, case.subject, declared.topics)
    for part, share in charges(parts, declared):
        changes.append(_change(transaction, case, part, topic, 0.0, share))
    return changes


def _change(
    transaction: Transaction, case: Case, part: Part, topic: str, success: float, failure: float
) -> TrustChange:
    change = TrustChange(
        transaction.tx, transaction.order, part.agent, topic, success, failure, part.role,
        case.digest, case.assertion, part.hops,
    )  # fmt: skip
    transaction.append(change)
    return change


def _flag(transaction: Transaction, case: Case, part: list[Dependent]) -> None:
    """Flag what was derived and stood."""
    for one in part:
        text = flag_text(case.assertion, one.hops, case.agent, "corrected", case.reason)
        order = transaction.order
        transaction.append(Flag(transaction.tx, order, one.digest, case.digest, text))
