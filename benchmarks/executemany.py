"""How much faster one executemany is than as many executes: in one transaction, each committed.

python benchmarks/executemany.py [--rows 20000] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import epql

TEXT = "ASSERT (?, 'p', ?)"


def timed(run: Callable[[epql.Connection], object], folder: Path) -> float:
    """Seconds that something takes on a new database."""
    with epql.connect(folder) as con:
        begun = time.perf_counter()
        run(con)
        con.commit()
        seconds = time.perf_counter() - begun
        con.close()
    return seconds


def one_by_one(con: epql.Connection, rows: list[tuple[str, int]]) -> None:
    """An execute for each row."""
    for row in rows:
        con.execute(TEXT, row)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--json", type=Path, help="write the numbers there")
    options = parser.parse_args()
    count = options.rows
    rows = [(f"s{number}", number) for number in range(count)]
    with tempfile.TemporaryDirectory() as top:
        many = timed(lambda con: con.executemany(TEXT, rows), Path(top) / "many")
        single = timed(lambda con: one_by_one(con, rows), Path(top) / "single")
    print(f"epql {epql.__version__}, {count:,} assertions in one transaction")
    print(f"executemany {count / many:10,.0f} rows/s")
    print(f"execute     {count / single:10,.0f} rows/s")
    print(f"executemany is {single / many:.1f} times as fast")
    if options.json:
        rates = {"executemany": count / many, "execute": count / single}
        options.json.write_text(json.dumps({"rows": count, "rows_s": rates}))


if __name__ == "__main__":
    main()
