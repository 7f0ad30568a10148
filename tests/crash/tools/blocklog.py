#!/usr/bin/env python3
"""Power cuts at the level of disk blocks, on a real ext4, xfs or btrfs, without a kernel module.

A FUSE file plays the disk: a loop device on top of it sends every block write and every flush of the
mounted file system through this script, which logs them (what dm-log-writes does, where there is no
device mapper).  Afterwards disks are built as a power cut would have left them (all writes up to a flush, plus
any mixture of the later ones, each 4096-byte block kept or lost, some blocks torn at 512 bytes), mounted, and checked.

    python3 blocklog.py record --fs ext4 --out FOLDER -- CMD ...     ({dir} in CMD is the database's place)
    python3 blocklog.py replay --out FOLDER --check-py checker.py:check [--per-flush 3] [--max N]

The command prints one line for each promise; the lines travel through the same FUSE file system, so
their place among the block writes is exact.  Needs root, loop devices, fuse3 (Debian) and mfusepy (PyPI).
"""

import argparse
import errno
import json
import os
import random
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time

import forks

REC = struct.Struct("<BQI")  # 1 write, 2 flush, 3 acknowledgement text
SIZE = {"ext4": 48, "xfs": 320, "btrfs": 128}


def sh(*cmd):
    return subprocess.run(cmd, check=True, capture_output=True, text=True).stdout.strip()


def umount(p):
    for _ in range(100):
        r = subprocess.run(["umount", p], capture_output=True, text=True)
        if r.returncode == 0 or "not mounted" in r.stderr:
            return
        time.sleep(0.02)
    raise SystemExit("cannot unmount " + p + ": " + r.stderr)


def serve(img, log, mnt):
    import mfusepy

    class Disk(mfusepy.Operations):
        use_ns = True

        def __init__(self):
            self.fd = os.open(img, os.O_RDWR)
            self.size = os.fstat(self.fd).st_size
            self.out = open(log, "wb", buffering=0)
            self.guard = threading.Lock()
            self.acks = 0

        def getattr(self, path, fh=None):
            if path == "/":
                return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
            if path in ("/disk", "/acks"):
                return {
                    "st_mode": stat.S_IFREG | 0o600,
                    "st_nlink": 1,
                    "st_size": self.size if path == "/disk" else self.acks,
                }
            raise mfusepy.FuseOSError(errno.ENOENT)

        def readdir(self, path, fh):
            return [".", "..", "disk", "acks"]

        def open(self, path, flags):
            return 1 if path == "/disk" else 2

        def truncate(self, path, length, fh=None):
            return 0

        def read(self, path, size, offset, fh):
            return os.pread(self.fd, size, offset) if path == "/disk" else b""

        def write(self, path, data, offset, fh):
            with self.guard:
                if path == "/acks":
                    self.acks += len(data)
                    self.out.write(REC.pack(3, 0, len(data)) + data)
                else:
                    os.pwrite(self.fd, data, offset)
                    self.out.write(REC.pack(1, offset, len(data)) + data)
            return len(data)

        def fsync(self, path, datasync, fh):
            if path == "/disk":
                with self.guard:
                    self.out.write(REC.pack(2, 0, 0))
            return 0

        def flush(self, path, fh):
            return 0

        def release(self, path, fh):
            return 0

    mfusepy.FUSE(Disk(), mnt, foreground=True, nothreads=True)


