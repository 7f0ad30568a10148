#!/usr/bin/env python3
"""Record the system calls of a workload, then try every state a power cut could have left.

Step 1, record (needs strace):
    python3 crashtrace.py record --root DIR --trace T.txt --acks A.txt -- COMMAND ...
  DIR holds the database; what is already in it is kept as the starting state.
  COMMAND prints a line on standard output each time it promises durability (for example 'ACK 17').

Step 2, replay:
    python3 crashtrace.py replay --trace T.txt --check-py checker.py:check [--model posix|journaled]
    python3 crashtrace.py replay --trace T.txt --check 'python3 checker.py check {dir} {acks}'
  For every crash point (after each call) it builds
    all      everything written so far (what SIGKILL leaves)
    synced   only what a sync call had promised
    drop-i   everything but one un-synced piece
    only-i   one un-synced piece and nothing else un-synced
    zero-i   one un-synced piece whose length arrived but whose bytes are zeros
    junk-i   the same with old garbage in place of zeros
    torn-i   the last write cut short at each 512-byte border and at a few odd places
    rand-n   seeded mixtures of kept, dropped, zeroed and garbage pieces
  A piece is the part of one write that falls in one 4096-byte page, or one directory change, or one
  change of length.  The checker gets the directory and the lines acknowledged before the crash point; it must open the
  database as the product would, and raise (or exit non-zero) if an acknowledged record is missing,
  altered or doubled, if a record that was never written shows up, or if the database cannot go on.

Step 3, crash again while it recovers from the first crash:
    python3 crashtrace.py nested --trace T.txt --check-py checker.py:check -n 20 -- RECOVER {dir}
  takes n random states of step 2, runs RECOVER (open, recover, perhaps append, acknowledge) on each under
  strace, and tries every crash point of that run as well.

Models:  posix      an fsync of a file promises its bytes and length; names need an fsync of the directory
         journaled  as ext4 and xfs do in practice: directory changes become durable in order, and any
                    fsync brings all earlier ones with it

Not seen: stores through mmap (reported as a warning), io_uring, and files outside DIR.
Standard library and strace only; Linux.
"""

import argparse
import hashlib
import importlib.util
import json
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

PAGE = 4096
CALLS = (
    "open,openat,creat,close,write,pwrite64,writev,pwritev,pwritev2,read,pread64,readv,lseek,fsync,"
    "fdatasync,sync_file_range,syncfs,sync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,"
    "mkdirat,rmdir,truncate,ftruncate,fallocate,dup,dup2,dup3,fcntl,mmap,msync,copy_file_range,sendfile,"
    "clone,clone3,fork,vfork,chdir,symlink,symlinkat,io_uring_setup"
)


# ------------------------------------------------------------------ record
def cmd_record(a):
    root = os.path.realpath(a.root)
    os.makedirs(root, exist_ok=True)
    base = a.trace + ".base"
    shutil.rmtree(base, ignore_errors=True)
    shutil.copytree(root, base, symlinks=True)
    acks = os.path.realpath(a.acks)
    known = subprocess.run(
        ["strace", "-e", "trace=" + CALLS, "true"], capture_output=True, text=True
    )
    calls = CALLS
    if known.returncode:  # a call this architecture lacks
        bad = re.findall(r"invalid system call '(\w+)'", known.stderr)
        calls = ",".join(c for c in CALLS.split(",") if c not in bad)
    cmd = [
        "strace",
        "-f",
        "-y",
        "-xx",
        "-s",
        "16777216",
        "--seccomp-bpf",
        "-e",
        "trace=" + calls,
        "-e",
        "raw=read,pread64,readv",
        "-e",
        "signal=none",
        "-o",
        a.trace,
        *a.command,
    ]
    with open(acks, "wb") as out:
        rc = subprocess.run(cmd, stdout=out).returncode
    with open(a.trace + ".meta", "w") as f:
        json.dump({"root": root, "acks": acks, "cwd": os.getcwd(), "rc": rc}, f)
    n = sum(1 for _ in open(a.trace, "rb"))
    print(
        "recorded %d lines, exit status %d, %d acknowledgement lines"
        % (n, rc, sum(1 for _ in open(acks, "rb")))
    )
    return 0


