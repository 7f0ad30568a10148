"""Appending commits to the journal: one group at a time, acknowledged after its sync.

What it is: the one place that writes frames. A group is one write and one sync, and no second
group is in flight before the first is synced (reliability rule J4).
What it is not: it takes no lock (the caller holds it) and stamps no instants. After a failed
write or sync it does nothing more: no second sync, no cutting back, no reading back (J7).
Format: docs/formats/journal.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import msgspec

from epql.engine.clock import LAST
from epql.engine.errors import Error, InterfaceError, InternalError, OperationalError
from epql.engine.files import Files, Handle
from epql.engine.journal import merkle
from epql.engine.journal.format import (
    BACKFILLED,
    SALT_SIZE,
    TRAILER_SIZE,
    SegmentHeader,
    encode_frame,
    encode_trailer,
)
from epql.engine.journal.recovery import Recovery, open_tail
from epql.engine.journal.segments import bear, segment_name
from epql.engine.journal.tail import Tail
from epql.engine.lock import Note, WriterLock

SEGMENT_BYTES_MAX = 16 * 2**20
"""A segment that has reached this size gets no further group."""

DURABILITIES = ("full", "os")


class Pending(msgspec.Struct, frozen=True):
    """One commit to append. `recorded_at` in µs UTC; records are (kind letter, flags, payload)."""

    recorded_at: int
    records: Sequence[tuple[str, int, bytes]]
    backfilled: bool = False


class Appended(msgspec.Struct, frozen=True):
    """Where a commit lies now."""

    tx: int
    digest: bytes
    segment: int
    offset: int
    length: int


class JournalWriter:
    """Appends groups of commits behind `tail`; see the module.

    Shape: `tail` comes from create() or open_tail(repair=True); with `lock` the writer keeps
        the note in LOCK up to date, which followers and the next opener rely on.
    """

    def __init__(
        self,
        files: Files,
        *,
        tail: Tail,
        segment_bytes_max: int = SEGMENT_BYTES_MAX,
        durability: str = "full",
        lock: WriterLock | None = None,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        if durability not in DURABILITIES:
            raise InterfaceError(f"no such durability: {durability}", code="journal.durability")
        if tail.peaks is None:
            raise InterfaceError("this place is good for reading only", code="journal.place")
        self._files = files
        self._tail = tail
        self._segment_bytes_max = segment_bytes_max
        self._syncs = durability == "full"
        self._lock = lock
        self._random = random
        self._handle: Handle | None = None
        self._failure: str | None = None
        self._pid = os.getpid()

    @property
    def tail(self) -> Tail:
        """Where the next frame will lie."""
        return self._tail

    @property
    def last_tx(self) -> int:
        """The last commit's number; 0 if there is none."""
        return self._tail.last_tx

    @property
    def last_digest(self) -> bytes:
        """The last commit's digest: the head of the chain."""
        return self._tail.last_digest

    @property
    def last_recorded_at(self) -> int:
        """The last commit's instant in µs UTC; format.NEVER if there is none."""
        return self._tail.last_recorded_at

    @property
    def failed(self) -> bool:
        """Whether a write or sync failed: the journal must be reopened."""
        return self._failure is not None

    def append(self, frames: Sequence[Pending]) -> list[Appended]:
        """Append a group of commits; when this returns, all of them are durable.

        Shape: consecutive tx numbers from last_tx + 1; instants strictly increasing.
        Units: recorded_at in µs UTC.
        Raises: OperationalError, and then nothing of the group is acknowledged and every
            later append raises journal.failed; DataError journal.frame_too_large and
            InternalError journal.clock, before anything is written.
        """
        self.check_usable()
        if not frames:
            return []
        self._check_instants(frames)
        if self._must_roll():
            self._guarded(self._roll, frames[0].recorded_at)
        data, appended, tail = self._encoded(frames)
        self._guarded(lambda: self._write(data), frames[0].recorded_at)
        self._tail = tail
        self._note_clean()
        return appended

    def refresh(self) -> Recovery:
        """Find the end anew; to be called whenever the lock was taken (J8).

        Cheap when nobody else wrote; reads forward from the known end when somebody did;
        recovers when the last holder did not leave the journal clean.
        Raises: OperationalError, InternalError journal.damaged.
        """
        self.check_usable()
        note = self._lock.read_note() if self._lock is not None else None
        if self._is_current(note):
            return Recovery(self._tail)
        is_same_file = self._handle is not None and self._size_of_current() is not None
        after = self._tail if is_same_file else None
        self.close_handle()
        recovery = self._read_on(after, note)
        if recovery is None:
            recovery = open_tail(self._files, repair=True, lock=self._lock)
        self._tail = recovery.tail
        return recovery

    def _read_on(self, after: Tail | None, note: Note | None) -> Recovery | None:
        """What others wrote and left in order, or None if it needs recovery.

        With durability='os' the note's mark lies before the end; the bytes between are whole,
        and the next sync covers them.
        """
        if note is None or not note.is_clean:
            return None
        recovery = open_tail(self._files, after=after, repair=False, mark=note)
        if recovery.cut_bytes:
            return None
        tail = recovery.tail
        is_marked = tail.segment == note.segment
        return Recovery(replace(tail, synced=note.offset) if is_marked else tail)

    def sync(self) -> None:
        """Make durable what durability='os' has only written."""
        self.check_usable()
        if self._tail.synced == self._tail.offset:
            return
        self._guarded(self._open().sync, 0)
        self._tail = replace(self._tail, synced=self._tail.offset)
        self._note_clean()

    def seal(self) -> None:
        """Seal the segment; whoever appends after that begins another one."""
        self.check_usable()
        if not self._tail.sealed:
            self._guarded(self._seal, 0)
            self._note_clean()

    def close(self) -> None:
        """Sync what is not synced, and let go of the file. A failed writer only lets go."""
        try:
            holds_lock = self._lock is None or self._lock.held
            if not self.failed and holds_lock and os.getpid() == self._pid:
                self.sync()
        finally:
            self.close_handle()

    def close_handle(self) -> None:
        """Let go of the file; the next append opens it again."""
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()

    def check_usable(self) -> None:
        """Raises OperationalError journal.failed, InterfaceError lock.forked."""
        if self._failure is not None:
            raise OperationalError(
                f"the journal is read-only since a write failed ({self._failure})",
                code="journal.failed",
                hint="close the database, see to the cause, and open it again",
            )
        if os.getpid() != self._pid:
            raise InterfaceError(
                "this database was opened before a fork",
                code="lock.forked",
                hint="open the database anew in each process",
            )

    def _check_instants(self, frames: Sequence[Pending]) -> None:
        last = self._tail.last_recorded_at
        for frame in frames:
            if not last < frame.recorded_at <= LAST:
                raise InternalError(
                    f"a commit stamped {frame.recorded_at} µs cannot follow one of {last} µs",
                    code="journal.clock",
                )
            last = frame.recorded_at

    def _encoded(self, frames: Sequence[Pending]) -> tuple[bytes, list[Appended], Tail]:
        """The group's bytes, and where the journal will end with them, synced or not."""
        tail = self._tail
        tx, offset, previous, peaks, count = (
            tail.last_tx, tail.offset, tail.last_digest, tail.peaks, tail.frames,
        )  # fmt: skip
        assert peaks is not None
        chunks: list[bytes] = []
        appended: list[Appended] = []
        records = tail.records
        for frame in frames:
            tx += 1
            data, previous = encode_frame(
                tx=tx,
                offset=offset,
                recorded_at=frame.recorded_at,
                records=frame.records,
                synced_up_to=tail.synced,
                previous=previous,
                salt=tail.salt,
                flags=BACKFILLED if frame.backfilled else 0,
            )
            appended.append(Appended(tx, previous, tail.segment, offset, len(data)))
            chunks.append(data)
            peaks = merkle.grow(peaks, count, previous)
            offset += len(data)
            records += len(frame.records)
            count += 1
        end = Tail(
            tail.database_id,
            tail.segment,
            tail.salt,
            offset,
            offset if self._syncs else tail.synced,
            tx,
            previous,
            frames[-1].recorded_at,
            count,
            records,
            peaks,
        )
        return chunks[0] if len(chunks) == 1 else b"".join(chunks), appended, end

    def _write(self, data: bytes) -> None:
        handle = self._open()
        if handle.stat().size != self._tail.offset:
            raise InternalError(
                "somebody else wrote to the journal; was the lock held?", code="journal.moved"
            )
        handle.write(data)
        if self._syncs:
            handle.sync()

    def _must_roll(self) -> bool:
        tail = self._tail
        return tail.sealed or (tail.frames > 0 and tail.offset >= self._segment_bytes_max)

    def _roll(self) -> None:
        """Seal the segment and make the next one: each step durable before the next."""
        if not self._tail.sealed:
            self._seal()
        self.close_handle()
        tail = self._tail
        header = SegmentHeader(
            tail.database_id, tail.last_tx + 1, self._random(SALT_SIZE), tail.last_digest
        )
        self._tail = bear(self._files, header, tail.last_recorded_at)

    def _seal(self) -> None:
        handle, tail = self._open(), self._tail
        if tail.synced < tail.offset:
            handle.sync()  # the trailer says that all before it is durable
        handle.write(encode_trailer(tail.trailer(), tail.salt))
        handle.sync()
        end = tail.offset + TRAILER_SIZE
        self._tail = replace(tail, offset=end, synced=end, sealed=True)
        self._files.seal(segment_name(tail.segment))

    def _open(self) -> Handle:
        if self._handle is None:
            self._handle = self._files.open(segment_name(self._tail.segment))
        return self._handle

    def _guarded(self, step: Callable[[], None], instant_us: int) -> None:
        """Run a step that changes files; whatever interrupts it ends this writer's work."""
        tail = self._tail
        if self._lock is not None and not self._is_noted(tail):
            self._lock.note("writing", tail.segment, tail.synced, instant_us)
        try:
            step()
        except BaseException as error:
            self._fail(error, tail)
            raise

    def _is_noted(self, tail: Tail) -> bool:
        """Whether LOCK says already that something is being written there: whoever stamps a
        commit notes that first, with an instant that is not after it."""
        assert self._lock is not None
        note = self._lock.read_note()
        return note is not None and (note.state, note.segment, note.offset) == (
            "writing", tail.segment, tail.synced,
        )  # fmt: skip

    def _fail(self, error: BaseException, tail: Tail) -> None:
        """Remember the failure, here and in LOCK. The first cause is what people need."""
        self._failure = "its cause is not known"  # until there is memory for more words
        # If this fails the note still says 'writing', which leads to the same recovery.
        with suppress(Error, MemoryError):
            self._failure = error.message if isinstance(error, Error) else type(error).__name__
            if self._lock is not None:
                self._lock.note("failed", tail.segment, tail.synced)
            self.close_handle()

    def _note_clean(self) -> None:
        if self._lock is None:
            return
        # If this fails the group is durable all the same; the next opener recovers.
        with suppress(OperationalError, MemoryError):
            self._lock.note("clean", self._tail.segment, self._tail.synced)

    def _is_current(self, note: Note | None) -> bool:
        """Whether nothing has changed since this writer's last group."""
        tail = self._tail
        if self._lock is not None:
            if note is None or not note.is_clean:
                return False
            if (note.segment, note.offset) != (tail.segment, tail.synced):
                return False
        return not tail.sealed and self._size_of_current() == tail.offset

    def _size_of_current(self) -> int | None:
        """The size of the open file; None if another one has its name now."""
        own = self._open().stat()
        found = self._files.stat(segment_name(self._tail.segment))
        return own.size if own.identity == found.identity else None
