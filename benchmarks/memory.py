"""Memory: the peak of a load and of a large answer, each in a process of its own.

    python benchmarks/memory.py [--n 1000000] [--json FILE] [--dir FOLDER]

Every assertion is about a slot of its own, so a snapshot has as many rows as were loaded. Loads:
by executemany in commits of 1,000, and by `epql import` of a CSV file. Reads: the snapshot row by
row, by fetchall, and as an aggregate. `base` is the process before it opens anything; each process
checks what it read against a sum that is known.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from machine import machine, told

EPQL = Path(sys.executable).with_name("epql")
PREDICATES = 5
ASSERT = "ASSERT (?, ?, ?) CONFIDENCE 0.9 AGENT 'importer' SOURCE ?"
SNAPSHOT = "SELECT subject, predicate, object, confidence, agent, source FROM beliefs AS OF TX ?"

Found = dict[str, Any]


def rows(n: int) -> Iterator[tuple[str, str, int, str]]:
    """Subject, predicate, object, source; objects are 0 … n - 1."""
    for number in range(n):
        subject, predicate = f"topic{number % 97}/{number // PREDICATES}", number % PREDICATES
        yield subject, f"p{predicate}", number, f"ticket/{number % 100_000}"


def load(path: str, n: int) -> None:
    """By executemany, 1,000 in a commit."""
    import epql

    with epql.connect(path, agent="bench") as con:
        made = rows(n)
        for _ in range(0, n, 1000):
            con.executemany(ASSERT, itertools.islice(made, 1000))
            con.commit()


def read(path: str, n: int, way: str) -> None:
    """The whole snapshot."""
    import epql

    with epql.connect(path, agent="bench") as con:
        (tx,) = con.execute("SELECT max(tx) FROM commits").fetchone()
        if way == "aggregate":
            text = "SELECT count(*), sum(object) FROM beliefs AS OF TX ?"
            found = con.execute(text, (tx,)).fetchone()
        else:
            cursor = con.execute(SNAPSHOT, (tx,))
            answer = cursor.fetchall() if way == "fetchall" else cursor
            count = total = 0
            for row in answer:
                count, total = count + 1, total + row[2]
            found = (count, total)
    assert found == (n, n * (n - 1) // 2), found


def child(*arguments: Any) -> Found:
    """Run a program: seconds, of the processor too, and the most memory it had."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, *map(str, arguments)], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{arguments} ended with {process.returncode}")
    return {
        "seconds": time.perf_counter() - began,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss / 1024,
    }


def measure(n: int, top: Path) -> Found:
    """All programs, one after the other."""
    loaded, imported, file = top / "loaded.epql", top / "imported.epql", top / "rows.csv"
    found = {"base": child("-c", "import epql; epql.connect(':memory:').execute('SELECT 1')")}
    found["executemany"] = child(__file__, "--job", "load", "--path", loaded, "--n", n)
    for way in ("row by row", "fetchall", "aggregate"):
        found[way] = child(__file__, "--job", way, "--path", loaded, "--n", n)
    shutil.rmtree(loaded)
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(("subject", "predicate", "object", "source"))
        writer.writerows(rows(n))
    found["epql import"] = child(EPQL, "import", imported, file, "--detect-types")
    child(__file__, "--job", "aggregate", "--path", imported, "--n", n)
    return found


def report(n: int, found: Found) -> None:
    print(f"\n{n:,} assertions, each of a slot of its own")
    print(f"{'':16}{'peak MB':>10}{'over base':>11}{'seconds':>10}{'of CPU':>9}{'a second':>12}")
    for name, one in found.items():
        over = one["peak_mb"] - found["base"]["peak_mb"]
        rate = "" if name == "base" else f"{n / one['seconds']:12,.0f}"
        line = f"{name:16}{one['peak_mb']:10.0f}{over:11.0f}{one['seconds']:10.1f}"
        print(f"{line}{one['cpu_s']:9.1f}{rate}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path, help="write the numbers there")
    parser.add_argument("--dir", help="where the databases go (default: the temporary folder)")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    parser.add_argument("--path", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job == "load":
        load(options.path, options.n)
        return 0
    if options.job:
        read(options.path, options.n, options.job)
        return 0
    where = machine(options.dir)
    print("machine ", told(where))
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as top:
        found = measure(options.n, Path(top))
    report(options.n, found)
    if options.json:
        written = {"machine": where, "memory": {"n": options.n, "peaks": found}}
        options.json.write_text(json.dumps(written, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
