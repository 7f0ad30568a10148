"""A look at the time and at interrupts, for what walks over statements.

A statement of 100 kB takes a second to parse and to plan. Whoever runs a statement says what a
look is; the walkers look once in a while. Each thread has its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _Here(threading.local):
    look: Callable[[], None] | None = None


_HERE = _Here()


def look() -> None:
    """Go on, or not. Raises: what the look of this thread raises."""
    if _HERE.look is not None:
        _HERE.look()


@contextmanager
def looking(at: Callable[[], None]) -> Iterator[None]:
    """What walks over a statement meanwhile looks so."""
    before, _HERE.look = _HERE.look, at
    try:
        yield
    finally:
        _HERE.look = before
