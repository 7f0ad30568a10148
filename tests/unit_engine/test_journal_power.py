"""The journal under power cuts: after each step of its files, all that a cut could leave."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from epql.engine.files import MemoryFiles
from epql.engine.journal import JournalWriter, Pending, create, open_tail, read_frames, verify
from epql.engine.lock import WriterLock
from tests.unit_engine.power import PoweredFiles

ID = bytes(range(16))
Acknowledged = Callable[[int], None]


def commit(tx: int) -> Pending:
    return Pending(tx * 10, [("M", 0, b"m%d" % tx), ("H", 0, bytes([tx % 251]) * 40)])


def begin(files: MemoryFiles, acknowledged: Acknowledged) -> None:
    create(files, ID)
    acknowledged(0)


def work(files: MemoryFiles, acknowledged: Acknowledged) -> None:
    """Three groups (one of them of three commits) over two births of segments."""
    lock = WriterLock.of(files)
    lock.acquire(0)
    recovery = open_tail(files, repair=True, lock=lock)
    acknowledged(recovery.tail.last_tx)
    writer = JournalWriter(files, tail=recovery.tail, segment_bytes_max=500, lock=lock)
    for size in (1, 3, 1):
        first = writer.last_tx + 1
        writer.append([commit(tx) for tx in range(first, first + size)])
        acknowledged(writer.last_tx)
    writer.close()
    lock.release()


def recover(files: MemoryFiles, acknowledged: Acknowledged) -> None:
    """One commit on what was found."""
    writer = JournalWriter(files, tail=open_tail(files, repair=True).tail)
    writer.append([commit(writer.last_tx + 1)])
    acknowledged(writer.last_tx)


def work_unsynced(files: MemoryFiles, acknowledged: Acknowledged) -> None:
    """durability='os': nothing is acknowledged but by sync, seal and close."""
    writer = JournalWriter(
        files, tail=open_tail(files, repair=True).tail, durability="os", segment_bytes_max=500
    )
    for size in (1, 2):
        first = writer.last_tx + 1
        writer.append([commit(tx) for tx in range(first, first + size)])
    writer.sync()
    acknowledged(writer.last_tx)
    writer.append([commit(writer.last_tx + 1)])
    writer.seal()
    acknowledged(writer.last_tx)
    writer.append([commit(writer.last_tx + 1)])
    writer.close()
    acknowledged(writer.last_tx)


def run(
    do: Callable[[MemoryFiles, Acknowledged], None], begun: MemoryFiles | None = None
) -> tuple[PoweredFiles, list[int]]:
    """The files after some work, and for each step what was acknowledged by then."""
    files = PoweredFiles(begun)
    promised: list[int] = []
    told = -1

    def acknowledge(tx: int) -> None:
        nonlocal told
        promised.extend([told] * (len(files.platters) - 1 - len(promised)))
        told = max(told, tx)

    do(files, acknowledge)
    promised.extend([told] * (len(files.platters) - len(promised)))
    return files, promised


def check(files: MemoryFiles, acknowledged: int, note: bytes, place: object) -> None:
    """All that was acknowledged is there, nothing else is served, and work goes on."""
    files.writer_note = note
    lock = WriterLock.of(files)
    lock.acquire(0)
    tail = open_tail(files, repair=True, lock=lock).tail
    found = [frame.tx for frame in read_frames(files)]
    assert found == list(range(1, tail.last_tx + 1)), place
    assert tail.last_tx >= acknowledged, place
    assert verify(files).findings == (), place
    writer = JournalWriter(files, tail=tail, lock=lock)
    writer.append([commit(tail.last_tx + 1)])
    assert verify(files).last_tx == tail.last_tx + 1, place
    lock.release()


def check_all(files: PoweredFiles, promised: list[int]) -> int:
    """Check each cut after each step that came when the journal was there; how many."""
    count = 0
    for step, acknowledged in enumerate(promised):
        if acknowledged < 0:
            continue
        notes = {b"", *files.notes[step : step + 2]}  # LOCK is never synced: it may be lost
        for name, left in files.cuts(step):
            for note in notes:
                check(_copy(left), acknowledged, note, (step, name, note))
                count += 1
    return count


def _copy(files: MemoryFiles) -> MemoryFiles:
    new = MemoryFiles()
    new.mkdir("journal")
    for name in files.list("journal"):
        new.create(f"journal/{name}").write(files.read(f"journal/{name}"))
    return new


@pytest.mark.parametrize("do", [work, work_unsynced])
def test_a_power_cut_after_any_step_loses_nothing_acknowledged(
    do: Callable[[MemoryFiles, Acknowledged], None],
) -> None:
    begun, _ = run(begin)
    files, promised = run(do, begun)
    assert check_all(files, promised) > 100


def test_a_power_cut_while_a_journal_is_made_leaves_none_or_a_whole_one() -> None:
    files, promised = run(begin)
    for step, acknowledged in enumerate(promised):
        for name, left in files.cuts(step):
            is_there = left.exists("journal/00000000000000000001.log")
            assert is_there or acknowledged < 0, (step, name)
            if not is_there:
                create(left, ID)
            check(left, 0, b"", (step, name))


def test_a_power_cut_while_it_recovers_from_one_loses_nothing_acknowledged() -> None:
    begun, _ = run(begin)
    first, promised = run(work, begun)
    for step in range(1, len(promised), 5):
        for name, left in first.cuts(step):
            if promised[step] >= 0 and name in ("all", "torn at 1"):
                second, later = run(recover, left)
                check_all(second, [max(promised[step], tx) for tx in later])
