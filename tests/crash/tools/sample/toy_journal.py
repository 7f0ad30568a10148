#!/usr/bin/env python3
"""A deliberately tiny append-only journal: the subject the tools are tried on.

It exists only so that every tool in this folder can be shown to catch the bug it is
meant to catch.  TOY_BUG=<name> switches one planted bug on:

  nosync        acknowledges without fsync
  ackfirst      acknowledges before the bytes leave the process
  nodirsync     does not fsync the directory after creating a segment
  nochecksum    accepts any frame whose length fits
  notruncate    recovery leaves the torn tail in place, new frames go behind it
  eatcorruption a bad frame in the middle is taken for a torn tail
  retryfsync    retries fsync after EIO and trusts the second answer
  trustcache    recovery after a failed fsync believes the page cache, and appends to the same file
  rewriteinplace  recovery writes the same bytes once more and fsyncs: enough on xfs and btrfs, not on ext4
  shortwrite    ignores the count returned by write
  enospcgo      after a failed write goes on appending behind the partial frame
  groupframes   writes four frames, one fsync, then four acknowledgements: a power cut can keep a later
                frame and lose an earlier one, and recovery takes that for damage and refuses to open

Commands:
  toy_journal.py write DIR COUNT [SIZE]   append COUNT records, print 'ACK n' after each is durable
  toy_journal.py check DIR ACKFILE        recover, check every acknowledged record, append one, reopen, check again
"""

import fcntl
import hashlib
import os
import struct
import sys

BUG = os.environ.get("TOY_BUG", "")
SEG_LIMIT = int(os.environ.get("TOY_SEG", "4096"))
MAGIC = b"TOYJ0001"
HEAD = struct.Struct("<IQ16s")  # payload length, sequence number, hash of the frame before
HASH = 16  # own hash, behind the payload: a frame can be judged without its neighbours
MAXLEN = 1 << 20


class Corrupt(Exception):
    pass


def digest(head, payload):
    return hashlib.blake2b(head + payload, digest_size=HASH).digest()


def full_write(fd, data):
    if BUG == "shortwrite":
        os.write(fd, data)
        return
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


