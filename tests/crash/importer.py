"""The process that loads the PEP history and dies on the way.

python tests/crash/importer.py DATABASE [STEP NUMBER]

It kills itself with SIGKILL just before the so-many-th step of a kind (see STEPS), so that a test
chooses the place and not the time. At its end it says how many steps of each kind there were.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter

import epql
from epql.engine.files import OsHandle
from epql.engine.ingestor import Ingestor
from tests.pep.replay import DATA

STEPS = ("write", "second half", "sync", "announce")
"""Of the journal: a group is about to be written, is half written, is about to be synced.
Of the index: the ingestor, a process that lives on, is about to be told of a group."""


def die_at(fatal: tuple[str, int] | None) -> Counter[str]:
    """Count the steps from now on, and die at one of them."""
    taken: Counter[str] = Counter()
    write_all, sync, announce = OsHandle.write, OsHandle.sync, Ingestor.announce

    def take(kind: str) -> None:
        taken[kind] += 1
        if (kind, taken[kind]) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def write(handle: OsHandle, data: bytes) -> None:
        take("write")
        write_all(handle, data[: len(data) // 2])
        take("second half")
        write_all(handle, data[len(data) // 2 :])

    def synced(handle: OsHandle) -> None:
        take("sync")
        sync(handle)

    def announced(ingestor: Ingestor, tx: int) -> None:
        take("announce")
        announce(ingestor, tx)

    OsHandle.write, OsHandle.sync = write, synced  # type: ignore[method-assign]
    Ingestor.announce = announced  # type: ignore[method-assign]
    return taken


if __name__ == "__main__":
    con = epql.connect(sys.argv[1], agent="importer")
    steps = die_at((sys.argv[2], int(sys.argv[3])) if len(sys.argv) > 2 else None)
    con.import_history(DATA)
    con.close()
    os.write(1, json.dumps(steps).encode())
