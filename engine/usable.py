"""The index of a database as it can be used: opened, held against the journal, made anew in doubt.

The index is a cache of the journal and may be made anew at any time, with two reserves. It is a
witness of how far the journal went: where the journal has not what the index was made of, nothing
is made anew but by the explicit word `epql rebuild` (rule I2). And it is never done in silence: a
notice says so.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import apsw

from epql.engine import doubt
from epql.engine.errors import Error, InternalError, OperationalError
from epql.engine.files import Files, OsFiles
from epql.engine.folder import INDEX
from epql.engine.index.ask import first
from epql.engine.index.contents import content_fault
from epql.engine.index.fold import Fold
from epql.engine.index.problems import is_understood
from epql.engine.index.schema import OutdatedIndex, open_index
from epql.engine.ingest import applied, catch_up, checkpoint, diverged
from epql.engine.journal.reader import read_frames
from epql.engine.journal.recovery import open_tail
from epql.engine.lock import WriterLock
from epql.engine.opening import MEMORY, Options, milliseconds, remove_index
from epql.engine.rebuild import rebuild
from epql.engine.volumes import network_kind

SAMPLES = 8
"""Assertions that are compared with the journal at each opening: some tenths of a millisecond."""


class PrivateFolder:
    """A folder for an index that nobody else sees. A forked child does not remove it."""

    def __init__(self) -> None:
        import tempfile  # few connections need it

        self.path = Path(tempfile.mkdtemp(prefix="epql-"))
        self.remove = weakref.finalize(self, _remove_folder, self.path, os.getpid())


def _remove_folder(path: Path, pid: int) -> None:
    import shutil

    if os.getpid() == pid:
        shutil.rmtree(path, ignore_errors=True)


class Usable(NamedTuple):
    """An open index; `private`: where it lies, if it is this connection's alone."""

    db: apsw.Connection
    private: PrivateFolder | None = None


class Opening(NamedTuple):
    """What opening an index takes. `tell` is given the notices."""

    path: str
    files: Files
    lock: WriterLock
    options: Options
    tell: Callable[[str], None]


def open_usable(opening: Opening) -> Usable:
    """The index, of this version of the program and, as far as was looked, sound.

    Raises: OperationalError `index.*`, `lock.timeout`; InternalError `index.diverged`,
    `index.version`, `journal.damaged`.
    """
    if not isinstance(opening.files, OsFiles):
        return Usable(open_index(MEMORY))
    index = opening.files.root / INDEX
    if opening.options.read_only:
        return _open_read_only(opening, index)
    return Usable(_open_to_write(opening, index))


# ---------------------------------------------------------------- to write


def _open_to_write(opening: Opening, index: Path) -> apsw.Connection:
    if not index.exists():
        _make_way(opening, index)
    elif doubt.is_in_doubt(opening.files):
        _look_closer(opening, index)
    busy_ms = milliseconds(opening.options.timeout_s)
    try:
        db = open_index(str(index), busy_ms=busy_ms)
    except OutdatedIndex:
        _check_old_witness(opening.files, index)
        return _made_anew(
            opening, index, "the index was made anew, for this version of the program"
        )
    except OperationalError as error:
        if not isinstance(error.__cause__, doubt.DOUBTFUL):
            raise
        text = f"index.db could not be read ({error.__cause__}): it was made anew from the journal"
        return _made_anew(opening, index, text)
    try:
        reason = _why_anew(db, opening.files)
    except BaseException:
        db.close()
        raise
    if reason is None:
        return db
    db.close()
    return _made_anew(opening, index, reason)


def _why_anew(db: apsw.Connection, files: Files) -> str | None:
    """Why an index that could be opened is made anew; None: it is used.

    Raises: InternalError `index.diverged`: the journal must have what the index was made of.
    """
    try:
        checkpoint(db, files)
        if not is_understood(db):
            return (
                "the index was made anew: records that an earlier program had set aside are"
                " understood now"
            )
        fault = content_fault(db, files, SAMPLES)
    except (*doubt.DOUBTFUL, UnicodeDecodeError) as error:
        fault = str(error)
    return fault and f"the index was made anew from the journal: {fault}"


def _made_anew(opening: Opening, index: Path, notice: str) -> apsw.Connection:
    rebuild(opening.path, opening.options, tell=opening.tell)
    doubt.end_doubt(opening.files)
    opening.tell(notice)
    return open_index(str(index), busy_ms=milliseconds(opening.options.timeout_s))


