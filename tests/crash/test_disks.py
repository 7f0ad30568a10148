"""R4, R6: real file systems whose power is cut, and disks that refuse a write.

Needs root, loop devices and the programs of .ci/crash_packages; skipped without them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.crash import disks
from tests.crash.needs import FUSE, LOOP, ROOT, need
from tests.rows import Row


def only_at_night(row: Row) -> None:
    if not row.count:
        pytest.skip("this file system is for the night")


def cut(row: Row, tmp: Path, system: str, kind: str) -> None:
    """Cut the power of a file system under a writer, again and again."""
    need(ROOT, LOOP, "unshare", f"mkfs.{system}")
    found = disks.run(
        row, tmp, "powercut.py", "-n", row.count, "--fs", system, "--seed", row.seed,
        "--seconds", row.left(), "--max-ms", 200, *disks.program("work", kind),
    )  # fmt: skip
    row.ran = found["cuts"]
    row.tell("acknowledged", found["acknowledged"])


@pytest.mark.row("R4", "power cuts of ext4")
def test_power_cuts_of_ext4(row: Row, tmp_path: Path) -> None:
    cut(row, tmp_path, "ext4", "batch")


@pytest.mark.row("R4", "power cuts of xfs")
def test_power_cuts_of_xfs(row: Row, tmp_path: Path) -> None:
    cut(row, tmp_path, "xfs", "append")


def replay(row: Row, tmp: Path, system: str) -> None:
    """Record the block writes of one run of each kind, and mount what a power cut could leave."""
    only_at_night(row)
    need(ROOT, LOOP, FUSE, "unshare", f"mkfs.{system}")
    work = disks.WORK.with_name("work.py")
    for number, (kind, steps) in enumerate(KINDS):
        out, left = tmp / kind, row.left() / (len(KINDS) - number)
        disks.run(row, tmp, "blocklog.py", "record", "--fs", system, "--out", out, "--",
                  sys.executable, work, "{dir}", kind, steps)  # fmt: skip
        want = (row.count - row.ran) // (len(KINDS) - number)
        found = disks.run(
            row, tmp, "blocklog.py", "replay", "--out", out, "--max", want, "--seed", row.seed,
            "--per-flush", 3 if row.count < 1_000 else 24, "--seconds", left,
            *disks.program("work", kind)[-2:],
        )  # fmt: skip
        row.ran += found["disks tried"]
    row.tell("kinds of work", len(KINDS))


KINDS = (("batch", 8), ("rotation", 12), ("correct", 6), ("bulk", 4))


@pytest.mark.row("R4", "disks of ext4")
def test_disks_of_ext4(row: Row, tmp_path: Path) -> None:
    replay(row, tmp_path, "ext4")


@pytest.mark.row("R4", "disks of xfs")
def test_disks_of_xfs(row: Row, tmp_path: Path) -> None:
    replay(row, tmp_path, "xfs")


@pytest.mark.row("R4", "disks of btrfs")
def test_disks_of_btrfs(row: Row, tmp_path: Path) -> None:
    replay(row, tmp_path, "btrfs")


JOURNAL, EVERYWHERE = "EPQF", "batch-0/"
"""What a block holds that is refused: a frame's first bytes, or a writer's name."""


def refuse(row: Row, tmp: Path, system: str, function: str, *more: str) -> None:
    """Refuse the N-th write, for each N; half of the writes are the journal's alone."""
    only_at_night(row)
    need(ROOT, LOOP, FUSE, "unshare", f"mkfs.{system}")
    hit = 0
    for number, marker in enumerate((JOURNAL, EVERYWHERE)):
        count = (row.count - row.ran) // (2 - number)
        found = disks.run(
            row, tmp, "eiodisk.py", "--fs", system, "--to", count, "--marker", marker,
            "--ok", "0,3", "--seconds", row.left() / (2 - number), *more,
            *disks.program(function, "batch", str(count + 8)),
        )  # fmt: skip
        row.ran += found["runs"]
        hit += found["fault met in"]
    row.tell("faults met", hit)
    assert hit * 2 >= row.ran, f"of {row.ran} runs only {hit} met the fault"


@pytest.mark.row("R6", "ext4")
def test_ext4_refuses_a_write(row: Row, tmp_path: Path) -> None:
    refuse(row, tmp_path, "ext4", "work")


@pytest.mark.row("R6", "ext4 started again")
def test_ext4_refuses_a_write_and_the_writer_is_started_again(row: Row, tmp_path: Path) -> None:
    refuse(row, tmp_path, "ext4", "work_twice")


@pytest.mark.row("R6", "xfs")
def test_xfs_refuses_a_write(row: Row, tmp_path: Path) -> None:
    refuse(row, tmp_path, "xfs", "work")


@pytest.mark.row("R6", "xfs started again")
def test_xfs_refuses_a_write_and_the_writer_is_started_again(row: Row, tmp_path: Path) -> None:
    refuse(row, tmp_path, "xfs", "work_twice")


@pytest.mark.row("R6", "btrfs")
def test_btrfs_refuses_a_write(row: Row, tmp_path: Path) -> None:
    refuse(row, tmp_path, "btrfs", "work")


@pytest.mark.row("R6", "btrfs started again")
def test_btrfs_refuses_a_write_and_the_writer_is_started_again(row: Row, tmp_path: Path) -> None:
    refuse(row, tmp_path, "btrfs", "work_twice")
