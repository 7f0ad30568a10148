"""The ingestor: another process that takes commits into the index while this one writes them.

Two threads would take turns at Python's lock, and no load gets quicker by that
(docs/decisions/0049). It is a help and no more: the journal is the truth, so whatever becomes of
this process, who started it applies what is left (`ingest.catch_up`), and is told there what is
wrong.

    python -m epql.engine.ingestor FOLDER     reads numbers of durable commits, a line each;
                                              answers each with the last commit in the index
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from epql.engine.files import OsFiles
from epql.engine.folder import INDEX
from epql.engine.index.fold import Fold
from epql.engine.index.schema import open_index
from epql.engine.ingest import catch_up


class Ingestor:
    """Follows the journal of the database in a folder, up to what is announced (rule I3)."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._process: subprocess.Popen[bytes] | None = None
        self._told = b""
        self.applied = 0
        """The last commit that it is known to have applied."""

    def start(self) -> None:
        """Begin. Where no process can be made, nobody follows."""
        paths = os.pathsep.join(path for path in sys.path if path)
        with suppress(OSError):
            self._process = subprocess.Popen(
                # -P: nothing that lies in the folder at hand is imported
                [sys.executable, "-P", "-m", __name__, str(self._root)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": paths},
                process_group=0,  # Ctrl-C is for whoever loads
            )  # fmt: skip

    @property
    def pid(self) -> int | None:
        """The process, if there is one."""
        return None if self._process is None else self._process.pid

    def announce(self, tx: int) -> None:
        """Tell it that the journal holds `tx`, durably. It may have ended."""
        if self._process is None or self._process.stdin is None:
            return
        self._listen(0)  # or both would wait for each other, once the pipe is full
        with suppress(OSError):
            self._process.stdin.write(b"%d\n" % tx)
            self._process.stdin.flush()

    def wait_for(self, tx: int, timeout_s: float) -> bool:
        """Wait until `tx` is in the index; whether it is. It never comes if the process ended."""
        deadline = time.monotonic() + timeout_s
        while self.applied < tx:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not self._listen(left_s):
                break
        return self.applied >= tx

    def stop(self) -> None:
        """Let it finish what was announced, and end."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(OSError):
                process.communicate()

    def _listen(self, timeout_s: float) -> bool:
        """Take what it has said; False where nothing will come any more."""
        process = self._process
        if process is None or process.stdout is None:
            return False
        if not select.select([process.stdout], [], [], timeout_s)[0]:
            return True
        found = os.read(process.stdout.fileno(), 65_536)
        *lines, self._told = (self._told + found).split(b"\n")
        if lines:
            self.applied = int(lines[-1])
        return bool(found)


def follow(root: Path, announced: Iterable[bytes]) -> Iterator[int]:
    """Apply commits up to each number that is announced; the last one in the index, each time.

    Ends where the journal lacks what was announced: whoever waits finds out why.
    """
    files = OsFiles(root)
    fold = Fold(open_index(str(root / INDEX)))
    try:
        for line in announced:
            reached = catch_up(fold, files, upto=int(line))
            yield reached
            if reached < int(line):
                return
    finally:
        fold.db.close()


def main() -> None:
    """The process."""
    for reached in follow(Path(sys.argv[1]), sys.stdin.buffer):
        print(reached, flush=True)


if __name__ == "__main__":
    main()
