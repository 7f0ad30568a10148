"""Backups: a copy of a database as of one commit, made while others write; and back again.

    backup/FORMAT   backup/journal/<first tx>.log …   backup/audit/…   backup/ASKED   backup/BACKUP

A backup is the folder of a database, so that it can be opened (read-only) as it is. BACKUP tells
the last commit and its digest: nothing inside a journal can show that commits were cut off its
end. Segments only grow, so the copy of a prefix is consistent however many processes write; the
copy is read back whole, frame by frame, before it gets its name. Page: docs/formats/backup.md.
Not here: the loading of commits into an open database (engine/replay.py).
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from epql.engine.asked import copy_asked
from epql.engine.audit.chains import FOLDER as AUDIT
from epql.engine.database import Database
from epql.engine.errors import InternalError, OperationalError
from epql.engine.files import (
    READ_MAX,
    Files,
    OsFiles,
    open_to_read,
    sync_path,
    translate,
    write_atomically,
)
from epql.engine.folder import FORMAT, check_format
from epql.engine.head import Head, head_of
from epql.engine.ingest import checkpoint
from epql.engine.journal.recovery import open_tail
from epql.engine.journal.segments import FOLDER, list_segments, segment_name
from epql.engine.journal.tail import Tail
from epql.engine.journal.verify import Expectation, verify
from epql.engine.leftovers import hold, remove_leftovers, unfinished
from epql.engine.opening import Options, check_path
from epql.engine.rebuild import rebuild

MANIFEST = "BACKUP"
_TITLE = "EPQL backup"
_VERSION = 1
_CHUNK = 4 * 2**20
_MANIFEST = re.compile(rf"{_TITLE}\nversion (\d+)\ntx (\d+)\ndigest ([0-9a-f]{{64}})\n")

Progress = Callable[[int, int], None]
"""Told (bytes done, bytes in all)."""


@dataclass(frozen=True)
class Copied:
    """What was copied: up to which commit, and how many bytes.

    `head`: a line to keep elsewhere, for `epql verify --head`.
    """

    tx: int
    size: int
    head: str


def backup(
    database: Database, to: Path, *, audit: bool = False, progress: Progress | None = None
) -> Copied:
    """Copy the journal up to its last commit to a new (or empty) folder; with `audit`, the reads.

    Raises: OperationalError `backup.exists`, `files.*`, `journal.*`; InternalError
    `journal.damaged`, which says where. Nothing is at `to` after a failure.
    """
    with appearing(to) as folder:
        tail = _last(database)
        size = _copy_journal(
            database.files, tail, OsFiles(folder), progress, check=database.turns.check
        )
        copy_asked(database.files, OsFiles(folder))
        if audit:
            _copy_audit(database, folder)
        try:
            _check_copy(OsFiles(folder), Expectation(tail.last_tx, tail.last_digest), "the copy")
        except InternalError:
            _check_source(database.files)  # the copy is as good as what was copied
            raise
        _write(OsFiles(folder), MANIFEST, _manifest(tail))
    return Copied(tail.last_tx, size, str(_head(tail)))


def restore(
    source: Path, to: Path, options: Options, *, progress: Progress | None = None
) -> Copied:
    """Make a database of a backup, in a new (or empty) folder, with its index.

    The backup is read whole and checked before anything is made, and the copy once more.
    Raises: OperationalError `backup.missing`, `backup.exists`; InternalError `backup.damaged`,
    which says where. Nothing is at `to` after a failure.
    """
    files = OsFiles(source)
    tail = check_backup(source)
    with appearing(to) as folder:
        size = _copy_journal(files, tail, OsFiles(folder), progress)
        copy_asked(files, OsFiles(folder))
        if (source / AUDIT).is_dir():
            _copy_tree(source / AUDIT, folder / AUDIT)
        _check_copy(OsFiles(folder), Expectation(tail.last_tx, tail.last_digest), "the copy")
        rebuild(str(folder), options)
        head = head_of(folder)
        if head != _head(tail):
            raise _damaged(f"the copy ends at {head}, not at {_head(tail)}")
    return Copied(tail.last_tx, size, str(head))


def is_backup(path: Path) -> bool:
    """Whether there is a backup, or the copy of a database's folder, at a path."""
    return (path / FORMAT).exists()


