#!/usr/bin/env python3
"""Break every file call of a workload once, one run per call, and check what is left.

    python3 faultsweep.py --dir DIR --work 'CMD {dir}' --check 'CMD {dir} {acks}' [--modes LIST] [--max N] [--jobs N]

The workload prints a line on standard output for each promise of durability; what it printed before
the fault is handed to the checker as {acks}.  One run per (mode, call number):
    EIO ENOSPC EDQUOT EINTR EMFILE ...  the call fails with that error, nothing done
    EIO+ ENOSPC+                        that call and all later ones of its kind fail
    short                               half the bytes are written, the number reported is true
    partial                             half the bytes are written, then ENOSPC
    kill killafter torn                 SIGKILL before, after, or in the middle of the call
    gate                                fsync fails once with EIO and the un-synced bytes are gone
    readshort readEIO                   the same for reads (broken in the CHECK command's own run, see below)
A run is good when the workload ends by itself (no hang; killed only in kill modes), its exit status is
in --ok (default 0,3: done, or gave up in the documented way), no Python traceback is on its standard error
unless --traceback-ok, and the checker, run without faults, exits 0.
readEIO and readshort build a healthy database, then break each read of the checker: it must fail in a
documented way (status in --ok or 1 without a traceback) and a second, unbroken run must exit 0.

Needs gcc (builds faultio.c from this folder).  Linux, glibc programs only.
"""

import argparse
import concurrent.futures as cf
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WRITE_OPS = "open,write,fsync,rename,unlink,ftruncate,fallocate,mkdir,link"


def build(tmp):
    so = os.path.join(tmp, "faultio.so")
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-O2", "-o", so, os.path.join(HERE, "faultio.c"), "-ldl"],
        check=True,
    )
    return so


def env_for(so, prefix, ops, mode, nth, log=None):
    e = dict(
        os.environ, LD_PRELOAD=so, FAULTIO_PREFIX=prefix, FAULTIO_OPS=ops, FAULTIO_NTH=str(nth)
    )
    e.pop("FAULTIO_LOG", None)
    if log:
        e["FAULTIO_LOG"] = log
    base = mode.rstrip("+")
    if base.isupper():
        e.update(FAULTIO_MODE="error", FAULTIO_ERR=base)
    elif mode == "partial":
        e.update(FAULTIO_MODE="partial", FAULTIO_ERR="ENOSPC")
    else:
        e["FAULTIO_MODE"] = mode
    e["FAULTIO_COUNT"] = "-1" if mode.endswith("+") else "1"
    return e


def ops_for(mode):
    return {
        "short": "write",
        "partial": "write",
        "torn": "write",
        "gate": "fsync",
        "EINTR": "write,open",
    }.get(mode, WRITE_OPS)


def run(cmd, env, timeout):
    p = subprocess.Popen(
        cmd,
        shell=True,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = p.communicate(timeout=timeout)
        return p.returncode, out, err
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)  # the group this function started, nothing else
        out, err = p.communicate()
        return "hang", out, err


def one(a, so, mode, nth):
    top = tempfile.mkdtemp(prefix="fault-", dir=a.dir)
    d = os.path.join(top, "db")
    acks = os.path.join(top, "acks")
    try:
        rc, out, err = run(
            "exec " + a.work.format(dir=d), env_for(so, d, ops_for(mode), mode, nth), a.timeout
        )
        open(acks, "wb").write(out)
        killed = mode in ("kill", "killafter", "torn")
        if rc == "hang":
            return "workload hangs"
        if killed and rc != -signal.SIGKILL:
            return None if rc in a.okset else f"status {rc}"
        if not killed and rc not in a.okset:
            return "workload status {}: {}".format(rc, err.decode(errors="replace").strip()[-200:])
        if b"Traceback (most recent" in err and not a.traceback_ok:
            return "traceback: " + err.decode(errors="replace").strip()[-200:]
        rc, o2, e2 = run(a.check.format(dir=d, acks=acks), dict(os.environ), a.timeout)
        if rc != 0:
            return "check status {}: {}".format(
                rc, (o2 + e2).decode(errors="replace").strip()[-200:]
            )
        return None
    finally:
        shutil.rmtree(top, ignore_errors=True)


