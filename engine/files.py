"""All file calls of the engine, behind one small interface.

What it is: names relative to a root ("journal/00000000000000000001.log"), plain calls, errors
translated once. Because every call goes through here, a test can hand in files that fail at
the n-th call, and `:memory:` is the same engine over `MemoryFiles`.
What it is not: it knows no format and keeps no cache, and it never retries a failed sync:
after one, the page cache lies (docs/formats/journal.md, "After a failure").
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import msgspec

from epql.engine.errors import OperationalError

TEMPORARY = ".tmp"
"""How the name of an unfinished file ends; readers ignore such files."""

FOLDER_MODE = 0o700
FILE_MODE = 0o600
SEALED_MODE = 0o400


class Stat(msgspec.Struct, frozen=True):
    """A file's size in bytes, and what tells it from another file under the same name."""

    size: int
    identity: tuple[int, int]


class Handle(Protocol):
    """One open file that only grows."""

    def write(self, data: bytes) -> None:
        """Write all of `data` at the end. Raises OperationalError; part of it may be there."""

    def sync(self) -> None:
        """Make what was written durable. Raises OperationalError; never to be called again."""

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes."""

    def stat(self) -> Stat:
        """Size and identity of the open file, whatever its name is now."""

    def close(self) -> None:
        """Let go of the file; more calls do nothing."""


class Files(Protocol):
    """A folder and what is in it. Every method raises OperationalError with a stable code."""

    def list(self, folder: str) -> list[str]:
        """The sorted names (without the folder) of what lies in it."""

    def exists(self, name: str) -> bool:
        """Whether a file or folder has this name."""

    def stat(self, name: str) -> Stat:
        """Size and identity. Raises code files.missing."""

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Bytes from `start`, at most `length`; fewer where the file ends."""

    def open(self, name: str) -> Handle:
        """Open an existing file to append at its end."""

    def create(self, name: str) -> Handle:
        """Open a new, empty file; one with this name is emptied (it is a leftover)."""

    def rename(self, old: str, new: str) -> None:
        """Give a file another name; a file that had that name is replaced at once."""

    def remove(self, name: str) -> None:
        """Delete a file."""

    def mkdir(self, folder: str) -> None:
        """Make a folder, unless it is there."""

    def sync_folder(self, folder: str) -> None:
        """Make the names in a folder durable ("" is the root)."""

    def seal(self, name: str) -> None:
        """Take the right to write away from a file."""


def write_atomically(files: Files, name: str, chunks: Iterable[bytes]) -> None:
    """Make a file appear complete and durable, or not at all.

    Shape: a temporary name, write, sync, rename, sync of the folder.
    Raises: OperationalError; the temporary file may stay behind and is ignored.
    """
    temporary = name + TEMPORARY
    handle = files.create(temporary)
    try:
        for chunk in chunks:
            handle.write(chunk)
        handle.sync()
    finally:
        handle.close()
    files.rename(temporary, name)
    files.sync_folder(folder_of(name))


def sync_path(path: str | os.PathLike[str], flags: int = 0) -> None:
    """Sync a file or a folder that is there. Raises: OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def open_to_read(path: str | os.PathLike[str]) -> int:
    """A descriptor of a plain file. What is none (a pipe, a device) is refused: opening it might
    never return, and reading it never end. Raises: OSError.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EISDIR, "it is no plain file")
    return fd


READ_MAX = 256 * 2**20
"""Bytes of a file that are read at once, at most; no part of a database is as long."""


def _check_length(name: str, length: int) -> None:
    """A file that claims to be huge must not make us take so much memory."""
    if length > READ_MAX:
        raise OperationalError(
            f"cannot read {name}: it has {length} bytes, and no file of a database is as long",
            code="files.too_large",
            hint="restore it from a copy of the database",
        )


def folder_of(name: str) -> str:
    """The folder part of a name.

    >>> folder_of("journal/1.log"), folder_of("FORMAT")
    ('journal', '')
    """
    return name.rpartition("/")[0]


