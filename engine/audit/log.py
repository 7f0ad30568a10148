"""What a connection hands its reads to: `ask` and `answer`, written lazily or at once.

    lazy   a read costs an append to a list in memory; a thread writes what came together and
           syncs it within 100 ms, or the connection's next commit does, or its end
    sync   each record is durable before the call returns
    off    nothing is kept

A failed write never breaks a read in 'lazy': a notice says so once, the records are kept within
bounds, and the next try goes to another chain. In 'sync' it is an OperationalError.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol
from weakref import WeakSet

from epql.engine.audit.chains import Chains
from epql.engine.audit.record import Answered, Asked, encode
from epql.engine.audit.stream import Stream, system_us, take
from epql.engine.digest import digest
from epql.engine.errors import Error, InterfaceError, OperationalError

MODES = ("sync", "lazy", "off")
PAUSE_S = 0.05
"""From the first unwritten record to its writing: half of what is promised."""

_RETRY_S = 1.0
_WAITING_BYTES_MAX = 8 * 2**20
"""Bytes of unwritten records above which the reader writes them itself; while they cannot be
written, the oldest are given up."""
_RECORD_BYTES_MAX = 32 * 2**20

_NOTHING: list[str] = []
_RECORD_BYTES = 500
"""What the records of a read take besides its rows, more or less."""

Record = tuple[str, int, bytes]
"""Kind, flags, bytes."""


class Late(Protocol):
    """Something whose records are made when they are written, by whichever thread writes."""

    def records(self) -> list[Record]:
        """Those that can be made by now; each is given once."""


_Waiting = deque[Record | Late]


def check_mode(mode: str) -> None:
    """Raise InterfaceError connect.audit unless there is such a mode."""
    if mode not in MODES:
        raise InterfaceError(
            f"no audit is called {mode!r}",
            code="connect.audit",
            hint="choose one of " + ", ".join(MODES),
        )


class AuditLog:
    """See the module. `name` tells its questions from those of every other connection."""

    def __init__(
        self, chains: Chains, mode: str, *, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        check_mode(mode)
        self.mode = mode
        self.chains = chains
        self.name = os.urandom(8).hex()
        self._tell = tell
        self.untold: list[str] = []
        self._pid = os.getpid()
        self._number = 0
        self._latest = 0
        self._waiting: _Waiting = deque()
        self._bytes = 0
        self._is_lossy = False
        self._failure: str | None = None
        self._stream: Stream | None = None
        self._mutex = threading.RLock()
        self._is_writing = False
        self._is_closed = False
        self._is_due = False
        self._due = threading.Event()
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def tell(self, notice: str) -> None:
        """Say something to whoever opened the log, and to the next who takes notices."""
        self._tell(notice)
        self.untold.append(notice)

    def take_notices(self) -> list[str]:
        """What has been said since the last time; each is given once."""
        if not self.untold:
            return _NOTHING
        taken, self.untold = self.untold, []
        return taken

    def number(self) -> int:
        """The next question's number, from 1."""
        self._number += 1
        return self._number

    def ask(self, asked: Asked) -> bytes:
        """Keep a question; its digest. Raises: OperationalError in 'sync'."""
        data = encode(asked)
        if asked.at > self._latest:
            self._latest = asked.at
        self._keep("Q", data)
        return digest(data)

    def answer(self, answered: Answered) -> None:
        """Keep what came of a question. Raises: OperationalError in 'sync'."""
        self._keep("A", encode(answered))

    def later(self, read: Late, at: int, size: int) -> None:
        """Keep a read whose records are made later. In 'lazy'.

        `at`: the instant of its question; `size`: bytes of what it holds.
        """
        if at > self._latest:
            self._latest = at
        self._waiting.append(read)
        self._bytes += size + _RECORD_BYTES
        if not self._is_due or self._bytes > _WAITING_BYTES_MAX:
            self._see_to_it()

    def flush(self) -> None:
        """Write and sync what waits; nothing if nothing does.

        Raises: OperationalError in 'sync'; in 'lazy' a failure leaves a notice.
        """
        if os.getpid() != self._pid:
            return
        with self._mutex:  # also where nothing waits: the thread may be writing what did
            if self._is_writing:  # rows were collected as garbage in the middle of it
                return
            self._is_writing = True
            try:
                self._write()  # what waits now: reads that go on would keep it writing for ever
                self._failure = None
            except Error as error:
                self._failed(error)
                if self.mode == "sync":
                    raise
            finally:
                self._is_writing = False

    def close(self) -> None:
        """Write what waits, end the thread, let go of the chain. Closing twice is no error.

        Raises: OperationalError in 'sync', if something could not be written.
        """
        if self._is_closed:
            return
        self._is_closed = True
        _OPEN.discard(self)
        self._end.set()
        self._due.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._is_due = False
        try:
            self.flush()
        finally:
            self._let_go()

    # ------------------------------------------------------------ steps

    def _keep(self, kind: str, data: bytes) -> None:
        if self.mode == "off":
            return
        size = len(data)
        if size > _RECORD_BYTES_MAX:
            self._refuse(size)
            return
        self._waiting.append((kind, 0, data))
        self._bytes += size
        if not self._is_due or self._bytes > _WAITING_BYTES_MAX:
            self._see_to_it()

    def _see_to_it(self) -> None:
        """What is rare: the first record of a batch, too many of them, 'sync', a late answer."""
        if self.mode == "sync":
            self.flush()
        elif self._is_closed:  # rows that were let go of after their connection was
            self.flush()
            self._let_go()
        elif self._bytes > _WAITING_BYTES_MAX:
            self._make_room()
        else:
            self._wake()

    def _wake(self) -> None:
        self._is_due = True
        if self._thread is None:
            _OPEN.add(self)
            self._thread = threading.Thread(target=self._run, name="epql-audit", daemon=True)
            self._thread.start()
        self._due.set()

    def _run(self) -> None:
        """The thread: what came within the pause is written together."""
        while not self._end.is_set():
            self._due.wait()
            self._end.wait(PAUSE_S if self._failure is None else _RETRY_S)
            if self._end.is_set():
                return
            self._due.clear()
            self._is_due = False  # whoever comes from here on wakes the thread again
            with suppress(MemoryError):  # all of it waits still, for the next read
                self.flush()

    def _write(self) -> None:
        waiting = deque(self._waiting.popleft() for _ in range(len(self._waiting)))
        self._bytes = 0
        batch: list[Record] = []
        try:
            _make(waiting, batch)
            if not batch:
                return
            if self._stream is None:
                self._stream = take(self.chains)
            self._stream.append(batch, self._latest)
        except BaseException:
            self._waiting.extendleft(reversed((*batch, *waiting)))
            self._bytes += sum(len(data) for _, _, data in batch) + _RECORD_BYTES * len(waiting)
            raise
        if self._stream.is_full(system_us()):
            self._let_go()

    def _failed(self, error: Error) -> None:
        """Let go of the chain and say what happened, once for each cause."""
        self._let_go()
        if self.mode == "sync":
            self._waiting.clear()  # their readers are told themselves
        elif error.code != self._failure:
            self.tell(f"reads are not audited at this time: {error.message}")
        self._failure = error.code

    def _make_room(self) -> None:
        self.flush()
        if self._bytes > _WAITING_BYTES_MAX and not self._is_lossy:
            self._is_lossy = True
            self.tell("the audit could not be written for long: some reads are not in it")
        with self._mutex:
            while self._bytes > _WAITING_BYTES_MAX and self._waiting:
                oldest = self._waiting.popleft()
                self._bytes -= len(oldest[2]) if isinstance(oldest, tuple) else _RECORD_BYTES

    def _refuse(self, size: int) -> None:
        message = f"a read of {size} bytes is too large to be audited"
        if self.mode == "sync":
            raise OperationalError(message, code="audit.too_large")
        self.tell(message)

    def _let_go(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None and os.getpid() == self._pid:
            with suppress(OperationalError):
                stream.close(system_us())


def _make(waiting: _Waiting, batch: list[Record]) -> None:
    """Move what waits to a batch of records. Those that are made now are made a few at a time, so
    that readers wait for a few and not for Python's whole switch interval."""
    number = 0
    while waiting:
        one = waiting[0]
        if isinstance(one, tuple):
            batch.append(one)
        else:
            batch += one.records()
            number += 1
            if number % _TOGETHER == 0:
                time.sleep(0)
        waiting.popleft()  # now that its records are there


_TOGETHER = 16

_OPEN: WeakSet[AuditLog] = WeakSet()


def flush_together(log: AuditLog) -> None:
    """Write what waits in a log, and in those of this process's other connections to its database:
    what one agent has read is known when another one asks for it, or corrects it.

    Raises: as `flush`, of the log itself.
    """
    log.flush()
    for other in _open():
        if other is not log and other.chains == log.chains:
            with suppress(Error):  # its own connection tells
                other.flush()


def _open() -> list[AuditLog]:
    while True:
        with suppress(RuntimeError):  # another thread has just opened one
            return list(_OPEN)


@atexit.register
def _close_all() -> None:
    """What nobody closed is written before the program ends."""
    for log in _open():
        with suppress(Error):
            log.close()
