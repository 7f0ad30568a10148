"""Several at once: a writer beside four reading processes; sixteen threads with small commits.

    python benchmarks/concurrency.py [--seconds 4] [--readers 4] [--threads 16] [--json FILE]

Beside EPQL the hand-written baseline does the same in turn. Readers ask as of the state before
the writer began, whose answer is known, and now, whose answer may never go back; a wrong answer, or
a commit that was acknowledged and is not there, makes the run fail. Each reader runs alone first:
what the writer adds to its longest read is what it waits for. EPQL's threads run once more with
syncs that take as long as on a user's disk (SLOW_S).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import apsw
from adapters import baseline
from machine import machine, told

import epql
from epql.engine.files import OsHandle

SLOW_S = 0.005
SLOTS = 1000
ASSERT = "ASSERT (?, 'counter', ?)"
NOW = "SELECT object FROM beliefs WHERE subject = ? AND predicate = 'counter'"
AS_OF = NOW + " AS OF TX 1"
ADD = """
INSERT INTO hist(kid, recorded_from, o, conf, life, agent, source)
SELECT kid, ?, ?, 1, 'proposed', 'bench', '' FROM key WHERE s = ? AND p = 'counter'"""

Found = dict[str, Any]


class Store(Protocol):
    """One connection of one peer."""

    def write(self, rows: list[tuple[str, int]]) -> None: ...

    def now(self, subject: str) -> int: ...

    def first(self, subject: str) -> int: ...

    def close(self) -> None: ...


class Ours:
    """EPQL as a user would write it."""

    def __init__(self, folder: str, durability: str = "full") -> None:
        self.con = epql.connect(
            Path(folder) / "kb.epql", agent="bench", autocommit=True, durability=durability,
            timeout=60,
        )  # fmt: skip

    def write(self, rows: list[tuple[str, int]]) -> None:
        if len(rows) == 1:
            self.con.execute(ASSERT, rows[0])
        else:
            self.con.executemany(ASSERT, rows)

    def now(self, subject: str) -> int:
        return int(self.con.execute(NOW, (subject,)).fetchone()[0])

    def first(self, subject: str) -> int:
        return int(self.con.execute(AS_OF, (subject,)).fetchone()[0])

    def close(self) -> None:
        self.con.close()


class ByHand:
    """The hand-written table; a commit's time is a counter kept in the transaction."""

    def __init__(self, folder: str, durability: str = "full") -> None:
        self.peer = baseline.Peer()
        self.peer.open(folder)
        self.peer.db.set_busy_timeout(60_000)

    def write(self, rows: list[tuple[str, int]]) -> None:
        db = self.peer.db
        db.execute("BEGIN IMMEDIATE")
        (last,) = db.execute("SELECT max(recorded_from) FROM hist").fetchone()
        db.executemany(
            "INSERT OR IGNORE INTO key(s, p) VALUES(?, 'counter')", [r[:1] for r in rows]
        )
        db.executemany(ADD, [((last or 0) + 1, value, subject) for subject, value in rows])
        db.execute("COMMIT")

    def now(self, subject: str) -> int:
        return int(self.peer.now(subject, "counter")[0])

    def first(self, subject: str) -> int:
        return int(self.peer.as_of(subject, "counter", 1)[0])

    def close(self) -> None:
        self.peer.close()


PEERS: dict[str, Callable[..., Store]] = {"baseline": ByHand, "epql": Ours}


def reader(peer: str, folder: str, seed: int, seconds: float, begin: Any, answers: Any) -> None:
    """A process that reads until the time is over, now and as of the first commit in turns."""
    store = PEERS[peer](folder)
    spent, wrong, newest = [], 0, dict.fromkeys(range(SLOTS), 0)
    store.now("topic/0")
    begin.wait()
    end, number = time.perf_counter() + seconds, seed * 101
    while (began := time.perf_counter()) < end:
        slot = number * 7 % SLOTS
        past = bool(number % 2)
        answer = (store.first if past else store.now)(f"topic/{slot}")
        spent.append(time.perf_counter() - began)
        if past:
            wrong += answer != 0
        else:
            wrong += answer < newest[slot]
            newest[slot] = answer
        number += 1
    store.close()
    answers.put(("reads", spent, wrong))


def writer(peer: str, folder: str, seed: int, seconds: float, begin: Any, answers: Any) -> None:
    """A process that makes commits of ten until the time is over."""
    store = PEERS[peer](folder)
    spent, number = [], 0
    begin.wait()
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        rows = [(f"topic/{(number * 10 + n) % SLOTS}", number + 1) for n in range(10)]
        store.write(rows)
        spent.append(time.perf_counter() - began)
        number += 1
    wrong = sum(store.now(f"topic/{n}") == 0 for n in range(min(SLOTS, number * 10)))
    store.close()
    answers.put(("commits", spent, wrong))