_REASONS: dict[int, tuple[str, str, bool]] = {
    errno.ENOSPC: ("journal.disk_full", "the disk is full", False),
    errno.EDQUOT: ("journal.disk_full", "the disk quota is used up", False),
    errno.EFBIG: ("journal.disk_full", "the file may not grow further", False),
    errno.EACCES: ("files.permission", "permission denied", False),
    errno.EPERM: ("files.permission", "not permitted", False),
    errno.EROFS: ("files.read_only", "the file system is read-only", False),
    errno.ENOENT: ("files.missing", "no such file or folder", False),
    errno.ENOTDIR: ("files.missing", "a part of the path is not a folder", False),
    errno.EISDIR: ("files.not_a_file", "it is no plain file", False),
    errno.ELOOP: ("files.link", "it is a symbolic link", False),
    errno.EMFILE: ("files.too_many_open", "this process has too many open files", True),
    errno.ENFILE: ("files.too_many_open", "the system has too many open files", True),
}
_OTHER = "journal.io"


def translate(error: OSError, doing: str, name: str) -> OperationalError:
    """The error a person reads for one of the operating system.

    >>> translate(OSError(errno.ENOSPC, ""), "write", "journal/1.log").message
    'cannot write journal/1.log: the disk is full'
    """
    code, reason, retryable = _REASONS.get(
        error.errno or 0, (_OTHER, error.strerror or str(error), False)
    )
    return OperationalError(f"cannot {doing} {name}: {reason}", code=code, retryable=retryable)


if sys.platform == "darwin":  # fsync stops at the drive's cache there
    import fcntl

    def _sync(fd: int) -> None:
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
else:

    def _sync(fd: int) -> None:
        os.fdatasync(fd)


