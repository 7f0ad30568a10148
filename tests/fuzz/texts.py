"""Statements drawn by a seed, parsed, planned and run: what the parser's coverage does not guide.

    python -m tests.fuzz.texts --minutes 60 --seed 1 [--found FILE] [--no-shapes]

The guided fuzzer of parser, decoders and files is run.py; this one draws the same texts for the
same seed, needs nothing that is not always there, and runs what it draws on a small database.

Texts come from three sources: statements changed (mutations.py), statements drawn from the
grammar (derivations.py), and changed ones of those. A text with an outcome that was never seen
before is changed further. At the end, or at Ctrl-C, stand executions, outcomes, the slowest
texts and findings.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.fuzz import shapes, sources
from tests.fuzz.checks import Checker, Finding, percentile
from tests.fuzz.derivations import Deriver
from tests.fuzz.mutations import mutated

LENGTH_MAX = 20_000
POOL_MAX = 20_000
SIZES = (125_000, 250_000, 500_000, 1_000_000)
"""Characters of the long texts."""


@dataclass
class Report:
    """What a run has seen."""

    executions: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[str, str]] = field(default_factory=list)  # what, text

    @property
    def kinds(self) -> Counter[str]:
        """The findings by their last line."""
        return Counter(what.strip().splitlines()[-1][:150] for what, _ in self.findings)


class Fuzzer:
    """Draws texts and checks them; the same seed draws the same texts."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.deriver = Deriver(self.random)
        self.checker = Checker(self.random)
        self.pool = [*sources.statements(), *sources.kept()]
        self.written = len(self.pool)
        self.report = Report()

    def draw(self) -> tuple[str, str]:
        """A source and a text."""
        chance = self.random.random()
        if chance < 0.3:
            return "grammar", self.deriver.statement(self.random.choice((5, 15, 40, 120)))
        if chance < 0.4:
            drawn = self.deriver.statement(self.random.choice((5, 15, 40)))
            return "grammar, changed", mutated(self.random, drawn, self.pick())[:LENGTH_MAX]
        return "changed", mutated(self.random, self.pick(), self.pick())[:LENGTH_MAX]

    def pick(self) -> str:
        return self.random.choice(self.pool)

    def step(self) -> None:
        """One text through all that it is fit for."""
        source, text = self.draw()
        try:
            self.check(source, text)
        except Finding as finding:
            self.report.findings.append((str(finding), text))

    def check(self, source: str, text: str) -> None:
        """Raises: Finding."""
        report, checker, chance = self.report, self.checker, self.random.random()
        report.executions[source] += 1
        outcome, parsed = checker.read(text, must_parse=source == "grammar")
        self.saw(f"read {outcome}", text)
        if chance < (0.3 if parsed is not None else 0.05):
            report.executions["laid out"] += 1
            checker.look(text, parsed)
        if parsed is None:
            return
        if chance > 0.5 and (outcome := checker.plan(text, parsed)):
            report.executions["planned"] += 1
            self.saw(f"plan {outcome}", text)
        if chance > 0.65:
            report.executions["executed"] += 1
            kind = type(parsed.statement).__name__
            self.saw(f"run {kind} {checker.execute(text, parsed)}", text)

    def saw(self, outcome: str, text: str) -> None:
        """Keep a text whose outcome is new, to change it further."""
        if outcome not in self.report.outcomes and len(self.pool) < POOL_MAX:
            self.pool.append(text)
        self.report.outcomes[outcome] += 1


def long_texts(sizes: tuple[int, ...] = SIZES) -> Iterator[tuple[str, list[float]]]:
    """Each shape with the seconds that reading takes at each size.

    Raises: Finding.
    """
    checker = Checker(Random(0))
    for name in shapes.PIECES:
        spent = []
        for size in sizes:
            gc.collect()  # of the trees before, which would count here
            checker.read(shapes.shape(name, size))
            spent.append(checker.times[-1])
        yield name, spent


def _print_long() -> None:
    print(f"{'seconds to read':32}" + "".join(f"{size:>12,}" for size in SIZES))
    for name, spent in long_texts():
        print(f"{name:32}" + "".join(f"{one:12.3f}" for one in spent), flush=True)


def _print(fuzzer: Fuzzer, seconds: float) -> None:
    report, checker = fuzzer.report, fuzzer.checker
    read = len(checker.times)
    print(f"\n{read:,} texts in {seconds:.0f} s; {len(report.outcomes)} outcomes")
    print("; ".join(f"{name} {count:,}" for name, count in report.executions.most_common()))
    print(f"alternatives of the grammar never taken: {len(fuzzer.deriver.untaken())}")
    times = [percentile(checker.times, share) * 1000 for share in (0.5, 0.99, 0.999, 1.0)]
    print("read, ms: p50 {:.2f}, p99 {:.2f}, p99.9 {:.2f}, max {:.1f}".format(*times))
    for label, slowest in (("slowest to read", checker.slowest), ("to run", checker.ran)):
        for spent, text in slowest[:3]:
            print(f"{label}: {spent * 1000:.1f} ms, {len(text)} characters: {text[:100]!r}")
    print(f"findings: {len(report.findings)}")
    for kind, count in report.kinds.most_common(30):
        text = min((t for what, t in report.findings if kind in what), key=len)
        print(f"  {count} × {kind}\n      {text[:300]!r}")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--found", type=Path, help="findings are added there, a JSON list a line")
    parser.add_argument("--no-shapes", action="store_true", help="leave the long texts out")
    options = parser.parse_args()
    if not options.no_shapes:
        _print_long()
    fuzzer = Fuzzer(options.seed)
    began = told = time.monotonic()
    with contextlib.suppress(KeyboardInterrupt):
        while time.monotonic() - began < options.minutes * 60:
            known = len(fuzzer.report.findings)
            fuzzer.step()
            if options.found and len(fuzzer.report.findings) > known:
                with options.found.open("a") as file:
                    file.write(json.dumps(fuzzer.report.findings[-1]) + "\n")
            if time.monotonic() - told > 300:
                told = time.monotonic()
                _print(fuzzer, told - began)
    _print(fuzzer, time.monotonic() - began)
    return int(bool(fuzzer.report.findings))


if __name__ == "__main__":
    sys.exit(main())
