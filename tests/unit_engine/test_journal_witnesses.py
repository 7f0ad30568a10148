"""Frames that are whole and still wrong: at another place, of another chain, out of order."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from epql.engine.digest import digest
from epql.engine.errors import InterfaceError, InternalError, OperationalError
from epql.engine.files import MemoryFiles, OsFiles
from epql.engine.journal import (
    Expectation,
    JournalWriter,
    Pending,
    Tail,
    create,
    encode_frame,
    open_tail,
    read_frame_at,
    read_frames,
    tail_at,
    verify,
)
from epql.engine.journal import format as layout
from epql.engine.journal.format import (
    FRAME_SIZE_MAX,
    TRAILER_SIZE,
    SegmentHeader,
    decode_segment_header,
    encode_segment_header,
    encode_trailer,
)
from epql.engine.journal.scan import Scan
from epql.engine.journal.segments import list_segments, segment_name
from epql.engine.journal.tail import start_of
from epql.engine.lock import Note, WriterLock, _boot_id, encode_note
from tests.unit_engine.test_journal_faults import ID, FaultyFiles, build, commit, refuse, with_bytes

NAME = segment_name(1)


def frame_behind(tail: Tail, **wrong: Any) -> bytes:
    """The next frame, its hash right, with something else in it."""
    fields: dict[str, Any] = {
        "tx": tail.last_tx + 1,
        "offset": tail.offset,
        "recorded_at": tail.last_recorded_at + 1,
        "records": [("M", 0, b"m")],
        "synced_up_to": tail.offset,
        "previous": tail.last_digest,
        "salt": tail.salt,
    }
    return encode_frame(**fields | wrong)[0]


def behind(files: MemoryFiles, data: bytes) -> MemoryFiles:
    return with_bytes(files, NAME, files.read(NAME) + data)


def assert_damaged(files: MemoryFiles, offset: int, *, by_reading: bool = True) -> None:
    looks: list[Callable[[], object]] = [
        lambda: open_tail(files, repair=True),
        lambda: open_tail(files, repair=False),
    ]
    for look in [*looks, lambda: list(read_frames(files))][: 3 if by_reading else 2]:
        with pytest.raises(InternalError) as caught:
            look()
        assert caught.value.code == "journal.damaged"
    (finding,) = verify(files).findings
    assert (finding.code, finding.offset) == ("journal.damaged", offset)


@pytest.mark.parametrize(
    "wrong",
    [
        {"previous": bytes(32)}, {"tx": 3}, {"tx": 5}, {"recorded_at": 30}, {"recorded_at": 29},
    ],
)  # fmt: skip
def test_a_whole_frame_that_does_not_follow_is_damage(wrong: dict[str, Any]) -> None:
    files = build(3)
    tail = open_tail(files, repair=False).tail
    assert_damaged(behind(files, frame_behind(tail, **wrong)), tail.offset)


@pytest.mark.parametrize("wrong", [{"salt": bytes(16)}, {"offset": 120}])
def test_a_frame_of_another_place_is_no_frame(wrong: dict[str, Any]) -> None:
    files = build(3)
    tail = open_tail(files, repair=False).tail
    stale = behind(files, frame_behind(tail, **wrong))
    assert [frame.tx for frame in read_frames(stale)] == [1, 2, 3]
    with pytest.raises(InternalError) as caught:
        read_frame_at(stale, 1, tail.offset)
    assert caught.value.code == "journal.damaged"
    recovery = open_tail(stale, repair=True)
    assert recovery.tail.last_tx == 3 and recovery.cut_bytes and recovery.aside_name


@pytest.mark.parametrize("length", [2**32 - 8, FRAME_SIZE_MAX + 8, 8, 0])
def test_a_length_that_cannot_be_is_not_asked_for(
    length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On disk, asking for so many bytes would take that much memory."""
    files = build(2)
    tail = open_tail(files, repair=False).tail
    hostile = bytearray(frame_behind(tail))
    hostile[8:12] = length.to_bytes(4, "little")
    bad = behind(files, bytes(hostile))
    read, asked = bad.read, []

    def note(name: str, start: int = 0, wanted: int | None = None) -> bytes:
        asked.append(wanted or 0)
        return read(name, start, wanted)

    monkeypatch.setattr(bad, "read", note)
    assert len(list(read_frames(bad))) == 2
    with pytest.raises(InternalError):
        read_frame_at(bad, 1, tail.offset)
    assert open_tail(bad, repair=True).tail.last_tx == 2
    assert max(asked) <= FRAME_SIZE_MAX


def test_every_segment_and_database_has_its_own_salt() -> None:
    salts = []
    for _ in range(2):
        files = MemoryFiles()
        writer = JournalWriter(files, tail=create(files, ID), segment_bytes_max=200)
        for n in (1, 2):
            writer.append([commit(n)])
            salts.append(writer.tail.salt)
    assert len(set(salts)) == 4 and all(len(salt) == 16 for salt in salts)


