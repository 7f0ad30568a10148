"""Up to which instant answers were given: no commit may come at or before it any more.

What it is: one instant in the file ASKED. A read as of an instant behind the last commit raises
it, and a commit is stamped later. While the clock goes forward it changes nothing; it holds what
was answered when the clock is set back. In memory: a number in `MemoryFiles`.
What it is not: never synced (a power cut may take it back), and not written by a reader who may
not write in the folder, nor made by one that is read-only.
decisions/0034-asked-instants-are-kept.md, 0048-backups-keep-what-was-asked.md.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable

from epql.engine.clock import LAST
from epql.engine.digest import digest
from epql.engine.errors import OperationalError
from epql.engine.files import (
    FILE_MODE,
    Files,
    MemoryFiles,
    OsFiles,
    translate,
    write_atomically,
)

NAME = "ASKED"
_CHECK_DIGITS = 15
_SIZE = 20 + 1 + _CHECK_DIGITS + 1
_TRIES = 4
_PAUSE_S = 0.001


def encode(us: int) -> bytes:
    """The line of the file.

    >>> encode(42)
    b'00000000000000000042 c8ccb2337fc5711\\n'
    """
    head = f"{us:020d} ".encode()
    return head + digest(head).hex()[:_CHECK_DIGITS].encode() + b"\n"


def decode(line: bytes) -> int | None:
    """The instant; None for what is no such line."""
    number = int(line[:20]) if line[:20].isdigit() else LAST + 1
    return number if number <= LAST and encode(number) == line else None


def asked_in(files: Files) -> int:
    """The instant of a database or a backup that may be read; 0 if there is none."""
    if isinstance(files, MemoryFiles):
        return files.asked_us
    return _whole(lambda: files.read(NAME, 0, _SIZE)) if files.exists(NAME) else 0


def copy_asked(files: Files, to: OsFiles) -> None:
    """Keep what was asked in a copy, durably."""
    us = asked_in(files)
    if us:
        write_atomically(to, NAME, [encode(us)])


def _whole(read: Callable[[], bytes]) -> int:
    for _attempt in range(_TRIES):  # another may be in the middle of writing it
        found = decode(read())
        if found is not None:
            return found
    return 0


class Asked:
    """The instant; see the module. `path` None: a database in memory. Units: µs UTC."""

    def __init__(self, path: str | None, memory: MemoryFiles | None, may_create: bool) -> None:
        self._path = path
        self._memory = memory
        self._may_create = may_create
        self._fd = -1
        self._known = 0

    @classmethod
    def of(cls, files: Files, *, may_create: bool) -> Asked:
        """That of a database."""
        if isinstance(files, OsFiles):
            return cls(str(files.root / NAME), None, may_create)
        assert isinstance(files, MemoryFiles)
        return cls(None, files, may_create)

    def last(self) -> int:
        """The largest instant that was asked about; 0 if none was.

        Raises: OperationalError `journal.io` if the file cannot be read.
        """
        if self._memory is not None:
            return self._memory.asked_us
        try:
            if self._fd < 0 and not self._open(create=False):
                return 0
            return self._read()
        except OSError as error:
            raise translate(error, "read", NAME) from error

    def raise_to(self, us: int, timeout_s: float) -> None:
        """Note that an answer as of `us` is about to be given.

        Raises: OperationalError `read.in_flight` if another reader stands in the middle of this;
        those of files.
        """
        if us <= self._known:
            return
        if self._memory is not None:
            self._memory.asked_us = max(self._memory.asked_us, us)
            return
        try:
            if self._fd < 0 and not self._open(create=self._may_create):
                return
            self._lock(timeout_s)
            try:
                self._known = self._read()
                if self._known < us:
                    os.pwrite(self._fd, encode(us), 0)
                    self._known = us
            finally:
                fcntl.flock(self._fd, fcntl.LOCK_UN)
        except OSError as error:
            raise translate(error, "write", NAME) from error

    def close(self) -> None:
        """Let go of the file."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _open(self, create: bool) -> bool:
        """Whether it is open now. Who may not write there makes no promise."""
        assert self._path is not None
        if not create and not os.access(self._path, os.F_OK, follow_symlinks=False):
            return False  # the usual case, without the price of an exception
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
        try:
            self._fd = os.open(self._path, flags, FILE_MODE)
        except (FileNotFoundError, PermissionError):
            return False
        except OSError as error:
            if error.errno != errno.EROFS:
                raise
            return False
        return True

    def _lock(self, timeout_s: float) -> None:
        """Against other readers only, for as long as two calls take; no writer waits for it."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise OperationalError(
                        "another reader is about to say up to when it has asked",
                        code="read.in_flight",
                        retryable=True,
                    ) from None
                time.sleep(_PAUSE_S)

    def _read(self) -> int:
        return _whole(lambda: os.pread(self._fd, _SIZE, 0))

    def __del__(self) -> None:
        self.close()
