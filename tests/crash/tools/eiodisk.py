#!/usr/bin/env python3
"""A disk that refuses one write, under a real ext4, xfs or btrfs: what does the product promise afterwards?

    python3 eiodisk.py --fs ext4 --work 'CMD {dir}' --check-py checker.py:check [--from 1 --to 40] [--sticky]

A FUSE file plays the disk (see blocklog.py); a loop device and the file system lie on top.  In run N, the
N-th block write that carries file contents (it holds the --marker bytes; give the workload records that
contain them) is answered with EIO.  The kernel then does what kernels do: the first fsync fails, the
pages are marked clean, the next fsync succeeds, reads from the page cache show the lost bytes.
After the workload ended, the file system is unmounted and mounted again on the now healthy disk, and the
checker (as in crashtrace.py) gets the directory and all acknowledged lines.
    python3 eiodisk.py --demo        shows that behaviour on ext4, xfs and btrfs, without any product
Needs root, loop devices, fuse3 (Debian) and mfusepy (PyPI).
"""

import argparse
import errno
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time

import forks
from blocklog import SIZE, checked, sh, umount


def serve(img, mnt, marker, ctl):
    import mfusepy

    mark = marker.encode()

    class Disk(mfusepy.Operations):
        use_ns = True

        def __init__(self):
            self.fd = os.open(img, os.O_RDWR)
            self.size = os.fstat(self.fd).st_size
            self.seen = 0

        def getattr(self, path, fh=None):
            if path == "/":
                return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
            if path == "/disk":
                return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": self.size}
            raise mfusepy.FuseOSError(errno.ENOENT)

        def readdir(self, path, fh):
            return [".", "..", "disk"]

        def open(self, path, flags):
            return 1

        def truncate(self, path, length, fh=None):
            return 0

        def read(self, path, size, offset, fh):
            return os.pread(self.fd, size, offset)

        def write(self, path, data, offset, fh):
            if mark in data and os.path.exists(ctl):
                self.seen += 1
                n, sticky = open(ctl).read().split()
                if self.seen == int(n) or (int(sticky) and self.seen > int(n)):
                    open(ctl + ".hit", "a").write("x")
                    raise mfusepy.FuseOSError(errno.EIO)
            os.pwrite(self.fd, data, offset)
            return len(data)

        def fsync(self, path, datasync, fh):
            return 0

        def flush(self, path, fh):
            return 0

        def release(self, path, fh):
            return 0

    mfusepy.FUSE(Disk(), mnt, foreground=True, nothreads=True)


