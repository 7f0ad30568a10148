#!/usr/bin/env python3
"""Measure what one durable append costs on the file system that holds DIR.

    python3 fsync_bench.py DIR [-n COUNT] [-s SIZE] [--json]

Each row is one way to make SIZE bytes durable; figures are in milliseconds
over COUNT appends (median, p90, p99, max) and appends per second.
Standard library only; Linux.
"""

import argparse
import json
import os
import statistics
import sys
import time


def pct(sorted_ms, q):
    return sorted_ms[min(len(sorted_ms) - 1, int(len(sorted_ms) * q))]


def run(path, n, size, sync, flags=0, prealloc=None, batch=1, reopen=False):
    if os.path.exists(path):
        os.unlink(path)
    fd = os.open(path, os.O_CREAT | os.O_RDWR | flags, 0o600)
    total = n * size * batch
    if prealloc == "zeros":  # blocks allocated AND written: overwrites change no metadata
        os.close(fd)
        fd = os.open(path, os.O_RDWR)
        left = total
        while left > 0:
            left -= os.write(fd, b"\0" * min(left, 1 << 20))
        os.fsync(fd)
        os.close(fd)
        fd = os.open(path, os.O_RDWR | flags)
    elif prealloc == "fallocate":  # blocks reserved, unwritten: first write converts extents
        os.posix_fallocate(fd, 0, total)
        os.fsync(fd)
    block = os.urandom(size)
    took = []
    off = 0
    for _ in range(n):
        t0 = time.perf_counter()
        for _ in range(batch):
            off += os.pwrite(fd, block, off)
        if sync is not None:
            sync(fd)
        took.append((time.perf_counter() - t0) * 1e3)
    os.close(fd)
    os.unlink(path)
    took.sort()
    return {
        "median_ms": round(statistics.median(took), 4),
        "p90_ms": round(pct(took, 0.90), 4),
        "p99_ms": round(pct(took, 0.99), 4),
        "max_ms": round(took[-1], 3),
        "appends_per_s": round(n * batch / (sum(took) / 1e3)),
    }


def run_newfile(d, n, size):
    """create a file, write, fsync it, fsync the directory (what one new segment costs)"""
    dfd = os.open(d, os.O_RDONLY | os.O_DIRECTORY)
    took = []
    for i in range(n):
        p = os.path.join(d, "fsync_bench_seg_%d" % i)
        t0 = time.perf_counter()
        fd = os.open(p, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        os.write(fd, b"x" * size)
        os.fsync(fd)
        os.fsync(dfd)
        took.append((time.perf_counter() - t0) * 1e3)
        os.close(fd)
    for i in range(n):
        os.unlink(os.path.join(d, "fsync_bench_seg_%d" % i))
    os.close(dfd)
    took.sort()
    return {
        "median_ms": round(statistics.median(took), 4),
        "p90_ms": round(pct(took, 0.9), 4),
        "p99_ms": round(pct(took, 0.99), 4),
        "max_ms": round(took[-1], 3),
        "appends_per_s": round(n / (sum(took) / 1e3)),
    }


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("dir")
    ap.add_argument("-n", type=int, default=1000)
    ap.add_argument("-s", "--size", type=int, default=4096)
    ap.add_argument("--json", action="store_true")
    a = ap.parse_args()
    p = os.path.join(a.dir, "fsync_bench.tmp")
    cases = [
        ("no sync (page cache only)", lambda: run(p, a.n, a.size, None)),
        ("growing file, fsync", lambda: run(p, a.n, a.size, os.fsync)),
        ("growing file, fdatasync", lambda: run(p, a.n, a.size, os.fdatasync)),
        ("growing file, O_DSYNC", lambda: run(p, a.n, a.size, None, os.O_DSYNC)),
        ("growing file, O_SYNC", lambda: run(p, a.n, a.size, None, os.O_SYNC)),
        (
            "fallocate'd file, fdatasync",
            lambda: run(p, a.n, a.size, os.fdatasync, prealloc="fallocate"),
        ),
        ("zero-filled file, fsync", lambda: run(p, a.n, a.size, os.fsync, prealloc="zeros")),
        (
            "zero-filled file, fdatasync",
            lambda: run(p, a.n, a.size, os.fdatasync, prealloc="zeros"),
        ),
        (
            "zero-filled file, O_DSYNC",
            lambda: run(p, a.n, a.size, None, os.O_DSYNC, prealloc="zeros"),
        ),
        (
            "group of 16 appends, one fdatasync",
            lambda: run(p, max(1, a.n // 4), a.size, os.fdatasync, batch=16),
        ),
        (
            "group of 64 appends, one fdatasync",
            lambda: run(p, max(1, a.n // 8), a.size, os.fdatasync, batch=64),
        ),
        ("new file + fsync + directory fsync", lambda: run_newfile(a.dir, min(a.n, 300), a.size)),
    ]
    out = {}
    for name, fn in cases:
        out[name] = fn()
        if not a.json:
            r = out[name]
            print(
                "%-36s median %8.3f  p90 %8.3f  p99 %8.3f  max %8.2f ms  %8d/s"
                % (name, r["median_ms"], r["p90_ms"], r["p99_ms"], r["max_ms"], r["appends_per_s"]),
                flush=True,
            )
    if a.json:
        json.dump(out, sys.stdout, indent=1)
        print()


if __name__ == "__main__":
    main()
