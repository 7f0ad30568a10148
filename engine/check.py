"""Whether a database is what its journal says: records, index, and the two against each other.

What it is: the engine's part of `epql verify`, beside journal/verify.py, which looks at frames:
every record is decoded and encoded again, so that its content address is that of its content;
the index passes SQLite's own check; and a fresh fold of the journal, made in a private folder,
gives the same rows in every table.
What it is not: a repair. It changes nothing in the database's folder, takes no lock, and reads
one snapshot of the index, so that a writer may go on meanwhile.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import msgspec

from epql.engine.audit.inspect import AuditReport, inspect
from epql.engine.database import Database
from epql.engine.errors import Error, InternalError, OperationalError
from epql.engine.files import Files, OsFiles, open_to_read, translate
from epql.engine.folder import INDEX, check_folder, check_format
from epql.engine.head import Head
from epql.engine.index.fold import Fold
from epql.engine.index.schema import IMMUTABLE, READONLY_SHM, OutdatedIndex, open_index
from epql.engine.ingest import applied, catch_up
from epql.engine.journal.reader import read_frames, records_of
from epql.engine.journal.verify import Expectation, Report, verify
from epql.engine.lock import WriterLock
from epql.engine.records import decode, encode

Progress = Callable[[int, int], None]
"""Told (commits folded, commits in all)."""


_CHUNK = 4 * 2**20


class Fault(NamedTuple):
    """One thing that is not as it should be.

    Codes: record.form, record.unknown, index.missing, index.outdated, index.behind,
    index.unreadable, index.corrupt, index.differs. `is_harmless`: the next opening
    puts it in order by itself.
    """

    code: str
    sentence: str
    is_harmless: bool = False


@dataclass(frozen=True)
class Verdict:
    """What was found. `tables`: rows of each table of the index that were compared."""

    journal: Report
    audit: AuditReport
    faults: tuple[Fault, ...]
    tables: dict[str, int]
    index_tx: int | None

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong that needs a person."""
        audit = self.audit.is_sound
        return self.journal.is_sound and audit and all(fault.is_harmless for fault in self.faults)


def check(path: Path, progress: Progress | None = None, *, heads: Sequence[Head] = ()) -> Verdict:
    """Look at everything in the database's folder; `heads` were kept elsewhere.

    Raises: OperationalError if it cannot be looked at (missing, unreadable, another format).
    """
    check_folder(path, must_exist=True)
    files = OsFiles(path)
    check_format(files)
    for _attempt in range(_ATTEMPTS):
        before = _stamp(path / INDEX)
        verdict = _check(path, files, progress, heads)
        wrong = [one for one in verdict.faults if one.code.startswith("index")]
        if not wrong or _stamp(path / INDEX) == before:
            break  # else somebody opened or wrote it meanwhile
    return verdict


_ATTEMPTS = 3


def _check(path: Path, files: Files, progress: Progress | None, heads: Sequence[Head]) -> Verdict:
    with opened_index(path / INDEX) as (db, fault):
        tx, digest = (0, None) if db is None else applied(db)[:2]
        expected = [Expectation(tx, digest, source="the index")] if tx else []
        journal = verify(files, expect=[*expected, *(head.expected() for head in heads)])
        faults = [*([fault] if fault else []), *check_records(files)]
        tables: dict[str, int] = {}
        if db is not None:
            with _translated():
                faults += check_sqlite(db)
                if journal.is_sound:
                    faults += check_age(files, path / INDEX, tx, journal.last_tx)
                    faults += _check_fold(db, files, tx, tables, progress)
        audit = inspect(path)
        return Verdict(journal, audit, tuple(faults), tables, None if db is None else tx)


def check_open(
    database: Database, progress: Progress | None = None, *, heads: Sequence[Head] = ()
) -> Verdict:
    """Look at an open database: its folder, or the journal and the index it has in memory.

    Shape: a database in memory has no transaction open, whose rows the journal has not.
    """
    files = database.files
    if isinstance(files, OsFiles):
        return check(files.root, progress, heads=heads)
    journal = verify(files, expect=[head.expected() for head in heads])
    faults = list(check_records(files))
    tables: dict[str, int] = {}
    tx = applied(database.db).tx
    if journal.is_sound:
        faults += _check_fold(database.db, files, tx, tables, progress)
    return Verdict(journal, AuditReport((), 0, 0, 0), tuple(faults), tables, tx)


# ---------------------------------------------------------------- records


