"""Planted bugs of files and the lock: what the operating system is asked for, or not."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from epql.engine import files, folder, lock
from epql.engine.files import Files, OsFiles, OsHandle
from epql.engine.journal import segments
from epql.engine.lock import WriterLock
from tests.crash.mutants.planting import Planting, mutant

POWER = "unit_engine/test_journal_power.py"
FAULTS = "unit_engine/test_journal_faults.py"
LOCK = "unit_engine/test_lock.py"
TRACE = "crash/test_mutants.py::test_a_power_cut_at_any_call"


@mutant("J7", "no sync reaches the disk", TRACE)
def no_fsync(plant: Planting) -> None:
    plant.put(files, "_sync", lambda fd: None)


@mutant("J2", "folders are not synced: names are not durable", TRACE)
def no_folder_fsync(plant: Planting) -> None:
    plant.put(OsFiles, "sync_folder", lambda self, folder: None)


@mutant("J8", "a short write is taken for a whole one", "unit_engine/test_files.py")
def short_write_ignored(plant: Planting) -> None:
    plant.put(OsHandle, "write", lambda self, data: os.write(self._fd, data) and None)


@mutant("J2", "a file gets its name before its bytes are durable", POWER)
def renamed_before_sync(plant: Planting) -> None:
    def write_atomically(files: Files, name: str, chunks: Iterable[bytes]) -> None:
        handle = files.create(name + ".tmp")
        for chunk in chunks:
            handle.write(chunk)
        files.rename(name + ".tmp", name)
        files.sync_folder("journal" if "/" in name else "")
        handle.sync()
        handle.close()

    plant.put_everywhere(files.write_atomically, write_atomically)


@mutant("J2", "a segment is born under its final name", POWER, FAULTS)
def born_under_its_name(plant: Planting) -> None:
    def write_at_once(files: Files, name: str, chunks: Iterable[bytes]) -> None:
        handle = files.create(name)
        for chunk in chunks:
            handle.write(chunk)
        handle.sync()
        handle.close()
        files.sync_folder("journal")

    plant.put(segments, "write_atomically", write_at_once)


@mutant("J2", "FORMAT is there before the journal is", "unit_engine/test_database.py")
def format_first(plant: Planting) -> None:
    def create_contents(files: Files) -> None:
        if not files.exists(folder.FORMAT):
            text = f"{folder._TITLE}\nversion 1\n"
            folder.write_atomically(files, folder.FORMAT, [text.encode()])
            folder.create(files, os.urandom(16))

    plant.put_everywhere(folder.create_contents, create_contents)


@mutant("J9", "a sealed segment can be written to", "unit_engine/test_journal.py")
def sealed_is_writable(plant: Planting) -> None:
    plant.put(OsFiles, "seal", lambda self, name: None)


@mutant("S14", "files can be read by others", "unit_engine/test_files.py")
def files_for_all(plant: Planting) -> None:
    plant.put(files, "FILE_MODE", 0o644)


# ---------------------------------------------------------------- the lock


@mutant("J1", "nobody takes the lock", LOCK)
def lock_not_taken(plant: Planting) -> None:
    def try_file(self: WriterLock) -> bool:
        assert self._path is not None
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return True

    plant.put(WriterLock, "_try_file", try_file)


@mutant("J1", "the lock is a POSIX record lock", LOCK)
def posix_lock(plant: Planting) -> None:
    names = {name: getattr(fcntl, name) for name in dir(fcntl) if name.startswith("LOCK_")}
    plant.put(lock, "fcntl", SimpleNamespace(flock=fcntl.lockf, **names))


@mutant("J1", "the lock file goes with its holder", LOCK)
def lock_file_removed(plant: Planting) -> None:
    release = WriterLock.release

    def release_and_remove(self: WriterLock) -> None:
        if self._held and self._path is not None:
            self._path.unlink()
        release(self)

    plant.put(WriterLock, "release", release_and_remove)


@mutant("J11", "a forked child shares its parent's lock", LOCK)
def fork_allowed(plant: Planting) -> None:
    plant.put(WriterLock, "_check_process", lambda self: None)


@mutant("J1", "the note that the next holder finds always says clean", LOCK)
def note_always_clean(plant: Planting) -> None:
    note = WriterLock.note

    def clean(self: WriterLock, state: str, *place: Any) -> None:
        note(self, "clean", *place)

    plant.put(WriterLock, "note", clean)
