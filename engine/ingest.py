"""Taking commits from the journal into the store and the index.

`catch_up` is what an open, a write, a rebuild and the end of a bulk load do; ingestor.py is the
same in a process of its own, while another one writes the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import apsw
import msgspec

from epql.engine.errors import InternalError
from epql.engine.files import Files
from epql.engine.index.ask import first
from epql.engine.index.fold import Entry, Fold
from epql.engine.index.problems import problem_of
from epql.engine.journal.format import Frame, Malformed
from epql.engine.journal.reader import read_frame_at, read_frames
from epql.engine.journal.recovery import open_tail
from epql.engine.journal.tail import Tail, tail_at
from epql.engine.records import CommitInfo, Epoch, decode, key_of
from epql.engine.store.objects import RECORDS_MAX, seq_of

Progress = Callable[[int], None]
"""Called with the last applied transaction."""

_BATCH_RECORDS = 20_000


class Applied(NamedTuple):
    """The checkpoint of an index: the last applied commit, its frame's digest and place.

    `tx` 0 and None before the first; `segment` and `offset` None where the index lost its row.
    """

    tx: int
    digest: bytes | None
    segment: int | None
    offset: int | None


def applied(db: apsw.Connection) -> Applied:
    """The checkpoint of an index. One statement, so that all of it is of one instant: between
    two of them another process may commit."""
    row = first(db, _APPLIED)
    return Applied(0, None, None, None) if row is None else Applied(*row)


_APPLIED = (
    "SELECT tx.value, digest.value, txn.segment, txn.offset"
    " FROM meta AS tx JOIN meta AS digest ON digest.key='applied_digest'"
    " LEFT JOIN txn ON txn.tx=tx.value WHERE tx.key='applied_tx'"
)


def apply_frame(fold: Fold, frame: Frame) -> None:
    """Apply one commit as the journal has it, inside the caller's SQLite transaction."""
    info, entries = _entries(fold, frame)
    fold.begin(frame.tx, frame.recorded_at, info)
    fold.apply(frame.tx, frame.recorded_at, entries)
    fold.finish(
        frame.tx, frame.recorded_at, frame.record_count, frame.digest, frame.segment, frame.offset
    )


_UNFIT = (
    apsw.ConstraintError, apsw.MismatchError, apsw.TooBigError, ArithmeticError, AssertionError,
    AttributeError, LookupError, TypeError, ValueError,
)  # fmt: skip
"""What a record raises that no table of the index can take; an error of the surroundings (a full
disk, a lock, a damaged file) is none of these."""


def _apply_with_care(fold: Fold, frame: Frame) -> None:
    """Apply a commit record by record: one that the index cannot take is set aside (rule I5)."""
    try:
        with _savepoint(fold):
            apply_frame(fold, frame)
    except _UNFIT:
        _apply_one_by_one(fold, frame)


def _apply_one_by_one(fold: Fold, frame: Frame) -> None:
    info, entries = _entries(fold, frame)
    try:
        with _savepoint(fold):
            fold.begin(frame.tx, frame.recorded_at, info)
    except _UNFIT:
        fold.begin(frame.tx, frame.recorded_at, CommitInfo(frame.tx, UNKNOWN))
    for entry in entries:
        try:
            with _savepoint(fold):
                fold.apply(frame.tx, frame.recorded_at, [entry])
        except _UNFIT as error:
            fold.set_aside(entry.seq, entry.kind, f"it does not fit: {error}")
    fold.finish(
        frame.tx, frame.recorded_at, frame.record_count, frame.digest, frame.segment, frame.offset
    )


@contextmanager
def _savepoint(fold: Fold) -> Iterator[None]:
    """All of what is done meanwhile, or nothing."""
    fold.db.execute("SAVEPOINT epql_record")
    try:
        yield
    except BaseException:
        if fold.db.in_transaction:  # a full disk takes all of it back
            fold.db.execute("ROLLBACK TO epql_record; RELEASE epql_record")
        fold.forget()
        raise
    fold.db.execute("RELEASE epql_record")


UNKNOWN = "unknown"
"""The agent of a commit that does not say whose it is."""


