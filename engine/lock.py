"""The writer's lock: one writer at a time, across processes and inside one.

What it is: an exclusive flock on the file LOCK, which is never deleted or renamed, and a note of
128 bytes in that file: what the holder was doing, so that whoever comes next knows whether the
journal was left in order. In memory: a mutex and a note in the shared `MemoryFiles`.
Who waits holds a shared flock on the folder, by which a holder who would take the lock again at
once can see that it `is_wanted`.
What it is not: never a POSIX record lock, which falls off when any descriptor of the file is
closed in the process. Readers take no lock.
The note is written without a sync: it matters while the page cache may lie, and a reboot makes
the page cache honest again. Format: docs/formats/journal.md, "The note in LOCK".
"""

from __future__ import annotations

import fcntl
import os
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from weakref import WeakSet

import msgspec

from epql.engine.clock import LAST
from epql.engine.digest import digest
from epql.engine.errors import InterfaceError, OperationalError
from epql.engine.files import FILE_MODE, Files, MemoryFiles, OsFiles, open_to_read, translate

LOCK_NAME = "LOCK"
NOTE_SIZE = 128
STATES = ("clean", "writing", "failed")

_POLL_FIRST_S = 0.001
_POLL_MAX_S = 0.020
_CHECK_DIGITS = 15


class Note(msgspec.Struct, frozen=True):
    """What the file LOCK says.

    `segment` and `offset`: up to where the journal is synced; `instant_us`: while 'writing', the
    instant stamped on the first commit in flight; `since_us`: when `pid` took the lock.
    """

    state: str
    segment: int
    offset: int
    pid: int
    boot_id: str
    since_us: int
    instant_us: int

    @property
    def is_clean(self) -> bool:
        """Whether the journal was left in order."""
        return self.state == "clean"

    @property
    def hides(self) -> bool:
        """Whether what lies behind its mark may not be durable: not clean, and of this boot
        (a reboot empties the page cache, and what is there then is on the disk)."""
        return not self.is_clean and self.boot_id == _boot_id()


def encode_note(note: Note) -> bytes:
    """The note as its line of 128 bytes.

    >>> line = encode_note(Note("clean", 1, 120, 42, "0123456789abcdef", 0, 0))
    >>> len(line), line[:29]
    (128, b'clean   00000000000000000001 ')
    """
    line = (
        f"{note.state:<7} {note.segment:020d} {note.offset:012d} {note.pid:010d}"
        f" {note.boot_id} {note.since_us:020d} {note.instant_us:020d} "
    ).encode()
    return line + digest(line).hex()[:_CHECK_DIGITS].encode() + b"\n"


def decode_note(line: bytes) -> Note | None:
    """Read a note; None when there is none, or when it is half written."""
    head, tail = line[: -_CHECK_DIGITS - 1], line[-_CHECK_DIGITS - 1 :]
    if len(line) != NOTE_SIZE or digest(head).hex()[:_CHECK_DIGITS].encode() + b"\n" != tail:
        return None
    found = _NOTE.fullmatch(head)
    if found is None:  # the check is no secret: somebody else wrote it
        return None
    state, segment, offset, pid, boot_id, since, instant = (
        part.decode() for part in found.groups()
    )
    return Note(state, int(segment), int(offset), int(pid), boot_id, int(since), int(instant))


_NOTE = re.compile(
    rb"(clean|writing|failed) *(\d{20}) (\d{12}) (\d{10}) (\w{16}) (\d{20}) (-?\d{19,20}) ",
    re.ASCII,
)


