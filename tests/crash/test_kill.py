"""R1: SIGKILL again and again on one database: no acknowledged commit is lost, none is half there,
and the next open needs no hand. The thread that ingests a bulk load dies with its process.

This tests the process, not the disk: the page cache survives a SIGKILL (test_power.py).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import cycle, islice
from pathlib import Path

import pytest

from tests.crash.checker import check
from tests.crash.forks import Child, Forks
from tests.crash.tools.killloop import Moments, Result, loop
from tests.rows import Row

ANEW = 20
"""Rounds until the database is a new one."""


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with Forks() as forks:
        yield forks


def kill(
    forks: Forks, folder: Path, rounds: Iterable[int], kinds: list[str], seed: int
) -> Result:  # fmt: skip
    """Kill so many writers of these kinds in each round; what was seen."""
    rnd = random.Random(seed)

    def start(database: str, writer: int, out: str, err: str) -> Child:
        arguments = (database, kinds[writer], 0, writer)
        return forks.start("work", *arguments, out=Path(out), err=Path(err))

    def judge(database: str, said: list[bytes]) -> None:
        check(database, said, rebuild=rnd.random() < 0.1)

    result = loop(
        start, judge, str(folder), rounds, writers=len(kinds), marker=b"ACK", seed=seed, most=1,
        moments=Moments(fresh_every=ANEW),
    )  # fmt: skip
    assert not result.failures, f"{result.failures[0]} (--seed {seed} -k {kinds[0]})"
    return result


def tell(row: Row, result: Result) -> None:
    row.tell("acknowledged", result.acknowledged)
    row.tell("idle", result.idle)
    assert not result.mostly_idle


@pytest.mark.parametrize("kind", ["batch", "bulk", "group"])
def test_killed_while_writing(forks: Forks, tmp_path: Path, kind: str) -> None:
    assert kill(forks, tmp_path, range(6), [kind], seed=12).acknowledged


@pytest.mark.row("R1", "one writer")
def test_one_writer(forks: Forks, tmp_path: Path, row: Row) -> None:
    rounds, total = row.rounds(), Result()
    kinds = ["append", "batch", "bulk", "rotation", "correct", "group"]
    for number, kind in enumerate(cycle(kinds)):
        few = islice(rounds, ANEW)  # the kinds take turns: also a run that is cut short sees all
        result = kill(forks, tmp_path, few, [kind], seed=row.seed + number)
        total.add(result)
        if result.rounds < ANEW:
            break
    tell(row, total)


@pytest.mark.row("R1", "four writers")
def test_four_writers(forks: Forks, tmp_path: Path, row: Row) -> None:
    kinds = ["group", "batch", "rotation", "correct"]
    tell(row, kill(forks, tmp_path, row.rounds(), kinds, seed=row.seed))
