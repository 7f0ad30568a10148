"""What the tools that need real disks run: workload, checker, and reads while nothing has room.

They fork, and call these. All that a child needs is loaded, and was used once, before the first
fork: a child is then as far as a process that has been serving for a while.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import epql
from tests.crash.checker import check as checked
from tests.crash.checker import check_open
from tests.crash.work import main


def work(folder: str, kind: str, count: str = "0") -> int:
    """Write, and promise; the exit code."""
    return main(folder, kind, count)


def work_twice(folder: str, kind: str, count: str = "0") -> int:
    """Write until something fails, then be started again without a reboot."""
    first = main(folder, kind, count)
    return max(first, main(folder, kind, count))


def check(folder: str, acks: Iterable[bytes]) -> int:
    """Whether each promise was kept."""
    return checked(folder, acks)


def read(folder: str, acks: Iterable[bytes]) -> None:
    """Reads work while the disk is full: all that was acknowledged is shown."""
    promised: dict[str, int] = {}
    for line in acks:
        words = line.decode().split()
        if words and words[0] in ("ACK", "FOUND") and len(words) == 3:
            promised[words[1]] = int(words[2])
    try:
        con = epql.connect(folder, read_only=True, audit="off")
    except epql.OperationalError as error:
        if error.code == "database.missing" and not sum(promised.values()):
            return
        raise
    try:
        check_open(con, promised)
    finally:
        con.close()


def _warm() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/kb"
        for kind in ("append", "batch"):
            con = epql.connect(path, agent=f"{kind}-0", audit="off")
            con.executemany("ASSERT (?, ?, ?)", [("s", "p", "o"), ("s", "q", "o")])
            con.rollback()
            con.execute("ASSERT (?, ?, ?)", ("s", "p", "o"))
            con.rollback()
            con.close()
        check(path, [])
        read(path, [])


_warm()