def check_backup(source: Path) -> Tail:
    """Read a backup whole; where it ends. A copied folder without BACKUP is taken at its word.

    Raises: OperationalError `backup.missing`; InternalError `backup.damaged`.
    """
    if not is_backup(source):
        raise OperationalError(
            f"there is no backup at {source}",
            code="backup.missing",
            hint="BACKUP TO 'folder' makes one; it holds the files FORMAT and BACKUP",
        )
    files = OsFiles(source)
    check_format(files)
    expected = _read_manifest(files) if files.exists(MANIFEST) else None
    _check_copy(files, expected, str(source))
    return open_tail(files, repair=False).tail


def _last(database: Database) -> Tail:
    """Where the copy ends: at the durable mark, or behind the last commit in the index, which may
    lie further: a writer that could not write its note after the sync has acknowledged it."""
    _, place = checkpoint(database.db, database.files)
    tail = open_tail(database.files, repair=False, lock=database.lock).tail
    if place is None or place.position <= tail.position:
        return tail
    return replace(place, database_id=tail.database_id)


# ---------------------------------------------------------------- the manifest


def _manifest(tail: Tail) -> str:
    return f"{_TITLE}\nversion {_VERSION}\ntx {tail.last_tx}\ndigest {tail.last_digest.hex()}\n"


def _read_manifest(files: Files) -> Expectation:
    text = files.read(MANIFEST, 0, 1000).decode(errors="replace")
    found = _MANIFEST.fullmatch(text)
    if found is None:
        raise _damaged(f"its file {MANIFEST} is not one of ours")
    if int(found[1]) != _VERSION:
        raise OperationalError(
            f"the backup has version {found[1]}; this program reads {_VERSION}",
            code="backup.version",
            hint="install a newer epql",
        )
    return Expectation(int(found[2]), bytes.fromhex(found[3]))


# ---------------------------------------------------------------- copying


def _copy_journal(
    files: Files,
    tail: Tail,
    to: OsFiles,
    progress: Progress | None,
    check: Callable[[], None] = lambda: None,
) -> int:
    """The segments up to `tail`, and FORMAT; bytes copied."""
    to.mkdir(FOLDER)
    segments = [s for s in list_segments(files) if s <= tail.segment]
    sizes = [files.stat(segment_name(s)).size for s in segments[:-1]] + [tail.offset]
    done, total = 0, sum(sizes)
    for segment, size in zip(segments, sizes, strict=True):
        for chunk in _copy(files, segment_name(segment), size, to):
            done += chunk
            if progress is not None:
                progress(done, total)
            check()
        if segment != segments[-1] or tail.sealed:
            to.seal(segment_name(segment))
    to.sync_folder(FOLDER)
    write_atomically(to, FORMAT, [files.read(FORMAT, 0, 1000)])
    return done


def _copy(files: Files, name: str, size: int, to: OsFiles) -> Iterator[int]:
    """Copy the first bytes of a file and sync them; the size of each piece."""
    handle = to.create(name)
    try:
        for start in range(0, size, _CHUNK):
            data = files.read(name, start, min(_CHUNK, size - start))
            handle.write(data)
            yield len(data)
        handle.sync()
    finally:
        handle.close()


def _copy_audit(database: Database, folder: Path) -> None:
    if not isinstance(database.files, OsFiles):
        return  # the reads of a database in memory are in no folder
    database.audit.flush()
    source = database.files.root / AUDIT
    if source.is_dir():
        _copy_tree(source, folder / AUDIT)