@pytest.mark.parametrize("what", ["root", "frames", "records", "last_tx", "chain", "recorded_at"])
def test_a_trailer_that_does_not_fit_is_damage(what: str) -> None:
    files = build(3)
    tail = open_tail(files, repair=False).tail
    value = bytes(32) if what in ("root", "chain") else 7
    trailer = structs.replace(tail.trailer(), **{what: value})
    in_chain = what in ("last_tx", "chain", "recorded_at")  # the rest takes the Merkle tree
    bad = behind(files, encode_trailer(trailer, tail.salt))
    assert_damaged(bad, tail.offset, by_reading=in_chain)
    good = behind(files, encode_trailer(tail.trailer(), tail.salt))
    assert open_tail(good, repair=True).tail.sealed and verify(good).findings == ()


def test_bytes_behind_a_trailer_are_damage() -> None:
    files = build(3)
    tail = open_tail(files, repair=False).tail
    sealed = encode_trailer(tail.trailer(), tail.salt)
    for more in (b"x", bytes(8), frame_behind(tail), sealed):
        assert_damaged(behind(files, sealed + more), tail.offset + TRAILER_SIZE)


def test_a_forged_header_in_a_torn_payload_proves_nothing() -> None:
    """A payload may hold what looks like a later frame; without the salt it is no witness."""
    files = build(2)
    tail = open_tail(files, repair=False).tail
    high = {"offset": tail.offset + 96, "synced_up_to": tail.offset + 100}
    forged = frame_behind(tail, salt=bytes(16), **high)
    torn = frame_behind(tail, records=[("H", 0, forged), ("H", 0, bytes(50))])[:-1]
    assert torn.index(forged) == 96, "it lies where it says"
    recovery = open_tail(behind(files, torn), repair=True)
    assert (recovery.tail.last_tx, recovery.cut_bytes) == (2, len(torn))

    real = frame_behind(tail, **high)  # as if the salt were known
    torn = frame_behind(tail, records=[("H", 0, real), ("H", 0, bytes(50))])[:-1]
    assert_damaged(behind(files, torn), tail.offset)


def test_a_digest_known_from_elsewhere_must_be_there() -> None:
    files = build(3)
    wanted = [Expectation(2, bytes(32)), Expectation(4), Expectation(9)]
    codes = [finding.code for finding in verify(files, expect=wanted).findings]
    assert codes == ["journal.rewritten", "journal.cut", "journal.cut"]


# ---------------------------------------------------------------- LOCK's word


def noted(files: MemoryFiles, state: str, offset: int, segment: int = 1) -> WriterLock:
    lock = WriterLock.of(files)
    lock.acquire(0)
    lock.note(state, segment, offset)
    return lock


def test_a_clean_note_that_lies_before_the_end_is_looked_after() -> None:
    """Somebody died between his sync and his note: what is there is made durable first."""
    files = build(3)
    end = open_tail(files, repair=False).tail
    frames = list(read_frames(files))
    lock = noted(files, "clean", frames[2].offset)
    recovery = open_tail(files, repair=True, lock=lock)
    assert recovery.rewritten and recovery.tail == end and recovery.tail.synced == end.offset
    note = lock.read_note()
    assert note is not None and (note.state, note.offset) == ("clean", end.offset)
    assert not open_tail(files, repair=True, lock=lock).rewritten


def test_a_clean_note_before_a_torn_tail_lets_nothing_be_served() -> None:
    files = build(3)
    end = open_tail(files, repair=False).tail
    lock = noted(files, "clean", end.offset)
    files.open(NAME).write(b"torn")
    recovery = open_tail(files, repair=True, lock=lock)
    assert recovery.rewritten and recovery.cut_bytes == 4 and verify(files).findings == ()


@pytest.mark.parametrize("state", ["writing", "failed"])
def test_a_reader_stops_at_the_durable_mark(state: str) -> None:
    files = build(3)
    frames = list(read_frames(files))
    for frame in frames:
        lock = noted(files, state, frame.offset)
        tail = open_tail(files, repair=False, lock=lock).tail
        assert (tail.last_tx, tail.offset, tail.synced) == (
            frame.tx - 1, frame.offset, frame.offset,
        )  # fmt: skip
        later = open_tail(files, after=tail, repair=False, lock=lock).tail
        assert later == tail, "also from there"
        lock.release()
    lock = noted(files, state, frames[-1].end)
    assert open_tail(files, repair=False, lock=lock).tail.last_tx == 3


