"""SQLite's memory while limited statements run.

SQLite counts the memory of a whole process and has one hard limit for it. While all that runs
are turns of connections with a limit, that limit is set to what was used before them and all that
they may take; SQLite then refuses what goes beyond, at the allocation. While a turn without a
limit runs, or a commit is written, there is no hard limit, for it would hit those as well; then
the limited turns look at what is used as they look at the time (turns.py). A hard limit that the
program set itself is never raised.
"""

from __future__ import annotations

import threading

import apsw


class Heap:
    """Who runs now, and the hard limit that follows."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._limits: dict[int, int] = {}
        self._free = 0
        self._base = 0
        self._own: int | None = None
        """The program's own hard limit while ours is in force."""
        self.is_used = False
        """Whether any connection of this process ever had a limit."""

    def enter(self, who: int, memory_bytes: int | None) -> int:
        """A turn begins; the bytes beyond which a limited one is ended."""
        with self._mutex:
            used = apsw.memory_used()
            if memory_bytes is None:
                self._free += 1
            else:
                if not self._limits:
                    self._base = used
                self._limits[who] = memory_bytes
            self._apply()
            return used + (memory_bytes or 0)

    def leave(self, who: int, memory_bytes: int | None) -> None:
        """The turn ends."""
        with self._mutex:
            if memory_bytes is None:
                self._free -= 1
            else:
                self._limits.pop(who, None)
            self._apply()

    def _apply(self) -> None:
        if self._free or not self._limits:
            if self._own is not None:
                apsw.hard_heap_limit(self._own)
                self._own = None
            return
        if self._own is None:
            self._own = apsw.hard_heap_limit(-1)
        limit = self._base + sum(self._limits.values())
        apsw.hard_heap_limit(min(limit, self._own) if self._own else limit)


HEAP = Heap()
