"""The segments as files: their names, their headers, their birth.

What it is: which segments there are, and how one comes into being complete.
What it is not: it reads no frames. Page: docs/formats/journal.md, "Segments".
"""

from __future__ import annotations

import re

from epql.engine.errors import OperationalError
from epql.engine.files import TEMPORARY, Files, write_atomically
from epql.engine.journal.format import (
    SEGMENT_HEADER_SIZE,
    TRAILER_SIZE,
    Malformed,
    Newer,
    SegmentHeader,
    Trailer,
    decode_segment_header,
    decode_trailer,
    encode_segment_header,
)
from epql.engine.journal.tail import Tail, damaged, newer, start_of

FOLDER = "journal"
_NAME = re.compile(r"(\d{20})\.log")


def segment_name(first_tx: int) -> str:
    """The file of the segment whose first commit is `first_tx`.

    >>> segment_name(1)
    'journal/00000000000000000001.log'
    """
    return f"{FOLDER}/{first_tx:020d}.log"


def list_segments(files: Files) -> list[int]:
    """The first tx of each segment, in order. Raises InternalError if there is none."""
    try:
        names = files.list(FOLDER)
    except OperationalError as error:
        if error.code != "files.missing":
            raise
        names = []
    found = [int(match[1]) for name in names if (match := _NAME.fullmatch(name))]
    if not found:
        raise damaged(1, 0, "there is no segment")
    return found


def remove_temporaries(files: Files) -> None:
    """Remove what interrupted births and recoveries left. Only under the writer's lock."""
    for name in files.list(FOLDER):
        if name.endswith(TEMPORARY):
            files.remove(f"{FOLDER}/{name}")


def read_header(files: Files, segment: int) -> SegmentHeader:
    """A segment's header. A final name with a bad header is damage, never a torn birth.

    Raises: InternalError journal.damaged; OperationalError database.version.
    """
    data = files.read(segment_name(segment), 0, SEGMENT_HEADER_SIZE)
    try:
        header = decode_segment_header(data)
    except Newer as error:
        raise newer(segment, 0, str(error)) from error
    except Malformed as error:
        raise damaged(segment, 0, str(error)) from error
    if header.first_tx != segment:
        raise damaged(segment, 0, f"the header says that it begins at tx {header.first_tx}")
    return header


def read_trailer(files: Files, segment: int, salt: bytes) -> Trailer:
    """A sealed segment's trailer. Raises InternalError journal.damaged."""
    name = segment_name(segment)
    offset = files.stat(name).size - TRAILER_SIZE
    try:
        if offset < SEGMENT_HEADER_SIZE:
            raise Malformed("the segment has no trailer")
        return decode_trailer(files.read(name, offset, TRAILER_SIZE), offset=offset, salt=salt)
    except Newer as error:
        raise newer(segment, offset, str(error)) from error
    except Malformed as error:
        raise damaged(segment, max(offset, 0), str(error)) from error


def bear(files: Files, header: SegmentHeader, last_recorded_at: int) -> Tail:
    """Make a new segment: it appears complete and durable, or not at all.

    Raises: OperationalError; a leftover under a temporary name is ignored by readers.
    """
    write_atomically(files, segment_name(header.first_tx), [encode_segment_header(header)])
    return start_of(header, last_recorded_at)
