"""The journal: the append-only record of every commit, and the only truth of a database.

Modules in order of use: `format` (bytes), `tail` (a place), `segments` (files), `scan` (walk one
segment), `recovery` (create, find the end), `writer` (append), `reader` (read frames back),
`verify` (look at everything). The page is docs/formats/journal.md.
"""

from epql.engine.journal.format import BACKFILLED, NEVER, Frame, Malformed, encode_frame
from epql.engine.journal.reader import read_frame_at, read_frames
from epql.engine.journal.recovery import Recovery, create, open_tail
from epql.engine.journal.tail import Tail, tail_at
from epql.engine.journal.verify import Expectation, Finding, Report, verify
from epql.engine.journal.writer import SEGMENT_BYTES_MAX, Appended, JournalWriter, Pending

__all__ = [
    "BACKFILLED",
    "NEVER",
    "SEGMENT_BYTES_MAX",
    "Appended",
    "Expectation",
    "Finding",
    "Frame",
    "JournalWriter",
    "Malformed",
    "Pending",
    "Recovery",
    "Report",
    "Tail",
    "create",
    "encode_frame",
    "open_tail",
    "read_frame_at",
    "read_frames",
    "tail_at",
    "verify",
]
