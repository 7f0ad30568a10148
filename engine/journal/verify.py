"""Looking at a whole journal: every frame, header and trailer, and what else lies there.

What it is: `epql verify`'s reading. It goes on behind damage, to tell all of it.
What it is not: a repair; it never changes anything. Rules: docs/formats/journal.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from epql.engine.errors import Error, InternalError
from epql.engine.files import TEMPORARY, Files
from epql.engine.journal.format import Frame, Malformed, chain_start
from epql.engine.journal.recovery import first_place, next_place
from epql.engine.journal.scan import Scan, from_file
from epql.engine.journal.segments import FOLDER, list_segments
from epql.engine.journal.tail import Tail, damaged

SAME, GROWN, CUT, REWRITTEN, OTHER, UNSEEN = "same", "grown", "cut", "rewritten", "other", "unseen"
"""How a commit that is known from elsewhere stands in the journal: it is the last one, others
follow it, the journal ends before it, another commit has its number, the journal is another
database's, or damage hides the place where it should be."""


class Expectation(msgspec.Struct, frozen=True):
    """A second witness: this commit must be there, and (if given) have this digest.

    Nothing inside a journal can show that whole frames were cut off its end, or that all of it
    was written anew; the index's checkpoint or a head kept elsewhere can.
    `database`: the id of the database it was of; `source`: where it is known from.
    """

    tx: int
    digest: bytes | None = None
    database: bytes | None = None
    source: str = "elsewhere"


class Finding(msgspec.Struct, frozen=True):
    """One thing that is not as it should be. Codes: journal.damaged, journal.record,
    journal.torn_tail, journal.cut, journal.rewritten, journal.other, journal.leftover."""

    code: str
    segment: int
    offset: int
    sentence: str

    @property
    def is_harmless(self) -> bool:
        """Whether the next opening for writing puts it in order without loss."""
        return self.code in ("journal.torn_tail", "journal.leftover")


class Report(msgspec.Struct, frozen=True):
    """What verify saw. `bytes_read` counts what lies in whole frames; `stands` is how each
    expectation stands, in the order of their numbers."""

    findings: tuple[Finding, ...]
    segments: int
    frames: int
    records: int
    bytes_read: int
    last_tx: int
    last_digest: bytes
    database_id: bytes = b""
    stands: tuple[tuple[Expectation, str], ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether nothing acknowledged is lost or changed, as far as the journal can tell."""
        return all(finding.is_harmless for finding in self.findings)


def verify(files: Files, *, expect: Sequence[Expectation] = ()) -> Report:
    """Read everything and report; `expect` are commits known from elsewhere.

    Raises: OperationalError if the files cannot be read; damage is a finding, not an error.
    """
    walk = _Walk(files, expect)
    walk.run()
    return walk.report()


class _Walk:
    def __init__(self, files: Files, expect: Sequence[Expectation]) -> None:
        self._files = files
        self._expect = sorted(expect, key=lambda one: one.tx)
        self._wanted = {one.tx for one in expect}
        self._seen: dict[int, tuple[bytes, int, int]] = {}  # wanted tx -> digest and place
        self._stands: list[tuple[Expectation, str]] = []
        self._findings: list[Finding] = []
        self._segments = self._frames = self._records = self._bytes = 0
        self._tail: Tail | None = None
        self._linked: Tail | None = None  # what the next segment must follow; None behind damage

    def run(self) -> None:
        try:
            segments = list_segments(self._files)
        except InternalError as error:
            self._note(error, 1, 0)
            return
        for segment in segments:
            self._segments += 1
            self._walk_segment(segment, is_last=segment == segments[-1])
        self._check_expectations()
        self._check_leftovers()

    def report(self) -> Report:
        tail = self._tail
        return Report(
            tuple(self._findings),
            self._segments,
            self._frames,
            self._records,
            self._bytes,
            tail.last_tx if tail else 0,
            tail.last_digest if tail else b"",
            tail.database_id if tail else b"",
            tuple(self._stands),
        )

    def _walk_segment(self, segment: int, *, is_last: bool) -> None:
        try:
            place = self._start(segment)
        except InternalError as error:
            self._note(error, segment, 0)
            self._linked = None
            return
        scan = Scan(from_file(self._files, segment), place)
        try:
            for frame in scan.frames():
                self._look_at(frame)
            if not is_last and not scan.tail.sealed:
                raise damaged(*scan.tail.position, scan.problem or "the trailer is missing")
        except InternalError as error:
            self._note(error, *scan.tail.position)
        else:
            if scan.problem:
                self._add_torn(scan)
        self._tail = scan.tail
        self._linked = scan.tail if scan.tail.sealed else None

    def _start(self, segment: int) -> Tail:
        """The segment's start. Behind damage it is taken at its word, so as to read on."""
        before = self._linked
        if before is None:
            return first_place(self._files, segment, whole=self._segments == 1)
        try:
            return next_place(self._files, before, segment)
        except InternalError as error:
            place = first_place(self._files, segment, whole=False)
            self._note(error, segment, 0)
            return place

    def _look_at(self, frame: Frame) -> None:
        self._frames += 1
        self._bytes += frame.length
        try:
            self._records += sum(1 for _ in frame.records())
        except Malformed as error:
            self._add("journal.record", frame.segment, frame.offset, str(error))
        if frame.tx in self._wanted:
            self._seen.setdefault(frame.tx, (frame.digest, frame.segment, frame.offset))

    def _check_expectations(self) -> None:
        for expected in self._expect:
            stand = self._judge(expected)
            self._stands.append((expected, stand))
            self._tell(expected, stand)

    def _judge(self, expected: Expectation) -> str:
        tail = self._tail
        if tail is None:
            return UNSEEN
        if expected.database not in (None, tail.database_id):
            return OTHER
        if expected.tx > tail.last_tx:
            return CUT
        digest = chain_start(tail.database_id)  # what stands for "no commit yet"
        if expected.tx:
            if expected.tx not in self._seen:
                return UNSEEN
            digest = self._seen[expected.tx][0]
        if expected.digest not in (None, digest):
            return REWRITTEN if expected.tx else OTHER
        return SAME if expected.tx == tail.last_tx else GROWN

    def _tell(self, expected: Expectation, stand: str) -> None:
        tail, tx, source = self._tail, expected.tx, expected.source
        assert tail is not None or stand == UNSEEN
        if tail is not None and stand == CUT:
            ends = f"the journal ends at tx {tail.last_tx}; tx {tx} is known from {source}"
            self._add("journal.cut", *tail.position, ends)
        elif tail is not None and stand == OTHER:
            other = f"tx {tx}, known from {source}, is of another database than this"
            self._add("journal.other", 0, 0, f"{other}, {tail.database_id.hex()}")
        elif stand == REWRITTEN:
            _, segment, offset = self._seen[tx]
            sentence = f"tx {tx} is not the commit that is known from {source}"
            self._add("journal.rewritten", segment, offset, sentence)

    def _check_leftovers(self) -> None:
        for name in self._files.list(FOLDER):
            if name.endswith(TEMPORARY):
                self._add("journal.leftover", 0, 0, f"{name} was left by an interrupted step")

    def _add_torn(self, scan: Scan) -> None:
        sentence = f"{len(scan.rest())} bytes of an unfinished write ({scan.problem})"
        self._add("journal.torn_tail", *scan.tail.position, sentence)

    def _note(self, error: Error, segment: int, offset: int) -> None:
        self._add(error.code, segment, offset, error.message)

    def _add(self, code: str, segment: int, offset: int, sentence: str) -> None:
        self._findings.append(Finding(code, segment, offset, sentence))