def test_a_place_beyond_the_end_is_damage() -> None:
    files = build(3)
    tail = open_tail(files, repair=False).tail
    cut = with_bytes(files, NAME, files.read(NAME)[:-1])
    with pytest.raises(InternalError, match="ends before a place that was read"):
        open_tail(cut, after=tail, repair=False)


def test_a_sealed_end_stays_sealed_through_recovery(tmp_path: Path) -> None:
    files = OsFiles(tmp_path)
    writer = JournalWriter(files, tail=create(files, ID))
    writer.append([commit(1)])
    writer.seal()
    writer.close()
    recovery = open_tail(files, repair=True)
    assert recovery.rewritten and recovery.tail.sealed
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o400
    again = JournalWriter(files, tail=recovery.tail)
    again.seal()
    again.append([Pending(20, [("M", 0, b"")])])
    assert again.tail.segment == 2 and verify(files).findings == ()


# ---------------------------------------------------------------- the writer's own care


def test_a_writer_that_did_not_look_again_writes_nothing() -> None:
    files = build(2)
    tail = open_tail(files, repair=True).tail
    one, two = JournalWriter(files, tail=tail), JournalWriter(files, tail=tail)
    one.append([commit(3)])
    with pytest.raises(InternalError) as caught:
        two.append([commit(4)])
    assert caught.value.code == "journal.moved" and two.failed
    assert [frame.tx for frame in read_frames(files)] == [1, 2, 3]


def test_a_place_found_by_jumping_is_for_reading() -> None:
    files = build(2)
    (first, _) = read_frames(files)
    with pytest.raises(InterfaceError) as caught:
        JournalWriter(files, tail=tail_at(first))
    assert caught.value.code == "journal.place"
    with pytest.raises(InterfaceError) as caught:
        JournalWriter(files, tail=open_tail(files, repair=True).tail, durability="none")
    assert caught.value.code == "journal.durability"


def test_sync_and_seal_twice_change_nothing() -> None:
    files = build(2)
    lock = noted(files, "clean", open_tail(files, repair=False).tail.offset)
    tail = open_tail(files, repair=True, lock=lock).tail
    writer = JournalWriter(files, tail=tail, durability="os", lock=lock)
    writer.append([commit(3)])
    assert marked(lock) == ("clean", tail.offset)
    for _ in range(2):
        writer.sync()
        assert writer.tail.synced == writer.tail.offset
        assert marked(lock) == ("clean", writer.tail.offset)
    for _ in range(2):
        writer.seal()
        assert writer.tail.sealed and marked(lock) == ("clean", writer.tail.offset)
    writer.append([commit(4)])
    assert writer.tail.segment == 4 and verify(files).findings == ()
    assert list_segments(files) == [1, 4]


def marked(lock: WriterLock) -> tuple[str, int]:
    note = lock.read_note()
    assert note is not None
    return note.state, note.offset


def test_a_writer_follows_another_to_its_segment() -> None:
    """Its file was sealed, or the other died there: the next append goes where the end is."""
    for durability, state in itertools.product(("full", "os"), ("clean", "writing")):
        files = MemoryFiles()
        lock = WriterLock.of(files)
        lock.acquire(0)
        create(files, ID)
        tail = open_tail(files, repair=True, lock=lock).tail
        one = JournalWriter(files, tail=tail, lock=lock)
        two = JournalWriter(files, tail=tail, lock=lock, durability=durability)
        one.append([commit(1)])
        assert two.refresh().tail == one.tail and two.tail.synced == one.tail.synced
        two.append([commit(2)])
        two.seal()
        two.append([commit(3)])
        lock.note(state, two.tail.segment, two.tail.synced)
        recovery = one.refresh()
        assert recovery.tail == two.tail and recovery.rewritten is (state == "writing")
        assert recovery.tail.synced == (two.tail.synced if state == "clean" else two.tail.offset)
        assert one.refresh().tail == one.tail and not one.refresh().rewritten
        one.append([commit(4)])
        assert [frame.tx for frame in read_frames(files)] == [1, 2, 3, 4]
        assert verify(files).findings == ()


def test_a_writer_without_a_note_recovers() -> None:
    files = build(1)
    writer = JournalWriter(files, tail=open_tail(files, repair=True).tail)
    writer.append([commit(2)])
    assert writer.refresh().tail == writer.tail and not writer.refresh().rewritten
    files.open(NAME).write(b"torn")
    recovery = writer.refresh()
    assert recovery.rewritten and recovery.cut_bytes == 4
    writer.append([commit(3)])
    assert verify(files).findings == ()


# ---------------------------------------------------------------- segments


def header_of(files: MemoryFiles, segment: int) -> SegmentHeader:
    return decode_segment_header(files.read(segment_name(segment)))


def with_header(files: MemoryFiles, segment: int, **changed: Any) -> MemoryFiles:
    """The journal, with another segment of no frames under a segment's name."""
    header = structs.replace(header_of(files, segment), **changed)
    return with_bytes(files, segment_name(segment), encode_segment_header(header))


