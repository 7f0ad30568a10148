"""Catching audit.db up with what every process has written to the chains.

What it is: for each chain that has grown, the frames behind its checkpoint, batch by batch. Each
batch is one transaction of SQLite in which the checkpoint is read and moved, so that several
processes may do it at once.
What it is not: a repair. A torn tail is left out, because its writer may be at it; damage is told
once, and what lies before it is taken in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice

import apsw

from epql.engine.audit.chains import SEGMENT, Chains
from epql.engine.audit.fold import AuditFold, Entry
from epql.engine.errors import InternalError, OperationalError
from epql.engine.files import Files
from epql.engine.index.ask import first
from epql.engine.journal.format import TRAILER_SIZE, Frame, Malformed
from epql.engine.journal.reader import read_frame_at, read_frames
from epql.engine.journal.segments import read_header, read_trailer
from epql.engine.journal.tail import Tail, tail_at

_BATCH_FRAMES = 5000
_BATCH_RECORDS = 20_000
_LOOK_AGAIN = -1
"""`chain.seen` of a chain that does not end with a whole frame."""
_DONE = -2
"""`chain.seen` of a sealed chain that was read to its end: it is not looked at again."""


class Follower:
    """Fills one audit.db from its chains."""

    def __init__(self, db: apsw.Connection, chains: Chains, tell: Callable[[str], None]) -> None:
        self._db = db
        self._chains = chains
        self._say = tell
        self._told: set[str] = set()
        self._fold = AuditFold(db)
        self._version = 0

    def run(self) -> None:
        """Take in all there is. Raises: apsw.Error, OperationalError."""
        seen = dict(self._db.execute("SELECT name, seen FROM chain"))
        names = self._chains.names()
        self.forget(sorted(seen.keys() - set(names)))
        for name in names:
            if seen.get(name) == _DONE:
                continue
            try:
                files = self._chains.files(name)
                if files.stat(SEGMENT).size != seen.get(name):
                    while self._take_batch(name, files):
                        pass
            except OperationalError as error:
                if error.code != "files.missing":  # it is not begun, or was forgotten just now
                    raise

    def behind(self) -> int:
        """Bytes of the chains that are not taken in; one to be looked at counts whole."""
        seen = dict(self._db.execute("SELECT name, seen FROM chain"))
        missing = 0
        for name in self._chains.names():
            known = seen.get(name, 0)
            if known != _DONE:
                with suppress(OperationalError):  # it is not begun, or was forgotten just now
                    missing += self._chains.files(name).stat(SEGMENT).size - max(known, 0)
        return missing

    def forget(self, names: list[str]) -> None:
        """Remove the rows of chains, and what nothing refers to any more."""
        if not names:
            return
        with self._transaction():
            for name in names:
                self._forget_rows(name)
            for sql in (
                "DELETE FROM form WHERE id NOT IN (SELECT form FROM query)",
                "DELETE FROM agent WHERE id NOT IN (SELECT agent FROM query)",
                "DELETE FROM assertion WHERE id NOT IN (SELECT assertion FROM read)",
            ):
                self._db.execute(sql)
            self._fold.forget()

    def _take_batch(self, name: str, files: Files) -> bool:
        """Apply a chain's next frames; whether there may be more."""
        with self._transaction():
            size = files.stat(SEGMENT).size
            number, after = self._checkpoint(name, files)
            frames, problem = _next_frames(files, after)
            if self._fold.apply(_entries(number, frames)):
                self._tell(name, "it holds records that this program cannot read")
            end = after.offset if after is not None else 0
            if frames:
                last = frames[-1]
                end = last.end
                sql = "UPDATE chain SET digest=?, offset=?, last_at=? WHERE id=?"
                self._db.execute(sql, (last.digest, last.offset, last.recorded_at, number))
            seen = size if end == size else _DONE if _is_sealed(files, end) else _LOOK_AGAIN
            sql = "UPDATE chain SET seen=?, problem=? WHERE id=?"
            self._db.execute(sql, (seen, problem, number))
        if problem is not None:
            self._tell(name, problem)
        return _is_full(frames)

    def _checkpoint(self, name: str, files: Files) -> tuple[int, Tail | None]:
        """A chain's number, and the place up to which it was read; one that has not that very
        frame there any more is read again from its start."""
        row = first(self._db, "SELECT id, digest, offset FROM chain WHERE name=?", (name,))
        if row is not None and row[1] is not None:
            with suppress(InternalError):
                frame = read_frame_at(files, 1, row[2])
                if frame.digest == row[1]:
                    return row[0], tail_at(frame)
            self._forget_rows(name)
            row = None
        if row is not None:
            return row[0], None
        self._db.execute("INSERT INTO chain(name, seen) VALUES(?, ?)", (name, _LOOK_AGAIN))
        return self._db.last_insert_rowid(), None

    def _forget_rows(self, name: str) -> None:
        row = first(self._db, "SELECT id FROM chain WHERE name=?", (name,))
        for sql in (
            "DELETE FROM read WHERE query IN (SELECT id FROM query WHERE chain=?)",
            "DELETE FROM query WHERE chain=?",
            "DELETE FROM early WHERE chain=?",
            "DELETE FROM chain WHERE id=?",
        ):
            self._db.execute(sql, row or (None,))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            version = self._db.pragma("data_version")
            if version != self._version:  # somebody else wrote, and may have removed rows
                self._version = version
                self._fold.forget()
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._fold.forget()
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _tell(self, name: str, problem: str) -> None:
        text = f"the audit's chain {name}: {problem}"
        if text not in self._told:
            self._told.add(text)
            self._say(text)


def _next_frames(files: Files, after: Tail | None) -> tuple[list[Frame], str | None]:
    """The next frames of a chain, and the damage behind them (None: nothing, or a torn tail)."""
    frames: list[Frame] = []
    records = 0
    try:
        for frame in islice(read_frames(files, after=after), _BATCH_FRAMES):
            frames.append(frame)
            records += frame.record_count
            if records >= _BATCH_RECORDS:
                break
    except InternalError as error:
        return frames, error.message
    return frames, None


def _is_sealed(files: Files, end: int) -> bool:
    """Whether a chain is sealed at a place."""
    if files.stat(SEGMENT).size != end + TRAILER_SIZE:
        return False
    try:
        return read_trailer(files, 1, read_header(files, 1).salt).offset == end
    except InternalError:
        return False


def _is_full(frames: list[Frame]) -> bool:
    records = sum(frame.record_count for frame in frames)
    return len(frames) == _BATCH_FRAMES or records >= _BATCH_RECORDS


def _entries(chain: int, frames: list[Frame]) -> Iterator[Entry]:
    for frame in frames:
        with suppress(Malformed):  # the frame's hash holds: its writer was wrong
            for kind, _, payload, place in frame.records():
                yield Entry(chain, frame.offset, place, kind, bytes(payload))