def together(peer: str, readers: int, writers: int, seconds: float) -> Found:
    """Some processes on one new database, for a while."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        store = PEERS[peer](folder)
        store.write([(f"topic/{n}", 0) for n in range(SLOTS)])
        store.close()
        context = multiprocessing.get_context("spawn")
        begin, answers = context.Barrier(readers + writers), context.Queue()
        jobs = [reader] * readers + [writer] * writers
        processes = [
            context.Process(target=job, args=(peer, folder, number, seconds, begin, answers))
            for number, job in enumerate(jobs)
        ]
        for process in processes:
            process.start()
        results = [answers.get(timeout=seconds + 120) for _ in processes]
        for process in processes:
            process.join()
    return {
        kind: summary([r for r in results if r[0] == kind], seconds)
        for kind in ("reads", "commits")
        if any(r[0] == kind for r in results)
    }


def summary(results: list[tuple[str, list[float], int]], seconds: float) -> Found:
    spent = sorted(second for _, one, _ in results for second in one)
    return {
        "ops_s": len(spent) / seconds,
        "p50_us": statistics.median(spent) * 1e6,
        "p99_us": spent[int(0.99 * len(spent))] * 1e6,
        "longest_us": spent[-1] * 1e6,
        "wrong": sum(wrong for *_, wrong in results),
    }


def threads(peer: str, durability: str, count: int, seconds: float) -> Found:
    """Threads with a connection each, which commit one assertion after the other."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        PEERS[peer](folder).close()
        stores = [PEERS[peer](folder, durability) for _ in range(count)]
        spent: list[list[float]] = [[] for _ in stores]
        end = time.perf_counter() + seconds

        def commits(number: int) -> None:
            while (began := time.perf_counter()) < end:
                stores[number].write([(f"topic/{number}-{len(spent[number])}", 1)])
                spent[number].append(time.perf_counter() - began)

        running = [threading.Thread(target=commits, args=(number,)) for number in range(count)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        lost = sum(
            stores[0].now(f"topic/{number}-{n}") != 1
            for number, one in enumerate(spent) for n in range(len(one))
        )  # fmt: skip
        for store in stores:
            store.close()
    return summary([("commits", one, 0) for one in spent], seconds) | {"wrong": lost}


@contextmanager
def slow_syncs() -> Iterator[None]:
    """Each sync of the journal takes longer meanwhile."""
    sync = OsHandle.sync

    def slow(handle: OsHandle) -> None:
        sync(handle)
        time.sleep(SLOW_S)

    OsHandle.sync = slow  # type: ignore[method-assign]
    try:
        yield
    finally:
        OsHandle.sync = sync  # type: ignore[method-assign]


def measure(options: argparse.Namespace) -> Found:
    found: Found = {}
    for name, readers, writers in (
        ("readers alone", options.readers, 0),
        ("writer alone", 0, 1),
        ("together", options.readers, 1),
    ):
        found[name] = {p: together(p, readers, writers, options.seconds) for p in PEERS}
    for durability in ("full", "group"):
        found[f"threads, {durability}"] = {
            p: {"commits": threads(p, durability, options.threads, options.seconds)} for p in PEERS
        }
    for durability in ("full", "group"):
        with slow_syncs():
            commits = threads("epql", durability, options.threads, options.seconds)
        found[f"threads, {durability}, syncs of {SLOW_S * 1000:g} ms"] = {
            "epql": {"commits": commits}
        }
    return found


def report(found: Found) -> None:
    head = ("", "", "", "a second", "p50 µs", "p99 µs", "longest µs", "wrong")
    print("\n{:29}{:10}{:9}{:>11}{:>11}{:>11}{:>13}{:>7}".format(*head))
    for name, by_peer in found.items():
        for peer, kinds in by_peer.items():
            for kind, one in kinds.items():
                cells = f"{one['ops_s']:11,.0f}{one['p50_us']:11,.0f}{one['p99_us']:11,.0f}"
                cells += f"{one['longest_us']:13,.0f}{one['wrong']:7}"
                print(f"{name:29}{peer:10}{kind:9}{cells}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--json", type=Path, help="write the numbers there")
    options = parser.parse_args()
    where = machine()
    print("machine ", told(where))
    print(f"versions epql {epql.__version__}, apsw {apsw.apsw_version()}")
    found = measure(options)
    report(found)
    if options.json:
        options.json.write_text(json.dumps({"machine": where, "concurrency": found}, indent=1))
    kinds = (one for peers in found.values() for kind in peers.values() for one in kind.values())
    return int(any(one["wrong"] for one in kinds))


if __name__ == "__main__":
    sys.exit(main())
