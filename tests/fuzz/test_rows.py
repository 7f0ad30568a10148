"""Rows C4, C5 and S11: the guided fuzzer over each target, and long texts.

One of them again, for longer: python -m tests.fuzz.run parser --seconds 600 --seed 7
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import run, sources
from tests.fuzz.checks import Checker
from tests.fuzz.derivations import Deriver
from tests.rows import Row

ROWS = {
    "parser": "C4", "splitter": "C4", "completion": "C4", "highlighter": "C4", "instants": "C4",
    "frames": "C5", "records": "C5", "audit": "C5", "notes": "C5", "export": "C5",
    "history": "C5", "rows": "C5", "journals": "S11", "indexes": "S11", "damage": "S11",
}  # fmt: skip
LONG = 100_000
HANGS_S = 10.0
"""The bar says 1 s, which is told beside the row; CPU time too depends on what else runs."""
BYTES_MAX = 100 * 2**20


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.row(row, name)) for name, row in ROWS.items()]
)
def test_guided(name: str, row: Row, tmp_path: Path) -> None:
    if not run.is_possible():
        pytest.skip("atheris is not installed")
    seconds = min(float(row.count), row.left())
    found = run.run(
        name, seconds, seed=row.seed, work=tmp_path, seeds=ROWS[name] != "C4" or seconds > 120
    )
    row.ran = min(row.count, round(found.seconds))
    row.tell("executions", found.executions)
    row.tell("per second", round(found.executions / max(found.seconds, 0.1), 1))
    row.tell("edges", found.edges)
    row.tell("edges at first", found.began_edges)
    row.tell("inputs", found.corpus)
    row.tell("findings", len(found.findings))
    again = f"python -m tests.fuzz.run {name} --seconds {seconds:.0f} --seed {row.seed}"
    told = "\n".join(f"{said}\ninput: {data!r}" for said, data in found.findings)
    assert not found.findings, f"{told}\n{again}"
    assert found.executions > 1 and found.edges > 0, f"{found.said}\n{again}"


@pytest.mark.row("C4", "long texts")
def test_long_texts(row: Row) -> None:
    """100 kB of any piece over and over: no hang, and under 100 MiB."""
    checker = Checker(Random(row.seed))
    slowest = largest = 0.0
    texts = repeated(Random(row.seed))
    for number in row.rounds():
        text = next(texts)
        spent = _seconds(checker, text)
        slowest = max(slowest, spent)
        again = f"text {number} of seed {row.seed}: {text[:300]!r}"
        assert spent < HANGS_S, f"{spent:.2f} s; {again}"
        if number % 3 == 0:
            tracemalloc.start()
            checker.read(text)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            largest = max(largest, peak)
            assert peak < BYTES_MAX, f"{peak / 2**20:.0f} MiB; {again}"
    row.tell("slowest, s", round(slowest, 3))
    row.tell("largest, MiB", round(largest / 2**20, 1))


def _seconds(checker: Checker, text: str) -> float:
    gc.collect()
    began = time.process_time()
    checker.read(text)
    return time.process_time() - began


def repeated(random: Random) -> Iterator[str]:
    """Statements with one of their pieces over and over, up to 100 kB."""
    from epql.parse import lexer

    deriver = Deriver(random)
    written = sources.statements()
    while True:
        text = random.choice(written) if random.random() < 0.6 else deriver.statement(30)
        found = list(lexer.tokens(text))[:-1]
        if not found:
            continue
        first = random.randrange(len(found))
        last = min(len(found) - 1, first + random.choice((0, 0, 1, 1, 2, 3, 6)))
        start, end = found[first].start, found[last].end
        piece = random.choice(("", " ", ", ")) + text[start:end] + random.choice(("", " ", ","))
        count = max(1, (LONG - len(text)) // max(1, len(piece)))
        tail = text[end:] if random.random() < 0.7 else ""
        yield (text[:start] + piece * count + tail)[:LONG]