# ------------------------------------------------------------------ parse
LINE = re.compile(r"^(\d+) +(.*)$")
CALL = re.compile(r"^(\w+)\((.*)\)\s+= (-?\d+|\?|0x[0-9a-f]+)(.*)$", re.S)
RESUME = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$", re.S)


def unhex(s):
    return bytes.fromhex(s.replace("\\x", "")) if "\\x" in s else s.encode()


def split_args(s):
    """top-level comma split that knows strings, <paths>, {}, []"""
    out, depth, cur, i, instr = [], 0, [], 0, False
    while i < len(s):
        c = s[i]
        if instr:
            if c == "\\":
                cur.append(s[i : i + 2])
                i += 2
                continue
            if c == '"':
                instr = False
        elif c == '"':
            instr = True
            j = s.find('"', i + 1)  # hex strings hold no quote: jump
            if j > 0 and "\\" in s[i : i + 3]:
                cur.append(s[i : j + 1])
                i = j + 1
                instr = False
                continue
        elif c in "[{(":
            depth += 1
        elif c in "]})":
            depth -= 1
        elif c == "," and depth == 0:
            out.append("".join(cur).strip())
            cur = []
            i += 1
            continue
        cur.append(c)
        i += 1
    if cur:
        out.append("".join(cur).strip())
    return out


FDARG = re.compile(r"^(-?\d+|AT_FDCWD)(?:<(.*)>)?$", re.S)


def fd_of(arg):
    m = FDARG.match(arg)
    if not m:
        return None, None
    n = m.group(1)
    p = m.group(2)
    path = None
    if p is not None:
        p = p.split("<")[0]
        path = unhex(p.replace("(deleted)", "")) if "(deleted)" not in p else None
    return (n if n == "AT_FDCWD" else int(n)), path


def str_of(arg):
    m = re.match(r'^"(.*)"(\.\.\.)?$', arg, re.S)
    if not m:
        return None
    if m.group(2):
        raise SystemExit("a string in the trace was cut; record again with a larger -s")
    return unhex(m.group(1))


def syscalls(path):
    """yields (line, pid, name, argument string, result, start order) in order of completion"""
    pending = {}
    with open(path, errors="surrogateescape") as f:
        for no, line in enumerate(f, 1):
            m = LINE.match(line.rstrip("\n"))
            if not m:
                continue
            pid, rest = int(m.group(1)), m.group(2)
            if rest.endswith("<unfinished ...>"):
                pending[pid] = (no, rest[: -len("<unfinished ...>")].rstrip())
                mm = re.match(r"^(\w+)\(", rest)
                if mm and mm.group(1) in ("fsync", "fdatasync", "syncfs", "sync"):
                    yield no, pid, "~start", "", 0, no
                continue
            start = no
            r = RESUME.match(rest)
            if r:
                start, head = pending.pop(pid, (no, r.group(1) + "("))
                rest = head + r.group(2)
            c = CALL.match(rest)
            if c and c.group(3) != "?":
                res = c.group(3)
                yield no, pid, c.group(1), c.group(2), int(res, 0), start


class Ofd:  # open file description: shared offset
    __slots__ = ("append", "dsync", "off", "path")

    def __init__(self, path, append=False, dsync=False):
        self.path, self.off, self.append, self.dsync = path, 0, append, dsync


