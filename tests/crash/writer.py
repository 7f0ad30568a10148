"""The process that is killed: loads commits and acknowledges each on standard output.

    python tests/crash/writer.py DATABASE SEED

Commit n holds `size_of(n)` assertions about subject `batch/<n>`, so a checker can tell from
the database alone whether a commit is whole. It goes on from what it finds.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import epql


def size_of(number: int) -> int:
    """How many assertions commit `number` has: one, a few, or many."""
    return (1, 3, 40, 400)[number % 4]


def rows_of(number: int) -> list[tuple[str, str, str]]:
    """The assertions of a commit."""
    subject, filler = f"batch/{number}", "x" * (number * 37 % 200)
    return [(subject, f"p{i}", f"{number}.{i} {filler}") for i in range(size_of(number))]


def main(path: Path, seed: int) -> None:
    """Write commits for ever, acknowledging each."""
    rnd = random.Random(seed)
    con = epql.connect(path, agent="writer")
    (number,) = con.execute("SELECT count(*) FROM commits").fetchall()[0]
    while True:
        number += 1
        con.cursor().executemany("ASSERT (?, ?, ?)", rows_of(number))
        if rnd.random() < 0.1:  # an abandoned transaction must leave nothing
            con.rollback()
            con.cursor().executemany("ASSERT (?, ?, ?)", rows_of(number))
        con.commit()
        os.write(1, b"ACK %d\n" % number)  # not through a buffer: it is a promise


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
