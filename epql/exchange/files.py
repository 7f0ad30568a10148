"""Opening files to read, and writing files that appear whole or not at all.

A path that ends in '.gz' goes through gzip, '-' is standard input or output. Not here: what is
in the files.
"""

from __future__ import annotations

import fcntl
import gzip
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple, cast

from epql.engine.errors import DataError, OperationalError
from epql.engine.files import FILE_MODE, sync_path, translate
from epql.engine.leftovers import remove_leftovers, unfinished

Progress = Callable[[int, int], None]
"""Told (done, in all); the second is 0 where it is not known."""

STDIO = "-"
GZIP = ".gz"


class Source(NamedTuple):
    """A file to read. `position`: bytes of it that are read, `size`: bytes in all; 0 not known."""

    file: IO[bytes]
    path: str
    position: Callable[[], int]
    size: int

    def lines(self) -> Iterator[bytes]:
        """Its lines; what is wrong with the file as a whole ends them with an error of ours."""
        try:
            yield from self.file
        except (OSError, EOFError, zlib.error) as error:
            raise unreadable(self.path, str(error)) from error


@contextmanager
def opened(path: str) -> Iterator[Source]:
    """A file's bytes. Raises: OperationalError `files.missing`."""
    if path == STDIO:
        yield Source(sys.stdin.buffer, "standard input", lambda: 0, 0)
        return
    try:
        raw = open(path, "rb")  # noqa: SIM115  closed below
    except (OSError, ValueError) as error:  # ValueError: NUL, half a character
        raise _unopened(path, error) from error
    with raw:
        size = os.fstat(raw.fileno()).st_size
        file: IO[bytes] = raw
        if path.endswith(GZIP):
            file = cast(IO[bytes], gzip.open(raw))  # noqa: SIM115  closed with raw
        yield Source(file, path, raw.tell, size)


def _unopened(path: str, error: Exception) -> OperationalError:
    shown = path if path.isprintable() else ascii(path)
    if not isinstance(error, OSError):
        return unreadable(shown, "it cannot be a path")
    found = unreadable(shown, error.strerror or str(error))
    if isinstance(error, (PermissionError, IsADirectoryError)):
        found.code = translate(error, "read", shown).code
    return found


def unreadable(path: str, why: str) -> OperationalError:
    """The error for a file that cannot be read."""
    return OperationalError(f"{path} cannot be read: {why}", code="files.missing")


def ending_of(path: str) -> str:
    """The ending of a path in small letters, without '.gz'.

    >>> ending_of("dump.CSV.gz"), ending_of("notes")
    ('.csv', '')
    """
    name = os.path.basename(path).lower()
    return os.path.splitext(name.removesuffix(GZIP))[1]


@contextmanager
def written(path: str, *, overwrite: bool) -> Iterator[IO[bytes]]:
    """A file to write; it gets its name when the block ends well, synced.

    What is no plain file (a pipe, a terminal, '-') is written as it comes.
    Raises: OperationalError `export.exists`, `files.*`, `journal.disk_full`.
    """
    if path == STDIO:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with _translated(path):
        to = _checked(path, overwrite)
        if to.exists() and not to.is_file():
            with open(to, "wb") as file:
                yield file
            return
        with _replacing(to, overwrite=overwrite) as file:
            if not path.endswith(GZIP):
                yield file
                return
            with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:  # the same bytes each time
                yield cast(IO[bytes], packed)


def _checked(path: str, overwrite: bool) -> Path:
    """Where to write. Raises: OperationalError `export.exists`, `files.not_a_file`, …"""
    try:
        to = Path(os.path.realpath(path))
        if to.is_dir():
            raise OperationalError(f"{path} is a folder", code="files.not_a_file")
        if to.is_file() and not overwrite:
            raise exists(path)
    except ValueError as error:  # a NUL character, half a character
        shown = path if path.isprintable() else ascii(path)
        raise OperationalError(
            f"{shown} cannot be written: it cannot be a path", code="files.missing"
        ) from error
    return to


def exists(path: str) -> OperationalError:
    """The error for a file that would be overwritten."""
    return OperationalError(
        f"{path} is there already",
        code="export.exists",
        hint="say OVERWRITE (on the command line --force) to replace it",
    )


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


@contextmanager
def _replacing(to: Path, *, overwrite: bool) -> Iterator[IO[bytes]]:
    remove_leftovers(to)
    temporary = unfinished(to)
    temporary.unlink(missing_ok=True)  # a link that somebody put there
    mode = to.stat().st_mode & 0o777 if to.exists() else FILE_MODE
    try:
        with open(os.open(temporary, _NEW, mode), "wb") as file:
            os.fchmod(file.fileno(), mode)
            with suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_EX)  # until it is closed: somebody fills it
            yield file
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            os.replace(temporary, to)
        else:
            _link(temporary, to)
        _sync_folder(to.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _link(temporary: Path, to: Path) -> None:
    """Give a file its name, unless something has got that name meanwhile."""
    try:
        os.link(temporary, to)
    except FileExistsError:
        raise exists(str(to)) from None
    except OSError:  # a file system without links
        if to.exists():
            raise exists(str(to)) from None
        os.replace(temporary, to)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # some file systems cannot
        sync_path(folder)


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise  # nobody reads any more: the command line knows what to do
    except OSError as error:
        raise translate(error, "write", path) from error


def decoded(line: bytes) -> str:
    """A line as text. Raises: DataError `import.encoding`."""
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise DataError(
            f"byte {error.start + 1} of the line is not UTF-8",
            code="import.encoding",
            hint="convert the file first: iconv -f latin1 -t utf-8 in > out",
        ) from error


BOM = b"\xef\xbb\xbf"
"""What some programs put before a text in UTF-8."""


def check_encoding(start: bytes) -> None:
    """Refuse what is plainly UTF-16 or UTF-32. Raises: DataError `import.encoding`."""
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(
            "the file is in UTF-16, not UTF-8",
            code="import.encoding",
            hint="convert it first: iconv -f utf-16 -t utf-8 in > out",
        )
