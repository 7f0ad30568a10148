"""What the audit adds to a read: the same queries with audit off, lazy and sync, in turns.

    python benchmarks/audited.py [--rounds 12] [--json FILE]

Three connections to one database on disk ask the same in turns. `µs` is the CPU time of the
asking thread, the best of the rounds' medians; `process` is that of the whole process for each
read, with the thread that writes lazily, in the best round. `sync` waits for the disk at each
read: of that, CPU time counts too, and `wall` has the rest. Beside the ratios stand the aims.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import epql

MODES = ("off", "lazy", "sync")
ROWS = 5000
POINT_US, SCAN_RATIO = 15.0, 1.10
"""The aims for lazy: added to a point read; a scan of 5,000 rows beside the same without."""


class Read(NamedTuple):
    """A query, how its rows are fetched, how often in a round, and the aim for `lazy`."""

    name: str
    text: str
    params: tuple[Any, ...]
    fetch: Callable[[Any], object]
    times: int
    aim: str = ""


def row_by_row(cursor: Any) -> int:
    """Rows as a for loop has them."""
    return sum(1 for _ in cursor)


def all_rows(cursor: Any) -> list[Any]:
    """Rows as fetchall has them."""
    return cursor.fetchall()  # type: ignore[no-any-return]


SCAN = "SELECT subject, object FROM beliefs"
READS = (
    Read(
        "point read", "SELECT object FROM beliefs WHERE subject = ? AND predicate = 'algorithm'",
        ("service/77",), all_rows, 300, f"≤ +{POINT_US:g} µs",
    ),
    Read("scan, fetchall", SCAN, (), all_rows, 5, f"≤ ×{SCAN_RATIO:.2f}"),
    Read("scan, row by row", SCAN, (), row_by_row, 5),
    Read("scan, WHERE", SCAN + " WHERE confidence > 0.5", (), all_rows, 5),
    Read("scan, ORDER BY", SCAN + " ORDER BY object LIMIT 100", (), all_rows, 5),
    Read("aggregate", "SELECT count(*), max(object) FROM beliefs", (), all_rows, 5),
)  # fmt: skip


def fill(path: Path) -> None:
    """A database of ROWS beliefs, those of one read by more than one."""
    with epql.connect(path, agent="architect", audit="off") as made:
        rows = [(f"service/{n // 2}", p, f"value {n}") for n in range(0, ROWS, 2)
                for p in ("algorithm", "owner")]  # fmt: skip
        made.executemany("ASSERT (?, ?, ?)", rows)
        made.commit()


def one_round(connection: Any, read: Read) -> dict[str, float]:
    """µs of a read: of the thread, of the process, of the clock on the wall."""
    cursor, spent = connection.cursor(), []
    wall, process = time.perf_counter(), time.process_time()
    for _ in range(read.times):
        began = time.thread_time_ns()
        read.fetch(cursor.execute(read.text, read.params))
        spent.append(time.thread_time_ns() - began)
    connection.runner.database.audit.flush()  # what is still to be written belongs to these
    return {
        "us": statistics.median(spent) / 1e3,
        "process": (time.process_time() - process) * 1e6 / read.times,
        "wall": (time.perf_counter() - wall) * 1e6 / read.times,
    }


def measure(rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """By read, mode and kind of time: µs."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kb"
        fill(path)
        connections = {mode: epql.connect(path, agent="sre", audit=mode) for mode in MODES}
        for read in READS:
            for connection in connections.values():
                one_round(connection, read._replace(times=3))
            gc.collect()
            gc.disable()
            turns: dict[str, list[dict[str, float]]] = {mode: [] for mode in MODES}
            for _ in range(rounds):
                for mode, connection in connections.items():
                    turns[mode].append(one_round(connection, read))
            gc.enable()
            found[read.name] = {
                mode: {kind: min(turn[kind] for turn in told) for kind in told[0]}
                for mode, told in turns.items()
            }
        for connection in connections.values():
            connection.close()
    return found


def report(found: dict[str, dict[str, dict[str, float]]]) -> None:
    """The table."""
    version = sys.version.split()[0]
    machine = f"{os.cpu_count()} cores, {platform.platform()}, Python {version}"
    print(f"\nmachine  {machine}; {ROWS} rows")
    print(f"\n{'':18}{'off':>8}{'lazy':>8}{'adds':>8}{'ratio':>8}{'aim':>10}"
          f"{'process':>10}{'ratio':>8}{'sync':>9}{'wall':>9}")  # fmt: skip
    for read in READS:
        off, lazy, sync = (found[read.name][mode] for mode in MODES)
        line = f"{read.name:18}{off['us']:8.0f}{lazy['us']:8.0f}{lazy['us'] - off['us']:8.1f}"
        line += f"{lazy['us'] / off['us']:8.2f}{read.aim:>10}{lazy['process']:10.0f}"
        line += f"{lazy['process'] / off['process']:8.2f}{sync['us']:9.0f}{sync['wall']:9.0f}"
        print(line)
    print("\nµs a read")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--json", type=Path, help="write the numbers there")
    options = parser.parse_args()
    found = measure(options.rounds)
    report(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