def one_read(a, so, mode, nth):
    top = tempfile.mkdtemp(prefix="fault-", dir=a.dir)
    d, acks = os.path.join(top, "db"), os.path.join(top, "acks")
    try:
        rc, out, _err = run("exec " + a.work.format(dir=d), dict(os.environ), a.timeout)
        open(acks, "wb").write(out)
        m = "short" if mode == "readshort" else "EIO"
        rc, o, e = run(
            "exec " + a.check.format(dir=d, acks=acks), env_for(so, d, "read", m, nth), a.timeout
        )
        if rc == "hang" or (isinstance(rc, int) and rc < 0):
            return f"check under {mode}: {rc}"
        if b"Traceback (most recent" in e and not a.traceback_ok:
            return "traceback: " + e.decode(errors="replace").strip()[-200:]
        rc, o, e = run(a.check.format(dir=d, acks=acks), dict(os.environ), a.timeout)
        return (
            None
            if rc == 0
            else "damage after a read fault: " + (o + e).decode(errors="replace").strip()[-200:]
        )
    finally:
        shutil.rmtree(top, ignore_errors=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--dir", required=True, help="folder for the runs (a tmpfs is fastest)")
    ap.add_argument("--work", required=True)
    ap.add_argument("--check", required=True)
    ap.add_argument(
        "--modes", default="EIO,ENOSPC,EIO+,ENOSPC+,EINTR,short,partial,kill,killafter,torn,gate"
    )
    ap.add_argument("--ok", default="0,3")
    ap.add_argument(
        "--max",
        type=int,
        default=0,
        help="at most so many call numbers in each mode, evenly spread",
    )
    ap.add_argument("--jobs", type=int, default=os.cpu_count())
    ap.add_argument("--timeout", type=float, default=60)
    ap.add_argument("--show", type=int, default=5)
    ap.add_argument("--traceback-ok", action="store_true")
    a = ap.parse_args()
    a.dir = os.path.realpath(a.dir)
    os.makedirs(a.dir, exist_ok=True)
    a.okset = {int(x) for x in a.ok.split(",")}
    tmp = tempfile.mkdtemp(prefix="faultsweep-")
    bad_all = runs_all = 0
    try:
        so = build(tmp)
        for mode in a.modes.split(","):
            reads = mode in ("readEIO", "readshort")
            ops = "read" if reads else ops_for(mode)
            d, log = os.path.join(tmp, "count", "db"), os.path.join(tmp, "log")
            shutil.rmtree(os.path.dirname(d), ignore_errors=True)
            os.makedirs(os.path.dirname(d))
            if os.path.exists(log):
                os.unlink(log)
            if reads:
                rc, out, err = run("exec " + a.work.format(dir=d), dict(os.environ), a.timeout)
                open(os.path.join(tmp, "acks"), "wb").write(out)
                run(
                    "exec " + a.check.format(dir=d, acks=os.path.join(tmp, "acks")),
                    env_for(so, d, "read", "EIO", 0, log),
                    a.timeout,
                )
            else:
                rc, out, err = run(
                    "exec " + a.work.format(dir=d), env_for(so, d, ops, mode, 0, log), a.timeout
                )
                if rc != 0:
                    sys.exit(f"the workload fails without faults: {rc} {err.decode()[-300:]}")
            n = 0
            if os.path.exists(log):
                n = max((int(x.split()[1]) for x in open(log)), default=0)
            nths = list(range(1, n + 1))
            if a.max and n > a.max:
                nths = sorted({1 + i * (n - 1) // (a.max - 1) for i in range(a.max)})
            t0, bad = time.time(), []
            with cf.ThreadPoolExecutor(a.jobs) as ex:
                fn = one_read if reads else one
                for k, res in zip(nths, ex.map(lambda k: fn(a, so, mode, k), nths), strict=False):
                    if res:
                        bad.append((k, res))
            print(
                "%-10s calls %5d  runs %5d  failed %4d  %.1f s"
                % (mode, n, len(nths), len(bad), time.time() - t0),
                flush=True,
            )
            for k, why in bad[: a.show]:
                print("    call %d: %s" % (k, why.replace("\n", " | ")))
            bad_all += len(bad)
            runs_all += len(nths)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    print("runs %d, failed %d" % (runs_all, bad_all))
    return 1 if bad_all else 0


if __name__ == "__main__":
    sys.exit(main())
