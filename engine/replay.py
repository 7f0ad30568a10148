"""Loading commits as they were made elsewhere: same number, instant and records.

What it is: the one way commits of an export or a backup come into a database that is open. They
keep their tx, so the database must be empty, or hold the beginning of the same commits (what an
interrupted load left); then the load goes on where that ended.
What it is not: backfill. Nothing is checked against rules: it was, when it was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from epql.engine.appending import Appending
from epql.engine.database import Database
from epql.engine.errors import InternalError, OperationalError
from epql.engine.files import Files
from epql.engine.journal.format import Frame
from epql.engine.journal.reader import read_frames, records_of
from epql.engine.journal.tail import Tail
from epql.engine.journal.writer import JournalWriter, Pending

_GROUP_BYTES = 4 * 2**20
_GROUP_COMMITS = 2_000


class Commit(NamedTuple):
    """One commit. `records`: (kind, flags, payload) each, the commit's own first; µs UTC."""

    tx: int
    recorded_at: int
    is_backfilled: bool
    records: list[tuple[str, int, bytes]]


def commits_of(files: Files, tail: Tail | None = None) -> Iterator[Commit]:
    """The commits of a journal, each checked, up to `tail`."""
    return map(_commit, read_frames(files, tail=tail))


def _commit(frame: Frame) -> Commit:
    records = [(kind, flags, bytes(data)) for kind, flags, data, _ in records_of(frame)]
    return Commit(frame.tx, frame.recorded_at, frame.is_backfilled, records)


def replay(database: Database, commits: Iterable[Commit]) -> int:
    """Append commits that are not there yet; the last tx.

    Raises: OperationalError `restore.not_empty`; what `commits` raises: what came before stays.
    """
    with database.writing() as writer:
        appending = Appending(database, writer)
        group: list[Pending] = []
        size = 0
        try:
            for commit in database.turns.checked(_missing(database, writer, commits)):
                group.append(Pending(commit.recorded_at, commit.records, commit.is_backfilled))
                size += sum(len(data) for _, _, data in commit.records)
                if size >= _GROUP_BYTES or len(group) >= _GROUP_COMMITS:
                    appending.append(group)
                    group, size = [], 0
            if group:
                appending.append(group)
        finally:
            try:
                appending.settle()
            finally:
                database.forget()
        return writer.last_tx


def _missing(
    database: Database, writer: JournalWriter, commits: Iterable[Commit]
) -> Iterator[Commit]:
    """The commits behind those that are there already, which must be the same."""
    there = commits_of(database.files, writer.tail)
    last = writer.last_tx
    for expected, commit in enumerate(commits, start=1):
        if commit.tx != expected:
            raise InternalError(
                f"tx {commit.tx} follows tx {expected - 1}",
                code="restore.order",
                hint="commits are missing; use another copy",
            )
        if commit.tx > last:
            yield commit
        elif next(there) != commit:
            raise not_empty()
    if next(there, None) is not None:
        raise not_empty()


def not_empty() -> OperationalError:
    """The error for a database that holds something else."""
    return OperationalError(
        "the database is not empty, and holds something else",
        code="restore.not_empty",
        hint="restore into a new database",
    )
