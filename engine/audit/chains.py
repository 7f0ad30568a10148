"""Where the chains of the audit are: one folder each, shaped like a database's.

    kb.epql/audit/20260112T210000-1f3c9e2a/LOCK
                                          /journal/00000000000000000001.log
                 /audit.db

A chain is a journal of one segment with a LOCK of its own, so that the journal's format, writer,
recovery and verification serve as they are, and a held flock says that its writer lives.
What it is not: it opens no chain; that is stream.py's.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Protocol

from epql.engine.errors import OperationalError
from epql.engine.files import Files, MemoryFiles, OsFiles
from epql.engine.journal.segments import segment_name

FOLDER = "audit"
SEGMENT = segment_name(1)
"""The one segment of a chain."""

_NAME = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}")


class Chains(Protocol):
    """The chains of one database."""

    def names(self) -> list[str]:
        """The chains there are, the oldest first; some may have no segment (yet)."""

    def files(self, name: str) -> Files:
        """The folder of a chain."""

    def make(self, name: str) -> Files:
        """Make the folder of a new chain. Raises: OperationalError."""

    def remove(self, name: str) -> None:
        """Remove a chain and all that is in it. Under its lock. Raises: OperationalError."""


def is_begun(files: Files) -> bool:
    """Whether a chain has its segment: one without was left by an interrupted birth."""
    return files.exists(SEGMENT)


class DiskChains:
    """`Chains` in a database's folder. Nothing is made before the first chain is."""

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER
        self._files = OsFiles(root)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DiskChains) and other.folder == self.folder

    def __hash__(self) -> int:
        return hash(self.folder)

    def names(self) -> list[str]:
        try:
            found = self._files.list(FOLDER)
        except OperationalError as error:
            if error.code != "files.missing":
                raise
            return []
        return [name for name in found if _NAME.fullmatch(name)]

    def files(self, name: str) -> Files:
        return OsFiles(self.folder / name)

    def make(self, name: str) -> Files:
        if not self.folder.parent.is_dir():  # or its audit would be made anew without it
            raise OperationalError(f"{self.folder.parent} is gone", code="files.missing")
        is_first = not self._files.exists(FOLDER)
        self._files.mkdir(FOLDER)  # first: a folder made on the way to another has no mode of ours
        self._files.mkdir(f"{FOLDER}/{name}")
        if is_first:
            self._files.sync_folder("")
        self._files.sync_folder(FOLDER)
        return self.files(name)

    def remove(self, name: str) -> None:
        try:
            # the segment first: a chain without one counts as not begun
            (self.folder / name / SEGMENT).unlink(missing_ok=True)
            shutil.rmtree(self.folder / name)
        except OSError as error:
            raise OperationalError(
                f"the audit's chain {name} cannot be removed: {error.strerror}",
                code="audit.remove",
            ) from error


class MemoryChains:
    """`Chains` of a database in memory."""

    def __init__(self) -> None:
        self._files: dict[str, MemoryFiles] = {}

    def names(self) -> list[str]:
        return sorted(self._files)

    def files(self, name: str) -> Files:
        return self._files[name]

    def make(self, name: str) -> Files:
        return self._files.setdefault(name, MemoryFiles())

    def remove(self, name: str) -> None:
        del self._files[name]
