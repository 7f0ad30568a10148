"""Ctrl-C: the first one ends the running statement cleanly, a second one is the usual one.

A KeyboardInterrupt in the middle of a commit would leave the session in doubt, so while a
statement runs the signal interrupts the connection instead (`Connection.interrupt`).
"""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from epql.connection import Connection

T = TypeVar("T")


class Interrupts:
    """Watches one connection. `arrived`: whether the running statement was to end."""

    def __init__(self, connection: Connection) -> None:
        self.arrived = False
        self._connection = connection

    @contextmanager
    def held(self) -> Iterator[None]:
        """While a statement runs."""
        self.arrived = False
        try:
            before = signal.signal(signal.SIGINT, self._take)
        except ValueError:  # not the main thread, which alone gets signals
            yield
            return
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
            # from here on `arrived` may only be read; the next statement begins afresh

    def watched(self, rows: Iterable[T]) -> Iterator[T]:
        """The rows, up to a Ctrl-C that came while nothing ran that could be interrupted."""
        for row in rows:
            if self.arrived:
                raise KeyboardInterrupt
            yield row

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        if self.arrived:
            raise KeyboardInterrupt
        self.arrived = True
        self._connection.interrupt()
