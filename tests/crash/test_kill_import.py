"""SIGKILL while history is imported: what is there is a prefix of it, and importing again goes on
to the end without doubling anything."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import epql
from tests.clock import text_of
from tests.crash.importer import STEPS
from tests.pep.replay import Replay

IMPORTER = Path(__file__).with_name("importer.py")
ROOT = Path(__file__).resolve().parents[2]

Steps = dict[str, int]
"""How many steps of each kind an import took."""


def run_import(database: Path, step: str | None = None, number: int = 0) -> Steps | None:
    """Import, and die before the so-many-th step of a kind; None if it did."""
    fatal = [] if step is None else [step, str(number)]
    done = subprocess.run(
        [sys.executable, str(IMPORTER), str(database), *fatal],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    if done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0
    steps: Steps = json.loads(done.stdout)
    return steps


def check(database: Path, replay: Replay) -> int:
    """The commits are a prefix of the file and say what a replay says; how many they are."""
    con = epql.connect(database, agent="checker")
    instants = [at for (at,) in con.execute("SELECT recorded_at FROM commits ORDER BY tx")]
    assert instants == [text_of(at) for at in replay.instants[: len(instants)]]
    rows = con.execute("SELECT subject, predicate, object FROM beliefs").fetchall()
    con.close()
    expected = replay.answers(replay.instants[len(instants) - 1]) if instants else {}
    assert {(s, p): o for s, p, o in rows if (s, p) in replay.changes} == expected
    return len(instants)


@pytest.fixture(scope="module")
def replay() -> Replay:
    return Replay()


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Steps:
    """The steps of an import that nobody kills."""
    found = run_import(tmp_path_factory.mktemp("whole") / "kb")
    assert found is not None and all(found[step] > 2 for step in STEPS)
    return found


@pytest.mark.parametrize("step", ["write", "second half", "sync"])
def test_a_killed_import_goes_on(tmp_path: Path, replay: Replay, steps: Steps, step: str) -> None:
    database, before = tmp_path / "kb", 0
    for _ in range(2):
        assert run_import(database, step, steps[step] // 3) is None
        there = check(database, replay)
        assert before < there < len(replay.instants), "it was half way"
        before = there
    assert run_import(database) is not None
    assert check(database, replay) == len(replay.instants)


def test_an_import_killed_while_the_index_follows_goes_on(
    tmp_path: Path, replay: Replay, steps: Steps
) -> None:
    database, number = tmp_path / "kb", steps["announce"] // 2
    assert run_import(database, "announce", number) is None
    assert number <= check(database, replay), "what is about to be applied is in the journal"
    assert run_import(database) is not None
    assert check(database, replay) == len(replay.instants)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_an_import_killed_anywhere_goes_on(
    tmp_path: Path, replay: Replay, steps: Steps, seed: int
) -> None:
    rnd = random.Random(seed)
    database, before, is_done = tmp_path / "kb", 0, False
    while not is_done:
        step = rnd.choice(STEPS)
        is_done = run_import(database, step, rnd.randint(1, steps[step])) is not None
        there = check(database, replay)
        assert before <= there <= len(replay.instants)
        before = there
    assert before == len(replay.instants)