def load(trace, ignore):
    """turn the trace into a list of operations on inodes and names below root"""
    meta = json.load(open(trace + ".meta"))
    root = meta["root"].encode()
    ack_path = meta["acks"].encode()
    skip = re.compile(ignore.encode()) if ignore else None
    ino_next = [1]
    names = {}  # path below root (bytes) -> inode, as the process sees it
    files, dirs = {}, {b""}
    for d, subdirs, fs in os.walk((trace + ".base").encode()):
        rel = os.path.relpath(d, (trace + ".base").encode())
        rel = b"" if rel == b"." else rel
        for s in subdirs:
            dirs.add(os.path.join(rel, s))
        for f in fs:
            n = os.path.join(rel, f)
            if skip and skip.search(n):
                continue
            names[n] = ino_next[0]
            files[ino_next[0]] = open(os.path.join(d, f), "rb").read()
            ino_next[0] += 1
    start_names, start_files, start_dirs = dict(names), dict(files), set(dirs)
    size = {i: len(b) for i, b in files.items()}
    ops, warn, tables, starts, cwd = [], set(), {}, {}, {}

    def rel_of(p):
        if p is None:
            return None
        p = os.path.normpath(p)
        if p == root:
            return b""
        if p.startswith(root + b"/"):
            r = p[len(root) + 1 :]
            return None if skip and skip.search(r) else r
        return None

    def resolve(pid, dirarg, s):
        if s is None:
            return None
        if s.startswith(b"/"):
            return s
        if dirarg is not None:
            _, dp = fd_of(dirarg)
            if dp:
                return os.path.join(dp, s)
        return os.path.join(cwd.get(pid, meta["cwd"].encode()), s)

    def add(kind, line, *rest):
        ops.append((kind, line, *rest))

    def table(pid):
        return tables.setdefault(pid, {})

    def do_write(line, pid, fd, path, data, off, dsync):
        if path == ack_path:
            add("ack", line, data)
            return
        r = rel_of(path)
        if r is None or r not in names:
            return
        ino = names[r]
        add("w", line, ino, off, data)
        size[ino] = max(size.get(ino, 0), off + len(data))
        if dsync:
            add("sync", line, ino, len(ops))

    def do_open(line, pid, path, flags, ret):
        r = rel_of(path)
        o = Ofd(path, "O_APPEND" in flags, "O_DSYNC" in flags or "O_SYNC" in flags)
        table(pid)[ret] = o
        if r is None:
            return
        if r not in names and r not in dirs and "O_CREAT" in flags:
            ino = ino_next[0]
            ino_next[0] += 1
            names[r], size[ino] = ino, 0
            add("mk", line, r, ino)
        elif "O_TRUNC" in flags and r in names and size[names[r]]:
            add("t", line, names[r], 0)
            size[names[r]] = 0

    def do_rename(line, old, new):
        a, b = rel_of(old), rel_of(new)
        if a is None and b is None:
            return
        if a in dirs and b is not None:
            for known in [d for d in dirs if is_below(d, a)]:
                dirs.remove(known)
                dirs.add(b + known[len(a) :])
            for known in [n for n in names if is_below(n, a)]:
                names[b + known[len(a) :]] = names.pop(known)
            add("mvdir", line, a, b)
            return
        if a is None or b is None:
            warn.add("rename across the edge of the root at line %d: not modelled" % line)
            return
        if a in names:
            names[b] = names.pop(a)
            add("mv", line, a, b, names[b])

    def do_unlink(line, path, isdir=False):
        r = rel_of(path)
        if r is None:
            return
        if isdir:
            dirs.discard(r)
            add("rmdir", line, r)
        elif r in names:
            add("rm", line, r, names.pop(r))

    for line, pid, name, args, ret, _start in syscalls(trace):
        if name == "~start":
            starts[pid] = len(ops)
            continue
        if name in ("clone", "clone3", "fork", "vfork"):
            if ret > 0:
                t = table(pid)
                tables[ret] = t if "CLONE_FILES" in args else dict(t)
                cwd[ret] = cwd.get(pid, meta["cwd"].encode())
            continue
        if name == "sync":
            add("syncall", line, starts.pop(pid, len(ops)))
            continue
        if ret < 0:
            if name in ("fsync", "fdatasync"):
                starts.pop(pid, None)
                warn.add("a failed %s at line %d: promises nothing" % (name, line))
            continue
        av = split_args(args)
        if name == "io_uring_setup":
            warn.add("io_uring in use: its writes are not in the trace")
        elif name == "chdir":
            p = resolve(pid, None, str_of(av[0]))
            cwd[pid] = p
        elif name == "openat":
            do_open(line, pid, resolve(pid, av[0], str_of(av[1])), av[2], ret)
        elif name in ("open", "creat"):
            fl = av[1] if name == "open" else "O_CREAT|O_TRUNC"
            do_open(line, pid, resolve(pid, None, str_of(av[0])), fl, ret)
        elif name == "close":
            table(pid).pop(fd_of(av[0])[0], None)
        elif name in ("dup", "dup2", "dup3"):
            src = table(pid).get(fd_of(av[0])[0])
            if src:
                table(pid)[ret] = src
        elif name == "fcntl":
            if "F_DUPFD" in av[1]:
                src = table(pid).get(fd_of(av[0])[0])
                if src:
                    table(pid)[ret] = src
        elif name == "lseek":
            o = table(pid).get(fd_of(av[0])[0])
            if o:
                o.off = ret
        elif name in ("read", "readv"):
            o = table(pid).get(int(av[0].split("<")[0], 0))
            if o:
                o.off += ret
        elif name in ("write", "writev"):
            fd, path = fd_of(av[0])
            r = rel_of(path)
            if path != ack_path and r is None:
                continue
            if name == "write":
                data = str_of(av[1])[:ret]
            else:
                data = b"".join(unhex(x) for x in re.findall(r'iov_base="([^"]*)"', args))[:ret]
            o = table(pid).setdefault(fd, Ofd(path))
            off = size.get(names.get(r), 0) if o.append else o.off
            o.off = off + ret
            do_write(line, pid, fd, path, data, off, o.dsync)
        elif name in ("pwrite64", "pwritev", "pwritev2"):
            fd, path = fd_of(av[0])
            if rel_of(path) is None:
                continue
            if name == "pwrite64":
                data, off = str_of(av[1])[:ret], int(av[3])
            else:
                data = b"".join(unhex(x) for x in re.findall(r'iov_base="([^"]*)"', args))[:ret]
                off = int(av[3])
            o = table(pid).get(fd)
            ds = bool(o and o.dsync) or (name == "pwritev2" and "RWF_DSYNC" in args)
            if o and o.append:
                off = size.get(names.get(rel_of(path)), 0)
            do_write(line, pid, fd, path, data, off, ds)
        elif name in ("fsync", "fdatasync"):
            fd, path = fd_of(av[0])
            upto = starts.pop(pid, len(ops))
            r = rel_of(path)
            if r is None:
                continue
            if r in dirs:
                add("dsync", line, r, upto)
            elif r in names:
                add("sync", line, names[r], upto)
        elif name == "syncfs":
            add("syncall", line, starts.pop(pid, len(ops)))
        elif name == "sync_file_range":
            warn.add("sync_file_range at line %d promises nothing: ignored" % line)
        elif name in ("ftruncate", "truncate"):
            path = fd_of(av[0])[1] if name == "ftruncate" else resolve(pid, None, str_of(av[0]))
            r = rel_of(path)
            if r in names:
                add("t", line, names[r], int(av[1]))
                size[names[r]] = int(av[1])
        elif name == "fallocate":
            r = rel_of(fd_of(av[0])[1])
            if r in names:
                end = int(av[2]) + int(av[3])
                if "PUNCH" in av[1] or "ZERO" in av[1]:
                    add("w", line, names[r], int(av[2]), b"\0" * int(av[3]))
                if "KEEP_SIZE" not in av[1] and end > size[names[r]]:
                    add("t", line, names[r], end)
                    size[names[r]] = end
        elif name == "rename":
            do_rename(line, resolve(pid, None, str_of(av[0])), resolve(pid, None, str_of(av[1])))
        elif name in ("renameat", "renameat2"):
            do_rename(line, resolve(pid, av[0], str_of(av[1])), resolve(pid, av[2], str_of(av[3])))
        elif name in ("link", "linkat"):
            a, b = (av[0], av[1]) if name == "link" else (av[1], av[3])
            da, db = (None, None) if name == "link" else (av[0], av[2])
            pa, pb = rel_of(resolve(pid, da, str_of(a))), rel_of(resolve(pid, db, str_of(b)))
            if pa in names and pb is not None:
                names[pb] = names[pa]
                add("mk", line, pb, names[pa])
        elif name == "unlink":
            do_unlink(line, resolve(pid, None, str_of(av[0])))
        elif name == "unlinkat":
            do_unlink(line, resolve(pid, av[0], str_of(av[1])), "AT_REMOVEDIR" in av[2])
        elif name == "rmdir":
            do_unlink(line, resolve(pid, None, str_of(av[0])), True)
        elif name in ("mkdir", "mkdirat"):
            p = (
                resolve(pid, None, str_of(av[0]))
                if name == "mkdir"
                else resolve(pid, av[0], str_of(av[1]))
            )
            r = rel_of(p)
            if r is not None:
                dirs.add(r)
                add("mkdir", line, r)
        elif name == "mmap":
            if "MAP_SHARED" in args and "PROT_WRITE" in args:
                p = fd_of(av[4])[1] if "<" in av[4] else None
                if rel_of(p) is not None:
                    warn.add(
                        f"shared writable mmap of {p.decode()}: stores through it are not in the trace"
                    )
        elif name in ("copy_file_range", "sendfile"):
            warn.add("%s at line %d: bytes not in the trace" % (name, line))
    return meta, ops, (start_names, start_files, start_dirs), sorted(warn)


