"""Ctrl-C: the first one ends the running statement cleanly, a second one is the usual one.

A KeyboardInterrupt in the middle of a commit would leave the session in doubt, so while a
statement runs the signal interrupts the connection instead (`Connection.interrupt`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from epql.connection import Connection
from epql.output.signals import on_interrupt

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
        with on_interrupt(self._take):
            yield
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