def _copy_tree(source: Path, to: Path) -> None:
    """The chains of the audit; its index is a cache, and what grows meanwhile is cut at a frame."""
    try:
        ignored = shutil.ignore_patterns("audit.db*", "*.tmp")
        shutil.copytree(source, to, ignore=ignored, copy_function=_copy_plain)
        for file in to.rglob("*"):
            if file.is_file():
                sync_path(file)
    except shutil.Error as error:  # an OSError, too, with those of all the files in it
        raise OperationalError(f"cannot copy {source}: {error}", code="files.copy") from error
    except OSError as error:
        raise translate(error, "copy", str(source)) from error


def _copy_plain(source: str, to: str) -> None:
    """Copy a plain file that is no longer than one of ours can be. Raises: OSError."""
    fd = open_to_read(source)
    try:
        if os.fstat(fd).st_size > READ_MAX:
            raise OSError(errno.EFBIG, "no file of the audit is as long", source)
        with open(fd, "rb", closefd=False) as file, open(to, "wb") as made:
            shutil.copyfileobj(file, made)
        shutil.copystat(source, to)
    finally:
        os.close(fd)


def _write(files: OsFiles, name: str, text: str) -> None:
    write_atomically(files, name, [text.encode()])


def _head(tail: Tail) -> Head:
    return Head(tail.last_tx, tail.last_digest, tail.database_id)


def _check_copy(files: Files, expected: Expectation | None, what: str) -> None:
    """Every frame, header and trailer. Raises: InternalError `backup.damaged`."""
    fault = _fault(files, [] if expected is None or not expected.tx else [expected])
    if fault is not None:
        raise _damaged(f"{what}: {fault}")


def _check_source(files: Files) -> None:
    """Raises: InternalError `journal.damaged` if it is the database that is damaged."""
    fault = _fault(files, [])
    if fault is not None:
        raise InternalError(
            f"the database is damaged, and no backup of it was made: {fault}",
            code="journal.damaged",
            hint="keep the last good backup; epql verify tells all of it",
        )


def _fault(files: Files, expect: Sequence[Expectation]) -> str | None:
    """The first thing wrong with a journal, and where; None: it is sound."""
    for finding in verify(files, expect=expect).findings:
        if not finding.is_harmless:
            place = f"{segment_name(finding.segment)}, byte {finding.offset}: "
            return ("" if "byte " in finding.sentence else place) + finding.sentence
    return None


def _damaged(sentence: str) -> InternalError:
    return InternalError(
        f"the backup is damaged: {sentence}",
        code="backup.damaged",
        hint="nothing was made of it; use another backup",
    )


# ---------------------------------------------------------------- the folder


@contextmanager
def appearing(to: Path) -> Iterator[Path]:
    """A folder to fill that appears under its name complete and durable, or not at all.

    What a process that was killed left of an earlier try is removed first.
    """
    check_new(to)
    given, to = to, Path(os.path.realpath(to.parent), to.name)
    remove_leftovers(to)
    folder = unfinished(to)
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise OperationalError(
                f"the folder {to.parent} does not exist", code="database.parent_missing"
            ) from error
        raise translate(error, "make the folder", str(given)) from error
    try:
        with _held(folder):
            yield folder
            OsFiles(folder).sync_folder("")
            try:
                os.rename(folder, to)  # onto an empty folder too; onto a full one it fails
            except OSError as error:
                if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                    raise _exists(given) from error
                raise translate(error, "rename", str(folder)) from error
            OsFiles(to.parent).sync_folder("")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    try:
        held = hold(folder)
    except OSError as error:
        raise translate(error, "open", str(folder)) from error
    try:
        yield
    finally:
        os.close(held)


def check_new(to: Path) -> None:
    """Raise unless a path names nothing yet, or an empty folder.

    Raises: OperationalError `backup.exists`, `files.*`; ProgrammingError `database.path`.
    """
    check_path(str(to))
    try:
        is_taken = to.is_symlink() or (to.exists() and not (to.is_dir() and not any(to.iterdir())))
    except OSError as error:
        raise translate(error, "look at", str(to)) from error
    if is_taken:
        raise _exists(to)


def _exists(to: Path) -> OperationalError:
    return OperationalError(
        f"{to} is there already",
        code="backup.exists",
        hint="nothing is overwritten; give the path of a new or empty folder",
    )
