"""R2: each state that a power cut can leave recovers, loses nothing acknowledged, and goes on.
R3: a power cut during recovery is no worse.

Two models: what POSIX promises (a name needs a sync of its folder, any mixture of unsynced pages
may be there), and what journaling file systems do (names become durable in order).
"""

from __future__ import annotations

import random
import shutil
from itertools import product
from pathlib import Path

import pytest

from tests.crash.power import MODELS, Recorded, State, record, run
from tests.rows import Row

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")

WORKLOADS = {
    "create": (0, 1), "append": (2, 3), "batch": (2, 3), "rotation": (1, 4), "bulk": (1, 1),
    "correct": (1, 1), "backup": (1, 2), "group": (1, 2),
}  # fmt: skip
"""Kind → how many steps are done before the recording, and in it."""


def recorded(folder: Path, kind: str) -> Recorded:
    """The recording of a workload."""
    before, steps = WORKLOADS[kind]
    prior = run(folder / "db", kind, before) if before else b""
    return record(folder, folder / "db", kind, steps, prior=prior)


def check_states(row: Row, *recordings: Recorded, per_point: int = 2) -> None:
    """Try states of all crash points, in passes, until there were enough."""
    seed = row.seed
    while row.ran < row.count and not row.is_over():
        for recording, model in product(recordings, MODELS):
            for state in recording.states(model, seed, per_point):
                state.check()
                row.ran += 1
                if row.is_over():
                    return
        seed += 1
    row.tell("crash points", sum(len(one.operations) + 1 for one in recordings))


@pytest.mark.row("R2", "create")
def test_power_cut_while_creating(tmp_path: Path, row: Row) -> None:
    check_states(row, recorded(tmp_path, "create"))


@pytest.mark.row("R2", "append")
def test_power_cut_while_appending(tmp_path: Path, row: Row) -> None:
    check_states(row, recorded(tmp_path, "append"))


@pytest.mark.row("R2", "batch")
def test_power_cut_in_large_commits(tmp_path: Path, row: Row) -> None:
    check_states(row, recorded(tmp_path, "batch"))


@pytest.mark.row("R2", "rotation")
def test_power_cut_between_segments(tmp_path: Path, row: Row) -> None:
    check_states(row, recorded(tmp_path, "rotation"))


@pytest.mark.row("R2", "bulk")
def test_power_cut_in_group_commit_and_ingest(tmp_path: Path, row: Row) -> None:
    """The groups of a bulk load, and those of threads that share their syncs."""
    recordings = []
    for kind in ("bulk", "group"):
        (tmp_path / kind).mkdir()
        recordings.append(recorded(tmp_path / kind, kind))
    check_states(row, *recordings)


@pytest.mark.row("R2", "correct")
def test_power_cut_between_correction_and_effects(tmp_path: Path, row: Row) -> None:
    check_states(row, recorded(tmp_path, "correct"))


@pytest.mark.row("R2", "backup")
def test_power_cut_during_backup(tmp_path: Path, row: Row) -> None:
    check_states(row, recorded(tmp_path, "backup"))


@pytest.mark.row("R3", "nested")
def test_power_cut_during_recovery(tmp_path: Path, row: Row) -> None:
    rnd = random.Random(row.seed)
    kinds = ["append", "batch", "rotation", "bulk"]
    folders = {kind: tmp_path / kind for kind in kinds}
    for folder in folders.values():
        folder.mkdir()
    firsts = {kind: recorded(folder, kind) for kind, folder in folders.items()}
    states = 0
    for number in row.rounds():
        kind = kinds[number % len(kinds)]
        first = _one_of(firsts[kind], rnd)
        root = tmp_path / f"first-{number}"
        first.write(root)
        second = record(tmp_path, root, kind, 1, prior=first.acks)
        for state in second.states(MODELS[number // len(kinds) % 2], rnd.randrange(2**32), 1):
            state.label = f"{kind}, first {first.label}; second {state.label}"
            state.check()
            states += 1
    row.tell("states", states)


def _one_of(recording: Recorded, rnd: random.Random) -> State:
    """A state in which something is unfinished, each with the same chance."""
    model, seed = rnd.choice(MODELS), rnd.randrange(2**32)
    recording.seen.clear()
    chosen = None
    for number, state in enumerate(recording.states(model, seed, 2)):
        if chosen is None or not rnd.randrange(number + 1):
            chosen = state
    assert chosen is not None
    return chosen


def test_power_cut_at_some_points(tmp_path: Path) -> None:
    recording = recorded(tmp_path, "rotation")
    states = list(recording.states("posix", seed=3, per_point=1))
    assert len(states) > 100
    for state in random.Random(3).sample(states, 30):
        state.check()
