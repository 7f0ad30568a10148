"""The journal under faults: stops at every call, failed syncs, lost bytes, flipped bits, cuts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from epql.engine.errors import DatabaseError, InternalError, OperationalError
from epql.engine.files import Files, Handle, MemoryFiles, Stat
from epql.engine.journal import (
    Expectation,
    JournalWriter,
    Pending,
    create,
    open_tail,
    read_frames,
    verify,
)
from epql.engine.journal.segments import segment_name
from epql.engine.lock import WriterLock

ID = bytes(range(16))


class Stopped(BaseException):
    """The process died here."""


class FaultyFiles:
    """Files that do something else at the n-th call that changes anything.

    `act` is called with the name of the call, before (and for 'write' instead of) it.
    """

    def __init__(self, inner: Files, at: int, act: Callable[[str], None]) -> None:
        self.inner = inner
        self.at = at
        self.calls: list[str] = []
        self._act = act

    def step(self, call: str) -> None:
        self.calls.append(call)
        if len(self.calls) - 1 == self.at:
            self._act(call)

    def list(self, folder: str) -> Any:
        return self.inner.list(folder)

    def exists(self, name: str) -> bool:
        return self.inner.exists(name)

    def stat(self, name: str) -> Stat:
        return self.inner.stat(name)

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        return self.inner.read(name, start, length)

    def open(self, name: str) -> Handle:
        return FaultyHandle(self, self.inner.open(name))

    def create(self, name: str) -> Handle:
        self.step("create")
        return FaultyHandle(self, self.inner.create(name))

    def rename(self, old: str, new: str) -> None:
        self.step("rename")
        self.inner.rename(old, new)

    def remove(self, name: str) -> None:
        self.step("remove")
        self.inner.remove(name)

    def mkdir(self, folder: str) -> None:
        self.step("mkdir")
        self.inner.mkdir(folder)

    def sync_folder(self, folder: str) -> None:
        self.step("sync_folder")
        self.inner.sync_folder(folder)

    def seal(self, name: str) -> None:
        self.step("seal")
        self.inner.seal(name)


class FaultyHandle:
    def __init__(self, files: FaultyFiles, inner: Handle) -> None:
        self._files = files
        self._inner = inner

    def write(self, data: bytes) -> None:
        try:
            self._files.step("write")
        except BaseException:
            self._inner.write(data[: len(data) // 2])
            raise
        self._inner.write(data)

    def sync(self) -> None:
        self._files.step("sync")
        self._inner.sync()

    def truncate(self, size: int) -> None:
        self._inner.truncate(size)

    def stat(self) -> Stat:
        return self._inner.stat()

    def close(self) -> None:
        self._inner.close()


def stop(_call: str) -> None:
    raise Stopped


def refuse(call: str) -> None:
    raise OperationalError(f"{call} refused", code="journal.io")


def commit(n: int, size: int = 40) -> Pending:
    return Pending(n * 10, [("M", 0, b"m%d" % n), ("H", 0, bytes([n % 251]) * size)])


def copy_of(files: MemoryFiles) -> MemoryFiles:
    """What is there now, as another machine would find it; LOCK does not come along."""
    new = MemoryFiles()
    new.mkdir("journal")
    for name in files.list("journal"):
        new.create(f"journal/{name}").write(files.read(f"journal/{name}"))
    return new


def with_bytes(files: MemoryFiles, name: str, data: bytes) -> MemoryFiles:
    new = copy_of(files)
    new.create(name).write(data)
    return new


def build(commits: int, *, groups_of: int = 1, segment_bytes_max: int = 2**24) -> MemoryFiles:
    files = MemoryFiles()
    writer = JournalWriter(files, tail=create(files, ID), segment_bytes_max=segment_bytes_max)
    for start in range(1, commits + 1, groups_of):
        writer.append([commit(n) for n in range(start, min(start + groups_of, commits + 1))])
    return files


def txs(files: Files) -> list[int]:
    return [frame.tx for frame in read_frames(files)]


def last_segment(files: Files) -> str:
    return "journal/" + [n for n in files.list("journal") if n.endswith(".log")][-1]


def test_every_flipped_bit_is_reported_or_a_torn_tail_of_the_last_group() -> None:
    files = build(6)
    name = segment_name(1)
    data = files.read(name)
    last_group = list(read_frames(files))[-1].offset
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        bad = with_bytes(files, name, bytes(flipped))
        codes = [finding.code for finding in verify(bad).findings]
        if bit // 8 < last_group:
            assert codes == ["journal.damaged"], bit
            if bit % 64 == 0:
                with pytest.raises(InternalError, match=r"0001\.log, byte \d+"):
                    open_tail(bad, repair=True)
                assert bad.read(name) == bytes(flipped)
        else:
            assert codes in (["journal.torn_tail"], ["journal.damaged"]), bit
            assert verify(bad, expect=[Expectation(6)]).is_sound is False


def test_every_flipped_bit_of_a_sealed_segment_is_damage() -> None:
    files = build(4, segment_bytes_max=500)
    name = segment_name(1)
    data = files.read(name)
    assert data[-152:][:4] == b"EPQT"
    for bit in range(0, len(data) * 8, 3):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        report = verify(with_bytes(files, name, bytes(flipped)))
        assert not report.is_sound, bit


def test_each_cut_of_the_last_frame_recovers_the_frames_before() -> None:
    files = build(3)
    name = segment_name(1)
    data = files.read(name)
    last = list(read_frames(files))[-1]
    for size in range(last.offset, len(data)):
        cut = with_bytes(files, name, data[:size])
        recovery = open_tail(cut, repair=True)
        assert recovery.tail.last_tx == 2
        assert recovery.cut_bytes == size - last.offset
        if recovery.aside_name:
            assert cut.read(recovery.aside_name) == data[last.offset : size]
        assert cut.read(name) == data[: last.offset]
        JournalWriter(cut, tail=recovery.tail).append([commit(3)])
        assert txs(cut) == [1, 2, 3] and verify(cut).is_sound


def test_any_mixture_of_an_unsynced_group_is_a_torn_tail() -> None:
    files = build(6, groups_of=3)
    name = segment_name(1)
    data = files.read(name)
    frames = list(read_frames(files))[3:]
    for kept in range(7):
        mixed = bytearray(data)
        for n, frame in enumerate(frames):
            if not kept & 1 << n:
                mixed[frame.offset : frame.end] = bytes(frame.length)
        recovery = open_tail(with_bytes(files, name, bytes(mixed)), repair=True)
        whole = 3 + (kept & 1) + (kept & 3 == 3)
        assert recovery.tail.last_tx == whole, kept


def test_a_clean_note_makes_a_lost_end_damage() -> None:
    files = MemoryFiles()
    lock = WriterLock.of(files)
    lock.acquire(0)
    writer = JournalWriter(files, tail=create(files, ID), lock=lock)
    writer.append([commit(1)])
    writer.append([commit(2)])
    data = files.read(segment_name(1))
    for size in (len(data) - 1, list(read_frames(files))[1].offset):
        files.create(segment_name(1)).write(data[:size])
        for repair in (True, False):
            with pytest.raises(InternalError) as caught:
                open_tail(files, repair=repair, lock=lock)
            assert caught.value.code == "journal.damaged"


def test_a_bad_frame_below_a_known_commit_is_damage() -> None:
    files = build(3)
    name = segment_name(1)
    cut = with_bytes(files, name, files.read(name)[:-1])
    with pytest.raises(InternalError, match="tx 3 is known"):
        open_tail(cut, repair=True, known_tx=3)
    assert open_tail(cut, repair=True, known_tx=2).tail.last_tx == 2


def test_a_missing_segment_is_damage_that_names_the_place() -> None:
    files = build(12, segment_bytes_max=500)
    segments = [n for n in files.list("journal") if n.endswith(".log")]
    assert len(segments) == 4
    for gone in segments[:-1]:
        less = copy_of(files)
        less.remove(f"journal/{gone}")
        assert not verify(less).is_sound
        with pytest.raises(InternalError) as caught:
            list(read_frames(less))
        assert caught.value.code == "journal.damaged"
        with pytest.raises(InternalError):
            open_tail(less, repair=False)


def _session(files: Files, acknowledged: list[int]) -> None:
    """Open, append two groups over two segment births, close."""
    recovery = open_tail(files, repair=True)
    writer = JournalWriter(files, tail=recovery.tail, segment_bytes_max=400)
    for _ in range(4):
        tx = writer.last_tx + 1
        writer.append([commit(tx)])
        acknowledged.append(tx)
    writer.close()


def _call_count(run: Callable[[FaultyFiles], None]) -> Iterator[int]:
    files = FaultyFiles(build(3), -1, stop)
    run(files)
    assert {"create", "write", "sync", "rename", "sync_folder", "seal"} <= set(files.calls)
    return iter(range(len(files.calls)))


@pytest.mark.parametrize("act", [stop, refuse])
def test_a_stop_at_any_call_loses_nothing_acknowledged(act: Callable[[str], None]) -> None:
    for at in _call_count(lambda files: _session(files, [])):
        inner = build(3)
        acknowledged = [1, 2, 3]
        with suppress(Stopped, OperationalError):
            _session(FaultyFiles(inner, at, act), acknowledged)
        recovery = open_tail(inner, repair=True)
        found = txs(inner)
        assert found[: len(acknowledged)] == acknowledged, at
        assert len(found) <= len(acknowledged) + 1
        assert verify(inner).findings == ()
        JournalWriter(inner, tail=recovery.tail).append([commit(recovery.tail.last_tx + 1)])
        assert txs(inner) == [*found, len(found) + 1]


def test_a_stop_at_any_call_of_creation_can_be_repeated() -> None:
    for at in range(7):
        inner = MemoryFiles()
        with suppress(Stopped):
            create(FaultyFiles(inner, at, stop), ID)
        if not inner.exists(segment_name(1)):
            create(inner, ID)
        assert open_tail(inner, repair=True).tail.last_tx == 0
        with pytest.raises(OperationalError) as caught:
            create(inner, ID)
        assert caught.value.code == "journal.exists"


def test_a_failed_sync_makes_the_journal_read_only_until_it_is_reopened() -> None:
    inner = build(2)
    files = FaultyFiles(inner, 1, refuse)
    lock = WriterLock.of(inner)
    lock.acquire(0)
    tail = open_tail(inner, repair=True, lock=lock).tail
    writer = JournalWriter(files, tail=tail, lock=lock)
    with pytest.raises(OperationalError) as caught:
        writer.append([commit(3)])
    assert caught.value.code == "journal.io" and files.calls == ["write", "sync"]
    for call in (lambda: writer.append([commit(3)]), writer.refresh, writer.sync):
        with pytest.raises(OperationalError, match="sync refused") as caught:
            call()
        assert caught.value.code == "journal.failed"
    writer.close()
    assert files.calls == ["write", "sync"]
    note = lock.read_note()
    assert note is not None and (note.state, note.offset) == ("failed", tail.offset)
    assert open_tail(inner, repair=False, lock=lock).tail == tail

    before = inner.stat(segment_name(1)).identity
    recovery = open_tail(inner, repair=True, lock=lock)
    assert recovery.rewritten and inner.stat(segment_name(1)).identity != before
    JournalWriter(inner, tail=recovery.tail, lock=lock).append([commit(4)])
    assert txs(inner) == [1, 2, 3, 4]


def test_an_interrupt_in_a_write_makes_the_journal_read_only() -> None:
    inner = build(1)

    def interrupt(_call: str) -> None:
        raise KeyboardInterrupt

    writer = JournalWriter(
        FaultyFiles(inner, 0, interrupt), tail=open_tail(inner, repair=True).tail
    )
    with pytest.raises(KeyboardInterrupt):
        writer.append([commit(2)])
    with pytest.raises(OperationalError):
        writer.append([commit(2)])
    assert open_tail(inner, repair=True).cut_bytes > 0


def test_a_clean_reopen_copies_nothing() -> None:
    files = MemoryFiles()
    lock = WriterLock.of(files)
    lock.acquire(0)
    writer = JournalWriter(files, tail=create(files, ID), lock=lock)
    writer.append([commit(1)])
    writer.close()
    before = files.stat(segment_name(1)).identity
    recovery = open_tail(files, repair=True, lock=lock)
    assert not recovery.rewritten and recovery.tail == writer.tail
    assert files.stat(segment_name(1)).identity == before


def test_a_reader_changes_nothing() -> None:
    files = build(3)
    name = segment_name(1)
    torn = with_bytes(files, name, files.read(name) + b"EPQFgarbage")
    torn.create("journal/x.log.tmp")
    before = {n: torn.read(f"journal/{n}") for n in torn.list("journal")}
    recovery = open_tail(torn, repair=False)
    assert (recovery.tail.last_tx, recovery.cut_bytes, recovery.aside_name) == (3, 11, None)
    assert {f.code for f in verify(torn).findings} == {"journal.torn_tail", "journal.leftover"}
    assert verify(torn).is_sound and txs(torn) == [1, 2, 3]
    assert before == {n: torn.read(f"journal/{n}") for n in torn.list("journal")}
    open_tail(torn, repair=True)
    assert "x.log.tmp" not in torn.list("journal")


def test_garbage_raises_only_documented_errors() -> None:
    files = build(3, segment_bytes_max=300)
    for name in files.list("journal"):
        data = files.read(f"journal/{name}")
        for bad in (b"", data[:50], data + bytes(8), bytes(len(data)), data[::-1]):
            broken = with_bytes(files, f"journal/{name}", bad)
            assert verify(broken).findings
            with suppress(DatabaseError):
                list(read_frames(broken))
            with suppress(DatabaseError):
                open_tail(broken, repair=True)


def test_verify_reads_on_behind_damage_and_tells_each_place_once() -> None:
    files = build(12, segment_bytes_max=500)
    for name, at in ((segment_name(4), 50), (segment_name(10), 200)):
        data = bytearray(files.read(name))
        data[at] ^= 1
        files.create(name).write(bytes(data))
    report = verify(files)
    places = [(f.code, f.segment, f.offset) for f in report.findings]
    assert places == [("journal.damaged", 4, 0), ("journal.damaged", 10, 120)]
    assert report.frames == 6