def catch_up(
    fold: Fold, files: Files, *, upto: int | None = None, progress: Progress | None = None
) -> int:
    """Apply what the journal has and the index has not; the last applied transaction.

    Commits in batches, unless the caller has a transaction open. Another process may apply the
    same commits at the same time: each is applied by one of them. Raises InternalError
    `index.diverged` when the index is not a fold of this journal.
    """
    apply = apply_frame
    while True:
        last, place = checkpoint(fold.db, files)
        if upto is not None and last >= upto:
            return last
        is_nested = fold.db.in_transaction
        frames = read_frames(files, after_tx=last, after=place)
        try:
            return _apply_all(fold, apply, frames, last, upto, progress)
        except BaseException as error:
            if not is_nested:
                if fold.db.in_transaction:
                    fold.db.execute("ROLLBACK")
                fold.forget()
            if isinstance(error, _Moved):
                continue
            if is_nested or apply is _apply_with_care or not isinstance(error, _UNFIT):
                raise
            apply = _apply_with_care  # once more from the last batch on: savepoints cost time


class _Moved(Exception):
    """Another connection has brought commits into the index since its checkpoint was read."""


def _apply_all(
    fold: Fold,
    apply: Callable[[Fold, Frame], None],
    frames: Iterator[Frame],
    last: int,
    upto: int | None,
    progress: Progress | None,
) -> int:
    is_nested = fold.db.in_transaction
    pending = 0
    for frame in frames:
        if not pending and not is_nested:
            fold.db.execute("BEGIN IMMEDIATE")
            if applied(fold.db).tx != last:
                raise _Moved
        apply(fold, frame)
        last, pending = frame.tx, pending + frame.record_count + 1  # it may have no records
        if pending >= _BATCH_RECORDS:
            pending = 0
            if not is_nested:
                fold.db.execute("COMMIT")
        if progress is not None:
            progress(last)
        if last == upto:
            break
    if pending and not is_nested:
        fold.db.execute("COMMIT")
    return last


def checkpoint(db: apsw.Connection, files: Files) -> tuple[int, Tail | None]:
    """The last applied transaction, and the place in the journal just behind it.

    The index is read first, in one statement, and the journal after it. A commit comes into the
    index when it is in the journal for good, and the journal only grows: so what another process
    writes between the two cannot make them differ.
    Raises: InternalError `index.diverged` unless the journal has that very commit there;
    `journal.damaged` if that is because the journal cannot be read.
    """
    last, digest, segment, offset = applied(db)
    if not last:
        return 0, None
    if segment is None or offset is None:
        raise diverged(last)
    try:
        frame = read_frame_at(files, segment, offset)
    except InternalError as error:
        open_tail(files, repair=False, known_tx=last)  # raises what is wrong with the journal
        raise diverged(last) from error
    if frame.digest != digest:
        raise diverged(last)
    return last, tail_at(frame)


def diverged(tx: int) -> InternalError:
    """The error for an index whose checkpoint the journal does not contain."""
    return InternalError(
        f"the index was made from another journal: commit {tx} differs or is missing",
        code="index.diverged",
        hint="if its end was lost, restore the journal from a copy (epql verify says more);"
        " epql rebuild takes the journal as it is",
    )


def _entries(fold: Fold, frame: Frame) -> tuple[CommitInfo, list[Entry]]:
    """The records of a frame; one that cannot be understood is set aside (rule I5)."""
    info = CommitInfo(frame.tx, UNKNOWN)
    entries: list[Entry] = []
    epochs: set[str] = set()
    for order, (kind, flags, payload) in enumerate(_records(fold, frame)):
        seq = seq_of(frame.tx, order)
        try:
            record = decode(kind, payload)
        except (KeyError, msgspec.DecodeError, msgspec.ValidationError) as error:
            unknown = isinstance(error, KeyError)
            fold.set_aside(seq, kind, "unknown kind" if unknown else str(error))
            continue
        problem = problem_of(fold.db, record, flags, frame.tx)
        if problem is None and isinstance(record, Epoch) and record.name in epochs:
            problem = f"a second epoch {record.name!r}"
        if problem is not None:
            fold.set_aside(seq, kind, problem)
            continue
        if isinstance(record, Epoch):
            epochs.add(record.name)
        if isinstance(record, CommitInfo):
            info = record
        entries.append(Entry(seq, kind, flags, record, key_of(kind, bytes(payload))))
    return info, entries


def _records(fold: Fold, frame: Frame) -> Iterator[tuple[str, int, memoryview]]:
    """Kind, flags and payload of each record; where the body is not what the frame's header says,
    though its hash holds, what is left of it is set aside."""
    read = 0
    try:
        for kind, flags, payload, _ in frame.records():
            yield kind, flags, payload
            read += 1
    except Malformed as error:
        fold.set_aside(seq_of(frame.tx, min(read, RECORDS_MAX)), "?", str(error))
