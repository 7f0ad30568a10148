"""SIGKILL while history is imported: what is there is a prefix of it, and importing again goes on
to the end without doubling anything."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

import epql
from tests.clock import text_of
from tests.pep.replay import Replay

IMPORTER = Path(__file__).with_name("importer.py")
ROOT = Path(__file__).resolve().parents[2]


def killed_import(database: Path, wait_s: float | None) -> bool:
    """Start an import and kill it some time after it has opened (None: let it be); whether it
    got to its end."""
    command = [sys.executable, str(IMPORTER), str(database)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment) as importer:
        assert importer.stdout is not None
        assert importer.stdout.readline() == b"open\n"
        if wait_s is not None:
            time.sleep(wait_s)
            importer.kill()
        return b"done\n" in importer.stdout.read()


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


def import_loop(folder: Path, databases: int, seed: int) -> None:
    replay, rnd = Replay(), random.Random(seed)
    partial = 0
    started = time.monotonic()
    assert killed_import(folder / "whole", None)
    whole_s = time.monotonic() - started  # starting included: some kills come too late
    for number in range(databases):
        database, before, is_done = folder / f"kb{number}", 0, False
        while not is_done:
            is_done = killed_import(database, rnd.uniform(0, whole_s))
            there = check(database, replay)
            assert before <= there <= len(replay.instants)
            partial += before < there < len(replay.instants)
            before = there
            if not is_done and rnd.random() < 0.2:
                is_done = killed_import(database, None)
        assert check(database, replay) == len(replay.instants)
    assert partial, "no import was killed half way: nothing was tested"


def test_a_killed_import_goes_on(tmp_path: Path) -> None:
    import_loop(tmp_path, databases=3, seed=3)


@pytest.mark.slow
def test_a_killed_import_goes_on_at_length(tmp_path: Path) -> None:
    import_loop(tmp_path, databases=30, seed=30)