# ------------------------------------------------------------------ crash states
def is_below(path, folder):
    return path == folder or path.startswith(folder + b"/")


NAMES = ("mk", "mv", "mvdir", "rm", "mkdir", "rmdir")


class Sim:
    """durable state plus the list of changes nothing has promised yet"""

    def __init__(self, start):
        names, files, dirs = start
        self.names, self.dirs = dict(names), set(dirs)
        self.data = {i: bytearray(b) for i, b in files.items()}
        self.pending = []  # (op index, op)
        self.moved = []  # (op index, old, new) of folders that were renamed

    @staticmethod
    def apply_data(buf, op):
        if op[0] == "w":
            off, data = op[3], op[4]
            if off > len(buf):
                buf.extend(b"\0" * (off - len(buf)))
            buf[off : off + len(data)] = data
        else:
            n = op[3]
            if n < len(buf):
                del buf[n:]
            else:
                buf.extend(b"\0" * (n - len(buf)))

    @staticmethod
    def apply_name(names, dirs, op):
        k = op[0]
        if k == "mk":
            names[op[2]] = op[3]
        elif k == "mv":
            if names.get(op[2]) == op[4]:
                del names[op[2]]
            names[op[3]] = op[4]
        elif k == "rm":
            if names.get(op[2]) == op[3]:
                del names[op[2]]
        elif k == "mkdir":
            dirs.add(op[2])
        elif k == "rmdir":
            dirs.discard(op[2])
        elif k == "mvdir":
            a, b = op[2], op[3]
            for d in [d for d in dirs if is_below(d, b)]:  # an empty folder may have been there
                dirs.discard(d)
            for d in [d for d in dirs if is_below(d, a)]:
                dirs.discard(d)
                dirs.add(b + d[len(a) :])
            for n in [n for n in names if is_below(n, a)]:
                names[b + n[len(a) :]] = names.pop(n)

    def now(self, i, path):
        """What a path of operation i is called after the folders renamed since then."""
        for j, a, b in self.moved:
            if j > i and is_below(path, a):
                path = b + path[len(a) :]
        return path

    def make_durable(self, want):
        keep = []
        for i, op in self.pending:
            if want(i, op):
                if op[0] in "wt":
                    self.apply_data(self.data.setdefault(op[2], bytearray()), op)
                else:
                    self.apply_name(self.names, self.dirs, op)
                    if (
                        op[0] == "mvdir"
                    ):  # what is still pending in that folder is so by its new name
                        keep = [(j, self.below(j, o, op[2], op[3])) for j, o in keep]
            else:
                keep.append((i, op))
        self.pending = keep

    @staticmethod
    def below(i, op, a, b):
        if op[0] not in NAMES:
            return op
        move = lambda p: b + p[len(a) :] if isinstance(p, bytes) and is_below(p, a) else p
        return (*op[:2], *map(move, op[2:]))

    def step(self, i, op, model):
        k = op[0]
        if k in ("w", "t", *NAMES):
            self.pending.append((i, op))
            if k == "mvdir":
                self.moved.append((i, op[2], op[3]))
        elif k == "sync":
            self.make_durable(
                lambda j, o: (
                    j < op[3]
                    and (
                        (o[0] in "wt" and o[2] == op[2])
                        or (model == "journaled" and o[0] not in "wt")
                    )
                )
            )
        elif k == "dsync":
            d = op[2]
            self.make_durable(
                lambda j, o: (
                    j < op[3]
                    and o[0] not in "wt"
                    and (
                        model == "journaled"
                        or any(
                            os.path.dirname(self.now(j, p)) == d
                            for p in o[2:4]
                            if isinstance(p, bytes)
                        )
                    )
                )
            )
        elif k == "syncall":
            self.make_durable(lambda j, o: j < op[2])


