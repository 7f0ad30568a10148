"""Processes of tests in the same program, without the 0.3 s that a new one needs to import epql.

A server that has imported it forks them (multiprocessing's forkserver); nothing is open in it.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import epql
from epql.engine.lock import WriterLock


def start(target: Callable[..., None], *args: Any) -> BaseProcess:
    """Such a process, running. It dies with this one at the latest."""
    root = str(Path(__file__).parents[2])
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.warm"])
    process = context.Process(target=target, args=args, daemon=True)
    nothing = {"__main__": ModuleType("__main__")}  # else each process imports pytest
    with patch.dict(sys.modules, nothing), patch.dict(os.environ, {"PYTHONPATH": root}):
        process.start()
    return process


def tell(fd: Path, text: str) -> None:
    """A line that whoever reads the file can rely on once it is there."""
    file = os.open(fd, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, text.encode() + b"\n")
    os.close(file)


def hold_lock(folder: Path, told: Path) -> None:
    """Take the lock and stay."""
    lock = WriterLock(folder / "LOCK")
    lock.acquire(60)
    tell(told, "held")
    time.sleep(3600)


def hold_transaction(folder: Path, told: Path) -> None:
    """Write without committing, and stay."""
    con = epql.connect(folder, agent="holder", audit="off")
    con.execute("ASSERT ('held', 'p', ?)", (os.getpid(),))
    tell(told, "held")
    time.sleep(3600)


def hold_again_and_again(folder: Path, told: Path) -> None:
    """Commit for ever."""
    con = epql.connect(folder, agent="holder", audit="off", autocommit=True)
    while True:
        con.execute("ASSERT ('held', 'p', ?)", (time.monotonic_ns(),))
        if not told.exists():
            tell(told, "held")


HOLDERS = (hold_lock, hold_transaction, hold_again_and_again)