class OsHandle:
    """A `Handle` on a file of the operating system."""

    __slots__ = ("_fd", "_name")

    def __init__(self, fd: int, name: str) -> None:
        self._fd = fd
        self._name = name

    def write(self, data: bytes) -> None:
        try:
            written = os.write(self._fd, data)
            if written != len(data):
                self._write_rest(memoryview(data)[written:])
        except OSError as error:
            raise translate(error, "write", self._name) from error

    def _write_rest(self, rest: memoryview) -> None:
        while rest:
            rest = rest[os.write(self._fd, rest) :]

    def sync(self) -> None:
        try:
            _sync(self._fd)
        except OSError as error:
            raise translate(error, "sync", self._name) from error

    def truncate(self, size: int) -> None:
        try:
            os.ftruncate(self._fd, size)
        except OSError as error:
            raise translate(error, "truncate", self._name) from error

    def stat(self) -> Stat:
        try:
            return _stat_of(os.fstat(self._fd))
        except OSError as error:
            raise translate(error, "look at", self._name) from error

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            try:
                os.close(fd)
            except OSError as error:
                raise translate(error, "close", self._name) from error

    def __del__(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _stat_of(stat: os.stat_result) -> Stat:
    return Stat(stat.st_size, (stat.st_dev, stat.st_ino))


class OsFiles:
    """`Files` in a folder of the operating system. Nothing in it is readable by others."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._prefix = str(root) + os.sep

    def list(self, folder: str) -> list[str]:
        try:
            return sorted(os.listdir(self._prefix + folder))
        except OSError as error:
            raise translate(error, "list", folder or str(self.root)) from error

    def exists(self, name: str) -> bool:
        try:
            os.stat(self._prefix + name)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise translate(error, "look at", name) from error
        return True

    def stat(self, name: str) -> Stat:
        try:
            return _stat_of(os.stat(self._prefix + name))
        except OSError as error:
            raise translate(error, "look at", name) from error

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        try:
            fd = open_to_read(self._prefix + name)
            try:
                if length is None:
                    length = max(0, os.fstat(fd).st_size - start)
                _check_length(name, length)
                return _read_range(fd, start, length)
            finally:
                os.close(fd)
        except OSError as error:
            raise translate(error, "read", name) from error

    def open(self, name: str) -> Handle:
        return self._opened(name, os.O_WRONLY | os.O_APPEND)

    def create(self, name: str) -> Handle:
        return self._opened(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC)

    def _opened(self, name: str, flags: int) -> Handle:
        try:
            flags |= os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            fd = os.open(self._prefix + name, flags, FILE_MODE)
        except OSError as error:
            raise translate(error, "open", name) from error
        return OsHandle(fd, name)

    def rename(self, old: str, new: str) -> None:
        try:
            os.replace(self._prefix + old, self._prefix + new)
        except OSError as error:
            raise translate(error, "rename", old) from error

    def remove(self, name: str) -> None:
        try:
            os.unlink(self._prefix + name)
        except OSError as error:
            raise translate(error, "remove", name) from error

    def mkdir(self, folder: str) -> None:
        try:
            os.makedirs(self._prefix + folder, mode=FOLDER_MODE, exist_ok=True)
        except OSError as error:
            raise translate(error, "make the folder", folder or str(self.root)) from error

    def sync_folder(self, folder: str) -> None:
        try:
            sync_path(self._prefix + folder, os.O_DIRECTORY)
        except OSError as error:
            raise translate(error, "sync the folder", folder or str(self.root)) from error

    def seal(self, name: str) -> None:
        try:
            fd = os.open(self._prefix + name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                os.fchmod(fd, SEALED_MODE)
            finally:
                os.close(fd)
        except OSError as error:
            raise translate(error, "seal", name) from error


def _read_range(fd: int, start: int, length: int) -> bytes:
    """`length` bytes from `start`, or fewer at the end of the file; one call most times."""
    data = os.pread(fd, length, start)
    if len(data) == length or not data:
        return data
    parts = [data]
    left = length - len(data)
    while left:
        data = os.pread(fd, left, start + length - left)
        if not data:
            break
        parts.append(data)
        left -= len(data)
    return b"".join(parts)


class _Content:
    """One file's bytes in memory; a name points to it, and open handles keep it."""

    __slots__ = ("data", "number")

    def __init__(self, number: int) -> None:
        self.data = bytearray()
        self.number = number

    def stat(self) -> Stat:
        return Stat(len(self.data), (0, self.number))


class MemoryHandle:
    """A `Handle` on bytes in memory."""

    __slots__ = ("_content", "_mutex")

    def __init__(self, content: _Content, mutex: threading.RLock) -> None:
        self._content = content
        self._mutex = mutex

    def write(self, data: bytes) -> None:
        with self._mutex:
            self._content.data += data

    def sync(self) -> None:
        pass

    def truncate(self, size: int) -> None:
        with self._mutex:
            del self._content.data[size:]

    def stat(self) -> Stat:
        with self._mutex:
            return self._content.stat()

    def close(self) -> None:
        pass


class MemoryFiles:
    """`Files` in memory: one object is one `:memory:` database, to be shared by its users.

    `writer_mutex` and `writer_note` are what LOCK is on disk (engine/lock.py), `asked_us` what
    ASKED is (engine/asked.py).
    """

    def __init__(self) -> None:
        self._mutex = threading.RLock()
        self._contents: dict[str, _Content] = {}
        self._folders: set[str] = {""}
        self._created = 0
        self.writer_mutex = threading.Lock()
        self.writer_note = b""
        self.asked_us = 0

    def list(self, folder: str) -> list[str]:
        with self._mutex:
            self._check_folder(folder, "list")
            names = [*self._contents, *(self._folders - {""})]
            return sorted(n.rpartition("/")[2] for n in names if folder_of(n) == folder)

    def exists(self, name: str) -> bool:
        with self._mutex:
            return name in self._contents or name in self._folders

    def stat(self, name: str) -> Stat:
        with self._mutex:
            return self._content(name, "look at").stat()

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        with self._mutex:
            data = self._content(name, "read").data
            end = len(data) if length is None else start + length
            with memoryview(data) as view:
                return bytes(view[start:end])

    def open(self, name: str) -> Handle:
        with self._mutex:
            return MemoryHandle(self._content(name, "open"), self._mutex)

    def create(self, name: str) -> Handle:
        with self._mutex:
            self._check_folder(folder_of(name), "open")
            self._created += 1
            content = self._contents[name] = _Content(self._created)
            return MemoryHandle(content, self._mutex)

    def rename(self, old: str, new: str) -> None:
        with self._mutex:
            content = self._content(old, "rename")
            self._check_folder(folder_of(new), "rename")
            del self._contents[old]
            self._contents[new] = content

    def remove(self, name: str) -> None:
        with self._mutex:
            self._content(name, "remove")
            del self._contents[name]

    def mkdir(self, folder: str) -> None:
        with self._mutex:
            while folder:
                self._folders.add(folder)
                folder = folder_of(folder)

    def sync_folder(self, folder: str) -> None:
        with self._mutex:
            self._check_folder(folder, "sync the folder")

    def seal(self, name: str) -> None:
        with self._mutex:
            self._content(name, "seal")

    def _content(self, name: str, doing: str) -> _Content:
        content = self._contents.get(name)
        if content is None:
            raise translate(OSError(errno.ENOENT, ""), doing, name)
        return content

    def _check_folder(self, folder: str, doing: str) -> None:
        if folder not in self._folders:
            raise translate(OSError(errno.ENOENT, ""), doing, folder)