def cut_pages(op):
    off, data = op[3], op[4]
    at, out = 0, []
    while at < len(data):
        n = min(len(data) - at, PAGE - (off + at) % PAGE)
        out.append(("w", op[1], op[2], off + at, data[at : at + n]))
        at += n
    return out or [op]


def states(ops, start, model, rand, cap, seed, per_point=0):
    """yields (crash point, label, names, dirs, {inode: bytes}, acks)"""
    sim, acks, last_w = Sim(start), b"", None
    rnd = random.Random(seed)
    junk = random.Random(7).randbytes(PAGE)
    for i in range(len(ops) + 1):
        changed = True
        if i:
            op = ops[i - 1]
            changed = op[0] != "x"
            if op[0] == "ack":
                acks += op[2]
            sim.step(i - 1, op, model)
            last_w = op if op[0] == "w" else None
        if not changed:
            continue
        pieces = []
        for _j, op in sim.pending:
            if op[0] == "w":
                pieces.extend(cut_pages(op))
            else:
                pieces.append(op)
        n = len(pieces)

        def build(choice):
            names, dirs, data = dict(sim.names), set(sim.dirs), {}
            meta_ok = True
            for p, c in zip(pieces, choice, strict=False):
                if p[0] in "wt":
                    if c == "D":
                        continue
                    if c == "Z":
                        p = ("w", p[1], p[2], p[3], b"\0" * len(p[4])) if p[0] == "w" else p
                    elif c == "J":
                        p = ("w", p[1], p[2], p[3], junk[: len(p[4])]) if p[0] == "w" else p
                    elif isinstance(c, int):
                        p = ("w", p[1], p[2], p[3], p[4][:c])
                    if p[2] not in data:
                        data[p[2]] = bytearray(sim.data.get(p[2], b""))
                    Sim.apply_data(data[p[2]], p)
                else:
                    if c == "D":
                        meta_ok = meta_ok and model != "journaled"
                        continue
                    if meta_ok:  # journaled: names only ever in order
                        Sim.apply_name(names, dirs, p)
            for ino in names.values():
                if ino not in data:
                    data[ino] = sim.data.get(ino, b"")
            return names, dirs, data

        picks = [("all", ["K"] * n)]
        if n:
            picks.append(("synced", ["D"] * n))
            idx = list(range(n))
            if n > cap:
                idx = sorted(rnd.sample(idx, cap - cap // 4) + idx[-(cap // 4) :])
            for q in dict.fromkeys(idx):
                for tag, base, val in (("drop", "K", "D"), ("only", "D", "K")):
                    c = [base] * n
                    c[q] = val
                    picks.append(("%s-%d" % (tag, q), c))
                if pieces[q][0] == "w":
                    for tag, val in (("zero", "Z"), ("junk", "J")):
                        c = ["K"] * n
                        c[q] = val
                        picks.append(("%s-%d" % (tag, q), c))
            if last_w and pieces[-1][0] == "w":
                m = len(pieces[-1][4])
                off = pieces[-1][3]
                cuts = {1, m // 2, m - 1} | {s - off for s in range(off - off % 512, off + m, 512)}
                for s in sorted(x for x in cuts if 0 < x < m):
                    picks.append(("torn-%d" % s, ["K"] * (n - 1) + [s]))
            for r in range(rand):
                w = rnd.choice(((5, 5, 0, 0), (8, 2, 1, 0), (2, 8, 1, 1), (4, 4, 1, 1)))
                picks.append(("rand-%d" % r, rnd.choices("KDZJ", w, k=n)))
        if per_point and len(picks) > per_point + 1:
            picks = picks[:1] + rnd.sample(picks[1:], per_point)
        for label, choice in picks:
            yield (i, label, *build(choice), acks)


def distinct(ops, start, model, rand, cap, seed, per_point=0, prior=b"", seen=None):
    """the states that differ from all before, as `states` gives them; `seen` to be given again"""
    seen = set() if seen is None else seen
    for point, label, names, dirs, data, acks in states(
        ops, start, model, rand, cap, seed, per_point
    ):
        h = hashlib.blake2b(digest_size=16)
        for n in sorted(names):
            b = bytes(data.get(names[n], b""))
            h.update(n + b"\0%d\0" % len(b))
            h.update(b)
        h.update(repr(sorted(dirs)).encode() + acks)
        k = h.digest()
        if k not in seen:
            seen.add(k)
            yield (
                point,
                label,
                names,
                dirs,
                {i: bytes(data[i]) for i in set(names.values())},
                prior + acks,
            )


def write_state(dst, names, dirs, data):
    os.makedirs(dst)
    for d in sorted(dirs):
        if d:
            os.makedirs(os.path.join(dst.encode(), d), exist_ok=True)
    made = {}
    for n, ino in names.items():
        p = os.path.join(dst.encode(), n)
        if not os.path.isdir(os.path.dirname(p)):
            continue  # its directory did not survive
        if ino in made:
            os.link(made[ino], p)
            continue
        fd = os.open(p, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        view = memoryview(bytes(data.get(ino, b"")))
        while view:
            view = view[os.write(fd, view) :]
        os.close(fd)
        made[ino] = p


CHECK = {}


def init_worker(a):
    if a.check_py:
        path, fn = a.check_py.rsplit(":", 1)
        sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
        spec = importlib.util.spec_from_file_location("crash_checker", path)
        mod = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = mod  # a dataclass of its looks itself up there
        spec.loader.exec_module(mod)
        CHECK["fn"] = getattr(mod, fn)
    CHECK["a"] = a


def run_one(job):
    point, label, names, dirs, data, acks = job
    a = CHECK["a"]
    top = tempfile.mkdtemp(prefix="crash-", dir=a.work)
    d = os.path.join(top, "db")
    try:
        write_state(d, names, dirs, data)
        try:
            if "fn" in CHECK:
                CHECK["fn"](d, acks.split(b"\n")[: acks.count(b"\n")])
            else:
                ap = os.path.join(top, "acks")
                open(ap, "wb").write(acks)
                r = subprocess.run(
                    a.check.format(dir=d, acks=ap),
                    shell=True,
                    capture_output=True,
                    timeout=a.timeout,
                )
                if r.returncode:
                    raise AssertionError(
                        (r.stdout + r.stderr).decode(errors="replace").strip()[-300:]
                    )
        except Exception as e:  # any exception of the checker is a finding
            why = f"{type(e).__name__}: {e}"
            if a.verbose:
                why += "\n" + traceback.format_exc()
            saved = None
            if a.save:
                saved = os.path.join(a.save, "point%d-%s" % (point, label))
                shutil.rmtree(saved, ignore_errors=True)
                write_state(saved, names, dirs, data)
                open(saved + ".acks", "wb").write(acks)
            return point, label, why, saved
        return None
    finally:
        shutil.rmtree(top, ignore_errors=True)


def cmd_replay(a):
    _meta, ops, start, warn = load(a.trace, a.ignore)
    for w in warn:
        print("warning:", w)
    kinds = {}
    for o in ops:
        kinds[o[0]] = kinds.get(o[0], 0) + 1
    print("operations: " + ", ".join("%s %d" % kv for kv in sorted(kinds.items())))
    if a.save:
        os.makedirs(a.save, exist_ok=True)
    prior = open(a.prior_acks, "rb").read() if getattr(a, "prior_acks", None) else b""
    tried, t0, bad = [0], time.time(), []

    def jobs():
        for st in distinct(ops, start, a.model, a.rand, a.cap, a.seed, a.per_point, prior):
            if (a.max and tried[0] >= a.max) or (a.seconds and time.time() - t0 >= a.seconds):
                return
            tried[0] += 1
            yield st

    with multiprocessing.Pool(a.jobs, init_worker, (a,)) as pool:
        for res in pool.imap_unordered(run_one, jobs(), chunksize=8):
            if res:
                bad.append(res)
                if len(bad) <= a.show:
                    print(
                        "FAIL after operation %d (%s), state %s: %s%s"
                        % (
                            res[0],
                            " ".join(str(x)[:40] for x in ops[res[0] - 1][:4])
                            if res[0]
                            else "start",
                            res[1],
                            res[2],
                            "  saved " + res[3] if res[3] else "",
                        )
                    )
    print(
        "crash points %d, distinct states %d, failed %d, %.1f s, model %s, seed %d"
        % (len(ops) + 1, tried[0], len(bad), time.time() - t0, a.model, a.seed)
    )
    return 1 if bad else 0


def cmd_nested(a):
    _meta, ops, start, _ = load(a.trace, a.ignore)
    rnd, pool = random.Random(a.seed), []
    for k, st in enumerate(states(ops, start, a.model, a.rand, a.cap, a.seed, a.per_point)):
        if len(pool) < a.n:
            pool.append((k, st))
        elif rnd.randrange(k + 1) < a.n:  # every state has the same chance
            pool[rnd.randrange(a.n)] = (k, st)
    top, bad = tempfile.mkdtemp(prefix="nested-", dir=a.work), 0
    try:
        for k, (point, label, names, dirs, data, acks) in pool:
            d = os.path.join(top, "s%d" % k)
            write_state(d, names, dirs, {i: bytes(data[i]) for i in set(names.values())})
            open(d + ".prior", "wb").write(acks)
            print("state %d (point %d, %s):" % (k, point, label), end=" ", flush=True)
            r = argparse.Namespace(
                **dict(
                    vars(a),
                    root=d,
                    trace=d + ".trace",
                    acks=d + ".acks",
                    prior_acks=d + ".prior",
                    command=[w.replace("{dir}", d) for w in a.command],
                    max=0,
                    save=None,
                )
            )
            cmd_record(r)
            bad += cmd_replay(r)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    print("nested: %d first crashes, %d with failures" % (len(pool), bad))
    return 1 if bad else 0


def main():
    ap = argparse.ArgumentParser(description="power-cut simulation from a system call trace")
    sub = ap.add_subparsers(dest="cmd", required=True)
    r = sub.add_parser("record")
    r.add_argument("--root", required=True)
    r.add_argument("--trace", required=True)
    r.add_argument("--acks", required=True)
    r.add_argument("command", nargs=argparse.REMAINDER)
    for name in ("replay", "nested"):
        p = sub.add_parser(name)
        p.add_argument("--trace", required=True)
        p.add_argument("--check", help="shell command with {dir} and {acks}")
        p.add_argument("--check-py", help="file.py:function(dir, ack_lines), much faster")
        p.add_argument("--model", choices=("posix", "journaled"), default="posix")
        p.add_argument("--rand", type=int, default=20, help="random mixtures at each crash point")
        p.add_argument(
            "--cap", type=int, default=24, help="most single pieces tried at one crash point"
        )
        p.add_argument(
            "--per-point", type=int, default=0, help="of each crash point, all and so many"
        )
        p.add_argument("--seconds", type=float, default=0, help="stop after so long")
        p.add_argument("--seed", type=int, default=1)
        p.add_argument("--jobs", type=int, default=os.cpu_count())
        p.add_argument(
            "--ignore",
            default=r"-shm$",
            help="files (regular expression) rebuilt at open, left out",
        )
        p.add_argument("--work", default="/dev/shm" if os.path.isdir("/dev/shm") else None)
        p.add_argument("--show", type=int, default=10)
        p.add_argument("--timeout", type=float, default=60)
        p.add_argument("--verbose", action="store_true")
        if name == "replay":
            p.add_argument("--max", type=int, default=0, help="stop after so many distinct states")
            p.add_argument("--save", help="folder that keeps failing states")
            p.add_argument(
                "--prior-acks", help="file of lines acknowledged before the recording began"
            )
        else:
            p.add_argument("-n", type=int, default=20)
            p.add_argument("command", nargs=argparse.REMAINDER)
    a = ap.parse_args()
    if getattr(a, "command", None) and a.command[:1] == ["--"]:
        a.command = a.command[1:]
    if a.cmd == "record":
        return cmd_record(a)
    if not (a.check or a.check_py):
        ap.error("give --check or --check-py")
    return cmd_nested(a) if a.cmd == "nested" else cmd_replay(a)


if __name__ == "__main__":
    sys.exit(main())
