"""R17: each promise is guarded. A bug is planted, and at least one quick test must notice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.crash.mutants import MUTANTS, VARIABLE, planted
from tests.crash.mutants.planting import products_of
from tests.rows import Row

HANGS_AFTER_S = 1_800
ROOT = Path(__file__).parents[2]
TRACE = str(ROOT / "tests" / "crash" / "tools" / "crashtrace.py")
CHECKER = f"{ROOT / 'tests' / 'crash' / 'checker.py'}:check"


@pytest.mark.row("R17", "planted bugs")
def test_every_planted_bug_is_caught(row: Row) -> None:
    """`python -m tests.crash.mutants NAME` shows what happens with one of them."""
    assert row.count == len(MUTANTS), "say in tests/rows.py how many there are"
    command = [sys.executable, "-m", "tests.crash.mutants"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=HANGS_AFTER_S
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    verdicts = {line[1]: line[0] for line in lines if line[0] in ("caught", "SURVIVED")}
    row.ran = len(verdicts)
    row.tell("caught", list(verdicts.values()).count("caught"))
    row.tell("rules", len({mutant.rule for mutant in MUTANTS.values()}))
    survived = [name for name, verdict in verdicts.items() if verdict != "caught"]
    assert not survived, f"no test notices; run again: {command} {' '.join(survived)}"
    assert done.returncode == 0 and set(verdicts) == set(MUTANTS), done.stdout + done.stderr


def test_every_bug_can_be_planted_and_taken_out() -> None:
    before = products_of("epql")
    for mutant in MUTANTS.values():
        with planted(mutant.name):
            assert products_of("epql") != before, mutant.name
        assert products_of("epql") == before, mutant.name
        for test in mutant.caught_by:
            assert (ROOT / "tests" / test.partition("::")[0]).exists(), test


def test_a_power_cut_at_any_call(tmp_path: Path) -> None:
    """The system calls of a small run, and what a power cut after each could leave."""
    kb, trace, acks = (str(tmp_path / name) for name in ("kb", "trace", "acks"))
    record = [sys.executable, TRACE, "record", "--root", kb, "--trace", trace, "--acks", acks]
    work = [sys.executable, str(ROOT / "tests" / "crash" / "work.py"), kb, "append", "1"]
    _run([*record, "--", *work], os.environ)
    replay = [sys.executable, TRACE, "replay", "--trace", trace, "--check-py", CHECKER]
    environment = {k: v for k, v in os.environ.items() if k != VARIABLE}
    # the index is made anew where it is missing; left out, the journal is the little that counts
    few = ["--rand", "0", "--cap", "2", "--ignore", r"index\.db", "--jobs", "1"]
    _run([*replay, "--model", "posix", *few], environment)


def _run(command: list[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
        timeout=HANGS_AFTER_S,
    )  # fmt: skip
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