class Stack:
    def __init__(self, fs, marker, tmp=None):
        self.top = tempfile.mkdtemp(prefix="eiodisk-", dir=tmp)
        self.img, self.fuse, self.mnt, self.ctl = (
            os.path.join(self.top, n) for n in ("img", "fuse", "mnt", "ctl")
        )
        os.mkdir(self.fuse)
        os.mkdir(self.mnt)
        with open(self.img, "wb") as f:
            f.truncate(SIZE[fs] << 20)
        sh("mkfs." + fs, "-q", *(("-b", "4096") if fs == "ext4" else ()), self.img)
        self.server = subprocess.Popen(
            [
                sys.executable,
                os.path.abspath(__file__),
                "serve",
                self.img,
                self.fuse,
                marker,
                self.ctl,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(200):
            if os.path.exists(os.path.join(self.fuse, "disk")):
                break
            time.sleep(0.02)
        self.mount()

    def mount(self):
        disk = os.path.join(self.fuse, "disk")
        # buffered, a request is cut in pieces, and the loop driver takes a refused second
        # piece for success
        loop = sh("losetup", "--direct-io=on", "-f", "--show", disk)
        try:
            sh("mount", loop, self.mnt)
        finally:
            sh("losetup", "-d", loop)  # it is busy: it goes when the file system does

    def arm(self, n, sticky):
        with open(self.ctl + ".new", "w") as f:
            f.write("%d %d" % (n, sticky))
        os.rename(self.ctl + ".new", self.ctl)

    def heal_and_remount(self):
        if os.path.exists(self.ctl):
            os.unlink(self.ctl)
        umount(self.mnt)
        self.mount()

    def close(self):
        umount(self.mnt)
        time.sleep(0.05)
        umount(self.fuse)
        self.server.wait(10)
        shutil.rmtree(self.top, ignore_errors=True)


def demo():
    for fs in sorted(SIZE):
        s = Stack(fs, "FAILME")
        out = []
        try:
            fd = os.open(os.path.join(s.mnt, "f"), os.O_CREAT | os.O_RDWR)
            os.write(fd, b"old-".ljust(8192, b"."))
            os.fsync(fd)
            s.arm(1, 0)
            os.pwrite(fd, b"FAILME".ljust(4096, b"."), 0)
            for _ in range(2):
                try:
                    os.fsync(fd)
                    out.append("fsync 0")
                except OSError as e:
                    out.append("fsync " + errno.errorcode[e.errno])
            out.append(f"cache {os.pread(fd, 6, 0)!r}")
            os.close(fd)
            s.heal_and_remount()
            out.append("after remount {!r}".format(open(os.path.join(s.mnt, "f"), "rb").read(4)))
        finally:
            s.close()
        print("%-5s %s" % (fs, ", ".join(out)))


def run(a, work, d):
    """How the workload ended, and what it promised."""
    with tempfile.TemporaryFile() as out, open(os.devnull, "wb") as null:
        if work is not None:
            child = forks.Child(work, (d, *a.args.split()), out.fileno(), null.fileno())
        else:
            cmd = "exec " + a.work.format(dir=d)
            child = subprocess.Popen(cmd, shell=True, stdout=out, stderr=null)
        code = child.wait(120)
        out.seek(0)
        return code, out.read()


def main():
    if sys.argv[1:2] == ["serve"]:
        return serve(*sys.argv[2:6])
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--demo", action="store_true")
    ap.add_argument("--fs", choices=sorted(SIZE), default="ext4")
    ap.add_argument("--work")
    ap.add_argument("--work-py", help="FILE:FUNCTION in place of --work; gets dir and --args")
    ap.add_argument("--args", default="")
    ap.add_argument("--check-py")
    ap.add_argument("--marker", default="rec-")
    ap.add_argument("--from", dest="lo", type=int, default=1)
    ap.add_argument("--to", dest="hi", type=int, default=20)
    ap.add_argument("--seconds", type=float, default=1e9, help="no further run after so long")
    ap.add_argument("--tmp", default=None, help="where the image lies")
    ap.add_argument("--ok", default="", help="how the workload may end; else by no signal")
    ap.add_argument("--sticky", action="store_true", help="all later content writes fail as well")
    a = ap.parse_args()
    if a.demo:
        return demo()
    fn = forks.load(a.check_py)
    work = forks.load(a.work_py) if a.work_py else None
    ok = {int(x) for x in a.ok.split(",") if x}
    bad = hit = runs = 0
    t0 = time.time()
    for n in range(a.lo, a.hi + 1):
        if time.time() - t0 > a.seconds:
            break
        runs += 1
        s = Stack(a.fs, a.marker, a.tmp)
        try:
            s.arm(n, int(a.sticky))
            d = os.path.join(s.mnt, "db")
            code, out = run(a, work, d)
            hit += os.path.exists(s.ctl + ".hit")
            s.heal_and_remount()
            acks = out.split(b"\n")[: out.count(b"\n")]
            why = checked(fn, d, acks) if os.path.isdir(d) else ("directory gone" if acks else None)
            if code == "hang" or code < 0 or (ok and code not in ok):
                why = why or "the workload ended with %s" % code
            if why:
                bad += 1
                print("write %d refused, %d acknowledged: %s" % (n, len(acks), why))
        finally:
            s.close()
    print(
        "%s: runs %d, fault met in %d, failed %d, %.1f s" % (a.fs, runs, hit, bad, time.time() - t0)
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
