#!/usr/bin/env python3
"""Kill a writer with SIGKILL at random moments, reopen the same database, check, go on: N times.

    python3 killloop.py -n 10000 --dir DIR --work 'CMD {dir}' --check-py checker.py:check
                        [--writers K] [--min-ms A --max-ms B] [--fresh-every M] [--seed S]

Each round starts K copies of the workload on the same database, waits a random time, kills them all at
once with SIGKILL, collects every acknowledgement line any of them printed, and checks the database.
The workload must go on from what it finds (it is started again on the same directory) until it is
killed, and print one line for each promise, for example 'ACK 17'.  The checker gets (directory, list of
all acknowledgement lines since the database was last made anew) and raises when a promise is broken.
--check 'CMD {dir} {acks}' runs a shell command instead (slower).
SIGKILL keeps the page cache: this tests the process, not the disk; use crashtrace.py or powercut.py for that.
A round whose writers never got as far as one acknowledgement counts as 'idle': keep those below half.
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
    a = ap.parse_args()
    fn = None
    if a.check_py:
        path, name = a.check_py.rsplit(":", 1)
        sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
        spec = importlib.util.spec_from_file_location("kill_checker", path)
        mod = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(mod)
        fn = getattr(mod, name)
    rnd = random.Random(a.seed)
    d = os.path.join(os.path.realpath(a.dir), "db")
    acks, bad, idle, total, t0 = [], 0, 0, 0, time.time()
    for r in range(a.n):
        if r % a.fresh_every == 0:
            shutil.rmtree(d, ignore_errors=True)
            acks = []
        outs, procs = [], []
        for _ in range(a.writers):
            out = tempfile.TemporaryFile()
            outs.append(out)
            procs.append(
                subprocess.Popen(
                    shlex.split(a.work.format(dir=d)), stdout=out, stderr=subprocess.PIPE
                )
            )
        if rnd.random() >= a.cold:
            end = time.time() + 5
            while (
                time.time() < end
                and not any(os.fstat(o.fileno()).st_size for o in outs)
                and any(p.poll() is None for p in procs)
            ):
                time.sleep(0.001)
        time.sleep(rnd.uniform(a.min_ms, a.max_ms) / 1e3)
        for p in procs:
            if p.poll() is None:
                os.kill(p.pid, signal.SIGKILL)
        got = 0
        for p, o in zip(procs, outs, strict=False):
            err = p.communicate()[1]
            o.seek(0)
            text = o.read()
            lines = text.split(b"\n")[: text.count(b"\n")]
            got += len(lines)
            acks += lines
            o.close()
            if p.returncode not in (0, -signal.SIGKILL):
                bad += 1
                print(
                    "round %d: a writer ended by itself, status %s: %s"
                    % (r, p.returncode, err.decode(errors="replace")[-300:])
                )
        total += got
        idle += got == 0
        try:
            if fn:
                if os.path.isdir(d):
                    fn(d, list(acks))
            else:
                with tempfile.NamedTemporaryFile() as f:
                    f.write(b"".join(x + b"\n" for x in acks))
                    f.flush()
                    c = subprocess.run(
                        a.check.format(dir=d, acks=f.name),
                        shell=True,
                        capture_output=True,
                        timeout=120,
                    )
                    if c.returncode:
                        raise AssertionError((c.stdout + c.stderr).decode(errors="replace")[-300:])
        except Exception as e:
            bad += 1
            print("round %d (seed %d): %s: %s" % (r, a.seed, type(e).__name__, e))
            if bad == 1:
                traceback.print_exc()
            if bad > 20:
                print("too many failures, stopped")
                break
            shutil.rmtree(d, ignore_errors=True)
            acks = []
    print(
        "rounds %d, acknowledged %d, idle rounds %d, failed %d, %.1f s"
        % (r + 1, total, idle, bad, time.time() - t0)
    )
    if idle * 2 > (r + 1):
        print(
            "most rounds were idle: the workload is too slow to start, or broken; nothing was tested"
        )
        return 2
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
