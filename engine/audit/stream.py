"""The chain that one connection writes: taken over from a writer that is gone, or new.

What it is: appending records durably, one frame and one sync for each batch, and the choice of
the chain. A living writer holds its chain's lock, so nobody waits for anybody.
What it is not: it buffers nothing and decides nothing about failures (log.py does). Chains that
are long or old are sealed instead of continued, so that the audit can be forgotten piece by piece.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from epql.engine.audit.chains import SEGMENT, Chains, is_begun
from epql.engine.clock import SECOND, moment
from epql.engine.errors import Error, InternalError, OperationalError
from epql.engine.files import Files
from epql.engine.journal.format import DATABASE_ID_SIZE
from epql.engine.journal.recovery import create, open_tail
from epql.engine.journal.tail import Tail
from epql.engine.journal.writer import JournalWriter, Pending
from epql.engine.lock import WriterLock

CHAIN_BYTES_MAX = 16 * 2**20
"""A chain that has reached this size is sealed."""

CONTINUED_BYTES_MAX = 256 * 2**10
"""A chain above this size is not taken over: its frames would have to be read first."""

CHAIN_AGE_MAX_US = 7 * 86_400 * SECOND
"""A chain older than this is sealed, or not taken over."""

Records = Sequence[tuple[str, int, bytes]]
"""(kind letter, 0, bytes of the record)."""


def system_us() -> int:
    """The machine's clock in microseconds: chains are named and aged by it."""
    return time.time_ns() // 1000


def stamp(us: int) -> str:
    """How the name of a chain begun at an instant starts.

    >>> stamp(0)
    '19700101T000000'
    """
    return f"{moment(us):%Y%m%dT%H%M%S}"


class Stream:
    """A chain under this process's lock. After a failed append it can only be let go."""

    def __init__(self, name: str, lock: WriterLock, files: Files, tail: Tail) -> None:
        self.name = name
        self._lock = lock
        self._writer = JournalWriter(files, tail=tail, lock=lock)

    def append(self, records: Records, at: int) -> None:
        """Append records as one frame; they are durable when this returns.

        Units: `at` in µs, the latest instant in the records; the frame is stamped with it, or
        just after the one before. Raises: OperationalError, InterfaceError lock.forked.
        """
        stamp = max(at, self._writer.last_recorded_at + 1)
        self._writer.append([Pending(stamp, records)])

    def is_full(self, now: int) -> bool:
        """Whether it is to be sealed, and another one begun."""
        return self._writer.tail.offset >= CHAIN_BYTES_MAX or _is_old(self.name, now)

    def close(self, now: int) -> None:
        """Let go of the chain. One that nobody will take over is sealed."""
        try:
            size = self._writer.tail.offset
            if not self._writer.failed and (size > CONTINUED_BYTES_MAX or _is_old(self.name, now)):
                with suppress(OperationalError):
                    self._writer.seal()
            self._writer.close_handle()
        finally:
            self._lock.close()


def take(
    chains: Chains,
    *,
    now: Callable[[], int] = system_us,
    random: Callable[[int], bytes] = os.urandom,
) -> Stream:
    """A chain to write to: one whose writer is gone, else a new one.

    Raises: OperationalError; what was made by then is removed again.
    """
    for name in reversed(chains.names()):
        if not _is_old(name, now()):
            taken = _take_over(chains, name)
            if taken is not None:
                return taken
    name = f"{stamp(now())}-{random(4).hex()}"
    try:
        return _begin(name, chains.make(name), random)
    except BaseException:
        with suppress(Error, OSError, KeyError):
            chains.remove(name)
        raise


def _begin(name: str, files: Files, random: Callable[[int], bytes]) -> Stream:
    lock = WriterLock.of(files)
    try:
        lock.acquire(0)
        tail = create(files, random(DATABASE_ID_SIZE), random=random)
        lock.note("clean", *tail.position)
        return Stream(name, lock, files, tail)
    except BaseException:
        lock.close()
        raise


def _take_over(chains: Chains, name: str) -> Stream | None:
    """A chain of a writer that is gone; None if it lives, or cannot be gone on with."""
    files = chains.files(name)
    lock = WriterLock.of(files)
    try:
        if not is_begun(files) or files.stat(SEGMENT).size > CONTINUED_BYTES_MAX:
            return None
        if lock.probe():
            return None
        lock.acquire(0)
        tail = open_tail(files, repair=True, lock=lock).tail
        if not tail.sealed:
            return Stream(name, lock, files, tail)
    except (OperationalError, InternalError):
        pass  # taken by somebody else, removed, damaged: another chain will do
    lock.close()
    return None


def _is_old(name: str, now: int) -> bool:
    """Whether a chain was begun too long ago; its name says when."""
    return name < stamp(now - CHAIN_AGE_MAX_US)
