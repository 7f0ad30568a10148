"""The rows of the bar (docs/reliability/bar.md): how much of each runs when, and what a run found.

A test of a row is marked `@pytest.mark.row("R1", "one writer")` and takes the fixture `row`:

    for number in row.rounds():      # as many as the size says, or until its time is over
        ...
    row.tell("acknowledged", 796_689)

`make faults` runs all rows in the sizes of every submission, `make soak` in those of a night.
What ran is written to build/reliability/, one file a test; tests/report.py makes the table of it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[1] / "build" / "reliability"


class Size(NamedTuple):
    """How many of what: with every submission, and in a night."""

    unit: str
    quick: int
    nightly: int


SIZES: dict[tuple[str, str], Size] = {
    ("C1", "fused plans"): Size("rounds", 60, 20_000),
    ("C1", "the large relations"): Size("queries a table", 5_000, 200_000),
    ("C1", "the other relations"): Size("queries a table", 5_000, 200_000),
    ("C1", "what is believed"): Size("queries a table", 5_000, 200_000),
    ("C2", "governed, in memory"): Size("lives", 150, 15_000),
    ("C2", "governed, on disk"): Size("lives", 100, 10_000),
    ("C2", "plain, in memory"): Size("lives", 150, 15_000),
    ("C2", "plain, on disk"): Size("lives", 100, 10_000),
    ("C3", "as of is a value"): Size("lives", 300, 20_000),
    ("C4", "completion"): Size("s", 10, 3_600),
    ("C4", "highlighter"): Size("s", 5, 3_600),
    ("C4", "instants"): Size("s", 5, 3_600),
    ("C4", "long texts"): Size("texts", 40, 20_000),
    ("C4", "parser"): Size("s", 30, 3_600),
    ("C4", "splitter"): Size("s", 5, 3_600),
    ("C5", "audit"): Size("s", 8, 3_600),
    ("C5", "export"): Size("s", 8, 3_600),
    ("C5", "frames"): Size("s", 8, 3_600),
    ("C5", "history"): Size("s", 8, 3_600),
    ("C5", "notes"): Size("s", 5, 3_600),
    ("C5", "records"): Size("s", 10, 3_600),
    ("C5", "rows"): Size("s", 10, 3_600),
    ("C8", "generated files"): Size("files", 5, 100),
    ("R1", "four writers"): Size("rounds", 100, 1_000),
    ("R1", "one writer"): Size("rounds", 200, 2_000),
    ("R2", "append"): Size("states", 700, 14_000),
    ("R2", "backup"): Size("states", 900, 18_000),
    ("R2", "batch"): Size("states", 800, 16_000),
    ("R2", "bulk"): Size("states", 500, 10_000),
    ("R2", "correct"): Size("states", 700, 14_000),
    ("R2", "create"): Size("states", 600, 12_000),
    ("R2", "rotation"): Size("states", 800, 16_000),
    ("R3", "nested"): Size("first crashes", 20, 500),
    ("R4", "disks of btrfs"): Size("disks", 0, 3_000),
    ("R4", "disks of ext4"): Size("disks", 200, 3_000),
    ("R4", "disks of xfs"): Size("disks", 0, 3_000),
    ("R4", "power cuts of ext4"): Size("cuts", 25, 1_000),
    ("R4", "power cuts of xfs"): Size("cuts", 25, 1_000),
    ("R5", "EINTR"): Size("calls", 30, 10_000),
    ("R5", "EIO"): Size("calls", 30, 10_000),
    ("R5", "EIO+"): Size("calls", 30, 10_000),
    ("R5", "EMFILE"): Size("calls", 30, 10_000),
    ("R5", "ENOSPC"): Size("calls", 30, 10_000),
    ("R5", "ENOSPC+"): Size("calls", 30, 10_000),
    ("R5", "gate"): Size("calls", 30, 10_000),
    ("R5", "kill"): Size("calls", 30, 10_000),
    ("R5", "killafter"): Size("calls", 30, 10_000),
    ("R5", "partial"): Size("calls", 30, 10_000),
    ("R5", "readEIO"): Size("calls", 30, 10_000),
    ("R5", "readshort"): Size("calls", 30, 10_000),
    ("R5", "short"): Size("calls", 30, 10_000),
    ("R5", "torn"): Size("calls", 30, 10_000),
    ("R6", "btrfs"): Size("writes", 0, 100),
    ("R6", "btrfs started again"): Size("writes", 0, 100),
    ("R6", "ext4"): Size("writes", 10, 100),
    ("R6", "ext4 started again"): Size("writes", 10, 100),
    ("R6", "xfs"): Size("writes", 0, 100),
    ("R6", "xfs started again"): Size("writes", 0, 100),
    ("R7", "file size"): Size("sizes", 16, 256),
    ("R7", "open files"): Size("sizes", 10, 10),
    ("R7", "tmpfs"): Size("sizes", 32, 1_024),
    ("R8", "a bit of each byte"): Size("flips", 1_000, 1_048_576),
    ("R8", "every bit"): Size("flips", 65_536, 524_288),
    ("R8", "several segments"): Size("damages", 6_000, 100_000),
    ("R8", "whole folder"): Size("flips", 210, 50_000),
    ("R9", "index equals journal"): Size("lives", 200, 10_000),
    ("R10", "several processes"): Size("seconds", 30, 1_800),
    ("R11", "the holder is killed"): Size("rounds", 50, 1_000),
    ("R11", "the holder is stopped"): Size("rounds", 25, 500),
    ("R12", "clock steps"): Size("lives", 500, 20_000),
    ("R13", "address space, append"): Size("sizes", 10, 200),
    ("R13", "address space, query"): Size("sizes", 10, 200),
    ("R13", "allocations of a query"): Size("allocations", 100, 2_000),
    ("R13", "allocations of an append"): Size("allocations", 100, 2_000),
    ("R13", "bursts in a query"): Size("allocations", 40, 2_000),
    ("R13", "bursts in an append"): Size("allocations", 40, 2_000),
    ("R13", "heap of SQLite, append"): Size("sizes", 10, 50),
    ("R13", "heap of SQLite, query"): Size("sizes", 10, 50),
    ("R14", "backup while four write"): Size("backups", 10, 500),
    ("R15", "sample databases"): Size("openings", 36, 36),
    ("R16", "an idle connection"): Size("seconds", 10, 60),
    ("R16", "open after a crash"): Size("MiB", 64, 1_024),
    ("R16", "verify"): Size("MiB", 64, 1_024),
    ("R17", "planted bugs"): Size("mutants", 74, 74),
    ("S1", "read-only"): Size("statements", 1, 1),
    ("S1", "with limits"): Size("statements", 1, 1),
    ("S2", "many statements"): Size("statements", 20, 500),
    ("S2", "one statement"): Size("statements", 1, 1),
    ("S3", "injection"): Size("hostile strings", 1, 1),
    ("S5", "rewrites"): Size("rewrites", 500, 10_000),
    ("S11", "damage"): Size("s", 10, 3_600),
    ("S11", "indexes"): Size("s", 10, 3_600),
    ("S11", "journals"): Size("s", 20, 3_600),
    ("S12", "names"): Size("cases", 1, 1),
    ("S14", "permissions and links"): Size("cases", 1, 1),
}
"""(row, part) → its size. A row with several tests has a part for each."""


@dataclass
class Row:
    """One run of one part of a row. `seconds`: its time is over after so long; None: never."""

    name: str
    part: str
    count: int
    unit: str
    seconds: float | None
    seed: int
    ran: int = 0
    told: dict[str, int | float | str] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def rounds(self) -> Iterator[int]:
        """0, 1, 2 … up to `count`, or until the time is over; counts what ran."""
        for number in range(self.count):
            if self.is_over():
                return
            yield number
            self.ran = number + 1

    def is_over(self) -> bool:
        """Whether the time is over."""
        return self.left() <= 0

    def left(self) -> float:
        """Seconds left; a day where there is no limit."""
        if self.seconds is None:
            return 86_400.0
        return self.seconds - (time.monotonic() - self.began)

    def tell(self, what: str, number: int | float | str) -> None:
        """Put a figure beside the row."""
        self.told[what] = number

    def write(self, outcome: str, reason: str = "") -> None:
        """Keep what ran for the table."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        text = json.dumps(
            {
                "row": self.name, "part": self.part, "outcome": outcome, "reason": reason,
                "ran": self.ran, "of": self.count, "unit": self.unit, "seed": self.seed,
                "seconds": round(time.monotonic() - self.began, 1), "told": self.told,
            },
            indent=1, ensure_ascii=False,
        )  # fmt: skip
        name = f"{self.name}-{self.part}".replace(" ", "-").replace("/", "-")
        temporary = FOLDER / f".{name}.{os.getpid()}.tmp"
        temporary.write_text(text + "\n")
        temporary.rename(FOLDER / f"{name}.json")
