"""What a SIGKILL would leave, without a process: a copy of the database's folder, taken in the
middle of a step. The page cache survives a kill, so the copy has all that was written.

    with photographed(folder, copy, "half written", 3) as camera:
        …                        # at the third such moment `copy` is made, and Killed is raised
    camera.has_fired

Whoever gets `Killed` may do what he likes with the old folder; the copy is what is looked at.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from epql.engine.files import OsFiles, OsHandle
from epql.engine.folder import INDEX
from epql.engine.index.fold import Fold
from epql.engine.lock import WriterLock

MOMENTS = (
    "to write", "half written", "written", "synced", "renamed", "applied", "noted",
)  # fmt: skip
"""A file is about to be written, is half written, is written and not synced, is synced; a file
got its final name; the index's rows of a commit are there and not committed; the note in LOCK is
written."""


class Killed(BaseException):
    """The process is dead from here on."""


class Camera:
    """Takes one picture, at the so-many-th moment of a kind in the thread that made it."""

    def __init__(self, folder: Path, copy: Path, moment: str, number: int) -> None:
        self.has_fired = False
        self._folder, self._copy = folder, copy
        self._moment, self._left = moment, number
        self._thread = threading.get_ident()

    def pass_by(self, moment: str) -> None:
        """To be called at each moment."""
        if moment != self._moment or threading.get_ident() != self._thread or self._left <= 0:
            return
        self._left -= 1
        if not self._left:
            copy_as_it_is(self._folder, self._copy)
            self.has_fired = True
            raise Killed


def copy_as_it_is(folder: Path, copy: Path) -> None:
    """A copy of the folder of a database that is open. The index first: another thread may be
    applying what is in the journal, never the other way round."""
    copy.mkdir()
    for suffix in ("", "-wal"):  # -shm belongs to processes that are dead
        file = folder / (INDEX + suffix)
        if file.exists():
            shutil.copyfile(file, copy / file.name)
    for file in folder.iterdir():
        if file.is_dir():
            shutil.copytree(file, copy / file.name)
        elif not file.name.startswith(INDEX):
            shutil.copy(file, copy / file.name)


@contextmanager
def photographed(folder: Path, copy: Path, moment: str, number: int = 1) -> Iterator[Camera]:
    """See the module."""
    camera = Camera(folder, copy, moment, number)
    write, sync, rename = OsHandle.write, OsHandle.sync, OsFiles.rename
    finish, note = Fold.finish, WriterLock.note

    def written(handle: OsHandle, data: bytes) -> None:
        camera.pass_by("to write")
        write(handle, data[: len(data) // 2])
        camera.pass_by("half written")
        write(handle, data[len(data) // 2 :])
        camera.pass_by("written")

    def then(step: Any, moment: str) -> Any:
        def stepped(*args: Any, **named: Any) -> Any:
            result = step(*args, **named)
            camera.pass_by(moment)
            return result

        return stepped

    OsHandle.write = written  # type: ignore[method-assign]
    OsHandle.sync = then(sync, "synced")  # type: ignore[method-assign]
    OsFiles.rename = then(rename, "renamed")  # type: ignore[method-assign]
    Fold.finish = then(finish, "applied")  # type: ignore[method-assign]
    WriterLock.note = then(note, "noted")  # type: ignore[method-assign]
    try:
        yield camera
    except Killed:
        pass
    finally:
        OsHandle.write, OsHandle.sync, OsFiles.rename = write, sync, rename  # type: ignore[method-assign]
        Fold.finish, WriterLock.note = finish, note  # type: ignore[method-assign]


def dump(folder: Path) -> dict[str, str]:
    """Each table of the index with the digest of its rows in one order, and the schema's.

    Made with nothing of ours, so that it does not share a mistake with epql verify.
    """
    db = apsw.Connection(str(folder / INDEX))
    try:
        schema = "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY name"
        found = {"": _digest(map(repr, db.execute(schema)))}
        tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        for (name,) in db.execute(tables).fetchall():
            found[str(name)] = _digest(sorted(map(repr, db.execute(f'SELECT * FROM "{name}"'))))
        return found
    finally:
        db.close()


def _digest(rows: Any) -> str:
    digest = hashlib.blake2b(digest_size=16)
    number = 0
    for row in rows:
        number += 1
        digest.update(row.encode() + b"\n")
    return f"{number} rows, {digest.hexdigest()}"
