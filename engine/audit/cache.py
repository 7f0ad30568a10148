"""audit.db as a file: opened, made anew, removed; in memory where there is no place for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw

from epql.engine.audit.chains import Chains, DiskChains
from epql.engine.audit.schema import NAME, SCHEMA, SCHEMA_VERSION
from epql.engine.errors import InternalError, OperationalError
from epql.engine.files import OsFiles
from epql.engine.index.schema import open_index
from epql.engine.lock import WriterLock


def open_cache(chains: Chains, busy_ms: int, tell: Callable[[str], None]) -> apsw.Connection:
    """audit.db of these chains. One that is missing, damaged or of another version is made anew;
    where the folder cannot be written it is a private one in memory, and a notice says so.

    Raises: OperationalError `audit.busy`.
    """
    if isinstance(chains, DiskChains):
        try:
            return _open_file(chains.folder, busy_ms)
        except OperationalError as error:
            if error.code == "audit.busy":
                raise
            tell(f"audit.db cannot be used, so a private one was made: {error.message}")
    return _opened(":memory:", busy_ms)


def remove_cache(folder: Path) -> None:
    """Remove audit.db and what SQLite keeps beside it; it is made anew when it is asked.

    Raises: OperationalError `audit.remove`.
    """
    for suffix in ("", "-wal", "-shm"):
        try:
            (folder / (NAME + suffix)).unlink(missing_ok=True)
        except OSError as error:
            raise OperationalError(
                f"{NAME}{suffix} cannot be removed: {error.strerror}", code="audit.remove"
            ) from error


def busy() -> OperationalError:
    """The error for an audit.db that others are filling for long."""
    return OperationalError("audit.db is busy", code="audit.busy", retryable=True)


def _open_file(folder: Path, busy_ms: int) -> apsw.Connection:
    path = folder / NAME
    OsFiles(folder.parent).mkdir(folder.name)
    if path.exists():
        try:
            return _opened(str(path), busy_ms)
        except (OperationalError, InternalError) as error:
            if isinstance(error.__cause__, apsw.BusyError):
                raise busy() from error
            is_damaged = isinstance(error.__cause__, (apsw.CorruptError, apsw.NotADBError))
            if not is_damaged and error.code not in ("index.version", "index.corrupt"):
                raise
            remove_cache(folder)
    lock = WriterLock.of(OsFiles(folder))
    lock.acquire(busy_ms / 1000)
    try:
        if not path.exists():
            remove_cache(folder)  # a -wal left by a deleted one would be taken for its own
        return _opened(str(path), busy_ms)
    finally:
        lock.close()


def _opened(path: str, busy_ms: int) -> apsw.Connection:
    return open_index(path, busy_ms=busy_ms, schema=SCHEMA, schema_version=SCHEMA_VERSION)
