"""An index in doubt: after an I/O error, or where SQLite found its file damaged (rule I8).

Whoever meets such an error writes a mark into the file LOCK, behind the writer's note. It needs no
new block, so a full disk does not refuse it, and no lock. Whoever opens the database next finds
the mark and looks closer: SQLite's own check, the checkpoint, some assertions against the journal.
Where the mark cannot be written either, this process remembers.
Page: docs/formats/index.md, "In doubt".
"""

from __future__ import annotations

import os
from contextlib import suppress

import apsw

from epql.engine.files import Files, OsFiles
from epql.engine.index.contents import content_fault
from epql.engine.ingest import checkpoint
from epql.engine.lock import LOCK_NAME, NOTE_SIZE

DOUBTFUL = (apsw.IOError, apsw.CorruptError, apsw.NotADBError)
"""What SQLite says when the index may not be what was written."""

SAMPLES = 500
"""Assertions that are compared with the journal when an index is in doubt."""

_MARK = b"the index is in doubt\n"
_NO_MARK = b"\n".rjust(len(_MARK))
_remembered: set[str] = set()


def put_in_doubt(files: Files) -> None:
    """Have the index checked at the next opening. Never raises."""
    if isinstance(files, OsFiles):
        _remembered.add(str(files.root))
        _write(files, _MARK)


def is_in_doubt(files: Files) -> bool:
    """Whether the index is to be checked before it is believed."""
    if not isinstance(files, OsFiles):
        return False
    if str(files.root) in _remembered:
        return True
    try:
        return files.read(LOCK_NAME, NOTE_SIZE, len(_MARK)) == _MARK
    except Exception:  # there is no LOCK yet
        return False


def end_doubt(files: Files) -> None:
    """Believe the index again; after it was checked or made anew."""
    if isinstance(files, OsFiles):
        _remembered.discard(str(files.root))
        if is_in_doubt(files):
            _write(files, _NO_MARK)


def _write(files: OsFiles, text: bytes) -> None:
    with suppress(OSError):
        path = files.root / LOCK_NAME
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            os.pwrite(fd, text, NOTE_SIZE)
            os.fsync(fd)
        finally:
            os.close(fd)


def fault_of(db: apsw.Connection, files: Files) -> str | None:
    """What is wrong with an index; None if nothing was found.

    Raises: InternalError `index.diverged`, which is no fault of the index alone.
    """
    try:
        for (said,) in db.execute("PRAGMA quick_check(1)"):
            if said != "ok":
                return f"SQLite finds it damaged: {str(said).partition(chr(10))[0]}"
        checkpoint(db, files)
        return content_fault(db, files, SAMPLES)
    except (apsw.Error, UnicodeDecodeError) as error:
        return f"SQLite cannot read it: {error}"
