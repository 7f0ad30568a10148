"""R16: opening after a crash reads the last segment only, verify is quick, an idle one sleeps.

What opening reads is counted, not timed; seconds are told beside it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import epql
from epql.engine.files import OsFiles
from epql.engine.ingestor import Ingestor
from epql.engine.journal.verify import verify
from epql.engine.journal.writer import SEGMENT_BYTES_MAX
from tests.crash.photograph import photographed
from tests.rows import Row

MIB = 2**20
TEXT = "a fact of some length, " * 2_700
"""Seventeen such objects are about 1 MiB."""
EACH = 17
FRAMES = 32
"""So many commits may be read singly elsewhere: witnesses of the index."""


def filled(folder: Path, mib: int) -> int:
    """A database with a journal of so many MiB, durable; its size in bytes."""
    con = epql.connect(folder, agent="filler", audit="off", durability="os")
    for number in range(mib):
        for i in range(EACH):
            con.execute("ASSERT (?, ?, ?)", (f"s{number % 50}", f"p{i}", f"{number} {TEXT}"))
            con.commit()
    con.close()
    return sum(file.stat().st_size for file in (folder / "journal").iterdir())


@contextmanager
def counted() -> Iterator[list[tuple[str, int]]]:
    """(file, bytes) of each read of the engine's files."""
    reads: list[tuple[str, int]] = []
    read = OsFiles.read

    def counting(files: OsFiles, name: str, start: int = 0, length: int | None = None) -> bytes:
        data = read(files, name, start, length)
        reads.append((name, len(data)))
        return data

    OsFiles.read = counting  # type: ignore[method-assign]
    try:
        yield reads
    finally:
        OsFiles.read = read  # type: ignore[method-assign]


@pytest.mark.row("R16", "open after a crash")
def test_opening_after_a_crash_reads_the_last_segment(row: Row, tmp_path: Path) -> None:
    size = filled(tmp_path / "kb", row.count)
    con = epql.connect(tmp_path / "kb", agent="victim", audit="off")
    con.execute("ASSERT ('s', 'p', 'q')")
    with photographed(tmp_path / "kb", tmp_path / "dead", "half written") as camera:
        con.commit()
    con.close()
    assert camera.has_fired
    segments = sorted((tmp_path / "dead" / "journal").glob("*.log"))
    began = time.monotonic()
    with counted() as reads:
        con = epql.connect(tmp_path / "dead", audit="off")
    seconds = time.monotonic() - began
    assert any("cut off" in notice for notice in con.notices)
    con.close()
    last = f"journal/{segments[-1].name}"
    of_last = sum(number for name, number in reads if name == last)
    others = sum(number for name, number in reads if name != last)
    assert of_last <= 3 * SEGMENT_BYTES_MAX
    assert others <= 16_384 * len(segments) + FRAMES * 2 * len(TEXT), (
        f"{others} bytes of sealed segments were read"
    )
    row.ran = size // MIB
    row.tell("journal, MiB", size // MIB)
    row.tell("read of the last segment, KiB", of_last // 1024)
    row.tell("read elsewhere, KiB", round(others / 1024, 1))
    row.tell("seconds to open", round(seconds, 3))
    assert seconds < 60, "a hang"


@pytest.mark.row("R16", "verify")
def test_verify_reads_quickly(row: Row, tmp_path: Path) -> None:
    size = filled(tmp_path / "kb", row.count)
    began, spent = time.monotonic(), time.process_time()
    report = verify(OsFiles(tmp_path / "kb"))
    seconds, spent = time.monotonic() - began, time.process_time() - spent
    assert report.is_sound
    row.ran = size // MIB
    row.tell("chain, MB/s", round(size / 1e6 / seconds))
    row.tell("chain, MB per second of CPU", round(size / 1e6 / spent))
    with epql.connect(tmp_path / "kb", audit="off") as con:
        began = time.monotonic()
        assert con.verify() == []
        row.tell("all of verify, MB/s", round(size / 1e6 / (time.monotonic() - began)))
        con.close()
    assert size / 1e6 / spent > 10, "a hundred are promised; this is far from it"


@pytest.mark.row("R16", "an idle connection")
def test_an_idle_connection_sleeps(row: Row, tmp_path: Path) -> None:
    """A connection that has read and written, with the audit's thread, and an ingestor."""
    folder = tmp_path / "kb"
    con = epql.connect(folder, agent="idle", autocommit=True)
    con.execute("ASSERT ('s', 'p', 'q')")
    con.execute("SELECT * FROM beliefs").fetchall()
    follower = Ingestor(folder)
    follower.start()
    follower.announce(1)
    assert follower.wait_for(1, 60)
    time.sleep(0.5)  # what the read left to write is written
    seconds = min(float(row.count), max(1.0, row.left()))
    processes = [os.getpid(), follower.pid]
    before, began = sum(map(_cpu_s, processes)), time.monotonic()
    time.sleep(seconds)
    spent_s, took = sum(map(_cpu_s, processes)) - before, time.monotonic() - began
    follower.stop()
    con.close()
    share = spent_s / took
    row.ran = int(took)
    row.tell("share of a core, %", round(abs(share) * 100, 3))
    assert share < 0.01


def _cpu_s(pid: int | None) -> float:
    """Seconds of the processor that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