def check_records(files: Files) -> Iterator[Fault]:
    """Every record is one this program knows, in the one byte form that its content has."""
    try:
        for frame in read_frames(files):
            for kind, _, payload, offset in records_of(frame):
                fault = check_record(kind, bytes(payload), f"tx {frame.tx}, byte {offset}")
                if fault is not None:
                    yield fault
    except InternalError:
        return  # damage of frames is journal/verify.py's to tell


def check_record(kind: str, payload: bytes, place: str) -> Fault | None:
    """What is wrong with one record's bytes; None if nothing is.

    >>> check_record("E", encode(decode("E", bytes([147, 1, 161, 97, 161, 98]))), "tx 1") is None
    True
    """
    try:
        record = decode(kind, payload)
    except KeyError:
        sentence = f"{place}: a record of kind {kind!r}, which this program does not know"
        return Fault("record.unknown", sentence, is_harmless=True)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        return Fault("record.form", f"{place}: a record of kind {kind} is not readable ({error})")
    if encode(record) != payload:
        sentence = f"{place}: a record of kind {kind} has not the byte form of its content"
        return Fault("record.form", sentence + ", so its address is wrong")
    return None


# ---------------------------------------------------------------- index


@contextmanager
def opened_index(path: Path) -> Iterator[tuple[apsw.Connection | None, Fault | None]]:
    """One snapshot of the index, opened so that nothing is written beside it."""
    if not path.exists() or not path.stat().st_size:
        sentence = "there is no index; it is made at the next opening"
        yield None, Fault("index.missing", sentence, is_harmless=True)
        return
    with ExitStack() as until:
        try:
            db = _open(path, until)
            until.callback(db.close)
            db.execute("BEGIN")
            _check_checkpoint(*applied(db)[:2])  # the snapshot begins with the first read
        except OutdatedIndex:
            sentence = "an older program made the index; it is made anew at the next opening"
            yield None, Fault("index.outdated", sentence, is_harmless=True)
        except (Error, apsw.Error) as error:
            yield None, _unreadable(error)
        else:
            yield db, None


def _open(path: Path, until: ExitStack) -> apsw.Connection:
    """The index, opened so that SQLite writes nothing, not even what lies beside it.

    With a -shm there is a snapshot to read in place, whoever writes meanwhile. Without one nobody
    has the index open; if somebody comes, `check` looks again. Then a -wal that is there was
    brought from elsewhere without its -shm: SQLite can only read it where it may write.
    """
    shared, log = (path.with_name(path.name + suffix) for suffix in ("-shm", "-wal"))
    if shared.exists():
        return open_index(str(path), leaving=READONLY_SHM)
    if not log.exists() or not log.stat().st_size:
        return open_index(str(path), leaving=IMMUTABLE)
    folder = Path(until.enter_context(tempfile.TemporaryDirectory(prefix="epql-")))
    for file in (path, log):
        _copy(file, folder / file.name)
    return open_index(str(folder / path.name), read_only=True)


def _check_checkpoint(tx: object, digest: object) -> None:
    if not isinstance(tx, int) or tx < 0 or not isinstance(digest, bytes | None):
        raise InternalError("its checkpoint is not one of ours", code="index.corrupt")


def _stamp(path: Path) -> tuple[object, ...]:
    """What changes when somebody opens or writes the index."""
    found: list[object] = []
    for suffix in ("", "-shm", "-wal"):
        try:
            stat = path.with_name(path.name + suffix).stat()
        except FileNotFoundError:
            found.append(None)
        else:
            found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
    return tuple(found)


def _copy(file: Path, to: Path) -> None:
    """Copy a file with its holes: one that only claims to be huge must not fill the disk.

    Raises: OperationalError.
    """
    try:
        source = open_to_read(file)
        try:
            with to.open("wb") as made:
                size = os.fstat(source).st_size
                for start, end in _pieces(source, size):
                    made.seek(start)
                    made.write(os.pread(source, end - start, start))
                made.truncate(size)
        finally:
            os.close(source)
    except OSError as error:
        raise translate(error, "copy", file.name) from error


