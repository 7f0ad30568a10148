#!/usr/bin/env python3
"""Kill a writer with SIGKILL at random moments, reopen the same database, check, go on: N times.

    python3 killloop.py -n 10000 --dir DIR --work 'CMD {dir} {writer}' --check-py checker.py:check
                        [--writers K] [--min-ms A --max-ms B] [--fresh-every M] [--seed S] [--seconds T]

Each round starts K copies of the workload on the same database, waits a random time, kills them all at
once with SIGKILL, collects every acknowledgement line any of them printed, and checks the database.
The workload must go on from what it finds (it is started again on the same directory) until it is
killed, and print one line for each promise, for example 'ACK 17'.  The checker gets (directory, list of
all acknowledgement lines since the database was last made anew) and raises when a promise is broken.
--check 'CMD {dir} {acks}' runs a shell command instead (slower).
SIGKILL keeps the page cache: this tests the process, not the disk; use crashtrace.py or powercut.py for that.
A round whose writers never got as far as one acknowledgement counts as 'idle': keep those below half.

As a library: `loop(start, check, folder, rounds, …)`, where start(folder, writer, out, err) begins a
process whose pid, poll() and wait() are as those of subprocess.Popen. Of its lines those that begin
with `marker` are acknowledgements.
"""

import argparse
import importlib.util
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field


@dataclass
class Result:
    """What a loop saw."""

    rounds: int = 0
    acknowledged: int = 0
    idle: int = 0
    failures: list = field(default_factory=list)

    def add(self, other):
        self.rounds += other.rounds
        self.acknowledged += other.acknowledged
        self.idle += other.idle
        self.failures += other.failures

    @property
    def mostly_idle(self):
        return self.idle * 2 > self.rounds


@dataclass
class Moments:
    """When to kill. `cold`: share of rounds timed from the start, not the first acknowledgement."""

    min_ms: float = 0
    max_ms: float = 60
    cold: float = 0.3
    fresh_every: int = 50


def loop(start, check, folder, rounds, *, writers=1, moments=None, seed=1, most=20, marker=b""):
    """kill and check in each of `rounds` (any iterable); stops after `most` failures"""
    moments = moments or Moments()
    rnd, result, acks, database = random.Random(seed), Result(), [], os.path.join(folder, "db")
    for r in rounds:
        if r % moments.fresh_every == 0:
            shutil.rmtree(database, ignore_errors=True)
            acks = []
        said, errors = killed(start, folder, database, writers, moments, rnd, marker)
        got = sum(line.startswith(marker) for line in said)
        acks += said
        result.rounds += 1
        result.acknowledged += got
        result.idle += got == 0
        try:
            if errors:
                raise AssertionError("; ".join(errors))
            if os.path.isdir(database):
                check(database, list(acks))
        except Exception as e:  # whatever the checker says
            result.failures.append("round %d (seed %d): %s: %s" % (r, seed, type(e).__name__, e))
            print(result.failures[-1])
            traceback.print_exc()
            if len(result.failures) >= most:
                break
            shutil.rmtree(database, ignore_errors=True)
            acks = []
    return result


def killed(start, folder, database, writers, moments, rnd, marker):
    """one round: all lines that were said whole, and who ended by itself"""
    outs = [os.path.join(folder, "out.%d" % k) for k in range(writers)]
    errs = [os.path.join(folder, "err.%d" % k) for k in range(writers)]
    for path in outs + errs:
        open(path, "wb").close()
    procs = [start(database, k, outs[k], errs[k]) for k in range(writers)]
    if rnd.random() >= moments.cold:
        end = time.time() + 5
        while (
            time.time() < end
            and not any(has_said(o, marker) for o in outs)
            and any(p.poll() is None for p in procs)
        ):
            time.sleep(0.001)
    time.sleep(rnd.uniform(moments.min_ms, moments.max_ms) / 1e3)
    for p in procs:
        if p.poll() is None:
            os.kill(p.pid, signal.SIGKILL)
    said, errors = [], []
    for k, p in enumerate(procs):
        code = p.wait()
        said += open(outs[k], "rb").read().split(b"\n")[:-1]
        if code not in (0, -signal.SIGKILL):
            why = open(errs[k], "rb").read().decode(errors="replace")[-300:]
            errors.append(f"writer {k} ended by itself, status {code}: {why}")
    return said, errors


def has_said(path, marker):
    """whether there is a line that begins so"""
    with open(path, "rb") as f:
        return any(line.startswith(marker) for line in f)


def checker(a):
    """the check that the options name"""
    if a.check_py:
        path, name = a.check_py.rsplit(":", 1)
        sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
        spec = importlib.util.spec_from_file_location("kill_checker", path)
        mod = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(mod)
        return getattr(mod, name)

    def check(folder, acks):
        with tempfile.NamedTemporaryFile() as f:
            f.write(b"".join(x + b"\n" for x in acks))
            f.flush()
            command = a.check.format(dir=folder, acks=f.name)
            c = subprocess.run(command, shell=True, capture_output=True, timeout=120)
            if c.returncode:
                raise AssertionError((c.stdout + c.stderr).decode(errors="replace")[-300:])

    return check


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("-n", type=int, default=1000)
    ap.add_argument("--dir", required=True)
    ap.add_argument("--work", required=True)
    ap.add_argument("--check")
    ap.add_argument("--check-py")
    ap.add_argument("--writers", type=int, default=1)
    ap.add_argument("--min-ms", type=float, default=0)
    ap.add_argument(
        "--max-ms",
        type=float,
        default=60,
        help="counted from the first acknowledgement or 5 s, see --cold",
    )
    ap.add_argument(
        "--cold", type=float, default=0.3, help="share of rounds timed from process start instead"
    )
    ap.add_argument("--fresh-every", type=int, default=50)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--seconds", type=float, default=0, help="stop after so long")
    a = ap.parse_args()
    folder, t0 = os.path.realpath(a.dir), time.time()
    os.makedirs(folder, exist_ok=True)

    def start(database, writer, out, err):
        command = shlex.split(a.work.format(dir=database, writer=writer))
        with open(out, "wb") as o, open(err, "wb") as e:
            return subprocess.Popen(command, stdout=o, stderr=e)

    def rounds():
        for r in range(a.n):
            if a.seconds and time.time() - t0 >= a.seconds:
                return
            yield r

    moments = Moments(a.min_ms, a.max_ms, a.cold, a.fresh_every)
    result = loop(
        start, checker(a), folder, rounds(), writers=a.writers, moments=moments, seed=a.seed
    )
    print(
        "rounds %d, acknowledged %d, idle rounds %d, failed %d, %.1f s"
        % (result.rounds, result.acknowledged, result.idle, len(result.failures), time.time() - t0)
    )
    if result.mostly_idle:
        print(
            "most rounds were idle: the workload is too slow to start, or broken; nothing was tested"
        )
        return 2
    return 1 if result.failures else 0


if __name__ == "__main__":
    sys.exit(main())
