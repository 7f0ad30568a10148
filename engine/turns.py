"""Whose turn it is on a connection, and what ends a turn early: an interrupt, or its time.

A call from outside (execute, fetch, commit) takes a turn. One thread has it at a time; others
wait. A turn has a number, and `interrupt` condemns the number that is at hand: it never waits, so
a signal handler may call it, and it cannot reach the turn that comes next. What runs looks at
`check` wherever it may end: SQLite every so many steps, Python loops once in a while, waits for
other writers at each look. Nothing looks while a commit is written (`shielded`): once its sync
has begun, the answer is that it is committed.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from sys import getsizeof
from typing import Any, TypeVar
from weakref import WeakSet

import apsw

from epql.engine.errors import Error, InterfaceError, OperationalError
from epql.engine.forked import inherit
from epql.engine.heap import HEAP
from epql.engine.shortage import tell

STEPS = 100_000
"""Steps of SQLite's machine between two looks: about ten milliseconds. Each look takes Python's
lock, for which it may have to wait as long as that where other threads compute."""

STEPS_LIMITED = 250
"""The same where time or memory is limited: a step may take as long as the length of a value
lets it, or make such a value, so there are few of them between two looks."""

ENDED_EARLY = ("statement.interrupted", "limit.time", "limit.memory")
"""The codes of what `check` raises."""

_NOBODY = -1
_T = TypeVar("_T")


class Turns:
    """The turns of one connection. `time_s`: how long one statement may run; None: for ever.

    `memory_bytes`: by how much SQLite's memory may grow in a turn, and the size of the rows that
    are held in it.
    """

    def __init__(self) -> None:
        self.time_s: float | None = None
        self.told: Callable[[BaseException], Error | None] = lambda _: None
        """What is raised instead of an error that ends a turn; None: the error itself."""
        self.memory_bytes: int | None = None
        self._mutex = threading.RLock()
        self._depth = 0
        self._count = 0
        self._running = 0
        """The number of the turn at hand; 0 between turns."""
        self._condemned = _NOBODY
        self._limit_s: float | None = None
        """That of the turn at hand, which a new limit does not change."""
        self._deadline: float | None = None
        self._began = 0.0
        self._in_heap = False
        self._memory_bytes: int | None = None
        """That of the turn at hand."""
        self._ceiling = 0
        self._held = 0
        self._shields = 0
        self._is_forked = False
        self._watched: WeakSet[apsw.Connection] = WeakSet()
        _ALL.add(self)

    # ------------------------------------------------------------ taking turns

    def begin(self, used_s: float = 0.0) -> None:
        """Take a turn; waits for another thread's. `used_s`: what its statement has had already.

        Raises: InterfaceError `connection.forked` in a process forked after the connection opened.
        """
        if self._is_forked:
            raise InterfaceError(
                "this connection was opened before a fork",
                code="connection.forked",
                hint="open the database anew in each process",
            )
        self._mutex.acquire()
        try:
            if not self._depth:
                self._count += 1
                if self.time_s is not None or self.memory_bytes is not None or HEAP.is_used:
                    self._limit(used_s)
                self._running = self._count
        except MemoryError as error:
            self._mutex.release()
            tell(error)
        self._depth += 1

    def _limit(self, used_s: float) -> None:
        self._limit_s = self.time_s
        if self._limit_s is not None:
            self._began = time.monotonic() - used_s
            self._deadline = self._began + self._limit_s
        self._memory_bytes, self._held = self.memory_bytes, 0
        if self._memory_bytes is not None or HEAP.is_used:
            self._in_heap = True
            self._ceiling = HEAP.enter(id(self), self._memory_bytes)

    def end(self) -> float:
        """End the turn; the seconds that its statement has had, 0 where nobody counts."""
        used_s = 0.0
        try:
            if self._depth == 1:
                self._running = 0
                if self._limit_s is not None:
                    used_s = time.monotonic() - self._began
                    self._limit_s = self._deadline = None
                if self._in_heap:
                    self._leave_heap()
        finally:
            self._depth -= 1
            self._mutex.release()
        return used_s

    def _leave_heap(self) -> None:
        if self._in_heap:
            self._in_heap = False
            HEAP.leave(id(self), self._memory_bytes)
        self._memory_bytes = None

    def __enter__(self) -> None:
        self.begin()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.end()
        told = None if error is None else self.told(error)
        if told is not None:
            raise told from error

    # ------------------------------------------------------------ ending them early

    def interrupt(self) -> None:
        """End the turn at hand, if there is one. From any thread, or a signal handler."""
        self._condemned = self._running or _NOBODY

    def check(self) -> None:
        """Go on, or not. Each reason is told once, so that what undoes the statement can run.

        Raises: OperationalError `statement.interrupted`, `limit.time`, `limit.memory`.
        """
        if self._shields:
            return
        if self._memory_bytes is not None and apsw.memory_used() > self._ceiling:
            raise self.too_much_memory()
        if self._condemned != self._running and self._deadline is None:
            return
        if self._condemned == self._running:
            self._condemned = _NOBODY
            raise OperationalError("the statement was interrupted", code="statement.interrupted")
        if self._deadline is not None and time.monotonic() > self._deadline:
            self._deadline = None
            raise OperationalError(
                f"the statement ran longer than {self._limit_s:g} s",
                code="limit.time",
                hint="ask for less, or raise limits.time of the connection",
            )

    def too_much_memory(self) -> OperationalError:
        """What a statement is told that needs more than its memory; what undoes it may have it."""
        limit = self._memory_bytes or self.memory_bytes
        self._leave_heap()
        return OperationalError(
            "the statement needs more memory than "
            + ("there is" if limit is None else f"the {limit:,} bytes it may have"),
            code="limit.memory",
            hint="ask for less, such as with LIMIT, or raise limits.memory of the connection",
        )

    def weighed(self, rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """The rows; those of one turn together are no larger than the memory it may have."""
        for row in rows:
            if self._memory_bytes is not None:
                self._held += getsizeof(row) + sum(map(getsizeof, row))
                if self._held > self._memory_bytes:
                    raise self.too_much_memory()
            yield row

    def wait(self, seconds: float) -> None:
        """Let time pass while somebody else is waited for. Raises: as `check`."""
        self.check()
        time.sleep(seconds)

    def checked(self, items: Iterable[_T]) -> Iterator[_T]:
        """The items, with a look before each."""
        for item in items:
            self.check()
            yield item

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """What runs meanwhile runs to its end."""
        self._shields += 1
        is_limited = self._memory_bytes is not None
        if is_limited:
            HEAP.enter(0, None)
        try:
            yield
        finally:
            if is_limited:
                HEAP.leave(0, None)
            self._shields -= 1

    def watch(self, db: apsw.Connection) -> None:
        """Let SQLite look while it runs statements of a connection."""
        is_limited = self.time_s is not None or self.memory_bytes is not None
        db.set_progress_handler(self._look, STEPS_LIMITED if is_limited else STEPS, id=self)
        self._watched.add(db)

    def _look(self) -> bool:
        self.check()
        return False


_ALL: WeakSet[Turns] = WeakSet()


def _after_fork() -> None:
    for turns in _ALL:
        turns._is_forked = True
        for db in turns._watched:
            inherit(db, is_busy=turns._running > 0)


os.register_at_fork(after_in_child=_after_fork)
