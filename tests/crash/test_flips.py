"""R8: a flipped bit of a journal is reported or harmless, and never taken for a torn tail below
what is known to be durable.

The one exception (docs/reliability): the last commit, when neither the index nor LOCK has heard
of it: a bit that rots there looks as a write that was cut off.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.crash.flips import Damaged, Folder, make
from tests.crash.tools.bitflip import variants
from tests.rows import Row

KIB = 1024


def judged(row: Row, damaged: Damaged, cases: Iterable[tuple[str, str, int, bytes | None]]) -> None:
    """Judge each case (file, what, where, bytes); the exception is bits of the last commit."""
    count: Counter[str] = Counter()
    last = damaged.ends.get(damaged.tx - 1, (1, 120))
    for (name, what, at, new), _ in zip(cases, row.rounds(), strict=False):
        case = f"{name}, byte {at}, {what} (--seed {row.seed})"
        try:
            told = damaged.judge(name, at, new)
        except Exception as error:
            raise AssertionError(f"{case}: {type(error).__name__}: {error}") from error
        size = 1 if new is None else len(new)
        assert told != "last" or (int(name[:20]), at + size) > last, f"{case}: cut too much"
        count[told] += 1
    for told, number in count.items():
        row.tell(told, number)
    assert count["reported"] + count["last"], "nothing was noticed: nothing was tested"


def all_cases(damaged: Damaged, how: str) -> list[tuple[str, str, int, bytes | None]]:
    found = []
    for name in damaged.names:
        data = damaged.data(name)
        for at, what, _, new in variants(data, how, 0, len(data), 1):
            found.append((name, what, at, None if how == "cuts" else new))
    return found


def in_any_order(
    row: Row, cases: list[tuple[str, str, int, bytes | None]]
) -> list[tuple[str, str, int, bytes | None]]:
    """Shuffled, so that what ran of them when the time is over stands for all."""
    if row.count < len(cases) or row.seconds is not None:
        random.Random(row.seed).shuffle(cases)
    return cases


@pytest.mark.row("R8", "every bit")
def test_every_flipped_bit_is_reported(row: Row, tmp_path: Path) -> None:
    make(tmp_path / "kb", row.count // 8 + 600)
    damaged = Damaged(tmp_path / "kb")
    judged(row, damaged, in_any_order(row, all_cases(damaged, "bits")))


@pytest.mark.row("R8", "a bit of each byte")
def test_one_flipped_bit_of_each_byte_is_reported(row: Row, tmp_path: Path) -> None:
    """In a journal of a mebibyte, of long values."""
    make(tmp_path / "kb", 1024 * KIB, values=30_000)
    damaged = Damaged(tmp_path / "kb")
    judged(row, damaged, in_any_order(row, all_cases(damaged, "onebit")))


@pytest.mark.row("R8", "several segments")
def test_damage_to_sealed_segments_is_reported(row: Row, tmp_path: Path) -> None:
    """Bits, bytes, sectors, swaps and cuts, in a journal of several segments."""
    make(tmp_path / "kb", 8 * KIB, segment=2 * KIB)
    damaged = Damaged(tmp_path / "kb")
    assert len(damaged.names) > 3
    cases = [
        c for how in ("sectors", "swaps", "cuts", "bytes", "bits") for c in all_cases(damaged, how)
    ]
    judged(row, damaged, in_any_order(row, cases))


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder in memory where there is one."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)


@pytest.mark.row("R8", "whole folder")
def test_a_flipped_bit_anywhere_in_the_folder(row: Row, tmp_path: Path, scratch: Path) -> None:
    """Each file of a database by turns: verify finds it, or all answers are what they were."""
    make(tmp_path / "kb", 8 * KIB, segment=4 * KIB)
    folder = Folder(tmp_path / "kb", scratch / "damaged")
    count: Counter[str] = Counter()
    for flip, _ in zip(folder.flips(random.Random(row.seed)), row.rounds(), strict=False):
        try:
            count[folder.judge(flip)] += 1
        except Exception as error:
            raise AssertionError(
                f"{flip} (--seed {row.seed}): {type(error).__name__}: {error}"
            ) from error
    for told, number in count.items():
        row.tell(told, number)
