"""R7: a disk, a file or a process that is full at any size: the documented error, reads still
work, room is made, work goes on without a repair.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash import disks
from tests.crash.needs import ROOT, need
from tests.rows import Row


def fill(row: Row, tmp: Path, how: str, *more: object, kind: str = "batch") -> None:
    """Run a workload against each limit; a reader comes while nothing has room."""
    found = disks.run(
        row, tmp, "enospc.py", "--how", how, "--tmp", tmp, "--seconds", row.left(), *more,
        *disks.program("work", kind, "12"), "--full-check-py", f"{disks.WORK}:read",
        private=how == "tmpfs",
    )  # fmt: skip
    row.ran = found["sizes tried"]
    row.tell("limit reached", found["limit reached in"])
    assert found["limit reached in"] * 3 >= row.ran, "most sizes were no limit"


@pytest.mark.row("R7", "tmpfs")
def test_a_disk_of_any_size_fills_up(row: Row, tmp_path: Path) -> None:
    need(ROOT, "unshare")
    step = 1024 // row.count
    fill(row, tmp_path, "tmpfs", "--from-kb", step, "--to-kb", 1024, "--step-kb", step)


@pytest.mark.row("R7", "file size")
def test_a_file_may_not_grow_past_any_size(row: Row, tmp_path: Path) -> None:
    step = 256 // row.count
    fill(row, tmp_path, "fsize", "--from-kb", step, "--to-kb", 256, "--step-kb", step)


@pytest.mark.row("R7", "open files")
def test_a_process_may_not_open_more_files(row: Row, tmp_path: Path) -> None:
    fill(row, tmp_path, "nofile", kind="batch")
