"""Processes without their start: one that has everything loaded forks those that a test ends.

A Python process takes half a second to load what a statement needs, a fork of one a few
milliseconds. Nothing is open where it forks, and each child does what `python -m tests.crash.work`
or `… checker` does. With `preload` the library faultio.so is in all of them; `environment` of a
child says what it breaks (tests/crash/tools/faultio.c).

    with Forks() as forks:
        child = forks.start("work", folder, "append", out=out, err=err)
        os.kill(child.pid, signal.SIGKILL)
        child.wait() == -signal.SIGKILL
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Child:
    """A process that was forked. `code` once it has ended: as of subprocess, negative a signal."""

    forks: Forks
    pid: int
    code: int | None = None

    def poll(self) -> int | None:
        """Its code, if it has ended."""
        return self.wait(0)

    def wait(self, timeout_s: float = 60) -> int | None:
        """Its code; None if it goes on after that time."""
        if self.code is None:
            self.code = self.forks.ask({"wait": self.pid, "timeout": timeout_s})
        return self.code


class Forks:
    """Where children come from."""

    def __init__(self, preload: Path | None = None) -> None:
        extra = {"LD_PRELOAD": str(preload)} if preload is not None else {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.forks"],
            cwd=ROOT, env=os.environ | extra, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip

    def start(
        self, program: str, *arguments: object, out: Path, err: Path,
        environment: Mapping[str, str] | None = None,
    ) -> Child:  # fmt: skip
        """Fork one that runs `program`, "work" or "checker"; its output goes to files."""
        words = [str(word) for word in arguments]
        wish = {"start": program, "arguments": words, "out": str(out), "err": str(err)}
        return Child(self, self.ask({**wish, "environment": dict(environment or {})}))

    def ask(self, wish: dict[str, Any]) -> Any:
        """The answer to one line of JSON."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(wish) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __enter__(self) -> Forks:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # the end of its input is its end


def _load() -> None:
    """Load what statements need, and leave nothing open."""
    import tempfile

    from tests.crash import checker, work

    with tempfile.TemporaryDirectory() as folder:
        sink = os.open(os.devnull, os.O_WRONLY)
        kept = os.dup(1)
        os.dup2(sink, 1)
        work.main(folder + "/kb", "bulk", "1")
        work.main(folder + "/kb", "correct", "1")
        checker.check(folder + "/kb", [b"ACK bulk-0 7", b"ACK correct-0 1"])
        os.dup2(kept, 1)
        os.close(kept)
        os.close(sink)
    gc.collect()
    gc.freeze()


def _run(wish: dict[str, Any]) -> NoReturn:
    """Be the child."""
    from tests.crash import checker, work

    code = 1
    try:
        for number, path in ((0, os.devnull), (1, wish["out"]), (2, wish["err"])):
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND
            fd = os.open(path, flags, 0o600)
            os.dup2(fd, number)
            os.close(fd)
        if wish["environment"]:
            os.environ.update(wish["environment"])
            ctypes.CDLL(None).faultio_again()
        code = {"work": work.main, "checker": checker.main}[wish["start"]](*wish["arguments"])
        atexit._run_exitfuncs()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _wait(pid: int, timeout_s: float) -> int | None:
    deadline = time.monotonic() + timeout_s
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.001)


def main() -> None:
    """Serve wishes, a line each, until the input ends."""
    _load()
    for line in sys.stdin:
        wish = json.loads(line)
        if "start" in wish:
            pid = os.fork()
            if pid == 0:
                _run(wish)
            answer: int | None = pid
        else:
            answer = _wait(wish["wait"], wish["timeout"])
        os.write(1, (json.dumps(answer) + "\n").encode())


if __name__ == "__main__":
    main()
