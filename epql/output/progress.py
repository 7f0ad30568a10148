"""A progress bar on standard error, if that is a terminal; nothing otherwise."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from epql.output.screen import is_tty

Tell = Callable[[int, int], None]
"""Told (done, in all); 0 in all: not known."""

_EVERY_S = 0.05


@contextmanager
def progress_bar(title: str, *, is_bytes: bool = False) -> Iterator[Tell]:
    """A bar that lives as long as the block; it leaves no trace."""
    if not is_tty(sys.stderr):
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    count = DownloadColumn() if is_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(title, total=None)
        last = 0.0

        def tell(done: int, total: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= _EVERY_S or done == total:
                last = now
                bars.update(task, completed=done, total=total or None)

        yield tell