class Journal:
    def __init__(self, path):
        self.path = path
        os.makedirs(path, exist_ok=True)
        self.dirsync(os.path.dirname(os.path.abspath(path)))
        self.lock = os.open(os.path.join(path, "lock"), os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.broken = False
        self.fd = None
        self.seq = 0
        self.prev = b"\0" * HASH
        self.records = []
        self.tail_cut = 0
        self.recover()

    def segs(self):
        return sorted(n for n in os.listdir(self.path) if n.endswith(".log"))

    def dirsync(self, path=None):
        if BUG == "nodirsync":
            return
        d = os.open(path or self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(d)
        finally:
            os.close(d)

    def recover(self):
        segs = self.segs()
        for i, name in enumerate(segs):
            last = i == len(segs) - 1
            full = os.path.join(self.path, name)
            if int(name[:8]) != i + 1:
                raise Corrupt("segment %s where %08d was due" % (name, i + 1))
            with open(full, "rb") as f:
                data = f.read()
            off = self.scan(name, data, last)
            if last:
                if off < len(data):
                    self.tail_cut = len(data) - off
                    if BUG == "notruncate":
                        off = len(data)
                # What was read may be only in the page cache, and after an earlier failed fsync those pages
                # count as clean: another fsync, even a rewrite in place on ext4, does not bring them to the
                # disk.  So a reopened segment is copied to a new file, which then takes its name.
                if BUG == "trustcache":
                    self.fd = os.open(full, os.O_RDWR)
                    os.ftruncate(self.fd, off)
                elif BUG == "rewriteinplace":
                    self.fd = os.open(full, os.O_RDWR)
                    os.ftruncate(self.fd, off)
                    full_write(self.fd, data[:off])
                else:
                    self.fd = os.open(full + ".tmp", os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600)
                    full_write(self.fd, data[:off])
                os.fsync(self.fd)
                if BUG not in ("trustcache", "rewriteinplace"):
                    os.rename(full + ".tmp", full)
                os.lseek(self.fd, 0, os.SEEK_END)
                self.dirsync()
        if self.fd is None:
            self.new_segment(1)
        self.segno = max(1, len(segs))

    def scan(self, name, data, last):
        if data[:8] != MAGIC:
            raise Corrupt("bad segment header in " + name)  # it was synced before the name existed
        off = 8
        while off < len(data):
            ok, end = False, off
            if off + HEAD.size + HASH <= len(data):
                head = data[off : off + HEAD.size]
                n, seq, prev = HEAD.unpack(head)
                end = off + HEAD.size + n + HASH
                if n <= MAXLEN and end <= len(data):
                    payload = data[off + HEAD.size : end - HASH]
                    good = digest(head, payload)
                    ok = BUG == "nochecksum" or good == data[end - HASH : end]
                    if ok and BUG != "nochecksum" and (seq != self.seq + 1 or prev != self.prev):
                        raise Corrupt("whole frame in the wrong place at %s:%d" % (name, off))
            if not ok:
                if not last:
                    raise Corrupt("bad frame at %s:%d" % (name, off))
                if BUG != "eatcorruption" and self.later_frame(data, off + 1):
                    raise Corrupt("bad frame at %s:%d with good frames behind it" % (name, off))
                return off
            self.records.append(payload)
            self.seq = seq
            self.prev = data[end - HASH : end]
            off = end
        return off

    def later_frame(self, data, start):
        """a whole frame behind the bad one proves that the bad one is damage, not a torn tail"""
        for off in range(start, len(data) - HEAD.size - HASH + 1):
            n, seq, _ = HEAD.unpack_from(data, off)
            end = off + HEAD.size + n + HASH
            if self.seq < seq < self.seq + 100000 and n <= MAXLEN and end <= len(data):
                if (
                    digest(data[off : off + HEAD.size], data[off + HEAD.size : end - HASH])
                    == data[end - HASH : end]
                ):
                    return True
        return False

    def new_segment(self, no):
        name = os.path.join(self.path, "%08d.log" % no)
        fd = os.open(name + ".tmp", os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600)
        full_write(fd, MAGIC)
        os.fsync(fd)
        os.rename(name + ".tmp", name)
        self.dirsync()
        if self.fd is not None:
            os.close(self.fd)
        self.fd, self.segno = fd, no

    def append(self, payload, ack):
        if self.broken and BUG not in ("enospcgo", "retryfsync"):
            raise OSError("journal is read-only after a failed write or fsync")
        if os.lseek(self.fd, 0, os.SEEK_CUR) > SEG_LIMIT:
            self.new_segment(self.segno + 1)
        head = HEAD.pack(len(payload), self.seq + 1, self.prev)
        d = digest(head, payload)
        if BUG == "ackfirst":
            ack(self.seq + 1)
        try:
            full_write(self.fd, head + payload + d)
            if BUG == "groupframes" and (self.seq + 1) % 4:
                self.waiting = [*getattr(self, "waiting", []), self.seq + 1]
                self.seq += 1
                self.prev = d
                self.records.append(payload)
                return
            if BUG != "nosync":
                try:
                    os.fsync(self.fd)
                except OSError:
                    if BUG != "retryfsync":
                        raise
                    os.fsync(self.fd)
        except OSError:
            self.broken = True
            raise
        self.seq += 1
        self.prev = d
        self.records.append(payload)
        if BUG != "ackfirst":
            for n in [*getattr(self, "waiting", []), self.seq]:
                ack(n)
            self.waiting = []

    def close(self):
        os.close(self.fd)
        os.close(self.lock)


def payload_for(n, size):
    return (b"rec-%d-" % n).ljust(size, bytes([65 + n % 26]))


def say(n):
    os.write(1, b"ACK %d\n" % n)


def cmd_write(path, count, size):
    j = Journal(path)
    for _ in range(count):
        try:
            j.append(payload_for(j.seq + 1, size + (j.seq * 37) % 200), say)
        except OSError as e:
            os.write(2, b"append failed: %s\n" % str(e).encode())
            if BUG == "enospcgo":
                continue
            return 3
    return 0


def check(path, acks):
    """raises unless every acknowledged record is there, in order and whole; also after one more append"""
    want = max([int(a.split()[1]) for a in acks if a.startswith(b"ACK ")], default=0)
    for extra in (0, 1):
        j = Journal(path)
        got = j.records
        if len(got) < want:
            raise AssertionError("acknowledged %d, found %d" % (want, len(got)))
        for i, p in enumerate(got):
            if not p.startswith(b"rec-%d-" % (i + 1)) or p.strip(
                bytes([65 + (i + 1) % 26])
            ) != b"rec-%d-" % (i + 1):
                raise AssertionError("record %d is not what was written" % (i + 1))
        if not extra:
            j.append(payload_for(j.seq + 1, 50), lambda n: None)
            want = len(got)
            want = max(want, j.seq)
        j.close()


if __name__ == "__main__":
    if sys.argv[1] == "write":
        sys.exit(
            cmd_write(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 100)
        )
    elif sys.argv[1] == "check":
        with open(sys.argv[3], "rb") as f:
            text = f.read()
        check(sys.argv[2], text.split(b"\n")[: text.count(b"\n")])
        print("ok")
    else:
        sys.exit(__doc__)
