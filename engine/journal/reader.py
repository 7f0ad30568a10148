"""Reading commits back: for catch-up, rebuild and replicas, and single ones by their place.

What it is: a stream of checked frames, a few MiB in memory at a time, across segments.
What it is not: it changes nothing and takes no lock; where the journal ends for good is
`open_tail`'s answer (engine/journal/recovery.py). Rules: docs/formats/journal.md.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

from epql.engine.errors import OperationalError
from epql.engine.files import Files
from epql.engine.journal.format import (
    FRAME_HEADER_SIZE,
    Frame,
    Malformed,
    decode_frame,
    decode_frame_header,
    is_newer,
)
from epql.engine.journal.format import frame_length as length_of
from epql.engine.journal.recovery import first_place, next_place
from epql.engine.journal.scan import Scan, from_file
from epql.engine.journal.segments import list_segments, read_header, read_trailer, segment_name
from epql.engine.journal.tail import Tail, damaged, newer


def read_frames(
    files: Files, *, after_tx: int = 0, tail: Tail | None = None, after: Tail | None = None
) -> Iterator[Frame]:
    """Every commit after `after_tx`, in order, each checked: hash, place, chain, tx, instant.

    Shape: up to `tail` if it is given, or as far as whole frames go. `after` is a place from
        which to read on (a tail, or `tail_at(frame)`), so that nothing before it is read.
    Raises: InternalError journal.damaged, naming segment and offset.
    """
    place: Tail | None = after if after is not None else _segment_with(files, after_tx + 1)
    while place is not None:
        place = replace(place, peaks=None)  # the chain is enough here; verify grows the tree
        scan = Scan(from_file(files, place.segment), place, until=tail)
        for frame in scan.frames():
            if frame.tx > after_tx:
                yield frame
        place = _next(files, scan, tail)


def records_of(frame: Frame) -> Iterator[tuple[str, int, memoryview, int]]:
    """The records of a frame that is whole, as `Frame.records` gives them.

    Raises: InternalError journal.damaged for a body that is not what the frame's header says;
        no writer of ours leaves one, whatever happens to it.
    """
    try:
        yield from frame.records()
    except Malformed as error:
        raise damaged(frame.segment, frame.offset, str(error)) from error


def read_frame_at(files: Files, segment: int, offset: int, *, salt: bytes | None = None) -> Frame:
    """The frame at a known place, its hash checked.

    Shape: `salt` is the segment's, if it is known: that saves reading the header.
    Raises: InternalError journal.damaged if no whole frame lies there, OperationalError
        database.version if one of a newer program does.
    """
    data = b""
    try:
        if salt is None:
            salt = read_header(files, segment).salt
        name = segment_name(segment)
        data = files.read(name, offset, _FIRST_READ)
        length = length_of(data[:FRAME_HEADER_SIZE])
        if len(data) < length:
            decode_frame_header(memoryview(data), salt=salt)  # before so much is read for it
            data = files.read(name, offset, length)
        return decode_frame(memoryview(data), segment=segment, offset=offset, salt=salt)
    except Malformed as error:
        if salt is not None and is_newer(data, salt):
            raise newer(segment, offset, str(error)) from error
        raise damaged(segment, offset, str(error)) from error
    except OperationalError as error:
        if error.code != "files.missing":
            raise
        raise damaged(segment, offset, "this segment is missing") from error


_FIRST_READ = 4096
"""Most commits fit; longer ones take a second read."""


def _segment_with(files: Files, tx: int) -> Tail:
    """The start of the segment that holds a commit (or would, if it is still to come)."""
    segments = list_segments(files)
    index = max(0, bisect_right(segments, tx) - 1)
    place = first_place(files, segments[index], whole=index == 0)
    if index:
        before = segments[index - 1]
        trailer = read_trailer(files, before, read_header(files, before).salt)
        place = replace(place, last_recorded_at=trailer.recorded_at)
        if trailer.chain != place.last_digest:
            raise damaged(place.segment, 0, "the segment does not continue the chain")
    return place


def _next(files: Files, scan: Scan, tail: Tail | None) -> Tail | None:
    """Where to read on after a segment: the next one, the same one again, or nowhere."""
    place = scan.tail
    if tail is not None and place.position >= tail.position:
        return None
    later = [s for s in list_segments(files) if s > place.segment]
    if place.sealed:
        if later:
            return next_place(files, place, later[0])
        if tail is not None:
            raise damaged(place.last_tx + 1, 0, "this segment is missing")
        return None
    if not later and tail is None:
        return None
    # What follows shows that this segment goes on: a writer sealed it meanwhile, or it is bad.
    again = Scan(from_file(files, place.segment), place, until=tail)
    if again.run().position == place.position:
        raise damaged(*place.position, again.problem or "the segment ends too early")
    return place
