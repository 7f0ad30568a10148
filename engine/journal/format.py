"""The bytes of the journal: constants, pack and unpack. No I/O, no clock, no randomness.

What it is: the three things a segment is made of (header, frames, trailer) as values and as bytes.
What it is not: it decides nothing about damage (engine/journal/scan.py, recovery.py) and does
not know what a record means (engine/records.py). The page is docs/formats/journal.md; all
numbers are little-endian, all parts start at a multiple of 8.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import msgspec

from epql.engine.digest import DIGEST_SIZE, digest
from epql.engine.errors import DataError

FORMAT_VERSION = 1
SEGMENT_MAGIC = b"EPQLJSEG"
FRAME_MAGIC = b"EPQF"
TRAILER_MAGIC = b"EPQT"

SALT_SIZE = 16
DATABASE_ID_SIZE = 16
FRAME_SIZE_MAX = 64 * 2**20
"""Bytes of the largest frame; a length above it is never believed."""

BACKFILLED = 1
"""Frame flag: the commit tells history that happened elsewhere."""

NEVER = -(2**63)
"""recorded_at before the first commit: one microsecond after it is the first that can be."""

_SEGMENT = struct.Struct("<8sHHI16sQ16s32s")
_FRAME = struct.Struct("<4sHHIIQQqQ32s")
_TRAILER = struct.Struct("<4sHHIIQQQQq32s32s")
_RECORD = struct.Struct("<IBBH")

CHECK_SIZE = 8
SEGMENT_HEADER_SIZE = _SEGMENT.size + DIGEST_SIZE
FRAME_HEADER_SIZE = _FRAME.size + CHECK_SIZE
FRAME_OVERHEAD = FRAME_HEADER_SIZE + DIGEST_SIZE
TRAILER_SIZE = _TRAILER.size + DIGEST_SIZE
RECORD_HEADER_SIZE = _RECORD.size

_PADDING = tuple(bytes(-n % 8) for n in range(8))
_KIND = {chr(n): n for n in range(33, 127)}
_KIND_LETTER = {n: letter for letter, n in _KIND.items()}


class Malformed(Exception):
    """These bytes are not what they should be. The caller knows whether that is damage."""


class TooShort(Malformed):
    """The bytes end before the frame does."""


class Newer(Malformed):
    """These bytes are whole, and of a version that this program does not read."""


class SegmentHeader(msgspec.Struct, frozen=True):
    """The first 120 bytes of a segment."""

    database_id: bytes
    first_tx: int
    salt: bytes
    previous: bytes


class Trailer(msgspec.Struct, frozen=True):
    """The last 152 bytes of a sealed segment."""

    last_tx: int
    offset: int
    frames: int
    records: int
    recorded_at: int
    root: bytes
    chain: bytes


class Frame(msgspec.Struct, frozen=True):
    """One commit as it lies in a segment. `view` is the whole frame, not a copy.

    `segment` is the segment's first tx; `offset` and `length` are bytes in its file;
    `recorded_at` microseconds UTC; `previous` the digest of the frame before.
    """

    tx: int
    recorded_at: int
    flags: int
    previous: bytes
    digest: bytes
    segment: int
    offset: int
    length: int
    record_count: int
    synced_up_to: int
    salt: bytes
    view: memoryview

    @property
    def end(self) -> int:
        """The offset just past the frame."""
        return self.offset + self.length

    @property
    def is_backfilled(self) -> bool:
        """Whether the commit tells history that happened elsewhere."""
        return bool(self.flags & BACKFILLED)

    def records(self) -> Iterator[tuple[str, int, memoryview, int]]:
        """Each record's kind, flags, payload and offset in the frame, decoded as it is asked for.

        Shape: the payload is a view into the frame; it stays valid as long as it is kept.
        Raises: Malformed if the body is not what its header says (a writer's mistake: the
            frame's hash holds).
        """
        view, at, end = self.view, FRAME_HEADER_SIZE, self.length - DIGEST_SIZE
        unpack = _RECORD.unpack_from
        for _ in range(self.record_count):
            if at + RECORD_HEADER_SIZE > end:
                raise Malformed(f"record at {at} lies outside the frame")
            size, kind, flags, zero = unpack(view, at)
            start = at + RECORD_HEADER_SIZE
            if start + size > end or zero or kind not in _KIND_LETTER:
                raise Malformed(f"record at {at} has a bad header")
            yield _KIND_LETTER[kind], flags, view[start : start + size], at
            at = start + size + (-size % 8)
        if at != end:
            raise Malformed(f"{end - at} bytes behind the last record")

    def record_at(self, at: int) -> tuple[str, int, memoryview]:
        """The record at an offset that `records()` gave. Raises Malformed."""
        end = self.length - DIGEST_SIZE
        if not FRAME_HEADER_SIZE <= at <= end - RECORD_HEADER_SIZE or at % 8:
            raise Malformed(f"no record at {at}")
        size, kind, flags, zero = _RECORD.unpack_from(self.view, at)
        start = at + RECORD_HEADER_SIZE
        if start + size > end or zero or kind not in _KIND_LETTER:
            raise Malformed(f"record at {at} has a bad header")
        return _KIND_LETTER[kind], flags, self.view[start : start + size]


def is_kind(letter: str) -> bool:
    """Whether a record may have this letter for its kind, known to this program or not."""
    return letter in _KIND


def chain_start(database_id: bytes) -> bytes:
    """What the first frame of a database has as its previous digest."""
    return digest(b"EPQL journal" + database_id)


def encode_segment_header(header: SegmentHeader) -> bytes:
    """The first bytes of a segment. Source: docs/formats/journal.md, "Segment header"."""
    head = _SEGMENT.pack(
        SEGMENT_MAGIC,
        FORMAT_VERSION,
        SEGMENT_HEADER_SIZE,
        0,
        header.database_id,
        header.first_tx,
        header.salt,
        header.previous,
    )
    return head + digest(head)


def decode_segment_header(data: bytes | memoryview) -> SegmentHeader:
    """Read a segment's header. Raises Malformed."""
    if len(data) < SEGMENT_HEADER_SIZE:
        raise TooShort("the segment header is cut off")
    head = bytes(data[: _SEGMENT.size])
    magic, version, size, zero, database_id, first_tx, salt, previous = _SEGMENT.unpack(head)
    if magic != SEGMENT_MAGIC:
        raise Malformed("this is not a journal segment")
    if digest(head) != data[_SEGMENT.size : SEGMENT_HEADER_SIZE]:
        raise Malformed("the segment header's checksum does not match")
    _check_version(version)
    if size != SEGMENT_HEADER_SIZE or zero:
        raise Malformed("the segment header has a field that version 1 does not know")
    return SegmentHeader(database_id, first_tx, salt, previous)


def encode_frame(
    *,
    tx: int,
    offset: int,
    recorded_at: int,
    records: Sequence[tuple[str, int, bytes]],
    synced_up_to: int,
    previous: bytes,
    salt: bytes,
    flags: int = 0,
) -> tuple[bytes, bytes]:
    """One commit as bytes, and its digest.

    Shape: records are (kind letter, flags, payload); `previous` 32 bytes, `salt` the segment's 16.
    Units: offset and synced_up_to in bytes from the segment's start; recorded_at in µs UTC.
    Raises: DataError journal.frame_too_large over 64 MiB.
    Source: docs/formats/journal.md, "Frame".
    """
    body = _body(records)
    length = FRAME_OVERHEAD + len(body)
    if length > FRAME_SIZE_MAX:
        raise DataError(
            f"one commit of {length} bytes is over the limit of {FRAME_SIZE_MAX}",
            code="journal.frame_too_large",
            hint="split the work into several transactions",
        )
    head = _FRAME.pack(
        FRAME_MAGIC,
        FORMAT_VERSION,
        flags,
        length,
        len(records),
        tx,
        offset,
        recorded_at,
        synced_up_to,
        previous,
    )
    head += digest(salt + head)[:CHECK_SIZE]
    own = digest(b"".join((salt, head, body)))
    return b"".join((head, body, own)), own


def _body(records: Sequence[tuple[str, int, bytes]]) -> bytes:
    pack, kinds, padding = _RECORD.pack, _KIND, _PADDING
    chunks: list[bytes] = []
    for kind, flags, payload in records:
        size = len(payload)
        chunks += (pack(size, kinds[kind], flags, 0), payload, padding[size & 7])
    return b"".join(chunks)


def frame_length(head: bytes | memoryview) -> int:
    """The length that the bytes at a frame's start claim, once it can be believed.

    Raises: TooShort; Malformed for anything that is not a frame of this version.
    """
    if len(head) < FRAME_HEADER_SIZE:
        raise TooShort("the frame header is cut off")
    if head[:4] != FRAME_MAGIC:
        raise Malformed("no frame starts here")
    version, length = struct.unpack_from("<H2xI", head, 4)
    _check_version(version)
    if not FRAME_OVERHEAD <= length <= FRAME_SIZE_MAX or length % 8:
        raise Malformed(f"a frame cannot have {length} bytes")
    return int(length)


class FrameHeader(msgspec.Struct, frozen=True):
    """What a frame's header says of it, when only the header is known to be whole."""

    tx: int
    offset: int
    length: int
    synced_up_to: int


def decode_frame_header(view: memoryview, *, salt: bytes) -> FrameHeader:
    """Read a frame's header alone, trusting its salted check.

    No payload can hold a header that passes, and it costs one hash of 96 bytes however long
    the frame claims to be. Raises: TooShort, Malformed.
    """
    length = frame_length(view)
    head = bytes(view[: _FRAME.size])
    if digest(salt + head)[:CHECK_SIZE] != view[_FRAME.size : FRAME_HEADER_SIZE]:
        raise Malformed("the frame header's check does not match")
    fields = _FRAME.unpack(head)
    return FrameHeader(tx=fields[5], offset=fields[6], length=length, synced_up_to=fields[8])


def is_newer(head: bytes | memoryview, salt: bytes) -> bool:
    """Whether a frame of another version begins here: its header's check, which every version
    has at the same place, holds. So it is no torn write, and nothing to be cut off."""
    if len(head) < FRAME_HEADER_SIZE or head[:4] != FRAME_MAGIC:
        return False
    if struct.unpack_from("<H", head, 4)[0] == FORMAT_VERSION:
        return False
    check = digest(salt + bytes(head[: _FRAME.size]))[:CHECK_SIZE]
    return check == head[_FRAME.size : FRAME_HEADER_SIZE]


def decode_frame(
    view: memoryview, *, segment: int, offset: int, salt: bytes, length: int | None = None
) -> Frame:
    """Read the frame that starts a view, and check its hash. Not its place in the chain.

    Shape: `length` is what frame_length() said of it, if that was asked already.
    Raises: TooShort if the view ends before the frame; Malformed.
    """
    if length is None:
        length = frame_length(view)
    if len(view) < length:
        raise TooShort("the frame is cut off")
    own = bytes(view[length - DIGEST_SIZE : length])
    if digest(b"".join((salt, view[: length - DIGEST_SIZE]))) != own:
        raise Malformed("the frame's checksum does not match")
    _, _, flags, _, count, tx, place, recorded_at, synced, previous = _FRAME.unpack_from(view)
    if place != offset:
        raise Malformed(f"the frame says that it lies at {place}")
    return Frame(
        tx=tx,
        recorded_at=recorded_at,
        flags=flags,
        previous=previous,
        digest=own,
        segment=segment,
        offset=offset,
        length=length,
        record_count=count,
        synced_up_to=synced,
        salt=salt,
        view=view[:length],
    )


def encode_trailer(trailer: Trailer, salt: bytes) -> bytes:
    """The last bytes of a sealed segment. Source: docs/formats/journal.md, "Trailer"."""
    head = _TRAILER.pack(
        TRAILER_MAGIC,
        FORMAT_VERSION,
        0,
        TRAILER_SIZE,
        0,
        trailer.last_tx,
        trailer.offset,
        trailer.frames,
        trailer.records,
        trailer.recorded_at,
        trailer.root,
        trailer.chain,
    )
    return head + digest(salt + head)


def decode_trailer(data: bytes | memoryview, *, offset: int, salt: bytes) -> Trailer:
    """Read a sealed segment's trailer. Raises TooShort, Malformed."""
    if len(data) < TRAILER_SIZE:
        raise TooShort("the trailer is cut off")
    head = bytes(data[: _TRAILER.size])
    magic, version, flags, size, zero, *rest = _TRAILER.unpack(head)
    if magic != TRAILER_MAGIC:
        raise Malformed("no trailer starts here")
    if digest(salt + head) != data[_TRAILER.size : TRAILER_SIZE]:
        raise Malformed("the trailer's checksum does not match")
    _check_version(version)
    trailer = Trailer(*rest)
    if size != TRAILER_SIZE or flags or zero or trailer.offset != offset:
        raise Malformed("the trailer does not belong here")
    return trailer


def _check_version(version: int) -> None:
    if version != FORMAT_VERSION:
        raise Newer(f"format version {version} is unknown; this program reads version 1")
