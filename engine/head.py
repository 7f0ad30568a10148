"""The head of a database: its last commit's number and digest, to be kept elsewhere.

What it is: the one thing that shows a rewritten history. Whoever can write the files can make
another consistent chain; he cannot change a line that somebody else keeps. Each digest covers the
one before it, so the last one stands for every commit up to it. The line is

    <tx>:<digest, 64 hex digits>:<database id, 32 hex digits>

What it is not: no signature, and no proof that the commits were true.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from epql.engine.errors import Error, ProgrammingError
from epql.engine.files import Files, OsFiles, translate
from epql.engine.folder import check_folder, check_format
from epql.engine.journal.recovery import open_tail
from epql.engine.journal.segments import list_segments, read_header
from epql.engine.journal.verify import Expectation
from epql.engine.lock import WriterLock

SOURCE = "the head"
_LINE = re.compile(r"(\d{1,19}):([0-9a-fA-F]{64})(?::([0-9a-fA-F]{32}))?")
_MANIFEST = re.compile(r"EPQL backup\nversion 1\ntx (\d{1,19})\ndigest ([0-9a-f]{64})\n")
_BACKUP = "BACKUP"
_FILE_SIZE_MAX = 2**20


class Head(NamedTuple):
    """A commit, and what stands for everything up to it. `tx` 0: there is none yet."""

    tx: int
    digest: bytes
    database: bytes | None = None

    def __str__(self) -> str:
        """The line to keep.

        >>> str(Head(7, bytes(32), bytes(16))) == "7:" + "0" * 64 + ":" + "0" * 32
        True
        """
        line = f"{self.tx}:{self.digest.hex()}"
        return line if self.database is None else f"{line}:{self.database.hex()}"

    def expected(self) -> Expectation:
        """What the journal's walk is to look for."""
        return Expectation(self.tx, self.digest, self.database, SOURCE)


def head_of(path: Path) -> Head:
    """The head of the database at a path; it reads the last segment, and changes nothing.

    Raises: OperationalError `database.*`, InternalError `journal.damaged`.
    """
    check_folder(path, must_exist=True)
    files = OsFiles(path)
    check_format(files)
    tail = open_tail(files, repair=False, lock=WriterLock.of(files)).tail
    return Head(tail.last_tx, tail.last_digest, tail.database_id)


def read_heads(given: str) -> list[Head]:
    """The heads that a text names: a line as above, a file of such lines, or a backup.

    Raises: ProgrammingError `verify.head` if there is none; OperationalError `files.*`.
    """
    found = _LINE.fullmatch(given.strip())
    if found is not None:
        return [_head(found)]
    path = Path(given)
    if _can_be_read(path / _BACKUP):
        path = path / _BACKUP
    elif not _can_be_read(path):
        raise _no_head(f"{given!r} is no head, and no file that holds one")
    return _heads_in(path)


def _heads_in(path: Path) -> list[Head]:
    try:
        with path.open("rb") as file:
            text = file.read(_FILE_SIZE_MAX).decode(errors="replace")
    except OSError as error:
        raise translate(error, "read", str(path)) from error
    manifest = _MANIFEST.fullmatch(text)
    if manifest is not None:
        return [Head(int(manifest[1]), bytes.fromhex(manifest[2]), _id_beside(path))]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = [(line, _LINE.fullmatch(line)) for line in lines]
    for number, (_, match) in enumerate(found, 1):
        if match is None:
            raise _no_head(f"line {number} of {path} is no head")
    if not found:
        raise _no_head(f"{path} is empty")
    return [_head(match) for _, match in found if match is not None]


def _head(found: re.Match[str]) -> Head:
    database = bytes.fromhex(found[3]) if found[3] else None
    return Head(int(found[1]), bytes.fromhex(found[2]), database)


def _id_beside(manifest: Path) -> bytes | None:
    """The database's id, which a backup has in its journal; None for the file BACKUP alone."""
    files: Files = OsFiles(manifest.parent)
    try:
        return read_header(files, list_segments(files)[0]).database_id
    except Error:
        return None


def _can_be_read(path: Path) -> bool:
    """Whether there is a file, or a pipe."""
    try:
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):  # a NUL character, a name of 10 kB
        return False


def _no_head(what: str) -> ProgrammingError:
    return ProgrammingError(
        what,
        code="verify.head",
        hint="epql head PATH prints one: TX:DIGEST:DATABASE; the folder of a backup serves, too",
    )
