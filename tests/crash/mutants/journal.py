"""Planted bugs of reading: bytes that are believed though they are wrong."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

from msgspec import structs

from epql.engine.journal import format as layout
from epql.engine.journal import scan, segments, tail
from epql.engine.journal.format import Frame, Malformed, Trailer
from epql.engine.journal.tail import Tail
from tests.crash.mutants.planting import Planting, mutant

WHOLE = "unit_engine/test_journal_witnesses.py"
FAULTS = "unit_engine/test_journal_faults.py"
FLIPS = f"{FAULTS}::test_every_flipped_bit_is_reported_or_a_torn_tail_of_the_last_group"


def _decode(view: memoryview, *, salt: bytes, place: int | None, **given: Any) -> Frame:
    """A frame whose hash is made right before it is looked at; its place too, if one is given."""
    length = given.get("length") or layout.frame_length(view)
    if len(view) < length:
        raise layout.TooShort("the frame is cut off")
    data = bytearray(view[:length])
    if place is not None:
        struct.pack_into("<Q", data, 24, place)
    body = bytes(data[: -layout.DIGEST_SIZE])
    own = layout.digest(salt + body)
    frame = layout_decode(
        memoryview(body + own), segment=given["segment"], offset=given["offset"], salt=salt
    )
    return structs.replace(frame, digest=bytes(data[-layout.DIGEST_SIZE :]), view=view[:length])


layout_decode = layout.decode_frame


@mutant("J3", "the checksum of a frame is not compared", FLIPS)
def checksum_ignored(plant: Planting) -> None:
    def decode(view: memoryview, **given: Any) -> Frame:
        return _decode(view, place=None, **given)

    plant.put_everywhere(layout_decode, decode)


@mutant("J3", "a frame may lie elsewhere than it says", WHOLE)
def place_ignored(plant: Planting) -> None:
    def decode(view: memoryview, **given: Any) -> Frame:
        said = struct.unpack_from("<Q", view, 24)[0] if len(view) > 32 else given["offset"]
        return structs.replace(
            layout_decode(view, **given | {"offset": said}), offset=given["offset"]
        )

    plant.put_everywhere(layout_decode, decode)


@mutant("J3", "a frame's length is believed", WHOLE)
def length_believed(plant: Planting) -> None:
    def frame_length(head: memoryview) -> int:
        if len(head) < layout.FRAME_HEADER_SIZE:
            raise layout.TooShort("the frame header is cut off")
        if head[:4] != layout.FRAME_MAGIC:
            raise Malformed("no frame starts here")
        return max(layout.FRAME_OVERHEAD, int(struct.unpack_from("<I", head, 8)[0]))

    plant.put_everywhere(layout.frame_length, frame_length)


@mutant("J3", "a header found behind damage is believed without its check", WHOLE)
def header_check_ignored(plant: Planting) -> None:
    def decode(view: memoryview, *, salt: bytes) -> layout.FrameHeader:
        length = layout.frame_length(view)
        fields = layout._FRAME.unpack(bytes(view[: layout._FRAME.size]))
        return layout.FrameHeader(fields[5], fields[6], length, fields[8])

    plant.put_everywhere(layout.decode_frame_header, decode)


@mutant("J3", "a frame need not continue the chain", WHOLE)
def chain_ignored(plant: Planting) -> None:
    after = tail.after_frame
    plant.put_everywhere(
        after, lambda at, frame: after(at, structs.replace(frame, previous=at.last_digest))
    )


@mutant("J3", "a transaction number may be left out", WHOLE)
def tx_ignored(plant: Planting) -> None:
    after = tail.after_frame

    def after_frame(at: Tail, frame: Frame) -> Tail:
        return replace(after(at, structs.replace(frame, tx=at.last_tx + 1)), last_tx=frame.tx)

    plant.put_everywhere(after, after_frame)


@mutant("J10", "the instants that are read may go back", WHOLE)
def instants_may_go_back(plant: Planting) -> None:
    after = tail.after_frame

    def after_frame(at: Tail, frame: Frame) -> Tail:
        at = replace(at, last_recorded_at=min(at.last_recorded_at, frame.recorded_at - 1))
        return after(at, frame)

    plant.put_everywhere(after, after_frame)


@mutant("J9", "a trailer need not match what it seals", WHOLE)
def trailer_ignored(plant: Planting) -> None:
    after = tail.after_trailer

    def after_trailer(at: Tail, trailer: Trailer) -> Tail:
        return after(at, at.trailer() if at.peaks is not None else trailer)

    plant.put_everywhere(after, after_trailer)


@mutant("J9", "bytes behind a trailer are not looked at", WHOLE)
def behind_the_trailer(plant: Planting) -> None:
    step = scan.Scan._step

    def stop_at_the_trailer(self: scan.Scan) -> Frame | None:
        return None if self.tail.sealed else step(self)

    plant.put(scan.Scan, "_step", stop_at_the_trailer)
    view = scan.Scan._view

    def nothing_there(self: scan.Scan, offset: int, length: int) -> memoryview:
        return memoryview(b"") if self.tail.sealed else view(self, offset, length)

    plant.put(scan.Scan, "_view", nothing_there)


@mutant("J2", "a segment's header is not checked", FLIPS)
def segment_header_ignored(plant: Planting) -> None:
    def decode(data: bytes) -> layout.SegmentHeader:
        fields = layout._SEGMENT.unpack(bytes(data[: layout._SEGMENT.size]))
        return layout.SegmentHeader(*fields[4:])

    plant.put_everywhere(layout.decode_segment_header, decode)


@mutant("J2", "an unfinished segment counts", FAULTS)
def temporary_counts(plant: Planting) -> None:
    plant.put(segments, "_NAME", segments.re.compile(r"(\d{20})\.log(?:\.tmp)?"))