class WriterLock:
    """The right to write; see the module.

    `path` is the file LOCK; None is an in-memory database, whose users share `memory`.
    `wait` lets seconds pass, and may raise to end the wait.
    """

    wait: Callable[[float], None] = staticmethod(time.sleep)

    def __init__(self, path: Path | None, memory: MemoryFiles | None = None) -> None:
        # text, since a Path of which the system makes text itself hides that memory ran out
        self._path = None if path is None else os.fspath(path)
        self._memory = memory if memory is not None or path is not None else MemoryFiles()
        self._pid = os.getpid()
        self._mutex = threading.Lock()
        self._fd = -1
        self._waiting_fd = -1
        """Of the folder, while this object waits."""
        self._held = False
        self._boot_id = _boot_id()
        self._since_us = 0
        self._known: Note | None = None
        """What LOCK says while it is held: nobody else writes it then."""
        self._written: tuple[bytes, Note | None] = b"", None
        """The last line that was written here, and its note."""
        _ALL.add(self)

    @classmethod
    def of(cls, files: Files) -> WriterLock:
        """The lock that belongs to a database's files."""
        if isinstance(files, MemoryFiles):
            return cls(None, files)
        if isinstance(files, OsFiles):
            return cls(files.root / LOCK_NAME)
        raise InterfaceError("these files have no lock of their own", code="lock.files")

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._held

    def acquire(self, timeout_s: float) -> Note | None:
        """Take the lock, and return the note its last holder left (None if unreadable).

        Units: timeout_s in seconds; 0 tries at once.
        Raises: OperationalError lock.timeout (retryable), naming the holder;
            InterfaceError lock.held if this object holds it, lock.forked after a fork.
        """
        self._check_process()
        with self._mutex:
            if self._held:
                raise InterfaceError("this lock is held already", code="lock.held")
            deadline = time.monotonic() + timeout_s
            pause = _POLL_FIRST_S
            try:
                while not self._try():
                    left = deadline - time.monotonic()
                    if left <= 0 and pause > _POLL_FIRST_S:
                        raise self._timeout(timeout_s)
                    self._want()
                    # A probe of another process holds the lock for a moment: try twice at least.
                    self.wait(min(pause, max(left, _POLL_FIRST_S)))
                    pause = min(pause * 2, _POLL_MAX_S)
            finally:
                self._want_no_more()
            self._held = True
            try:
                return self._sign()
            except BaseException:
                self._held = False
                if self._memory is not None:
                    self._memory.writer_mutex.release()
                else:
                    self._close_fd()
                raise

    def release(self) -> None:
        """Give the lock back; nothing if it is not held. The note stays as it is."""
        self._check_process()
        with self._mutex:
            if not self._held:
                return
            self._held, self._known = False, None
            if self._memory is not None:
                self._memory.writer_mutex.release()
            else:
                fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Release, and close the file. The object can be used again."""
        self.release()
        self._close_fd()

    def note(self, state: str, segment: int, offset: int, instant_us: int = 0) -> None:
        """Write what the holder is doing: one pwrite, no sync.

        Raises: InterfaceError lock.not_held, lock.forked; OperationalError if the write fails.
        """
        self._check_process()
        if not self._held:
            raise InterfaceError("only the holder writes the note", code="lock.not_held")
        note = Note(state, segment, offset, self._pid, self._boot_id, self._since_us, instant_us)
        self._known = None  # until it is written
        self._write(note)
        self._known = note

    def read_note(self) -> Note | None:
        """What LOCK says now, also without holding it; None if there is no readable note."""
        if self._known is not None:
            return self._known
        for _attempt in range(4):  # a reader can meet the 128 bytes half overwritten
            found = self._read()
            line, note = self._written
            if found != line:
                note = decode_note(found)
            if note is not None:
                return note
        return None

    def probe(self) -> bool:
        """Whether somebody (also this object) holds the lock at this moment."""
        if self._memory is not None:
            return self._memory.writer_mutex.locked()
        assert self._path is not None
        try:
            fd = open_to_read(self._path)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise translate(error, "open", LOCK_NAME) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def make_way(self) -> None:
        """Before one takes the lock again: let somebody have it who waits, if anybody does."""
        for _ in range(round(_POLL_MAX_S / _POLL_FIRST_S) + 1):
            if not self.is_wanted() or self.probe():
                return
            time.sleep(_POLL_FIRST_S)

    def is_wanted(self) -> bool:
        """Whether anybody waits for the lock."""
        if self._path is None:
            return False
        try:
            fd = self._open_folder()
        except OSError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return isinstance(error, BlockingIOError)
        finally:
            os.close(fd)
        return False

    def _want(self) -> None:
        """Show that one waits. Where that is not possible others are not as polite."""
        if self._path is None or self._waiting_fd >= 0:
            return
        try:
            self._waiting_fd = self._open_folder()
            fcntl.flock(self._waiting_fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:  # also while somebody looks: at the next try, then
            self._want_no_more()

    def _want_no_more(self) -> None:
        fd, self._waiting_fd = self._waiting_fd, -1
        if fd >= 0:
            os.close(fd)

    def _open_folder(self) -> int:
        assert self._path is not None
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        return os.open(os.path.dirname(self._path), flags)

    def _try(self) -> bool:
        if self._memory is not None:
            return self._memory.writer_mutex.acquire(blocking=False)
        try:
            return self._try_file()
        except OSError as error:
            raise translate(error, "lock", LOCK_NAME) from error

    def _try_file(self) -> bool:
        assert self._path is not None
        if self._fd < 0:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self._fd = os.open(self._path, flags, FILE_MODE)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if _is_same_file(self._fd, self._path):
            return True
        # Somebody put another file there (a restored copy): that one is the lock now.
        self._close_fd()
        return False

    def _sign(self) -> Note | None:
        """Put this process's name on the note and keep what the last holder said of the journal."""
        self._since_us = time.time_ns() // 1000
        found = self.read_note()
        left = found or Note("writing", 0, 0, 0, self._boot_id, 0, 0)
        self.note(left.state, left.segment, left.offset, left.instant_us)
        return found

    def _write(self, note: Note) -> None:
        line = encode_note(note)
        self._written = line, note
        if self._memory is not None:
            self._memory.writer_note = line
            return
        try:
            if os.pwrite(self._fd, line, 0) != NOTE_SIZE:
                raise OperationalError(f"cannot write {LOCK_NAME}: too short", code="journal.io")
        except OSError as error:
            raise translate(error, "write", LOCK_NAME) from error

    def _read(self) -> bytes:
        if self._memory is not None:
            return self._memory.writer_note
        assert self._path is not None
        try:
            if self._held:
                return os.pread(self._fd, NOTE_SIZE, 0)
            fd = open_to_read(self._path)
            try:
                return os.pread(fd, NOTE_SIZE, 0)
            finally:
                os.close(fd)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise translate(error, "read", LOCK_NAME) from error

    def _close_fd(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _timeout(self, timeout_s: float) -> OperationalError:
        note = self.read_note()
        holder = f"process {note.pid} since {_utc(note.since_us)}" if note else "another process"
        return OperationalError(
            f"the database is being written by {holder}; waited {timeout_s:g} s",
            code="lock.timeout",
            hint="try again, or wait longer",
            retryable=True,
        )

    def _check_process(self) -> None:
        # A forked child shares the parent's lock: its release would take it from the parent.
        if os.getpid() != self._pid:
            raise InterfaceError(
                "this database was opened before a fork",
                code="lock.forked",
                hint="open the database anew in each process",
            )

    def __del__(self) -> None:
        # Closing a descriptor inherited by fork leaves the parent's lock in place.
        if getattr(self, "_fd", -1) >= 0:
            self._close_fd()
        elif getattr(self, "_held", False) and self._memory is not None:
            self._memory.writer_mutex.release()


_ALL: WeakSet[WriterLock] = WeakSet()


def _after_fork() -> None:
    """A flock lasts as long as one process has the descriptor: a child that lives on would hold
    the lock of a parent that died. Closing the child's descriptor leaves the parent's lock."""
    for lock in _ALL:
        lock._close_fd()
        lock._want_no_more()
        lock._known = None


os.register_at_fork(after_in_child=_after_fork)


def _is_same_file(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False


@cache
def _boot_id() -> str:
    try:
        text = Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        text = ""
    return text.replace("-", "").strip()[:16].ljust(16, "0")


def _utc(us: int) -> str:
    if us > LAST:
        return "?"
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