def cmd_record(a):
    os.makedirs(a.out, exist_ok=True)
    out = os.path.realpath(a.out)
    img, base, log = (os.path.join(out, n) for n in ("img", "base", "log"))
    fmnt, mnt = os.path.join(out, "fuse"), os.path.join(out, "mnt")
    for p in (img, base, log):
        if os.path.exists(p):
            os.unlink(p)
    for p in (fmnt, mnt):
        os.makedirs(p, exist_ok=True)
    with open(img, "wb") as f:
        f.truncate(SIZE[a.fs] << 20)
    sh("mkfs." + a.fs, "-q", img)
    sh("cp", "--sparse=always", img, base)
    server = subprocess.Popen(
        [sys.executable, os.path.abspath(__file__), "serve", img, log, fmnt],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    loop = None
    try:
        for _ in range(100):
            if os.path.exists(os.path.join(fmnt, "disk")):
                break
            time.sleep(0.05)
        loop = sh("losetup", "-f", "--show", os.path.join(fmnt, "disk"))
        sh("mount", loop, mnt)
        sh("losetup", "-d", loop)  # it is busy: it goes when the file system does
        d = os.path.join(mnt, "db")
        with open(os.path.join(fmnt, "acks"), "wb", buffering=0) as ack:
            rc = subprocess.run([w.replace("{dir}", d) for w in a.command], stdout=ack).returncode
    finally:
        umount(mnt)
        if loop:
            time.sleep(0.1)
        umount(fmnt)
        server.wait(10)
    json.dump({"fs": a.fs}, open(os.path.join(out, "meta"), "w"))
    recs = list(read_log(log))
    n = [sum(1 for r in recs if r[0] == k) for k in (1, 2, 3)]
    print("exit status %d, block writes %d, flushes %d, acknowledgements %d" % (rc, *n))


def read_log(path):
    with open(path, "rb") as f:
        while True:
            h = f.read(REC.size)
            if len(h) < REC.size:
                return
            k, off, n = REC.unpack(h)
            yield k, off, f.read(n) if n else b""


def checked(fn, d, acks):
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
        return why or "the checker died"


def blocks(off, data):
    return [(off + i, data[i : i + 4096]) for i in range(0, len(data), 4096)]


def cmd_replay(a):
    out = os.path.realpath(a.out)
    fn = forks.load(a.check_py)
    fs = json.load(open(os.path.join(out, "meta")))["fs"]
    rnd = random.Random(a.seed)
    top = tempfile.mkdtemp(prefix="blocklog-", dir=a.work)
    img, mnt, durable = (os.path.join(top, n) for n in ("img", "mnt", "durable"))
    os.mkdir(mnt)
    sh("cp", "--sparse=always", os.path.join(out, "base"), durable)
    dfd = os.open(durable, os.O_RDWR)
    pend, acks, states, bad, unmountable, t0 = [], b"", 0, 0, 0, time.time()

    def attempt(label, chosen):
        nonlocal states, bad, unmountable
        sh("cp", "--sparse=always", durable, img)
        fd = os.open(img, os.O_RDWR)
        for off, data in chosen:
            os.pwrite(fd, data, off)
        os.close(fd)
        states += 1
        try:
            sh("mount", "-o", "loop", img, mnt)
        except subprocess.CalledProcessError as e:
            unmountable += 1
            print("state %d %s does not mount: %s" % (states, label, e.stderr.strip()[-120:]))
            return
        try:
            d = os.path.join(mnt, "db")
            lines = acks.split(b"\n")[: acks.count(b"\n")]
            why = None
            if os.path.isdir(d):
                why = checked(fn, d, lines)
            elif lines:
                why = "%d lines acknowledged, and no directory" % len(lines)
            if why:
                bad += 1
                if bad <= a.show:
                    print(
                        "FAIL state %d %s after %d acknowledgements: %s"
                        % (states, label, len(lines), why)
                    )
        finally:
            umount(mnt)

    try:
        for k, off, data in read_log(os.path.join(out, "log")):
            if (a.max and states >= a.max) or time.time() - t0 > a.seconds:
                break
            if k == 1:
                pend += blocks(off, data)
            elif k == 3:
                acks += data
                attempt(
                    "at-ack", []
                )  # the promise just made must hold with nothing un-flushed kept
            else:
                if pend:
                    for i in range(a.per_flush):
                        keep = [b for b in pend if rnd.random() < (0.5, 0.85, 0.15)[i % 3]]
                        if keep and rnd.random() < 0.4:
                            j = rnd.randrange(len(keep))
                            o, b = keep[j]
                            keep[j] = (o, b[: 512 * rnd.randrange(1, 8)])
                        if i % 4 == 3:
                            rnd.shuffle(keep)
                        attempt("mix-%d" % i, keep)
                for o, b in pend:
                    os.pwrite(dfd, b, o)
                pend = []
    finally:
        os.close(dfd)
        shutil.rmtree(top, ignore_errors=True)
    print(
        "%s: disks tried %d, failed %d, not mountable %d, %.1f s, seed %d"
        % (fs, states, bad, unmountable, time.time() - t0, a.seed)
    )
    return 1 if bad else 0


def main():
    if sys.argv[1:2] == ["serve"]:
        return serve(*sys.argv[2:5])
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    sub = ap.add_subparsers(dest="cmd", required=True)
    r = sub.add_parser("record")
    r.add_argument("--fs", choices=sorted(SIZE), default="ext4")
    r.add_argument("--out", required=True)
    r.add_argument("command", nargs=argparse.REMAINDER)
    p = sub.add_parser("replay")
    p.add_argument("--out", required=True)
    p.add_argument("--check-py", required=True)
    p.add_argument("--per-flush", type=int, default=3)
    p.add_argument("--max", type=int, default=0)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--seconds", type=float, default=1e9, help="no further disk after so long")
    p.add_argument("--show", type=int, default=5)
    p.add_argument("--work", default="/dev/shm" if os.path.isdir("/dev/shm") else None)
    a = ap.parse_args()
    if a.cmd == "record":
        if a.command[:1] == ["--"]:
            a.command = a.command[1:]
        return cmd_record(a)
    return cmd_replay(a)


if __name__ == "__main__":
    sys.exit(main())