def _make_way(opening: Opening, index: Path) -> None:
    """Before an index is made anew: a -wal left by a deleted one would be taken for its own."""
    opening.lock.acquire(opening.options.timeout_s)
    try:
        if not index.exists():
            remove_index(index)
            open_index(str(index)).close()
            doubt.end_doubt(opening.files)
    finally:
        opening.lock.release()


def _look_closer(opening: Opening, index: Path) -> None:
    """Check an index that is in doubt, and make it anew unless it is found sound."""
    opening.lock.acquire(opening.options.timeout_s)
    try:
        if not doubt.is_in_doubt(opening.files):
            return  # somebody else was quicker
        fault = _fault_of(opening, index)
        if fault is None:
            doubt.end_doubt(opening.files)
            opening.tell("an error had put the index in doubt: it was checked, and is sound")
            return
    finally:
        opening.lock.release()
    _made_anew(
        opening, index, f"the index was made anew from the journal after an error: {fault}"
    ).close()


def _fault_of(opening: Opening, index: Path) -> str | None:
    try:
        db = open_index(str(index), busy_ms=milliseconds(opening.options.timeout_s))
    except OutdatedIndex:
        return None  # it is made anew anyway
    except OperationalError as error:
        if isinstance(error.__cause__, apsw.BusyError):
            raise
        return error.message
    try:
        return doubt.fault_of(db, opening.files)
    finally:
        db.close()


def _check_old_witness(files: Files, index: Path) -> None:
    """An index of an older program cannot be read, but still says how far the journal went.

    Raises: InternalError `index.diverged`.
    """
    with suppress(apsw.Error):
        db = apsw.Connection(str(index), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            row = first(db, _OLD_CHECKPOINT)
        finally:
            db.close()
        if row is not None and row[0]:
            frame = next(read_frames(files, after_tx=row[0] - 1), None)
            if frame is None or frame.digest != row[1]:
                raise diverged(row[0])


_OLD_CHECKPOINT = (
    "SELECT tx.value, digest.value FROM meta AS tx JOIN meta AS digest"
    " ON digest.key='applied_digest' WHERE tx.key='applied_tx'"
)


# ---------------------------------------------------------------- to read


def _open_read_only(opening: Opening, index: Path) -> Usable:
    """The index as it is, if it is up to date; else a private one folded from the journal.

    SQLite's immutable=1 would silently drop what is still in the -wal (design.md §3). On a
    network file system it cannot share the file with others, so the index is private there.
    """
    is_remote = network_kind(index.parent) is not None
    if index.exists() and not is_remote and not doubt.is_in_doubt(opening.files):
        db = _opened_as_it_is(opening, index)
        if db is not None:
            return Usable(db)
    private = PrivateFolder()
    opening.tell("the index cannot be used as it is; a private one was made")
    db = open_index(str(private.path / INDEX))
    tail = open_tail(opening.files, repair=False, lock=opening.lock).tail
    catch_up(Fold(db), opening.files, upto=tail.last_tx)
    return Usable(db, private)


def _opened_as_it_is(opening: Opening, index: Path) -> apsw.Connection | None:
    """The index, if it can be read, is sound as far as was looked, and is up to date."""
    busy_ms = milliseconds(opening.options.timeout_s)
    try:
        db = open_index(str(index), read_only=True, busy_ms=busy_ms)
    except OutdatedIndex:
        _check_old_witness(opening.files, index)
        return None
    except (Error, apsw.Error):
        return None
    is_used = False
    try:
        is_used = _why_anew(db, opening.files) is None and _is_current(db, opening)
    except apsw.Error:
        pass
    except InternalError:
        db.close()
        raise
    if is_used:
        return db
    db.close()
    return None


def _is_current(db: apsw.Connection, opening: Opening) -> bool:
    """Whether nobody needs to catch this index up, or somebody is doing so just now.

    The journal is read first, then the lock, then the index: whoever wrote what was read and
    has let go of the lock since has applied it, unless he died.
    """
    lock = opening.lock
    if lock.probe():
        return True
    tail = open_tail(opening.files, repair=False, lock=lock).tail
    return lock.probe() or applied(db).tx >= tail.last_tx
