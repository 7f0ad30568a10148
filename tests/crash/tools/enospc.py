#!/usr/bin/env python3
"""Let the disk fill up at every stage of a workload, check, give room, and see that work goes on.

    python3 enospc.py --work 'CMD {dir}' --check-py F:check [--from-kb A --to-kb B --step-kb S] [--ok 0,3] [--how tmpfs|fsize|nofile]

tmpfs   (root) a RAM file system of each size; after the workload gave up the checker runs three times: while the
        disk is still full with --full-check-py if one is given (it must not damage anything, and read), then
        after the file system was enlarged, then the workload again (must end in --ok) and the checker.
fsize   no root: RLIMIT_FSIZE, the file cannot grow past A..B KiB, SIGXFSZ ignored, write says EFBIG.
nofile  no root: RLIMIT_NOFILE from 5 up to 40 descriptors (the interpreter itself cannot start on the lowest), with
        --work-py from 3 up to 12.
The workload must end by itself with a status in --ok and keep every promise it printed.
"""

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import forks
from blocklog import checked


def run(cmd, timeout, pre=None):
    p = subprocess.Popen(
        cmd,
        shell=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=pre,
        start_new_session=True,
    )
    try:
        out, err = p.communicate(timeout=timeout)
        return p.returncode, out, err.decode(errors="replace").strip()[-200:]
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        p.communicate()
        return "hang", b"", "hang"


def started(a, work, d, pre=None):
    """How the workload ended, what it promised, what it said."""
    if work is None:
        return run("exec " + a.work.format(dir=d), a.timeout, pre)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = forks.Child(work, (d, *a.args.split()), out.fileno(), err.fileno(), pre)
        rc = child.wait(a.timeout)
        out.seek(0)
        err.seek(0)
        return rc, out.read(), err.read().decode(errors="replace").strip()[-600:]


def judge(command, function):
    """What tells why a state is wrong: a command, or a function of a Python file, in a child."""
    if function is None:
        if command is None:
            return None

        def by_command(d, acks, timeout):
            rc, _, err = run(command.format(dir=d, acks=acks), timeout)
            return None if rc == 0 else "status %s: %s" % (rc, err)

        return by_command
    fn = forks.load(function)
    return lambda d, acks, timeout: checked(fn, d, open(acks, "rb").read().split(b"\n")[:-1])


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--work")
    ap.add_argument("--work-py", help="FILE:FUNCTION in place of --work; gets dir and --args")
    ap.add_argument("--args", default="")
    ap.add_argument("--check")
    ap.add_argument("--check-py", metavar="FILE:FUNCTION", help="in place of --check; fast")
    ap.add_argument("--full-check-py", metavar="FILE:FUNCTION", help="while nothing has room")
    ap.add_argument("--seconds", type=float, default=1e9, help="no further size after so long")
    ap.add_argument("--tmp", default=None, help="where all of it lies")
    ap.add_argument("--how", choices=("tmpfs", "fsize", "nofile"), default="tmpfs")
    ap.add_argument("--from-kb", type=int, default=4)
    ap.add_argument("--to-kb", type=int, default=256)
    ap.add_argument("--step-kb", type=int, default=4)
    ap.add_argument("--ok", default="0,3")
    ap.add_argument("--timeout", type=float, default=60)
    a = ap.parse_args()
    ok = {int(x) for x in a.ok.split(",")}
    few = range(3, 13) if a.work_py else range(5, 41)  # a fork has opened nothing yet
    steps = few if a.how == "nofile" else range(a.from_kb, a.to_kb + 1, a.step_kb)
    bad = hit = tried = 0
    t0 = time.time()
    work = forks.load(a.work_py) if a.work_py else None
    check, full_check = judge(a.check, a.check_py), judge(None, a.full_check_py)
    top = tempfile.mkdtemp(prefix="enospc-", dir=a.tmp)
    mnt = os.path.join(top, "mnt")
    os.mkdir(mnt)
    try:
        for k in steps:
            if time.time() - t0 > a.seconds:
                break
            tried += 1
            why, acks = None, os.path.join(top, "acks")
            if a.how == "tmpfs":
                subprocess.run(
                    ["mount", "-t", "tmpfs", "-o", "size=%dk" % k, "tmpfs", mnt], check=True
                )
            else:
                shutil.rmtree(mnt)
                os.mkdir(mnt)
            d = os.path.join(mnt, "db")

            def limit():
                if a.how == "fsize":
                    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                    resource.setrlimit(resource.RLIMIT_FSIZE, (k << 10, k << 10))
                elif a.how == "nofile":
                    resource.setrlimit(resource.RLIMIT_NOFILE, (k, k))

            try:
                rc, out, err = started(a, work, d, limit)
                open(acks, "wb").write(out)
                hit += rc != 0
                if rc not in ok and not (a.how == "nofile" and work is None and rc == 1):
                    why = f"workload status {rc}: {err}"
                elif full_check is not None:
                    why = full_check(d, acks, a.timeout)
                    why = why and "check while full: " + why
                if a.how == "tmpfs":
                    subprocess.run(["mount", "-o", "remount,size=64m", mnt], check=True)
                for stage in ("after room was made", "after going on"):
                    if why:
                        break
                    if stage == "after going on":
                        rc, out, err = started(a, work, d)
                        open(acks, "ab").write(out)
                        if rc not in ok:
                            why = f"going on: status {rc}: {err}"
                            break
                    why = check(d, acks, a.timeout)
                    why = why and f"check {stage}: {why}"
            finally:
                if a.how == "tmpfs":
                    subprocess.run(["umount", mnt], check=True)
            if why:
                bad += 1
                print("%s %d: %s" % (a.how, k, why.replace("\n", " | ")))
    finally:
        shutil.rmtree(top, ignore_errors=True)
    print(
        "%s: sizes tried %d, limit reached in %d, failed %d, %.1f s"
        % (a.how, tried, hit, bad, time.time() - t0)
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
