"""verify(dir) for bitflip.py: what the toy journal says about a damaged copy."""

import os

import toy_journal as tj


class ReadOnly(tj.Journal):
    def __init__(self, path):
        self.path, self.seq, self.prev, self.records = path, 0, b"\0" * tj.HASH, []
        self.tail_cut = 0
        segs = self.segs()
        for i, name in enumerate(segs):
            if int(name[:8]) != i + 1:
                raise tj.Corrupt("segment missing")
            with open(os.path.join(path, name), "rb") as f:
                data = f.read()
            off = self.scan(name, data, i == len(segs) - 1)
            self.tail_cut = len(data) - off


def verify(path):
    j = ReadOnly(path)
    n = int(os.environ.get("TOY_RECORDS", "300"))
    for i, p in enumerate(j.records):
        if not p.startswith(b"rec-%d-" % (i + 1)) or p.strip(
            bytes([65 + (i + 1) % 26])
        ) != b"rec-%d-" % (i + 1):
            return "missed"
    if len(j.records) == n and not j.tail_cut:
        return "harmless"
    return "tail" if j.tail_cut and len(j.records) == n - 1 else "missed"
