"""Where the journal ends: the value that writer, reader and recovery hand to each other.

What it is: a place in the journal, and all that is needed to go on from there (read or append).
What it is not: no I/O; it says nothing about what lies behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from epql.engine.clock import FIRST, LAST
from epql.engine.errors import InternalError, OperationalError
from epql.engine.journal import merkle
from epql.engine.journal.format import (
    NEVER,
    SEGMENT_HEADER_SIZE,
    TRAILER_SIZE,
    Frame,
    Malformed,
    SegmentHeader,
    Trailer,
)


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of the valid part of a journal, or a place in it.

    `segment`: first tx of the segment, its name; `offset`: bytes, just past the last whole frame
    (or past the trailer when `sealed`); `synced`: the offset known to be synced;
    `last_*`: of the last frame, in whatever segment it lies (tx 0 and NEVER if there is none);
    `frames`, `records`, `peaks`: what the trailer will say. `peaks` is None when the
    place was found without reading the segment from its start: good for reading only.
    Tails are equal when they are the same place, whatever is known to be synced.
    """

    database_id: bytes
    segment: int
    salt: bytes
    offset: int
    synced: int = field(compare=False)
    last_tx: int
    last_digest: bytes
    last_recorded_at: int
    frames: int = 0
    records: int = 0
    peaks: merkle.Peaks | None = ()
    sealed: bool = False

    @property
    def position(self) -> tuple[int, int]:
        """(segment, offset): grows along the journal."""
        return self.segment, self.offset

    def trailer(self) -> Trailer:
        """What seals the segment here."""
        assert self.peaks is not None, "a place found by jumping cannot be sealed"
        return Trailer(
            last_tx=self.last_tx,
            offset=self.offset,
            frames=self.frames,
            records=self.records,
            recorded_at=self.last_recorded_at,
            root=merkle.root(self.peaks),
            chain=self.last_digest,
        )


def start_of(header: SegmentHeader, last_recorded_at: int = NEVER) -> Tail:
    """The place before a segment's first frame."""
    return Tail(
        database_id=header.database_id,
        segment=header.first_tx,
        salt=header.salt,
        offset=SEGMENT_HEADER_SIZE,
        synced=SEGMENT_HEADER_SIZE,
        last_tx=header.first_tx - 1,
        last_digest=header.previous,
        last_recorded_at=last_recorded_at,
    )


def after_frame(tail: Tail, frame: Frame) -> Tail:
    """The place behind a frame that follows `tail`.

    Raises: Malformed if the frame is whole but does not follow (chain, tx, instant).
    """
    if frame.previous != tail.last_digest:
        raise Malformed("the frame does not continue the chain")
    if frame.tx != tail.last_tx + 1:
        raise Malformed(f"tx {frame.tx} follows tx {tail.last_tx}")
    if frame.recorded_at <= tail.last_recorded_at:
        raise Malformed("the frame is not recorded later than the one before")
    if not FIRST <= frame.recorded_at <= LAST:
        raise Malformed("the frame is recorded at no instant of the calendar")
    return Tail(
        tail.database_id,
        tail.segment,
        tail.salt,
        frame.offset + frame.length,
        max(tail.synced, frame.synced_up_to),
        frame.tx,
        frame.digest,
        frame.recorded_at,
        tail.frames + 1,
        tail.records + frame.record_count,
        None if tail.peaks is None else merkle.grow(tail.peaks, tail.frames, frame.digest),
    )


def after_trailer(tail: Tail, trailer: Trailer) -> Tail:
    """The place behind the trailer. Raises Malformed if it does not fit the frames read."""
    said = (trailer.last_tx, trailer.recorded_at, trailer.chain)
    if said != (tail.last_tx, tail.last_recorded_at, tail.last_digest):
        raise Malformed("the trailer does not continue the chain")
    if tail.peaks is not None and trailer != tail.trailer():
        raise Malformed("the trailer does not match the frames before it")
    end = tail.offset + TRAILER_SIZE
    return replace(tail, offset=end, synced=end, sealed=True)


def tail_at(frame: Frame, database_id: bytes = b"") -> Tail:
    """The place behind a frame that was read alone: good for reading on, not for appending."""
    return Tail(
        database_id=database_id,
        segment=frame.segment,
        salt=frame.salt,
        offset=frame.end,
        synced=frame.synced_up_to,
        last_tx=frame.tx,
        last_digest=frame.digest,
        last_recorded_at=frame.recorded_at,
        peaks=None,
    )


def damaged(segment: int, offset: int, reason: str) -> InternalError:
    """The error for a journal that cannot be read: it names the place."""
    return InternalError(
        f"the journal is damaged at {segment:020d}.log, byte {offset}: {reason}",
        code="journal.damaged",
        hint="nothing was changed; restore that segment from a copy, or run epql verify",
    )


def newer(segment: int, offset: int, reason: str) -> OperationalError:
    """The error for a journal that a newer program has written: nothing is wrong with it."""
    return OperationalError(
        f"the journal was written by a newer program: {segment:020d}.log, byte {offset}: {reason}",
        code="database.version",
        hint="install a newer epql",
    )
