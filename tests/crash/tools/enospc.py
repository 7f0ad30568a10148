#!/usr/bin/env python3
"""Let the disk fill up at every stage of a workload, check, give room, and see that work goes on.

    python3 enospc.py --work 'CMD {dir}' --check 'CMD {dir} {acks}' [--from-kb A --to-kb B --step-kb S] [--ok 0,3] [--how tmpfs|fsize|nofile]

tmpfs   (root) a RAM file system of each size; after the workload gave up the checker runs three times: while the
        disk is still full with --full-check if one is given (must not damage anything; its status is reported only), then
        after the file system was enlarged (must be 0), then the workload again (must end in --ok) and the checker.
fsize   no root: RLIMIT_FSIZE, the file cannot grow past A..B KiB, SIGXFSZ ignored, write says EFBIG.
nofile  no root: RLIMIT_NOFILE from 5 up to 40 descriptors (the interpreter itself cannot start on the lowest).
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


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--work", required=True)
    ap.add_argument("--check", required=True)
    ap.add_argument("--full-check")
    ap.add_argument("--how", choices=("tmpfs", "fsize", "nofile"), default="tmpfs")
    ap.add_argument("--from-kb", type=int, default=4)
    ap.add_argument("--to-kb", type=int, default=256)
    ap.add_argument("--step-kb", type=int, default=4)
    ap.add_argument("--ok", default="0,3")
    ap.add_argument("--timeout", type=float, default=60)
    a = ap.parse_args()
    ok = {int(x) for x in a.ok.split(",")}
    steps = range(5, 41) if a.how == "nofile" else range(a.from_kb, a.to_kb + 1, a.step_kb)
    bad = hit = 0
    t0 = time.time()
    top = tempfile.mkdtemp(prefix="enospc-")
    mnt = os.path.join(top, "mnt")
    os.mkdir(mnt)
    try:
        for k in steps:
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
                rc, out, err = run("exec " + a.work.format(dir=d), a.timeout, limit)
                open(acks, "wb").write(out)
                hit += rc != 0
                if rc not in ok and not (a.how == "nofile" and rc == 1):
                    why = f"workload status {rc}: {err}"
                if a.full_check:
                    run(a.full_check.format(dir=d, acks=acks), a.timeout)
                if a.how == "tmpfs":
                    subprocess.run(["mount", "-o", "remount,size=64m", mnt], check=True)
                for stage in ("after room was made", "after going on"):
                    if why:
                        break
                    if stage == "after going on":
                        rc, out, err = run("exec " + a.work.format(dir=d), a.timeout)
                        open(acks, "ab").write(out)
                        if rc not in ok:
                            why = f"going on: status {rc}: {err}"
                            break
                    rc, out, err = run(a.check.format(dir=d, acks=acks), a.timeout)
                    if rc != 0:
                        why = f"check {stage}: status {rc}: {err}"
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
        % (a.how, len(steps), hit, bad, time.time() - t0)
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
