"""A run's system calls, recorded; and the states that a power cut could have left of it, checked.

The tool is tests/crash/tools/crashtrace.py; this is its use on work.py and checker.py.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash import work
from tests.crash.checker import check
from tests.crash.tools import crashtrace

ROOT = Path(__file__).resolve().parents[2]
WORK = [sys.executable, str(Path(work.__file__))]
MODELS = ("posix", "journaled")
FOUND = ROOT / "build" / "reliability" / "found"
RAM = "/dev/shm" if os.path.isdir("/dev/shm") else None
HANGS_AFTER_S = 120


@dataclass
class Recorded:
    """What a run did: `operations` from `start` on; `prior`: the lines promised before it."""

    operations: list[tuple[Any, ...]]
    start: Any
    prior: bytes
    seen: set[bytes] = field(default_factory=set)

    def states(self, model: str, seed: int, per_point: int) -> Iterator[State]:
        """At each crash point the state with all that was written, and so many others."""
        found = crashtrace.distinct(
            self.operations, self.start, model, rand=20, cap=24, seed=seed, per_point=per_point,
            prior=self.prior, seen=self.seen,
        )  # fmt: skip
        for point, label, names, dirs, data, acks in found:
            yield State(f"point {point}, {label}, {model}", names, dirs, data, acks)


@dataclass
class State:
    """What a power cut left: names, folders, bytes; and all that had been acknowledged."""

    label: str
    names: dict[bytes, int]
    dirs: set[bytes]
    data: dict[int, bytes]
    acks: bytes

    def write(self, folder: Path) -> None:
        """Make it a folder."""
        crashtrace.write_state(str(folder), self.names, self.dirs, self.data)

    def check(self) -> None:
        """Recover from it. A state that fails is kept.

        Raises: AssertionError, saying how to see it again.
        """
        top = Path(tempfile.mkdtemp(prefix="epql-power-", dir=RAM))
        try:
            self.write(top / "db")
            with _watched():
                check(top / "db", self.acks.splitlines())
        except Exception as error:
            kept = self._keep()
            raise AssertionError(
                f"{self.label}: {type(error).__name__}: {error}\nagain:"
                f" cp -r {kept} AGAIN; python -m tests.crash.checker AGAIN/db AGAIN/acks"
            ) from error
        finally:
            shutil.rmtree(top, ignore_errors=True)

    def _keep(self) -> Path:
        FOUND.mkdir(parents=True, exist_ok=True)
        kept = Path(tempfile.mkdtemp(prefix="state-", dir=FOUND))
        self.write(kept / "db")
        (kept / "acks").write_bytes(self.acks)
        return kept


def record(folder: Path, root: Path, *arguments: object, prior: bytes = b"") -> Recorded:
    """Record `work.py ROOT arguments`. Raises: CalledProcessError if it fails."""
    trace, acks = folder / "trace", folder / "acks"
    command = [*WORK, str(root), *map(str, arguments)]
    options = argparse.Namespace(root=root, trace=str(trace), acks=acks, command=command)
    with open(os.devnull, "w") as sink:
        kept, sys.stdout = sys.stdout, sink  # it tells what it has recorded
        try:
            crashtrace.cmd_record(options)
        finally:
            sys.stdout = kept
    meta, operations, start, _ = crashtrace.load(str(trace), r"-shm$")
    if meta["rc"]:
        raise subprocess.CalledProcessError(meta["rc"], command)
    return Recorded(operations, start, prior)


def run(root: Path, *arguments: object) -> bytes:
    """Work without being recorded; what was said."""
    command = [*WORK, str(root), *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout


@contextmanager
def _watched() -> Iterator[None]:
    """Raise where something hangs."""

    def hangs(*_: object) -> None:
        raise TimeoutError(f"it does not end in {HANGS_AFTER_S} s")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(HANGS_AFTER_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
