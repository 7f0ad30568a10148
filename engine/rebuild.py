"""Making the index anew from the journal, in the old one's place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw

from epql.engine.audit.cache import remove_cache
from epql.engine.audit.chains import FOLDER as AUDIT
from epql.engine.errors import Error, InternalError, ProgrammingError
from epql.engine.files import OsFiles
from epql.engine.folder import INDEX, check_folder
from epql.engine.index.fold import Fold
from epql.engine.index.schema import open_index
from epql.engine.ingest import Progress, catch_up
from epql.engine.journal.recovery import open_tail
from epql.engine.opening import (
    MEMORY,
    Options,
    busy,
    milliseconds,
    open_folder,
    remove_index,
)


def rebuild(
    path: str,
    options: Options,
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> int:
    """Make a new index from the journal, and put it in place of the old one; commits applied.
    audit.db is removed: it is made anew when reads are asked for.

    `progress` is told (commits applied, commits in all); `tell` what was cut off the journal.
    Raises: OperationalError, InternalError journal.damaged; the old index stays as it is.
    """
    if path != MEMORY:
        check_folder(Path(path), must_exist=True)
    files, lock = open_folder(path, options)
    if not isinstance(files, OsFiles):
        raise ProgrammingError(
            "a database in memory has no index file to rebuild", code="database.path"
        )
    lock.acquire(options.timeout_s)
    fresh = files.root / (INDEX + ".tmp")
    try:
        recovery = open_tail(files, repair=True, lock=lock)
        if tell is not None and recovery.notice is not None:
            tell(recovery.notice)
        remove_index(fresh)
        count: Progress | None = None
        if progress is not None:
            count = lambda tx: progress(tx, recovery.tail.last_tx)  # noqa: E731
        db = open_index(str(fresh))
        try:
            last = catch_up(Fold(db), files, progress=count)
            _replace(files.root / INDEX, db, options)
        finally:
            db.close()
        remove_cache(files.root / AUDIT)
        return last
    finally:
        remove_index(fresh)
        lock.close()


def _replace(path: Path, fresh: apsw.Connection, options: Options) -> None:
    """Put a fresh index in the old one's place, as one transaction of the old one.

    Other processes may have the old file open: it must not be swapped under them, because the
    last of them to close it would delete the new one's -wal. One that is no database at all is.
    """
    try:
        old = _open_any(path, options)
    except (Error, apsw.Error):
        remove_index(path)
        old = open_index(str(path))
    try:
        with old.backup("main", fresh, "main") as copy:
            while not copy.done:
                copy.step(1000)
    except apsw.BusyError as error:
        raise busy() from error
    finally:
        old.close()


def _open_any(path: Path, options: Options) -> apsw.Connection:
    """The old index, whatever program made it."""
    busy_ms = milliseconds(options.timeout_s)
    try:
        return open_index(str(path), busy_ms=busy_ms)
    except InternalError as error:
        if error.code != "index.version":
            raise
    db = apsw.Connection(str(path))
    db.set_busy_timeout(busy_ms)
    return db
