"""Walking one segment's frames, and telling a torn tail from damage.

What it is: reads in chunks of a few MiB, checks each frame (hash, place, chain, tx, instant) and
stops where no whole frame lies. What it is not: it changes nothing, and does not know whether
the segment is the last one. Rules: docs/formats/journal.md, "Torn tail or damage".

A reader may look on while a writer appends: it can meet a frame half written. So nothing is
called damage before it was read again after the proof of it was seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from epql.engine.files import Files
from epql.engine.journal.format import (
    FRAME_HEADER_SIZE,
    FRAME_MAGIC,
    TRAILER_MAGIC,
    TRAILER_SIZE,
    Frame,
    Malformed,
    Newer,
    decode_frame,
    decode_frame_header,
    decode_trailer,
    frame_length,
    is_newer,
)
from epql.engine.journal.segments import segment_name
from epql.engine.journal.tail import Tail, after_frame, after_trailer, damaged, newer

Read = Callable[[int, int | None], bytes]
"""Bytes of a segment from an offset, at most so many (None: all)."""

_CHUNK_FIRST = 64 * 2**10
_CHUNK_MAX = 4 * 2**20


def from_file(files: Files, segment: int) -> Read:
    """Read a segment by its name, anew each time: recovery may have put a new file there."""
    name = segment_name(segment)
    return lambda offset, length: files.read(name, offset, length)


def from_bytes(data: bytes) -> Read:
    """Read a segment that is in memory."""
    return lambda offset, length: data[offset : None if length is None else offset + length]


class Scan:
    """One walk along a segment. Afterwards `tail` is the end of what is whole.

    `problem`: None if the bytes end there or at the trailer; otherwise what is wrong with the
    bytes behind: a torn tail, or a frame that is being written at this moment.
    """

    def __init__(self, read: Read, tail: Tail, until: Tail | None = None) -> None:
        self.tail = tail
        self.problem: str | None = None
        self._read = read
        self._until = until
        self._chunk = _CHUNK_FIRST
        self._window = memoryview(b"")
        self._window_start = 0

    def frames(self) -> Iterator[Frame]:
        """Each whole frame. Raises InternalError journal.damaged, naming the place, and
        OperationalError database.version where a newer program has written."""
        until = None if self._until is None else self._until.position
        while until is None or self.tail.position < until:
            frame = self._next()
            if frame is None:
                return
            yield frame

    def run(self) -> Tail:
        """Walk to the end and return it. Raises InternalError journal.damaged."""
        for _frame in self.frames():
            pass
        return self.tail

    def rest(self) -> bytes:
        """The bytes behind the tail."""
        return self._read(self.tail.offset, None)

    def _next(self) -> Frame | None:
        found = self._step()
        if self.problem is not None:
            self._forget()
            found = self._step()
        if self.problem is not None and proves_damage(self.rest(), self.tail):
            self._forget()
            found = self._step()
            if self.problem is not None:
                raise damaged(*self.tail.position, self.problem)
        return found

    def _step(self) -> Frame | None:
        """The next frame; None at the end, at the trailer, or with `problem` set."""
        self.problem = None
        offset = self.tail.offset
        head = self._view(offset, FRAME_HEADER_SIZE)
        if not head:
            return None
        try:
            if self.tail.sealed:
                raise Malformed("there are bytes behind the trailer")
            if head[:4] == TRAILER_MAGIC:
                self._take_trailer()
                return None
            length = frame_length(head)
            if length > _CHUNK_FIRST:
                decode_frame_header(head, salt=self.tail.salt)  # before so much is read for it
            frame = decode_frame(
                self._view(offset, length),
                segment=self.tail.segment,
                offset=offset,
                salt=self.tail.salt,
                length=length,
            )
        except Newer as error:
            if head[:4] == TRAILER_MAGIC or is_newer(head, self.tail.salt):
                raise newer(self.tail.segment, offset, str(error)) from error
            self.problem = str(error)
            return None
        except Malformed as error:
            self.problem = str(error)
            return None
        try:
            self.tail = after_frame(self.tail, frame)
        except Malformed as error:  # whole, but not what was written here: no crash does that
            raise damaged(self.tail.segment, offset, str(error)) from error
        return frame

    def _take_trailer(self) -> None:
        tail = self.tail
        view = self._view(tail.offset, TRAILER_SIZE)
        trailer = decode_trailer(view, offset=tail.offset, salt=tail.salt)
        try:
            self.tail = after_trailer(tail, trailer)
        except Malformed as error:
            raise damaged(tail.segment, tail.offset, str(error)) from error
        if self._view(self.tail.offset, 1):
            raise damaged(*self.tail.position, "there are bytes behind the trailer")

    def _view(self, offset: int, length: int) -> memoryview:
        start = offset - self._window_start
        if start < 0 or start + length > len(self._window):
            self._window = memoryview(self._read(offset, max(length, self._chunk)))
            self._window_start = offset
            self._chunk = min(self._chunk * 4, _CHUNK_MAX)
            start = 0
        return self._window[start : start + length]

    def _forget(self) -> None:
        self._window = memoryview(b"")


def proves_damage(rest: bytes, tail: Tail) -> bool:
    """Whether something behind a bad place shows that the bad place had been synced.

    That is the header of a later frame with a higher synced-up-to, or a trailer: both are
    salted, so that neither a payload nor a stale block can pass for one.
    """
    if tail.sealed:
        return True
    view = memoryview(rest)
    at = rest.find(b"EPQ")
    while at >= 0:
        if at % 8 == 0 and _is_witness(view[at:], tail, tail.offset + at):
            return True
        at = rest.find(b"EPQ", at + 1)
    return False


def _is_witness(view: memoryview, tail: Tail, offset: int) -> bool:
    try:
        if view[:4] == FRAME_MAGIC:
            header = decode_frame_header(view, salt=tail.salt)
            return header.offset == offset and header.synced_up_to > tail.offset
        decode_trailer(view, offset=offset, salt=tail.salt)
    except Malformed:
        return False
    return True
