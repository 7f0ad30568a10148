"""Finding a database: its options, its folder and lock, what lies beside its index.

What an open one does stands in database.py.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from epql.engine.audit.chains import Chains, DiskChains, MemoryChains
from epql.engine.clock import Clock
from epql.engine.errors import OperationalError, ProgrammingError
from epql.engine.files import Files, MemoryFiles, OsFiles, translate
from epql.engine.folder import (
    BESIDE,
    check_folder,
    check_format,
    create_contents,
    is_writable,
    make_folder,
)
from epql.engine.forked import let_go
from epql.engine.lock import WriterLock
from epql.engine.volumes import check_local

MEMORY = ":memory:"
DURABILITIES = ("full", "group", "os")


class Options(NamedTuple):
    """How a database is opened."""

    clock: Clock
    read_only: bool = False
    durability: str = "full"
    timeout_s: float = 5.0
    audit: str = "lazy"
    gardener: bool = True


def open_folder(path: str, options: Options) -> tuple[Files, WriterLock]:
    """The files and the lock of the database at a path; a new one is made.

    Raises: ProgrammingError `database.path`; OperationalError `database.*`, `files.*`;
    InterfaceError `connection.forked`.
    """
    if path == MEMORY:
        files: Files = MemoryFiles()
        lock = WriterLock.of(files)
        create_contents(files)
        return files, lock
    check_path(path)
    folder = Path(path)
    _check_unicode(folder)
    if not options.read_only:
        check_local(folder)
    try:
        exists = check_folder(folder, must_exist=options.read_only)
    except OSError as error:  # a name too long, a folder above that may not be entered
        raise translate(error, "open", path) from error
    if not exists:
        make_folder(folder)
    let_go(folder)
    files = OsFiles(folder.absolute())  # the process may change its working folder
    lock = WriterLock.of(files)
    if not exists:
        lock.acquire(options.timeout_s)
        try:
            create_contents(files)
        finally:
            lock.release()
    check_format(files)
    if not options.read_only and not is_writable(files):
        raise OperationalError(
            f"{path} cannot be written by this user",
            code="files.permission",
            hint="open it with read_only=True",
        )
    return files, lock


def chains_of(files: Files) -> Chains:
    """Where the audit of a database lies."""
    return DiskChains(files.root) if isinstance(files, OsFiles) else MemoryChains()


def check_path(path: str) -> None:
    """Raises ProgrammingError `database.path` for what cannot be a path at all."""
    wrong = None
    if not path:
        wrong = "the path is empty"
    elif "\x00" in path:
        wrong = "the path holds a NUL character"
    else:
        try:
            os.fsencode(path)
        except UnicodeEncodeError:
            wrong = "the path holds half a character (a lone surrogate)"
    if wrong is not None:
        raise ProgrammingError(
            wrong, code="database.path", hint="give the path of a folder, or ':memory:'"
        )


def _check_unicode(folder: Path) -> None:
    """SQLite opens files by names in UTF-8 only; those of Linux are any bytes."""
    try:
        str(folder.absolute()).encode()
    except UnicodeEncodeError:
        raise ProgrammingError(
            "the path is not UTF-8", code="database.path", hint="rename the folder, or its parents"
        ) from None


def milliseconds(timeout_s: float) -> int:
    """A timeout as SQLite takes it: milliseconds in 32 bits."""
    return int(min(timeout_s, 2_000_000.0) * 1000)


def busy() -> OperationalError:
    """The error for an index that another connection holds."""
    return OperationalError("the index is busy", code="index.busy", retryable=True)


def remove_index(index: Path) -> None:
    """Remove an index file and what SQLite keeps beside it. Raises: OperationalError `files.*`."""
    for suffix in ("", *BESIDE):
        name = index.name + suffix
        try:
            index.with_name(name).unlink(missing_ok=True)
        except OSError as error:
            raise translate(error, "remove", name) from error
