#!/usr/bin/env python3
"""Damage one file of a database in every single-bit (or byte, or sector) way and ask the checker what it sees.

    python3 bitflip.py --db DIR --file NAME --check-py checker.py:verify [--how bits|onebit|bytes|sectors|cuts|swaps] [--range A:B] [--every N]

The checker function verify(dir) must return one of
    'detected'   the damage was reported (an exception whose class name is in --detect counts as detected too;
                 any other exception is a 'crash' and fails)
    'tail'       reported as a torn tail: how much was cut off is told, nothing is shown as whole that is not
    'harmless'   every record came back exactly as written (padding, unused bytes)
and 'missed' in any other case: a wrong, missing or additional record and no report.  'missed' and 'crash' fail.
Before anything is damaged, verify must answer 'harmless'.
verify gets a private copy of DIR and must open it read-only, as the product's verify command would.
    bits     each bit turned           onebit   one bit of each byte, chosen by its place (for large files)
    bytes    each byte set to 0, 255 and one random other value
    sectors  each 512 bytes to zeros, to 255 and to a copy of the sector before
    cuts     the file cut short at each length          swaps   each pair of neighbouring sectors exchanged
"""

import argparse
import collections
import importlib.util
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time

G = {}


def start(a):
    path, name = a.check_py.rsplit(":", 1)
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    spec = importlib.util.spec_from_file_location("flip_checker", path)
    mod = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(mod)
    G["fn"], G["a"] = getattr(mod, name), a
    G["top"] = tempfile.mkdtemp(prefix="flip-", dir=a.work)
    G["db"] = os.path.join(G["top"], "db")
    shutil.copytree(a.db, G["db"])
    G["orig"] = open(os.path.join(a.db, a.file), "rb").read()


def variants(orig, how, lo, hi, every):
    if how == "bits":
        for i in range(lo, hi, every):
            for b in range(8):
                yield i, "bit %d" % b, None, bytes([orig[i] ^ (1 << b)])
    elif how == "onebit":
        for i in range(lo, hi, every):
            b = random.Random(i).randrange(8)
            yield i, "bit %d" % b, None, bytes([orig[i] ^ (1 << b)])
    elif how == "bytes":
        for i in range(lo, hi, every):
            for v in {0, 255, (orig[i] + 1 + random.Random(i).randrange(254)) & 255} - {orig[i]}:
                yield i, "byte %d" % v, None, bytes([v])
    elif how == "sectors":
        for i in range(lo - lo % 512, hi, 512 * every):
            s = orig[i : i + 512]
            for label, new in (
                ("zeros", b"\0" * len(s)),
                ("ones", b"\xff" * len(s)),
                ("stale", orig[max(0, i - 512) : i][: len(s)].ljust(len(s), b"\0")),
            ):
                if new != s:
                    yield i, label, None, new
    elif how == "swaps":
        for i in range(lo - lo % 512, hi - 1023, 512 * every):
            a, b = orig[i : i + 512], orig[i + 512 : i + 1024]
            if a != b:
                yield i, "swap", None, b + a
    else:
        for i in range(lo, hi, every):
            yield i, "cut", i, b""


def one(v):
    off, label, cut, new = v
    a, orig = G["a"], G["orig"]
    p = os.path.join(G["db"], a.file)
    fd = os.open(p, os.O_RDWR)
    try:
        if cut is not None:
            os.ftruncate(fd, cut)
        else:
            os.pwrite(fd, new, off)
        try:
            res = G["fn"](G["db"]) or "missed"
        except Exception as e:
            kinds = {c.__name__ for c in type(e).__mro__}
            res = ("detected (%s)" if kinds & a.detect else "crash (%s)") % type(e).__name__
        if cut is not None:
            os.pwrite(fd, orig[cut:], cut)
        else:
            os.pwrite(fd, orig[off : off + len(new)], off)
        if os.fstat(fd).st_size != len(orig):  # the checker changed the file: put it all back
            os.ftruncate(fd, 0)
            os.pwrite(fd, orig, 0)
    finally:
        os.close(fd)
    return off, label, res


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--db", required=True)
    ap.add_argument("--file", required=True)
    ap.add_argument("--check-py", required=True)
    ap.add_argument(
        "--how", choices=("bits", "onebit", "bytes", "sectors", "cuts", "swaps"), default="bits"
    )
    ap.add_argument("--range", default="0:")
    ap.add_argument("--every", type=int, default=1)
    ap.add_argument("--jobs", type=int, default=os.cpu_count())
    ap.add_argument("--work", default="/dev/shm" if os.path.isdir("/dev/shm") else None)
    ap.add_argument("--show", type=int, default=10)
    ap.add_argument(
        "--detect",
        default="Corrupt,CorruptError,JournalCorrupt,CorruptionError",
        help="class names of the product's documented exceptions for damage",
    )
    a = ap.parse_args()
    a.detect = set(a.detect.split(","))
    start(a)
    try:
        sane = G["fn"](G["db"])
    finally:
        shutil.rmtree(G["top"])
    if sane != "harmless":
        sys.exit(f"verify says {sane!r} of the undamaged database")
    orig = open(os.path.join(a.db, a.file), "rb").read()
    lo, hi = a.range.split(":")
    lo, hi = int(lo or 0), min(int(hi or len(orig)), len(orig))
    count, missed, t0 = collections.Counter(), 0, time.time()
    a.work = tempfile.mkdtemp(prefix="bitflip-", dir=a.work)
    with multiprocessing.Pool(a.jobs, start, (a,)) as pool:
        for off, label, res in pool.imap_unordered(
            one, variants(orig, a.how, lo, hi, a.every), chunksize=64
        ):
            count[res] += 1
            if res == "missed" or res.startswith("crash"):
                missed += 1
                if missed <= a.show:
                    print("%s at byte %d, %s" % (res.upper(), off, label))
    shutil.rmtree(a.work, ignore_errors=True)
    total, sec = sum(count.values()), time.time() - t0
    print(
        "%s, %d bytes, %s: tried %d, missed or crashed %d, %.1f s (%.0f/s)"
        % (a.file, hi - lo, a.how, total, missed, sec, total / max(sec, 0.001))
    )
    for k, n in count.most_common():
        print("    %-32s %d" % (k, n))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
