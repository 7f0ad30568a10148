"""One file call of a run is broken, in one way; what the run says of it, and what is left.

The library that breaks calls is tests/crash/tools/faultio.c, its modes are those of faultsweep.py.
Runs are forks of one process that has it loaded (forks.py).
"""

from __future__ import annotations

import random
import re
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash import work
from tests.crash.checker import check
from tests.crash.forks import Forks
from tests.crash.tools.faultsweep import env_for, ops_for

MODES = (
    "EIO", "ENOSPC", "EIO+", "ENOSPC+", "EINTR", "EMFILE", "short", "partial", "kill",
    "killafter", "torn", "gate", "readEIO", "readshort",
)  # fmt: skip
WORKLOADS = {
    "create": (0, 1), "append": (2, 2), "rotation": (1, 4), "bulk": (1, 1), "correct": (1, 1),
    "backup": (1, 2), "group": (1, 2),
}  # fmt: skip
"""Kind → steps before anything breaks, and steps in which a call breaks."""

_KILLS = ("kill", "killafter", "torn")
_READS = ("readEIO", "readshort")
_TIMEOUT_S = 120


@dataclass
class Sweep:
    """Runs of workloads with one call broken. `folder`: where databases are made."""

    forks: Forks
    folder: Path
    bases: dict[str, tuple[Path, list[bytes]]] = field(default_factory=dict)
    calls: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    runs: int = 0

    def chosen(self, kind: str, mode: str, count: int, seed: int) -> list[int]:
        """Numbers of calls to break: some of each file and operation, all if there are no more."""
        groups: dict[str, list[int]] = {}
        for number, call in enumerate(self._calls(kind, mode), 1):
            groups.setdefault(call, []).append(number)
        rnd = random.Random(f"{seed} {kind} {mode}")
        queues = [rnd.sample(numbers, len(numbers)) for numbers in groups.values()]
        rnd.shuffle(queues)
        chosen: list[int] = []
        while len(chosen) < count and any(queues):
            chosen += [queue.pop() for queue in queues if queue]
        return chosen[:count]

    def run(self, kind: str, mode: str, number: int) -> None:
        """Break one call. Raises: AssertionError for a broken promise."""
        with self._database(kind) as (root, acks):
            try:
                self._broken(root, acks, kind, mode, number)
            except Exception as error:
                call = self._calls(kind, mode)[number - 1]
                raise AssertionError(
                    f"{kind}, {mode} at call {number} ({call}): {type(error).__name__}: {error}"
                ) from error

    def _broken(self, root: Path, acks: list[bytes], kind: str, mode: str, number: int) -> None:
        prefix = str(root)
        if mode in _READS:
            fault = "short" if mode == "readshort" else "EIO"
            said = root.with_name("acks")
            said.write_bytes(b"".join(line + b"\n" for line in acks))
            code, _, err = self._run(
                "checker", root, said, environment=env_for("", prefix, "read", fault, number)
            )
        else:
            environment = env_for("", prefix, ops_for(mode), mode, number)
            steps = WORKLOADS[kind][1]
            code, out, err = self._run("work", root, kind, steps, environment=environment)
            acks = acks + out.splitlines()
        killed = mode in _KILLS and code == -signal.SIGKILL
        assert code is not None, "it hangs"
        assert killed or code in (work.DONE, work.GAVE_UP), f"status {code}: {err[-2000:]}"
        assert "Traceback" not in err, err[-2000:]
        check(root, acks)

    def _calls(self, kind: str, mode: str) -> list[str]:
        """What each call of an unbroken run is, "write index.db-wal", as the mode counts them."""
        ops = "read" if mode in _READS else ops_for(mode)
        if (kind, ops) not in self.calls:
            with self._database(kind) as (root, acks):
                log = root.with_name("log")
                environment = env_for("", str(root), ops, "EIO", 0, str(log))
                if ops == "read":
                    said = root.with_name("acks")
                    said.write_bytes(b"".join(line + b"\n" for line in acks))
                    code, _, err = self._run("checker", root, said, environment=environment)
                else:
                    steps = WORKLOADS[kind][1]
                    code, _, err = self._run("work", root, kind, steps, environment=environment)
                assert code == work.DONE, err
                lines = [line.split(" ", 3) for line in log.read_text().splitlines()]
            self.calls[kind, ops] = [f"{op} {_plain(path, root)}" for _, _, op, path in lines]
        return self.calls[kind, ops]

    def _database(self, kind: str) -> _Copy:
        before = WORKLOADS[kind][0]
        if before and kind not in self.bases:
            root = self.folder / f"base-{kind}" / "db"
            root.parent.mkdir()
            code, out, err = self._run("work", root, kind, before)
            assert code == work.DONE, err
            self.bases[kind] = root, out.splitlines()
        self.runs += 1
        return _Copy(self.folder / f"run-{self.runs}", *self.bases.get(kind, (None, [])))

    def _run(
        self, program: str, root: Path, *arguments: object,
        environment: dict[str, str] | None = None,
    ) -> tuple[int | None, bytes, str]:  # fmt: skip
        out, err = root.with_name("said.out"), root.with_name("said.err")
        faults = {k: v for k, v in (environment or {}).items() if k.startswith("FAULTIO_")}
        faults = faults or {"FAULTIO_PREFIX": "/nowhere/"}
        child = self.forks.start(program, root, *arguments, out=out, err=err, environment=faults)
        code = child.wait(_TIMEOUT_S)
        return code, out.read_bytes(), err.read_text(errors="replace")


@dataclass
class _Copy:
    """A folder of its own for a database that may be broken, with what was promised of it."""

    folder: Path
    base: Path | None
    acks: list[bytes]

    def __enter__(self) -> tuple[Path, list[bytes]]:
        self.folder.mkdir()
        if self.base is not None:
            shutil.copytree(self.base, self.folder / "db")
        return self.folder / "db", list(self.acks)

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder)


def _plain(path: str, root: Path) -> str:
    """A path below the database, without what differs from run to run."""
    return re.sub(r"\d+", "N", path.removeprefix(str(root)).strip("/")) or "."


def all_runs(sweep: Sweep, mode: str, count: int, seed: int) -> Iterator[tuple[str, int]]:
    """(kind, call) of about `count` runs, in turns, so that a sweep cut short saw every kind."""
    kinds = [kind for kind in WORKLOADS if mode not in _READS or kind != "create"]
    share = -(-count // len(kinds))
    queues = [[(kind, n) for n in sweep.chosen(kind, mode, share, seed)] for kind in kinds]
    while any(queues):
        yield from [queue.pop() for queue in queues if queue]
