"""Ctrl-C: the first one ends the running statement cleanly, at SQLite's next pause.

A KeyboardInterrupt in the middle of a commit would leave the session in doubt, so while a
statement runs the signal only sets a flag, which SQLite's progress handler looks at; the
statement then ends with the error `statement.interrupted`. A second Ctrl-C is the usual one.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from epql.connection import Connection

_STEPS = 5000
"""Steps of SQLite's machine between two looks: well under a millisecond."""


class Interrupts:
    """Watches one connection. `arrived`: whether the running statement was to end."""

    def __init__(self, connection: Connection) -> None:
        self.arrived = False
        runner = connection.runner
        for db in (runner.database.db, runner.session.sql):
            db.set_progress_handler(lambda: self.arrived, _STEPS)

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

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        if self.arrived:
            raise KeyboardInterrupt
        self.arrived = True
