"""Backups and exports of whole databases: made of one that is open, and brought back.

    back_up        BACKUP TO
    restore_into   RESTORE FROM, into the database that is open: it must be empty
    restore_new    `epql restore`, epql.restore: into a new folder

A backup and an export serve alike. Not here: how they are written (engine/backup.py, dump.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from epql.engine import backup as engine
from epql.engine.asked import asked_in
from epql.engine.backup import Copied
from epql.engine.check import Verdict, check_open
from epql.engine.database import Database
from epql.engine.errors import InterfaceError, ProgrammingError
from epql.engine.files import OsFiles
from epql.engine.head import head_of, read_heads
from epql.engine.opening import MEMORY, Options
from epql.engine.replay import Commit, commits_of, replay
from epql.exchange import dump
from epql.exchange.files import STDIO, Progress, Source, opened

if TYPE_CHECKING:
    from epql.runner import Runner


def back_up(
    database: Database, path: str, *, audit: bool = False, progress: Progress | None = None
) -> Copied:
    """A backup of an open database; its reads, too, with `audit`."""
    return engine.backup(database, Path(path), audit=audit, progress=progress)


def restore_into(runner: Runner, path: str, *, progress: Progress | None = None) -> tuple[int, int]:
    """Bring a backup or an export into the open database; its last tx (before, now).

    The file is read whole before anything is written, so that what is damaged changes nothing.
    Raises: OperationalError `restore.not_empty`, `backup.missing`; InternalError
    `backup.damaged`; DataError `export.*`.
    """
    runner.check_may_commit("RESTORE")
    if path == STDIO:
        raise InterfaceError(
            "RESTORE reads its file twice, which a pipe does not allow",
            code="restore.pipe",
            hint="epql restore - NEW makes a new database of what comes through a pipe",
        )
    runner.queries.buffer()
    database = runner.database
    before = database.last()[0]
    with _commits(path, None) as commits:
        for _ in commits:
            pass
    if os.path.isdir(path):
        database.asked.raise_to(asked_in(OsFiles(Path(path))), database.options.timeout_s)
    with _commits(path, progress) as commits:
        return before, replay(database, commits)


def restore_new(
    path: str, to: str, options: Options, *, progress: Progress | None = None
) -> Copied:
    """Make a new database of a backup or an export. Nothing is at `to` after a failure."""
    if to == MEMORY:
        raise ProgrammingError(
            "a database in memory ends with its process",
            code="database.path",
            hint="RESTORE FROM 'backup' fills a connection to :memory:",
        )
    if path != STDIO and Path(path).is_dir():
        return engine.restore(Path(path), Path(to), options, progress=progress)
    with engine.appearing(Path(to)) as folder, _commits(path, progress) as commits:
        database = Database(str(folder), options._replace(audit="off"))
        try:
            last = replay(database, commits)
        finally:
            database.close()
        size = sum(file.stat().st_size for file in (folder / "journal").iterdir())
        head = head_of(folder)
    return Copied(last, size, str(head))


@contextmanager
def _commits(path: str, progress: Progress | None) -> Iterator[Iterable[Commit]]:
    """The commits of a backup (a folder) or an export (a file)."""
    if path != STDIO and os.path.isdir(path):
        tail = engine.check_backup(Path(path))
        yield commits_of(OsFiles(Path(path)), tail)
        return
    with opened(path) as source:
        yield dump.commits(source.lines() if progress is None else _told(source, progress))


_TELL_EVERY = 1000


def _told(source: Source, progress: Progress) -> Iterator[bytes]:
    for number, line in enumerate(source.lines()):
        if number % _TELL_EVERY == 0:
            progress(source.position(), source.size)
        yield line


def verify(database: Database, *, head: str | None = None) -> Verdict:
    """Look at an open database, beside whoever writes to it; `head` was kept elsewhere.

    Raises: ProgrammingError `verify.head` if it is none;
    InterfaceError `transaction.open` where the open transaction would be taken for damage.
    """
    if database.transaction is not None:
        raise InterfaceError(
            "a transaction that writes is open, which the journal does not have yet",
            code="transaction.open",
            hint="COMMIT or ROLLBACK it first",
        )
    return check_open(database, heads=[] if head is None else read_heads(head))