@pytest.mark.parametrize(
    "changed", [{"previous": bytes(32)}, {"database_id": bytes(16)}, {"first_tx": 2}]
)
def test_a_segment_of_another_journal_is_damage(changed: dict[str, Any]) -> None:
    files = build(3, segment_bytes_max=200)
    assert list_segments(files) == [1, 2, 3]
    bad = with_header(files, 3, **changed)
    for look in (lambda: open_tail(bad, repair=True), lambda: list(read_frames(bad))):
        with pytest.raises(InternalError, match=r"0003\.log, byte 0"):
            look()
    assert [f.segment for f in verify(bad).findings] == [3]


@pytest.mark.parametrize("changed", [{"previous": bytes(32)}, {"database_id": bytes(16)}])
def test_a_first_segment_must_begin_the_chain(changed: dict[str, Any]) -> None:
    bad = with_header(build(1), 1, **changed)
    for look in (lambda: open_tail(bad, repair=True), lambda: list(read_frames(bad))):
        with pytest.raises(InternalError, match="earlier segments are missing"):
            look()
    assert [f.code for f in verify(bad).findings] == ["journal.damaged"]


def test_leftovers_go_at_a_clean_opening_too() -> None:
    files = build(1)
    lock = noted(files, "clean", open_tail(files, repair=False).tail.offset)
    files.create("journal/x.log.tmp").write(b"half")
    files.create("journal/kept.part").write(b"torn")
    assert not open_tail(files, repair=True, lock=lock).rewritten
    assert files.list("journal") == [NAME.rpartition("/")[2], "kept.part"]


def test_a_cut_segment_in_the_middle_is_damage() -> None:
    files = build(3, segment_bytes_max=200)
    data = files.read(segment_name(2))
    for size in (len(data) - 1, len(data) - TRAILER_SIZE, 121, 119, 0):
        bad = with_bytes(files, segment_name(2), data[:size])
        for look in (lambda f=bad: open_tail(f, repair=True), lambda f=bad: list(read_frames(f))):
            with pytest.raises(InternalError) as caught:
                look()
            assert caught.value.code == "journal.damaged"
        assert {f.segment for f in verify(bad).findings} <= {2, 3} and not verify(bad).is_sound


def test_a_failed_writer_seals_nothing() -> None:
    files = build(1)
    writer = JournalWriter(FaultyFiles(files, 1, refuse), tail=open_tail(files, repair=True).tail)
    with pytest.raises(OperationalError):
        writer.append([commit(2)])
    before = files.read(NAME)
    with pytest.raises(OperationalError) as caught:
        writer.seal()
    assert caught.value.code == "journal.failed" and files.read(NAME) == before


def test_a_writer_that_meets_a_torn_tail_behind_a_clean_note_recovers() -> None:
    files = build(1)
    lock = noted(files, "clean", open_tail(files, repair=False).tail.offset)
    writer = JournalWriter(files, tail=open_tail(files, repair=True, lock=lock).tail, lock=lock)
    writer.append([commit(2)])
    files.open(NAME).write(b"torn")
    recovery = writer.refresh()
    assert recovery.rewritten and recovery.cut_bytes == 4
    writer.append([commit(3)])
    assert verify(files).findings == () and verify(files).last_tx == 3


def test_after_a_reboot_what_is_in_the_file_is_durable() -> None:
    """The note of another boot hides nothing: the page cache is new."""
    files = build(3)
    second = list(read_frames(files))[1]
    for boot_id, last in (("f" * 16, 3), (_boot_id(), 1)):
        files.writer_note = encode_note(Note("writing", 1, second.offset, 1, boot_id, 0, 0))
        tail = open_tail(files, repair=False, lock=WriterLock.of(files)).tail
        assert tail.last_tx == last


def test_a_length_over_the_limit_is_not_read_for_though_its_check_is_right() -> None:
    salt, start = bytes(layout.SALT_SIZE), layout.SEGMENT_HEADER_SIZE
    head = layout._FRAME.pack(layout.FRAME_MAGIC, 1, 0, 2**32 - 8, 0, 1, start, 1, start, bytes(32))
    data = bytes(start) + head + digest(salt + head)[: layout.CHECK_SIZE]
    asked: list[int] = []

    def read(offset: int, length: int | None) -> bytes:
        asked.append(length or 0)
        return data[offset : None if length is None else offset + length]

    scan = Scan(read, start_of(layout.SegmentHeader(bytes(16), 1, salt, bytes(32))))
    scan.run()
    assert scan.problem == f"a frame cannot have {2**32 - 8} bytes"
    assert max(asked) < layout.FRAME_SIZE_MAX
