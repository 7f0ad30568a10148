"""One peer in a process of its own, which does what compare.py asks it, line by line.

    python benchmarks/peer.py ADAPTER ASSERTIONS FOLDER EXPECTED

A line on standard input is a method of Worker with its arguments, as JSON; the answer is a line of
JSON. Answers of the peer are compared as digests with what `workload.py expect` has written.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import pickle
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import workload
from workload import Unsupported, Workload

VARIANTS = {
    "aggregate_off": ("off", "on"),
    "aggregate_unfused": ("lazy", "off"),
    "aggregate_unfused_off": ("off", "off"),
}
"""More ways for EPQL to answer `aggregate`: the audit, and scan fusion."""


class Worker:
    """The peer, what it has loaded so far, and how its answers are timed."""

    def __init__(self, adapter: str, n: int, folder: str, expected: str) -> None:
        self.load = Workload(n)
        self.folder = folder
        self.peer = workload.make(adapter)
        self.peer.open(folder)
        with open(expected, "rb") as file:
            self.expected = pickle.load(file)
        self.commits = self.load.commits()
        self.singles = self.load.singles()
        self.tokens: list[Any] = []

    def about(self) -> dict[str, Any]:
        """Who it is, and the memory it has before anything is loaded."""
        return {"peer": self.peer.name, "version": self.peer.version(), "rss": _peak()}

    def write(self, source: str, count: int) -> list[float]:
        """Seconds of each of the next commits, `commits` or `singles`."""
        spent, clock = [], time.perf_counter
        for tx, rows in itertools.islice(getattr(self, source), count):
            began = clock()
            token = self.peer.load(rows, tx)
            spent.append(clock() - began)
            self.tokens.append(token)
            self.peer.tick()
        return spent

    def settle(self) -> None:
        """All is loaded."""
        self.peer.settle()

    def rest(self) -> dict[str, Any]:
        """Closed: how large it is."""
        peak = _peak()
        self.peer.close()
        allocated, _ = self.peer.disk(self.folder)
        return {"disk": allocated, "layout": self.peer.layout(self.folder), "load_peak": peak}

    def reopen(self) -> float:
        """Seconds to open and answer a point read, in this process."""
        began = time.perf_counter()
        self.peer.open(self.folder)
        self.peer.now(*self.load.ask_now()[0])
        return time.perf_counter() - began

    def close(self) -> None:
        """Until the next reopen."""
        self.peer.close()

    def start(self, times: int) -> dict[str, float]:
        """Seconds of new processes: one that does nothing, imports, opens and answers.

        They take turns, and the best of each counts.
        """
        slot = self.load.ask_now()[0]
        programs = {
            "nothing": "pass",
            "imported": self.peer.imports(),
            "answered": self.peer.first_answer(self.folder, slot),
        }
        rounds = [{name: _process(code) for name, code in programs.items()} for _ in range(times)]
        return {name: min(one[name] for one in rounds) for name in programs}

    def ask(self, operation: str, budget: float) -> dict[str, Any]:
        """Put all questions of an operation: seconds of each, of the processor, wrong answers."""
        try:
            run, arguments = self._question(operation)
            spent, answers, cpu = _timed(run, arguments, budget)
        except Unsupported as error:
            return {"unsupported": str(error)}
        kind = "aggregate" if operation in VARIANTS else operation
        normal = workload.NORM[kind]
        found = [workload.digest(normal(answer)) for answer in answers]
        wrong = [n for n, one in enumerate(found) if one != self.expected[kind][n]]
        if wrong:
            told = f"{arguments[wrong[0]]}: {str(answers[wrong[0]])[:300]}"
            print("WRONG", self.peer.name, operation, told, file=sys.stderr)
        return {"spent": spent, "cpu": cpu / len(spent), "wrong": len(wrong)}

    def _question(self, operation: str) -> tuple[Callable[..., Any], list[tuple[Any, ...]]]:
        if operation not in VARIANTS:
            run, arguments = workload.questions(self.peer, self.load, self.tokens)[operation]
            return run, arguments
        if not hasattr(self.peer, "aggregate_as"):
            raise Unsupported("one way only")
        _, arguments = workload.questions(self.peer, self.load, self.tokens)["aggregate"]
        return self.peer.aggregate_as, [(*VARIANTS[operation], *one) for one in arguments]

    def peak(self) -> int:
        """The most memory that this process ever had, in bytes."""
        return _peak()


def _timed(
    run: Callable[..., Any], arguments: list[tuple[Any, ...]], budget: float
) -> tuple[list[float], list[Any], float]:
    """Seconds of each call, the answers, seconds of the processor; some only if they are slow."""
    spent, answers, clock = [], [], time.perf_counter
    gc.collect()
    end, cpu = clock() + budget, time.process_time()
    for one in arguments:
        began = clock()
        answer = run(*one)
        done = clock()
        spent.append(done - began)
        answers.append(answer)
        if done > end:
            break
    return spent, answers, time.process_time() - cpu


def _process(code: str) -> float:
    """Seconds of a new process."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-P", "-c", code], check=True
    )  # -P: not the epql of this folder
    return time.perf_counter() - began


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    adapter, n, folder, expected = sys.argv[1:]
    worker = Worker(adapter, int(n), folder, expected)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed goes elsewhere
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(getattr(worker, name)(*arguments)), file=answers, flush=True)
    worker.close()


if __name__ == "__main__":
    main()