def _pieces(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """Where there are bytes in a file, a few MiB at a time."""
    end = 0
    while end < size:
        try:
            start = os.lseek(fd, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole
                return
            raise
        end = min(start + _CHUNK, os.lseek(fd, start, os.SEEK_HOLE))
        yield start, end


def _unreadable(error: Exception) -> Fault:
    busy = (apsw.BusyError, apsw.ReadOnlyError)  # the latter: its log is being recovered just now
    if isinstance(error, busy) or isinstance(error.__cause__, busy):
        raise OperationalError("the index is busy", code="index.busy", retryable=True) from error
    text = error.message if isinstance(error, Error) else str(error)
    return Fault("index.unreadable", text)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except apsw.BusyError as error:
        raise OperationalError("the index is busy", code="index.busy", retryable=True) from error
    except apsw.Error as error:  # such as no room for the fresh fold
        raise OperationalError(
            f"the index cannot be compared: {error}", code="index.failed"
        ) from error


def check_sqlite(db: apsw.Connection) -> Iterator[Fault]:
    """SQLite's own look at its file: pages, keys, and indexes against tables."""
    try:
        for (said,) in db.execute("PRAGMA integrity_check(3)"):
            if said != "ok":
                first = str(said).partition("\n")[0]
                yield Fault("index.corrupt", f"SQLite finds its file damaged: {first}")
    except apsw.CorruptError as error:
        yield Fault("index.corrupt", f"SQLite finds its file damaged: {error}")


def check_age(files: Files, path: Path, tx: int, last_tx: int) -> Iterator[Fault]:
    """Whether the index lacks commits that nobody is about to bring into it.

    The journal was read after the index: what a writer did meanwhile shows only in the journal.
    So the lock and then the index are looked at again. Whoever wrote what was read of the
    journal and has let go of the lock since has applied it, unless he died.
    """
    if tx >= last_tx or WriterLock.of(files).probe():
        return
    with opened_index(path) as (db, fault):
        now = tx if db is None or fault is not None else applied(db).tx
    if now < last_tx:
        behind = f"the index is at tx {now}, the journal at tx {last_tx}"
        yield Fault("index.behind", behind + "; the next opening catches it up", True)


def _check_fold(
    db: apsw.Connection,
    files: Files,
    tx: int,
    tables: dict[str, int],
    progress: Progress | None,
) -> Iterator[Fault]:
    """The index against a fresh fold of the journal up to the same commit."""
    with tempfile.TemporaryDirectory(prefix="epql-") as folder:
        fresh = open_index(str(Path(folder) / INDEX))
        try:
            if tx:
                tell = None if progress is None else (lambda done: progress(done, tx))
                catch_up(Fold(fresh), files, upto=tx, progress=tell)
            yield from compare(db, fresh, tables)
        except apsw.CorruptError as error:
            yield Fault("index.corrupt", f"SQLite finds its file damaged: {error}")
        finally:
            fresh.close()


_TABLES = (
    "SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite%' ORDER BY name"
)


def compare(db: apsw.Connection, fresh: apsw.Connection, tables: dict[str, int]) -> Iterator[Fault]:
    """Every table, row by row in one order; `tables` gets the rows of those that agree."""
    ours, theirs = _schema(db), _schema(fresh)
    if ours != theirs:
        names = sorted({name for name, _ in ours ^ theirs})
        yield Fault("index.differs", f"its schema is not the one it should have: {names[0]}")
        return
    for name in [str(row[0]) for row in fresh.execute(_TABLES)]:
        try:
            number, fault = _compare_table(name, _rows(db, name), _rows(fresh, name))
        except (apsw.CorruptError, UnicodeDecodeError):
            number, fault = 0, Fault("index.corrupt", f"the table {name} cannot be read")
        if fault is None:
            tables[name] = number
        else:
            yield fault


def _compare_table(
    name: str, ours: Iterator[Any], theirs: Iterator[Any]
) -> tuple[int, Fault | None]:
    number = 0
    for mine, right in zip_longest(ours, theirs):
        if mine != right:
            kind = {mine is None: "is missing", right is None: "is one too many"}.get(
                True, "differs"
            )
            sentence = f"the table {name} is not what the journal says: row {number + 1} {kind}"
            return number, Fault("index.differs", sentence)
        number += 1
    return number, None


def _schema(db: apsw.Connection) -> set[tuple[str, str]]:
    sql = "SELECT name, ifnull(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'"
    return {(str(name), str(text)) for name, text in db.execute(sql)}


def _rows(db: apsw.Connection, table: str) -> Iterator[Any]:
    """A table's rows in the order of all its columns."""
    count = len(db.execute("SELECT 1 FROM pragma_table_info(?)", (table,)).fetchall())
    order = ", ".join(str(place) for place in range(1, count + 1))
    return iter(db.execute(f'SELECT * FROM "{table}" ORDER BY {order}'))
