"""The benchmarks run, at a scale where nothing is measured: their answers are right."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"

ORACLE = """
import workload
w = workload.Workload(1_000)
oracle = workload.Oracle(w)
slow = {
    "now_point": [oracle.now(k) for k in w.ask_now()],
    "now_point_approved": [oracle.now_approved(k) for k in w.ask_now()],
    "asof_point": [oracle.as_of((s, p), c) for s, p, c in w.ask_as_of()],
    "asof_scan": [oracle.snapshot(c) for c in w.ask_snapshot()],
    "aggregate": [oracle.aggregate(c) for c in w.ask_snapshot()],
    "diff": [oracle.diff(a, b) for a, b in w.ask_diff()],
    "diff_window": [oracle.diff(a, b) for a, b in w.ask_window()],
    "history": [oracle.history(k) for k in w.ask_history()],
}
found = workload.expectations(w)
assert found == {op: [workload.digest(one) for one in answers] for op, answers in slow.items()}
"""


def ran(program: str, file: Path, *arguments: str) -> dict[str, Any]:
    """What a benchmark wrote."""
    command = [sys.executable, str(FOLDER / program), *arguments, "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(file.read_text())  # type: ignore[no-any-return]


def test_compare(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    size = ran("compare.py", file, "--n", "1000", "--rounds", "1")["sizes"]["1000"]
    base, own = size["baseline"], size["epql"]
    questions = [name for name, one in base.items() if isinstance(one, dict) and "wrong" in one]
    assert len(questions) == 8
    assert [base[name]["wrong"] + own[name]["wrong"] for name in questions] == [0] * 8
    assert own["layout"]["journal"] > 0 and own["layout"]["span"] > 0


def test_what_is_expected_in_one_pass_is_what_the_oracle_says() -> None:
    subprocess.run([sys.executable, "-c", ORACLE], cwd=FOLDER, check=True)


@pytest.mark.slow  # a dozen processes
def test_concurrency(tmp_path: Path) -> None:
    few = ("--seconds", "0.2", "--readers", "1", "--threads", "2")
    found = ran("concurrency.py", tmp_path / "found.json", *few)["concurrency"]
    assert found["together"]["epql"]["reads"]["ops_s"] > 0


@pytest.mark.slow  # a dozen processes
def test_memory(tmp_path: Path) -> None:
    found = ran("memory.py", tmp_path / "found.json", "--n", "1000")["memory"]
    assert {"executemany", "epql import", "row by row", "fetchall"} <= set(found["peaks"])
