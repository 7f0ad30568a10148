#!/usr/bin/env python3
"""Cut the power of a real file system under a running writer, N times.  Needs root and loop devices.

    python3 powercut.py -n 200 --work 'CMD {dir}' --check-py checker.py:check [--fs ext4|xfs]
                        [--size-mb 64] [--min-ms A --max-ms B] [--fresh-every M] [--opts MOUNT,OPTIONS]
                        [--seconds S]

Makes a small image file, mounts it through a loop device, starts the workload on it, and after a random
time stops the file system dead with the shutdown request that ext4 and xfs offer (log not flushed):
nothing that was not already sent to the image gets there any more.  Then it unmounts, mounts again (the
file system replays its own log, as after a power cut) and calls the checker with the directory and all lines
the workload printed up to the cut.  Only what was printed before the shutdown request started counts as a promise: a few fsync calls that
overlap it return 0 without having reached the image (seen on ext4 and xfs), which no real power cut can do.
btrfs does not offer the request.  What this shows is what this kernel's ext4 or xfs really does, which is kinder than what
POSIX allows: run crashtrace.py as well.
"""

import argparse
import fcntl
import os
import random
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

import forks

SHUTDOWN = (2 << 30) | (4 << 16) | (ord("X") << 8) | 125  # _IOR('X', 125, __u32)
NOLOGFLUSH = 2


def sh(*cmd):
    subprocess.run(cmd, check=True, capture_output=True)


def checked(fn, d, acks):
    """run the checker in a child, so that nothing it leaves open keeps the mount busy"""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(r)
            try:
                fn(d, acks)
                os._exit(0)
            except BaseException as e:
                os.write(w, (f"{type(e).__name__}: {e}").encode()[:2000])
        finally:
            os._exit(1)
    os.close(w)
    with os.fdopen(r, "rb") as f:
        why = f.read().decode(errors="replace")
    if os.waitpid(pid, 0)[1]:
        raise AssertionError(why or "the checker died")


def start(a, work, d, out, null):
    if work is None:
        return subprocess.Popen(shlex.split(a.work.format(dir=d)), stdout=out, stderr=null)
    return forks.Child(work, (d, *a.args.split()), out.fileno(), null.fileno())


def umount(mnt):
    for _ in range(50):
        p = subprocess.run(["umount", mnt], capture_output=True, text=True)
        if p.returncode == 0:
            return
        time.sleep(0.02)
    raise SystemExit("cannot unmount: " + p.stderr)


def _whole(text):
    """The lines that end with a newline."""
    return text.split(b"\n")[: text.count(b"\n")]


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("-n", type=int, default=100)
    ap.add_argument("--work")
    ap.add_argument("--work-py", help="FILE:FUNCTION in place of --work; gets dir and --args")
    ap.add_argument("--args", default="")
    ap.add_argument("--check-py", required=True)
    ap.add_argument("--fs", choices=("ext4", "xfs"), default="ext4")
    ap.add_argument("--size-mb", type=int, default=64)
    ap.add_argument("--opts", default="")
    ap.add_argument("--min-ms", type=float, default=0)
    ap.add_argument("--max-ms", type=float, default=80)
    ap.add_argument("--writers", type=int, default=1)
    ap.add_argument("--fresh-every", type=int, default=10)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--tmp", default=None, help="where the image lies")
    ap.add_argument("--seconds", type=float, default=1e9, help="no further cut after so long")
    a = ap.parse_args()
    if a.fs == "xfs":
        a.size_mb = max(a.size_mb, 320)
    fn = forks.load(a.check_py)
    work = forks.load(a.work_py) if a.work_py else None
    top = tempfile.mkdtemp(prefix="powercut-", dir=a.tmp)
    img, mnt = os.path.join(top, "img"), os.path.join(top, "mnt")
    os.mkdir(mnt)
    opts = "loop" + ("," + a.opts if a.opts else "")
    rnd = random.Random(a.seed)
    bad = idle = total = done = 0
    null = open(os.devnull, "wb")
    acks, mounted, t0 = [], False, time.time()
    try:
        for r in range(a.n):
            if time.time() - t0 > a.seconds:
                break
            done = r + 1
            if r % a.fresh_every == 0:
                if mounted:
                    umount(mnt)
                    mounted = False
                if os.path.exists(img):
                    os.unlink(img)
                with open(img, "wb") as f:
                    f.truncate(a.size_mb << 20)
                sh("mkfs." + a.fs, "-q", img)
                sh("mount", "-o", opts, img, mnt)
                mounted = True
                sh("sync", "-f", mnt)
                acks = []
            d = os.path.join(mnt, "db")
            outs = [tempfile.TemporaryFile() for _ in range(a.writers)]
            procs = [start(a, work, d, o, null) for o in outs]
            end = time.time() + 5
            if rnd.random() < 0.8:
                while (
                    time.time() < end
                    and not any(os.fstat(o.fileno()).st_size for o in outs)
                    and any(p.poll() is None for p in procs)
                ):
                    time.sleep(0.001)
            time.sleep(rnd.uniform(a.min_ms, a.max_ms) / 1e3)
            fd = os.open(mnt, os.O_RDONLY)
            promised = [os.fstat(o.fileno()).st_size for o in outs]
            fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", NOLOGFLUSH))
            os.close(fd)
            time.sleep(0.002)
            for p in procs:
                if p.poll() is None:
                    os.kill(p.pid, signal.SIGKILL)
                p.wait()
            got = 0
            for o, size in zip(outs, promised, strict=False):
                o.seek(0)
                text = o.read()
                lines, count = _whole(text), text.count(b"\n", 0, size)
                acks += lines[:count]
                # said while the power went: no promise, but what it says may be there
                acks += [b"LATE " + line for line in lines[count:]]
                got += count
                o.close()
            total += got
            idle += got == 0
            umount(mnt)
            mounted = False
            sh("mount", "-o", opts, img, mnt)
            mounted = True
            try:
                if os.path.isdir(d):
                    checked(fn, d, list(acks))
                elif acks:
                    raise AssertionError(
                        "acknowledged %d lines, and the directory is gone" % len(acks)
                    )
            except Exception as e:
                bad += 1
                print("cut %d (seed %d): %s: %s" % (r, a.seed, type(e).__name__, e))
                shutil.rmtree(d, ignore_errors=True)
                acks = []
                sh("sync", "-f", mnt)
    finally:
        if mounted:
            umount(mnt)
        shutil.rmtree(top, ignore_errors=True)
    print(
        "%s: cuts %d, acknowledged %d, idle %d, failed %d, %.1f s"
        % (a.fs, done, total, idle, bad, time.time() - t0)
    )
    if idle * 2 > done:
        print(
            "most rounds were idle: the workload is too slow to start, or broken; nothing was tested"
        )
        return 2
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
