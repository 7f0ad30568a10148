"""An attacker who rewrites a journal and makes every hash, trailer and link right again.

    commits_of(files)      what a journal holds, as plain values
    build(commits, plan)   a journal of such values: engine.journal.format encodes it anew
    REWRITES               the ways to change either; each takes (random, commits, plan, last)

Each changes something at or before commit number `last`. Not here: who notices (test_rewrites.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random
from typing import Any

import msgspec

from epql.engine.files import Files, MemoryFiles, write_atomically
from epql.engine.journal.format import (
    BACKFILLED,
    NEVER,
    Frame,
    SegmentHeader,
    chain_start,
    decode_frame,
    encode_frame,
    encode_segment_header,
    encode_trailer,
)
from epql.engine.journal.reader import read_frames
from epql.engine.journal.segments import FOLDER, segment_name
from epql.engine.journal.tail import Tail, after_frame, after_trailer, start_of
from epql.engine.records import CommitInfo, Epoch, decode, encode

Entry = tuple[str, int, bytes]
"""A record: kind, flags, payload."""


@dataclass
class Commit:
    """What a frame says, but for where it lies and what it follows."""

    recorded_at: int
    records: list[Entry]
    flags: int = 0


@dataclass(frozen=True)
class Plan:
    """What a journal has beside its commits: identity, salts, where segments end, syncs."""

    database_id: bytes = b"d" * 16
    seed: int = 0
    ends: tuple[int, ...] = (4, 8)
    synced_back: int = 0

    def salt(self, segment: int) -> bytes:
        """The salt of the segment that begins at a commit."""
        return Random(f"{self.seed}/{segment}").randbytes(16)


Commits = list[Commit]
Rewrite = Callable[[Random, Commits, Plan, int], tuple[Commits, Plan]]


def commits_of(files: Files) -> Commits:
    """The commits of a journal."""
    return [_commit(frame) for frame in read_frames(files)]


def _commit(frame: Frame) -> Commit:
    records = [(kind, flags, bytes(payload)) for kind, flags, payload, _ in frame.records()]
    return Commit(frame.recorded_at, records, frame.flags)


def build(commits: Commits, plan: Plan, files: Files | None = None) -> Files:
    """A journal in which everything fits together."""
    files = MemoryFiles() if files is None else files
    files.mkdir(FOLDER)
    previous, last_at = chain_start(plan.database_id), NEVER
    ends = [end for end in sorted(set(plan.ends)) if 0 < end < len(commits)]
    starts = [0, *ends]
    for start, end in zip(starts, [*ends, len(commits)], strict=True):
        header = SegmentHeader(plan.database_id, start + 1, plan.salt(start + 1), previous)
        tail = start_of(header, last_at)
        data = bytearray(encode_segment_header(header))
        for commit in commits[start:end]:
            frame, tail = _append(commit, tail, plan)
            data += frame
        if end != len(commits):
            data += encode_trailer(tail.trailer(), tail.salt)
            tail = after_trailer(tail, tail.trailer())
        write_atomically(files, segment_name(start + 1), [bytes(data)])
        previous, last_at = tail.last_digest, tail.last_recorded_at
    return files


def _append(commit: Commit, tail: Tail, plan: Plan) -> tuple[bytes, Tail]:
    data, _ = encode_frame(
        tx=tail.last_tx + 1,
        offset=tail.offset,
        recorded_at=commit.recorded_at,
        records=_numbered(commit.records, tail.last_tx + 1),
        synced_up_to=max(0, tail.offset - plan.synced_back),
        previous=tail.last_digest,
        salt=tail.salt,
        flags=commit.flags,
    )
    frame = decode_frame(memoryview(data), segment=tail.segment, offset=tail.offset, salt=tail.salt)
    return data, after_frame(tail, frame)


def _numbered(records: list[Entry], tx: int) -> list[Entry]:
    """Records that carry their commit's number, with the number they now have."""
    done = []
    for kind, flags, payload in records:
        record: Any = decode(kind, payload)
        if getattr(record, "tx", tx) != tx:
            payload = encode(msgspec.structs.replace(record, tx=tx))
        done.append((kind, flags, payload))
    return done


# ---------------------------------------------------------------- values


def _edit(random: Random, commits: Commits, plan: Plan, last: int) -> tuple[Commits, Plan]:
    """Another value in a field of a record."""
    commit = commits[random.randrange(last)]
    place = random.randrange(len(commit.records))
    kind, flags, payload = commit.records[place]
    record: Any = decode(kind, payload)
    names = [f.name for f in msgspec.structs.fields(type(record)) if f.name not in _LEFT]
    name = random.choice(names)
    changed = msgspec.structs.replace(record, **{name: _other(random, getattr(record, name))})
    commit.records[place] = (kind, flags, encode(changed))
    return commits, plan


_LEFT = {"tx", "order", "parents", "qualifiers", "body"}


