"""A line of threads: one has the turn, the others get it in the order in which they came.

`threading.Lock` goes to whoever asks at the right moment, so that one thread may wait while others
take it again and again. Here the turn is handed over.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from epql.engine.errors import OperationalError

_LOOK_S = 0.05
"""Between two looks of one who waits."""


class Place:
    """A thread's place in a line."""

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._gate.acquire()

    def open(self) -> None:
        """Let the one who waits go on."""
        self._gate.release()

    def wait(self, look: Callable[[], None], timeout_s: float) -> float:
        """Wait for one's turn; the seconds that are left. `look` may raise to end the wait.

        Raises: OperationalError `lock.timeout`.
        """
        if self._gate.acquire(blocking=False):
            return timeout_s
        deadline = time.monotonic() + timeout_s
        while not self._gate.acquire(timeout=max(0, min(_LOOK_S, deadline - time.monotonic()))):
            look()
            if time.monotonic() >= deadline:
                raise OperationalError(
                    "other threads of this process are writing to the database;"
                    f" waited {timeout_s:g} s",
                    code="lock.timeout",
                    hint="try again, or wait longer",
                    retryable=True,
                )
        return max(0.0, deadline - time.monotonic())


class Line:
    """See the module. Whoever has joined leaves again, whatever happens between:

    place = Place()
    try:
        line.join(place)
        place.wait(…)
        …                           it is one's turn
    finally:
        if not line.step_out(place):
            line.hand_over() or …   end it
            line.leave()
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._holder: Place | None = None
        self._waiting: deque[Place] = deque()

    def join(self, place: Place) -> None:
        """Stand at the end of the line."""
        with self._mutex:
            self._waiting.append(place)
            if self._holder is None:
                self._next()

    def step_out(self, place: Place) -> bool:
        """Wait no more; False: it is one's turn, which is to be ended."""
        with self._mutex:
            if place in self._waiting:
                self._waiting.remove(place)
            return self._holder is not place

    def hand_over(self) -> bool:
        """Give the turn to the next; False: nobody waits, and one keeps it."""
        with self._mutex:
            if self._waiting:
                self._next()
                return True
            return False

    def leave(self) -> None:
        """Give the turn to the next, or to whoever comes."""
        with self._mutex:
            self._holder = None
            if self._waiting:
                self._next()

    def _next(self) -> None:
        self._holder = self._waiting.popleft()
        self._holder.open()
