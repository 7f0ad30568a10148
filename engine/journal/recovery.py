"""Creating a journal, and finding its end: after a clean close, a crash, or a failed write.

What it is: the last segment is scanned, earlier ones are judged by their headers and trailers.
Under the writer's lock (`repair=True`) a torn tail is kept aside, and a journal that was not left
clean continues in a new file: after a failed sync the page cache may show bytes that the disk
does not have, and appending to such a file loses acknowledged commits (reliability rule J7).
What it is not: it does not walk the earlier segments (engine/journal/verify.py does).
Rules: docs/formats/journal.md, "Opening".
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from epql.engine.errors import OperationalError
from epql.engine.files import Files, folder_of, write_atomically
from epql.engine.journal.format import NEVER, SALT_SIZE, SegmentHeader, chain_start
from epql.engine.journal.scan import Scan, from_bytes, from_file
from epql.engine.journal.segments import (
    FOLDER,
    bear,
    list_segments,
    read_header,
    read_trailer,
    remove_temporaries,
    segment_name,
)
from epql.engine.journal.tail import Tail, damaged, start_of
from epql.engine.lock import Note, WriterLock


@dataclass(frozen=True, slots=True)
class Recovery:
    """What opening found: the end, and how many bytes behind it are not part of the journal.

    `aside_name`: where those bytes were copied to, under repair; `rewritten`: the last segment
    was copied to a new file, because it had not been left clean.
    """

    tail: Tail
    cut_bytes: int = 0
    aside_name: str | None = None
    rewritten: bool = False

    @property
    def notice(self) -> str | None:
        """What a person is told of what was cut off; None: nothing was."""
        if not self.cut_bytes:
            return None
        return f"{self.cut_bytes} bytes of an unfinished commit were cut off the journal's end" + (
            f" and kept as {self.aside_name}" if self.aside_name else ""
        )


def create(
    files: Files, database_id: bytes, *, random: Callable[[int], bytes] = os.urandom
) -> Tail:
    """Make the journal of a new database: its folder and its first, empty segment.

    Shape: database_id has 16 bytes. The folder, its parent and the segment are durable after.
    Raises: OperationalError journal.exists if there is a segment already.
    """
    files.mkdir(FOLDER)
    files.sync_folder(folder_of(FOLDER))
    if files.exists(segment_name(1)):
        raise OperationalError("there is a journal already", code="journal.exists")
    header = SegmentHeader(database_id, 1, random(SALT_SIZE), chain_start(database_id))
    return bear(files, header, NEVER)


def open_tail(
    files: Files,
    *,
    after: Tail | None = None,
    repair: bool,
    lock: WriterLock | None = None,
    mark: Note | None = None,
    known_tx: int = 0,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Recovery:
    """Find the journal's end; with `repair`, under the writer's lock, put it in order.

    Shape: `after` is a place found before, to read on from there; `lock` gives the note of the
        last writer (without it a journal counts as not left clean, and a reader may see frames
        that are not durable yet), `mark` is a note read before instead;
        `known_tx` is a commit known to be durable, as of the index.
        With repair=False nothing is changed, and the tail lies at or below the durable mark.
    Raises: InternalError journal.damaged, naming segment and offset; OperationalError.
    """
    note = lock.read_note() if lock is not None else mark
    if not repair:
        return _look(files, after, lock, note, known_tx)
    if note is not None and note.is_clean:
        recovery = _look(files, after, None, note, known_tx)
        if _is_left_clean(recovery, note):
            remove_temporaries(files)
            return replace(recovery, tail=replace(recovery.tail, synced=recovery.tail.offset))
    recovery = _repair(files, note, known_tx, now)
    if lock is not None:
        lock.note("clean", *recovery.tail.position)
    return recovery


def _is_left_clean(recovery: Recovery, note: Note) -> bool:
    return not recovery.cut_bytes and recovery.tail.position == (note.segment, note.offset)


def _look(
    files: Files,
    after: Tail | None,
    lock: WriterLock | None,
    note: Note | None,
    known_tx: int,
) -> Recovery:
    """The end as it can be read now. A note read before the scan says what must be there, one
    read after it what may be shown."""
    place = locate_last(files, after)
    if files.stat(segment_name(place.segment)).size < place.offset:
        raise damaged(*place.position, "the segment ends before a place that was read earlier")
    scan = Scan(from_file(files, place.segment), place)
    tail = scan.run()
    cut = len(scan.rest()) if scan.problem else 0
    _check_witnesses(tail, scan.problem, note, known_tx)
    later = lock.read_note() if lock is not None else None
    if later is not None and later.hides and tail.position > (later.segment, later.offset):
        return Recovery(_at_mark(files, place, tail, later))
    return Recovery(tail, cut)


def _at_mark(files: Files, place: Tail, tail: Tail, note: Note) -> Tail:
    """The tail at the durable mark of a note, which lies between `place` and `tail`."""
    if (note.segment, note.offset) <= place.position:
        return place
    mark = replace(tail, offset=note.offset)
    found = Scan(from_file(files, place.segment), place, until=mark).run()
    return replace(found, synced=found.offset)


def _repair(
    files: Files, note: Note | None, known_tx: int, now: Callable[[], datetime]
) -> Recovery:
    """Copy what is valid to a new file. All is judged on one reading: a second could differ."""
    place = locate_last(files, None)
    name = segment_name(place.segment)
    data = files.read(name)
    scan = Scan(from_bytes(data), place)
    tail = scan.run()
    _check_witnesses(tail, scan.problem, note, known_tx)
    remove_temporaries(files)
    rest = data[tail.offset :]
    aside = _keep_aside(files, rest, now()) if rest else None
    write_atomically(files, name, [data[: tail.offset]])
    if tail.sealed:
        files.seal(name)
    return Recovery(replace(tail, synced=tail.offset), len(rest), aside, rewritten=True)


def _keep_aside(files: Files, rest: bytes, now: datetime) -> str:
    name = f"{FOLDER}/torn-{now:%Y%m%dT%H%M%S.%fZ}-{len(rest)}.part"
    write_atomically(files, name, [rest])
    return name


def _check_witnesses(tail: Tail, problem: str | None, note: Note | None, known_tx: int) -> None:
    """Refuse an end that lies before what is known to have been synced (J4)."""
    if note is not None and tail.position < (note.segment, note.offset):
        reason = problem or "the journal ends"
        raise damaged(*tail.position, f"{reason}, but it was synced up to byte {note.offset}")
    if problem is not None and tail.last_tx < known_tx:
        raise damaged(*tail.position, f"{problem}, but tx {known_tx} is known to be durable")


def locate_last(files: Files, after: Tail | None) -> Tail:
    """Where to begin reading the last segment; earlier ones must link up by their trailers.

    Raises: InternalError journal.damaged.
    """
    segments = list_segments(files)
    if after is not None and after.segment == segments[-1]:
        return after
    if after is not None:
        segments = [s for s in segments if s >= after.segment]
    place = first_place(files, segments[0], whole=after is None)
    for segment in segments[1:]:
        place = next_place(files, _behind_trailer(files, place), segment)
    return place


def first_place(files: Files, segment: int, *, whole: bool = True) -> Tail:
    """The start of a segment, taken at its word; `whole`: it must be the first of all."""
    header = read_header(files, segment)
    if whole and (segment != 1 or header.previous != chain_start(header.database_id)):
        raise damaged(1, 0, f"the journal begins at tx {segment}: earlier segments are missing")
    return start_of(header)


def next_place(files: Files, before: Tail, segment: int) -> Tail:
    """The start of a segment that must follow a sealed one."""
    if segment != before.last_tx + 1:
        raise damaged(before.last_tx + 1, 0, "this segment is missing")
    header = read_header(files, segment)
    is_ours = before.database_id in (b"", header.database_id)  # "" for a place that was jumped to
    if not is_ours or header.previous != before.last_digest:
        raise damaged(segment, 0, "the segment does not continue the chain")
    return start_of(header, before.last_recorded_at)


def _behind_trailer(files: Files, place: Tail) -> Tail:
    """The end of a sealed segment, by its trailer alone."""
    trailer = read_trailer(files, place.segment, place.salt)
    return replace(
        place,
        last_tx=trailer.last_tx,
        last_digest=trailer.chain,
        last_recorded_at=trailer.recorded_at,
        sealed=True,
    )