def _other(random: Random, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + random.choice((1, 2, 0.5 if isinstance(value, float) else 3))
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    return None if value is None else value + random.choice("abcxyz")


def _flag(random: Random, commits: Commits, plan: Plan, last: int) -> tuple[Commits, Plan]:
    """A record lands in another state; or a commit is said to have happened elsewhere."""
    commit = commits[random.randrange(last)]
    if random.random() < 0.3:
        commit.flags ^= BACKFILLED
    else:
        place = random.randrange(len(commit.records))
        kind, flags, payload = commit.records[place]
        commit.records[place] = (kind, (flags + 1) % 7, payload)
    return commits, plan


def _remove(random: Random, commits: Commits, plan: Plan, last: int) -> tuple[Commits, Plan]:
    """A record is gone, or a whole commit, and later ones move up."""
    commit = commits[random.randrange(last)]
    if len(commit.records) > 1 and random.random() < 0.5:
        del commit.records[random.randrange(1, len(commit.records))]
    else:
        commits.remove(commit)
    return commits, plan


def _swap(random: Random, commits: Commits, plan: Plan, last: int) -> tuple[Commits, Plan]:
    """Two commits change places (their instants do not), or two records of one or of two."""
    one, other = commits[random.randrange(last)], random.choice(commits)
    if random.random() < 0.5:
        one.records, other.records = other.records, one.records
    else:
        here, there = random.randrange(len(one.records)), random.randrange(len(other.records))
        one.records[here], other.records[there] = other.records[there], one.records[here]
    return commits, plan


def _repeat(random: Random, commits: Commits, plan: Plan, last: int) -> tuple[Commits, Plan]:
    """A commit, or a record, is there twice."""
    place = random.randrange(last)
    commit = commits[place]
    if random.random() < 0.5:
        commit.records.append(random.choice(commit.records))
    else:
        commits.insert(place + 1, replace(commit, records=list(commit.records)))
    return commits, plan


def _insert(random: Random, commits: Commits, plan: Plan, last: int) -> tuple[Commits, Plan]:
    """Something that nobody said, in between."""
    place = random.randrange(last)
    made_up: list[Entry] = [
        ("M", 0, encode(CommitInfo(1, "mallory"))),
        ("E", 0, encode(Epoch(1, f"e{random.randrange(10**6)}", "mallory"))),
    ]
    commits.insert(place, Commit(commits[place].recorded_at, made_up))
    return commits, plan


def _redate(random: Random, commits: Commits, plan: Plan, last: int) -> tuple[Commits, Plan]:
    """A commit is said to be of another instant, between those beside it."""
    commits[random.randrange(last)].recorded_at += random.choice((-400, -1, 1, 400))
    return commits, plan


def _roll_back(random: Random, commits: Commits, plan: Plan, last: int) -> tuple[Commits, Plan]:
    """Back to an older true state; perhaps others follow in place of what was there."""
    kept = random.randrange(last)
    later = [replace(commit, flags=commit.flags ^ BACKFILLED) for commit in commits[kept:]]
    return commits[:kept] + random.choice(([], later)), plan


# ---------------------------------------------------------------- what is around them


def _resalt(random: Random, commits: Commits, plan: Plan, last: int) -> tuple[Commits, Plan]:
    """The same commits, encoded anew under other salts."""
    return commits, replace(plan, seed=plan.seed + random.randrange(1, 10**6))


def _resegment(random: Random, commits: Commits, plan: Plan, last: int) -> tuple[Commits, Plan]:
    """The same commits, in other segments."""
    return commits, replace(plan, ends=(random.randrange(1, last + 1),))


def _resync(random: Random, commits: Commits, plan: Plan, last: int) -> tuple[Commits, Plan]:
    """The same commits, which say that less was synced before them."""
    return commits, replace(plan, synced_back=8 * random.randrange(1, 9))


def _rename(random: Random, commits: Commits, plan: Plan, last: int) -> tuple[Commits, Plan]:
    """The same commits, in a database of another identity."""
    return commits, replace(plan, database_id=random.randbytes(16))


REWRITES: dict[str, Rewrite] = {
    "edited": _edit,
    "flags": _flag,
    "removed": _remove,
    "swapped": _swap,
    "repeated": _repeat,
    "inserted": _insert,
    "dated anew": _redate,
    "rolled back": _roll_back,
    "other salts": _resalt,
    "other segments": _resegment,
    "other syncs": _resync,
    "another identity": _rename,
}


@dataclass
class Rewritten:
    """What an attacker made: which rewrites, and the journal's values."""

    names: list[str]
    commits: Commits
    plan: Plan = field(default_factory=Plan)

    def build(self, files: Files | None = None) -> Files:
        """The journal, all right in itself."""
        return build(self.commits, self.plan, files)


def rewrite(seed: object, commits: Commits, plan: Plan, last: int) -> Rewritten:
    """One to three rewrites at or before commit `last`, drawn from a seed."""
    random = Random(str(seed))
    commits = [replace(commit, records=list(commit.records)) for commit in commits]
    names = []
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        name = random.choice(list(REWRITES))
        commits, plan = REWRITES[name](random, commits, plan, max(1, min(last, len(commits))))
        names.append(name)
        if not commits:
            break
    commits.sort(key=lambda commit: commit.recorded_at)
    for before, after in pairwise(commits):
        after.recorded_at = max(after.recorded_at, before.recorded_at + 1)
    return Rewritten(names, commits, plan)
