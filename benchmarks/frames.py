"""Reading many rows by each door, beside the connector alone: SQLAlchemy, pandas, polars.

    python benchmarks/frames.py [--rows 100000] [--rounds 5] [--json FILE]

One database on disk, four columns of every belief, read in turns; CPU time of the process, the
median of the rounds. The ratio is to the connector's fetchall in the same run. The audit is off.
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
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
from sqlalchemy import create_engine, select, text

import epql
from epql.sqlalchemy import relation

TEXT = "SELECT subject, object, confidence, recorded_at FROM beliefs"
LIBRARIES = ("SQLAlchemy", "pandas", "polars")


def fill(path: Path, rows: int) -> None:
    """A database of so many beliefs."""
    with epql.connect(path, agent="architect", audit="off") as made:
        made.executemany(
            "ASSERT (?, 'size', ?) CONFIDENCE 0.9", ((f"service/{n}", n) for n in range(rows))
        )
        made.commit()


def readers(path: Path) -> dict[str, Callable[[], int]]:
    """Each way to read: how many rows it gave."""
    connection = epql.connect(path, read_only=True, audit="off")
    opened = create_engine(f"epql:///{path}?read_only=true&audit=off").connect()
    beliefs = relation("beliefs")
    query = select(beliefs.c.subject, beliefs.c.object, beliefs.c.confidence, beliefs.c.recorded_at)
    plain, typed = text(TEXT), query

    def pandas_alone() -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pandas has tested SQLAlchemy and sqlite3 only
            return len(pd.read_sql(TEXT, connection))

    return {
        "connector, fetchall": lambda: len(connection.execute(TEXT).fetchall()),
        "connector, row by row": lambda: sum(1 for _ in connection.execute(TEXT)),
        "SQLAlchemy, text": lambda: len(opened.execute(plain).all()),
        "SQLAlchemy, select (instants as datetimes)": lambda: len(opened.execute(typed).all()),
        "pandas.read_sql, connector": pandas_alone,
        "pandas.read_sql, SQLAlchemy text": lambda: len(pd.read_sql(plain, opened)),
        "pandas.read_sql, SQLAlchemy select": lambda: len(pd.read_sql(typed, opened)),
        "polars.read_database, connector": lambda: len(pl.read_database(TEXT, connection)),
        "polars.read_database, SQLAlchemy select": lambda: len(pl.read_database(typed, opened)),
    }


def measure(path: Path, rows: int, rounds: int) -> dict[str, float]:
    """Seconds of CPU of each way, the median; the ways take turns."""
    ways = readers(path)
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, read in ways.items():
            gc.collect()
            start = time.process_time()
            found = read()
            seconds = time.process_time() - start
            assert found == rows, (name, found)
            if number:  # the first round warms up
                spent[name].append(seconds)
    return {name: statistics.median(times) for name, times in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kb.epql"
        fill(path, arguments.rows)
        found = measure(path, arguments.rows, arguments.rounds)
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
          f"{versions}; {arguments.rows:,} rows of 4 columns")  # fmt: skip
    base = found["connector, fetchall"]
    for name, seconds in found.items():
        per_row = seconds / arguments.rows * 1e6
        print(f"{name:45} {seconds * 1e3:8.0f} ms {per_row:6.2f} µs/row  × {seconds / base:.2f}")
    if arguments.json:
        data: dict[str, Any] = {"rows": arguments.rows, "seconds": found}
        arguments.json.write_text(json.dumps(data, indent=1))


if __name__ == "__main__":
    sys.exit(main())
