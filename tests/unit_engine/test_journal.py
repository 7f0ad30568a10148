"""The journal: what was appended is read back, across segments, readers and processes."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epql.engine.digest import digest
from epql.engine.errors import DataError, InterfaceError, InternalError
from epql.engine.files import Files, MemoryFiles, OsFiles
from epql.engine.journal import (
    NEVER,
    Expectation,
    JournalWriter,
    Malformed,
    Pending,
    create,
    encode_frame,
    merkle,
    open_tail,
    read_frame_at,
    read_frames,
    tail_at,
    verify,
)
from epql.engine.journal.format import decode_frame
from epql.engine.journal.segments import list_segments, segment_name
from epql.engine.lock import WriterLock

ID = bytes(range(16))


@pytest.fixture(params=["memory", "disk"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    return MemoryFiles() if request.param == "memory" else OsFiles(tmp_path)


def commit(n: int, size: int = 40) -> Pending:
    return Pending(n * 10, [("M", 0, b"m%d" % n), ("H", 0, bytes([n % 251]) * size)])


def opened(files: Files, lock: WriterLock | None = None, **options: object) -> JournalWriter:
    tail = open_tail(files, repair=True, lock=lock).tail
    return JournalWriter(files, tail=tail, lock=lock, **options)  # type: ignore[arg-type]


def test_a_new_journal_is_empty(files: Files) -> None:
    tail = create(files, ID)
    assert (tail.last_tx, tail.last_recorded_at, tail.offset) == (0, NEVER, 120)
    assert list(read_frames(files)) == []
    assert open_tail(files, repair=False).tail == tail
    assert verify(files).findings == ()


def test_commits_are_read_back_as_appended(files: Files) -> None:
    writer = JournalWriter(files, tail=create(files, ID))
    first = writer.append([Pending(5, [("M", 0, b""), ("H", 0, b"x")], backfilled=True)])
    rest = writer.append([commit(2), commit(3)])
    frames = list(read_frames(files))
    assert [f.tx for f in frames] == [1, 2, 3]
    assert [f.recorded_at for f in frames] == [5, 20, 30]
    assert [f.is_backfilled for f in frames] == [True, False, False]
    assert [(k, f, bytes(p)) for k, f, p, _ in frames[0].records()] == [
        ("M", 0, b""),
        ("H", 0, b"x"),
    ]
    for frame, appended in zip(frames, first + rest, strict=True):
        assert (frame.tx, frame.digest) == (appended.tx, appended.digest)
        assert frame.length == appended.length
        assert read_frame_at(files, appended.segment, appended.offset) == frame
        kind, flags, payload, at = list(frame.records())[1]
        assert frame.record_at(at) == (kind, flags, payload)
    assert [f.previous for f in frames[1:]] == [f.digest for f in frames[:-1]]
    assert (writer.last_tx, writer.last_digest) == (3, frames[-1].digest)


def test_memory_and_disk_hold_the_same_bytes(tmp_path: Path) -> None:
    held = []
    for files in (MemoryFiles(), OsFiles(tmp_path)):
        tail = create(files, ID, random=lambda n: bytes(n))
        writer = JournalWriter(files, tail=tail, segment_bytes_max=500, random=lambda n: b"\1" * n)
        for n in range(1, 10):
            writer.append([commit(n)])
        held.append({name: files.read(f"journal/{name}") for name in files.list("journal")})
    assert held[0] == held[1]


def test_segments_roll_over_and_stay_linked(files: Files) -> None:
    writer = JournalWriter(files, tail=create(files, ID), segment_bytes_max=600)
    for n in range(1, 21):
        writer.append([commit(n)])
    segments = list_segments(files)
    assert len(segments) > 5 and segments[0] == 1
    assert [f.tx for f in read_frames(files)] == list(range(1, 21))
    report = verify(files)
    assert (report.findings, report.frames, report.records) == ((), 20, 40)
    assert report.segments == len(segments)
    for after in range(22):
        assert [f.tx for f in read_frames(files, after_tx=after)] == list(range(after + 1, 21))
    assert open_tail(files, repair=False).tail == writer.tail


def test_sealed_segments_are_read_only_on_disk(tmp_path: Path) -> None:
    files = OsFiles(tmp_path)
    writer = JournalWriter(files, tail=create(files, ID), segment_bytes_max=200)
    writer.append([commit(1)])
    writer.append([commit(2)])
    assert (tmp_path / segment_name(1)).stat().st_mode & 0o777 == 0o400
    assert (tmp_path / segment_name(2)).stat().st_mode & 0o777 == 0o600


def test_reading_stops_at_a_tail_and_goes_on_from_one(files: Files) -> None:
    writer = JournalWriter(files, tail=create(files, ID), segment_bytes_max=400)
    tails = [writer.tail]
    for n in range(1, 8):
        writer.append([commit(n)])
        tails.append(writer.tail)
    for n, tail in enumerate(tails):
        assert [f.tx for f in read_frames(files, tail=tail)] == list(range(1, n + 1))
        assert [f.tx for f in read_frames(files, after=tail)] == list(range(n + 1, 8))
        assert open_tail(files, after=tail, repair=False).tail == writer.tail
    for frame in read_frames(files):
        following = [f.tx for f in read_frames(files, after=tail_at(frame))]
        assert following == list(range(frame.tx + 1, 8))


def test_records_are_views_not_copies(files: Files) -> None:
    JournalWriter(files, tail=create(files, ID)).append([commit(1)])
    (frame,) = read_frames(files)
    for _kind, _flags, payload, _at in frame.records():
        assert payload.obj is frame.view.obj


def test_expectations_are_checked(files: Files) -> None:
    writer = JournalWriter(files, tail=create(files, ID))
    first = writer.append([commit(1)])[0]
    assert verify(files, expect=[Expectation(1, first.digest)]).is_sound
    codes = [f.code for f in verify(files, expect=[Expectation(1, bytes(32))]).findings]
    assert codes == ["journal.rewritten"]
    assert [f.code for f in verify(files, expect=[Expectation(2)]).findings] == ["journal.cut"]


def test_instants_must_increase(files: Files) -> None:
    writer = JournalWriter(files, tail=create(files, ID))
    writer.append([commit(2)])
    for group in ([commit(2)], [commit(3), commit(1)]):
        with pytest.raises(InternalError) as caught:
            writer.append(group)
        assert caught.value.code == "journal.clock"
    assert writer.append([]) == []
    writer.append([commit(3)])
    assert [f.tx for f in read_frames(files)] == [1, 2]


def test_a_commit_over_the_limit_is_refused_before_anything_is_written(files: Files) -> None:
    writer = JournalWriter(files, tail=create(files, ID))
    with pytest.raises(DataError) as caught:
        writer.append([Pending(1, [("H", 0, bytes(2**26))])])
    assert caught.value.code == "journal.frame_too_large"
    writer.append([commit(1)])
    assert verify(files).findings == ()


def test_a_hostile_length_allocates_nothing(files: Files) -> None:
    create(files, ID)
    handle = files.open(segment_name(1))
    handle.write(b"EPQF\1\0\0\0" + b"\xf8\xff\xff\xff" + bytes(100))
    assert list(read_frames(files)) == []
    assert open_tail(files, repair=False).cut_bytes == 112


def test_a_frame_inside_a_payload_does_not_count(files: Files) -> None:
    writer = JournalWriter(files, tail=create(files, ID))
    writer.append([commit(1)])
    inner = files.read(segment_name(1))[120:]
    writer.append([Pending(20, [("H", 0, inner * 3)])])
    data = files.read(segment_name(1))
    handle = files.create(segment_name(1))
    handle.write(data[:-1])
    recovery = open_tail(files, repair=True)
    assert recovery.tail.last_tx == 1 and recovery.aside_name is not None


@pytest.mark.parametrize("durability", ["full", "os"])
def test_two_writers_take_turns(files: Files, durability: str) -> None:
    lock_a, lock_b = WriterLock.of(files), WriterLock.of(files)
    lock_a.acquire(0)
    create(files, ID)
    a = opened(files, lock_a, segment_bytes_max=900, durability=durability)
    b = None
    identity = files.stat(segment_name(1)).identity
    lock_a.release()
    for turn in range(12):
        lock, writer = (lock_a, a) if turn % 2 == 0 else (lock_b, b)
        lock.acquire(0)
        if writer is None:
            writer = b = opened(files, lock_b, segment_bytes_max=900, durability=durability)
            identity = files.stat(segment_name(1)).identity
        assert writer.refresh().cut_bytes == 0
        assert writer.last_tx == turn
        writer.append([commit(turn + 1)])
        lock.release()
    assert files.stat(segment_name(1)).identity == identity
    assert [f.tx for f in read_frames(files)] == list(range(1, 13))
    assert verify(files).findings == ()


def test_a_writer_notices_that_another_recovered(files: Files) -> None:
    lock_a, lock_b = WriterLock.of(files), WriterLock.of(files)
    lock_a.acquire(0)
    create(files, ID)
    a = opened(files, lock_a)
    a.append([commit(1)])
    lock_a.note("writing", 1, a.tail.offset, 0)
    lock_a.release()
    files.open(segment_name(1)).write(b"torn")
    lock_b.acquire(0)
    b = opened(files, lock_b)
    b.append([commit(2)])
    lock_b.release()
    lock_a.acquire(0)
    a.refresh()
    a.append([commit(3)])
    assert [f.tx for f in read_frames(files)] == [1, 2, 3]
    assert verify(files).findings == ()


def test_os_durability_is_synced_on_close(files: Files) -> None:
    lock = WriterLock.of(files)
    lock.acquire(0)
    create(files, ID)
    writer = opened(files, lock, durability="os")
    start = writer.tail.offset
    writer.append([commit(1)])
    writer.append([commit(2)])
    assert writer.tail.synced == start
    assert [f.synced_up_to for f in read_frames(files)] == [start, start]
    writer.close()
    assert not open_tail(files, repair=True, lock=lock).rewritten
    with pytest.raises(InterfaceError):
        JournalWriter(files, tail=writer.tail, durability="sometimes")


def test_a_follower_never_sees_half_a_frame_nor_damage(files: Files) -> None:
    lock = WriterLock.of(files)
    lock.acquire(0)
    create(files, ID)
    writer = opened(files, lock, segment_bytes_max=20_000)
    failures: list[BaseException] = []

    def follow() -> None:
        watch = WriterLock.of(files)
        try:
            tail = open_tail(files, repair=False, lock=watch).tail
            seen = tail.last_tx
            while seen < 300:
                new = open_tail(files, after=tail, repair=False, lock=watch).tail
                for frame in read_frames(files, after=tail, tail=new):
                    seen += 1
                    assert frame.tx == seen
                    assert sum(1 for _ in frame.records()) == 2
                assert new.position >= tail.position and new.last_tx == seen
                tail = new
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=follow, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for n in range(0, 300, 3):
        writer.append([commit(n + k, size=n) for k in (1, 2, 3)])
    for thread in threads:
        thread.join(20)
    assert not failures
    assert not any(thread.is_alive() for thread in threads)


def test_a_writer_is_refused_after_fork(tmp_path: Path) -> None:
    files = OsFiles(tmp_path)
    writer = JournalWriter(files, tail=create(files, ID))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            writer.append([commit(1)])
        except InterfaceError as error:
            code = 0 if error.code == "lock.forked" else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert list(read_frames(files)) == []


def test_the_merkle_root_is_that_of_rfc_6962() -> None:
    def reference(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return digest(b"\0" + leaves[0])
        k = 1
        while k * 2 < len(leaves):
            k *= 2
        return digest(b"\1" + reference(leaves[:k]) + reference(leaves[k:]))

    peaks: merkle.Peaks = ()
    leaves: list[bytes] = []
    for n in range(70):
        leaf = digest(b"%d" % n)
        peaks = merkle.grow(peaks, n, leaf)
        leaves.append(leaf)
        assert merkle.root(peaks) == reference(leaves)
        assert len(peaks) == (n + 1).bit_count()
    assert merkle.root(()) == digest(b"")


records = st.lists(
    st.tuples(st.sampled_from("HLEDM"), st.integers(0, 255), st.binary(max_size=60)), max_size=8
)


@given(groups=st.lists(st.lists(records, min_size=1, max_size=4), max_size=6))
def test_random_groups_round_trip_and_verify(
    groups: list[list[list[tuple[str, int, bytes]]]],
) -> None:
    files = MemoryFiles()
    writer = JournalWriter(files, tail=create(files, ID), segment_bytes_max=700)
    at = 0
    for group in groups:
        pending = []
        for commit_records in group:
            at += 1
            pending.append(Pending(at, commit_records))
        writer.append(pending)
    written = [commit_records for group in groups for commit_records in group]
    read = [[(k, f, bytes(p)) for k, f, p, _ in f.records()] for f in read_frames(files)]
    assert read == written
    report = verify(files)
    assert report.findings == () and report.last_digest == writer.last_digest
    assert open_tail(files, repair=False).tail == writer.tail


def test_a_body_that_contradicts_its_header_is_malformed() -> None:
    data, _ = encode_frame(
        tx=1,
        offset=120,
        recorded_at=0,
        records=[("H", 0, b"abc")],
        synced_up_to=120,
        previous=bytes(32),
        salt=bytes(16),
    )
    frame = decode_frame(memoryview(data), segment=1, offset=120, salt=bytes(16))
    for at in (0, 87, 104, 10_000):
        with pytest.raises(Malformed):
            frame.record_at(at)
